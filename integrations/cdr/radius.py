r"""RADIUS accounting as FreeRADIUS ``detail`` files (RFC 2866, 2869): blocks of attributes, a blank line between.

Start, Interim-Update and Stop of one NAS and session are joined; counters are cumulative, octets are 32 bits and
Gigawords their carry. Accounting-On and -Off end every open session of their NAS. ``Timestamp`` is UTC; without it the
``Event-Timestamp`` (seconds or text) counts, then the block's first line in the profile's zone.

>>> from integrations.cdr.registry import profile
>>> block = b'Sat Nov 21 23:00:00 2026\n\tAcct-Status-Type = Stop\n\tAcct-Session-Id = "S1"\n'
>>> block += b"\tTimestamp = 1795298400\n"
>>> block += b"\tAcct-Output-Octets = 100\n\tAcct-Output-Gigawords = 2\n\n"
>>> next(decode([block], profile("radius"), records_max=9)).records.select("_part", "_octets_out").row(0)
('end', '8589934692')
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr.clock import OFFSETS
from integrations.cdr.delimited import used_columns
from integrations.cdr.lines import Line, lines_of
from integrations.cdr.rows import Rows

_PARTS: Final = {"start": "begin", "interim-update": "interim", "alive": "interim", "stop": "end"}
_NUMBERS: Final = {"1": "start", "2": "stop", "3": "interim-update", "7": "accounting-on", "8": "accounting-off"}
_RESETS: Final = {"accounting-on", "accounting-off"}
_ATTRIBUTE: Final = re.compile(r"\s+([A-Za-z0-9][\w.:-]*)\s*[:+]?=\s?(.*)", re.ASCII)
_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
_HEADER: Final = re.compile(r"\w{3}\s+(\w{3})\s+(\d{1,2})\s+(\d{2}):(\d{2}):(\d{2})\s+(\d{4})\s*", re.ASCII)
# ``Sep 17 2018 00:02:21 CEST``, as FreeRADIUS prints a time.
_EVENT: Final = re.compile(r"(\w{3})\s+(\d{1,2})\s+(\d{4})\s+(\d{2}):(\d{2}):(\d{2})\s+([A-Za-z]{1,5})", re.ASCII)
_FRACTION: Final = re.compile(r"(\d{1,11})(?:\.\d*)?", re.ASCII)
_PAIR: Final = re.compile(r"(h323-[a-z-]+)=(.*)")
_BLOCK_LINES_MAX: Final = 10_000


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the blocks' attributes. Refuses with: Unreadable."""
    rows = Rows(frozenset(used_columns(profile)))
    block: list[Line] = []
    seen = False
    position = 0
    for line in lines_of(blocks, profile.layout.encoding):
        position = line.end
        starts = bool(line.text.strip()) and not line.text[0].isspace()
        if block and (not line.text.strip() or starts or len(block) > _BLOCK_LINES_MAX):
            seen = _one(block, rows, profile, complete=True, first=not seen) or seen
            block = []
            if rows.full(records_max):
                yield rows.piece(line.begin)
        if line.text.strip():
            block.append(line)
    if block:
        _one(block, rows, profile, complete=block[-1].ended, first=not seen)
    yield rows.piece(position)


def _one(block: list[Line], rows: Rows, profile: Profile, *, complete: bool, first: bool) -> bool:
    """Gather one block; return whether it looks like one."""
    raw = "\n".join(line.text for line in block).encode()
    attributes: dict[str, str] = {}
    for line in block[1:] if not block[0].text[0].isspace() else block:
        found = _ATTRIBUTE.fullmatch(line.text)
        if found is not None:
            name, value = found[1], found[2].strip()
            # Cisco's gateways put H.323 attributes into pairs.
            if (pair := _PAIR.fullmatch(value.strip('"'))) is not None and name.endswith("AVPair"):
                name, value = pair[1], pair[2]
            attributes.setdefault(name, _value(name, value))
    if not attributes:
        if first:
            raise Unreadable("the first lines are no RADIUS detail block (a time, then indented Attribute = value)")
        rows.reject("truncated" if not complete else "unknown_record", "no attributes", block[0].begin, raw)
        return False
    status = attributes.get("Acct-Status-Type", "").lower()
    status = _NUMBERS.get(status, status)
    part = "reset" if status in _RESETS else _PARTS.get(status)
    if part is None:
        if status.startswith(("tunnel-", "link-")):
            rows.ignore("other_status")
        elif not complete:
            rows.reject("truncated", "the file ends within the block", block[0].begin, raw)
        elif status:
            rows.reject("unknown_record", f"Acct-Status-Type {status}", block[0].begin, raw)
        else:
            rows.ignore("no_accounting")
        return True
    if not complete:
        rows.reject("truncated", "the file ends within the block", block[0].begin, raw)
        return True
    nas = attributes.get("NAS-IP-Address") or attributes.get("NAS-IPv6-Address") or attributes.get("NAS-Identifier", "")
    session = attributes.get("Acct-Session-Id", "")
    record = {
        **attributes,
        "_part": part,
        "_scope": nas,
        "_nas": nas,
        "_session": session if part != "reset" else session or nas,
        "_dialog": f"{nas}/{session}",
        "_time": _time(attributes, block[0].text, profile.zone),
        "_octets_in": _octets(attributes, "Input"),
        "_octets_out": _octets(attributes, "Output"),
    }
    rows.add(record, block[0].begin, raw)
    return True


def _value(name: str, written: str) -> str:
    """Return a value without its quotes; Cisco's repeat their name, and their cause is hexadecimal."""
    value = written[1:-1].replace('\\"', '"') if len(written) > 1 and written[0] == written[-1] == '"' else written
    value = value.removeprefix(f"{name}=")
    if name.lower() == "h323-disconnect-cause" and re.fullmatch("[0-9A-Fa-f]{1,2}", value):
        return str(int(value, 16))
    return value


def _octets(attributes: dict[str, str], way: str) -> str:
    """Return 2³² Gigawords and the octets, '' where the block has none."""
    low, high = attributes.get(f"Acct-{way}-Octets", ""), attributes.get(f"Acct-{way}-Gigawords", "")
    if not _whole(low, 20):
        return low
    if high and not _whole(high, 11):
        return high  # which is told as no number, rather than left out
    return str(int(low) + (int(high or "0") << 32))


def _whole(text: str, digits_max: int) -> bool:
    """Tell whether a text is a number; a damaged byte may make a raised digit, which Python takes for one."""
    return text.isascii() and text.isdigit() and len(text) <= digits_max


def _time(attributes: dict[str, str], header: str, zone: str) -> str:
    """Return the event's time as seconds since the epoch: when it was recorded less how long it was under way."""
    delay = attributes.get("Acct-Delay-Time", "0")
    under_way = int(delay) if _whole(delay, 9) else 0
    stamp = attributes.get("Timestamp", "")
    if stamp:
        fraction = _FRACTION.fullmatch(stamp)
        told = fraction[1] if fraction is not None else _event_time(stamp)
        # What cannot be read is told as no time, rather than read from elsewhere.
        return str(int(told) - under_way) if told else f"Timestamp = {stamp}"
    event = attributes.get("Event-Timestamp", "")
    if _whole(event, 11):
        return event
    if told := _event_time(event):
        return told
    found = _HEADER.fullmatch(header)
    if found is None or found[1] not in _MONTHS:
        return ""
    month, day, hour, minute, second, year = (_MONTHS[found[1]], *(int(part) for part in found.groups()[1:]))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
        return str(int(local.astimezone(UTC).timestamp()) - under_way)
    except (ValueError, OverflowError):
        return ""


def _event_time(text: str) -> str:
    """Return a printed Event-Timestamp with the abbreviation of a known zone as an epoch, else ''."""
    found = _EVENT.fullmatch(text)
    if found is None or found[1] not in _MONTHS or found[7].upper() not in OFFSETS:
        return ""
    month, day, year, hour, minute, second = (_MONTHS[found[1]], *(int(part) for part in found.groups()[1:6]))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return ""
    return str(int(local.timestamp()) - 60 * OFFSETS[found[7].upper()])
