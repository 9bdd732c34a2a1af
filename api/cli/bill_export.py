"""What ``tollwright bill export`` writes: a file per invoice, or one file of them all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api.cli import ATTENTION, DONE, Unreachable, complain
from domain.refusal import Refusal

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ids import BillRunId
    from domain.invoicing.invoice import Invoice
    from domain.telling.language import Language

FORMATS: Final = (
    *("pdf", "printhouse", "peppol", "ehf", "finvoice", "oioubl", "basis"),
    *("sie", "journal-csv", "journal-json", "csv", "json"),
)
INVOICES_PER_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Export:
    """Which run goes where, and what moves the progress bar."""

    run: BillRunId
    out: Path
    wiring: Wiring
    actor: Actor
    step: Callable[[int, int | None], None]
    language: Language | None = None


async def export_run(to: Export, format_: str) -> int:
    """Write the invoices of a run in one of ``FORMATS``; return the exit code."""
    match format_:
        case "pdf":
            return await _export_pdf(to)
        case "peppol" | "ehf" | "finvoice" | "oioubl":
            return await _export_einvoices(to, "peppol" if format_ == "ehf" else format_)  # EHF Billing 3 is Peppol's
        case "printhouse":
            from api.cli.bill_printhouse import export_printhouse

            return await export_printhouse(to, _invoices(to))
        case "sie" | "journal-csv" | "journal-json":
            return await _export_journal(to, format_)
        case "basis":
            return await _export_basis(to)
    return await _export_data(to, format_)


async def _export_basis(to: Export) -> int:
    """Write the lines of a run as JSON Lines in the form of the basis: of its invoices, and what goes elsewhere."""
    from api.priced import row_of
    from domain.usecases.basis_of_run import basis_of_invoices, basis_of_run

    path, count = to.out / f"run-{to.run}-basis.jsonl", 0
    partial = path.with_name(path.name + ".part")
    around: dict[str, Any] = {"actor": to.actor, "begin": to.wiring.begin}
    with partial.open("w", encoding="utf-8") as file:
        async for invoice in _stepping(to):
            for line in await basis_of_invoices([invoice], **around):
                file.write(json.dumps(row_of(line) | {"invoice": invoice.number}, ensure_ascii=False) + "\n")
                count += 1
        after: int | None = 0
        while after is not None:
            lines, after = await basis_of_run(to.run, after=after, **around)
            file.writelines(json.dumps(row_of(line) | {"invoice": ""}, ensure_ascii=False) + "\n" for line in lines)
            count += len(lines)
    partial.replace(path)
    print(json.dumps({"run": to.run, "file": str(path), "lines": count}))
    return DONE


async def _export_pdf(to: Export) -> int:
    from domain.usecases.print_invoice import print_invoice

    async for invoice in _invoices(to):
        _, data = await print_invoice(invoice.id, actor=to.actor, begin=to.wiring.begin, documents=to.wiring.documents)
        _write(to.out, invoice, "pdf", data)
        to.step(1, None)
    return DONE


async def _export_einvoices(to: Export, format_: str) -> int:
    from domain.delivery.dispatch import Form
    from domain.ports.documents import RulesAway
    from integrations.einvoice.findings import FATAL
    from integrations.einvoice.rules import Checker

    form, rules = Form(format_), to.wiring.settings.einvoice_rules
    if rules is None:
        complain("checked by schema, EN 16931 and our own rules; TOLLWRIGHT_EINVOICE_RULES adds the publishers'")
    code, skipped = DONE, 0
    with Checker(rules) as checker:
        async for invoice in _invoices(to):
            to.step(1, None)
            if not invoice.payer.endpoint and form is not Form.FINVOICE:
                skipped += 1
                continue
            try:
                data = to.wiring.documents.written(invoice, form)
                findings = await asyncio.to_thread(checker.check, data, rules_may_miss=rules is None)
            except Refusal as no:
                complain(f"invoice {invoice.number}: {no.message}")
                code = ATTENTION
                continue
            except RulesAway as away:
                raise Unreachable(str(away)) from None
            broken = [finding for finding in findings if finding.severity == FATAL]
            for finding in broken:
                row = {"invoice": invoice.number, "rule": finding.rule, "place": finding.place, "text": finding.text}
                print(json.dumps(row, ensure_ascii=False))
            if broken:
                code = ATTENTION
            else:
                _write(to.out, invoice, "xml", data)
    if skipped:
        complain(f"{skipped} invoices have payers without a Peppol id and were left out")
    return code


async def _export_journal(to: Export, format_: str) -> int:
    from domain.ledger.journal import Journal
    from domain.usecases.get_operator import get_operator
    from domain.usecases.make_journal import add_to, journal_currency
    from integrations.accounting import plain, sie

    operator = await get_operator(actor=to.actor, begin=to.wiring.begin)
    journal = Journal(journal_currency(operator))
    left = await add_to(journal, _stepping(to))
    vouchers = journal.vouchers(f"run {to.run}")
    match format_:
        case "journal-csv":
            name, data = f"run-{to.run}-journal.csv", plain.as_csv(vouchers, journal.currency).encode()
        case "journal-json":
            lines = "".join(f"{line}\n" for line in plain.as_json(vouchers, journal.currency))
            name, data = f"run-{to.run}-journal.jsonl", lines.encode()
        case _:
            company = sie.Company(
                name=operator.name, organisation_number=operator.organisation_number, currency=journal.currency
            )
            name, data = f"run-{to.run}.si", sie.encode(vouchers, company, made_on=to.wiring.clock.now().date())
    path = to.out / name
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)
    print(json.dumps({"run": to.run, "file": str(path), "invoices": journal.count, "total": f"{journal.total:f}"}))
    if left:
        complain(f"{len(left)} invoices are not in {journal.currency} and are left out: {', '.join(left[:5])} ...")
    return ATTENTION if left else DONE


async def _stepping(to: Export) -> AsyncIterator[Invoice]:
    async for invoice in _invoices(to):
        to.step(1, None)
        yield invoice


async def _export_data(to: Export, format_: str) -> int:
    from integrations.printing import basis

    path = to.out / f"run-{to.run}.{'jsonl' if format_ == 'json' else 'csv'}"
    partial = path.with_name(path.name + ".part")
    count = 0
    with partial.open("w", encoding="utf-8", newline="") as file:
        heads = "" if format_ == "json" else "".join(basis.rows([], to.language))
        # A spreadsheet takes a file of UTF-8 for another encoding without its mark; a program wants none.
        file.write(heads if to.language is None else f"\ufeff{heads}")
        async for invoice in _invoices(to):
            if format_ == "json":
                file.write(basis.encode(invoice) + "\n")
            else:
                file.write("".join(basis.rows([invoice], to.language)).removeprefix(heads))
            count += 1
            to.step(1, None)
    partial.replace(path)
    print(json.dumps({"run": to.run, "file": str(path), "invoices": count}))
    return DONE


async def _invoices(to: Export) -> AsyncIterator[Invoice]:
    from domain.ports.page import PageRequest
    from domain.usecases.list_invoices import ListInvoices, list_invoices

    after, more = None, True
    while more:
        request = PageRequest(first=INVOICES_PER_PAGE, after=after)
        page = await list_invoices(ListInvoices(page=request, run=to.run), actor=to.actor, begin=to.wiring.begin)
        for invoice in page.items:
            yield invoice
            after = invoice.id
        more = page.more


def _write(out: Path, invoice: Invoice, suffix: str, data: bytes) -> None:
    """Write a document under a name made of our own words and digits, whole or not at all."""
    path = out / f"{invoice.kind.value}-{invoice.number}.{suffix}"
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)
    print(json.dumps({"invoice": invoice.number, "file": str(path), "bytes": len(data)}))
