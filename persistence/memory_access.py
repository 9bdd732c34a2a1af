"""Operators, API clients, the audit trail, answers to repeated commands and the outbox in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from domain.access.actor import Actor
from domain.access.chain import ERASING, Anchor, Line, Recorded
from domain.access.client import ApiClient
from domain.ids import EventId, OperatorId, ResellerId
from domain.invoicing.series import NumberSeries, ReferenceForm, SeriesKind, default_prefix, name_of, read_name
from domain.operators import Operator
from domain.ports.access import TrailFilter
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale
from domain.webhooks.event import Event, named
from persistence.access import FIRST_NUMBER, SERIES
from persistence.memory import Draft, MemoryDatabase
from persistence.memory_customers import exists
from persistence.memory_levels import add_built_in
from persistence.memory_webhooks import fan_out, number_of, owner_of
from persistence.trail import event_detail, kind_of, with_values
from persistence.watching import present


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the trail."""

    actor: Actor
    operator: OperatorId
    action: str
    target: str
    detail: Mapping[str, object] | None
    kind: str = "change"
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    outcome: str = "done"


class MemoryOperators:
    """Keeps ``domain.ports.access.Operators``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def own(self) -> Operator:
        """Return the operator of the unit."""
        key = self._draft.actor.operator
        found: Operator | None = self._draft.table("operator").get(key)
        if found is None:
            raise NotFound("no operator {key}", key=key)
        return found

    async def claim(self) -> Operator:
        """Return the operator of the unit; the unit has everything locked."""
        return await self.own()

    async def keep(self, operator: Operator) -> Operator:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        if (await self.own()).version != operator.version:
            raise Stale("the operator was changed by somebody else; read it again", field="version")
        kept = replace(operator, version=operator.version + 1)
        self._draft.table("operator")[kept.id] = kept
        return kept

    async def series(self) -> Sequence[NumberSeries]:
        """Return every series of numbers that has begun, by name."""
        own = self._draft.actor.operator
        names = sorted(name for operator, name in self._draft.table("series") if operator == own)
        return [one for one in map(self._one, names) if one is not None]

    def _one(self, name: str) -> NumberSeries | None:
        own = self._draft.actor.operator
        named = read_name(name)
        if named is None:
            return None
        kept = self._draft.table("series_prefix").get((own, name), default_prefix(named[1]))
        rules = self._draft.table("series_rules").get((own, name), (False, ReferenceForm.USUAL, None))
        return NumberSeries(
            kind=named[0],
            reseller=named[1],
            prefix=kept,
            next=self._draft.table("series")[own, name],
            yearly=rules[0],
            reference=rules[1],
            reference_length=rules[2],
        )

    async def claim_series(self, kind: SeriesKind, reseller: ResellerId | None, *, expected: int) -> NumberSeries:
        """Return one, begun where it is not; the unit has everything locked. Refuses with: Stale."""
        name = name_of(kind, reseller)
        self._draft.table("series").setdefault((self._draft.actor.operator, name), FIRST_NUMBER)
        found = self._one(name)
        assert found is not None
        if found.next != expected:
            raise Stale("the next number is {next}; read it again", next=found.next, field="expected")
        return found

    async def keep_series(self, series: NumberSeries) -> None:
        """Write a changed one. Refuses with: Conflict (another seller's prefix)."""
        others = [one for one in await self.series() if one.kind is series.kind and one.name != series.name]
        if any(one.prefix == series.prefix for one in others):
            raise Conflict(
                "another seller's numbers begin with {prefix}", prefix=series.prefix or "digits", field="prefix"
            )
        place = (self._draft.actor.operator, series.name)
        self._draft.table("series")[place] = series.next
        self._draft.table("series_prefix")[place] = series.prefix
        self._draft.table("series_rules")[place] = (series.yearly, series.reference, series.reference_length)

    async def series_of(self, kind: SeriesKind, reseller: ResellerId | None) -> NumberSeries | None:
        """Return one series; None where it has not begun."""
        name = name_of(kind, reseller)
        return self._one(name) if (self._draft.actor.operator, name) in self._draft.table("series") else None

    async def add(self, operator: Operator) -> Operator:
        """Keep a new one with its series and its first line of audit. Refuses with: Conflict (code taken)."""
        rows = self._draft.table("operator")
        if any(other.code == operator.code for other in rows.values()):
            raise Conflict("the operator code {code} is taken", code=operator.code, field="code")
        kept = replace(operator, id=OperatorId(self._draft.draw("operator")))
        rows[kept.id] = kept
        self._draft.table("series").update({(kept.id, name): first for name, first in SERIES.items()})
        add_built_in(self._draft, kept.id)
        line = AuditLine(self._draft.actor, kept.id, "create_operator", f"operator:{kept.code}", None)
        self._draft.table("audit")[self._draft.draw("audit")] = line
        return kept


class MemoryClients:
    """Keeps ``domain.ports.access.Clients``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, client: ApiClient) -> ApiClient:
        """Keep a new one. Refuses with: Conflict (client id taken), NotFound (reseller)."""
        rows = self._draft.table("api_client")
        if client.client_id in rows:
            raise Conflict("the client id {client_id} is taken", client_id=client.client_id, field="clientId")
        if not exists(self._draft, "reseller", client.reseller, client.operator):
            raise NotFound("no reseller {reseller}", reseller=client.reseller, field="reseller")
        rows[client.client_id] = client
        return client

    async def all(self) -> Sequence[ApiClient]:
        """Return them by client id."""
        rows = self._draft.table("api_client")
        return [rows[key] for key in sorted(rows) if self._draft.sees(rows[key])]

    async def claim(self, client_id: str) -> ApiClient:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        for one in await self.all():
            if one.client_id == client_id:
                return one
        raise NotFound("no API client {client_id}", client_id=client_id, field="clientId")

    async def keep(self, client: ApiClient) -> ApiClient:
        """Write a changed one."""
        self._draft.table("api_client")[client.client_id] = client
        return client


class MemoryAudit:
    """Keeps ``domain.ports.access.Audit``. Memory has no chain: it is gone before anybody could look at it."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def write(
        self,
        action: str,
        target: str,
        detail: Mapping[str, object] | None = None,
        *,
        kind: str = "change",
        outcome: str = "done",
    ) -> None:
        """Record that the unit's actor did ``action`` to ``target``."""
        actor, event, watch = self._draft.actor, named(action, target), present()
        if watch is not None:
            watch.wrote = True
            watch.told.add(target)
        kind = kind_of(action, kind, event)
        full = dict(detail or {}) if action in ERASING else with_values(watch, target, detail)
        line = AuditLine(actor, actor.operator, action, target, full, kind=kind, at=datetime.now(UTC), outcome=outcome)
        self._draft.table("audit")[self._draft.draw("audit")] = line
        if event is not None:
            await MemoryOutbox(self._draft).promise(
                event, {**event_detail(detail), **number_of(self._draft, target)}, subject=target
            )

    async def erase(self, action: str, target: str, detail: Mapping[str, object], *, targets: Sequence[str]) -> int:
        """Erase what the lines about ``targets`` keep, and record it."""
        rows, wanted = self._draft.table("audit"), set(targets)
        mine = [
            key
            for key, one in rows.items()
            if one.operator == self._draft.actor.operator and one.target in wanted and one.detail is not None
        ]
        for key in mine:
            rows[key] = replace(rows[key], detail=None, actor=replace(rows[key].actor, address=None))
        await self.write(action, target, {**detail, "erased": len(mine)})
        return len(mine)

    async def page(self, request: PageRequest, wanted: TrailFilter) -> Page[Recorded]:
        """List the newest lines first; none has a place in a chain."""
        found = []
        for key, one in sorted(self._draft.table("audit").items(), reverse=True):
            line = _line(key, one)
            if one.operator != self._draft.actor.operator or not self._draft.actor.reaches(line_reseller(line)):
                continue
            if (request.after is None or key < request.after) and _fits(line, wanted):
                found.append(Recorded(line=line, seq=None, address=one.actor.address))
        return Page.of(found[: request.first + 1], request)

    async def anchors(self, first: int) -> Sequence[Anchor]:
        """Return none: nothing is anchored."""
        del first
        return []


def line_reseller(line: Line) -> ResellerId | None:
    """Return whose caller a line is about."""
    return None if line.reseller is None else ResellerId(line.reseller)


def _line(key: int, one: AuditLine) -> Line:
    actor = one.actor
    return Line(
        id=key,
        operator=one.operator,
        at=one.at,
        kind=one.kind,
        client=actor.client,
        user=actor.user,
        factor=actor.factor,
        behalf=actor.behalf,
        reseller=actor.reseller,
        action=one.action,
        target=one.target,
        outcome=one.outcome,
        request=None,
        seen=None,
        private=None,
        salt=None,
        detail=None if one.detail is None else json.loads(json.dumps(one.detail, default=str)),
    )


def _fits(line: Line, wanted: TrailFilter) -> bool:
    same = ("client", "user", "action", "target", "outcome")
    return (
        all(getattr(wanted, name) in {None, getattr(line, name)} for name in same)
        and (wanted.kind is None or wanted.kind.value == line.kind)
        and (wanted.since is None or line.at >= wanted.since)
        and (wanted.until is None or line.at < wanted.until)
        and (wanted.customer is None or line.target == f"customer:{wanted.customer}")
    )


class MemoryOutbox:
    """Keeps ``domain.ports.access.Outbox``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def promise(self, kind: str, payload: Mapping[str, object], *, subject: str = "") -> None:
        """Record one that says more than an audit line."""
        event = Event(
            id=EventId(self._draft.draw("outbox")),
            operator=self._draft.actor.operator,
            kind=kind,
            subject=subject,
            at=datetime.now(UTC),
            data=json.loads(json.dumps(payload, default=str)),
            reseller=owner_of(self._draft, subject),
        )
        self._draft.table("outbox")[event.id] = event
        fan_out(self._draft, event)

    async def promise_all(self, kind: str, told: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Record many of a kind."""
        for subject, payload in told:
            await self.promise(kind, payload, subject=subject)


class MemoryAnswers:
    """Keeps ``domain.ports.access.Answers``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _place(self, key: str) -> tuple[int, str, str]:
        return self._draft.actor.operator, self._draft.actor.caller, key

    async def claim(self, key: str, content: bytes) -> int | None:
        """Return the id that was answered to the same command; None when the key is new. Refuses with: Conflict."""
        rows, place = self._draft.table("answer"), self._place(key)
        if place in self._draft.met:  # whoever asks while another answers is refused at once, as on a database (B7)
            raise Conflict(
                "a command with this idempotency key is being carried out at this moment", field="idempotencyKey"
            )
        known = rows.get(place)
        if known is None:
            rows[place] = (content, None)
            self._draft.claimed.add(place)
            return None
        if known[0] != content:
            raise Conflict("the idempotency key was used with other content", field="idempotencyKey")
        return int(known[1])

    async def keep(self, key: str, answer: int) -> None:
        """Record what the unit answers to the key it claimed."""
        rows = self._draft.table("answer")
        rows[self._place(key)] = (rows[self._place(key)][0], answer)


class MemoryDirectory:
    """Keeps ``domain.ports.access.Directory``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def operators(self) -> Sequence[Operator]:
        """Return every operator by code."""
        rows = self._database.state.tables.get("operator", {}).values()
        return sorted(rows, key=lambda one: str(one.code))
