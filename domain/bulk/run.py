"""An import of a sheet: how it is to be done, how it stands, and its faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId, OperatorId, ResellerId

ROWS_MAX: Final = 500_000
BYTES_MAX: Final = 64 << 20
FAULTS_MAX: Final = 10_000  # that are kept; all are counted
CHUNK_ROWS: Final = 250
JOB: Final = "import_bulk"


class BulkMode(StrEnum):
    """What becomes of the good rows where others have faults: nothing at all, or they are taken."""

    ALL = "all"
    VALID = "valid"


class BulkState(StrEnum):
    """Waiting → running → done, or refused: nothing of it was taken."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"


class RowOutcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFault:
    """A refusal with its row, the header being row 1. ``field`` is the column, or a part of the command."""

    row: int
    field: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkImport:
    """An import. ``rows`` is None until the sheet was read; ``seen`` of them were looked at so far.

    ``fault`` is why it was refused as a whole. ``preview``: what would become of it; nothing was kept.
    """

    id: BulkImportId
    operator: OperatorId
    kind: SheetKind
    name: str
    mode: BulkMode
    preview: bool
    client: str
    created_at: datetime
    reseller: ResellerId | None = None
    state: BulkState = BulkState.WAITING
    rows: int | None = None
    seen: int = 0
    created: int = 0
    unchanged: int = 0
    faulty: int = 0
    fault: str | None = None
    finished_at: datetime | None = None


@dataclass(slots=True)
class Tally:
    """What became of rows, counted."""

    counts: dict[RowOutcome, int] = field(default_factory=lambda: dict.fromkeys(RowOutcome, 0))
    faults: list[BulkFault] = field(default_factory=list)

    def add(self, outcome: RowOutcome, *faults: BulkFault, times: int = 1) -> None:
        """Count rows."""
        self.counts[outcome] += times
        self.faults += faults[: FAULTS_MAX - len(self.faults)]

    @property
    def told(self) -> Mapping[str, int]:
        """The counts by their words."""
        return {outcome.value: count for outcome, count in self.counts.items()}
