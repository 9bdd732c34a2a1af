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
from domain.ids import PaymentFileId, PaymentId
from domain.invoicing.invoice import decimals_of
from domain.payments.exchanging import with_charge
from domain.payments.identity import file_key, identities, is_copy, nameless, repeated
from domain.payments.looking import misgivings
from domain.payments.payment import Payment, PaymentState, Reason, StoredFile
from domain.payments.record import Kind, PaymentFile, PaymentRecord
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import Conflict, WrongState
from domain.usecases.applying import rules_of
from domain.usecases.debit_outcomes import settle_refunds, settle_refused
from domain.usecases.hand_on_payments import promise_hand_on
from domain.usecases.mandates_told import take_mandates
from domain.usecases.posting_payments import post_payments

_TOLD_TWICE = frozenset({Kind.PAYMENT, Kind.RETURN})
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
        done = await _take(unit, file, found, now, again=before is not None or is_copy(found))
        detail = {"format": file.format, "records": done.records, "duplicates": done.duplicates, **done.states}
        await promise_hand_on(unit, file)
        await unit.audit.write("payments.import", f"payment_file:{file.id}", detail)
        await unit.outbox.promise("payments.imported", {"records": done.records}, subject=f"payment_file:{file.id}")
    return done


async def _take(unit: Unit, file: StoredFile, found: PaymentFile, now: dt.datetime, *, again: bool) -> PaymentsImported:
    """Keep, book and apply the records that are new; ``again``: the file came before, with other content."""
    named = identities(found)
    known = await unit.payments.known(named)
    rules = await rules_of(unit)
    drafts, alike = [], set[int]()
    repeats = again or repeated(len(found.records), len(known))
    for position, (identity, record) in enumerate(zip(named, found.records, strict=True), 1):
        if identity not in known:
            drafts.append(_draft(file, position, identity, record))
        elif not repeats and nameless(record):
            drafts.append(_draft(file, position, f"{identity}@{file.id}", record))
            alike.add(position)
    drafts = await settle_refunds(unit, drafts)
    open_ = [one for one in drafts if one.state is PaymentState.UNALLOCATED and one.kind in _TOLD_TWICE]
    doubled = alike | await unit.payments.twins(open_, days=TWIN_DAYS)
    held = [
        _held(one, Reason.POSSIBLE_DUPLICATE) if one.position in doubled and one in open_ else one for one in drafts
    ]
    kept, debits = await post_payments(unit, held, rules, now=now, client=file.client)
    kept = await _tie_lumps(unit, kept)
    return PaymentsImported(
        file=file,
        new=True,
        records=len(found.records),
        duplicates=len(found.records) - len(drafts),
        states=dict(Counter(one.state.value for one in kept)),
        reasons=dict(Counter(one.reason.value for one in kept if one.reason)),
        booked=_sums(kept),
        debits=dict(Counter(debits) + Counter(await settle_refused(unit, found, now))),
        mandates=await take_mandates(unit, found, file, now),
    )


async def _tie_lumps(unit: Unit, kept: Sequence[Payment]) -> list[Payment]:
    """Mark the lump sums that details come to: those of this file, and those before it that its own details are of."""
    days = [one.booked_on.toordinal() for one in kept]
    if not days:
        return []
    first, last = max(min(days) - TWIN_DAYS, dt.date.min.toordinal()), max(days) + TWIN_DAYS
    until = dt.date.fromordinal(min(last, dt.date.max.toordinal()))
    lumps = await unit.payments.untied(dt.date.fromordinal(first), until)
    numbered = [replace(one, position=index) for index, one in enumerate(lumps)]  # they are of several files
    found = await unit.payments.told_in_detail(numbered, days=TWIN_DAYS)
    tied = [lumps[index] for index in sorted(found)]
    for one in tied:
        await unit.payments.change(replace(one, reason=Reason.TOLD_IN_DETAIL))
    keys = {one.id for one in tied}
    return [replace(one, reason=Reason.TOLD_IN_DETAIL) if one.id in keys else one for one in kept]


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
    made = Payment(
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
    return with_charge(made) if record.kind is Kind.PAYMENT and state is PaymentState.UNALLOCATED else made


def _held(payment: Payment, reason: Reason) -> Payment:
    return replace(payment, state=PaymentState.HELD, reason=reason)


def _sums(payments: Sequence[Payment]) -> dict[str, str]:
    """Return what was booked on the bank, per currency."""
    sums: dict[str, int] = {}
    for one in payments:
        if one.entry is not None:
            sign = 1 if one.kind is Kind.PAYMENT else -1
            sums[one.bank_currency] = sums.get(one.bank_currency, 0) + sign * one.bank_minor
    return {code: f"{Decimal(total).scaleb(-decimals_of(code)):f}" for code, total in sums.items()}
