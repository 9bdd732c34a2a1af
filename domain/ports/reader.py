"""What a CDR format gives to mediation: text columns and the places they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.profile import Profile


@dataclass(frozen=True, slots=True)
class Decoded:
    """One piece of a file, loss-free.

    ``records``: text columns by the source's own names (an absent value is the empty text), and Int64 ``_line``
    (record number from 1), ``_offset`` (byte in the decompressed file) and ``_place`` (what ``raw`` takes).
    ``rejects``: records that could not be read, in ``REJECT_SCHEMA``. ``ignored``: records that are not usage.
    ``position``: the byte after the piece. ``raw``: the places' raw texts.
    """

    records: pl.DataFrame
    raw: RawText
    position: int
    rejects: pl.DataFrame = field(default_factory=REJECT_SCHEMA.to_frame)
    ignored: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many records of the file this piece accounts for."""
        return self.records.height + self.rejects.height + sum(self.ignored.values())


class RawText(Protocol):
    """Gives the raw text of records, only when somebody asks."""

    def __call__(self, places: pl.Series) -> list[str]:
        """Return the raw texts of the ``_place`` values."""
        ...


class Reader(Protocol):
    """A format. ``decode`` reads a file's blocks from its first byte and yields pieces of bounded size.

    Refuses with: Unreadable (not of this format), LimitExceeded.
    """

    def decode(self, blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
        """Turn bytes into text columns; nothing is lost and nothing is judged."""
        ...
