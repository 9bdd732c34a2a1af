"""One look at a feed's place, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.ids import FeedId, FeedRunId, OperatorId


class RunState(StrEnum):
    """Running → done or failed; interrupted: its process died, and a later run went on."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Counts of names: ``found`` in the listing, ``wanted`` by the pattern, ``taken`` and committed now.

    ``again``: of those, whose content was here before. ``waiting``: not ready yet; ``held``: could not be read, the
    last one's reason is ``fault``; ``gone``: listed and not there any more; ``unsafe``: not names of files. ``more``:
    ready ones were left for the next run. ``bytes`` were fetched.
    """

    id: FeedRunId
    operator: OperatorId
    feed: FeedId
    state: RunState = RunState.RUNNING
    started_at: datetime
    finished_at: datetime | None = None
    found: int = 0
    wanted: int = 0
    taken: int = 0
    again: int = 0
    waiting: int = 0
    held: int = 0
    gone: int = 0
    unsafe: int = 0
    bytes: int = 0
    more: bool = False
    fault: str | None = None
