"""Delimited text (RFC 4180 and its relatives) of a source profile's layout: the columns that the profile uses.

The layout is checked against the first records: a file that does not fit it is refused with what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from domain.mediation.columns import check_columns
from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.profile import Layout, Profile
from domain.mediation.verdicts import reject_rows
from domain.ports.reader import Decoded
from domain.refusal import BadValue, Unreadable
from integrations.cdr import layouts, scan
from integrations.cdr.text import Source

_FILL_BYTES: Final = 12 << 20
# The first pieces are smaller, so that who writes them has something to do at once.
_FIRST_FILL_BYTES: Final = 3 << 20
_FIELDS_MAX: Final = 4_096
_ANY_NAMES: Final = tuple(str(place) for place in range(_FIELDS_MAX))
_TRIED_MAX: Final = 50
_HEADER_NAMES_MIN: Final = 2
DELIMITERS: Final = ",;\t|"
_TRIED_BYTES: Final = 65_536
_LINES_TRIED: Final = 10
_BLANK_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The names of a file's columns and the field counts that fit. ``open``: more fields may follow."""

    names: tuple[str, ...]
    widths: tuple[int, ...]
    open: bool
    header: bytes | None

    def fits(self, width: int) -> bool:
        """Return whether a record of this many fields is of the layout."""
        return width in self.widths or (self.open and width > min(self.widths))

    def words(self) -> str:
        """Return the widths for a sentence."""
        return " or ".join(str(width) for width in self.widths) + (" or more" if self.open else "")


def used_columns(profile: Profile) -> set[str]:
    """Return every column that a profile names."""
    return set(profile.columns)


def of_columns(columns: Sequence[str], header: bytes | None = None) -> Shape:
    """Read a profile's columns: a last ``...`` lets more follow, a last ``name?`` may be missing in older files.

    >>> of_columns(["a", "b", "c?", "d?"]).widths
    (2, 4)
    """
    following = bool(columns) and columns[-1] == "..."
    names = columns[:-1] if following else columns
    least = len(names)
    while least and names[least - 1].endswith("?"):
        least -= 1
    widths = (least, len(names)) if least < len(names) else (len(names),)
    return Shape(tuple(name.removesuffix("?") for name in names), widths, following, header)


@dataclass(frozen=True, slots=True)
class Before:
    """A record that ended as it should: its fields, whether the last is empty, how long that is; no row of names."""

    width: int
    bare_end: bool
    last: int
    names: bool


@dataclass(slots=True)
class Cutter:
    """Cuts filled text into records with one dialect and one shape."""

    layout: Layout
    shape: Shape
    wanted: tuple[str, ...]
    slots: Any = field(init=False)
    names: list[str] = field(init=False)
    # The width of the record before the text, whether it ended with a delimiter, and its last field's length.
    before: Before | None = None

    def __post_init__(self) -> None:
        wanted = frozenset(self.wanted) - {"-"}
        first: dict[str, int] = {}
        for place, name in enumerate(self.shape.names):
            if name in wanted:
                first.setdefault(name, place)  # a name given twice is the first column of that name
        self.names = list(first)
        self.slots = np.full(max([*first.values(), 0]) + 1, -1, dtype=np.int32)
        for slot, place in enumerate(first.values()):
            self.slots[place] = slot

    def cut(self, text: bytes, records_max: int, *, final: bool) -> Cut:
        """Cut up to ``records_max`` records."""
        quote = ord(self.layout.quote) if self.layout.quote else 0
        escape = scan.ESCAPES[self.layout.escape]
        size = min(records_max, len(text) // 2 + 2)
        data = np.frombuffer(text, dtype=np.uint8)
        starts = np.zeros((len(self.names), size), dtype=np.int32)
        lengths = np.zeros_like(starts)
        escaped = np.zeros(starts.shape, dtype=np.bool_)
        edges = np.zeros((size, 2), dtype=np.int64)
        counts = np.zeros(size, dtype=np.int32)
        marks = np.zeros(size, dtype=np.int32)
        widths = np.array(self.shape.widths, dtype=np.int64)
        delimiter = ord(self.layout.delimiter)
        count, position = scan.scan(
            data, 0, len(data), final, delimiter, quote, escape, *scan.plain_bytes(delimiter, quote, escape),
            self.slots, widths, self.shape.open, starts, lengths, escaped, edges, counts, marks,
        )  # fmt: skip
        return Cut(self, text, int(count), int(position), starts, lengths, escaped, edges, counts, marks)


@dataclass(slots=True)
class Cut:
    """The records of one text: where each field, each record and the reading stopped."""

    cutter: Cutter
    text: bytes
    count: int
    position: int
    starts: Any
    lengths: Any
    escaped: Any
    edges: Any
    counts: Any
    marks: Any

    def frame(self, rows: Any) -> pl.DataFrame:
        """Return the wanted columns of some records, without copying their text."""
        layout, names = self.cutter.layout, self.cutter.names
        used = (self.starts[: len(names)], self.lengths[: len(names)], self.escaped[: len(names)])
        out = np.empty((len(names), len(rows), 2), dtype=np.uint64)
        side = np.zeros(int(used[1][used[2]].sum()) + 16, dtype=np.uint8)
        data, quote = np.frombuffer(self.text, dtype=np.uint8), ord(layout.quote) if layout.quote else 0
        scan.views(data, *used, rows, scan.ESCAPES[layout.escape], quote, out, side)
        buffers = (pa.py_buffer(self.text), pa.py_buffer(side))
        columns = {
            name: pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(rows), [None, pa.py_buffer(one), *buffers]))
            for name, one in zip(names, out, strict=True)
        }
        return pl.DataFrame(columns) if columns else pl.DataFrame({"_": pl.Series([""] * len(rows))})

    def raw(self, row: int) -> str:
        """Return a record as it is written."""
        begin, stop = self.edges[row]
        return self.text[begin:stop].decode("utf-8", "replace")


def first_fields(text: bytes, layout: Layout, *, final: bool) -> tuple[list[str], bytes] | None:
    """Return the first record's fields and its bytes, or None where there is none."""
    found = _first_records(text, layout, 1, final=final)
    return found[0] if found else None


def first_rows(text: bytes, layout: Layout, *, final: bool) -> list[list[str]]:
    """Return the fields of a file's first records, whatever their width."""
    return [fields for fields, _ in _first_records(text, layout, _TRIED_MAX, final=final)]


def _first_records(text: bytes, layout: Layout, records_max: int, *, final: bool) -> list[tuple[list[str], bytes]]:
    """Return the first records' fields and bytes, whatever their width."""
    names = _ANY_NAMES
    cut = Cutter(layout, Shape(names, (), open=True, header=None), names).cut(text, records_max, final=final)
    counts = [int(count) for count in cut.counts[: cut.count]]
    cut.cutter.names = cut.cutter.names[: max(counts, default=0)]
    fields = cut.frame(np.arange(cut.count)).rows() if cut.count else []
    return [
        ([str(value) for value in row[:count]], text[begin:stop])
        for row, count, (begin, stop) in zip(fields, counts, cut.edges, strict=False)
    ]


def suited(text: bytes, profile: Profile, *, final: bool) -> Profile:
    """Return the profile with the dialect and the order of columns that a file has, where its document tells none.

    They are looked for where the inherited ones do not fit, and taken where others do.
    """
    if (fit := _suited(text, profile, final=final)) is not None:
        return fit
    layout = profile.layout
    lines = [line for line in text[:_TRIED_BYTES].splitlines()[:_LINES_TRIED] if line]
    least = {mark: min((line.count(mark.encode()) for line in lines), default=0) for mark in DELIMITERS}
    marks = (layout.delimiter,) if "file.delimiter" in profile.own else sorted(least, key=lambda mark: -least[mark])
    quotes = [layout.quote]
    if not {"file.quote", "file.escape"} & profile.own and not layout.quote and layout.escape == "none":
        quotes = ['"', ""] if text.startswith(b'"') else [""]
    for mark in marks:
        for quote in quotes:
            escape = layout.escape if quote == layout.quote else "doubled"
            other = replace(profile, layout=replace(layout, delimiter=mark, quote=quote, escape=escape))
            if least.get(mark, 0) >= _HEADER_NAMES_MIN and (fit := _suited(text, other, final=final)) is not None:
                return fit
    return profile


def _suited(text: bytes, profile: Profile, *, final: bool) -> Profile | None:
    """Return the profile, with a known order of columns where its own does not fit; None where none does."""
    rows = _first_records(text, profile.layout, _TRIED_MAX, final=final)
    try:
        shape = shape_of(text, profile, final=final)
    except BadValue:
        return None
    whole = rows[:-1] if rows and text.endswith(rows[-1][1]) and not rows[-1][1].endswith((b"\n", b"\r")) else rows
    if shape.header is not None:
        return profile if len(used_columns(profile).intersection(shape.names)) >= _HEADER_NAMES_MIN else None
    if "file.columns" not in profile.own:
        # A record that the file's end cuts may look like a whole one of fewer columns.
        known = layouts.fitting(profile, [fields for fields, _ in whole], any_form=False)
        if known is not None:
            return layouts.taken(profile, known)
    return profile if not rows or any(shape.fits(len(fields)) for fields, _ in rows) else None


def _spelled(fields: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return a first row's names as the profile spells them: a database or a spreadsheet may have changed the case."""
    names = [value.strip() for value in fields]
    spelling: dict[str, str] = {}
    for name in known:
        spelling.setdefault(name.lower(), name)
    return tuple(spelling.get(name.lower(), name) if name not in known else name for name in names)


def shape_of(text: bytes, profile: Profile, *, final: bool, also: frozenset[str] = frozenset()) -> Shape:
    """Decide the layout by the profile and the first record. Refuses with: Unreadable, BadValue."""
    layout = profile.layout
    declared = of_columns(layout.columns)
    found = first_fields(text, layout, final=final)
    if found is None:
        return declared
    fields, line = found
    known = {name.lower() for name in (*declared.names, *used_columns(profile))} - {"-"}
    named = sum(value.strip().lower() in known for value in fields)
    header = layout.header is True or named >= max(_HEADER_NAMES_MIN, (len(fields) + 1) // 2)
    if not header:
        if not declared.names:
            raise BadValue("profile {name}: file.columns is empty and the file has no header row", name=profile.name)
        return declared
    if "file.columns" in profile.own and declared.names:
        return Shape(declared.names, declared.widths, declared.open, line)
    names = _spelled(fields, (*declared.names, *sorted(used_columns(profile)), *sorted(also)))
    return Shape(names, (len(names),), open=False, header=line)


Control = Callable[[str], str | None]


def decode(
    blocks: Iterable[bytes],
    profile: Profile,
    *,
    records_max: int,
    control: Control | None = None,
    also: frozenset[str] = frozenset(),
    derived: frozenset[str] = frozenset(),
) -> Iterator[Decoded]:
    """Yield the columns that the profile uses, and ``also`` those that the format needs, in pieces.

    ``derived``: names of columns that the format makes of them, which a profile may map.
    ``control`` is asked about records of another width than the layout's: the reason to ignore one, or None.
    Refuses with: Unreadable, BadValue.
    """
    source = Source(blocks, profile.layout.encoding)
    cutter: Cutter | None = None
    line, target = 1, _FIRST_FILL_BYTES
    while True:
        text, final = source.fill(target)
        if cutter is None:
            profile = suited(text, profile, final=final)
            shape = shape_of(text, profile, final=final, also=also)
            check_columns(set(shape.names) | derived, profile)
            _refuse_other_names(shape, profile, also)
            cutter = Cutter(profile.layout, shape, tuple(used_columns(profile) | also))
            _refuse_other_layout(cutter, text, profile, control, final=final)
        cut = cutter.cut(text, records_max, final=final)
        if cut.count == 0 and not final:
            yield _overlong(source, line)
            line += 1
            continue
        piece = _piece(cut, source, line, control, ended=final and cut.position >= len(text))
        line += piece.count
        source.take(cut.position)
        if 2 * cut.position > target:
            target = min(2 * target, _FILL_BYTES)
        done = final and cut.position >= len(text)
        if done and source.stripped:
            piece = Decoded(
                piece.records,
                piece.raw,
                piece.position + source.stripped,
                piece.rejects,
                {**piece.ignored, "nul_tail": 1},
            )
        if piece.count:
            yield piece
        if done:
            return


def _refuse_other_names(shape: Shape, profile: Profile, also: frozenset[str]) -> None:
    """Refuse a file whose first row names hardly any of the profile's columns: it is no row of names, or another's.

    Without a column for the time there is none either, unless the format names its columns in ways of its own, or
    what tells that a record is no call stands there.
    """
    if shape.header is None:
        return
    used = used_columns(profile)
    times = {name for field_ in ("seized", "start") for name in profile.map.get(field_, ())}
    timeless = bool(times) and not any(name.startswith(("=", "_")) for name in times)
    leaving_out = {name for _, alternatives in profile.ignore for one in alternatives for name, _ in one}
    timeless = timeless and not (times | (also - used) | leaving_out).intersection(shape.names)
    if timeless or len(used.intersection(shape.names)) < _HEADER_NAMES_MIN:
        raise Unreadable(
            "the first row does not name the columns of profile {name} ({listed} ...); see "
            "file.header and file.columns",
            name=profile.name,
            listed=" ".join(sorted(used)[:8]),
        )


def _refuse_other_layout(
    cutter: Cutter, text: bytes, profile: Profile, control: Control | None, *, final: bool
) -> None:
    """Refuse a file none of whose first records has a width of the layout."""
    cut = cutter.cut(text, _TRIED_MAX, final=final)
    widths = [int(width) for width in cut.counts[: cut.count]]
    rows = [row for row in range(cut.count) if not _is_header(cut, row) and not (control and control(cut.raw(row)))]
    # A record more than twice as wide is another format's with an empty end, not one that a spreadsheet has padded.
    widest = 2 * max(cutter.shape.widths)
    if not rows or any(_fits(cut, row) and (cutter.shape.open or widths[row] <= widest) for row in rows):
        return
    if len(rows) == 1 and cut.marks[rows[0]] & scan.UNTERMINATED and widths[rows[0]] > 2:
        return
    common = max(set(widths), key=widths.count)
    raise Unreadable(
        "the records have {common} fields, but profile {name} knows {words}; set file.columns "
        "(and file.header, file.delimiter) or see: tollwright source check {name} FILE",
        common=common,
        name=profile.name,
        words=cutter.shape.words(),
    )


def _is_header(cut: Cut, row: int) -> bool:
    header = cut.cutter.shape.header
    begin, stop = cut.edges[row]
    return header is not None and stop - begin == len(header) and cut.text[begin:stop] == header


def _fits(cut: Cut, row: int) -> bool:
    """Return whether a record has a width of the layout, empty fields after its end left aside."""
    shape, width = cut.cutter.shape, int(cut.counts[row])
    if cut.marks[row] & (scan.OPEN | scan.SWALLOWED):
        return False
    if shape.fits(width):
        return True
    widest = max(shape.widths, default=0)
    if width <= widest:
        return False
    tail = cut.raw(row).rstrip("\r\n")
    return tail.endswith(cut.cutter.layout.delimiter * (width - widest))


def _piece(cut: Cut, source: Source, line: int, control: Control | None, *, ended: bool) -> Decoded:
    """Sort a text's records into columns, rejects and headers."""
    shape, count = cut.cutter.shape, cut.count
    widths, marks = cut.counts[:count], cut.marks[:count]
    fits = np.isin(widths, shape.widths)
    if shape.open:
        fits |= widths > min(shape.widths)
    if not fits.all():
        for row in np.flatnonzero(~fits):
            fits[row] = _fits(cut, int(row))
    odd = marks & (scan.OPEN | scan.NUL | scan.LONG | scan.SWALLOWED)
    good = fits & (odd == 0)
    if ended and count and marks[-1] & scan.UNTERMINATED and good[-1] and _cut_off(cut):
        good[-1] = False
    if count:
        cut.cutter.before = _before(cut, count - 1)
    headers = np.zeros(count, dtype=np.bool_)
    if shape.header is not None:
        for row in np.flatnonzero(cut.edges[:count, 1] - cut.edges[:count, 0] == len(shape.header)):
            headers[row] = _is_header(cut, int(row))
    rows = np.flatnonzero(good & ~headers)
    bad = np.flatnonzero(~good & ~headers)
    ignored = {"header": int(headers.sum())} if headers.any() else {}
    if control is not None and len(bad):
        reasons = [control(cut.raw(int(row))) for row in bad]
        bad = bad[[reason is None for reason in reasons]]
        for reason in filter(None, reasons):
            ignored[reason] = ignored.get(reason, 0) + 1
    # Lines of nothing but blanks, and the end mark of old systems.
    blank = np.array(
        [len(raw := cut.raw(int(row))) <= _BLANK_MAX and not raw.strip(" \t\x1a") for row in bad], dtype=bool
    )
    if blank.any():
        ignored["blank"] = int(blank.sum())
        bad = bad[~blank]
    offsets = source.offsets(cut.edges[:count, 0])
    records = cut.frame(rows).with_columns(
        _line=pl.Series(rows + line, dtype=pl.Int64),
        _offset=pl.Series(offsets[rows]),
        _place=pl.Series(rows, dtype=pl.Int64),
    )
    verdicts = [_verdict(int(marks[row]), int(widths[row]), shape) for row in bad]
    rejects = reject_rows(
        pl.Series(bad + line, dtype=pl.Int64),
        pl.Series(offsets[bad], dtype=pl.Int64),
        [reason for reason, _ in verdicts],
        [detail for _, detail in verdicts],
        [cut.raw(int(row)) for row in bad],
    )
    return Decoded(
        records,
        lambda places: [cut.raw(place) for place in places.to_list()],
        int(source.offsets(np.array([cut.position]))[0]),
        rejects if len(bad) else REJECT_SCHEMA.to_frame(),
        ignored,
    )


def _before(cut: Cut, row: int) -> Before:
    """Tell of a record what the one after it is measured by."""
    raw, mark = cut.raw(row), cut.cutter.layout.delimiter
    return Before(int(cut.counts[row]), raw.endswith(mark), len(raw.rpartition(mark)[2]), _is_header(cut, row))


def _cut_off(cut: Cut) -> bool:
    """Return whether a last line without a line end may be cut: between fields, or within digits that end it.

    A number cut short looks like a number. It is believed only where the switch finishes its files under another name
    or marks their end, where the profile does not use it, where a quote closes it, or where no record before tells
    that this file's lines end.
    """
    last = cut.count - 1
    cutter = cut.cutter
    raw, mark = cut.raw(last), cutter.layout.delimiter
    before = _before(cut, last - 1) if last else cutter.before
    if before is not None and cut.counts[last] < before.width and not cutter.shape.open:
        return True
    if raw.endswith(mark):
        return not (before is not None and before.bare_end)
    if before is None or before.names or cutter.layout.complete != "stable" or not raw[-1:].isdigit():
        return False
    place = int(cut.counts[last]) - 1
    name = cutter.shape.names[place] if place < len(cutter.shape.names) else "-"
    text = raw.rpartition(mark)[2]
    whole_clock = ":" in text and len(text) == before.last
    return name != "-" and name in cutter.wanted and not whole_clock


def _verdict(mark: int, width: int, shape: Shape) -> tuple[str, str]:
    if mark & scan.LONG:
        return "too_long", f"the record is over {scan.RECORD_BYTES_MAX} bytes; is a quote never closed?"
    if mark & scan.NUL:
        return "encoding", "the record holds NUL bytes; fetch the file again or set file.encoding"
    if mark & (scan.OPEN | scan.SWALLOWED):
        return "truncated", "a quote is never closed; see file.quote and file.escape"
    if mark & scan.UNTERMINATED and shape.fits(width):
        return "truncated", (
            "the file ends without a line end, so its last field may be cut; import the whole file again, or set "
            "file.complete where the switch finishes its files"
        )
    if width <= max(shape.widths):
        return "truncated", f"{width} fields where {shape.words()} belong; is the file whole? see file.columns"
    return "unknown_record", f"{width} fields where {shape.words()} belong; see file.columns"


def _overlong(source: Source, line: int) -> Decoded:
    offset = source.position
    head, length, blank = source.skip_line()
    if blank:
        return Decoded(nothing(), lambda _: [], source.position, ignored={"nul_tail": 1})
    rejects = reject_rows(
        pl.Series([line], dtype=pl.Int64),
        pl.Series([offset], dtype=pl.Int64),
        ["too_long"],
        [f"the line is {length} bytes long"],
        [head.decode("utf-8", "replace")],
    )
    return Decoded(nothing(), lambda _: [], source.position, rejects)


def nothing() -> pl.DataFrame:
    """Return no records."""
    return pl.DataFrame(schema={"_line": pl.Int64, "_offset": pl.Int64, "_place": pl.Int64})
