"""A source profile: how one switch writes its records. TOML in, one frozen value out.

A profile starts from a shipped one (``reader``) and says what differs: tables are merged key by key, lists replaced,
and an empty text or list takes an inherited setting away. Every fault is named with its path; unknown keys are faults.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers
import polars as pl

from domain.refusal import BadValue

# The text a condition looks for: a pattern (searched, linear time) or any of some exact values.
Test = str | tuple[str, ...]
Conditions = tuple[tuple[str, Test], ...]
Base = Callable[[str], Mapping[str, Any]]

UNITS: Final = ("s", "ms", "us", "10ms", "hms", "octets", "kB")
ROUNDS: Final = ("up", "half", "down")
ESCAPES: Final = ("doubled", "backslash", "none")
COMPLETE: Final = ("stable", "end-marker", "rename")
# The fields of an event that a record may fill, and what serves to find or check them: the call's end, its whole
# duration, the epoch that proves the local time, the wait from seized to start, and octets that are added up.
MAPPED: Final = (
    *("source", "start", "seized", "used", "answered", "a", "b", "c", "mode", "direction", "trunk_in", "trunk_out"),
    *("cause", "visited", "offset", "session", "end", "duration", "epoch", "wait", "octets_in", "octets_out"),
)
# In key.leg: the event's start in seconds of the epoch, for sources that use their references again.
START_KEY: Final = "@start"
_NAME_LENGTH_MAX: Final = 100
_LIST_LENGTH_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is cut into records and fields. ``header`` None: a first row of names is found by itself."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = "doubled"
    header: bool | None = None
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    complete: str = "stable"


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How numbers are dialled at this source. None: what phonenumbers knows of the country."""

    country: str | None = None
    national_prefix: str | None = None
    international_prefix: str | None = None
    short: tuple[str, ...] | None = None
    rewrite: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One source's writing. ``format`` is the name of its reader.

    ``own`` are the paths of the settings that stand in the profile's own document: the columns that they name must
    exist in the file, while inherited ones may not.
    """

    name: str
    format: str
    layout: Layout
    zone: str
    time_format: str
    unit: str
    round: str
    answered: tuple[str, ...] | None
    max_seconds: int
    number: NumberPlan
    map: Mapping[str, tuple[str, ...]]
    own: frozenset[str]
    direction: tuple[tuple[str, tuple[Conditions, ...]], ...]
    ref: tuple[str, ...]
    leg: tuple[str, ...]
    ignore: tuple[tuple[str, tuple[Conditions, ...]], ...]
    correlate_by: tuple[str, ...]
    timeout_hours: int
    cause: Mapping[str, str]

    @property
    def leg_has_start(self) -> bool:
        """Whether the key ends with the event's start: the source uses its references again."""
        return START_KEY in self.leg

    @property
    def columns(self) -> frozenset[str]:
        """Every column that is named for a field, a key, a condition: what of a record has any effect."""
        used = {name for names in self.map.values() for name in names}
        for keys in (self.ref, self.leg, self.correlate_by):
            used.update(name for key in keys for name in key.split("|"))
        for _, alternatives in (*self.direction, *self.ignore):
            used.update(column for conditions in alternatives for column, _ in conditions)
        return frozenset(name for name in used if not name.startswith(("=", "@")))


# table -> key -> kind; the kinds are words of _Reading.value.
_KEYS: Final[dict[str, dict[str, str]]] = {
    "file": {
        "encoding": "encoding",
        "delimiter": "character",
        "quote": "character?",
        "escape": "|".join(ESCAPES),
        "header": "boolean",
        "columns": "texts",
        "widths": "integers",
        "complete": "|".join(COMPLETE),
    },
    "time": {"zone": "zone", "format": "text"},
    "usage": {"unit": "|".join(UNITS), "round": "|".join(ROUNDS), "answered": "answered", "max_seconds": "integer"},
    "number": {
        "country": "country",
        "national_prefix": "digits",
        "international_prefix": "digits",
        "short": "patterns",
        "rewrite": "rewrites",
    },
    "key": {"ref": "columns", "leg": "columns"},
    "correlate": {"by": "columns", "timeout_hours": "integer"},
}
_TABLES: Final = (*_KEYS, "map", "direction", "ignore", "cause")


def merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a profile's document over the one it starts from: tables key by key, all else replaced.

    >>> merge({"file": {"quote": '"', "header": False}}, {"file": {"header": True}})
    {'file': {'quote': '"', 'header': True}}
    """
    merged = dict(base)
    for key, value in own.items():
        under = base.get(key)
        merged[key] = {**under, **value} if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_profile(document: Mapping[str, Any], base: Base | None = None) -> Profile:
    """Check a profile's document, laid over the shipped one that ``base`` gives for its ``reader``.

    Refuses with: BadValue (every fault, each with its path).
    """
    reading = _Reading()
    for key, value in document.items():
        if key in _TABLES and not isinstance(value, Mapping):
            reading.fault(key, "must be a table")
        elif key not in {*_TABLES, "name", "reader"}:
            reading.fault(key, "is not a key of a profile")
    name, reader = (reading.value(document.get(key), "name", key) for key in ("name", "reader"))
    if not isinstance(name, str) or not isinstance(reader, str):
        reading.stop()
    under = base(reader) if base is not None and reader != name else {}
    # The name of the source is never inherited: two profiles of one kind are two sources unless they say otherwise.
    inherited = {key: value for key, value in under.get("map", {}).items() if key != "source"}
    whole = merge({**under, "map": inherited}, document)
    tables: dict[str, dict[str, Any]] = {}
    for table, keys in _KEYS.items():
        tables[table] = {}
        given = whole.get(table, {})  # one that is no table was told above
        for key, value in (given if isinstance(given, Mapping) else {}).items():
            if key not in keys:
                reading.fault(f"{table}.{key}", "is not a key of a profile")
            else:
                tables[table][key] = reading.value(value, keys[key], f"{table}.{key}")
    whole["name"], whole["reader"] = name, under.get("reader", reader)
    profile = _assemble(tables, whole, document, reading)
    reading.stop()
    return profile


def _assemble(
    tables: Mapping[str, dict[str, Any]],
    whole: Mapping[str, Any],
    document: Mapping[str, Any],
    reading: _Reading,
) -> Profile:
    """Put the checked values together; the open tables (map, direction, ignore, cause) are read here."""
    mapped: dict[str, tuple[str, ...]] = {}
    for key, value in whole.get("map", {}).items():
        if key not in MAPPED:
            reading.fault(f"map.{key}", f"is not a field; the fields are {' '.join(MAPPED)}")
        mapped[key] = reading.value(value, "columns", f"map.{key}")
    for key in whole.get("direction", {}):
        if key not in {"out", "in"}:
            reading.fault(f"direction.{key}", "must be out or in")
    usage, time, key, correlate = (tables[table] for table in ("usage", "time", "key", "correlate"))
    return Profile(
        name=whole["name"],
        format=whole["reader"],
        layout=Layout(**tables["file"]),
        zone=time.get("zone") or "UTC",
        time_format=time.get("format") or "iso",
        unit=usage.get("unit", "s"),
        round=usage.get("round", "up"),
        answered=usage.get("answered"),
        max_seconds=usage.get("max_seconds", 86_400),
        number=NumberPlan(**tables["number"]),
        map={field: columns for field, columns in mapped.items() if columns},
        own=frozenset(f"{table}.{key}" for table in _TABLES if table in document for key in document[table]),
        direction=tuple(
            (word, reading.conditions(whole["direction"][word], f"direction.{word}"))
            for word in ("out", "in")
            if word in whole.get("direction", {})
        ),
        ref=key.get("ref", ()),
        leg=key.get("leg", ()),
        ignore=tuple(
            (reason, conditions)
            for reason, value in whole.get("ignore", {}).items()
            if (conditions := reading.conditions(value, f"ignore.{reason}"))
        ),
        correlate_by=correlate.get("by", ()),
        timeout_hours=correlate.get("timeout_hours", 24),
        cause={str(was): reading.value(is_, "text", f"cause.{was}") for was, is_ in whole.get("cause", {}).items()},
    )


class _Reading:
    """Collects the faults of one document so that all are told at once."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def fault(self, path: str, what: str) -> None:
        self._faults.append(f"{path} {what}")

    def stop(self) -> None:
        if self._faults:
            raise BadValue("profile: {listed}", listed="; ".join(self._faults))

    def value(self, value: Any, kind: str, path: str) -> Any:
        """Check one value and return it in its frozen form; a fault is noted and the value's text returned."""
        check = getattr(self, f"_{kind.rstrip('?')}", None)
        if check is None:
            if value not in kind.split("|"):
                self.fault(path, f"must be one of {kind.replace('|', ' ')}")
            return value
        if kind == "character?" and value == "":
            return ""
        try:
            return check(value)
        except (TypeError, ValueError) as wrong:
            self.fault(path, str(wrong))
            return () if kind in {"columns", "texts", "patterns", "rewrites", "integers"} else value

    def conditions(self, value: Any, path: str) -> tuple[Conditions, ...]:
        """Read ``{column = pattern | [values], …}`` (all must hold) or a list of such (any of them)."""
        alternatives = value if isinstance(value, list) else [value] if value else []
        read = []
        for number, one in enumerate(alternatives):
            if not isinstance(one, Mapping):
                self.fault(path, "must be a table of column = pattern or list of values")
                continue
            where = f"{path}[{number}]" if isinstance(value, list) else path
            read.append(tuple((str(column), self._test(test, f"{where}.{column}")) for column, test in one.items()))
        return tuple(read)

    def _test(self, test: Any, path: str) -> Test:
        if isinstance(test, list):
            texts: tuple[str, ...] = self.value(test, "texts", path)
            return texts
        return str(self.value(test, "pattern", path))

    @staticmethod
    def _text(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("must be a text")
        return value

    def _name(self, value: Any) -> str:
        text = self._text(value)
        if not text or len(text) > _NAME_LENGTH_MAX or any(mark in text for mark in '/\\"\n\r\0'):
            raise ValueError(f"must be a name of 1 to {_NAME_LENGTH_MAX} characters without / \\ or quotes")
        return text

    @staticmethod
    def _boolean(value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError("must be true or false")
        return value

    @staticmethod
    def _integer(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**40:
            raise ValueError("must be a whole number above 0")
        return value

    def _integers(self, value: Any) -> tuple[int, ...]:
        if not isinstance(value, list):
            raise TypeError("must be a list of whole numbers")
        return tuple(self._integer(one) for one in value)

    def _texts(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > _LIST_LENGTH_MAX:
            raise ValueError(f"must be a list of at most {_LIST_LENGTH_MAX} texts")
        return tuple(self._text(one) for one in value)

    def _columns(self, value: Any) -> tuple[str, ...]:
        """Read a column, alternatives in order, or a constant as ``=text``; the empty text is none."""
        return tuple(one for one in (self._texts(value) if isinstance(value, list) else (self._text(value),)) if one)

    def _character(self, value: Any) -> str:
        text = self._text(value)
        if len(text) != 1 or not text.isascii() or text in "\n\r\0":
            raise ValueError("must be one ASCII character")
        return text

    def _encoding(self, value: Any) -> str:
        try:
            return codecs.lookup(self._text(value)).name
        except LookupError:
            raise ValueError("is not a known encoding such as utf-8 or iso-8859-1") from None

    def _zone(self, value: Any) -> str:
        try:
            return ZoneInfo(self._text(value)).key
        except (KeyError, OSError, ValueError):
            raise ValueError("is not an IANA zone such as Europe/Stockholm") from None

    def _country(self, value: Any) -> str | None:
        text = self._text(value)
        if text and text not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("is not a country such as SE (ISO 3166-1 alpha-2)")
        return text or None

    def _digits(self, value: Any) -> str:
        text = self._text(value)
        if text and not (text.isascii() and text.isdigit()):
            raise ValueError("must be digits or empty")
        return text

    def _pattern(self, value: Any) -> str:
        text = self._text(value)
        try:
            pl.Series([""]).str.contains(text)
        except pl.exceptions.ComputeError:
            raise ValueError(f"{text!r} is not a pattern that can be matched in linear time (Rust regex)") from None
        return text

    def _patterns(self, value: Any) -> tuple[str, ...]:
        return tuple(self._pattern(one) for one in self._texts(value))

    def _rewrites(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, list):
            raise TypeError('must be a list of { match = "^810", replace = "+" }')
        rewrites = []
        for one in value:
            if not isinstance(one, Mapping) or set(one) != {"match", "replace"}:
                raise ValueError('must be a list of { match = "^810", replace = "+" }')
            rewrites.append((self._pattern(one["match"]), self._text(one["replace"])))
        return tuple(rewrites)

    def _answered(self, value: Any) -> tuple[str, ...] | None:
        return None if value == "answer-time" else self._texts(value)
