"""Lock the ledger up to and with a month, and unlock it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ledger.locking import LedgerLock
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, Stale, WrongState
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class LockLedger:
    """Lock ``month`` (2026-10) and all before it. ``version`` is the lock's that was read."""

    month: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockLedger:
    """Open ``month`` and all after it again, for a ``reason``. ``version`` is the lock's that was read."""

    month: str
    version: int
    reason: str


@operation(Action.READ_PAYMENTS)
async def read_ledger_lock(*, actor: Actor, begin: Begin) -> LedgerLock:
    """Return how far the ledger is locked. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.ledger.lock()


@operation(Action.WRITE_PAYMENTS)
async def lock_ledger(cmd: LockLedger, *, actor: Actor, begin: Begin, clock: Clock) -> LedgerLock:
    """Lock a month that is over and all before it: nothing is booked there any more.

    Refuses with: NotAllowed, BadValue (no month), WrongState (it is not over, or locked already), Stale.
    """
    through = Period.month(cmd.month, field="month").end - timedelta(days=1)
    now = clock.now()
    async with begin(actor) as unit:
        today = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
        if through >= today:
            raise WrongState("{month} is not over yet", month=cmd.month, field="month")
        before = _read(await unit.ledger.lock(), cmd.version)
        if before.through is not None and before.through >= through:
            raise WrongState("{month} is locked already", month=cmd.month, field="month")
        kept = await unit.ledger.keep_lock(replace(before, through=through, at=now, client=actor.caller))
        detail = {"through": through.isoformat(), "version": kept.version}
        await unit.audit.write("lock_ledger", f"ledger:{cmd.month}", detail)
    return kept


@operation(Action.MANAGE_OPERATOR)
@four_eyes(ApprovalKind.PERIOD)
async def unlock_ledger(cmd: UnlockLedger, *, actor: Actor, begin: Begin, clock: Clock) -> LedgerLock:
    """Open a locked month and all after it again; where the operator's rules say so, once a second person agrees.

    Refuses with: NotAllowed, BadValue (no month, no reason), WrongState (it is not locked), Stale.
    """
    check_texts(cmd)
    through = Period.month(cmd.month, field="month").start - timedelta(days=1)
    if not 1 <= len(cmd.reason.strip()) <= 500:
        raise BadValue("a reason has 1 to {most} characters", most=500, field="reason")
    now = clock.now()
    async with begin(actor) as unit:
        before = _read(await unit.ledger.lock(), cmd.version)
        if before.through is None or before.through <= through:
            raise WrongState("{month} is not locked", month=cmd.month, field="month")
        await agreed(unit, actor, ApprovalKind.PERIOD, cmd, now=now)
        kept = await unit.ledger.keep_lock(replace(before, through=through, at=now, client=actor.caller))
        detail = {"through": through.isoformat(), "reason": cmd.reason, "version": kept.version}
        await unit.audit.write("unlock_ledger", f"ledger:{cmd.month}", detail)
    return kept


def _read(lock: LedgerLock, version: int) -> LedgerLock:
    if lock.version != version:
        raise Stale("the lock is at version {version}; read it again", version=lock.version, field="version")
    return lock
