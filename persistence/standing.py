"""Readiness and monitoring counts, read as the owner: they are the installation's, not one operator's."""

from __future__ import annotations

from typing import Final

from domain.ids import OperatorId
from domain.ports.standing import Figures, SourceBalance
from persistence.away import DatabaseAway
from persistence.engine import OWNER, Database
from persistence.files import OPEN_BY_FILE, UNBALANCED
from persistence.migrate import steps

COUNTS: Final = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated")

_BALANCES = f"""
select o.code as operator, s.name as source, {", ".join(f"sum(f.{name})::bigint as {name}" for name in COUNTS)},
       coalesce(sum((select sum(v.value::bigint) from jsonb_each_text(f.ignored) v)), 0)::bigint as ignored,
       (select count(*) from suspense h where h.operator = s.operator and h.source = s.id and h.resolved_at is null)
       as suspense, {UNBALANCED} as unbalanced
  from cdr_file f join source s on s.operator = f.operator and s.id = f.source join operator o on o.id = f.operator
  left join {OPEN_BY_FILE} h on h.operator = f.operator and h.file = f.id
 where $1::int is null or f.operator = $1
 group by o.code, s.operator, s.id, s.name order by o.code, s.name
"""  # noqa: S608  (the names are the constant above)
_FILES = """
select o.code, s.name, f.state, count(*)::bigint
  from cdr_file f join source s on s.operator = f.operator and s.id = f.source join operator o on o.id = f.operator
 where $1::int is null or f.operator = $1
 group by o.code, s.name, f.state order by o.code, s.name, f.state
"""
_SUSPENSE = """
select o.code, s.reason, count(*)::bigint from suspense s join operator o on o.id = s.operator
 where s.resolved_at is null and ($1::int is null or s.operator = $1)
 group by o.code, s.reason order by o.code, s.reason
"""

_ALARMS = """
select o.code, a.kind, a.severity, a.state, count(*)::bigint from alarm a join operator o on o.id = a.operator
 where a.state <> 'closed' and ($1::int is null or a.operator = $1)
 group by o.code, a.kind, a.severity, a.state order by o.code, a.kind, a.severity, a.state
"""

_FEEDS = """
select o.code, f.name, extract(epoch from f.last_success_at)::float8, extract(epoch from f.last_file_at)::float8,
       f.failures, (select count(*) from feed_file s where s.operator = f.operator and s.feed = f.id
                     and s.seen in ('waiting', 'taken', 'held')),
       greatest(0, extract(epoch from now() - f.next_at))::float8
  from feed f join operator o on o.id = f.operator
 where f.active and ($1::int is null or f.operator = $1) order by o.code, f.name
"""


_JOBS = """
select o.code, j.kind, j.state, count(*)::bigint from job j join operator o on o.id = j.operator
 where j.state <> 'done' and ($1::int is null or j.operator = $1)
 group by o.code, j.kind, j.state order by o.code, j.kind, j.state
"""


class StoredStanding:
    """The port ``Standing`` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def trouble(self) -> str | None:
        """Tell whether the database answers and its schema is this release's."""
        try:
            pending = [step.id for step in await steps(self._database) if step.known and not step.applied]
        except DatabaseAway:
            return "the database cannot be reached"
        return f"migrations pending: {', '.join(pending)}" if pending else None

    async def figures(self, operator: OperatorId | None) -> Figures:
        """Return the counts of one operator, or of all."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            fetch = unit.connection.fetch
            balances = await fetch(_BALANCES, operator)
            files = await fetch(_FILES, operator)
            suspense = await fetch(_SUSPENSE, operator)
            alarms = await fetch(_ALARMS, operator)
            feeds = await fetch(_FEEDS, operator)
            jobs = await fetch(_JOBS, operator)
        names = (*COUNTS, "ignored", "suspense")
        return Figures(
            [
                SourceBalance(
                    row["operator"], row["source"], tuple((name, row[name]) for name in names), row["unbalanced"]
                )
                for row in balances
            ],
            [tuple(row) for row in files],
            [tuple(row) for row in suspense],
            [tuple(row) for row in alarms],
            feeds=[tuple(row) for row in feeds],
            jobs=[tuple(row) for row in jobs],
        )


class QuietStanding:
    """The port ``Standing`` of an installation in memory: always ready, nothing taken in."""

    async def trouble(self) -> str | None:
        """Return None."""
        return None

    async def figures(self, operator: OperatorId | None) -> Figures:
        """Return no counts."""
        del operator
        return Figures()
