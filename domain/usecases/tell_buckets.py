"""What became of allowances in a time: granted, bought, given, drawn, rolled away, expired; and thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.buckets.balance import Held, held
from domain.buckets.grant import GrantKind, shown
from domain.intake.raters import Raters
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.grants import Crossing, Move
from domain.ports.unit import Begin, Unit
from domain.rating.clock import micros, moment_of
from domain.refusal import BadValue
from domain.usecases.load_granting import Found, Whose, granting_to

DAYS_MAX: Final = 400
FIRST_MAX: Final = 1000


class Happened(StrEnum):
    """What an entry says; amounts are positive where the owner gets something, negative where it goes."""

    GRANTED = "granted"
    TOPPED_UP = "topped_up"
    RECEIVED = "received"
    GIVEN = "given"
    USED = "used"
    RETURNED = "returned"
    LOST = "lost"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REACHED = "reached"
    FELL_BELOW = "fell_below"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellBuckets(Whose):
    """Of exactly one of the three, in ``[since, until)``; None: up to now. The newest ``first`` entries."""

    since: datetime
    until: datetime | None = None
    first: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketEntry:
    """At ``at`` something happened to what ``owner`` has of ``bucket`` for the period that began at ``since``.

    ``amount``: what it came to (of a threshold: what is used by then); ``percent`` of a threshold. ``grant``: which,
    where it is not a plan's. ``other``: the subscription that gave or received.
    """

    at: datetime
    happened: Happened
    bucket: str
    owner: str
    since: datetime
    unit: str
    amount: Decimal
    percent: int | None = None
    grant: int | None = None
    other: int | None = None
    reason: str = ""


@operation(Action.READ_USAGE)
async def tell_buckets(
    cmd: TellBuckets, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Sequence[BucketEntry]:
    """Return what happened, the newest first. A draw stands when it was rated, not when the call was.

    Refuses with: NotAllowed, BadValue (whose; a time that is too long), NotFound.
    """
    now = clock.now()
    since = utc(cmd.since, field="since")
    until = now + timedelta(microseconds=1) if cmd.until is None else utc(cmd.until, field="until")
    if not since < until <= since + timedelta(days=DAYS_MAX):
        raise BadValue("a time of up to {most} days", most=DAYS_MAX, field="until")
    if not 1 <= cmd.first <= FIRST_MAX:
        raise BadValue("1 to {most} entries", most=FIRST_MAX, field="first")
    async with begin(actor) as unit:
        found = await granting_to(unit, cmd, raters)
        teller = _Teller(found, _names(found, cmd), since, until, min(now, until))
        entries = [*teller.plans(), *await teller.stored(unit, cmd.first)]
    entries.sort(key=lambda one: (one.at, list(Happened).index(one.happened), one.grant or 0), reverse=True)
    return entries[: cmd.first]


def _names(found: Found, whose: Whose) -> set[str]:
    """Return the owners that somebody's lines draw on, and himself."""
    return {whose.owner} | {
        f"{kind}:{getattr(line, kind)}" for line in found.lines for kind in ("subscription", "contract", "customer")
    }


@dataclass(frozen=True, slots=True)
class _Teller:
    found: Found
    names: set[str]
    since: datetime
    until: datetime
    now: datetime

    @property
    def units(self) -> Mapping[str, str]:
        """The unit of each bucket of the catalogue."""
        return {one.id: one.unit for one in self.found.granting.buckets}

    def plans(self) -> Iterator[BucketEntry]:
        """Yield what plans granted, and what of anything ended unused."""
        there = held(self.found.lines, self.found.granting, self.found.standing, self.since, self.now)
        for one in there:
            own, apart = one.allowance, "#" in one.place[0] and one.place[0] not in self.units
            if not apart and self.since <= own.since < self.until and own.bucket.amount:
                yield self._of(one, own.since, Happened.GRANTED, own.bucket.amount)
            if self.since <= own.bucket.period[1] <= self.now and one.left:
                yield self._of(one, own.bucket.period[1], Happened.EXPIRED, -one.left)

    def _of(self, one: Held, at: datetime, happened: Happened, amount: int) -> BucketEntry:
        return self._entry(one.place[0], one.allowance.bucket.owner, one.allowance.since, at, happened, amount)

    def _entry(  # noqa: PLR0917  (the columns of a row)
        self, name: str, owner: str, since: datetime, at: datetime, happened: Happened, amount: int, **more: object
    ) -> BucketEntry:
        bucket, _, grant = (name, "", "") if name in self.units else name.rpartition("#")
        unit = self.units.get(bucket or name, "")
        fields: dict[str, object] = {"grant": int(grant) if grant.isdigit() else None, **more}
        return BucketEntry(
            at=at,
            happened=happened,
            bucket=bucket or name,
            owner=owner,
            since=since,
            unit=unit,
            amount=shown(amount, unit),
            **fields,  # type: ignore[arg-type]  # the rest of the entry's fields
        )

    async def stored(self, unit: Unit, first: int) -> list[BucketEntry]:
        """Return what the stores know of the time."""
        entries = [*self._losses()]
        for grant in await unit.grants.of(self.found.customer):
            kinds = {GrantKind.GIFT: Happened.RECEIVED, GrantKind.TOP_UP: Happened.TOPPED_UP}
            happened = kinds.get(grant.kind, Happened.GRANTED)
            more: dict[str, Any] = {"grant": int(grant.id), "other": grant.giver, "reason": grant.reason}
            for at, what, sign in ((grant.granted_at, happened, 1), (grant.withdrawn_at, Happened.WITHDRAWN, -1)):
                if at is not None and self._in(grant.owner, at):
                    amount = sign * grant.amount
                    entries.append(self._entry(grant.bucket, grant.owner, grant.since, at, what, amount, **more))
        for given in await unit.grants.given(self.found.customer):
            if self._in(given.owner, given.given_at):
                to = {"grant": int(given.grant), "other": int(given.taker)}
                entries.append(
                    self._entry(
                        given.bucket, given.owner, given.since, given.given_at, Happened.GIVEN, -given.amount, **to
                    )
                )
        span = (self.found.customer, self.since, self.until)
        capped = {one.id for one in self.found.granting.buckets if one.cap is not None}
        moves = await unit.grants.moves(*span, first=first)
        entries += [self._moved(one) for one in moves if one.owner in self.names and not _is_cap(one, capped)]
        crossings = await unit.grants.crossings(*span, first=first)
        return entries + [self._crossed(one) for one in crossings if one.owner in self.names]

    def _in(self, owner: str, at: datetime) -> bool:
        return owner in self.names and self.since <= at < self.until

    def _losses(self) -> Iterator[BucketEntry]:
        columns = ("bucket", "owner", "since", "at", "amount")
        for bucket, owner, since, at, amount in self.found.standing.losses.select(*columns).rows():
            if amount and owner in self.names and micros(self.since) <= at < micros(self.until):
                yield self._entry(bucket, owner, moment_of(since), moment_of(at), Happened.LOST, -amount)

    def _moved(self, one: Move) -> BucketEntry:
        happened = Happened.USED if one.amount > 0 else Happened.RETURNED
        return self._entry(one.bucket, one.owner, one.since, one.moved_at, happened, -one.amount)

    def _crossed(self, one: Crossing) -> BucketEntry:
        happened = Happened.REACHED if one.up else Happened.FELL_BELOW
        at, percent = one.crossed_at, one.percent
        return self._entry(one.bucket, one.owner, one.since, at, happened, one.drawn, percent=percent)


def _is_cap(one: Move, capped: set[str]) -> bool:
    """Tell whether a movement is of what one line took of a shared bucket, which moved the shared one as well."""
    named = {one.bucket, one.bucket.rpartition("#")[0]}
    return one.owner.startswith("subscription:") and not named.isdisjoint(capped)
