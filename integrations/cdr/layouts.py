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
