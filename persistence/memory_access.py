"""Operators, API clients, the audit trail, answers to repeated commands and the outbox in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Actor
from domain.access.client import ApiClient
from domain.ids import OperatorId
from domain.operators import Operator
from domain.refusal import Conflict, NotFound
from persistence.access import SERIES
from persistence.memory import Draft, MemoryDatabase
from persistence.memory_customers import exists


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the trail."""

    actor: Actor
    operator: OperatorId
    action: str
    target: str
    detail: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Promised:
    """One event to be delivered."""

    operator: OperatorId
    kind: str
    payload: Mapping[str, object]


class MemoryOperators:
    """Keeps ``domain.ports.access.Operators``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def own(self) -> Operator:
        """Return the operator of the unit."""
        key = self._draft.actor.operator
        found: Operator | None = self._draft.table("operator").get(key)
        if found is None:
            raise NotFound(f"no operator {key}")
        return found

    async def add(self, operator: Operator) -> Operator:
        """Keep a new one with its series and its first line of audit. Refuses with: Conflict (code taken)."""
        rows = self._draft.table("operator")
        if any(other.code == operator.code for other in rows.values()):
            raise Conflict(f"the operator code {operator.code} is taken", field="code")
        kept = replace(operator, id=OperatorId(self._draft.draw("operator")))
        rows[kept.id] = kept
        self._draft.table("series").update({(kept.id, name): first for name, first in SERIES.items()})
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
            raise Conflict(f"the client id {client.client_id} is taken", field="clientId")
        if not exists(self._draft, "reseller", client.reseller, client.operator):
            raise NotFound(f"no reseller {client.reseller}", field="reseller")
        rows[client.client_id] = client
        return client

    async def all(self) -> Sequence[ApiClient]:
        """Return them by client id."""
        rows = self._draft.table("api_client")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def claim(self, client_id: str) -> ApiClient:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        for one in await self.all():
            if one.client_id == client_id:
                return one
        raise NotFound(f"no API client {client_id}", field="clientId")

    async def keep(self, client: ApiClient) -> ApiClient:
        """Write a changed one."""
        self._draft.table("api_client")[client.client_id] = client
        return client


class MemoryAudit:
    """Keeps ``domain.ports.access.Audit``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def write(self, action: str, target: str, detail: Mapping[str, object] | None = None) -> None:
        """Record that the unit's actor did ``action`` to ``target``."""
        actor = self._draft.actor
        line = AuditLine(actor, actor.operator, action, target, detail)
        self._draft.table("audit")[self._draft.draw("audit")] = line


class MemoryOutbox:
    """Keeps ``domain.ports.access.Outbox``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def promise(self, kind: str, payload: Mapping[str, object]) -> None:
        """Record an event to be delivered once the unit has committed."""
        promised = Promised(self._draft.actor.operator, kind, dict(payload))
        self._draft.table("outbox")[self._draft.draw("outbox")] = promised


class MemoryAnswers:
    """Keeps ``domain.ports.access.Answers``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _place(self, key: str) -> tuple[int, str, str]:
        return self._draft.actor.operator, self._draft.actor.client, key

    async def claim(self, key: str, content: bytes) -> int | None:
        """Return the id that was answered to the same command; None when the key is new. Refuses with: Conflict."""
        rows = self._draft.table("answer")
        known = rows.get(self._place(key))
        if known is None:
            rows[self._place(key)] = (content, None)
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
