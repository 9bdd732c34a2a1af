"""Stores of operators, API clients and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.access.client import ApiClient
from domain.ids import ResellerId
from domain.invoicing.series import NumberSeries, SeriesKind
from domain.operators import Operator


class Operators(Protocol):
    """The unit's own operator."""

    async def own(self) -> Operator:
        """Return the operator of the unit."""
        ...

    async def claim(self) -> Operator:
        """Return the operator of the unit, locked until the unit ends."""
        ...

    async def keep(self, operator: Operator) -> Operator:
        """Write a changed one where the stored version is its own; return it with the next. Refuses with: Stale."""
        ...

    async def series(self) -> Sequence[NumberSeries]:
        """Return every series of numbers that has begun, by name."""
        ...

    async def claim_series(self, kind: SeriesKind, reseller: ResellerId | None, *, expected: int) -> NumberSeries:
        """Return one, begun where it is not, and locked until the unit ends. Refuses with: Stale."""
        ...

    async def keep_series(self, series: NumberSeries) -> None:
        """Write a changed one. Refuses with: Conflict (another seller's prefix)."""
        ...

    async def add(self, operator: Operator) -> Operator:
        """Keep a new one (its ``id`` is 0) with its number series, an empty catalogue and its first line of audit.

        The one write that is not of the unit's own operator; the unit begins with ``bulk=True`` and operator 0.
        Refuses with: Conflict (code taken).
        """
        ...


class Clients(Protocol):
    """API clients of the operator, as far as the actor reaches: a reseller's sees those of his part of the tree."""

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


class Answers(Protocol):
    """What was answered to commands that carry an idempotency key, per client."""

    async def claim(self, key: str, content: bytes) -> int | None:
        """Return the id that was answered to the same command; None when the key is new, and claimed by this unit.

        Two units with one key wait for each other. Refuses with: Conflict (the key came with other content).
        """
        ...

    async def keep(self, key: str, answer: int) -> None:
        """Record what the unit answers to the key it claimed."""
        ...


class Directory(Protocol):
    """Which operators there are: for the command line of the operators' own machine. It sees all of them."""

    async def operators(self) -> Sequence[Operator]:
        """Return every operator by code."""
        ...


class Audit(Protocol):
    """The trail of what every caller did; append-only."""

    async def write(self, action: str, target: str, detail: Mapping[str, object] | None = None) -> None:
        """Record that the unit's actor did ``action`` to ``target``, in the unit's own transaction.

        What changes something is an event at the same time (``domain.webhooks.event.named``).
        """
        ...


class Outbox(Protocol):
    """Events that are told once the unit has committed."""

    async def promise(self, kind: str, payload: Mapping[str, object], *, subject: str = "") -> None:
        """Record one that says more than an audit line; ``subject`` as ``invoice:12``."""
        ...
