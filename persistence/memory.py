"""The stores' twin in memory: one state, and units that work on a draft of it.

A unit has the state for itself from its beginning to its end, so units follow one another; leaving puts the draft in
the place of the state, an error throws it away. Rows are frozen domain objects, so that a draft is a copy of the
mappings alone. What a unit's actor may see is decided by ``Draft.sees``, as row-level security does in PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from domain.access.actor import Actor
from domain.customers.customer import Customer
from domain.ids import OperatorId, ResellerId
from domain.ports.news import ALARM, BILL_RUN, CHUNK, EVENT, FILE, ORDER, Notice
from domain.ports.page import Page, PageRequest

Row = TypeVar("Row")


class Owned(Protocol):
    """What belongs to an operator and, below him, to a reseller (None: to the operator himself)."""

    @property
    def operator(self) -> OperatorId: ...  # noqa: D102
    @property
    def reseller(self) -> ResellerId | None: ...  # noqa: D102


@dataclass(slots=True)
class State:
    """Named tables, each a mapping of key to row, and the last key drawn of each."""

    tables: dict[str, dict[Any, Any]] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        """Return a state that can be changed without changing this one."""
        return State({name: dict(rows) for name, rows in self.tables.items()}, dict(self.drawn))


@dataclass(slots=True)
class Draft:
    """The state as one unit of one actor sees and changes it.

    ``claimed``: the idempotency keys that it claims; ``met``: those that others held while it waited for its turn.
    """

    state: State
    actor: Actor
    bulk: bool = False
    claimed: set[object] = field(default_factory=set)
    met: set[object] = field(default_factory=set)

    def table(self, name: str) -> dict[Any, Any]:
        """Return a table; its rows may be put and removed."""
        return self.state.tables.setdefault(name, {})

    def draw(self, name: str) -> int:
        """Draw the next key of a table."""
        self.state.drawn[name] = self.state.drawn.get(name, 0) + 1
        return self.state.drawn[name]

    def sees(self, row: Owned) -> bool:
        """Tell whether the actor may see what belongs to an operator and a reseller."""
        if row.operator != self.actor.operator:
            return False
        return self.bulk or (self.actor.reaches(row.reseller) and self._meets(row))

    def _meets(self, row: Any) -> bool:
        """Tell whether the row's customer, if it has one, is in one of the groups that the actor is held to."""
        groups = self.actor.limits.groups
        person = row.id if isinstance(row, Customer) else getattr(row, "customer", None)
        if not groups or person is None:
            return True
        now = datetime.now(UTC)
        return any(
            one.customer == person and one.name in groups and one.valid_from <= now and not _over(one.valid_to, now)
            for one in self.table("customer_group").values()
        )

    def seen(self, name: str, keep: Callable[[Any], bool] = lambda _: True) -> list[Any]:
        """Return the rows of a table that may be seen and are wanted, by key."""
        rows = self.table(name)
        return [rows[key] for key in sorted(rows) if self.sees(rows[key]) and keep(rows[key])]


def _over(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


class MemoryDatabase:
    """A state and its lock."""

    def __init__(self) -> None:
        self.state = State()
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._waiting: list[set[object]] = []  # what each that waits has met
        self.tell: Callable[[Notice], None] | None = None  # of what is committed

    async def enter(self, actor: Actor, *, bulk: bool = False) -> Draft:
        """Wait for the state and return a draft of it. A unit inside a unit is a bug."""
        task = asyncio.current_task()
        if self._holder is not None and self._holder is task:
            raise RuntimeError("a unit is already open in this task; pass it on instead of opening another")
        met: set[object] = set()
        self._waiting.append(met)
        try:
            await self._lock.acquire()
        finally:
            self._waiting = [one for one in self._waiting if one is not met]
        self._holder = task
        return Draft(self.state.copy(), actor, bulk, met=met)

    def leave(self, draft: Draft, *, commit: bool) -> None:
        """End the unit and let the next one in."""
        before = self.state
        for met in self._waiting:
            met.update(draft.claimed)
        if commit:
            self.state = draft.state
        self._holder = None
        self._lock.release()
        if commit and self.tell is not None:
            for notice in _notices(before, draft):
                self.tell(notice)


def _notices(before: State, draft: Draft) -> Iterator[Notice]:
    """Yield what a unit has changed of that which listeners are told."""
    for kind, name in ((FILE, "cdr_file"), (ALARM, "alarm"), (BILL_RUN, "bill_run"), (ORDER, "network_order")):
        old = before.tables.get(name, {})
        for key, row in draft.state.tables.get(name, {}).items():
            if old.get(key) is not row:
                yield Notice(kind, row.operator, key)
    for kind, name in ((CHUNK, "chunk"), (EVENT, "outbox")):
        for key in range(before.drawn.get(name, 0), draft.state.drawn.get(name, 0)):
            yield Notice(kind, draft.actor.operator, key + 1)


def page_of(rows: Iterable[Row], request: PageRequest, key: Callable[[Row], int]) -> Page[Row]:
    """Return the page of rows that are in the order of their keys."""
    after = request.after or 0
    chosen: Sequence[Row] = [row for row in rows if key(row) > after][: request.first + 1]
    return Page.of(chosen, request)
