"""Strict reading of JSON objects: every fault is kept with its JSON path, and nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from domain.money import INT64_MAX

NEVER = datetime(1, 1, 1, tzinfo=UTC)  # stands for a time that could not be read; the document is refused anyway
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DECIMAL = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?", re.ASCII)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Members(dict[str, object]):
    """A JSON object that remembers which of its keys came twice (``json.loads(object_pairs_hook=members)``)."""

    twice: tuple[str, ...] = ()


def members(pairs: list[tuple[str, object]]) -> Members:
    """Build a JSON object from its pairs without losing that a key was repeated."""
    made = Members(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        made.twice = tuple(sorted({key for key in keys if keys.count(key) > 1}))
    return made


def instant(text: object) -> datetime:
    """Read an ISO 8601 time with an offset, as UTC. Raises ValueError with what is wrong."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError(f"{shown(text)} is not an ISO 8601 time with an offset such as 2026-03-01T08:00:00+01:00")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(text)} is not a time of the calendar") from None


def decimal(text: object, decimals: int, *, negative: bool) -> int:
    """Read a decimal text as an integer of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ. Raises ValueError with what is wrong."""
    if not isinstance(text, str):
        raise ValueError(f'must be a string holding an exact decimal such as "0.49", not {shown(text)}')  # noqa: TRY004  (one kind for every fault)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{shown(text)} is not a plain decimal such as 0.49")
    sign, whole, part = match[1], match[2], (match[3] or "").rstrip("0")
    if len(part) > decimals:
        raise ValueError(f"{text} has more than {decimals} decimals")
    value = int(whole + part.ljust(decimals, "0"))
    if sign and value and not negative:
        raise ValueError(f"{text} is negative")
    if value > INT64_MAX:
        raise ValueError(f"{text} is too large")
    return -value if sign else value


def shown(value: object) -> str:
    """Show a JSON value shortly in a sentence."""
    text = "null" if value is None else "true" if value is True else "false" if value is False else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def sound(text: str) -> bool:
    """Tell whether UTF-8 can hold the text: JSON can escape half of a surrogate pair."""
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def joined(path: str, key: str | int) -> str:
    """Append a key or an index to a JSON path."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}['{key}']"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(slots=True)
class Place:
    """One JSON object being read. Reading a key marks it known; ``close`` reports the others."""

    value: Mapping[str, object]
    path: str
    faults: list[Fault]
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, value: object, path: str, faults: list[Fault]) -> Place:
        """Open an object; something else is a fault and reads as an empty object."""
        if not isinstance(value, Mapping):
            faults.append(Fault(path, f"must be an object, not {shown(value)}"))
            return cls({}, path, faults)
        faults += [Fault(joined(path, key), "stands twice in this object") for key in getattr(value, "twice", ())]
        return cls(value, path, faults)

    def fault(self, key: str | int | None, message: str) -> None:
        """Report a fault at a key, or at the object itself."""
        self.faults.append(Fault(self.path if key is None else joined(self.path, key), message))

    def get(self, key: str, *, required: bool = False) -> object:
        """Return the value at a key; null counts as left out."""
        self.known.add(key)
        value = self.value.get(key)
        if value is None and required:
            self.fault(key, "is required")
        return value

    def close(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.value:
            if key not in self.known:
                self.fault(key, "is not a key of this object")

    def child(self, key: str) -> Place | None:
        """Open the object at a key; None where it is left out."""
        value = self.get(key)
        return None if value is None else Place.of(value, joined(self.path, key), self.faults)

    def entries(self, key: str, *, required: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield (name, path, value) of the object of named things at a key."""
        value = self.get(key, required=required)
        if value is None:
            return
        inner = Place.of(value, joined(self.path, key), self.faults)
        for name, member in inner.value.items():
            path = joined(inner.path, name)
            if not name:
                self.faults.append(Fault(path, "a name must not be empty"))
            elif not sound(name):
                self.faults.append(Fault(path, "a name must not hold half a character"))
            yield name, path, member

    def items(self, key: str, *, required: bool = False) -> Iterator[tuple[str, object]]:
        """Yield (path, value) of the array at a key."""
        value = self.get(key, required=required)
        if value is None:
            return
        if not isinstance(value, list):
            self.fault(key, f"must be an array, not {shown(value)}")
            return
        path = joined(self.path, key)
        for index, member in enumerate(value):
            yield f"{path}[{index}]", member

    def text(self, key: str, *, required: bool = False, among: Collection[str] | None = None) -> str | None:
        """Read a text that is not empty."""
        value = self.get(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self.fault(key, f"must be a text, not {shown(value)}")
            return None
        if not sound(value):
            self.fault(key, f"{shown(value)} holds half a character")
            return None
        if among is not None and value not in among:
            self.fault(key, f"{shown(value)} is not one of {', '.join(among)}")
            return None
        return value

    def integer(self, key: str, default: int = 0, *, least: int = 0, most: int = INT64_MAX) -> int:
        """Read a whole number written as a JSON integer."""
        value = self.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, f"must be a whole number, not {shown(value)}")
        elif value < least:
            self.fault(key, f"{value} is less than {least}")
        elif value > most:
            self.fault(key, f"{value} is more than {most}")
        else:
            return value
        return default

    def amount(self, key: str, *, decimals: int = 9, negative: bool = False, required: bool = False) -> int | None:
        """Read a decimal text as an integer of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ."""
        value = self.get(key, required=required)
        if value is None:
            return None
        try:
            return decimal(value, decimals, negative=negative)
        except ValueError as wrong:
            self.fault(key, str(wrong))
            return None

    def time(self, key: str, *, required: bool = False) -> datetime | None:
        """Read an instant, as UTC."""
        value = self.get(key, required=required)
        if value is None:
            return None
        try:
            return instant(value)
        except ValueError as wrong:
            self.fault(key, str(wrong))
            return None

    def validity(self) -> tuple[datetime | None, datetime | None]:
        """Read ``valid_from`` and ``valid_to``."""
        start, end = self.time("valid_from"), self.time("valid_to")
        if start is not None and end is not None and end <= start:
            self.fault("valid_to", "must lie after valid_from")
        return start, end

    def interval(self, key: str, *, required: bool = False) -> tuple[datetime, datetime] | None:
        """Read ``[from, to)`` as an array of two instants."""
        value = self.get(key, required=required)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            self.fault(key, f"must be an array of two times, not {shown(value)}")
            return None
        found = []
        for index, text in enumerate(value):
            try:
                found.append(instant(text))
            except ValueError as wrong:
                self.faults.append(Fault(f"{joined(self.path, key)}[{index}]", str(wrong)))
        if len(found) == 2 and found[1] <= found[0]:
            self.fault(key, "must end after it starts")
        return (found[0], found[1]) if len(found) == 2 else None

    def texts(self, key: str, *, among: Collection[str] | None = None) -> tuple[str, ...] | None:
        """Read an array of texts; None where it is left out."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self.fault(key, f"must be an array of texts, not {shown(value)}")
            return None
        found = []
        for index, text in enumerate(value):
            path = f"{joined(self.path, key)}[{index}]"
            if not isinstance(text, str) or not text:
                self.faults.append(Fault(path, f"must be a text, not {shown(text)}"))
            elif not sound(text):
                self.faults.append(Fault(path, f"{shown(text)} holds half a character"))
            elif among is not None and text not in among:
                self.faults.append(Fault(path, f"{shown(text)} is not one of {', '.join(among)}"))
            else:
                found.append(text)
        return tuple(found)


def calendar_date(text: object) -> date:
    """Read ``2026-01-06``. Raises ValueError with what is wrong."""
    if isinstance(text, str) and _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"{shown(text)} is not a date such as 2026-01-06")
