"""What a switch wrote of its calls: rows, and the count of what each row is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.demo.size import ZONE

_ZONE = ZoneInfo(ZONE)
EVENT, DUPLICATE = "event", "duplicate"
NO_PARTY, NO_DESTINATION = "unrated:no_party", "unrated:no_destination"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file. ``at`` is when the switch wrote it.

    ``kind``: an event that can be rated, a duplicate, or ``reject:``, ``ignored:`` or ``unrated:`` with the reason.
    """

    at: int
    text: bytes
    kind: str = EVENT


@dataclass(slots=True)
class Truth:
    """How many records of each kind stand in the files written so far."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """All records, good and bad."""
        return sum(self.counts.values())

    @property
    def events(self) -> int:
        """Good records, whether they can be rated or not."""
        return self.counts[EVENT] + sum(self.of("unrated").values())

    def of(self, kind: str) -> dict[str, int]:
        """Return the counts by reason of one kind: ``reject``, ``ignored`` or ``unrated``."""
        start = f"{kind}:"
        return {key.removeprefix(start): value for key, value in self.counts.items() if key.startswith(start)}


@lru_cache(maxsize=100_000)
def _hour(hour: int) -> str:
    """Return the local date and hour of an hour since 1970; the zone's offset is whole hours."""
    return datetime.fromtimestamp(hour * 3600, _ZONE).strftime("%Y-%m-%d %H")


def local(at: int) -> str:
    """Write an instant as the switches do: local time, without saying which.

    >>> local(1792886400), local(1792886400 + 3600)
    ('2026-10-25 02:00:00', '2026-10-25 02:00:00')
    """
    hour, rest = divmod(at, 3600)
    return f"{_hour(hour)}:{rest // 60:02d}:{rest % 60:02d}"
