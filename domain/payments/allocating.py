"""Which invoices a payment pays: by the references it gives, with their amounts where it splits itself.

Only a reference that is an invoice's payment reference or number decides; free text makes suggestions, never postings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

from domain.ids import ClaimId, CustomerId, InvoiceId
from domain.payments.claim import COSTS, Claim
from domain.payments.payment import OpenItem, PaymentState, Reason
from domain.payments.rules import Order, Rules

_WORDS: Final = re.compile(r"[0-9A-Za-z-]{2,25}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reference of a payment, in minor units where the payer split it (negative: a credit note he takes off)."""

    ref: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What an invoice or a claim gets, in minor units; of a credit note it is negative."""

    customer: CustomerId
    amount: int
    invoice: InvoiceId | None = None
    claim: ClaimId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: pieces (never more than the payment), whose the payment is, and the state it has then.

    ``rounding`` is what closes the invoice beside the payment: more where a little was missing, less where it was too
    much.
    """

    parts: tuple[Piece, ...] = ()
    customer: CustomerId | None = None
    state: PaymentState = PaymentState.UNALLOCATED
    reason: Reason | None = None
    rounding: Piece | None = None

    @property
    def applied(self) -> int:
        """What the pieces come to."""
        return sum(piece.amount for piece in self.parts)


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A claim with what is open of it."""

    claim: Claim
    open_minor: int


Claims: TypeAlias = Mapping[InvoiceId, Sequence[OpenClaim]]


@lru_cache(maxsize=1024)  # each reference is asked for a few times, one soon after another
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


def plan(  # noqa: PLR0917  (what decides)
    amount: int,
    currency: str,
    wanted: Sequence[Wanted],
    items: Mapping[str, OpenItem],
    claims: Claims | None = None,
    rules: Rules | None = None,
    *,
    exchanged: bool = False,
) -> Plan:
    """Decide what a payment of ``amount`` minor units pays; ``items`` are the documents its references name.

    The sum of the parts is never more than the amount. What is left over is the customer's credit. ``exchanged``: the
    amount was paid in another currency, and may miss an invoice by the tolerance of that.
    """
    rules = rules or Rules()
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
    return _applied(amount, named, customers, claims or {}, rules, split=bool(splits), exchanged=exchanged)


def _named(wanted: Sequence[Wanted], items: Mapping[str, OpenItem]) -> list[tuple[OpenItem, int | None]]:
    """Return the documents that are named, each once, with the amount that was given for it."""
    found: dict[InvoiceId, tuple[OpenItem, int | None]] = {}
    for one in wanted:
        for form in forms_of(one.ref):
            if (item := items.get(form)) is not None:
                found.setdefault(item.invoice, (item, one.amount_minor))
                break
    return list(found.values())


def _applied(
    amount: int,
    named: list[tuple[OpenItem, int | None]],
    customers: set[CustomerId],
    claims: Claims,
    rules: Rules,
    *,
    split: bool,
    exchanged: bool,
) -> Plan:
    """Apply the amount: what was said, or credit notes first and then what is due first."""
    customer = next(iter(customers)) if len(customers) == 1 else None
    if split:
        parts, cut = [_piece(item, _within(said or 0, item.open_minor)) for item, said in named], False
    else:
        if len(named) == 1 and (near := _near(amount, named[0][0], claims, rules, exchanged=exchanged)) is not None:
            return near
        parts, cut = _in_order(amount, [item for item, _ in named], claims, rules)
    kept = tuple(piece for piece in parts if piece.amount)
    left = amount - sum(piece.amount for piece in kept)
    if left and customer is None:
        return Plan(reason=Reason.SUM_DIFFERS)
    if not left:
        reason = Reason.OLDEST_FIRST if cut and len(named) > 1 and not split else None
        return Plan(parts=kept, customer=customer, state=PaymentState.ALLOCATED, reason=reason)
    reason = Reason.OVERPAID if kept else Reason.NOTHING_OPEN
    return Plan(parts=kept, customer=customer, state=PaymentState.CREDIT, reason=reason)


def _in_order(amount: int, items: Sequence[OpenItem], claims: Claims, rules: Rules) -> tuple[list[Piece], bool]:
    """Pay credit notes off first and then what is due first, each with the claims about it; tell whether it was cut."""
    parts: list[Piece] = []
    left, cut = amount, False
    for item in sorted(items, key=lambda one: (one.open_minor >= 0, one.due_on, one.invoice)):
        if item.open_minor < 0:
            parts.append(_piece(item, item.open_minor))
            left -= item.open_minor
            continue
        for piece in owed(item, claims.get(item.invoice, ()), rules.order):
            part = min(max(left, 0), piece.amount)
            cut = cut or part < piece.amount
            parts.append(replace(piece, amount=part))
            left -= part
    return parts, cut


def owed(item: OpenItem, claims: Sequence[OpenClaim], order: Order) -> list[Piece]:
    """Return an invoice and the claims about it in the order in which they are paid."""
    principal = [_piece(item, item.open_minor)]
    costs = [_of_claim(one) for one in claims if one.claim.kind in COSTS]
    interest = [_of_claim(one) for one in claims if one.claim.kind not in COSTS]
    match order:
        case Order.COSTS_INTEREST_PRINCIPAL:
            return [*costs, *interest, *principal]
        case Order.INTEREST_COSTS_PRINCIPAL:
            return [*interest, *costs, *principal]
        case Order.PRINCIPAL_FIRST:
            return [*principal, *interest, *costs]


def _near(amount: int, item: OpenItem, claims: Claims, rules: Rules, *, exchanged: bool) -> Plan | None:
    """Close an invoice that a payment misses by no more than the tolerance; the difference is rounding."""
    about = claims.get(item.invoice, ())
    owed_minor = item.open_minor + sum(one.open_minor for one in about)
    missing = owed_minor - amount
    most = rules.tolerance.get(item.currency, 0)
    if exchanged:
        most = max(most, owed_minor * rules.exchange_tolerance // 10_000)
    if not missing or item.open_minor <= 0 or abs(missing) > most:
        return None
    if item.open_minor - missing <= 0:
        return None
    pieces = [_of_claim(one) for one in about] + [_piece(item, item.open_minor - missing)]
    return Plan(
        parts=tuple(piece for piece in pieces if piece.amount),
        customer=item.customer,
        state=PaymentState.ALLOCATED,
        reason=Reason.EXCHANGED if exchanged else Reason.ROUNDED,
        rounding=_piece(item, missing),
    )


def on_oldest(amount: int, items: Sequence[OpenItem], claims: Claims, rules: Rules) -> tuple[Piece, ...]:
    """Return what an amount of a customer's pays of his open invoices, the oldest due first."""
    owing = [item for item in items if item.open_minor > 0]
    return tuple(piece for piece in _in_order(amount, owing, claims, rules)[0] if piece.amount)


def _piece(item: OpenItem, amount: int) -> Piece:
    return Piece(customer=item.customer, amount=amount, invoice=item.invoice)


def _of_claim(one: OpenClaim) -> Piece:
    return Piece(customer=one.claim.customer, amount=one.open_minor, claim=one.claim.id)


def _within(said: int, open_minor: int) -> int:
    """Return what of a said amount a document can take; more than is open stays with the customer."""
    if said >= 0:
        return min(said, max(open_minor, 0))
    return max(said, min(open_minor, 0))


def _minor(text: str, scale: int) -> int:
    scaled = Decimal(text) * scale
    return int(scaled) if scaled == int(scaled) else 0
