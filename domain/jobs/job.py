"""A job and its back-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.ids import JobId, OperatorId

ATTEMPTS_MAX: Final = 10
FIRST_DELAY_SECONDS: Final = 1.0
DELAY_SECONDS_MAX: Final = 3600.0
ERROR_MAX: Final = 2000


class JobState(StrEnum):
    """Waiting → running → done; or dead, when it failed too often or cannot succeed."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be kept. ``run_at`` None: at once. A higher ``priority`` (-100 to 100) goes first."""

    kind: str
    payload: Mapping[str, object] = field(default_factory=dict)
    dedupe: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    attempts_max: int = ATTEMPTS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is kept. ``client`` promised it; ``worker`` does it; ``error`` is of the last attempt that failed."""

    id: JobId
    operator: OperatorId
    kind: str
    payload: Mapping[str, object]
    dedupe: str | None
    priority: int
    state: JobState
    attempts: int
    attempts_max: int
    run_at: datetime
    client: str
    worker: int | None = None
    error: str | None = None
    result: Mapping[str, object] | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def exhausted(self) -> bool:
        """Tell whether it may not be tried again."""
        return self.attempts >= self.attempts_max


class PutOff(Exception):  # noqa: N818  (no fault: the worker gives the job back, untried)
    """A job is for later: the network element that it is about to ask is asked by enough others now."""

    def __init__(self, element: str) -> None:
        super().__init__(element)
        self.element = element


def delay(attempts: int, *, jitter: float) -> timedelta:
    """Return how long a job rests after so many attempts: twice as long each time, an hour at most.

    ``jitter`` from 0 up to 1 adds as much as a quarter, so that many that failed together do not come back together.

    >>> [delay(n, jitter=0).seconds for n in (1, 2, 3, 10, 100)]
    [1, 2, 4, 512, 3600]
    """
    seconds = min(FIRST_DELAY_SECONDS * 2 ** min(attempts - 1, 20), DELAY_SECONDS_MAX)
    return timedelta(seconds=seconds * (1 + jitter / 4))
