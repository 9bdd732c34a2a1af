"""Stores of operators, API clients and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.access.chain import Anchor, LineKind, Recorded
from domain.access.client import ApiClient
from domain.ids import ResellerId
from domain.invoicing.series import NumberSeries, SeriesKind
from domain.operators import Operator
from domain.ports.page import Page, PageRequest


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

    async def series_of(self, kind: SeriesKind, reseller: ResellerId | None) -> NumberSeries | None:
        """Return one series; None where it has not begun."""
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

        Never waits for a unit that has claimed it and not ended yet. Refuses with: Conflict (the key came with other
        content, or is being answered at this moment).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """Which lines of the trail: everything that is given must fit. Times: ``since`` <= at < ``until``.

    ``customer``: lines about him, and those that tell that his data were read.
    """

    kind: LineKind | None = None
    client: str | None = None
    user: int | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    customer: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit(Protocol):
    """The trail of what every caller did; append-only, and chained soon after (``domain.access.chain``)."""

    async def write(
        self,
        action: str,
        target: str,
        detail: Mapping[str, object] | None = None,
        *,
        kind: str = "change",
        outcome: str = "done",
    ) -> None:
        """Record that the unit's actor did ``action`` to ``target``, in the unit's own transaction.

        Where the unit has claimed the target and kept it, what was changed is added by itself, as ``before`` and
        ``after``. What changes something is an event at the same time (``domain.webhooks.event.named``), without these.
        """
        ...

    async def erase(self, action: str, target: str, detail: Mapping[str, object], *, targets: Sequence[str]) -> int:
        """Erase what the lines about ``targets`` keep of persons, and record it; return how many lines they were.

        The chain holds: the lines stay, with the digest of what was there.
        """
        ...

    async def page(self, request: PageRequest, wanted: TrailFilter) -> Page[Recorded]:
        """List the newest lines first; each with its place in the chain (None: not yet) and its caller's address."""
        ...

    async def anchors(self, first: int) -> Sequence[Anchor]:
        """Return the newest anchors of the operator's chain."""
        ...


class Outbox(Protocol):
    """Events that are told once the unit has committed."""

    async def promise(self, kind: str, payload: Mapping[str, object], *, subject: str = "") -> None:
        """Record one that says more than an audit line; ``subject`` as ``invoice:12``."""
        ...

    async def promise_all(self, kind: str, told: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Record many of a kind that belong to the operator himself, each a subject and what is told of it."""
        ...
