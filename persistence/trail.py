"""The audit trail in PostgreSQL: written with what it tells of, read by those who may, erased without a gap."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.chain import ERASING, Anchor, Line, Recorded
from domain.ports.access import TrailFilter
from domain.ports.page import Page, PageRequest
from domain.webhooks.event import named, parts
from persistence.engine import Transaction
from persistence.violations import KEY_MAX
from persistence.watching import Watch, present

# Who came and went, and who tried to; these are kept as long as the installation says of sign-ins.
SIGN_INS: Final = frozenset({"sign_in", "miss_sign_in", "lock_user", "start_session", "end_session", "end_sessions"})
_LINE: Final = (
    'insert into audit (operator, client, reseller, address, action, target, detail, "user", factor, behalf, kind,'
    " outcome) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
_EVENT: Final = (
    "insert into outbox (operator, kind, payload, subject, reseller)"
    " values ($1, $13, coalesce($16::jsonb, '{}') || jsonb_strip_nulls(jsonb_build_object('number',"
    " number_of($1, $14, coalesce($15::text, '')))), $6, owner_of($1, $14, coalesce($15::text, '')))"
)
# What the trail alone keeps: an event never says more than names of fields, keys and counts.
VALUES: Final = frozenset({"before", "after"})
LINE: Final = (
    'a.id, a.operator, a.at, a.kind, a.client, a."user", a.factor, a.behalf, a.reseller, a.action, a.target,'
    " a.outcome, a.request, a.seen, a.salt, a.withheld, a.erased_by, a.address, a.detail,"
    " case when a.salt is null then null else audit_private(a) end as private"
)
_PAGE: Final = f"""
select {LINE}, l.seq, l.hash from audit a left join audit_link l on l.audit = a.id
where a.operator = $1 and a.id < $2 and ($3::text is null or a.client = $3) and ($4::bigint is null or a."user" = $4)
    and ($5::text is null or a.action = $5) and ($6::text is null or a.target = $6)
    and ($7::timestamptz is null or a.at >= $7) and ($8::timestamptz is null or a.at < $8)
    and ($9::text is null or a.kind = $9) and ($10::bigint is null or a.seen @> array[$10] or a.target = $11)
    and ($13::text is null or a.outcome = $13)
order by a.id desc limit $12"""  # noqa: S608  (our own words)


def line_of(row: Mapping[str, Any], *, bare: bool = False) -> Line:
    """Make the line of a row; ``bare``: without its detail, which no digest is made of."""
    same = (
        "id", "operator", "at", "kind", "client", "user", "factor", "behalf", "reseller", "action", "target", "outcome",
        "request", "private", "salt", "withheld", "erased_by",
    )  # fmt: skip
    return Line(
        seen=None if row["seen"] is None else tuple(row["seen"]),
        detail=None if bare or row["detail"] is None else json.loads(row["detail"]),
        **{name: row[name] for name in same},
    )


def with_values(watch: Watch | None, target: str, detail: Mapping[str, object] | None) -> dict[str, object] | None:
    """Return a detail with what was changed of its target, as far as it does not say so itself."""
    found = watch.change(target) if watch is not None else None
    if found is None or not found[0] or "after" in (detail or {}):
        return None if detail is None else dict(detail)
    return {**(detail or {}), "before": found[0], "after": found[1]}


def kind_of(action: str, kind: str, event: str | None) -> str:
    """Return what kind of line an action's is, where its use case does not say."""
    if kind != "change":
        return kind
    if action in SIGN_INS:
        return "sign_in"
    return "read" if event is None and action.startswith("read") else kind


def event_detail(detail: Mapping[str, object] | None) -> dict[str, object]:
    """Return what an event tells of a line: everything but the values."""
    return {name: value for name, value in (detail or {}).items() if name not in VALUES or not isinstance(value, dict)}


class AuditTrail:
    """Keeps ``domain.ports.access.Audit``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def write(
        self,
        action: str,
        target: str,
        detail: Mapping[str, object] | None = None,
        *,
        kind: str = "change",
        outcome: str = "done",
    ) -> None:
        """Record that the unit's actor did ``action`` to ``target``, in the unit's own transaction."""
        actor, event, watch = self._actor, named(action, target), present()
        if watch is not None:
            watch.wrote = True
            watch.told.add(target)
        # What is erased is not written down once more in the line that tells of it.
        full = dict(detail or {}) if action in ERASING else with_values(watch, target, detail)
        kind = kind_of(action, kind, event)
        told = None if full is None else json.dumps(full, default=str, sort_keys=True)
        line = (
            *(actor.operator, actor.client, actor.reseller, actor.address, action, target, told),
            *(actor.user, actor.factor, actor.behalf, kind, outcome),
        )
        if event is None:
            await self._transaction.connection.execute(_LINE, *line)
        else:  # both in one statement, since nearly every change writes both
            public = json.dumps(event_detail(detail), default=str, sort_keys=True) if detail is not None else None
            await self._transaction.connection.execute(
                f"with line as ({_LINE}) {_EVENT}", *line, event, *parts(target), public
            )

    async def erase(self, action: str, target: str, detail: Mapping[str, object], *, targets: Sequence[str]) -> int:
        """Record that what the lines about ``targets`` kept is erased, and erase it; return how many they were."""
        run = self._transaction.connection.fetchval
        count = int(await run("select erase_trail($1, 0)", list(targets)))
        await self.write(action, target, {**detail, "erased": count})
        mine = await run(
            "select max(id) from audit where operator = $1 and txid = pg_current_xact_id() and action = $2",
            *(self._actor.operator, action),
        )
        done = int(await run("select erase_trail($1, $2)", list(targets), mine))
        assert done <= count, f"{done} lines erased, {count} told"
        return done

    async def page(self, request: PageRequest, wanted: TrailFilter) -> Page[Recorded]:
        """List the newest lines first; each with its place in the chain (None: not yet) and its address."""
        rows = await self._transaction.connection.fetch(
            _PAGE,
            *(self._actor.operator, KEY_MAX if request.after is None else min(request.after, KEY_MAX)),
            *(wanted.client, wanted.user, wanted.action, wanted.target, wanted.since, wanted.until),
            *(None if wanted.kind is None else wanted.kind.value, wanted.customer, f"customer:{wanted.customer}"),
            *(request.first + 1, wanted.outcome),
        )
        return Page.of([Recorded(line=line_of(row), seq=row["seq"], address=row["address"]) for row in rows], request)

    async def anchors(self, first: int) -> Sequence[Anchor]:
        """Return the newest anchors of the operator's chain."""
        rows = await self._transaction.connection.fetch(
            "select operator, seq, hash, made_at, kid, token from audit_anchor where operator = $1"
            " order by seq desc limit $2",
            *(self._actor.operator, first),
        )
        return [Anchor(**dict(row)) for row in rows]


def filter_detail(wanted: TrailFilter) -> dict[str, object]:
    """Return what somebody searched the trail for, to be told in it."""
    return {name: str(value) for name, value in asdict(wanted).items() if value is not None}
