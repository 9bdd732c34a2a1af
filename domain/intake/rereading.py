"""Records in suspense read again: from their file with their corrections in place, or from the event that was kept.

A record is found in its file by the byte where it begins, so that a profile that counts records otherwise finds the
same. A corrected raw text takes the place of the original while the file is read; the file itself never changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from domain.intake.rows import NUL, NUL_SHOWN
from domain.mediation.events import EVENT_SCHEMA, REJECT_SCHEMA, Balance, Batch
from domain.mediation.files import SuspenseKind
from domain.mediation.profile import Profile
from domain.mediation.suspense import OnDesk
from domain.mediation.verdicts import reject_rows
from domain.period import utc
from domain.ports.reader import Decoded, Reader
from domain.refusal import BadValue
from domain.usecases.mediate import Run, batch_of

RAW_CUT: Final = 4_096  # a raw text of so many characters may have been longer
# Fields of an event that may be corrected, by how their text is read.
EVENT_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("a", "b", "c", "mode", "trunk_in", "trunk_out", "cause", "visited"), "text"),
    "direction": "direction",
    "used": "amount",
    "answered": "flag",
    "start": "instant",
    "seized": "instant",
}
_USED_DIGITS: Final = 15
_READ_AGAIN: Final = 1000


@dataclass(slots=True)
class _Edit:
    """A raw text to be put in the place of another, which begins at ``offset``; ``grown`` once it is done."""

    desk: OnDesk
    offset: int
    forms: list[tuple[bytes, bytes]]
    grown: int | None = None


def needs_file(one: OnDesk) -> bool:
    """Tell whether a record is read from its file: it is no event yet, or its raw text was corrected."""
    corrected = one.correction is not None and one.correction.raw is not None
    return one.record.kind is SuspenseKind.REJECT or corrected


def reread(
    blocks: Iterable[bytes],
    records: Sequence[OnDesk],
    profile: Profile,
    reader: Reader,
    *,
    now_us: int,
    position: int,
) -> Batch:
    """Read records again; ``blocks`` are their file's bytes from its beginning, unpacked. The balance has no records.

    Refuses with: Unreadable, LimitExceeded, BadValue (the profile does not fit the file any more).
    """
    from_file = [one for one in records if needs_file(one)]
    batches = [_of_events([one for one in records if not needs_file(one)], position)]
    if from_file:
        batches += _of_file(blocks, from_file, profile, reader, now_us)
    batch = _together(batches, position)
    batch.balance.check()
    return batch


def corrected_event(event: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return an event's JSON data with corrected fields. Refuses with: BadValue.

    >>> corrected_event({"a": "1", "used": 5}, {"used": "60"})
    {'a': '1', 'used': 60}
    """
    return {**event, **{name: _value(name, text) for name, text in fields.items()}}


def _value(name: str, text: str) -> object:
    kind = EVENT_FIELDS.get(name)
    if kind is None:
        raise BadValue(
            "{name!r} is no field of an event: {listed}",
            name=name[:50],
            listed=", ".join(sorted(EVENT_FIELDS)),
            field="fields",
        )
    try:
        return _READ[kind](text)
    except (ValueError, KeyError):
        raise BadValue("{text!r} is no {name}", text=text[:50], name=name, field=f"fields.{name}") from None


def _amount(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _USED_DIGITS:
        raise ValueError(text)
    return int(text)


def _instant(text: str) -> str:
    return utc(datetime.fromisoformat(text)).isoformat(timespec="microseconds").replace("+00:00", "Z")


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "text": str,
    "amount": _amount,
    "flag": lambda text: {"true": True, "false": False}[text],
    "direction": lambda text: {"out": "out", "in": "in"}[text],
    "instant": _instant,
}


def _of_events(records: Sequence[OnDesk], position: int) -> Batch:
    """Return unrated events as they were kept, with their corrections."""
    shape = pl.Struct({**EVENT_SCHEMA, "start": pl.String, "seized": pl.String})
    told = []
    for one in records:
        assert one.record.event is not None, "what is unrated is an event"
        fields = one.correction.fields if one.correction is not None else {}
        told.append(json.dumps({**corrected_event(one.record.event, fields), "raw_line": one.record.record}))
    read = pl.DataFrame({"event": pl.Series(told, dtype=pl.String).str.json_decode(shape)}).unnest("event")
    moments = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC").dt.epoch("us")
        for name in ("start", "seized")
    ]
    events = read.with_columns(moments).cast(dict(EVENT_SCHEMA))  # type: ignore[arg-type]  # a mapping of names
    raws = [one.record.raw for one in records]
    origins = pl.DataFrame(
        {"_offset": [one.record.byte_offset for one in records], "_place": range(len(records))},
        schema={"_offset": pl.Int64, "_place": pl.Int64},
    )
    balance = Balance(events=len(records), pending=-len(records))
    return Batch(
        events, REJECT_SCHEMA.to_frame(), balance, position, origins, lambda places: [raws[at] for at in places]
    )


def _of_file(
    blocks: Iterable[bytes], records: Sequence[OnDesk], profile: Profile, reader: Reader, now_us: int
) -> list[Batch]:
    edits = [_edit(one, profile) for one in records if one.correction is not None and one.correction.raw is not None]
    edits.sort(key=lambda edit: edit.offset)
    left = {one.record.id: one for one in records}
    found: list[Batch] = []
    run = Run(apart=True)
    for piece in reader.decode(_spliced(blocks, edits), profile, records_max=_READ_AGAIN):
        places = {_moved(one.record.byte_offset, edits): one for one in left.values()}
        mine = _chosen(piece, places, profile)
        for one in mine.gone:
            left.pop(one.record.id, None)
        if mine.piece.count:
            batch = batch_of(mine.piece, profile, run, now_us)
            count = mine.piece.count
            found.append(replace(batch, balance=batch.balance + Balance(records=-count, pending=-count)))
        if mine.bad:
            found.append(_still(mine.bad, piece.position))
        if not left:
            break
    undone = {edit.desk.record.id for edit in edits if edit.grown is None}
    missing = [
        (one, "its raw text cannot be put in its place; correct its fields")
        if one.record.id in undone
        else (one, "the file has no record there by the present profile")
        for one in left.values()
    ]
    if missing:
        found.append(_still(missing, 0))
    return found


@dataclass(slots=True)
class _Mine:
    """Of a piece, the records that are looked for; ``gone`` are found, ``bad`` of them cannot be corrected so."""

    piece: Decoded
    gone: list[OnDesk]
    bad: list[tuple[OnDesk, str]]


def _chosen(piece: Decoded, places: Mapping[int, OnDesk], profile: Profile) -> _Mine:
    wanted = list(places)
    records = piece.records.filter(pl.col("_offset").is_in(wanted))
    rejects = piece.rejects.filter(pl.col("offset").is_in(wanted))
    gone = [places[at] for at in (*records["_offset"].to_list(), *rejects["offset"].to_list())]
    bad: list[tuple[OnDesk, str]] = []
    for at in records["_offset"].to_list():
        one = places[at]
        fields = one.correction.fields if one.correction is not None else {}
        columns = {name: _column(name, records.columns, profile) for name in fields}
        unknown = sorted(name for name, column in columns.items() if column is None)
        if unknown:
            known = " ".join(sorted(name for name in records.columns if not name.startswith("_")))
            bad.append((one, f"the record has no column {unknown[0]}; it has {known}"[:1000]))
            records = records.filter(pl.col("_offset") != at)
            continue
        here = pl.col("_offset") == at
        records = records.with_columns(
            pl.when(here).then(pl.lit(text)).otherwise(pl.col(name)).alias(name)
            for name, text in ((str(columns[name]), text) for name, text in fields.items())
        )
    numbers = {at: one.record.record for at, one in places.items()}
    offsets = {at: one.record.byte_offset for at, one in places.items()}
    old, new = list(numbers), list(numbers.values())
    records = records.with_columns(
        _line=pl.col("_offset").replace_strict(old, new, return_dtype=pl.Int64),
        _offset=pl.col("_offset").replace_strict(old, list(offsets.values()), return_dtype=pl.Int64),
    )
    rejects = rejects.with_columns(
        raw_line=pl.col("offset").replace_strict(old, new, return_dtype=pl.Int64),
        offset=pl.col("offset").replace_strict(old, list(offsets.values()), return_dtype=pl.Int64),
    )
    return _Mine(Decoded(records, piece.raw, piece.position, rejects, {}), gone, bad)


def _column(name: str, columns: Sequence[str], profile: Profile) -> str | None:
    """Return the column that a corrected field stands for: one of the record's own, or what the profile maps."""
    own = (name, *profile.map.get(name, ()))
    return next((one for one in own if one in columns and one not in {"_line", "_offset", "_place", "_part"}), None)


def _still(records: Sequence[tuple[OnDesk, str]], position: int) -> Batch:
    """Return records that stay rejects, with what is in the way."""
    rejects = reject_rows(
        pl.Series([one.record.record for one, _ in records], dtype=pl.Int64),
        pl.Series([one.record.byte_offset for one, _ in records], dtype=pl.Int64),
        [one.record.reason if one.record.kind is SuspenseKind.REJECT else "unknown_record" for one, _ in records],
        [detail for _, detail in records],
        [one.record.raw for one, _ in records],
    )
    origins = pl.DataFrame(schema={"_offset": pl.Int64, "_place": pl.Int64})
    balance = Balance(rejects=len(records), pending=-len(records))
    return Batch(EVENT_SCHEMA.to_frame(), rejects, balance, position, origins, lambda _: [])


def _edit(one: OnDesk, profile: Profile) -> _Edit:
    """Return the forms in which the old text may stand in the file, each with the new one in the same form."""
    assert one.correction is not None
    assert one.correction.raw is not None
    old, new = one.record.raw.replace(NUL_SHOWN, NUL), one.correction.raw
    forms: list[tuple[bytes, bytes]] = []
    if 0 < len(old) < RAW_CUT:
        for encoding in dict.fromkeys((profile.layout.encoding, "utf-8", "latin-1")):
            for end in ("\n", "\r\n"):
                try:
                    pair = (old.replace("\n", end).encode(encoding), new.replace("\n", end).encode(encoding))
                except UnicodeEncodeError:
                    continue
                forms += [pair] if pair not in forms else []
    return _Edit(one, one.record.byte_offset, forms)


def _spliced(blocks: Iterable[bytes], edits: Sequence[_Edit]) -> Iterator[bytes]:
    """Yield the bytes with the edits in place; one whose old text does not stand there is left alone."""
    stream = iter(blocks)
    buffer, base, ended = b"", 0, False

    def fill(size: int) -> None:
        nonlocal buffer, ended
        pieces, have = [buffer], len(buffer)
        while not ended and have < size:
            block = next(stream, None)
            ended = block is None
            pieces.append(block or b"")
            have += len(block or b"")
        buffer = b"".join(pieces)

    for edit in edits:
        longest = max((len(old) for old, _ in edit.forms), default=0)
        while base + len(buffer) < edit.offset and not ended:
            yield buffer
            base, buffer = base + len(buffer), b""
            fill(1)
        head = edit.offset - base
        if head < 0 or head > len(buffer):
            continue
        yield buffer[:head]
        base, buffer = edit.offset, buffer[head:]
        fill(longest + 1)
        for old, new in edit.forms:
            if buffer.startswith(old):
                last = len(buffer) == len(old)
                put = new + b"\n" if last and not new.endswith(b"\n") else new
                yield put
                edit.grown = len(put) - len(old)
                base, buffer = base + len(old), buffer[len(old) :]
                break
    yield buffer
    yield from stream


def _moved(offset: int, edits: Sequence[_Edit]) -> int:
    """Return where a record begins now that texts before it have grown."""
    return offset + sum(edit.grown or 0 for edit in edits if edit.offset < offset)


def _together(batches: Sequence[Batch], position: int) -> Batch:
    raws: list[str] = []
    origins = []
    balance = Balance()
    for batch in batches:
        texts = batch.raw(batch.origins["_place"])
        places = pl.Series(range(len(raws), len(raws) + len(texts)), dtype=pl.Int64)
        origins.append(pl.DataFrame({"_offset": batch.origins["_offset"], "_place": places}))
        raws += texts
        balance += batch.balance
    return Batch(
        pl.concat([batch.events for batch in batches]),
        pl.concat([batch.rejects for batch in batches]),
        balance,
        position,
        pl.concat([one.cast({"_offset": pl.Int64, "_place": pl.Int64}) for one in origins]),
        lambda places: [raws[at] for at in places],
        [part for batch in batches for part in batch.parts],
    )
