r"""What to change in a profile so that it reads a file: layout, delimiter, form of time, zone, encoding, country.

Advice is made from a file's first records; it names the profile's key, the value to set and why.

>>> from integrations.cdr.registry import profile
>>> [one.key for one in advise(b"1/9/2017 16:33:01;27;5\n" * 3, profile("asterisk"))]
['file.delimiter', 'file.columns', 'time.format']
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from domain.mediation import instants
from domain.mediation.columns import Columns
from domain.mediation.profile import Profile
from domain.refusal import Refusal
from integrations.cdr import delimited, guesses, layouts
from integrations.cdr.text import Source

HEAD_BYTES: Final = 4 << 20
_ROWS_MAX: Final = 2_000
_FORMS: Final = (
    "iso", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S",
    "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S%z", "epoch", "epoch_ms", "%d/%m/%y %H:%M:%S", "%m/%d/%y %H:%M:%S",
)  # fmt: skip
_DATE: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}[ T]\d{1,2}:\d{2}")
_ZONES: Final = (
    "UTC", "Europe/London", "Europe/Lisbon", "Europe/Stockholm", "Europe/Berlin", "Europe/Helsinki", "Europe/Athens",
    "Europe/Istanbul", "Europe/Moscow", "Asia/Dubai", "Asia/Kolkata", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo",
    "Australia/Sydney", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Advice:
    """One change: the profile's key, the value in TOML's terms, and why."""

    key: str
    value: Any
    because: str


def advise(head: bytes, profile: Profile) -> list[Advice]:
    """Return what to change so that the profile reads a file that begins with ``head``."""
    if (other := guesses.best_profile(head, profile)) is not None:
        name, share = other
        because = f"{name} reads {share:.0%} of the records, {profile.format} hardly any"
        return [Advice("reader", name, because)]
    advice: list[Advice] = []
    asked = profile
    try:
        source = Source([head], profile.layout.encoding)
    except Refusal:
        return advice
    text, _ = source.fill(len(head))
    if profile.layout.encoding == "utf-8" and not _is_utf_8(head) and source.fallback:
        because = "some lines are not UTF-8; they are read as ISO 8859-1, in which no byte is lost"
        advice.append(Advice("file.encoding", "iso-8859-1", because))
    if not profile.layout.columns and profile.layout.header is None and profile.format != "generic-csv":
        return advice
    profile = _layout(text, profile, advice)
    records = _records(text, profile)
    if records is None or not records.height:
        return advice
    columns = Columns(records, profile)
    if profile.format == "generic-csv":
        known = len(advice)
        columns = _map(columns, advice)
        if len(advice) > known and not asked.layout.header and profile.layout.header and not _header(advice):
            # Found by names that the profile may not have any more when it is changed: so that it says it.
            names = ", ".join(columns.records.columns[:6])
            advice.insert(0, Advice("file.header", True, f"the first row holds the names: {names}"))
    profile = _time_form(columns, columns.profile, advice)
    _zone(Columns(records, profile), advice)
    _country(Columns(records, profile), advice)
    return advice


def _header(advice: list[Advice]) -> bool:
    return any(one.key == "file.header" for one in advice)


def _is_utf_8(head: bytes) -> bool:
    try:
        head.rsplit(b"\n", 1)[0].decode()
    except UnicodeDecodeError:
        return False
    return True


def _layout(text: bytes, profile: Profile, advice: list[Advice]) -> Profile:
    """Advise on delimiter, header and columns; return the profile with the advice taken."""
    layout = profile.layout
    counts = Counter({mark: text[:4096].split(b"\n")[0].count(mark.encode()) for mark in delimited.DELIMITERS})
    best, most = counts.most_common(1)[0]
    if most and counts.get(layout.delimiter, 0) == 0 and best != layout.delimiter:
        advice.append(
            Advice("file.delimiter", best, f"the first line has {most} of {best!r} and no {layout.delimiter!r}")
        )
        layout = replace(layout, delimiter=best)
    if not layout.quote and re.match(rb'\s*"[^"\r\n]*"' + re.escape(layout.delimiter.encode()), text):
        advice.append(Advice("file.quote", '"', "the first line's fields stand in quotes"))
        advice.append(Advice("file.escape", "doubled", "so a quote within quotes is mostly written"))
        layout = replace(layout, quote='"', escape="doubled")
    found = delimited.first_fields(text, layout, final=True)
    if found is not None and not layout.columns and layout.header is None:
        return _unnamed(text, found[0], replace(profile, layout=layout), advice)
    shape = delimited.shape_of(text, replace(profile, layout=layout), final=True) if layout.columns else None
    if shape is not None and shape.header is None:
        rows = delimited.first_rows(text, layout, final=True)
        if (known := layouts.fitting(replace(profile, layout=layout), rows)) is not None:
            because = f"{len(rows[0])} fields: this is {known.what}"
            advice.append(Advice("file.columns", list(known.columns), because))
            profile = layouts.taken(replace(profile, layout=layout), known)
            if known.form != profile.time_format:
                advice.append(Advice("time.format", known.form, f"so {known.what} writes its times"))
            return replace(profile, time_format=known.form)
        if (names := layouts.guessed(replace(profile, layout=layout), rows)) is not None:
            because = "what stands in the columns looks like this; check which of the numbers called"
            advice.append(Advice("file.columns", list(names), because))
            return replace(profile, layout=replace(layout, columns=names))
    if found is None or shape is None or shape.header is not None or shape.fits(len(found[0])):
        return replace(profile, layout=layout)
    fields = found[0]
    names = tuple(_guess(place, value) for place, value in enumerate(fields))
    advice.append(Advice("file.columns", list(names), f"{len(fields)} fields where {shape.words()} belong; name them"))
    return replace(profile, layout=replace(layout, columns=names))


def _unnamed(text: bytes, fields: list[str], profile: Profile, advice: list[Advice]) -> Profile:
    """Advise on the names of columns where the profile has none: the first row's, or invented ones."""
    layout = profile.layout
    with suppress(Refusal):
        if delimited.shape_of(text, profile, final=True).header is not None:
            return replace(profile, layout=replace(layout, header=True))
    if guesses.looks_like_names(fields):
        advice.append(Advice("file.header", True, f"the first row looks like names: {', '.join(fields[:6])}"))
        return replace(profile, layout=replace(layout, header=True))
    names = tuple(_guess(place, value) for place, value in enumerate(fields))
    advice.append(Advice("file.columns", list(names), "no row of names; give each of the fields one"))
    return replace(profile, layout=replace(layout, columns=names))


def _map(columns: Columns, advice: list[Advice]) -> Columns:
    """Advise on what the columns are for where the profile's names are not in the file; return it with that taken."""
    profile = columns.profile
    found = guesses.uses(columns)
    for name, column in found.items():
        advice.append(Advice(f"map.{name}", column, f"its values look like it: {columns.records[column][0]}"))
    if not any(name in columns.records.columns for key in profile.ref for name in key.split("|")):
        key = guesses.unique_column(columns)
        if key is not None:
            advice.append(Advice("key.ref", key, "it is different in every record"))
    mapped = {**profile.map, **{name: (column,) for name, column in found.items()}}
    return Columns(columns.records, replace(profile, map=mapped))


def _guess(place: int, value: str) -> str:
    """Name a column by what its first value looks like, to be corrected by hand."""
    return f"time_{place + 1}" if _DATE.match(value) else f"field_{place + 1}"


def _records(text: bytes, profile: Profile) -> pl.DataFrame | None:
    shape = delimited.shape_of(text, profile, final=True) if profile.layout.columns or profile.layout.header else None
    if shape is None:
        return None
    cutter = delimited.Cutter(profile.layout, shape, tuple(shape.names))
    cut = cutter.cut(text, _ROWS_MAX, final=True)
    first = 1 if shape.header is not None else 0
    rows = np.array([row for row in range(first, cut.count) if shape.fits(int(cut.counts[row]))], dtype=np.int64)
    return cut.frame(rows)


def _time_form(columns: Columns, profile: Profile, advice: list[Advice]) -> Profile:
    """Advise on the form of times where most cannot be read."""
    if any(one.key == "time.format" for one in advice):
        return profile
    texts = columns.field("seized")
    texts = columns.field("start") if texts is None else texts
    if texts is None:
        named = [name for name in columns.records.columns if name.startswith("time_")]
        texts = columns.records[named[0]] if named else None
    if texts is None or not (written := int((texts != "").sum())):
        return profile
    read = {form: int(instants.read(texts, form).known.sum()) for form in (profile.time_format, *_FORMS)}
    best = max(read, key=lambda form: read[form])
    if read[best] <= read[profile.time_format]:
        return profile
    because = f"it reads {read[best]} of {written} times, {profile.time_format} reads {read[profile.time_format]}"
    advice.append(Advice("time.format", best, because))
    return replace(profile, time_format=best)


def _zone(columns: Columns, advice: list[Advice]) -> None:
    """Advise on the zone where the epoch in the records contradicts the profile's."""
    profile = columns.profile
    texts, local = columns.field("epoch"), columns.field("seized")
    if texts is None or local is None or profile.time_format.startswith("epoch"):
        return
    seconds = texts.str.extract(r"(?:^|-)([0-9]{9,10})(?:\.[0-9]+)?$", 1).cast(pl.Int64, strict=False)
    times = instants.read(local, profile.time_format)
    known = times.known & seconds.is_not_null().to_numpy() & ~times.utc
    if not known.any():
        return
    epochs = seconds.fill_null(0).to_numpy()[known] * instants.SECOND_US
    chosen = instants.Read(times.micros[known], times.known[known], times.utc[known], times.minutes[known])

    def share(zone: str) -> float:
        begun, _, _ = instants.resolve(chosen, zone, epochs, np.ones(len(epochs), dtype=np.bool_))
        return float(np.mean(np.abs(begun - epochs) <= 2 * instants.SECOND_US))

    if share(profile.zone) >= 0.5:
        return
    fitting = [zone for zone in _ZONES if share(ZoneInfo(zone).key) >= 0.9]
    if fitting:
        shift = round(float(np.median(chosen.micros - epochs)) / instants.SECOND_US / 900) / 4
        zones = ", ".join(fitting)
        because = f"the local times are {shift:+g} hours from the epochs in the records; these zones agree: {zones}"
        advice.append(Advice("time.zone", fitting[0], because))


def _country(columns: Columns, advice: list[Advice]) -> None:
    """Advise to set the country where numbers have a national prefix and the profile has no plan."""
    if columns.profile.number.country is not None:
        return
    numbers = [texts for name in ("a", "b") if (texts := columns.field(name)) is not None]
    national = sum(int(texts.str.contains("^0[1-9][0-9]{5,}$").sum()) for texts in numbers)
    if national:
        because = (
            f"{national} numbers begin with one 0; without a country they are not made E.164; "
            "put the switch's country, such as SE"
        )
        advice.append(Advice("number.country", None, because))
