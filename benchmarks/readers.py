"""Rows per second of every reader, whole way to normalised events with their identity, beside a bare parse.

The bare parse is what the format costs at the least: polars' own CSV reader, Python's json, lxml, or splitting into
lines; for BER a walk over the outer tags. All on one core's time (process seconds), in the same run.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl
from lxml import etree

from benchmarks import reader_rows
from domain.mediation.events import Balance
from domain.mediation.identity import event_keys
from domain.usecases.mediate import mediate
from integrations.cdr import ber, registry

_BLOCK: Final = 1 << 20
Row = Callable[[int], bytes]


def _clock(epoch: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return time.strftime(form, time.gmtime(epoch))


def _asterisk(number: int) -> bytes:
    at = 1_772_445_600 + number // 3
    a, b = f"46701{number * 7919 % 10**6:06d}", f"0846{number * 104_729 % 10**6:06d}"
    return (
        f'"","{a}","{b}","from-internal","""{a}"" <{a}>","PJSIP/acme-{number:08x}","PJSIP/trunk-{number:08x}","Dial",'
        f'"PJSIP/{b}@trunk,60","{_clock(at)}","{_clock(at + 5)}","{_clock(at + 65)}",65,60,"ANSWERED","DOCUMENTATION",'
        f'"{at}.{number}","","","{at}.{number}",{number}\n'
    ).encode()


def _freeswitch(number: int) -> bytes:
    at = 1_772_445_600 + number // 3
    return (
        f'"A","46701{number % 10**6:06d}","0846{number % 10**6:06d}","default","{_clock(at)}","{_clock(at + 5)}",'
        f'"{_clock(at + 65)}","65","60","NORMAL_CLEARING","{number:032x}","","acme","PCMA","PCMA"\n'
    ).encode()


def _opensips(number: int) -> bytes:
    at, call = 1_772_445_600 + number // 3, f"{number // 2:032x}@h"
    method, at = ("BYE", at + 60) if number % 2 else ("INVITE", at)
    return f"{method}|t1|t2|{call}|200|OK|{at}|acc|46701740605|0846500401||1:1\n".encode()


def _threecx(number: int) -> bytes:
    at = 1_772_445_600 + number // 3
    begun, answered, ended = (_clock(at + shift, "%Y/%m/%d %H:%M:%S") for shift in (0, 5, 65))
    return (
        f"Call {number},{number:020x},00:01:00,{begun},{answered},{ended},TerminatedBySrc,Ext.100,0846500401,Ext.100,,"
        f"846500401,,,,,,,,Chain: x;\n"
    ).encode()


def _radius(number: int) -> bytes:
    at = 1_772_445_600 + number // 3
    kind = ("Start", "Interim-Update", "Stop")[number % 3]
    return (
        f'Mon Mar  2 11:00:00 2026\n\tAcct-Status-Type = {kind}\n\tAcct-Session-Id = "{number // 3:08x}"\n'
        f'\tNAS-IP-Address = 192.0.2.1\n\tUser-Name = "sub{number // 3}"\n\tAcct-Session-Time = {number % 3 * 60}\n'
        f"\tAcct-Input-Octets = {number % 3 * 1000}\n\tAcct-Output-Octets = {number % 3 * 9000}\n\tTimestamp = {at}\n\n"
    ).encode()


def _json(number: int) -> bytes:
    at = 1_772_445_600 + number // 3
    record = {
        "id": str(number),
        "start": f"{_clock(at, '%Y-%m-%dT%H:%M:%S')}Z",
        "used": 60,
        "a": "46701740605",
        "b": "1",
    }
    return json.dumps(record).encode() + b"\n"


def _leg(number: int) -> dict[str, object]:
    at = 1_772_445_600 + number // 3
    times = {"start_epoch": str(at), "answer_epoch": str(at + 5), "end_epoch": str(at + 65)}
    return {"core-uuid": "c", "variables": {"uuid": f"{number:032x}", **times, "billsec": "60", "duration": "65"}}


def _leg_json(number: int) -> bytes:
    return json.dumps(_leg(number)).encode() + b"\n"


def _leg_xml(number: int) -> bytes:
    leg = _leg(number)["variables"]
    assert isinstance(leg, dict)
    values = "".join(f"<{name}>{value}</{name}>" for name, value in leg.items())
    return f'<cdr core-uuid="c"><variables>{values}</variables></cdr>\n'.encode()


def _bearer(number: int) -> bytes:
    opened = bytes.fromhex(_clock(1_772_445_600 + number // 3, "%y%m%d%H%M%S")) + b"+\0\0"
    volumes = b"\x30\x0a\x8c\x03\x0f\x42\x40\x8d\x03\x0f\x42\x40"
    body = b"\x85\x04" + number.to_bytes(4) + b"\x87\x03net\x8d\x09" + opened + b"\x8e\x01\x05\x8f\x01\x00"
    body += b"\x92\x03pgw\x96\x07\x19\x64\x07\x71\x04\x06\xf5\xbf\x22" + bytes([len(volumes)]) + volumes
    return b"\xbf\x4f" + bytes([len(body)]) + body


def _walk(data: bytes) -> int:
    return sum(1 for _ in ber.walk(data))


def _parse_csv(data: bytes, delimiter: str = ",") -> int:
    quote = '"' if delimiter == "," else None
    return pl.read_csv(
        io.BytesIO(data), has_header=False, infer_schema=False, separator=delimiter, quote_char=quote,
        ignore_errors=True, truncate_ragged_lines=True,
    ).height  # fmt: skip


def _parse_json(data: bytes) -> int:
    return sum(1 for line in data.splitlines() if json.loads(line))


def _parse_xml(data: bytes) -> int:
    return len(etree.fromstring(b"<all>" + data + b"</all>"))


@dataclass(frozen=True, slots=True)
class Case:
    """A format: a row by its number, how many, the bare parse of the same bytes and its name, and what is around them.

    ``profile``: a TOML text, where it is no shipped one.
    """

    row: Row
    count: int
    bare: Callable[[bytes], int]
    beside: str
    head: bytes = b""
    tail: bytes = b""
    profile: str | None = None

    def data(self) -> bytes:
        """Return the whole file."""
        return self.head + b"".join(self.row(number) for number in range(self.count)) + self.tail


def _packets(data: bytes) -> int:
    return len(data.split(b"\n\n"))


def _lines(data: bytes) -> int:
    return len(data.splitlines())


def _parse_bars(data: bytes) -> int:
    return _parse_csv(data, "|")


_POLARS: Final = "polars.read_csv"
# By profile. Those that are joined row by row have fewer rows.
CASES: Final[dict[str, Case]] = {
    "asterisk": Case(_asterisk, 200_000, _parse_csv, _POLARS),
    "asterisk-cel": Case(reader_rows.cel, 40_000, _parse_csv, _POLARS),
    "freeswitch-csv": Case(_freeswitch, 200_000, _parse_csv, _POLARS),
    "freeswitch-json": Case(_leg_json, 20_000, _parse_json, "json.loads"),
    "freeswitch-xml": Case(_leg_xml, 20_000, _parse_xml, "lxml"),
    "cucm": Case(reader_rows.cucm, 100_000, _parse_csv, _POLARS, head=reader_rows.CUCM_HEAD),
    "broadworks": Case(
        reader_rows.broadworks, 100_000, _parse_csv, _POLARS, reader_rows.BROADWORKS_HEAD, reader_rows.BROADWORKS_TAIL
    ),
    "ribbon-act": Case(reader_rows.ribbon, 50_000, _parse_csv, _POLARS),
    "acme-sbc": Case(reader_rows.acme, 50_000, _parse_csv, _POLARS),
    "opensips": Case(_opensips, 40_000, _parse_bars, _POLARS),
    "3cx": Case(_threecx, 40_000, _parse_csv, _POLARS),
    "radius": Case(_radius, 30_000, _packets, "split"),
    "radius-voice": Case(reader_rows.radius_voice, 30_000, _packets, "split"),
    "huawei-msc": Case(reader_rows.huawei, 20_000, _walk, "outer tags"),
    "pgw-3gpp": Case(_bearer, 20_000, _walk, "outer tags"),
    "generic-csv": Case(reader_rows.csv, 200_000, _parse_csv, _POLARS, head=reader_rows.CSV_HEAD),
    "generic-jsonl": Case(_json, 40_000, _parse_json, "json.loads"),
    "generic-fixed": Case(reader_rows.fixed, 100_000, _lines, "splitlines", profile=reader_rows.FIXED),
}


def _blocks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _BLOCK):
        yield data[at : at + _BLOCK]


def _seconds(work: Callable[[], object], times: int) -> float:
    """Return the least process time of some runs."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return max(min(taken), 1e-9)


def run(out: Callable[[str], object] = print, names: Iterable[str] = CASES) -> dict[str, float]:
    """Tell rows per second and core of each reader, a line each, and return them."""
    found: dict[str, float] = {}
    out(f"{'format':<16}{'bytes/row':>10}{'rows/s':>12}{'bare parse':>14}  beside")
    for name in names:
        case = CASES[name]
        data = case.data()
        rate, limit = case.count / measured(case, name, data), case.count / _seconds(lambda: case.bare(data), 3)  # noqa: B023  (called at once)
        found[name] = rate
        out(
            f"{name:<16}{len(data) // case.count:>10}{rate:>12,.0f}{limit:>14,.0f}  {case.beside} (×{rate / limit:.2f})"
        )
    return found


def measured(case: Case, name: str, data: bytes) -> float:
    """Return the seconds of a core that a file takes to events with their identity; every record must be good."""
    profile = registry.profile(case.profile or name)
    reader = registry.reader(profile)

    def read() -> Balance:
        balance = Balance()
        for batch in mediate(_blocks(data), profile, reader):
            event_keys(batch.events)
            balance += batch.balance
        return balance

    balance = read()
    assert balance.records >= case.count, f"{name}: {balance}"
    assert balance.rejects == 0 < balance.events, f"{name}: {balance}"
    return _seconds(read, 3)


if __name__ == "__main__":
    run()
