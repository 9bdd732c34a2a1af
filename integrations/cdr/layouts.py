"""Orders of columns that switches of one kind are known to write, and which of them a file has.

A layout is told by how many fields a record has and by what stands in them: two orders of as many columns differ in
where the disposition is.

>>> from integrations.cdr.registry import profile
>>> row = ["", "101", "102", "c", "P/1", "P/2", "Dial", "", *["2026-03-02 10:00:00"] * 3, "9", "9", "ANSWERED", "3", "",
...        "1772442000.1", "", "0"]
>>> fitting(profile("asterisk"), [row]).what
"cdr_custom's default order"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.mediation.profile import Profile

_STAMP: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Layout:
    """An order of columns: what writes it, its names (last ones with ``?`` may be missing), and its form of time."""

    what: str
    columns: tuple[str, ...]
    form: str = _STAMP


_CHANNELS: Final = ("channel", "dstchannel", "lastapp", "lastdata")
_CALL: Final = ("src", "dst", "dcontext", *_CHANNELS)
_RESULT: Final = ("duration", "billsec", "disposition", "amaflags")
_CSV: Final = ("accountcode", "src", "dst", "dcontext", "clid", *_CHANNELS, "start", "answer", "end", *_RESULT)
_NEW: Final = ("peeraccount", "linkedid", "sequence")
_CUSTOM: Final = ("clid", *_CALL, "start", "answer", "end", *_RESULT, "accountcode", "uniqueid", "userfield")
_TABLE: Final = ("calldate", "clid", *_CALL, *_RESULT, "accountcode", "uniqueid", "userfield")
_FREEPBX: Final = (
    *_TABLE, "did", "recordingfile", "cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam",
)  # fmt: skip
_FREESWITCH: Final = (
    "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp", "end_stamp",
    "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode",
)  # fmt: skip
_ACC: Final = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time")
_LAYOUTS: Final[dict[str, tuple[Layout, ...]]] = {
    "asterisk": (
        Layout("cdr_custom's default order", (*_CUSTOM, "sequence?")),
        Layout("cdr_csv without uniqueid and userfield", _CSV),
        Layout("cdr_csv without userfield", (*_CSV, "uniqueid")),
        Layout("cdr_csv without uniqueid and userfield, with newcdrcolumns", (*_CSV, *_NEW)),
        Layout("cdr_csv without userfield, with newcdrcolumns", (*_CSV, "uniqueid", *_NEW)),
        Layout("the table cdr", _TABLE),
        Layout("the table cdr with did", (*_TABLE, "did")),
        Layout("the table cdr behind a number", ("id", *_TABLE)),
        Layout("a FreePBX export of 23 columns", _FREEPBX),
        Layout("a FreePBX export of 25 columns", (*_FREEPBX, "linkedid", "peeraccount"), "%d/%m/%Y %H:%M:%S"),
        Layout("a FreePBX export of 26 columns", (*_FREEPBX, "linkedid", "peeraccount", "sequence")),
        Layout(
            "the table cdr of Asterisk's own schema",
            (*_CSV, "userfield", "uniqueid", "linkedid", "peeraccount", "sequence"),
        ),
        Layout(
            "the table cdr with times",
            ("start", "clid", *_CALL, "answer", "end", *_RESULT, "accountcode", "uniqueid", "userfield"),
        ),
    ),
    "freeswitch-csv": (
        Layout(
            "mod_cdr_csv's template asterisk",
            (
                *("accountcode", "caller_id_number", "destination_number", "context", "caller_id", "channel_name"),
                *("bridge_channel", "last_app", "last_arg", "start_stamp", "answer_stamp", "end_stamp", "duration"),
                *("billsec", "hangup_cause", "amaflags", "uuid", "userfield"),
            ),
        ),
        Layout(
            "mod_cdr_csv's template linksys",
            (*_FREESWITCH, "read_codec", "write_codec", "sip_user_agent", "sip_p_rtp_stat"),
        ),
        Layout(
            "mod_cdr_csv's template snom",
            (
                *(*_FREESWITCH, "read_codec", "write_codec", "sip_user_agent", "call_clientcode", "sip_rtp_rxstat"),
                *("sip_rtp_txstat", "sofia_record_file"),
            ),
        ),
        Layout("mod_cdr_csv's template example without write_codec", (*_FREESWITCH, "read_codec")),
    ),
    "opensips": (Layout("the table acc", ("id", *_ACC, "account?", "src?", "dst?", "extra?", "...")),),
}
_TIME: Final = "[0-9][-0-9/:. TZ+]+"
# What is read as a time whatever form the profile awaits.
_YEAR_FIRST: Final = re.compile("(?:20[0-9]{2}[-/]|1[0-9]{9}).*")
_CLOCK: Final = r"[0-9]{1,3}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_DURATION: Final = r"-?[0-9]{1,10}(?:[.,][0-9]+)?"
# What must stand in a column, where a record has anything in it; format -> column -> pattern.
_TELLING: Final[dict[str, dict[str, re.Pattern[str]]]] = {
    format_: {column: re.compile(pattern, re.IGNORECASE | re.ASCII) for column, pattern in columns.items()}
    for format_, columns in {
        "asterisk": {
            "disposition": "answered|no ?answer|busy|failed|congestion|unknown",
            "billsec": _DURATION,
            "duration": _DURATION,
            "uniqueid": r"(?:.+-)?[0-9]{9,11}\.[0-9]+",
            "sequence": "[0-9]*",
            "calldate": _TIME,
            "start": _TIME,
        },
        "freeswitch-csv": {
            "hangup_cause": "[A-Z][A-Z0-9_]+",
            "billsec": _DURATION,
            "start_stamp": _TIME,
            "uuid": "[-0-9A-Za-z]{8,}",
        },
        "3cx": {
            "historyid": "(?:call|line|[a-z]+) .*",
            "duration": f"(?:{_CLOCK})?",
            "time-start": _TIME,
            "time-answered": f"(?:{_TIME})?",
        },
        "opensips": {"method": "[A-Z]{3,12}", "sip_code": "[1-6][0-9][0-9]", "time": f"(?:{_TIME})?"},
    }.items()
}
_GOOD_SHARE: Final = 0.8


def fitting(profile: Profile, rows: Sequence[Sequence[str]], *, any_form: bool = True) -> Layout | None:
    """Return the known layout of some records, None where the profile's own columns fit as well, or none does.

    ``any_form``: false where the times must be such as the profile reads.
    """
    known = _LAYOUTS.get(profile.format, ())
    any_form = any_form or "time.format" in profile.own
    if not known or not rows or _share(profile.layout.columns, profile.format, rows) >= _GOOD_SHARE:
        return None
    shares = [_share(one.columns, profile.format, rows, any_form=any_form) for one in known]
    best = max(range(len(known)), key=shares.__getitem__)
    return known[best] if shares[best] >= _GOOD_SHARE else None


def guessed(profile: Profile, rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return an order of columns by what stands in them, where the administrator chose it; None where none is seen.

    It is proposed, never taken: two numbers side by side do not say which of them called.
    """
    wide = [row for row in rows if len(row) == max(map(len, rows))]
    if not wide:
        return None
    columns = [[row[place] for row in wide if row[place].strip()] for place in range(len(wide[0]))]
    if profile.format == "3cx" and _share(profile.layout.columns, "3cx", rows) < _GOOD_SHARE:
        return _threecx(columns)
    if profile.format == "opensips" and len(columns) > len(_ACC):
        return _acc(columns)
    return None


def _threecx(columns: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    numbers, times = iter(("from-no", "to-no", "from-dn", "to-dn", "dial-no")), []
    names = []
    for place, values in enumerate(columns):
        name = "-"
        if _most(values, r"Call \S+") and "historyid" not in names:
            name = "historyid"
        elif _most(values, _CLOCK) and "duration" not in names:
            name = "duration"
        elif _most(values, r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}[ T][0-9:.]+"):
            times.append(place)
        elif _most(values, r"(?:Terminated|NoAnswer|Failed|Busy|Cancel|Redirected|Polling|Not).*"):
            name = "reason-terminated" if "reason-terminated" not in names else "reason-changed"
        elif _most(values, r"[0-9A-F]+_[0-9A-F_]+"):
            name = "callid" if "callid" not in names else "-"
        elif _most(values, r"Chain:.*"):
            name = "chain"
        elif _most(values, r"Ext\.?.*|\+?[0-9*#]{2,20}"):
            name = next(numbers, "-")
        names.append(name)
    called = ("time-start", "time-answered", "time-end") if len(times) > 2 else ("time-start", "time-end")
    for place, name in zip(times, called, strict=False):
        names[place] = name
    return tuple(names) if {"historyid", "time-start", "from-no"} <= set(names) else None


def _acc(columns: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return names for what stands behind the columns of module acc, where src and dst are elsewhere."""
    extra = columns[len(_ACC) :]
    dialled = [place for place, values in enumerate(extra) if _most(values, r".*(?:sips?|tel):.+|\+?[0-9*#]{3,20}")]
    if len(dialled) < 2 or dialled[:2] == [1, 2]:
        return None
    names = [f"extra_{place + 1}" for place in range(len(extra))]
    names[dialled[0]], names[dialled[1]] = "src", "dst"
    return (*_ACC, *(f"{name}?" for name in names), "...")


def _most(values: Sequence[str], pattern: str) -> bool:
    """Tell whether most of a column's values are of a kind."""
    told = sum(re.fullmatch(pattern, value.strip(), re.IGNORECASE) is not None for value in values)
    return bool(values) and told >= _GOOD_SHARE * len(values)


def taken(profile: Profile, layout: Layout) -> Profile:
    """Return the profile with a layout's columns; its form of time stays the profile's."""
    return replace(profile, layout=replace(profile.layout, columns=layout.columns))


def _share(columns: Sequence[str], format_: str, rows: Sequence[Sequence[str]], *, any_form: bool = True) -> float:
    """Return the share of records that an order of columns reads as what they are."""
    following = bool(columns) and columns[-1] == "..."
    names = columns[:-1] if following else columns
    least = sum(not name.endswith("?") for name in names)
    tests = [
        (place, pattern, any_form or pattern.pattern != _TIME)
        for place, name in enumerate(names)
        if (pattern := _TELLING[format_].get(name.removesuffix("?"))) is not None
    ]
    good = sum(
        (len(row) in {least, len(names)} or (following and len(row) > least))
        and all(
            place >= len(row) or (pattern.fullmatch(row[place]) and (free or _YEAR_FIRST.fullmatch(row[place])))
            for place, pattern, free in tests
        )
        for row in rows
    )
    return good / len(rows)
