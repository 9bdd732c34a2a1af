"""What the present request is doing: which operation, whose data it has read, and what it has changed.

The frame around a request (GraphQL, SOAP, REST) opens an :class:`Activity`; a declared operation says its name; a unit
of work says whose rows it has shown and whether it left a line in the trail itself. What is left to tell when the
request ends becomes one line per operation. Without an activity, as in a worker, all of it costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

SEEN_MAX: Final = 2000  # customers per operation of a request; a page has 1,000
NAMES_MAX: Final = 50  # operations of a request that are told one by one


@dataclass(slots=True)
class Done:
    """What one operation did in this request: ``wrote`` a line itself, showed data of ``seen``, was ``refused``."""

    times: int = 0
    wrote: bool = False
    seen: set[int] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    refused: str | None = None


@dataclass(slots=True)
class Activity:
    """One request. ``missing``: how often it asked for something that is not there, or not its caller's."""

    missing: int = 0
    done: dict[str, Done] = field(default_factory=dict)

    def of(self, name: str) -> Done:
        """Return what is known of an operation."""
        found = self.done.get(name)
        if found is None:
            if len(self.done) >= NAMES_MAX:
                name = "more"
            found = self.done.setdefault(name, Done())
        return found


ACTIVITY: Final[ContextVar[Activity | None]] = ContextVar("tollwright_activity", default=None)
DOING: Final[ContextVar[str]] = ContextVar("tollwright_doing", default="")
# Told of each use case that begins, by its name.
BEGUN: Final[ContextVar[Callable[[str], None] | None]] = ContextVar("tollwright_begun", default=None)
# What a command that comes under an idempotency key asks for: permission and operation; who lost one of them since is
# not given its answer again. "" for the permission: any of those that the operation names.
ASKED: Final[ContextVar[set[tuple[str, str]] | None]] = ContextVar("tollwright_asked", default=None)
