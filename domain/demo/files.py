"""The month's CDR files: one a day from each switch, with what real files have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.demo import asterisk, freeswitch
from domain.demo.asterisk import Asterisk
from domain.demo.freeswitch import FreeSwitch
from domain.demo.register import Register, midnight
from domain.demo.size import ZONE, Dice, Size
from domain.demo.traffic import GOTHENBURG, MALMO, STOCKHOLM, Call, make_calls
from domain.demo.written import DUPLICATE, EVENT, NO_DESTINATION, NO_PARTY, Row, Truth, local

# Days of the month, from 1, on which something happened.
RESTART_DAY, OVERLAP_DAY, NOISE_DAY, REPEATED_DAY, CONTRADICTED_DAY = 12, 15, 9, 7, 21
_REJECT = "reject:"


@dataclass(frozen=True, slots=True)
class Source:
    """A switch that delivers files, with the TOML of its profile."""

    name: str
    profile: str


@dataclass(frozen=True, slots=True)
class File:
    """A delivered file."""

    source: str
    name: str
    data: bytes
    truth: Truth


def sources() -> tuple[Source, ...]:
    """Return the switches."""
    return (
        Source(STOCKHOLM, asterisk.source_profile(STOCKHOLM)),
        Source(GOTHENBURG, asterisk.source_profile(GOTHENBURG)),
        Source(MALMO, freeswitch.source_profile(MALMO)),
    )


def make_files(register: Register, size: Size) -> Iterator[File]:
    """Yield every file in the order of delivery: by switch, then by day."""
    calls: dict[str, list[Call]] = {source.name: [] for source in sources()}
    for call in make_calls(register, size):
        calls[call.switch].append(call)
    for source in sources():
        ordered = sorted(calls.pop(source.name), key=lambda call: (call.seized, call.a, call.b))
        rows = _freeswitch(ordered, size) if source.name == MALMO else _asterisk(source.name, ordered, register, size)
        yield from _daily(source.name, sorted(rows, key=lambda row: row.at), size)


def _day(size: Size, day: int) -> int:
    """Return the local midnight at which the ``day``-th of the month begins, in seconds since 1970."""
    return int(midnight(size.period.start + timedelta(days=day - 1)).timestamp())


def _some(size: Size, per_mille: int) -> int:
    """Return how many of a rare thing there are: so many of a thousand calls, and at least one."""
    return max(1, size.calls * per_mille // 1_000_000)


def _asterisk(name: str, calls: list[Call], register: Register, size: Size) -> Iterator[Row]:
    """Yield a PBX's rows: its calls, and what else stands in its files."""
    dice = Dice(size.seed, f"{name}/faults")
    switch = Asterisk(name, size.seed, restarts_at=_day(size, RESTART_DAY) if name == GOTHENBURG else 0)
    for call in calls:
        yield from switch.rows(call)
    talks = [call for call in calls if call.outgoing and call.talked > 5]
    for _ in range(_some(size, 700)):
        # A telephone connected before its contract was entered.
        yield from switch.rows(replace(dice.pick(talks), a=dice.pick(register.strangers)), NO_PARTY)
    for _ in range(_some(size, 250)):
        # Codes that no country has, and a network that the price lists have not heard of.
        number = dice.pick(("99900", "21000", "88299", "97900")) + f"0{dice.below(100_000):05d}"
        yield from switch.rows(replace(dice.pick(talks), b=number), NO_DESTINATION)
    for _ in range(_some(size, 900)):
        yield switch.service_code(dice.pick(talks), dice.pick(("*98", "*43", "*72")))
    yield from _wrong(name, dice.pick(talks), switch, size)


def _wrong(name: str, call: Call, switch: Asterisk, size: Size) -> Iterator[Row]:
    """Yield a PBX's rows that cannot be believed, on the day when its clock and its disk had trouble."""
    noon = _day(size, NOISE_DAY) + 12 * 3600

    def row(kind: str = EVENT, **changed: int) -> Row:
        return next(switch.rows(replace(call, **changed), kind))  # type: ignore[arg-type]  # the whole numbers of a call

    if name == STOCKHOLM:
        for begin in (noon + 100, noon + 900):
            # The clock was put back while somebody was talking.
            yield row(f"{_REJECT}negative_duration", seized=begin, talked=-3)
        lost = row(seized=noon + 1200)
        yield Row(lost.at, lost.text.replace(local(noon + 1200).encode(), b"2026-10-09 12:60:00"), f"{_REJECT}bad_time")
        stray = b"Oct  9 12:21:40 pbx-sthlm kernel: EXT4-fs (sda1): re-mounted\n"
        yield Row(noon + 1300, stray, f"{_REJECT}truncated")
        return
    # It began without a battery for its clock, in 1970.
    yield Row(noon, row(seized=37).text, f"{_REJECT}implausible_time")
    # The disk was full: the row has no times and no reference.
    torn = re.sub(rb"2026-10-\d\d [0-9:]{8}|pbx-gbg-[0-9.]+", b"", row(seized=noon + 60).text)
    yield Row(noon + 60, torn, f"{_REJECT}missing_field")


def _freeswitch(calls: list[Call], size: Size) -> Iterator[Row]:
    """Yield the FreeSWITCH's rows: its calls, rows written twice, and rows that contradict one written before."""
    switch = FreeSwitch(MALMO, size.seed)
    repeated, contradicted = _day(size, REPEATED_DAY), _day(size, CONTRADICTED_DAY)
    left = {DUPLICATE: 3, "conflict": 2}
    for call in calls:
        row = switch.row(call)
        yield row
        if left[DUPLICATE] and repeated <= call.seized < repeated + 86_400:
            left[DUPLICATE] -= 1
            yield Row(row.at, row.text, DUPLICATE)
        elif left["conflict"] and call.talked and contradicted <= call.seized < contradicted + 86_400:
            left["conflict"] -= 1
            uuid = row.text.split(b'","')[10].decode()
            other = switch.row(replace(call, talked=call.talked + 60), uuid=uuid)
            yield Row(other.at, other.text, f"{_REJECT}conflicting_duplicate")


def _daily(name: str, rows: list[Row], size: Size) -> Iterator[File]:
    """Yield a switch's files by day, each holding what was written until midnight."""
    zone, first = ZoneInfo(ZONE), size.period.start
    days: dict[date, list[Row]] = {first + timedelta(days=day): [] for day in range(size.period.days)}
    last = max(days)
    for row in rows:
        days[min(datetime.fromtimestamp(row.at, zone).date(), last)].append(row)
    for day, written in days.items():
        if not written:
            continue  # a switch that had no call writes no file
        if name == GOTHENBURG and day.day == OVERLAP_DAY:
            # The export of this day was made with yesterday's afternoon in it once more.
            noon = _day(size, OVERLAP_DAY) - 12 * 3600
            again = [_again(row) for row in days[day - timedelta(days=1)] if row.at >= noon]
            yield _file(name, day, again + written)
        else:
            # On the last evening Stockholm's file was fetched while it was being written.
            yield _file(name, day, written, cut=name == STOCKHOLM and day == last)


def _again(row: Row) -> Row:
    """Return what a row is when it is delivered a second time: only good events are known again by their key."""
    return replace(row, kind=DUPLICATE if row.kind == EVENT or row.kind.startswith("unrated:") else row.kind)


def _file(name: str, day: date, rows: list[Row], *, cut: bool = False) -> File:
    """Put rows together; a ``cut`` file ends in the middle of its last row."""
    if cut:
        last = rows[-1]
        rows = [*rows[:-1], Row(last.at, last.text[: len(last.text) // 2], f"{_REJECT}truncated")]
    truth = Truth(Counter(row.kind for row in rows))
    return File(name, f"{name}-{day.isoformat()}.csv", b"".join(row.text for row in rows), truth)
