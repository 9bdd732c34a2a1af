"""Alarms in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.alarms.alarm import Alarm, AlarmState, Raised, Severity
from domain.ids import AlarmId, OperatorId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.violations import possible

_PLAIN: Final = (
    "kind",
    "subject",
    "text",
    "first_seen",
    "last_seen",
    "count",
    "acknowledged_by",
    "acknowledged_at",
    "closed_by",
    "closed_at",
)
_ALARM: Final = f"id, operator, severity, data, state, {', '.join(_PLAIN)}"
_KEPT: Final = ("state", "acknowledged_by", "acknowledged_at", "closed_by", "closed_at")
_RAISE: Final = f"""
insert into alarm as a (operator, kind, subject, severity, text, data, first_seen, last_seen, count)
select $1, kind, subject, severity, text, data, $7, $7, times
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $8::bigint[])
    with ordinality as found (kind, subject, severity, text, data, times, place)
order by place
on conflict (operator, kind, subject) where state <> 'closed' do update set
    severity = case when array_position(array['info', 'warning', 'critical'], excluded.severity)
                       > array_position(array['info', 'warning', 'critical'], a.severity)
                    then excluded.severity else a.severity end,
    text = excluded.text, data = excluded.data, last_seen = greatest(a.last_seen, excluded.last_seen),
    count = a.count + excluded.count
returning {_ALARM}
"""  # noqa: S608  (the names are the constant above)


def alarm_of(row: Mapping[str, Any]) -> Alarm:
    """Make the alarm of a row."""
    return Alarm(
        id=AlarmId(row["id"]),
        operator=OperatorId(row["operator"]),
        severity=Severity(row["severity"]),
        state=AlarmState(row["state"]),
        data=json.loads(row["data"]),
        **{name: row[name] for name in _PLAIN},
    )


class AlarmStore:
    """Keeps ``domain.ports.alarms.Alarms``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def raise_all(self, found: Sequence[Raised], *, at: datetime) -> Sequence[Alarm]:
        """Raise them and return them as they are now, by kind and subject."""
        # In one order, so that two units never wait crosswise.
        waiting = sorted(found, key=lambda one: (one.kind, one.subject))
        rows: list[Any] = []
        while waiting:
            # One statement raises an alarm once; what is told twice waits for the next.
            firsts = {(one.kind, one.subject): one for one in reversed(waiting)}
            chosen = [one for one in waiting if firsts[one.kind, one.subject] is one]
            rows += await self._connection.fetch(
                _RAISE,
                self._operator,
                [one.kind for one in chosen],
                [one.subject for one in chosen],
                [one.severity.value for one in chosen],
                [one.text for one in chosen],
                [json.dumps(one.data, default=str, sort_keys=True) for one in chosen],
                at,
                [one.times for one in chosen],
            )
            waiting = [one for one in waiting if firsts[one.kind, one.subject] is not one]
        return sorted((alarm_of(row) for row in rows), key=lambda one: (one.kind, one.subject, one.count))

    async def get(self, key: AlarmId) -> Alarm:
        """Return one. Refuses with: NotFound."""
        return await self._one(key, "")

    async def claim(self, key: AlarmId) -> Alarm:
        """Return one locked. Refuses with: NotFound."""
        return await self._one(key, " for update")

    async def _one(self, key: AlarmId, how: str) -> Alarm:
        rows = await self._connection.fetch(
            f"select {_ALARM} from alarm where operator = $1 and id = any ($2::bigint[]){how}",  # noqa: S608  (our own words)
            *(self._operator, possible([key])),
        )
        if not rows:
            raise NotFound("no alarm {key}", key=key, field="alarm")
        return alarm_of(rows[0])

    async def claim_open(self, kind: str, subject: str) -> Alarm | None:
        """Return the one of a kind and subject that is not closed, locked."""
        row = await self._connection.fetchrow(
            f"select {_ALARM} from alarm where operator = $1 and kind = $2 and subject = $3 and state <> 'closed'"  # noqa: S608  (our own words)
            " for update",
            *(self._operator, kind, subject),
        )
        return None if row is None else alarm_of(row)

    async def keep(self, alarm: Alarm) -> Alarm:
        """Write a changed one."""
        settings = ", ".join(f"{name} = ${place}" for place, name in enumerate(_KEPT, 3))
        await self._connection.execute(
            f"update alarm set {settings} where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, alarm.id, *(getattr(alarm, name) for name in _KEPT)),
        )
        return alarm

    async def page(
        self, request: PageRequest, *, state: AlarmState | None = None, kind: str | None = None
    ) -> Page[Alarm]:
        """List by key, in a state and of a kind; None: any."""
        rows = await self._connection.fetch(
            f"select {_ALARM} from alarm where operator = $1 and id > $2 and ($3::text is null or state = $3)"  # noqa: S608  (our own words)
            " and ($4::text is null or kind = $4) order by id limit $5",
            *(self._operator, request.after or 0, state, kind, request.first + 1),
        )
        return Page.of([alarm_of(row) for row in rows], request)
