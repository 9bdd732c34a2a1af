"""Records that come one by one (documents, blocks, binary records) gathered into pieces of text columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.timing import SPARSE
from domain.mediation.verdicts import reject_rows
from domain.ports.reader import Decoded

_PLACES: Final = {"_line": pl.Int64, "_offset": pl.Int64, "_place": pl.Int64}
RAW_BYTES_MAX: Final = 65_536
# A piece of long records has fewer of them: memory does not grow with how much a switch writes of each.
PIECE_BYTES_MAX: Final = 32 << 20
_BINARY: Final = re.compile(rb"[\x00-\x08]")


class Rows:
    """Gathers records; ``piece`` gives what was gathered and starts anew.

    ``wanted``: the columns kept, whether a record has them or not; all that there are if None. ``sparse``: a document
    names what it has and leaves out the rest, so an absent value is none at all, not an empty one.
    """

    def __init__(self, wanted: frozenset[str] | None = None, *, sparse: bool = False) -> None:
        self._wanted = wanted
        self._sparse = sparse
        self._line = 0
        self._clear()

    def _clear(self) -> None:
        self._records: list[tuple[Mapping[str, str], int, int]] = []
        self._raws: list[bytes] = []
        self._size = 0
        self._rejects: list[tuple[int, int, str, str, str]] = []
        self._ignored: dict[str, int] = {}

    @property
    def held(self) -> int:
        """How many records are gathered."""
        return len(self._records) + len(self._rejects) + sum(self._ignored.values())

    def full(self, records_max: int) -> bool:
        """Tell whether a piece of so many records, or of as many bytes as one may have, is gathered."""
        return self.held >= records_max or self._size >= PIECE_BYTES_MAX

    @property
    def first(self) -> bool:
        """Whether no record was gathered yet, not even for an earlier piece."""
        return self._line == 0

    def add(self, record: Mapping[str, str], offset: int, raw: bytes) -> None:
        """Gather a record's text values."""
        self._line += 1
        self._records.append((record, self._line, offset))
        self._raws.append(raw[:RAW_BYTES_MAX])
        self._size += min(len(raw), RAW_BYTES_MAX)

    def reject(self, reason: str, detail: str, offset: int, raw: bytes) -> None:
        """Gather a record that cannot be read."""
        self._line += 1
        self._size += min(len(raw), RAW_BYTES_MAX)
        self._rejects.append((self._line, offset, reason, detail, text_of(raw[:RAW_BYTES_MAX])))

    def ignore(self, reason: str) -> None:
        """Count a record that is no usage."""
        self._line += 1
        self._ignored[reason] = self._ignored.get(reason, 0) + 1

    def piece(self, position: int) -> Decoded:
        """Return what was gathered; ``position`` is the byte after it."""
        names = dict.fromkeys(name for record, _, _ in self._records for name in record)
        if self._wanted is not None:
            # The same columns in every piece: what one record is must not depend on those it is read with.
            names = dict.fromkeys([*sorted(self._wanted), *(name for name in names if name.startswith("_"))])
        columns = {
            name: pl.Series([record.get(name, "") for record, _, _ in self._records], dtype=pl.String) for name in names
        }
        if self._sparse:
            columns[SPARSE] = pl.repeat("", len(self._records), dtype=pl.String, eager=True)
        places = {
            "_line": pl.Series([line for _, line, _ in self._records], dtype=pl.Int64),
            "_offset": pl.Series([offset for _, _, offset in self._records], dtype=pl.Int64),
            "_place": pl.Series(range(len(self._records)), dtype=pl.Int64),
        }
        rejects = REJECT_SCHEMA.to_frame()
        if self._rejects:
            lines, offsets, reasons, details, raw = zip(*self._rejects, strict=True)
            rejects = reject_rows(
                pl.Series(lines, dtype=pl.Int64),
                pl.Series(offsets, dtype=pl.Int64),
                list(reasons),
                list(details),
                list(raw),
            )
        raws = self._raws
        piece = Decoded(
            pl.DataFrame({**columns, **places}),
            lambda chosen: [text_of(raws[place]) for place in chosen.to_list()],
            position,
            rejects,
            self._ignored,
        )
        self._clear()
        return piece


def text_of(raw: bytes) -> str:
    r"""Return raw bytes as text: UTF-8, else ISO 8859-1, and binary records in hexadecimal.

    >>> text_of(b"ab"), text_of(b"\x30\x82\x00")
    ('ab', '308200')
    """
    if _BINARY.search(raw, 0, 512):
        return raw.hex()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
