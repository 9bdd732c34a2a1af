"""Events as they come in JSON (the vectors' form, and a normalised event's): checked one by one, then in columns.

A bad event is a value with its reason and never stops the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from domain.catalogue.reading import instant, shown, sound
from domain.money import INT64_MAX
from domain.rating.book import Book
from domain.rating.clock import EPOCH, micros
from domain.rating.columns import Events, key_ranks
from domain.rating.digits import encode
from domain.rating.explanation import Asked
from domain.rating.list_parts import DIRECTIONS

TEXTS = (
    "id",
    "party",
    "mode",
    "direction",
    "a",
    "b",
    "c",
    "trunk",
    "visited",
    "source",
    "ref",
    "leg",
    "trunk_in",
    "trunk_out",
    "cause",
    "session",
)
KEYS = frozenset({*TEXTS, "start", "used", "offset", "answered", "seized", "flags", "raw_line"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One event as asked. ``bad``: why it cannot be rated, or None."""

    id: str
    party: str | None = None
    mode: str = ""
    direction: str = "out"
    a: str | None = None
    b: str | None = None
    trunk: str | None = None
    visited: str | None = None
    start: int = 0
    used: int = 0
    offset: int = 0
    bad: str | None = None


def read_event(value: object) -> Request:
    """Read one event; what is wrong with it is kept in ``bad``."""
    if not isinstance(value, Mapping):
        return Request(id="", bad=f"an event must be an object, not {shown(value)}")
    name = _mended(derived_id(value))
    try:
        return _read(value, name)
    except ValueError as wrong:
        return Request(id=name, bad=_mended(str(wrong)))


def _mended(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair, which JSON can escape and UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def derived_id(value: Mapping[str, Any]) -> str:
    """Return the event's id, or source/ref/leg/start/offset with empty text for what is left out."""
    own = value.get("id")
    if isinstance(own, str):
        return own
    parts = ["" if value.get(key) is None else str(value[key]) for key in ("source", "ref", "leg", "start")]
    offset = value.get("offset")
    return "/".join([*parts, "0" if offset is None else str(offset)])


def _read(value: Mapping[str, Any], name: str) -> Request:
    for key in value:
        if key not in KEYS:
            raise ValueError(f"{key}: is not a key of an event")
    for key in getattr(value, "twice", ()):
        raise ValueError(f"{key}: stands twice in this event")
    for key in TEXTS:
        if value.get(key) is not None and not isinstance(value[key], str):
            raise ValueError(f"{key}: must be a text, not {shown(value[key])}")
        if value.get(key) is not None and not sound(value[key]):
            raise ValueError(f"{key}: {shown(value[key])} holds half a character")
    mode, direction = value.get("mode"), value.get("direction")
    if not mode:
        raise ValueError("mode: is required")
    if direction is None:
        direction = "out"
    elif direction not in DIRECTIONS:
        raise ValueError(f"direction: {shown(direction)} is not out or in")
    answered = value.get("answered")
    if answered is not None and not isinstance(answered, bool):
        raise ValueError(f"answered: must be true or false, not {shown(answered)}")
    if value.get("seized") is not None:
        _instant("seized", value["seized"])
    used, offset = _count(value, "used", None), _count(value, "offset", 0)
    trunk = value.get("trunk")
    if trunk is None:
        trunk = value.get("trunk_out" if direction == "out" else "trunk_in")
    return Request(
        id=name,
        party=value.get("party"),
        mode=str(mode),
        direction=direction,
        a=value.get("a"),
        b=value.get("b"),
        trunk=trunk,
        visited=value.get("visited"),
        start=micros(_instant("start", value.get("start"))),
        used=0 if answered is False else used,
        offset=offset,
    )


def _instant(key: str, value: object) -> datetime:
    try:
        return instant(value)
    except ValueError as wrong:
        raise ValueError(f"{key}: {wrong}") from None


def _count(value: Mapping[str, Any], key: str, default: int | None) -> int:
    found = value.get(key)
    if found is None and default is not None:
        return default
    if isinstance(found, bool) or not isinstance(found, int):
        raise ValueError(f"{key}: must be a whole number, not {shown(found)}")  # noqa: TRY004  (one kind for every fault)
    if not 0 <= found <= INT64_MAX:
        raise ValueError(f"{key}: {shown(found)} is outside 0 to 2^63-1")
    return found


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is who in a tariff document: parties by name, and by number."""

    parties: Mapping[str, int]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, book: Book) -> Directory:
        """Take the parties of the book's own document, in its order."""
        parties = {name: index for index, name in enumerate(book.tariff.parties)}
        numbers = {number: parties[p.name] for p in book.tariff.parties.values() for number in p.numbers}
        return cls(parties, numbers)

    def party(self, request: Request) -> int:
        """Return the party that is named, else the one whose number it is; -1 nobody."""
        if request.party is not None:
            return self.parties.get(request.party, -1)
        number = request.a if request.direction == "out" else request.b
        return self.numbers.get(number, -1) if number is not None else -1


def to_events(book: Book, directory: Directory, requests: Iterable[Request]) -> Events:
    """Turn requests into the kernel's columns."""
    rows = list(requests)
    index = book.index
    other_trunk, other_country = len(book.trunks), len(book.countries)
    ranks = (
        key_ranks(pl.Series("id", [row.id for row in rows], pl.String))
        if len(rows) > 1
        else np.zeros(len(rows), np.int64)
    )
    return Events(
        start=np.array([row.start for row in rows], np.int64),
        used=np.array([row.used for row in rows], np.int64),
        offset=np.array([row.offset for row in rows], np.int64),
        mode=np.array([index.mode.get(row.mode, -1) for row in rows], np.int16),
        direction=np.array([DIRECTIONS.index(row.direction) for row in rows], np.uint8),
        party=np.array([directory.party(row) for row in rows], np.int32),
        a=np.array([encode(row.a) for row in rows], np.int64),
        b=np.array([encode(row.b) for row in rows], np.int64),
        trunk=np.array([-1 if r.trunk is None else index.trunk.get(r.trunk, other_trunk) for r in rows], np.int32),
        visited=np.array(
            [-1 if r.visited is None else index.country.get(r.visited, other_country) for r in rows], np.int32
        ),
        rank=ranks,
        bad=np.array([row.bad is not None for row in rows], np.uint8),
    )


def asked(request: Request, directory: Directory | None = None, names: tuple[str, ...] = ()) -> Asked:
    """Return a good request as the explanation takes it; ``directory`` finds the party of one that names none."""
    party = request.party
    if directory is not None:
        found = directory.party(request)
        party = names[found] if found >= 0 else None
    return Asked(
        id=request.id,
        party=party,
        mode=request.mode,
        direction=request.direction,
        a=request.a,
        b=request.b,
        trunk=request.trunk,
        visited=request.visited,
        start=EPOCH + timedelta(microseconds=request.start),
        used=request.used,
        offset=request.offset,
    )
