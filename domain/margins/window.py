"""Margins of the last while: chunks come in, old ones go out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from domain.margins.margin import MarginSums

ROWS_MAX: Final = 200_000
_COUNTED: Final = ("events", "compared", "unconverted", "earned", "paid", "margin")


def added(rows: Iterable[MarginSums], key: str = "") -> MarginSums:
    """Return the sum of rows."""
    sums = dict.fromkeys(_COUNTED, 0)
    for row in rows:
        for name in _COUNTED:
            sums[name] += getattr(row, name)
    return MarginSums(key=key, **sums)


@dataclass(slots=True)
class Window:
    """The sums of the chunks committed within ``length``, and of none before ``since``.

    Of more than ``ROWS_MAX`` rows the oldest chunks go early; ``since`` says so.
    """

    since: datetime
    length: timedelta
    _chunks: deque[tuple[datetime, Sequence[MarginSums]]] = field(default_factory=deque)
    _sums: dict[str, MarginSums] = field(default_factory=dict)
    _rows: int = 0

    def take(self, at: datetime, rows: Sequence[MarginSums]) -> None:
        """Add what a chunk that was committed ``at`` came to."""
        self._chunks.append((at, rows))
        self._rows += len(rows)
        for row in rows:
            before = self._sums.get(row.key)
            self._sums[row.key] = row if before is None else added((before, row), row.key)
        while len(self._chunks) > 1 and self._rows > ROWS_MAX:
            self.since = max(self.since, self._chunks[0][0])
            self._drop()

    def until(self, now: datetime) -> None:
        """Let go what is older than the window is long."""
        self.since = max(self.since, now - self.length)
        while self._chunks and self._chunks[0][0] < self.since:
            self._drop()

    def _drop(self) -> None:
        _, rows = self._chunks.popleft()
        self._rows -= len(rows)
        for row in rows:
            before = self._sums[row.key]
            after = replace(before, **{name: getattr(before, name) - getattr(row, name) for name in _COUNTED})
            if any(getattr(after, name) for name in _COUNTED):
                self._sums[row.key] = after
            else:
                del self._sums[row.key]

    def of(self, keys: Iterable[str]) -> list[MarginSums]:
        """Return the sums of these keys, where there are any."""
        return [self._sums[key] for key in keys if key in self._sums]

    @property
    def total(self) -> MarginSums:
        """The sum of everything in it."""
        return added(self._sums.values())
