"""What a payer disputes of an invoice: open until it is credited, rejected or withdrawn, not reminded of meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.ids import CustomerId, DisputeId, InvoiceId, OperatorId, ResellerId
from domain.invoicing.invoice import DocumentKind, Invoice, decimals_of
from domain.money import round_to
from domain.refusal import BadValue, WrongState

REASON_MAX = 1000


class DisputeState(StrEnum):
    """Open, or how it was decided."""

    OPEN = "open"
    CREDITED = "credited"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """``amount_minor`` of an invoice, with VAT, is disputed for a ``reason``; ``lines`` are those it is of, if any.

    ``decision`` says why it was decided as it was; ``credit_note`` is the number of the note that settled it.
    """

    id: DisputeId
    operator: OperatorId
    customer: CustomerId
    invoice: InvoiceId
    currency: str
    amount_minor: int
    reason: str
    opened_at: datetime
    opened_by: str
    reseller: ResellerId | None = None
    lines: tuple[int, ...] = ()
    state: DisputeState = DisputeState.OPEN
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision: str = ""
    credit_note: str | None = None
    version: int = 1


def disputed_amount(invoice: Invoice, *, lines: tuple[int, ...] = (), amount: Decimal | None = None) -> Decimal:
    """Return what is disputed, with VAT: an amount, that of lines, or the whole of the invoice.

    Refuses with: WrongState (a credit note), BadValue (more than the invoice, a line it does not have).
    """
    places = decimals_of(invoice.currency)
    if invoice.kind is not DocumentKind.INVOICE or invoice.total <= 0:
        raise WrongState(
            "nothing is to be paid of {number}: there is nothing to dispute", number=invoice.number, field="invoice"
        )
    if lines and amount is not None:
        raise BadValue("give lines or an amount, not both", field="amount")
    known = {line.position: line for line in invoice.lines}
    for index, position in enumerate(lines):
        if position not in known or position in lines[:index]:
            raise BadValue(
                "invoice {number} has no line {position}, or it stands there twice",
                number=invoice.number,
                position=position,
                field=f"lines.{index}",
            )
    if lines:
        taxed = (known[one].net * (100 + known[one].vat.percent) / 100 for one in lines)
        amount = min(round_to(sum(taxed, Decimal(0)), places), invoice.total)
        if amount <= 0:
            raise BadValue("these lines come to nothing that is to be paid", field="lines")
    if amount is None:
        return invoice.total
    if not 0 < amount <= invoice.total or amount != round(amount, places):
        raise BadValue(
            "an amount of more than 0 and up to {total} {currency} can be disputed",
            total=invoice.total,
            currency=invoice.currency,
            field="amount",
        )
    return amount


def decided(
    dispute: Dispute,
    *,
    at: datetime,
    by: str,
    credited: str | None = None,
    state: DisputeState = DisputeState.REJECTED,
    decision: str = "",
) -> Dispute:
    """Return the dispute as decided. Refuses with: WrongState (it is decided already)."""
    if dispute.state is not DisputeState.OPEN:
        raise WrongState("the dispute is {state} already", state=dispute.state.value, field="dispute")
    return replace(
        dispute,
        state=DisputeState.CREDITED if credited is not None else state,
        decided_at=at,
        decided_by=by,
        decision=decision,
        credit_note=credited,
    )


def held_of(disputes: Iterable[Dispute]) -> dict[InvoiceId, int]:
    """Return what open disputes hold of each invoice, in minor units."""
    found: dict[InvoiceId, int] = {}
    for one in disputes:
        if one.state is DisputeState.OPEN:
            found[one.invoice] = found.get(one.invoice, 0) + one.amount_minor
    return found
