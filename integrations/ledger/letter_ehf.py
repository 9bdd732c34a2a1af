"""A letter of collection as EHF's reminder (process 06): of one invoice, with what is added to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.collection.progress import Letter
from domain.invoicing.invoice import Invoice, decimals_of
from integrations.einvoice.ehf import LateCharge, Reminded, reminder

# What a row of a letter adds, in the words of the country whose format it is.
_ADDED: Final = (
    ("earlier_minor", "Tidligere gebyrer og renter"),
    ("fee_minor", "Purregebyr"),
    ("compensation_minor", "Forsinkelseskompensasjon"),
    ("interest_minor", "Forsinkelsesrente"),
)


def letter_ehf(letter: Letter, row: Mapping[str, Any], invoice: Invoice) -> bytes:
    """Return the document. ``row`` is the invoice's in the letter. Refuses with: BadValue (no address in Peppol)."""
    places = decimals_of(letter.currency)

    def amount(minor: int) -> Decimal:
        return Decimal(minor).scaleb(-places)

    charges = [LateCharge(text, amount(row[name])) for name, text in _ADDED if row.get(name)]
    said = Reminded(
        number=str(letter.id),
        issued_on=letter.made_on,
        due_on=date.fromisoformat(str(letter.content["pay_by"])),
        paid=invoice.total - amount(row["open_minor"]),
        charges=charges,
    )
    return reminder(invoice, said)
