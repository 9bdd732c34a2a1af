"""How the demo's Asterisk PBXs write calls: cdr-csv, 21 columns, local time (``cdr.conf`` with ``newcdrcolumns``)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from domain.demo.size import Dice
from domain.demo.traffic import Call
from domain.demo.written import EVENT, Row, local

LOCAL_LEG, SERVICE_CODE = "ignored:local_leg", "ignored:service_code"


def source_profile(name: str) -> str:
    """Return the TOML of the PBX's source: what differs from the shipped profile."""
    return f"""\
name = "{name}"
reader = "asterisk"

[file]
columns = ["accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
  "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount", "linkedid",
  "sequence"]

[time]
zone = "Europe/Stockholm"

[number]
country = "SE"

[map]
trunk_in = "accountcode"
trunk_out = "peeraccount"

[direction]
out = {{ dcontext = ["from-internal"] }}

[ignore]
service_code = {{ dst = "^[*]" }}
local_leg = [{{ channel = "^Local/" }}, {{ dstchannel = "^Local/" }}]
"""


def dialled(number: str) -> str:
    """Write a number as it is dialled in Sweden: 0 before an area, 00 before a country, short numbers as they are."""
    if number.startswith("46"):
        return f"0{number[2:]}"
    return f"00{number}" if number.isdecimal() and len(number) > 6 else number


class Asterisk:
    """One PBX with its running numbers; the sequence begins again at 0 when the process is started anew."""

    def __init__(self, name: str, seed: int, *, restarts_at: int) -> None:
        self._name = name
        self._dice = Dice(seed, name)
        self._channel = count(1)
        self._sequence = count(0)
        self._restarts_at = restarts_at

    def rows(self, call: Call, kind: str = EVENT) -> Iterator[Row]:
        """Yield the call's rows: one, or several where it was forked, tried two trunks or went by a local channel."""
        if self._restarts_at and call.seized >= self._restarts_at:
            self._sequence, self._restarts_at = count(0), 0
        unique = f"{self._name}-{call.seized}.{next(self._channel)}"
        yield self._row(call, unique, kind=kind)
        if kind != EVENT:
            return
        if call.outgoing and self._dice.chance(22):
            yield self._row(call, unique, disposition="FAILED" if self._dice.chance(500) else "CONGESTION")
        elif not call.outgoing and self._dice.chance(160):
            # Another telephone rang too. Some versions write its ringing into billsec: the disposition says what holds.
            rings = call.rang if self._dice.chance(120) else 0
            yield self._row(call, unique, disposition="NO ANSWER", billsec=rings)
        elif not call.outgoing and self._dice.chance(90):
            local_leg = f"Local/ringgrupp@internt-{next(self._channel):08x}"
            yield self._row(call, unique, dstchannel=f"{local_leg};1", kind=LOCAL_LEG)
            yield self._row(call, f"{unique}1", channel=f"{local_leg};2", kind=LOCAL_LEG)

    def service_code(self, call: Call, code: str) -> Row:
        """Return a call to a service of the PBX itself, which the source's profile leaves out."""
        unique = f"{self._name}-{call.seized}.{next(self._channel)}"
        return self._row(call, unique, dst=code, kind=SERVICE_CODE)

    def _row(
        self,
        call: Call,
        unique: str,
        *,
        disposition: str = "",
        billsec: int = 0,
        dst: str = "",
        channel: str = "",
        dstchannel: str = "",
        kind: str = EVENT,
    ) -> Row:
        """Return one row. A row that is not the call's own leg was not answered."""
        own = not disposition and kind != LOCAL_LEG
        answered = call.answered and own
        talked = call.talked if answered else billsec
        begins, answers = call.seized, call.seized + call.rang
        ends = answers + (talked if answered else 0)
        src, to = dialled(call.a), dst or dialled(call.b)
        number = next(self._channel)
        inside, outside = f"PJSIP/{(call.a if call.outgoing else call.b)[-6:]}", f"PJSIP/{call.trunk}"
        from_channel, to_channel = (inside, outside) if call.outgoing else (outside, inside)
        # Durations are rounded in the switch: now and then they are a second less than the times say.
        slip = 1 if talked > 2 and self._dice.chance(80) else 0
        fields = (
            _text("" if call.outgoing else call.trunk),
            _text(src),
            _text(to),
            _text("from-internal" if call.outgoing else "from-trunk"),
            self._caller(src),
            _text(channel or f"{from_channel}-{number:08x}"),
            _text(dstchannel or f"{to_channel}-{number + 1:08x}"),
            _text("Dial"),
            _text(f"PJSIP/{to}@{call.trunk},60,tT" if call.outgoing else f"{inside},30,tT"),
            _text(local(begins)),
            _text(local(answers)) if answered else b"",
            _text(local(ends)),
            str(ends - begins).encode(),
            str(talked - slip).encode(),
            _text(disposition or ("ANSWERED" if answered else ("BUSY" if self._dice.chance(300) else "NO ANSWER"))),
            _text("DOCUMENTATION"),
            _text(unique),
            _text(""),
            _text(call.trunk if call.outgoing else ""),
            _text(unique),
            str(next(self._sequence)).encode(),
        )
        return Row(ends, b",".join(fields) + b"\n", kind)

    def _caller(self, src: str) -> bytes:
        """Return the caller's name and number; a rare telephone sends bytes that are no text at all."""
        name = src.encode()
        if self._dice.chance(1):
            name = name[:-2] + b"\xa5\xa5" + name[-1:]
        return b'"""' + name + b'"" <' + src.encode() + b'>"'


def _text(value: str) -> bytes:
    """Quote a text (RFC 4180)."""
    return b'"' + value.encode() + b'"'
