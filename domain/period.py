"""Half-open intervals of dates and of instants: the start belongs to it, the end does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.refusal import BadValue


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Dates ``[start, end)`` in the operator's own zone."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise BadValue("a period must end after it starts: {start} to {end}", start=self.start, end=self.end)

    @classmethod
    def month(cls, text: str, *, field: str | None = None) -> Period:
        """Read ``2026-03`` as the calendar month. Refuses with: BadValue."""
        try:
            start = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise BadValue("{text!r} is not a month such as 2026-03", text=text, field=field) from None
        return cls(start, date(start.year + start.month // 12, start.month % 12 + 1, 1))

    @property
    def days(self) -> int:
        """Whole days in it."""
        return (self.end - self.start).days

    def overlap(self, start: date | None, end: date | None) -> Period | None:
        """Return what ``[start, end)`` covers of it; an open side is None."""
        first = max(self.start, start) if start else self.start
        last = min(self.end, end) if end else self.end
        return Period(first, last) if first < last else None

    def instants(self, zone: str) -> tuple[datetime, datetime]:
        """Return its bounds as UTC instants, midnight to midnight in the IANA ``zone``."""
        tz = ZoneInfo(zone)
        return (
            datetime(self.start.year, self.start.month, self.start.day, tzinfo=tz).astimezone(UTC),
            datetime(self.end.year, self.end.month, self.end.day, tzinfo=tz).astimezone(UTC),
        )

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def utc(value: datetime, *, field: str | None = None) -> datetime:
    """Return an aware instant as UTC. Refuses with: BadValue where it has no offset."""
    if value.tzinfo is None:
        raise BadValue(
            "{isoformat} has no offset; write for example 2026-03-01T00:00:00+01:00",
            isoformat=value.isoformat(),
            field=field,
        )
    return value.astimezone(UTC)


def later(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, or that month's last.

    >>> later(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (following - date(year, month + 1, 1)).days
    return date(year, month + 1, min(day.day, last))
