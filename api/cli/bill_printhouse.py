"""``tollwright bill export --format printhouse``: a run's documents as a printhouse gets them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from api.cli import ATTENTION, DONE, complain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.cli.bill_export import Export
    from domain.invoicing.invoice import Invoice


async def export_printhouse(to: Export, invoices: AsyncIterator[Invoice]) -> int:
    """Write one PDF in the order of post, its table and the same as XML, for each so many documents as a batch has.

    Nothing is queued or noted as printed: ``tollwright print batch`` does that. A document of too many calls is left
    out, and the exit code tells it.
    """
    from domain.delivery.printing import DOCUMENTS_MAX, post_order, sheaves, sums_of
    from domain.refusal import LimitExceeded
    from domain.usecases.get_operator import get_operator
    from domain.usecases.print_invoice import print_invoice

    operator = await get_operator(actor=to.actor, begin=to.wiring.begin)
    # Read again when it is printed: a run has more invoices than lie in memory with their lines.
    order = sorted([(post_order(one, country=operator.country), one.id, one.number) async for one in invoices])
    documents, code = to.wiring.documents, DONE
    for part in range(0, len(order), DOCUMENTS_MAX):
        chosen, pdfs = [], []
        for _, key, number in order[part : part + DOCUMENTS_MAX]:
            to.step(1, None)
            try:
                invoice, pdf = await print_invoice(key, actor=to.actor, begin=to.wiring.begin, documents=documents)
            except LimitExceeded as much:
                complain(f"invoice {number}: {much.message}")
                code = ATTENTION
                continue
            chosen.append(invoice)
            pdfs.append(pdf)
        if not chosen:
            continue
        pages = [await asyncio.to_thread(documents.pages, pdf) for pdf in pdfs]
        lying = sheaves(chosen, pages, duplex=True)
        sums = sums_of(lying, duplex=True)
        name = f"run-{to.run}-printhouse-{part // DOCUMENTS_MAX + 1}"
        made = await asyncio.to_thread(documents.bundle, name, operator.name, lying, sums, pdfs)
        for kind, content in made.items():
            path = to.out / f"{name}.{kind}"
            partial = path.with_name(path.name + ".part")
            partial.write_bytes(content)
            partial.replace(path)
            row = {"run": to.run, "file": str(path), "bytes": len(content), "documents": sums.documents}
            print(json.dumps(row | {"pages": sums.pages, "sheets": sums.sheets}))
    if not order:
        complain(f"run {to.run} has no documents")
    return code
