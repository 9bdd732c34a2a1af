"""What buckets have granted, given and left, of a customer, a contract or a subscription, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.buckets.balance import Held, held
from domain.buckets.grant import shown
from domain.buckets.standing import tuples
from domain.intake.raters import Raters
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.usecases.load_granting import Found, Whose, granting_to


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAllowances(Whose):
    """Of exactly one of the three; ``at`` None: now."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceLeft:
    """One allowance: ``granted = used + lost + given + left``, of seconds, messages, kB or money (in ``currency``).

    ``owner``: ``subscription:12``, ``contract:9`` or ``customer:5``. ``since``, ``until``: the period it was granted
    for; ``ends``: when it serves no more, later where it rolls over. ``lost``: what passed the rollover's cap.
    ``given``: away to others. Where more was used than is granted by now, nothing is left. ``grant``: the grant beside
    plans that it is. ``cap``: what one line may take of it, and ``used_by_line``, where one was asked for.
    """

    bucket: str
    owner: str
    unit: str
    currency: str | None
    since: datetime
    until: datetime
    ends: datetime
    granted: Decimal
    used: Decimal
    lost: Decimal
    given: Decimal
    left: Decimal
    grant: int | None = None
    cap: Decimal | None = None
    used_by_line: Decimal | None = None


@operation(Action.READ_USAGE)
async def list_allowances(
    cmd: ListAllowances, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Sequence[AllowanceLeft]:
    """Return what each bucket that may serve has left, as of the last committed event, in the order of drawing.

    Refuses with: NotAllowed, BadValue (not exactly one of the three), NotFound.
    """
    at = clock.now() if cmd.at is None else utc(cmd.at, field="at")
    async with begin(actor) as unit:
        found = await granting_to(unit, cmd, raters)
    there = held(found.lines, found.granting, found.standing, at, at)
    serving = [one for one in there if one.allowance.bucket.period[0] <= at < one.allowance.bucket.period[1]]
    return [left_of(one, found, cmd) for one in serving]


def left_of(one: Held, found: Found, whose: Whose) -> AllowanceLeft:
    """Return an allowance as it is told."""
    bucket, (name, _, since) = one.allowance.bucket, one.place
    base, mark, grant = name.rpartition("#")
    apart = bool(mark) and name not in {each.id for each in found.granting.buckets}
    took = None
    if bucket.cap is not None and whose.subscription is not None:
        rows = tuples(found.standing.balances, "bucket", "owner", "since", "drawn")
        place = (name, f"subscription:{whose.subscription}", since)
        took = shown(next((row[3] for row in rows if row[:3] == place), 0), bucket.unit)
    return AllowanceLeft(
        bucket=base if apart else name,
        owner=bucket.owner,
        unit=bucket.unit,
        currency=bucket.currency,
        since=one.allowance.since,
        until=one.allowance.until,
        ends=bucket.period[1],
        granted=shown(bucket.amount, bucket.unit),
        used=shown(one.used, bucket.unit),
        lost=shown(one.lost, bucket.unit),
        given=shown(one.given, bucket.unit),
        left=shown(one.left, bucket.unit),
        grant=int(grant) if apart else None,
        cap=None if bucket.cap is None else shown(bucket.cap, bucket.unit),
        used_by_line=took,
    )
