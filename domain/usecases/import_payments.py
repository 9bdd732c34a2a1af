"""Take a payment file in: exactly once, booked, and applied to what its references name."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, PaymentFileId, PaymentId
from domain.invoicing.invoice import decimals_of
from domain.payments.allocating import Claims, OpenClaim, Piece, Plan, Wanted, forms_of, on_oldest, plan, wanted_of
from domain.payments.booking import moved, received, shares
from domain.payments.identity import file_key, identities
from domain.payments.looking import misgivings
from domain.payments.payment import OpenItem, Payment, PaymentState, Reason, StoredFile
from domain.payments.record import Kind, PaymentFile, PaymentRecord
from domain.payments.rules import Rules
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import Conflict, WrongState
from domain.usecases.applying import allocations, claims_about, round_off, rules_of
from domain.usecases.debit_outcomes import Returning, settle_debits, settle_refunds, settle_refused
from domain.usecases.hand_on_payments import promise_hand_on
from domain.usecases.mandates_told import take_mandates

TWIN_DAYS = 3  # how far apart two formats may book the same payment
_PLAIN = {
    Kind.OTHER: Reason.NOT_OURS,
    Kind.LUMP_SUM: Reason.LUMP_SUM,
    Kind.REJECTION: Reason.NO_MONEY,
    Kind.CANCELLATION: Reason.NO_MONEY,
    Kind.ORDER: Reason.NO_MONEY,
    Kind.PENDING_PAYMENT: Reason.NO_MONEY,
    Kind.PENDING_PAYOUT: Reason.NO_MONEY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPayments:
    """Take in ``data``, the file ``name``. ``read`` is the reader of its format.

    A file that a person must look at first is refused unless he has: ``looked_at``.
    """

    name: str
    data: bytes
    read: Callable[[bytes], PaymentFile]
    looked_at: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsImported:
    """What became of a file. ``new`` False: it was taken in before, and nothing changed.

    ``records`` = the sum of ``states`` + ``duplicates``. ``reasons`` tells why payments are not simply allocated.
    ``debits`` counts our direct debits by what became of them, ``mandates`` those that the file tells of.
    """

    file: StoredFile
    new: bool
    records: int = 0
    duplicates: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    booked: Mapping[str, str] = field(default_factory=dict)
    debits: Mapping[str, int] = field(default_factory=dict)
    mandates: Mapping[str, int] = field(default_factory=dict)


@operation(Action.WRITE_PAYMENTS)
async def import_payments(cmd: ImportPayments, *, actor: Actor, begin: Begin, clock: Clock) -> PaymentsImported:
    """Take a payment file in as a whole, in one unit: kept, booked and applied, or nothing of it.

    Refuses with: NotAllowed, Unreadable (the file does not hold), WrongState (a person must look at it first), Conflict
    (another file with other content has its name; the same bytes again change nothing).
    """
    found = cmd.read(cmd.data)
    now = clock.now()
    if not cmd.looked_at and (reasons := misgivings(found, now.date())):
        raise WrongState(
            "{name}: {reasons}; look at it, then take it in as looked at", name=cmd.name, reasons=reasons[0]
        )
    sha256, key = hashlib.sha256(cmd.data).digest(), file_key(found)
    async with begin(actor, bulk=True) as unit:
        await unit.payments.lock()
        before = await unit.payments.file_like(sha256=sha256, key=key)
        if before is not None and before.sha256 == sha256:
            return PaymentsImported(file=before, new=False)
        if before is not None:
            if not cmd.looked_at:
                raise Conflict(
                    "{name} names itself as {name_2} did (file {id}), with other content: banks use a name "
                    "once; look at it, then take it in as looked at: no payment is taken twice",
                    name=cmd.name,
                    name_2=before.name,
                    id=before.id,
                )
            key = f"{key}:{sha256.hex()[:16]}"
        file = await unit.payments.keep_file(
            StoredFile(
                id=PaymentFileId(0),
                operator=actor.operator,
                name=cmd.name,
                format=found.format,
                key=key,
                sha256=sha256,
                imported_at=now,
                client=actor.client,
                told=found.as_dict(),
            )
        )
        done = await _take(unit, file, found, now)
        detail = {"format": file.format, "records": done.records, "duplicates": done.duplicates, **done.states}
        await promise_hand_on(unit, file)
        await unit.audit.write("payments.import", f"payment_file:{file.id}", detail)
        await unit.outbox.promise("payments.imported", {"records": done.records}, subject=f"payment_file:{file.id}")
    return done


async def _take(unit: Unit, file: StoredFile, found: PaymentFile, now: dt.datetime) -> PaymentsImported:
    """Keep, book and apply the records that are new."""
    named = identities(found)
    known = await unit.payments.known(named)
    rules = await rules_of(unit)
    drafts = [
        _draft(file, position, identity, record)
        for position, (identity, record) in enumerate(zip(named, found.records, strict=True), 1)
        if identity not in known
    ]
    drafts = await settle_refunds(unit, drafts)
    open_ = [one for one in drafts if one.state is PaymentState.UNALLOCATED and one.kind is Kind.PAYMENT]
    doubled = await unit.payments.twins(open_, days=TWIN_DAYS)
    decided = [_held(one, Reason.POSSIBLE_DUPLICATE) if one.position in doubled else one for one in drafts]
    named_now = await Named.of_payments(unit, decided, rules)
    plans: dict[int, Plan] = {}
    for index, one in enumerate(decided):
        if one.state is PaymentState.UNALLOCATED and one.kind is not Kind.RETURN:
            plans[one.position] = chosen = await named_now.plan(one)
            decided[index] = _as_planned(one, chosen)
    returning = Returning(unit, rules, now)
    decided = [await returning.take(one) if one.kind is Kind.RETURN else one for one in decided]
    await _book(unit, decided, plans, returning)
    kept = await unit.payments.keep(decided)
    days = Days(unit)
    made = []
    for one in kept:
        if (chosen_of := plans.get(one.position)) is not None and chosen_of.parts:
            on = await days.of(one.booked_on)
            made += allocations(
                chosen_of.parts, operator=one.operator, at=now, client=file.client, on=on, payment=one.id
            )
    await unit.payments.allocate(made)
    for one in kept:
        if (chosen_of := plans.get(one.position)) is not None and chosen_of.rounding is not None:
            await round_off(unit, one, chosen_of.rounding, at=now, on=one.booked_on, client=file.client)
    debits = dict(
        Counter(await settle_debits(unit, kept, plans, now)) + Counter(await settle_refused(unit, found, now))
    )
    told = [(f"payment:{one.id}", told_of(one)) for one in kept if one.entry is not None and one.kind is Kind.PAYMENT]
    await unit.outbox.promise_all("payment.received", told)
    back = [(f"payment:{one.id}", told_of(one)) for one in kept if one.kind is Kind.RETURN and one.original is not None]
    await unit.outbox.promise_all("payment.returned", back)
    return PaymentsImported(
        file=file,
        new=True,
        records=len(found.records),
        duplicates=len(found.records) - len(drafts),
        states=dict(Counter(one.state.value for one in kept)),
        reasons=dict(Counter(one.reason.value for one in kept if one.reason)),
        booked=_sums(kept),
        debits=debits,
        mandates=await take_mandates(unit, found, file, now),
    )


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


def _draft(file: StoredFile, position: int, identity: str, record: PaymentRecord) -> Payment:
    """Make a payment of a record, as yet of nobody; what moved no money of ours is noted."""
    currency = record.currency or "XXX"
    scaled = (record.amount or Decimal(0)).scaleb(decimals_of(currency))
    exact = record.amount is not None and scaled == int(scaled) and record.date is not None
    state, reason = PaymentState.UNALLOCATED, None
    if record.kind in _PLAIN:
        state, reason = PaymentState.NOTED, _PLAIN[record.kind]
    elif file.format.startswith("camt") and record.status != "BOOK":
        state, reason = PaymentState.NOTED, Reason.NOT_BOOKED
    elif not exact:
        state, reason = PaymentState.HELD, Reason.UNKNOWN_AMOUNT
    return Payment(
        id=PaymentId(0),
        operator=file.operator,
        file=file.id,
        position=position,
        identity=identity,
        kind=record.kind,
        state=state,
        reason=reason,
        amount_minor=int(scaled),
        currency=currency,
        booked_on=record.date or file.imported_at.date(),
        record=record.as_dict(),
    )


def _held(payment: Payment, reason: Reason) -> Payment:
    return replace(payment, state=PaymentState.HELD, reason=reason)


def _names(payment: Payment) -> list[str]:
    scale = 10 ** decimals_of(payment.currency)
    return [form for one in wanted_of(payment.record, scale) for form in forms_of(one.ref)]


class Named:
    """The documents that a file's references name, with what the file's payments so far have left of them."""

    def __init__(self, unit: Unit, rules: Rules, found: Mapping[str, OpenItem], claims: Claims) -> None:
        self._unit = unit
        self._rules = rules
        self._of = {name: item.invoice for name, item in found.items()}
        self._now = {item.invoice: item for item in found.values()}
        self._claims = {key: list(several) for key, several in claims.items()}
        self._numbers: Mapping[str, CustomerId] = {}

    @classmethod
    async def of_payments(cls, unit: Unit, payments: Sequence[Payment], rules: Rules) -> Named:
        """Load what the references of payments name."""
        names = sorted({name for one in payments for name in _names(one)})
        found = await unit.payments.items_named(names)
        claims = await claims_about(unit, {item.invoice for item in found.values()})
        named = cls(unit, rules, found, claims)
        if rules.oldest_first:
            named._numbers = await unit.payments.customers_numbered([name for name in names if name not in found])
        return named

    async def plan(self, payment: Payment) -> Plan:
        """Decide about a payment, and take what it pays off what is open."""
        wanted = wanted_of(payment.record, 10 ** decimals_of(payment.currency))
        if payment.kind is Kind.PAYMENT:
            items = self._items(wanted)
            chosen = plan(payment.amount_minor, payment.currency, wanted, items, self._claims, self._rules)
            if chosen.reason is Reason.UNKNOWN_REFERENCE and self._numbers:
                chosen = await self._by_customer(payment, wanted) or chosen
            elif chosen.state is PaymentState.CREDIT and self._rules.use_credit and chosen.customer is not None:
                self._apply(chosen.parts)
                return await self._with_rest(payment, chosen, chosen.customer)
        else:
            chosen = await self._lowered(payment, wanted)
        self._apply(chosen.parts)
        if chosen.rounding is not None:
            self._apply((chosen.rounding,))
        return chosen

    def _items(self, wanted: Sequence[Wanted]) -> dict[str, OpenItem]:
        """Return the documents of some references, by the forms that these are known by."""
        forms = [form for one in wanted for form in forms_of(one.ref)]
        return {form: self._now[self._of[form]] for form in forms if form in self._of}

    async def _by_customer(self, payment: Payment, wanted: Sequence[Wanted]) -> Plan | None:
        """Pay the oldest invoices of the customer whose number a reference is; None where it is nobody's."""
        owners = {self._numbers[form] for one in wanted for form in forms_of(one.ref) if form in self._numbers}
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

    async def _lowered(self, payment: Payment, wanted: Sequence[Wanted]) -> Plan:
        """Apply what lowers a deposit or was paid out (deduction, payout) to the credit note it names."""
        items = self._items(wanted)
        forms = [form for one in wanted for form in forms_of(one.ref)]
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


def _as_planned(payment: Payment, chosen: Plan) -> Payment:
    return replace(payment, state=chosen.state, reason=chosen.reason, customer=chosen.customer)


async def _book(unit: Unit, payments: list[Payment], plans: Mapping[int, Plan], returning: Returning) -> None:
    """Book what moved money, and note the entry's key on each payment."""
    entries, days = [], Days(unit)
    for index, one in enumerate(payments):
        if one.state in {PaymentState.NOTED, PaymentState.HELD} or one.amount_minor == 0 or one.entry is not None:
            continue
        chosen = plans.get(one.position)
        on = await days.of(one.booked_on)
        applied = returning.applied.get(one.position, 0) if one.kind is Kind.RETURN else chosen.applied if chosen else 0
        entry = received(one, applied, on=on)
        entries.append(entry)
        payments[index] = replace(one, entry=entry.key)
        if one.customer is None and chosen is not None and chosen.parts:
            given = shares([(piece.customer, piece.amount) for piece in chosen.parts])
            entries.extend(moved(one, share, on=on, turn=turn) for turn, share in enumerate(given, 1))
    await unit.ledger.post(entries)


def _sums(payments: Sequence[Payment]) -> dict[str, str]:
    """Return what was booked on the bank, per currency."""
    sums: dict[str, int] = {}
    for one in payments:
        if one.entry is not None:
            sign = 1 if one.kind is Kind.PAYMENT else -1
            sums[one.currency] = sums.get(one.currency, 0) + sign * one.amount_minor
    return {code: f"{Decimal(total).scaleb(-decimals_of(code)):f}" for code, total in sums.items()}
