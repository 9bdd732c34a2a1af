"""The meter in PostgreSQL, and its twin in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.ids import OperatorId
from domain.metering.meter import MeterDay
from persistence.engine import Transaction
from persistence.memory import Draft

# $1 operator, $2 and $3 local days, $4 zone. A line is active on a day that its time overlaps, however shortly.
_LINES: Final = """
select day, sum(lines)::bigint as lines from (
    select greatest((activated_at at time zone $4)::date, $2) as day, 1 as lines from subscription
     where operator = $1 and (activated_at at time zone $4)::date < $3
       and (ended_at is null or (ended_at > activated_at and ended_at > $2::timestamp at time zone $4))
    union all
    select ((ended_at - interval '1 microsecond') at time zone $4)::date + 1, -1 from subscription
     where operator = $1 and (activated_at at time zone $4)::date < $3 and ended_at > activated_at
       and ended_at > $2::timestamp at time zone $4) change
 where day < $3 group by day order by day
"""
_EVENTS: Final = """
select (committed_at at time zone $4)::date as day, sum(rated)::bigint as count from chunk
 where operator = $1 and committed_at >= $2::timestamp at time zone $4 and committed_at < $3::timestamp at time zone $4
 group by 1
"""
_INVOICES: Final = """
select (created_at at time zone $4)::date as day, count(*) as count from invoice
 where operator = $1 and created_at >= $2::timestamp at time zone $4 and created_at < $3::timestamp at time zone $4
 group by 1
"""
_ADD: Final = """
insert into meter_calls as m (operator, day, channel, calls)
select o.id, (c.at at time zone o.zone)::date, c.channel, sum(c.calls)
  from unnest($1::int[], $2::timestamptz[], $3::text[], $4::bigint[]) as c (operator, at, channel, calls)
  join operator o on o.id = c.operator
 group by 1, 2, 3 order by 1, 2, 3
on conflict (operator, day, channel) do update set calls = m.calls + excluded.calls
"""


class MeterStore:
    """Keeps ``domain.ports.metering.Meter``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def days(self, since: date, until: date, *, zone: str) -> Sequence[MeterDay]:
        """Return every local day in ``[since, until)``."""
        asked = (self._operator, since, until, zone)
        changes = {row["day"]: row["lines"] for row in await self._connection.fetch(_LINES, *asked)}
        events = {row["day"]: row["count"] for row in await self._connection.fetch(_EVENTS, *asked)}
        invoices = {row["day"]: row["count"] for row in await self._connection.fetch(_INVOICES, *asked)}
        calls: dict[date, dict[str, int]] = {}
        for row in await self._connection.fetch(
            "select day, channel, calls from meter_calls where operator = $1 and day >= $2 and day < $3"
            " order by day, channel",
            *asked[:3],
        ):
            calls.setdefault(row["day"], {})[row["channel"]] = row["calls"]
        today = datetime.now(ZoneInfo(zone)).date()  # a line is not yet active on a day that has not come
        found, lines = [], 0
        for day in each_day(since, until):
            lines += changes.get(day, 0)
            found.append(
                MeterDay(
                    day=day,
                    subscriptions=lines if day <= today else 0,
                    events=events.get(day, 0),
                    invoices=invoices.get(day, 0),
                    calls=calls.get(day, {}),
                )
            )
        return found

    async def add_calls(self, counts: Sequence[tuple[OperatorId, datetime, str, int]]) -> None:
        """Add calls of any operators."""
        columns: list[list[Any]] = [list(column) for column in zip(*counts, strict=True)]
        if columns:
            await self._connection.execute(_ADD, *columns)


class MemoryMeter:
    """Keeps ``domain.ports.metering.Meter`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def days(self, since: date, until: date, *, zone: str) -> Sequence[MeterDay]:
        """Return every local day in ``[since, until)``.

        When chunks and invoices were kept is not known here: the events' and invoices' own days are taken.
        """
        tz, own = ZoneInfo(zone), self._draft.actor.operator
        lines = [one for one in self._draft.seen("subscription") if one.activated_at is not None]
        events = Counter(row.event.start.astimezone(tz).date() for row in self._draft.seen("usage"))
        invoices = Counter(one.issued_on for one in self._draft.seen("invoice"))
        calls = self._draft.table("meter_calls")
        today, found = datetime.now(tz).date(), []
        for day in each_day(since, until):
            begins = datetime(day.year, day.month, day.day, tzinfo=tz)
            ends = begins + timedelta(days=1)
            active = [
                one
                for one in lines
                if one.activated_at < ends
                and (one.ended_at is None or (one.ended_at > begins and one.ended_at > one.activated_at))
            ]
            mine = {key[2]: count for key, count in sorted(calls.items()) if key[:2] == (own, day)}
            found.append(
                MeterDay(
                    day=day,
                    subscriptions=len(active) if day <= today else 0,
                    events=events[day],
                    invoices=invoices[day],
                    calls=mine,
                )
            )
        return found

    async def add_calls(self, counts: Sequence[tuple[OperatorId, datetime, str, int]]) -> None:
        """Add calls of any operators."""
        rows = self._draft.table("meter_calls")
        for operator, at, channel, count in counts:
            zone = ZoneInfo(self._draft.table("operator")[operator].zone)
            place = (operator, at.astimezone(zone).date(), channel)
            rows[place] = rows.get(place, 0) + count


def each_day(since: date, until: date) -> Iterable[date]:
    """Yield the days in ``[since, until)``."""
    for number in range((until - since).days):
        yield since + timedelta(days=number)
