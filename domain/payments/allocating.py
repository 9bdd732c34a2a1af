"""Which invoices a payment pays: by the references it gives, with their amounts where it splits itself.

Only a reference that is an invoice's payment reference or number decides; free text makes suggestions, never postings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.ids import CustomerId, InvoiceId
from domain.payments.payment import OpenItem, PaymentState, Reason

_WORDS: Final = re.compile(r"[0-9A-Za-z-]{2,25}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reference of a payment, in minor units where the payer split it (negative: a credit note he takes off)."""

    ref: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: parts for invoices (never more than the payment), whose the payment is, and the state it has then."""

    parts: tuple[tuple[InvoiceId, CustomerId, int], ...] = ()
    customer: CustomerId | None = None
    state: PaymentState = PaymentState.UNALLOCATED
    reason: Reason | None = None


def forms_of(ref: str) -> tuple[str, ...]:
    """Return how a reference may stand in our books: as it is, without blanks, without leading zeros.

    >>> forms_of("00 1234 5")
    ('00 1234 5', '0012345', '12345')
    """
    plain = ref.strip()
    tight = plain.replace(" ", "")
    return tuple(dict.fromkeys(form for form in (plain, tight, tight.lstrip("0")) if form))


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words of free text that may be references, for suggestions alone."""
    return tuple(dict.fromkeys(word for text in texts for word in _WORDS.findall(text)))


def wanted_of(record: Mapping[str, Any], scale: int) -> tuple[Wanted, ...]:
    """Return the references of a neutral record; ``scale`` is the currency's minor units in one."""
    found: list[Wanted] = []
    for reference in record["references"]:
        amount = reference.get("amount")
        split = None if amount is None else _minor(amount, scale)
        parts = re.split(r"\s{2,}", reference["ref"].strip())
        # Several numbers in one field, as a composite of invoice and customer: each may be the one.
        found.extend(Wanted(ref=part, amount_minor=split) for part in dict.fromkeys([reference["ref"].strip(), *parts]))
    return tuple(found)


def plan(amount: int, currency: str, wanted: Sequence[Wanted], items: Mapping[str, OpenItem]) -> Plan:
    """Decide what a payment of ``amount`` minor units pays; ``items`` are the documents its references name.

    The sum of the parts is never more than the amount. What is left over is the customer's credit.
    """
    named = _named(wanted, items)
    if not named:
        return Plan(reason=Reason.UNKNOWN_REFERENCE if wanted else Reason.NO_REFERENCE)
    if any(item.currency != currency for item, _ in named):
        return Plan(reason=Reason.OTHER_CURRENCY)
    customers = {item.customer for item, _ in named}
    splits = [split for _, split in named if split is not None]
    if splits and (len(splits) != len(named) or sum(splits) != amount):
        if len(customers) > 1:
            return Plan(reason=Reason.SUM_DIFFERS)
        splits = []
    if len(customers) > 1 and not splits:
        total = sum(item.open_minor for item, _ in named)
        if total != amount:
            return Plan(reason=Reason.SEVERAL_CUSTOMERS)
    return _applied(amount, named, customers, split=bool(splits))


def _named(wanted: Sequence[Wanted], items: Mapping[str, OpenItem]) -> list[tuple[OpenItem, int | None]]:
    """Return the documents that are named, each once, with the amount that was given for it."""
    found: dict[InvoiceId, tuple[OpenItem, int | None]] = {}
    for one in wanted:
        for form in forms_of(one.ref):
            if (item := items.get(form)) is not None:
                found.setdefault(item.invoice, (item, one.amount_minor))
                break
    return list(found.values())


def _applied(amount: int, named: list[tuple[OpenItem, int | None]], customers: set[CustomerId], *, split: bool) -> Plan:
    """Apply the amount: what was said, or credit notes first and then what is due first."""
    parts: list[tuple[InvoiceId, CustomerId, int]] = []
    left, cut = amount, False
    ordered = (
        named if split else sorted(named, key=lambda pair: (pair[0].open_minor >= 0, pair[0].due_on, pair[0].invoice))
    )
    for item, said in ordered:
        if split and said is not None:
            part = _within(said, item.open_minor)
        elif item.open_minor < 0:
            part = item.open_minor
        else:
            part = min(max(left, 0), item.open_minor)
            cut = cut or part < item.open_minor
        if part:
            parts.append((item.invoice, item.customer, part))
            left -= part
    customer = next(iter(customers)) if len(customers) == 1 else None
    if left and customer is None:
        return Plan(reason=Reason.SUM_DIFFERS)
    if not left:
        reason = Reason.OLDEST_FIRST if cut and len(named) > 1 and not split else None
        return Plan(parts=tuple(parts), customer=customer, state=PaymentState.ALLOCATED, reason=reason)
    reason = Reason.OVERPAID if parts else Reason.NOTHING_OPEN
    return Plan(parts=tuple(parts), customer=customer, state=PaymentState.CREDIT, reason=reason)


def _within(said: int, open_minor: int) -> int:
    """Return what of a said amount a document can take; more than is open stays with the customer."""
    if said >= 0:
        return min(said, max(open_minor, 0))
    return max(said, min(open_minor, 0))


def _minor(text: str, scale: int) -> int:
    scaled = Decimal(text) * scale
    return int(scaled) if scaled == int(scaled) else 0
