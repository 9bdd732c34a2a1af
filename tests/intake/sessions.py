"""Records that are parts of sessions, in each correlating profile's own form, and what they come to."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from api.wiring import Wiring
from domain.mediation.files import FileState
from domain.ports.page import PageRequest
from domain.ports.usage import UsageFilter
from domain.usecases.put_source import PutSource, put_source
from domain.usecases.sweep_sessions import Swept, sweep_sessions
from tests.intake import world as made
from tests.mediation.samples import _bearer, _call, _tlv

A, B = made.number(0), "46850000000"
OTHER = made.number(2)
FIRST = int(made.FIRST.timestamp())
ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))
LATER = made.NOW + timedelta(days=10)


@dataclass(frozen=True)
class At:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def sip(method: str, at: int | str, *, call: str = "c1", turned: bool = False, code: int = 200) -> bytes:
    tags = ("t2", "t1") if turned else ("t1", "t2")
    return f"{method}|{tags[0]}|{tags[1]}|{call}@h|{code}|OK|{at}|acc|{A}|{B}||1:1\n".encode()


def radius(kind: str, at: int, seconds: int, octets: int, session: str = "S1", *, nas: str = "192.0.2.1") -> bytes:
    return (
        f'Mon Mar  2 11:00:00 2026\n\tAcct-Status-Type = {kind}\n\tAcct-Session-Id = "{session}"\n'
        f"\tNAS-IP-Address = {nas}\n\tCalling-Station-Id = {A}\n\tCalled-Station-Id = {B}\n"
        f"\tAcct-Session-Time = {seconds}\n\tAcct-Input-Octets = {octets}\n\tTimestamp = {at}\n\n"
    ).encode()


def cel(kind: str, at: float, channel: str = "1.10", call: str = "1.10", exten: str = B, extra: str = "") -> bytes:
    return (
        f'"{kind}","{at:.6f}","","{A}","","","","{exten}","c","PJSIP/1","","","3","","{channel}","{call}","","","",'
        f'"{extra}"\n'
    ).encode()


def segment(history: str, begun: str, answered: str, ended: str, duration: str) -> bytes:
    day = "2026/03/02"
    times = ",".join(f"{day} {at}" if at else "" for at in (begun, answered, ended))
    ends = f"TerminatedBySrc,+{A},Ext.100,10000,100,{B},,,,,,,,,Chain: x;"
    return f"Call {history},0_{history},{duration},{times},{ends}\n".encode()


# profile -> the records of a switch, and what they come to when nobody disturbs them: how many events and rejects.
RECORDS: dict[str, tuple[str, list[bytes]]] = {
    "opensips": (
        "opensips",
        [
            sip("INVITE", FIRST + 5),
            sip("INVITE", FIRST + 30, turned=True),  # a re-INVITE
            sip("BYE", FIRST + 65, turned=True),
            sip("INVITE", FIRST + 100, call="c2"),  # its BYE is lost
            sip("BYE", FIRST + 265, call="c3"),  # its INVITE is lost
            sip("INVITE", "", call="c4"),
            sip("ACK", FIRST + 305, call="c4"),
            sip("BYE", FIRST + 365, call="c4"),
            sip("INVITE", FIRST + 400, call="c5", code=486),
        ],
    ),
    "radius-voice": (
        "radius-voice",
        [
            radius("Start", FIRST, 0, 0),
            radius("Interim-Update", FIRST + 600, 595, 0),
            radius("Interim-Update", FIRST + 1200, 1195, 0),
            radius("Stop", FIRST + 1800, 1795, 0),
            radius("Start", FIRST + 90_000, 0, 0),  # the same session id again, after a restart
            radius("Stop", FIRST + 90_065, 60, 0),
            radius("Interim-Update", FIRST + 700, 700, 0, "S2"),  # its Stop is lost
            radius("Start", FIRST + 50, 0, 0, "S3"),  # only begins
        ],
    ),
    "radius": (
        "radius",
        [
            radius("Start", FIRST, 0, 0),
            radius("Interim-Update", FIRST + 600, 600, 5_000_000),
            radius("Stop", FIRST + 1200, 1200, 9_000_000),
            radius("Start", FIRST + 10, 0, 0, "S2"),
            radius("Interim-Update", FIRST + 610, 600, 7_000_000, "S2"),
        ],
    ),
    "radius-sent-again": (
        "radius",
        [  # ends whose answers were lost: each repetition tells when it came
            radius("Start", FIRST, 0, 0),
            radius("Stop", FIRST + 300, 300, 9_000_000),
            radius("Stop", FIRST + 400, 300, 9_000_000),
            radius("Stop", FIRST + 1900, 300, 9_000_000),
            radius("Stop", FIRST + 40 * 3600, 300, 9_000_000),
            radius("Stop", FIRST + 300, 200, 5_000_000, "S2"),  # its Start is lost
            radius("Stop", FIRST + 450, 200, 5_000_000, "S2"),
        ],
    ),
    "asterisk-cel": (
        "asterisk-cel",
        [
            cel("CHAN_START", FIRST + 0.1),
            cel("ANSWER", FIRST + 5.2),
            cel("BRIDGE_ENTER", FIRST + 5.3, "1.11"),
            cel("HANGUP", FIRST + 65.2, exten="102", extra='{""hangupcause"":16}'),
            cel("LINKEDID_END", FIRST + 65.3, "1.11"),
            cel("CHAN_START", FIRST + 100.1, "2.10", "2.10"),  # never ends
            cel("ANSWER", FIRST + 105.1, "2.10", "2.10"),
        ],
    ),
    "3cx": (
        "3cx",
        [
            segment("1", "07:00:00", "07:00:05", "07:00:21", "00:00:15.6"),
            segment("1", "07:00:21", "07:00:22", "07:01:22", "00:01:00"),
            segment("2", "07:02:00", "", "07:02:30", ""),
        ],
    ),
    "huawei-msc": (
        "huawei-msc",
        [
            _call("0000000a", 60, 0, None, "260302110005"),
            _call("0000000b", 1800, 1, 1, "260302110005"),
            _call("0000000b", 1800, 1, 2, "260302113005"),
            _call("0000000b", 600, 0, 3, "260302120005"),
            _call("0000000c", 1800, 1, 1, "260302110005"),  # its second part is lost
            _call("0000000c", 700, 0, 3, "260302120005"),
        ],
    ),
    "pgw-3gpp": (
        "pgw-3gpp",
        [
            _bearer(1, 1, 17, 1_000_000, 2_000_000, "260302110000"),
            _bearer(1, 2, 17, 1_000_000, 2**32, "260302120000"),
            _bearer(1, 3, 0, 1_000_000, 2_000_000, "260302130000"),
            _bearer(2, None, 0, 1_000, 0, "260302120000"),
            _bearer(3, 1, 17, 5_000, 0, "260302120000"),  # nothing follows
        ],
    ),
}
# A Huawei file in the form with a trailer would have to count its records; the bare stream is the same records.
assert _tlv


async def source(wiring: Wiring, world: made.World, profile: str) -> None:
    text = f'name = "switch"\nreader = "{profile}"\n[number]\ncountry = "SE"\n'
    cmd = PutSource(name="switch", profile=text)
    await put_source(cmd, actor=world.actor, begin=wiring.begin, formats=wiring.formats)


async def load(wiring: Wiring, world: made.World, data: bytes, name: str, **options: Any) -> Any:
    return await made.load(wiring, world, data, name=name, source="switch", **options)


async def sweep(wiring: Wiring, world: made.World, at: datetime = LATER) -> Swept:
    return await sweep_sessions(
        actor=world.actor,
        begin=wiring.begin,
        clock=At(at),
        raters=wiring.raters,
        formats=wiring.formats,
    )


async def outcome(wiring: Wiring, world: made.World) -> list[tuple[Any, ...]]:
    """Return what the database holds of the switch: events that are rated, and records that are not, without places."""
    async with wiring.begin(world.actor) as unit:
        events, more = await unit.usage.page(ALL, first=1000)
        held = await unit.suspense.page(PageRequest(first=1000))
    assert not more
    found: list[tuple[Any, ...]] = [
        ("rated", one.reference, one.leg, one.start, one.used, one.a, one.b, one.retail.amount.value, one.flags)
        for one in events
    ]
    for one in held.items:
        event = one.event or {}
        told = tuple(str(event.get(name)) for name in ("ref", "leg", "start", "used", "a", "b", "flags"))
        found.append((one.reason, *told))
    return sorted(found, key=repr)


async def check_balances(wiring: Wiring, world: made.World, *, waiting: bool = False, importing: bool = False) -> None:
    """Every file's records are in one place each, and its suspense is what its counts say."""
    async with wiring.begin(world.actor) as unit:
        files = (await unit.files.page(PageRequest(first=1000))).items
        held = (await unit.suspense.page(PageRequest(first=1000))).items
    for file in files:
        assert file.balances(), file
        mine = [one for one in held if one.file == file.id]
        assert len(mine) == file.rejects + file.unrated, (file, mine)
        assert all(count >= 0 for count in (file.events, file.merged, file.pending, file.duplicates, file.rejects))
        assert waiting or file.pending == 0, file
        assert importing or file.state in {FileState.DONE, FileState.EMPTY, FileState.WITHDRAWN}


def cut(records: Sequence[bytes], order: Sequence[int], cuts: Sequence[int]) -> list[bytes]:
    """Return files of the records in an order, cut at some places."""
    ordered = [records[place] for place in order]
    bounds = [0, *sorted(set(cuts)), len(ordered)]
    return [b"".join(ordered[one:two]) for one, two in itertools.pairwise(bounds) if one < two]


def with_clock(wiring: Wiring, at: datetime) -> Wiring:
    return replace(wiring, clock=At(at))
