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
from domain.ids import AllocationId, PaymentFileId, PaymentId
from domain.invoicing.invoice import decimals_of
from domain.payments.allocating import Plan, Wanted, forms_of, plan, wanted_of
from domain.payments.booking import moved, received, shares
from domain.payments.identity import file_key, identities
from domain.payments.looking import misgivings
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason, StoredFile
from domain.payments.record import Kind, PaymentFile, PaymentRecord
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import Conflict, WrongState

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
    """

    file: StoredFile
    new: bool
    records: int = 0
    duplicates: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    booked: Mapping[str, str] = field(default_factory=dict)


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
        await unit.audit.write("payments.import", f"payment_file:{file.id}", detail)
        await unit.outbox.promise("payments.imported", {"records": done.records}, subject=f"payment_file:{file.id}")
    return done


async def _take(unit: Unit, file: StoredFile, found: PaymentFile, now: dt.datetime) -> PaymentsImported:
    """Keep, book and apply the records that are new."""
    named = identities(found)
    known = await unit.payments.known(named)
    drafts = [
        _draft(file, position, identity, record)
        for position, (identity, record) in enumerate(zip(named, found.records, strict=True), 1)
        if identity not in known
    ]
    open_ = [one for one in drafts if one.state is PaymentState.UNALLOCATED and one.kind is Kind.PAYMENT]
    doubled = await unit.payments.twins(open_, days=TWIN_DAYS)
    items = Named(await unit.payments.items_named(sorted({name for one in drafts for name in _names(one)})))
    decided = [_held(one, Reason.POSSIBLE_DUPLICATE) if one.position in doubled else one for one in drafts]
    plans: dict[int, Plan] = {}
    for index, one in enumerate(decided):
        if one.state is PaymentState.UNALLOCATED and one.kind is not Kind.RETURN:
            plans[one.position] = chosen = _plan(one, items)
            items.apply(chosen)
            decided[index] = _as_planned(one, chosen)
    decided = [await _returned(unit, one, now) if one.kind is Kind.RETURN else one for one in decided]
    await _book(unit, decided, plans)
    kept = await unit.payments.keep(decided)
    await unit.payments.allocate(
        [part for one in kept for part in _parts(one, plans.get(one.position), now, file.client)]
    )
    return PaymentsImported(
        file=file,
        new=True,
        records=len(found.records),
        duplicates=len(found.records) - len(drafts),
        states=dict(Counter(one.state.value for one in kept)),
        reasons=dict(Counter(one.reason.value for one in kept if one.reason)),
        booked=_sums(kept),
    )


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

    def __init__(self, found: Mapping[str, OpenItem]) -> None:
        self._of = {name: item.invoice for name, item in found.items()}
        self._now = {item.invoice: item for item in found.values()}

    def of(self, wanted: Sequence[Wanted]) -> dict[str, OpenItem]:
        """Return the documents of some references, by the forms that these are known by."""
        forms = [form for one in wanted for form in forms_of(one.ref)]
        return {form: self._now[self._of[form]] for form in forms if form in self._of}

    def apply(self, chosen: Plan) -> None:
        """Take what was applied off what is open, so that the file's next payment sees it."""
        for invoice, _, amount in chosen.parts:
            item = self._now[invoice]
            self._now[invoice] = replace(item, open_minor=item.open_minor - amount)


def _plan(payment: Payment, named: Named) -> Plan:
    """Decide about a payment; what lowers one (deduction, payout) is applied to the credit note it names."""
    wanted = wanted_of(payment.record, 10 ** decimals_of(payment.currency))
    items = named.of(wanted)
    if payment.kind is Kind.PAYMENT:
        return plan(payment.amount_minor, payment.currency, wanted, items)
    item = next((items[form] for one in wanted for form in forms_of(one.ref) if form in items), None)
    if item is None or item.currency != payment.currency:
        return Plan(state=PaymentState.HELD, reason=Reason.UNKNOWN_REFERENCE)
    part = max(-payment.amount_minor, min(item.open_minor, 0))
    parts = ((item.invoice, item.customer, part),) if part else ()
    whole = part == -payment.amount_minor
    state = PaymentState.ALLOCATED if whole else PaymentState.CREDIT
    return Plan(parts=parts, customer=item.customer, state=state, reason=None if whole else Reason.NOTHING_OPEN)


def _as_planned(payment: Payment, chosen: Plan) -> Payment:
    return replace(payment, state=chosen.state, reason=chosen.reason, customer=chosen.customer)


async def _returned(unit: Unit, payment: Payment, now: dt.datetime) -> Payment:
    """Find the payment that a return takes back, undo what it paid, and mark it; hold a return without one."""
    if payment.state is not PaymentState.UNALLOCATED:
        return payment
    originals = await unit.payments.originals(payment)
    if not originals:
        return _held(payment, Reason.UNKNOWN_ORIGINAL)
    original = originals[0]
    made = (await unit.payments.allocations([original.id]))[original.id]
    await unit.payments.undo([one.id for one in made if one.undone_at is None], at=now, client="return")
    await unit.payments.change(replace(original, state=PaymentState.RETURNED, reason=None))
    back = [(one.invoice, one.customer, -one.amount_minor) for one in made if one.undone_at is None]
    if original.customer is None and back:
        # It had been several customers': each owes his part again.
        await unit.ledger.post(
            [
                moved(payment, customer, amount, on=payment.booked_on, turn=turn)
                for turn, (customer, amount) in enumerate(shares(back).items(), 1)
            ]
        )
    return replace(payment, state=PaymentState.RETURNED, reason=None, customer=original.customer, original=original.id)


async def _book(unit: Unit, payments: list[Payment], plans: Mapping[int, Plan]) -> None:
    """Book what moved money, and note the entry's key on each payment."""
    entries = []
    for index, one in enumerate(payments):
        if one.state in {PaymentState.NOTED, PaymentState.HELD} or one.amount_minor == 0:
            continue
        entry = received(one, one.customer)
        entries.append(entry)
        payments[index] = replace(one, entry=entry.key)
        chosen = plans.get(one.position)
        if one.customer is None and chosen is not None and chosen.parts:
            for turn, (customer, amount) in enumerate(shares(chosen.parts).items(), 1):
                entries.append(moved(one, customer, amount, on=one.booked_on, turn=turn))
    await unit.ledger.post(entries)


def _parts(payment: Payment, chosen: Plan | None, now: dt.datetime, client: str) -> list[Allocation]:
    if chosen is None:
        return []
    return [
        Allocation(
            id=AllocationId(0),
            operator=payment.operator,
            payment=payment.id,
            invoice=invoice,
            customer=customer,
            amount_minor=amount,
            made_at=now,
            client=client,
        )
        for invoice, customer, amount in chosen.parts
    ]


def _sums(payments: Sequence[Payment]) -> dict[str, str]:
    """Return what was booked on the bank, per currency."""
    sums: dict[str, int] = {}
    for one in payments:
        if one.entry is not None:
            sign = 1 if one.kind is Kind.PAYMENT else -1
            sums[one.currency] = sums.get(one.currency, 0) + sign * one.amount_minor
    return {code: f"{Decimal(total).scaleb(-decimals_of(code)):f}" for code, total in sums.items()}
