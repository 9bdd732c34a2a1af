"""A document on its way to its payer, and the states it goes through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.customers.customer import Delivery
from domain.ids import CustomerId, DispatchId, InvoiceId, OperatorId, PrintBatchId, ResellerId
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.refusal import WrongState

FAULT_MAX: Final = 500
# The rule of a document that may have been taken, or not: nobody tries it again by himself.
UNCERTAIN: Final = "uncertain"


class Way(StrEnum):
    """How a document leaves."""

    ACCESS_POINT = "access_point"
    DROP = "drop"
    MAIL = "mail"
    PRINT = "print"


class Form(StrEnum):
    """What leaves."""

    PEPPOL = "peppol"
    FINVOICE = "finvoice"
    OIOUBL = "oioubl"
    PDF = "pdf"


class DispatchState(StrEnum):
    """Queued → sent → accepted → delivered; parked: it breaks a rule; rejected: they said no; failed: given up."""

    QUEUED = "queued"
    PARKED = "parked"
    SENT = "sent"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    FAILED = "failed"


# What may follow on each state. A receipt that comes late or twice changes nothing.
FOLLOWING: Final[dict[DispatchState, frozenset[DispatchState]]] = {
    DispatchState.QUEUED: frozenset(DispatchState) - {DispatchState.QUEUED},
    DispatchState.PARKED: frozenset({DispatchState.QUEUED}),
    DispatchState.SENT: frozenset(
        {DispatchState.ACCEPTED, DispatchState.DELIVERED, DispatchState.REJECTED, DispatchState.FAILED}
    ),
    DispatchState.ACCEPTED: frozenset({DispatchState.DELIVERED, DispatchState.REJECTED, DispatchState.FAILED}),
    DispatchState.DELIVERED: frozenset(),
    DispatchState.REJECTED: frozenset(),
    DispatchState.FAILED: frozenset({DispatchState.QUEUED}),
}
# What is over unless a person does something.
ENDED: Final = frozenset({DispatchState.DELIVERED, DispatchState.REJECTED, DispatchState.FAILED})
_FORMS: Final = {
    Delivery.PEPPOL: (Form.PEPPOL, Way.ACCESS_POINT),
    Delivery.FINVOICE: (Form.FINVOICE, Way.ACCESS_POINT),
    Delivery.OIOUBL: (Form.OIOUBL, Way.ACCESS_POINT),
    Delivery.EMAIL: (Form.PDF, Way.MAIL),
    Delivery.PRINT: (Form.PDF, Way.PRINT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One document on its way. ``again`` counts how often it was sent anew on purpose.

    ``reference`` is the name that the other side gives it; ``digest`` the SHA-256 of what was sent; ``rule`` the rule
    that a parked one breaks, ``fault`` what is wrong in a sentence. ``batch``, ``sequence``, ``first_page`` and
    ``pages`` are of a printed one. ``handed_at``: a mail server is being given it since then, and has not answered.
    """

    id: DispatchId
    operator: OperatorId
    invoice: InvoiceId
    number: str
    kind: DocumentKind
    customer: CustomerId
    reseller: ResellerId | None
    form: Form
    way: Way
    state: DispatchState
    queued_at: datetime
    changed_at: datetime
    channel: str | None = None
    attempts: int = 0
    reference: str | None = None
    digest: bytes | None = None
    rule: str | None = None
    fault: str | None = None
    again: int = 0
    batch: PrintBatchId | None = None
    sequence: int | None = None
    first_page: int | None = None
    pages: int | None = None
    handed_at: datetime | None = None
    version: int = 1


def leaves(delivery: Delivery) -> tuple[Form, Way] | None:
    """Return what leaves and how; None where the payer, or the other system, fetches it.

    >>> leaves(Delivery.PRINT), leaves(Delivery.PDF)
    ((<Form.PDF: 'pdf'>, <Way.PRINT: 'print'>), None)
    """
    return _FORMS.get(delivery)


def dispatch_of(invoice: Invoice, *, at: datetime, again: int = 0) -> Dispatch | None:
    """Return the dispatch of an issued document, not yet kept; None where nothing leaves."""
    way = leaves(invoice.delivery)
    if way is None:
        return None
    return Dispatch(
        id=DispatchId(0),
        operator=invoice.operator,
        invoice=invoice.id,
        number=invoice.number,
        kind=invoice.kind,
        customer=invoice.customer,
        reseller=invoice.reseller,
        form=way[0],
        way=way[1],
        state=DispatchState.QUEUED,
        queued_at=at,
        changed_at=at,
        again=again,
    )


def moved(one: Dispatch, state: DispatchState, *, at: datetime, fault: str | None = None) -> Dispatch:
    """Return the dispatch in its next state. Refuses with: WrongState."""
    if state not in FOLLOWING[one.state]:
        raise WrongState(
            "document {number} is {state} and cannot become {other}",
            number=one.number,
            state=one.state.value,
            other=state.value,
            field="dispatch",
        )
    said = None if fault is None else fault[:FAULT_MAX]
    return replace(one, state=state, changed_at=at, fault=said, handed_at=None)


def counted(dispatches: Iterable[Dispatch]) -> dict[DispatchState, int]:
    """Return how many are in each state, those that none is in left out."""
    found: dict[DispatchState, int] = {}
    for one in dispatches:
        found[one.state] = found.get(one.state, 0) + 1
    return found
