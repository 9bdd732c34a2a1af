"""Order direct debits by themselves: each banking day what is due soon, once, in a file that goes where it belongs.

A run's file, its orders and the promise to hand it on are one transaction; where two people must agree on what goes to
a bank, the file waits for the second.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.alarms.alarm import Raised, Severity
from domain.ids import OrderFileId
from domain.jobs.job import NewJob
from domain.payments.banking_days import ahead, banking_day, is_banking_day
from domain.payments.debit import OrderFile
from domain.payments.debit_schedule import DebitSchedule, check
from domain.payments.orders import Scheme
from domain.ports.clock import Clock
from domain.ports.payments import OrderWriter
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound, Refusal, Stale, WrongState
from domain.transports.place import read_place
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.write_orders import WriteDebits, own_total, write_debits

RUN_JOB: Final = "debit_run"
PUT_JOB: Final = "put_orders"
PUT_ATTEMPTS: Final = 50
ALARM: Final = "debit_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDebitSchedule:
    """A scheme's schedule, or what it will be as a whole; ``version`` 0: it is new. See ``DebitSchedule``."""

    scheme: Scheme
    days: int
    hour: int = 6
    target: str | None = None
    older: bool = False
    active: bool = True
    version: int = 0


@operation(Action.MANAGE_OPERATOR)
async def put_debit_schedule(cmd: PutDebitSchedule, *, actor: Actor, begin: Begin, clock: Clock) -> DebitSchedule:
    """Keep when a scheme's direct debits are ordered by themselves.

    Refuses with: NotAllowed, BadValue, NotFound (target), Stale (version, also where there is one of the scheme).
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        fields = {name: getattr(cmd, name) for name in PutDebitSchedule.__dataclass_fields__}
        made = check(DebitSchedule(id=0, operator=actor.operator, **fields))
        if cmd.target is not None and not await unit.giro.targets.find(name=cmd.target, active=True):
            raise NotFound("no target {name}", name=cmd.target, field="target")
        known = await unit.giro.schedules.find(scheme=cmd.scheme)
        if (known[0].version if known else 0) != cmd.version:
            raise Stale("the schedule has changed since it was read, or is there already", field="version")
        if known:
            kept = await unit.giro.schedules.put(replace(made, id=known[0].id))
        else:
            kept = await unit.giro.schedules.add(replace(made, version=1))
        detail = {"scheme": kept.scheme.value, "days": kept.days, "active": kept.active, "version": kept.version}
        await unit.audit.write("put_debit_schedule", f"debit_schedule:{kept.id}", detail)
        if kept.active:
            await _promise(unit, kept, clock.now())
    return kept


@operation(Action.READ_PAYMENTS)
async def list_debit_schedules(*, actor: Actor, begin: Begin) -> Sequence[DebitSchedule]:
    """Return the schedules. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.schedules.find()


async def _promise(unit: Unit, schedule: DebitSchedule, now: dt.datetime) -> None:
    """Promise the next run: on the next banking day at its hour."""
    zone = ZoneInfo((await unit.operators.own()).zone)
    here = now.astimezone(zone)
    day = here.date() if here.hour < schedule.hour else here.date() + dt.timedelta(days=1)
    day = banking_day(schedule.scheme, day)
    at = dt.datetime(day.year, day.month, day.day, schedule.hour, tzinfo=zone).astimezone(dt.UTC)
    payload = {"scheme": schedule.scheme.value, "on": day.isoformat(), "version": schedule.version}
    # The version is in its name: a schedule that is changed runs by what it says now.
    word = f"{schedule.id}:{schedule.version}:{day}"
    await unit.jobs.add(NewJob(kind=RUN_JOB, payload=payload, dedupe=word, run_at=at))


@operation(Action.WRITE_PAYMENTS)
async def run_debits(
    scheme: Scheme, version: int, *, write: OrderWriter, actor: Actor, begin: Begin, clock: Clock
) -> str:
    """Order what is due, promise the file and the next run, and return what came of it, in words.

    Nothing is ordered twice, however often it runs: an invoice is on its way once. Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        found = await unit.giro.schedules.find(scheme=scheme, active=True)
        if not found or found[0].version != version:
            return "the schedule is another now"
        schedule = found[0]
        await _promise(unit, schedule, clock.now())
        zone = ZoneInfo((await unit.operators.own()).zone)
    on = clock.now().astimezone(zone).date()
    if not is_banking_day(scheme, on):
        return "no banking day"
    cmd = WriteDebits(
        scheme=scheme, on=on, due_by=ahead(scheme, on, schedule.days), older=schedule.older, target=schedule.target
    )
    try:
        made = await write_debits(cmd, write, actor=actor, begin=begin, clock=clock)
    except Refusal as no:
        text = f"direct debits of {scheme.value} could not be ordered: {no.message}"
        raised = Raised(kind=ALARM, subject=f"debit_schedule:{scheme.value}", text=text, severity=Severity.WARNING)
        async with begin(actor) as unit:
            await unit.alarms.raise_all([raised], at=clock.now())
        return no.message
    return "nothing is due" if made.file is None else f"{made.file.name}: {made.debits} debits"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrders:
    """Let a file of orders go to its target."""

    file: OrderFileId


@operation(Action.WRITE_PAYMENTS)
@four_eyes(ApprovalKind.DEBIT)
async def release_orders(cmd: ReleaseOrders, *, actor: Actor, begin: Begin, clock: Clock) -> OrderFile:
    """Let a file go to its target as soon as a worker can put it there. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        file = await unit.giro.files.get(cmd.file)
        if file.taken_at is None and file.target is not None:
            await agreed(unit, actor, ApprovalKind.DEBIT, cmd, now=clock.now(), amount=await own_total(unit, file))
            await unit.jobs.add(
                NewJob(
                    kind=PUT_JOB,
                    payload={"file": file.id},
                    dedupe=f"order_file:{file.id}",
                    attempts_max=PUT_ATTEMPTS,
                )
            )
            await unit.audit.write("release_orders", f"order_file:{file.id}", {"target": file.target})
    return file


@operation(Action.WRITE_PAYMENTS)
async def put_orders(
    key: OrderFileId, *, actor: Actor, begin: Begin, clock: Clock, transports: Transports, vault: Vault
) -> bool:
    """Put a file of orders into its target, and tell whether it did; it has the same name whenever it is tried again.

    Raises TransportFault. Refuses with: NotAllowed, NotFound, WrongState (its target is not there, or not active).
    """
    async with begin(actor) as unit:
        file = await unit.giro.files.get(key)
        found = await unit.giro.targets.find(name=file.target, active=True)
    if file.taken_at is not None:
        return False
    if not found:
        raise WrongState("no target {name}", name=file.target, field="target")
    target = found[0]
    place = read_place(target.address, host_keys=target.host_keys, ca=target.ca)
    secrets = {name: vault.refer(reference, operator=actor.operator) for name, reference in target.credentials.items()}
    async with transports.open(place, secrets, operator=actor.operator) as folder:
        await folder.put(file.name, _once(file.content))
    async with begin(actor) as unit:
        now = await unit.giro.files.get(key)
        if now.taken_at is None:
            await unit.giro.files.put(replace(now, taken_at=clock.now(), taken_by=f"target {target.name}"))
            await unit.audit.write("take_order_file", f"order_file:{key}", {"name": file.name, "target": target.name})
    return True


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
