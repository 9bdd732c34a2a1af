"""How the demo's FreeSWITCH writes calls: mod_cdr_csv with a template of its own, local time, one row per a-leg."""

from __future__ import annotations

from uuid import UUID

from domain.demo.size import Dice
from domain.demo.traffic import Call
from domain.demo.written import EVENT, Row, local

_CAUSES = {"NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_ANSWER": 19, "ORIGINATOR_CANCEL": 487}


def source_profile(name: str) -> str:
    """Return the TOML of the switch's source: its template's columns and what they mean."""
    return f"""\
name = "{name}"
reader = "freeswitch-csv"

[file]
columns = ["caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp",
  "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode", "gateway"]

[time]
zone = "Europe/Stockholm"

[number]
country = "SE"

[map]
trunk_in = "gateway"
trunk_out = "gateway"

[direction]
out = {{ context = ["default"] }}
"""


class FreeSwitch:
    """One FreeSWITCH, telling calls apart by uuid."""

    def __init__(self, name: str, seed: int) -> None:
        self._dice = Dice(seed, name)

    def row(self, call: Call, *, kind: str = EVENT, uuid: str | None = None) -> Row:
        """Return the call's one row; a ``uuid`` given again contradicts the row that had it first."""
        answers, ends = call.seized + call.rang, call.seized + call.rang + call.talked
        cause = "NORMAL_CLEARING" if call.answered else self._dice.pick(tuple(_CAUSES)[1:])
        fields = (
            f"+{call.a}",
            f"+{call.a}",
            _number(call.b),
            "default" if call.outgoing else "public",
            local(call.seized),
            local(answers) if call.answered else "",
            local(ends),
            str(ends - call.seized),
            str(call.talked),
            cause,
            uuid or self._uuid(),
            self._uuid() if call.answered else "",
            "",
            call.trunk,
        )
        return Row(ends, (",".join(f'"{field}"' for field in fields) + "\n").encode(), kind)

    def _uuid(self) -> str:
        """Draw a version 4 UUID (RFC 9562)."""
        return str(UUID(int=self._dice.below(1 << 128), version=4))


def _number(number: str) -> str:
    """Write a called number: in E.164 form, a short one as it is dialled."""
    return number if len(number) <= 6 or not number.isdecimal() else f"+{number}"
