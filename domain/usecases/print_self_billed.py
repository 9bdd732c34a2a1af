"""Make the documents of what was written for a supplier: its PDF, its e-invoice, its data."""

from __future__ import annotations

import asyncio
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.delivery.dispatch import Form
from domain.ports.documents import Documents
from domain.ports.unit import Begin
from domain.refusal import BadValue
from domain.selfbilling.document import SelfBilled

SUFFIXES: Final = ("pdf", "xml", "json", "csv")


@operation(Action.READ_COSTS)
async def print_self_billed(
    number: str, *, suffix: str, actor: Actor, begin: Begin, documents: Documents
) -> tuple[SelfBilled, bytes]:
    """Return a document that was written for a supplier, as ``pdf``, Peppol ``xml``, ``json`` or ``csv``.

    Refuses with: NotAllowed, NotFound, BadValue (a suffix, a Peppol id that is not there).
    """
    if suffix not in SUFFIXES:
        raise BadValue("a document is one of {listed}", listed=", ".join(SUFFIXES), field="suffix")
    async with begin(actor) as unit:
        found = await unit.self_billing.by_number(number, held=False)
        zone = (await unit.operators.own()).zone
    match suffix:
        case "pdf":
            made = await asyncio.to_thread(documents.pdf, found.invoice, (), zone=zone)
        case "xml":
            made = await asyncio.to_thread(documents.written, found.invoice, Form.PEPPOL)
        case _:
            made = await asyncio.to_thread(documents.data, found.invoice, suffix)
    return found, made
