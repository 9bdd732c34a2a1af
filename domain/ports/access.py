"""Stores of operators, API clients and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.access.client import ApiClient
from domain.operators import Operator


class Operators(Protocol):
    """The unit's own operator."""

    async def own(self) -> Operator:
        """Return the operator of the unit."""
        ...


class Clients(Protocol):
    """API clients of the operator."""

    async def add(self, client: ApiClient) -> ApiClient:
        """Keep a new one. Refuses with: Conflict (client id taken)."""
        ...

    async def all(self) -> Sequence[ApiClient]:
        """Return them by client id."""
        ...

    async def claim(self, client_id: str) -> ApiClient:
        """Return one locked. Refuses with: NotFound."""
        ...

    async def keep(self, client: ApiClient) -> ApiClient:
        """Write a changed one."""
        ...


class Audit(Protocol):
    """The trail of what every caller did; append-only."""

    async def write(self, action: str, target: str, detail: Mapping[str, object] | None = None) -> None:
        """Record that the unit's actor did ``action`` to ``target``, in the unit's own transaction."""
        ...


class Outbox(Protocol):
    """Promises made in the transaction and kept after it."""

    async def promise(self, kind: str, payload: Mapping[str, object]) -> None:
        """Record an event to be delivered once the unit has committed."""
        ...
