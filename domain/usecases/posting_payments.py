"""Post payments: decide what each pays, book it, apply it, and end the direct debits that it is of.

Whoever calls anything here holds ``unit.payments.lock()``.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.ids import CustomerId
from domain.payments.allocating import Claims, OpenClaim, Piece, Plan, Wanted, forms_of, on_oldest, plan
from domain.payments.booking import moved, received, shares
from domain.payments.exchanging import another, wanted
from domain.payments.payment import OpenItem, Payment, PaymentState, Reason
from domain.payments.record import Kind
from domain.payments.rules import Rules
from domain.ports.unit import Unit
from domain.usecases.applying import allocations, claims_about, round_off
from domain.usecases.debit_outcomes import Returning, settle_debits
from domain.usecases.exchange_payment import Exchanging

_STILL = frozenset({PaymentState.NOTED, PaymentState.HELD})


async def post_payments(
    unit: Unit, drafts: Sequence[Payment], rules: Rules, *, now: dt.datetime, client: str
) -> tuple[list[Payment], dict[str, int]]:
    """Post payments, each to be kept by its state, and return them with what became of our debits, counted.

    A return takes back what was there before its file, else a payment of the same file.
    """
    posting = _Posting(unit, rules, now, client)
    within = [one for one in drafts if one.kind is Kind.RETURN and _within(one, drafts)]
    before = [one for one in drafts if one.kind is Kind.RETURN and one not in within]
    taken, unmet = await posting.returned(before)
    paid = await posting.paid([one for one in drafts if one.kind is not Kind.RETURN])
    taken_late, lost = await posting.returned([*within, *unmet])
    kept = [*taken, *paid, *taken_late, *await _kept(unit, lost)]
    return sorted(kept, key=lambda one: one.position), dict(posting.debits)


def _within(payment: Payment, drafts: Sequence[Payment]) -> bool:
    """Tell whether a return is of a payment of its own file by the bank's own name for it."""
    name = payment.record.get("bank_ref")
    return name is not None and any(
        one.kind is Kind.PAYMENT
        and one.position < payment.position
        and one.record.get("bank_ref") == name
        and (one.amount_minor, one.currency) == (payment.amount_minor, payment.currency)
        for one in drafts
    )


class _Posting:
    """Posts payments, one group after another; ``debits`` counts ours by what became of them."""

    def __init__(self, unit: Unit, rules: Rules, now: dt.datetime, client: str) -> None:
        self._unit = unit
        self._rules = rules
        self._now = now
        self._client = client
        self.debits: Counter[str] = Counter()

    async def paid(self, payments: Sequence[Payment]) -> list[Payment]:
        """Post what is no return."""
        unit, decided, plans = self._unit, list(payments), dict[int, Plan]()
        named = await Named.of_payments(unit, decided, self._rules)
        for index, one in enumerate(decided):
            if one.state is PaymentState.UNALLOCATED:
                decided[index], chosen = await named.plan(one)
                plans[one.position] = chosen
        await _book(unit, decided, {key: each.applied for key, each in plans.items()}, plans)
        kept = await _kept(unit, decided)
        days, made = Days(unit), []
        for one in kept:
            if (chosen_of := plans.get(one.position)) is not None and chosen_of.parts:
                on = await days.of(one.booked_on)
                made += allocations(
                    chosen_of.parts, operator=one.operator, at=self._now, client=self._client, on=on, payment=one.id
                )
        await unit.payments.allocate(made)
        for one in kept:
            if (chosen_of := plans.get(one.position)) is not None and chosen_of.rounding is not None:
                await round_off(unit, one, chosen_of.rounding, at=self._now, on=one.booked_on, client=self._client)
        self.debits.update(await settle_debits(unit, kept, plans, self._now))
        told = [
            (f"payment:{one.id}", told_of(one)) for one in kept if one.entry is not None and one.kind is Kind.PAYMENT
        ]
        await unit.outbox.promise_all("payment.received", told)
        return kept

    async def returned(self, payments: Sequence[Payment]) -> tuple[list[Payment], list[Payment]]:
        """Post returns; those whose payment is not known are given back as they would be kept."""
        unit = self._unit
        returning = Returning(unit, self._rules, self._now)
        opened = [replace(one, state=PaymentState.UNALLOCATED, reason=None) if _unmet(one) else one for one in payments]
        tried = [await returning.take(one) for one in opened]
        found = [one for one in tried if not _unmet(one)]
        await _book(unit, found, returning.applied, {})
        kept = await _kept(unit, found)
        back = [(f"payment:{one.id}", told_of(one)) for one in kept if one.original is not None]
        await unit.outbox.promise_all("payment.returned", back)
        return kept, [one for one in tried if _unmet(one)]


def _unmet(payment: Payment) -> bool:
    return payment.reason is Reason.UNKNOWN_ORIGINAL


async def _kept(unit: Unit, payments: Sequence[Payment]) -> list[Payment]:
    """Keep payments that are new, and write those that were kept before."""
    new = iter(await unit.payments.keep([one for one in payments if one.id == 0]))
    return [next(new) if one.id == 0 else await unit.payments.change(one) for one in payments]


def told_of(payment: Payment) -> dict[str, object]:
    """Return what an event tells of a payment."""
    return {
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "booked_on": payment.booked_on.isoformat(),
        "state": payment.state.value,
        "customer": payment.customer,
    }


class Days:
    """The day on which what happened on a day is booked, each asked for once."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._known: dict[dt.date, dt.date] = {}

    async def of(self, day: dt.date) -> dt.date:
        """Return it."""
        if day not in self._known:
            self._known[day] = await self._unit.ledger.open_day(day)
        return self._known[day]


class Named:
    """The documents that a file's references name, with what the file's payments so far have left of them."""

    def __init__(self, unit: Unit, rules: Rules, found: Mapping[str, OpenItem], claims: Claims) -> None:
        self._unit = unit
        self._rules = rules
        self._of = {name: item.invoice for name, item in found.items()}
        self._now = {item.invoice: item for item in found.values()}
        self._claims = {key: list(several) for key, several in claims.items()}
        self._numbers: Mapping[str, CustomerId] = {}
        self._exchanging = Exchanging(unit)

    @classmethod
    async def of_payments(cls, unit: Unit, payments: Sequence[Payment], rules: Rules) -> Named:
        """Load what the references of payments name."""
        names = sorted({form for one in payments for each in wanted(one) for form in forms_of(each.ref)})
        found = await unit.payments.items_named(names)
        claims = await claims_about(unit, {item.invoice for item in found.values()})
        named = cls(unit, rules, found, claims)
        if rules.oldest_first:
            named._numbers = await unit.payments.customers_numbered([name for name in names if name not in found])
        return named

    async def plan(self, payment: Payment) -> tuple[Payment, Plan]:
        """Decide about a payment, exchanged where it must be, and take what it pays off what is open."""
        names = wanted(payment)
        items = self._items(names)
        lacking = None
        if payment.kind is Kind.PAYMENT and self._rules.exchange and (code := another(payment, items.values())):
            payment, lacking = await self._exchanging.take(payment, code)
            names = wanted(payment)
        chosen = await self._plan(payment, names, items)
        if lacking is not None:
            chosen = replace(chosen, reason=lacking)
        return replace(payment, state=chosen.state, reason=chosen.reason, customer=chosen.customer), chosen

    async def _plan(self, payment: Payment, names: Sequence[Wanted], items: Mapping[str, OpenItem]) -> Plan:
        if payment.kind is Kind.PAYMENT:
            chosen = plan(
                payment.amount_minor,
                payment.currency,
                names,
                items,
                self._claims,
                self._rules,
                exchanged=payment.exchanged,
            )
            if chosen.reason is Reason.UNKNOWN_REFERENCE and self._numbers:
                chosen = await self._by_customer(payment, names) or chosen
            elif chosen.state is PaymentState.CREDIT and self._rules.use_credit and chosen.customer is not None:
                self._apply(chosen.parts)
                return await self._with_rest(payment, chosen, chosen.customer)
        else:
            chosen = await self._lowered(payment, names)
        self._apply(chosen.parts)
        if chosen.rounding is not None:
            self._apply((chosen.rounding,))
        return chosen

    def _items(self, names: Sequence[Wanted]) -> dict[str, OpenItem]:
        """Return the documents of some references, by the forms that these are known by."""
        forms = [form for one in names for form in forms_of(one.ref)]
        return {form: self._now[self._of[form]] for form in forms if form in self._of}

    async def _by_customer(self, payment: Payment, names: Sequence[Wanted]) -> Plan | None:
        """Pay the oldest invoices of the customer whose number a reference is; None where it is nobody's."""
        owners = {self._numbers[form] for one in names for form in forms_of(one.ref) if form in self._numbers}
        if len(owners) != 1:
            return None
        start = Plan(customer=owners.pop(), state=PaymentState.CREDIT, reason=Reason.BY_CUSTOMER)
        assert start.customer is not None
        return await self._with_rest(payment, start, start.customer)

    async def _with_rest(self, payment: Payment, chosen: Plan, customer: CustomerId) -> Plan:
        """Pay the customer's oldest open invoices with what is left."""
        items = await self._unit.payments.open_items(customer)
        for item in items:
            self._now.setdefault(item.invoice, item)
        more = [key for item in items if (key := item.invoice) not in self._claims]
        self._claims |= {key: list(several) for key, several in (await claims_about(self._unit, more)).items()}
        mine = [self._now[item.invoice] for item in items if item.currency == payment.currency]
        found = on_oldest(payment.amount_minor - chosen.applied, mine, self._claims, self._rules)
        self._apply(found)
        parts = (*chosen.parts, *found)
        whole = sum(piece.amount for piece in parts) == payment.amount_minor
        reason = (
            chosen.reason if chosen.reason is Reason.BY_CUSTOMER else Reason.OLDEST_FIRST if found else chosen.reason
        )
        state = PaymentState.ALLOCATED if whole else PaymentState.CREDIT
        return replace(chosen, parts=parts, state=state, reason=reason)

    async def _lowered(self, payment: Payment, names: Sequence[Wanted]) -> Plan:
        """Apply what lowers a deposit or was paid out (deduction, payout) to the credit note it names."""
        items = self._items(names)
        forms = [form for one in names for form in forms_of(one.ref)]
        item = next((items[form] for form in forms if form in items), None)
        if item is None or item.currency != payment.currency:
            return Plan(reason=Reason.UNKNOWN_REFERENCE)
        if item.open_minor >= 0:
            item = await self._note_of(item, forms)
        if item is None or item.open_minor >= 0:
            return Plan(reason=Reason.NOTHING_OPEN)
        part = max(-payment.amount_minor, item.open_minor)
        parts = (Piece(invoice=item.invoice, customer=item.customer, amount=part),)
        whole = part == -payment.amount_minor
        state = PaymentState.ALLOCATED if whole else PaymentState.CREDIT
        return Plan(parts=parts, customer=item.customer, state=state, reason=None if whole else Reason.NOTHING_OPEN)

    async def _note_of(self, item: OpenItem, forms: Sequence[str]) -> OpenItem | None:
        """Return the customer's open credit note that is called as one of his invoices is; None where there is none."""
        for one in await self._unit.payments.open_items(item.customer):
            if one.open_minor < 0 and one.currency == item.currency and {one.number, one.reference} & set(forms):
                return self._now.setdefault(one.invoice, one)
        return None

    def _apply(self, parts: Sequence[Piece]) -> None:
        """Take what was applied off what is open, so that the file's next payment sees it."""
        for piece in parts:
            if piece.invoice is not None:
                item = self._now[piece.invoice]
                self._now[piece.invoice] = replace(item, open_minor=item.open_minor - piece.amount)
        paid = {piece.claim: piece.amount for piece in parts if piece.claim is not None}
        if paid:
            for several in self._claims.values():
                several[:] = [
                    OpenClaim(one.claim, left)
                    for one in several
                    if (left := one.open_minor - paid.get(one.claim.id, 0)) > 0
                ]


async def _book(unit: Unit, payments: list[Payment], applied: Mapping[int, int], plans: Mapping[int, Plan]) -> None:
    """Book what moved money, and note the entry's key on each payment; ``applied`` of it are customers' debts."""
    entries, days = [], Days(unit)
    for index, one in enumerate(payments):
        if one.state in _STILL or one.amount_minor == 0 or one.entry is not None:
            continue
        on = await days.of(one.booked_on)
        entry = received(one, applied.get(one.position, 0), on=on)
        entries.append(entry)
        payments[index] = replace(one, entry=entry.key)
        if one.customer is None and (chosen := plans.get(one.position)) is not None and chosen.parts:
            given = shares([(piece.customer, piece.amount) for piece in chosen.parts])
            entries.extend(moved(one, share, on=on, turn=turn) for turn, share in enumerate(given, 1))
    await unit.ledger.post(entries)
