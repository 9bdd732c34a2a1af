"""How the same formats are written elsewhere: other releases, settings, zones, encodings, kinds of record."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import polars as pl
import pytest

from domain.mediation.events import Balance
from domain.refusal import Unreadable
from tests.mediation import samples
from tests.mediation.running import run

AT = 1_772_445_600  # 2026-03-02T10:00:00Z


def micros(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def own(reader: str, more: str = "") -> str:
    return f'name = "own"\nreader = "{reader}"\n{more}\n'


def read(profile: str, data: bytes | str) -> tuple[list[dict[str, Any]], list[str], Balance]:
    events, rejects, balance = run(profile, data.encode() if isinstance(data, str) else data)
    return events.to_dicts(), rejects["reason"].to_list(), balance


# Asterisk


def asterisk(**values: Any) -> str:
    fields = {
        "accountcode": "", "src": "101", "dst": "0701740605", "dcontext": "from-internal", "clid": '""A"" <101>',
        "channel": "PJSIP/101-1", "dstchannel": "PJSIP/trunk-2", "lastapp": "Dial", "lastdata": "PJSIP/x,60",
        "start": "2026-03-02 10:00:00", "answer": "2026-03-02 10:00:05", "end": "2026-03-02 10:01:05", "duration": 65,
        "billsec": 60, "disposition": "ANSWERED", "amaflags": "DOCUMENTATION", "uniqueid": f"{AT}.1", "userfield": "",
        "peeraccount": "", "linkedid": f"{AT}.1", "sequence": 0,
    } | values  # fmt: skip
    return ",".join(str(v) if isinstance(v, int) or v is None else f'"{v}"' for v in fields.values()).replace(
        "None", ""
    )


@pytest.mark.parametrize(
    ("disposition", "billsec", "answered", "used", "cause"),
    [
        ("ANSWERED", 60, True, 60, "16"), ("ANSWERED", 0, True, 0, "16"), ("NO ANSWER", 60, False, 0, "19"),
        ("BUSY", 2, False, 0, "17"), ("FAILED", 0, False, 0, "21"), ("CONGESTION", 0, False, 0, "34"),
        ("Answered", 60, True, 60, "16"), ("busy", 2, False, 0, "17"),
    ],
)  # fmt: skip
def test_asterisk_is_answered_by_its_disposition(
    disposition: str, billsec: int, answered: bool, used: int, cause: str
) -> None:
    row = asterisk(
        disposition=disposition, billsec=billsec, end="2026-03-02 10:01:05" if billsec else "2026-03-02 10:00:05"
    )
    [event], rejects, _ = read("asterisk", row + "\n")
    assert (event["answered"], event["used"], event["cause"], rejects) == (answered, used, cause, [])


def test_asterisk_of_18_columns_keeps_forked_legs_apart() -> None:
    rows = [
        ",".join(asterisk(dstchannel=f"PJSIP/t-{leg}", disposition="NO ANSWER", answer=None).split(",")[:-3])
        for leg in (1, 2)
    ]
    events, rejects, _ = read("asterisk", "\n".join(rows) + "\n")
    assert [event["leg"] for event in events] == ["PJSIP/t-1", "PJSIP/t-2"]
    assert rejects == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_any_line_end_and_encoding(end: str, encoding: str) -> None:
    rows = [asterisk(sequence=number, clid="Åsa Öberg") for number in range(3)]
    events, rejects, _ = read("asterisk", end.join([*rows, ""]).encode(encoding))
    assert ([event["leg"] for event in events], rejects) == (["0", "1", "2"], [])


def test_a_name_in_no_encoding_at_all_loses_no_row() -> None:
    data = (
        asterisk(clid="x").encode().replace(b'"x"', b'"\xa5\xa5 \xff"') + b"\n" + asterisk(sequence=1).encode() + b"\n"
    )
    events, rejects, _ = read("asterisk", data)
    assert (len(events), rejects) == (2, [])


def test_a_spreadsheet_that_lost_the_seconds_is_flagged() -> None:
    row = asterisk(start="2026-03-02 10:00", answer="2026-03-02 10:00", end="2026-03-02 10:01")
    [event], _, _ = read("asterisk", row + "\n")
    assert event["flags"] == ["minute_precision"]


def test_the_doubled_hour_is_told_by_the_epoch_in_the_record_or_flagged() -> None:
    # 02:30 in Stockholm on 25 October 2026 is 00:30Z and again 01:30Z.
    profile = own("asterisk", '[time]\nzone = "Europe/Stockholm"')
    local = {"start": "2026-10-25 02:30:00", "answer": "2026-10-25 02:30:05", "end": "2026-10-25 02:31:05"}
    told = {
        first: asterisk(uniqueid=f"{micros(first) // 1_000_000}.1", **local)
        for first in ("2026-10-25 00:30:00", "2026-10-25 01:30:00")
    }
    for first, row in told.items():
        [event], _, _ = read(profile, row + "\n")
        assert (event["seized"], event["flags"]) == (micros(first), [])
    [event], _, _ = read(profile, asterisk(uniqueid="none", **local) + "\n")
    assert (event["seized"], event["flags"]) == (micros("2026-10-25 00:30:00"), ["dst_ambiguous"])


def test_a_call_over_the_change_to_winter_lasts_as_long_as_it_lasted() -> None:
    profile = own("asterisk", '[time]\nzone = "Europe/Stockholm"')
    begun = micros("2026-10-25 00:59:00") // 1_000_000
    row = asterisk(
        start="2026-10-25 02:59:00", answer="2026-10-25 02:59:00", end="2026-10-25 02:01:00", duration=120, billsec=120,
        uniqueid=f"{begun}.1",
    )  # fmt: skip
    [event], rejects, _ = read(profile, row + "\n")
    assert (event["used"], rejects) == (120, [])


def test_a_wrong_zone_is_flagged_by_the_epoch() -> None:
    [event], _, _ = read(own("asterisk", '[time]\nzone = "Europe/Stockholm"'), asterisk() + "\n")
    assert event["flags"] == ["clock_skew"]


@pytest.mark.parametrize(
    ("country", "dialled", "expected"),
    [
        ("SE", "0701740605", "46701740605"), ("SE", "112", "112"), ("SE", "118118", "118118"),
        ("SE", "118 118", "118118"), ("SE", "0046701740605", "46701740605"), ("SE", "+46 70-174 06 05", "46701740605"),
        ("SE", "09001234567", "469001234567"), ("SE", "0718123456", "46718123456"), ("SE", "*60", "*60"),
        ("SE", "sip:+46701740605@h;user=phone", "46701740605"), ("SE", "<sip:%2B46701740605@h>", "46701740605"),
        ("SE", "tel:+46-70-1740605", "46701740605"), ("NO", "22000000", "4722000000"), ("NO", "02000", "4702000"),
        ("DK", "32345678", "4532345678"), ("FI", "0401234567", "358401234567"), ("RU", "89245559149", "79245559149"),
        ("US", "5035550194", "15035550194"), ("US", "0114687654321", "4687654321"), ("US", "911", "911"),
        ("GB", "999", "999"), ("GB", "02079460000", "442079460000"), ("IT", "0612345678", "390612345678"),
        ("", "0701740605", "0701740605"), ("", "0046701740605", "46701740605"), ("SE", "anonymous", "anonymous"),
        ("SE", "88299000123", "88299000123"), ("SE", "0088299000123", "88299000123"),
        ("SE", "00461121", "00461121"), ("SE", "0009912345678", "0009912345678"), ("GB", "00112345678", "112345678"),
        ("NO", "00112", "00112"), ("NO", "00815", "00815"),
    ],
)  # fmt: skip
def test_numbers_by_the_plan_of_the_source(country: str, dialled: str, expected: str) -> None:
    plan = f'[number]\ncountry = "{country}"' if country else ""
    [event], _, _ = read(own("asterisk", plan), asterisk(dst=dialled) + "\n")
    assert event["b"] == expected


def test_a_plan_of_ones_own() -> None:
    plan = (
        '[number]\ncountry = "RU"\nnational_prefix = "8"\ninternational_prefix = "810"\nshort = ["211\\\\d{3}"]\n'
        'rewrite = [{ match = "^9([0-9]{10})$", replace = "+7${1}" }]'
    )
    rows = [
        asterisk(src=number, sequence=place) for place, number in enumerate(("81079243525554", "211474", "99245559149"))
    ]
    events, _, _ = read(own("asterisk", plan), "\n".join(rows) + "\n")
    assert [event["a"] for event in events] == ["79243525554", "211474", "79245559149"]


# A last line without a line end


@pytest.mark.parametrize(
    ("last", "reasons"),
    [
        (asterisk(sequence=12), ["truncated"]),
        (asterisk(sequence=12)[:-4], ["truncated"]),
        (asterisk(sequence=12) + "\n", []),
    ],
)
def test_a_last_line_that_may_be_cut_within_its_number_is_held(last: str, reasons: list[str]) -> None:
    events, rejects, balance = read("asterisk", asterisk(sequence=1000) + "\n" + last)
    assert rejects == reasons
    assert balance.records == 2
    assert len(events) == 2 - len(reasons)


def test_a_last_line_is_believed_where_nothing_of_it_can_be_missing() -> None:
    quoted = own("asterisk", '[file]\ncolumns = ["-", "src", "start", "billsec", "disposition", "uniqueid"]')
    rows = [f'"","101","2026-03-02 10:00:00",60,"ANSWERED","{AT}.{number}"' for number in range(2)]
    assert read(quoted, "\n".join(rows))[1] == []
    unused = own("asterisk", '[key]\nleg = ["dstchannel"]')
    assert read(unused, "\n".join(asterisk(dstchannel=f"d{n}", sequence=n) for n in range(2)))[1] == []
    renamed = own("asterisk", '[file]\ncomplete = "rename"')
    assert read(renamed, "\n".join(asterisk(sequence=n) for n in range(2)))[1] == []
    assert read("asterisk", asterisk())[1] == []
    stamped = "id,used,a,b,start\n1,60,1,2,2026-03-02 10:00:00\n2,60,1,2,2026-03-02 10:00:09"
    assert read("generic-csv", stamped)[1] == []


def test_the_whole_file_later_adds_the_held_line_alone() -> None:
    whole = "\n".join(asterisk(sequence=1000 + n) for n in range(3)) + "\n"
    first, rejects, _ = read("asterisk", whole[:-2])
    again, _, balance = read("asterisk", whole)
    assert (len(first), rejects, len(again), balance.events) == (2, ["truncated"], 3, 3)
    assert [event["leg"] for event in again[:2]] == [event["leg"] for event in first]


# Asterisk CEL


def cel(kind: str, at: float, unique: str = "1.10", **more: str) -> dict[str, str]:
    return {
        "eventtype": kind, "eventtime": f"{AT + at:.6f}", "cid_num": "46701740605", "exten": "0846500401",
        "context": "c", "channame": "PJSIP/1", "uniqueid": unique, "linkedid": "1.10", "extra": "", **more,
    }  # fmt: skip


CEL_EVENTS = [
    cel("CHAN_START", 0), cel("CHAN_START", 1, "1.11"), cel("ANSWER", 5, "1.11"), cel("ANSWER", 5.2),
    cel("BLINDTRANSFER", 30), cel("HANGUP", 65.2, extra='{"hangupcause":16}'), cel("LINKEDID_END", 65.3, "1.11"),
]  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"eventtype": "EventName", "eventtime": "EventTime", "uniqueid": "Uniqueid", "linkedid": "LinkedID",
        "exten": "Extension"},
        {"eventtype": "eventtype", "extra": "eventextra"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["lines", "array"])
def test_cel_as_json_under_its_names(names: dict[str, str], form: str) -> None:
    records = [{names.get(name, name): value for name, value in event.items()} for event in CEL_EVENTS]
    text = "\n".join(map(json.dumps, records)) + "\n" if form == "lines" else json.dumps(records, indent=1)
    [event], rejects, balance = read("asterisk-cel", text)
    assert (event["used"], event["b"], event["cause"], rejects) == (60, "0846500401", "16", [])
    assert (balance.events, balance.merged, balance.pending) == (1, 6, 0)


def test_cel_with_a_row_of_names_and_local_times() -> None:
    names = list(CEL_EVENTS[0])
    rows = [",".join(names)]
    for one in CEL_EVENTS:
        at = datetime.fromtimestamp(float(one["eventtime"]), UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        values = (one | {"eventtime": at}).values()
        rows.append(",".join('"' + value.replace('"', '""') + '"' for value in values))
    [event], rejects, _ = read(own("asterisk-cel", '[time]\nformat = "iso"'), "\n".join(rows) + "\n")
    assert (event["used"], rejects) == (60, [])


def test_a_call_that_nobody_answered_is_an_event_of_nothing() -> None:
    [event], _, _ = read(
        "asterisk-cel",
        "\n".join(map(json.dumps, [CEL_EVENTS[0], cel("HANGUP", 9, extra='{"hangupcause":17}'), CEL_EVENTS[-1]]))
        + "\n",
    )
    assert (event["answered"], event["used"], event["cause"]) == (False, 0, "17")


# FreeSWITCH


def leg(**more: Any) -> dict[str, Any]:
    variables = {
        "uuid": "u-1", "start_epoch": str(AT), "answer_epoch": str(AT + 5), "end_epoch": str(AT + 65), "duration": "65",
        "billsec": "60", "hangup_cause": "NORMAL_CLEARING", "hangup_cause_q850": "16",
    } | more  # fmt: skip
    return {
        "core-uuid": "c-1",
        "variables": {name: value for name, value in variables.items() if value is not None},
        "callflow": [{"caller_profile": {"caller_id_number": "101", "destination_number": "0701740605"}}],
    }


@pytest.mark.parametrize(
    "write",
    [
        lambda legs: "\n".join(map(json.dumps, legs)) + "\n",
        lambda legs: "\n".join(map(json.dumps, legs)),
        lambda legs: "".join(map(json.dumps, legs)),
        json.dumps,
        lambda legs: json.dumps(legs, indent="\t"),
        lambda legs: "\r\n\r\n".join(json.dumps(one, indent=2) for one in legs),
        lambda legs: "\ufeff" + ",\n".join(map(json.dumps, legs)),
    ],
)
def test_freeswitch_documents_however_they_follow_one_another(write: Any) -> None:
    events, rejects, _ = read("freeswitch-json", write([leg(uuid=f"u-{n}") for n in range(3)]))
    assert ([event["ref"] for event in events], rejects) == (["u-0", "u-1", "u-2"], [])
    assert [event["used"] for event in events] == [60, 60, 60]


def test_freeswitch_in_micros_unanswered_encoded_and_older() -> None:
    in_micros = leg(
        uuid="u-0", start_epoch=None, answer_epoch=None, end_epoch=None,
        start_uepoch=str(AT * 1_000_000), answer_uepoch=str((AT + 5) * 1_000_000),
        end_uepoch=str((AT + 65) * 1_000_000),
    )  # fmt: skip
    unanswered = leg(uuid="u-1", answer_epoch="0", billsec="20", hangup_cause_q850=None, hangup_cause="USER_BUSY")
    encoded = leg(uuid="u-2", caller_id_number="%2B46701740605")
    older = leg(uuid="u-3") | {"callflow": {"caller_profile": {"caller_id_number": "102", "rdnis": "103"}}}
    events, rejects, _ = read(
        "freeswitch-json", "\n".join(map(json.dumps, (in_micros, unanswered, encoded, older))) + "\n"
    )
    assert rejects == []
    assert [(event["answered"], event["used"]) for event in events] == [(True, 60), (False, 0), (True, 60), (True, 60)]
    assert (events[0]["start"], events[2]["a"]) == ((AT + 5) * 1_000_000, "46701740605")
    assert (events[3]["a"], events[3]["c"]) == ("102", "103")
    assert events[1]["cause"] == "17"


def test_freeswitch_bills_one_leg_of_a_call() -> None:
    legs = [
        leg(),
        leg(uuid="u-2", originator="u-1"),
        leg(uuid="u-3", originating_leg_uuid="u-1"),
        leg(uuid="u-4", other_loopback_leg_uuid="u-1", loopback_leg="B"),
        leg(uuid="u-5", other_loopback_leg_uuid="u-1", loopback_leg="A"),
    ]
    events, _, balance = read("freeswitch-json", json.dumps(legs))
    assert [event["ref"] for event in events] == ["u-1", "u-5"]
    assert balance.ignored == {"b_leg": 2, "loopback_leg": 1}


def test_a_negative_duration_of_freeswitch_is_held() -> None:
    assert read("freeswitch-json", json.dumps(leg(billsec=f"-{AT}")))[1] == ["negative_duration"]
    assert read("freeswitch-json", json.dumps(leg(billsec="18446744073709551615")))[1] == ["overflow"]


@pytest.mark.parametrize("broken", ['{"variables": {"uuid": "u', '{"variables": {"uuid": "u}}', '{"a": [1}', "text"])
def test_a_broken_document_breaks_nothing_but_itself(broken: str) -> None:
    text = (
        "\n".join([json.dumps(leg(uuid="u-1")), broken, json.dumps(leg(uuid="u-2")), json.dumps(leg(uuid="u-3"))])
        + "\n"
    )
    events, rejects, balance = read("freeswitch-json", text)
    assert [event["ref"] for event in events] == ["u-1", "u-2", "u-3"]
    assert (len(rejects), balance.records) == (1, 4)


def test_freeswitch_xml_of_several_legs_one_of_them_damaged() -> None:
    def xml(number: int, end: str = "</cdr>") -> str:
        values = "".join(f"<{k}>{quote(str(v))}</{k}>" for k, v in leg(uuid=f"u-{number}")["variables"].items())
        return f'<?xml version="1.0"?>\n<cdr core-uuid="c-1" switchname="s">\n<variables>{values}</variables>{end}\n'

    events, rejects, _ = read(
        "freeswitch-xml", xml(1) + xml(2, end="") + xml(3) + xml(4).replace("<uuid>", "<uuid>&x;")
    )
    assert ([event["ref"] for event in events], rejects) == (["u-1", "u-3"], ["truncated", "unknown_record"])


def csv(uuid: str, start: str = "2026-03-02 10:00:00", columns: int = 15) -> str:
    times = f'"{start}","{start[:-2]}05","{start[:14]}01:05"'
    fields = f'"A","101","0701740605","d",{times},"65","60","NORMAL_CLEARING","{uuid}","","acme"'
    return fields + (',"PCMA","PCMA"' if columns == 15 else "") + "\n"


@pytest.mark.parametrize("columns", [13, 15])
def test_freeswitch_csv_by_its_templates(columns: int) -> None:
    [event], rejects, _ = read("freeswitch-csv", csv("u-1", columns=columns))
    assert (event["used"], rejects) == (60, [])


def test_a_uuid_of_version_1_tells_a_clock_that_was_wrong() -> None:
    def made(seconds: int) -> str:
        ticks = (AT + seconds) * 10_000_000 + 0x01B21DD213814000
        return str(UUID(fields=(ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 | 0x1000, 0x80, 0, 1)))

    events, _, _ = read(
        "freeswitch-csv", csv(made(0)) + csv(made(18 * 60)) + csv("5f2a3da8-84c1-4959-9e24-e72875cb33a1")
    )
    assert [event["flags"] for event in events] == [[], ["clock_skew"], []]


# Cisco, BroadWorks, Ribbon, Acme, OpenSIPS, 3CX


def test_cucm_in_another_order_and_what_is_no_call() -> None:
    names = [
        "globalCallID_callId", "pkid", "cdrRecordType", "dateTimeOrigination", "dateTimeConnect", "dateTimeDisconnect",
        "callingPartyNumber", "finalCalledPartyNumber", "lastRedirectDn", "duration", "joinOnBehalfOf",
        "destCause_value",
        "origCause_value", "origIpAddr",
    ]  # fmt: skip
    kinds = ["INTEGER", "UNIQUEIDENTIFIER", *["INTEGER"] * 4, *["VARCHAR(50)"] * 3, *["INTEGER"] * 5]
    rows = [
        ["7", '"p-1"', "1", str(AT), str(AT + 5), str(AT + 65), '"101"', '"0701740605"', '"0701740605"', "60", "0",
        "16", "0", "-1"],
        ["8", '"p-2"', "1", str(AT), "0", str(AT + 9), '"101"', '"0701740605"', '"103"', "0", "0", "0", "17",
        "239138826"],
        ["9", '"p-3"', "1", str(AT), "0", str(AT + 9), '"b00101"', '"1"', '""', "0", "27", "1459617833", "0", "0"],
        ["9", '"p-4"', "1", str(AT), "0", str(AT + 9), '"101"', '"b00123"', '""', "0", "4", "393216", "0", "0"],
        ["9", '"p-5"', "2", str(AT), "0", str(AT + 9), '"101"', '"1"', '""', "0", "0", "0", "0", "0"],
    ]  # fmt: skip
    text = "\n".join(",".join(row) for row in [[f'"{n}"' for n in names], kinds, *rows]) + "\n"
    events, rejects, balance = read("cucm", text)
    assert [(e["answered"], e["used"], e["cause"], e["c"]) for e in events] == [
        (True, 60, "16", None),
        (False, 0, "17", "103"),
    ]
    assert (rejects, sum(balance.ignored.values())) == ([], 5)


def broadworks(**more: str) -> str:
    fields = {
        "recordId": "2a", "sp": "A\\, B", "type": "Normal", "user": "+46846500401", "group": "",
        "direction": "Originating",
        "calling": "+46846500401", "presentation": "Public", "called": "0701740605", "start": "20260302100000.868",
        "zone": "0+010000", "answered": "Yes", "answer": "20260302100005.100", "release": "20260302100107.350",
        "cause": "016", "type2": "VoIP",
    } | more  # fmt: skip
    return ",".join(fields.values()) + "," * 40


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8"])
def test_broadworks_of_any_release(end: str, encoding: str) -> None:
    rows = [
        f"version=22.0 encoding={encoding}", "1,,Start", broadworks(sp="Åsa\\, B") + "," * 250,
        broadworks(recordId="3b", answered="Yes-PostRedirection"), broadworks(recordId="4c", answered="No",
        answer="", cause="019"),
        broadworks(recordId="5d", direction="Terminating"), broadworks(recordId="6e", type="Failover"), "9,,End", "",
    ]  # fmt: skip
    events, rejects, balance = read("broadworks", end.join(rows).encode(encoding))
    assert [(e["answered"], e["used"], e["direction"], e["cause"]) for e in events] == [
        (True, 63, "out", "16"), (True, 63, "out", "16"), (False, 0, "out", "19"), (True, 63, "in", "16"),
    ]  # fmt: skip
    assert (rejects, balance.ignored) == ([], {"control": 3, "not_a_call": 1})


def test_broadworks_without_its_end_is_read_by_those_who_say_so() -> None:
    text = f"1,,Start\n{broadworks()}\n"
    with pytest.raises(Unreadable, match="End"):
        read("broadworks", text)
    assert len(read(own("broadworks", '[file]\ncomplete = "rename"'), text)[0]) == 1


def test_ribbon_of_another_release_with_summer_time() -> None:
    stop = (
        "STOP,GSX1,0x01,9,GMT+01:00-CET,07/02/2026,11:00:00.0,1,2,500,07/02/2026,11:01:05.0,6,6000,16,VoIP,IP-TO-IP,P,,"
        '0846500401,0701740605,"sip:x@h, y",1'
    )
    rows = [
        stop,
        stop.replace("0x01", "0x02") + ",x" * 200,
        "INTERMEDIATE,GSX1,0x01,9,GMT+01:00-CET",
        "REBOOT,GSX1",
        "Sonus Networks, Inc.0000000001FF60011000000000000060V08.04.05R000 0000000000000ACT20260702000000000000",
        "",
    ]
    told, rejects, balance = read("ribbon-act", "\n".join(rows))
    assert [(event["used"], event["start"]) for event in told] == [(60, micros("2026-07-02 10:00:05"))] * 2
    assert (rejects, balance.ignored) == ([], {"interim": 1, "control": 1, "header": 1})
    by_zone, _, _ = read(own("ribbon-act", '[time]\nzone = "Europe/Stockholm"'), "\n".join(rows))
    assert by_zone[0]["start"] == micros("2026-07-02 09:00:05")


@pytest.mark.parametrize(
    ("calling", "called", "shift", "a", "b"),
    [
        ('"+46846500401"', '"<sip:+46701740605@h>"', 0, "46846500401", "46701740605"),
        ('"<sip:+46846500401@h>"', '"+46701740605"', 0, "46846500401", "46701740605"),
        ('""A "B" C"<sip:+46846500401@h;user=phone>;tag=1"', '"<sip:+46701740605@h>"', 1, "46846500401", "46701740605"),
        ('"+46846500401<sip:anonymous@h>"', '"<sip:+46701740605@h>"', 0, "46846500401", "46701740605"),
        ('"<sip:%2B46846500401@h>"', '"<tel:+46701740605>"', 0, "46846500401", "46701740605"),
    ],
)
def test_acme_finds_its_fields_and_numbers(calling: str, called: str, shift: int, a: str, b: str) -> None:
    time = '"11:00:{:02}.000 CET MAR 02 2026"'.format
    row = f'2,h,5060,"s1@h",,,,,{"," * shift},{calling},{called},User-Request,60,{time(0)},{time(5)},'
    row += '"11:01:05.000 CET MAR 02 2026",'
    [event], rejects, _ = read("acme-sbc", row + '16,,,,,"in","out"' + "," * 153 + "\n")
    assert (rejects, event["used"], event["start"]) == ([], 60, micros("2026-03-02 10:00:05"))
    assert (event["a"].replace("+", ""), event["b"], event["trunk_in"], event["trunk_out"]) == (a, b, "in", "out")


@pytest.mark.parametrize(
    ("zone", "flags", "start"),
    [("CET", [], "10:00:05"), ("XYZT", ["unknown_zone"], "09:00:05"), ("XYZT+2", ["unknown_zone"], "09:00:05"),
     ("MON", ["unknown_zone"], "09:00:05"), ("", ["unknown_zone"], "09:00:05"), ("+0100", [], "10:00:05")],
)  # fmt: skip
def test_acme_tells_of_a_zone_it_does_not_know(zone: str, flags: list[str], start: str) -> None:
    """The time is read in the profile's zone, which is Helsinki's here, and flagged."""
    time = f'"11:00:{{:02}}.000 {zone} MAR 02 2026"'.format
    row = f'2,h,5060,"s1@h",,,,,,"<sip:+46846500401@h>","<sip:+46701740605@h>",User-Request,60,{time(0)},{time(5)},'
    row += time(5).replace("11:00", "11:01") + ',16,,,,,"in","out"\n'
    [event], rejects, _ = read(own("acme-sbc", '[time]\nzone = "Europe/Helsinki"'), row)
    assert (rejects, event["flags"], event["start"]) == ([], flags, micros(f"2026-03-02 {start}"))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("callee_hangs_up", [False, True])
def test_opensips_pairs_in_either_order(order: tuple[int, int], callee_hangs_up: bool) -> None:
    tags = "t2|t1" if callee_hangs_up else "t1|t2"
    rows = [f"INVITE|t1|t2|c@h|200|OK|{AT}|acc|0846500401|0701740605||1:1", f"BYE|{tags}|c@h|200|OK|{AT + 61}|||||1:1"]
    [event], rejects, balance = read("opensips", "\n".join(rows[place] for place in order) + "\n")
    assert (event["used"], event["a"], rejects, balance.pending) == (61, "0846500401", [], 0)


def test_opensips_with_acks_other_methods_and_short_records() -> None:
    rows = [
        "INVITE|t1|t2|c@h|200|OK||acc|1|2||1:1", f"ACK|t1|t2|c@h|200|OK|{AT}|||||1:1",
        f"BYE|t1|t2|c@h|200|OK|{AT + 60}|||||1:1",
        f"INVITE|t3||d@h|486|Busy Here|{AT}", f"MESSAGE|t5|t6|e@h|200|OK|{AT}|acc|1|2||1:2",
        f"OPTIONS|t5|t6|f@h|200|OK|{AT}",
        f"INVITE|t7|t8|g@h|503|Service Unavailable|{AT}|acc|1|2||1:3",
    ]  # fmt: skip
    events, rejects, balance = read("opensips", "\n".join(rows) + "\n")
    assert sorted((e["ref"], e["mode"], e["used"], e["cause"]) for e in events) == [
        ("c@h", "voice", 60, "16"), ("d@h", "voice", 0, "17"), ("e@h", "sms", 1, "16"), ("g@h", "voice", 0, "34"),
    ]  # fmt: skip
    assert (rejects, balance.ignored) == ([], {"other_method": 1})


def test_the_acc_table_exported_with_names() -> None:
    profile = own("opensips", '[file]\ndelimiter = ","\nquote = \'"\'\nheader = true\n[time]\nformat = "iso"')
    rows = [
        '"id","method","from_tag","to_tag","callid","sip_code","sip_reason","time","src_user","dst_user"',
        '"1","INVITE","t1","t2","c@h","200","OK","2026-03-02 10:00:00","101","102"',
        '"2","BYE","t1","t2","c@h","200","OK","2026-03-02 10:01:00","101","102"',
    ]
    [event], rejects, _ = read(profile, "\n".join(rows) + "\n")
    assert (event["used"], event["a"], event["b"], rejects) == (60, "101", "102", [])


def test_threecx_in_the_order_that_the_administrator_chose() -> None:
    profile = own(
        "3cx",
        '[file]\ndelimiter = ";"\ncolumns = ["historyid", "callid", "from-no", "to-no", "from-type", "dial-no",'
        ' "time-start", "time-answered", "time-end", "duration"]\n[time]\nformat = "%d.%m.%Y %H:%M:%S"'
        '\nzone = "Europe/Stockholm"\n[number]\ncountry = "SE"',
    )
    rows = [
        (
            "Call 1 ;  0_1;Ext.100;0701740605;Extension;0701740605;02.03.2026 11:00:00;"
            "02.03.2026 11:00:05;02.03.2026 11:01:05;00:01:00.4"
        ),
        "Call 2;0_2;0701740605;Ext.100;ExternalLine;0846500401;02.03.2026 11:00:00;;02.03.2026 11:00:05;",
        "a line that is no call",
    ]  # fmt: skip
    events, rejects, balance = read(profile, "\n".join(rows) + "\n")
    assert [(e["direction"], e["used"], e["b"]) for e in events] == [
        ("out", 61, "46701740605"),
        ("in", 0, "46846500401"),
    ]
    assert (rejects, balance.ignored) == ([], {"not_a_call": 1})


# RADIUS


@pytest.mark.parametrize(
    ("header", "time", "expected"),
    [
        ("Mon Mar  2 12:00:00 2026", "\tTimestamp = {0}\n", AT),
        ("Mon Mar  2 12:00:00 2026", '\tEvent-Timestamp = "Mar  2 2026 11:00:00 CET"\n', AT),
        ("Mon Mar  2 12:00:00 2026", "\tEvent-Timestamp = {0}\n", AT),
        ("Mon Mar  2 11:00:00 2026", '\tEvent-Timestamp = "мар  2 2026 11:00:00 MSK"\n', AT),
        ("Mon Mar  2 11:00:00 2026", "", AT),
        ("Mon Mar  2 11:00:07 2026", "\tAcct-Delay-Time = 7\n", AT),
    ],
)
def test_radius_finds_its_time(header: str, time: str, expected: int) -> None:
    block = f'{header}\n        Acct-Status-Type = Stop\n\tAcct-Session-Id = "S"\n\tAcct-Session-Time = 60\n'
    block += "\tNAS-IPv6-Address = 2001:db8::1\n\tAcct-Input-Octets = 1000\n\tAcct-Output-Octets = 0\n"
    block += f"{time.format(AT)} \n\n"
    [event], rejects, _ = read(own("radius", '[time]\nzone = "Europe/Stockholm"'), block)
    assert (rejects, event["start"] + 60_000_000) == ([], expected * 1_000_000)


@pytest.mark.parametrize(
    ("stamp", "start"),
    [("17724x9200", None), ("²²", None), ("Mar  2 2026 11:00:07 XYZ", None), ('"Mar  2 2026 11:00:07 CET"', AT),
     (f"{AT + 7}.25", AT)],
)  # fmt: skip
def test_a_timestamp_that_cannot_be_read_is_not_passed_over(stamp: str, start: int | None) -> None:
    block = '\nMon Mar  2 12:00:00 2026\n\tAcct-Status-Type = Stop\n\tAcct-Session-Id = "S"\n\tAcct-Session-Time = 60\n'
    block += "\tNAS-IP-Address = 192.0.2.1\n\tAcct-Input-Octets = 1000\n\tAcct-Output-Octets = 0\n"
    block += f"\tAcct-Delay-Time = 7\n\tEvent-Timestamp = {AT + 3600}\n\tTimestamp = {stamp}\n\n"
    events, rejects, _ = read("radius", block)
    assert rejects == (["bad_time"] if start is None else [])
    assert [one["start"] // 1_000_000 + 60 for one in events] == ([] if start is None else [start])


def test_a_voice_gateway_with_its_attributes_in_pairs() -> None:
    block = (
        'Mon Mar  2 10:01:05 2026\n\tAcct-Status-Type = 2\n\tAcct-Session-Id = "V"\n\tNAS-IP-Address = 192.0.2.1\n'
        '\tCalling-Station-Id = "46846500401"\n\tCalled-Station-Id = "46701740605"\n\tAcct-Session-Time = 60\n'
        f'\tCisco-AVPair = "h323-disconnect-cause=11"\n\tTimestamp = {AT + 65}\n\n'
    )
    [event], rejects, _ = read("radius-voice", block)
    assert (rejects, event["used"], event["cause"], event["start"]) == ([], 60, "17", (AT + 5) * 1_000_000)


# BER


def tlv(tag: str, value: bytes, *, indefinite: bool = False) -> bytes:
    if indefinite:
        return bytes.fromhex(tag) + b"\x80" + value + b"\0\0"
    size = len(value)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2)
    return bytes.fromhex(tag) + length + value


def stamp(text: str, offset: str = "+0100") -> bytes:
    return bytes.fromhex(text) + offset[:1].encode() + bytes.fromhex(offset[1:])


def gateway(kind: str, *, charging: int = 1, cause: int = 0, sequence: int = 0, indefinite: bool = False) -> bytes:
    def container(up: bytes, down: bytes, first: str, second: str) -> bytes:
        return tlv("30", tlv(first, up) + tlv(second, down), indefinite=indefinite)

    body = tlv("80", b"\x55") + tlv("83", bytes.fromhex("429009000000f1")) + tlv("84", b"\xc0\0\2\1")
    body += (
        tlv("85", charging.to_bytes(4)) + tlv("87", b"net") + tlv("8d", stamp("260302110000")) + tlv("8e", b"\x0e\x10")
    )
    body += tlv("8f", bytes([cause])) + (tlv("91", bytes([sequence])) if sequence else b"") + tlv("92", b"gw1")
    body += tlv("96", bytes.fromhex("1964077104065f")) + tlv("9b", bytes.fromhex("62f210"))
    traffic = container(b"\x03\xe8", b"\x07\xd0", "83", "84")
    service = container(b"\x03\xe8", b"\x07\xd0", "8c", "8d") * 2
    if kind in {"bf4e", "b5", "bf8060"[:4]}:
        body += tlv("ac", traffic * 2, indefinite=indefinite)
    else:
        body += tlv("ac", traffic) + tlv("bf22", service, indefinite=indefinite)
    return tlv(kind, body, indefinite=indefinite)


@pytest.mark.parametrize("kind", ["bf4f", "bf4e", "b5", "bf46", "bf60", "bf61"])
@pytest.mark.parametrize("indefinite", [False, True])
def test_gateways_of_every_kind_and_length(kind: str, indefinite: bool) -> None:
    [event], rejects, _ = read("pgw-3gpp", gateway(kind, indefinite=indefinite))
    volume = 3 if kind in {"bf60", "bf61"} else 6
    assert (rejects, event["used"], event["a"], event["b"], event["visited"]) == (
        [],
        volume,
        "46701740605",
        "net",
        "DE",
    )
    assert event["start"] == micros("2026-03-02 10:00:00")


def test_a_record_of_an_sgsn() -> None:
    volumes = tlv("30", tlv("83", b"\x03\xe8") + tlv("84", b"\x07\xd0"))
    body = tlv("80", b"\x12") + tlv("83", bytes.fromhex("429009000000f1")) + tlv("85", b"\xc0\0\2\1")
    body += tlv("8a", b"\0\0\0\7") + tlv("8c", b"net") + tlv("af", volumes) + tlv("90", stamp("260302110000"))
    body += tlv("91", b"\x3c") + tlv("93", b"\0") + tlv("96", b"sgsn1") + tlv("9b", bytes.fromhex("1964077104065f"))
    [event], rejects, _ = read("pgw-3gpp", tlv("b4", body))
    assert (rejects, event["used"], event["ref"], event["leg"], event["a"]) == ([], 3, "7", "sgsn1", "46701740605")


@pytest.mark.parametrize("cause", [1, 16, 17, 18, 19, 20, 22, 23, 25])
def test_a_part_is_closed_by_each_of_these_causes(cause: int) -> None:
    parts = [
        gateway("bf4f", cause=cause, sequence=1),
        gateway("bf4f", cause=cause, sequence=2),
        gateway("bf4f", sequence=3),
    ]
    [event], _, balance = read("pgw-3gpp", b"".join([parts[0], parts[2], parts[1]]))
    assert (event["used"], event["flags"], balance.merged) == (18, [], 2)
    [event], _, _ = read("pgw-3gpp", parts[0] + parts[2])
    assert (event["used"], event["flags"]) == (12, ["incomplete"])


def test_what_vendors_put_between_records_is_passed_over() -> None:
    records = [gateway("bf4f", charging=n) for n in range(1, 4)]
    filled = b"\xff" * 7 + records[0] + b"\0" * 9 + records[1] + b"\xff\xff" + records[2] + b"\xff" * 512
    assert len(read("pgw-3gpp", filled)[0]) == 3
    headed = b"HUAWEI CDR FILE V1" + b"\x01" * 41 + b"".join(b"\x01\x02\x03\x04\x05" + one for one in records)
    events, rejects, _ = read("pgw-3gpp", headed)
    assert ([event["ref"] for event in events], rejects) == (["1", "2", "3"], [])


def test_a_damaged_record_loses_nothing_after_it() -> None:
    records = [bytearray(gateway("bf4f", charging=n)) for n in range(1, 4)]
    records[1][2] = 0x84
    events, rejects, balance = read("pgw-3gpp", b"".join(map(bytes, records)))
    assert ([event["ref"] for event in events], rejects, balance.records) == (["1", "3"], ["encoding"], 3)


@pytest.mark.parametrize(("declared", "ok"), [(None, True), (2, True), (3, False)])
@pytest.mark.parametrize("extended", [False, True])
def test_files_of_ts_32_297(declared: int | None, ok: bool, extended: bool) -> None:
    records = [gateway("bf4f", charging=n) for n in (1, 2)]
    release = b"\xe0" if extended else b"\xc0"
    frames = b"".join(
        len(one).to_bytes(2) + release + b"\x26" + (b"\x01" if extended else b"") + one for one in records
    )
    count = b"\xff" * 4 if declared is None else declared.to_bytes(4)
    rest = (
        release * 2
        + bytes(8)
        + count
        + bytes(4)
        + b"\0"
        + bytes(20)
        + b"\0"
        + bytes(4)
        + (b"\1\1" if extended else b"")
    )
    header = 8 + len(rest)
    data = (header + len(frames)).to_bytes(4) + header.to_bytes(4) + rest + frames
    if ok:
        assert [event["ref"] for event in read("pgw-3gpp", data)[0]] == ["1", "2"]
    else:
        with pytest.raises(Unreadable, match="declares 3"):
            read("pgw-3gpp", data)
    for cut in (1, 30, len(frames)):
        with pytest.raises(Unreadable):
            read("pgw-3gpp", data[:-cut])


def test_calls_of_an_msc_with_trunks_causes_and_forwarding() -> None:
    def call(kind: str, *fields: bytes) -> bytes:
        return tlv(kind, b"".join(fields))

    calling, called = bytes.fromhex("916407710406f5"), bytes.fromhex("a18064050410")
    times = tlv("96", stamp("260302110000")) + tlv("97", stamp("260302110005")) + tlv("98", stamp("260302110105"))
    ends = tlv("99", b"\x3c") + tlv("9e", b"\0")
    mo = call(
        "a0", tlv("84", calling), tlv("85", called), tlv("89", bytes.fromhex("9164077104")),
        tlv("aa", tlv("81", b"IN-1")), tlv("ab", tlv("80", b"\x01\x02")), times, ends,
        tlv("bf1f", tlv("80", b"\x90")), tlv("9f20", b"\0\0\0\1"), tlv("9f8140", bytes.fromhex("62f210")),
        tlv("81", bytes.fromhex("429009000000f1")),
    )  # fmt: skip
    forwarded = call(
        "bf64", tlv("83", bytes.fromhex("916407710406f6")), tlv("84", calling), tlv("85", called),
        tlv("89", bytes.fromhex("9164077104")), times, ends, tlv("9f20", b"\0\0\0\2"),
    )  # fmt: skip
    gateway_in = call(
        "a3", tlv("81", calling), tlv("82", called), tlv("83", bytes.fromhex("9164077104")), tlv("a4", tlv("81",
        b"T9")),
        tlv("86", stamp("260302110000")), tlv("87", stamp("260302110005")), tlv("89", b"\x3c"), tlv("8b", b"\0"),
        tlv("8d", b"\0\0\0\3"),
    )  # fmt: skip
    sms = call("a6", tlv("83", calling), tlv("8c", called), tlv("89", stamp("260302110000")), tlv("88", b"\7"))
    location = call("ad", tlv("81", b"\1"))
    events, rejects, balance = read(
        own("huawei-msc", '[number]\ncountry = "SE"'), mo + forwarded + gateway_in + sms + location
    )
    assert (rejects, balance.ignored) == ([], {"other_record": 1})
    assert [(e["mode"], e["direction"], e["a"], e["used"], e["cause"]) for e in events] == [
        ("voice", "out", "46701740605", 60, "16"), ("voice", "out", "46701740606", 60, "16"),
        ("voice", "in", "46701740605", 60, "16"), ("sms", "out", "46701740605", 1, None),
    ]  # fmt: skip
    assert (events[0]["trunk_in"], events[0]["trunk_out"], events[0]["visited"]) == ("IN-1", "258", "DE")
    assert (events[1]["c"], events[2]["trunk_in"]) == ("46701740606", "T9")


def test_who_is_no_number_is_told_by_name_and_a_card_without_number_by_its_own() -> None:
    name, called = bytes.fromhex("d0d4323b1d06"), bytes.fromhex("916407710406f5")
    message = tlv("a7", tlv("82", bytes.fromhex("429009000000f1")) + tlv("81", name) + tlv("84", called)
                  + tlv("88", stamp("260302110000")))  # fmt: skip
    [event], rejects, _ = read("huawei-msc", message)
    assert (rejects, event["mode"], event["a"], event["b"]) == ([], "sms", "Telia", "46701740605")
    record = gateway("bf4f").replace(tlv("96", bytes.fromhex("1964077104065f")), tlv("9a", bytes(7)))
    [event], rejects, _ = read("pgw-3gpp", record)
    assert (rejects, event["a"]) == ([], "2409900000001")


def test_a_file_of_an_msc_in_indefinite_lengths() -> None:
    calls = tlv("a1", b"".join(samples._CALLS), indefinite=True)
    trailer = tlv("a2", tlv("80", stamp("260302130000")) + tlv("84", bytes([len(samples._CALLS)])), indefinite=True)
    data = tlv("30", tlv("a0", tlv("80", stamp("260302130000"))) + calls + trailer, indefinite=True)
    assert run("huawei-msc", data)[0].equals(run("huawei-msc", samples.HUAWEI)[0])
    with pytest.raises(Unreadable, match="declares"):
        read("huawei-msc", data.replace(bytes([0x84, 1, len(samples._CALLS)]), bytes([0x84, 1, 99])))


# Anything


def test_generic_units_and_directions() -> None:
    table = 'name = "api"\nreader = "generic-csv"\n[usage]\nunit = "{}"\nround = "{}"\n'
    for unit, rounding, written, expected in (
        ("ms", "up", "60001", 61), ("ms", "down", "60999", 60), ("us", "half", "60500000", 61), ("10ms", "up", "306",
        4),
        ("hms", "up", "01:00:00.2", 3601), ("s", "up", "60.1", 61), ("octets", "up", "1001", 2), ("kB", "up", "7", 7),
    ):  # fmt: skip
        text = f"id,start,used,a,b,direction\n1,2026-03-02T10:00:00+02:00,{written},1,2,inbound\n"
        [event], rejects, _ = read(table.format(unit, rounding), text)
        assert (event["used"], rejects) == (expected, []), unit
        assert (event["direction"], event["start"]) == ("in", micros("2026-03-02 08:00:00"))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "epoch", "epoch_ms", "%Y%m%d%H%M%S"])
def test_generic_dialects_and_forms_of_time(delimiter: str, form: str) -> None:
    at = datetime.fromtimestamp(AT, UTC)
    written = {"epoch": str(AT), "epoch_ms": str(AT * 1000)}.get(form) or at.strftime(form)
    profile = own("generic-csv", f"[file]\ndelimiter = '{delimiter}'\n[time]\nformat = '{form}'")
    row = delimiter.join(["x1", written, "60", "46846500401", '"46701740605"'])
    [event], rejects, _ = read(profile, delimiter.join(["id", "start", "used", "a", "b"]) + "\n" + row + "\n")
    assert (event["start"], event["used"], rejects) == (AT * 1_000_000, 60, [])


def test_every_reason_of_a_reject_can_be_reached() -> None:
    rows = {
        "missing_field": asterisk(uniqueid=""), "bad_time": asterisk(start="yesterday", answer="x", end="y"),
        "bad_number": asterisk(dst="1" * 300), "negative_duration": asterisk(billsec=-1),
        "inconsistent_duration": asterisk(billsec=20), "implausible_time": asterisk(
            start="1970-01-01 00:00:09", answer="1970-01-01 00:00:09", end="1970-01-01 00:01:09", uniqueid="9.1"
        ),
        "too_long": asterisk(billsec=172_800, duration=172_800, end="2026-03-04 10:00:05"),
        "overflow": asterisk(billsec="9" * 30), "unknown_record": asterisk() + ",x,y",
        "truncated": ",".join(asterisk().split(",")[:5]),
        "encoding": asterisk(src="1\0"),
    }  # fmt: skip
    text = "\n".join([*rows.values(), asterisk(sequence=7), asterisk(sequence=7, dst="0701740699")]) + "\n"
    _, rejects, balance = run("asterisk", text.encode())
    assert rejects["reason"].to_list() == [*rows, "conflicting_duplicate"]
    assert rejects["raw_line"].to_list() == [*range(1, 12), 13]
    assert all(rejects["detail"]) and balance.events == 1  # noqa: PT018
    raw = dict(rejects.select("reason", "raw").iter_rows())
    assert raw["negative_duration"] == rows["negative_duration"]
    lengths = pl.Series([0, *(len(one) + 1 for one in rows.values())]).cum_sum().to_list()
    assert rejects["offset"].to_list()[: len(rows)] == lengths[:-1]


def test_what_a_document_leaves_out_is_told_by_its_times_whatever_it_is_read_with() -> None:
    documents = [leg(uuid="u-1"), leg(uuid="u-2", billsec=None), leg(uuid="u-3", billsec="")]
    text = "\n".join(map(json.dumps, documents)).encode()
    for size in (1, 50_000):
        events, rejects, _ = run("freeswitch-json", text, records_per_batch=size)
        assert events["used"].to_list() == [60, 60, 60]
        assert rejects.height == 0


@pytest.mark.parametrize(
    ("word", "answered"),
    [("true", True), ("", True), ("ANSWERED", True), ("False", False), ("0", False), ("BUSY", False)],
)
def test_a_generic_column_that_says_no_is_believed(word: str, answered: bool) -> None:
    csv = f"id,start,a,b,used,disposition\n1,2026-03-02 10:00:00,46850000000,46701740605,30,{word}\n"
    row = {"id": "1", "start": "2026-03-02 10:00:00", "a": "46850000000", "b": "46701740605", "used": 30}
    for source, data in (("generic-csv", csv), ("generic-jsonl", json.dumps(row | {"answered": word}) + "\n")):
        events, _, _ = run(source, data.encode())
        assert events.select("answered", "used").rows() == [(answered, 30 if answered else 0)], source
    row["answered"] = False
    assert run("generic-jsonl", json.dumps(row).encode())[0]["used"].to_list() == [0]


def test_a_user_part_of_acme_may_be_percent_encoded() -> None:
    numbers = '"<tel:+46-70-174 06 05>;tag=1","<sip:%2B46846500401;phone-context=x@192.0.2.10:5060>"'
    times = '"23:58:50.868 CEST OCT 24 2026","23:58:58.100 CEST OCT 24 2026","00:00:00.200 CEST OCT 25 2026"'
    line = f'2,192.0.2.10,5060,"S1@h",,,,,,{numbers},User-Request,62,{times},16,,,,,"a","b"' + "," * 152 + "\n"
    events, _, _ = run("acme-sbc", line.encode())
    assert events.select("a", "b").rows() == [("46701740605", "46846500401")]


@pytest.mark.parametrize("name", ["Acct-Input-Octets", "Acct-Output-Gigawords", "Acct-Delay-Time", "Timestamp"])
@pytest.mark.parametrize("written", [b"\xb2", "²".encode(), b"1x"])
def test_a_damaged_digit_of_radius_stops_no_file(name: str, written: bytes) -> None:
    """0xB2 is a raised two in ISO 8859-1, which Python counts among the digits."""
    first, rest = samples.RADIUS.split(b"\n\n", 1)
    damaged = re.sub(rb"(\t%s = )\d+" % name.encode(), rb"\g<1>" + written, first)
    _, rejects, balance = run("radius", damaged + b"\n\n" + rest)
    assert balance.records == 5
    assert rejects["reason"].to_list() == (
        ["overflow"] if name.endswith(("Octets", "Gigawords")) else ["bad_time"] * (name == "Timestamp")
    )


@pytest.mark.parametrize("tag", ["85", "8e", "8f", "91"])
def test_an_endless_number_of_a_gateway_is_held_alone(tag: str) -> None:
    body = (
        samples._tlv("80", b"\x55")
        + samples._tlv("85", b"\x07")
        + samples._tlv("8d", bytes.fromhex("2603021100002b0100"))
    )
    good = samples._tlv("bf4f", body + samples._tlv("8e", b"\x3c") + samples._tlv("8f", b"\0"))
    _, rejects, balance = run("pgw-3gpp", samples._tlv("bf4f", body + samples._tlv(tag, bytes(3_000))) + good)
    assert rejects["reason"].to_list() == ["encoding"]
    assert (balance.records, balance.events) == (2, 1)


def test_an_endless_number_of_an_msc_is_held_alone() -> None:
    bad = samples._CALLS[0].replace(samples._tlv("99", b"\0\x3c"), b"")
    bad = samples._tlv("a0", bad[2:] + samples._tlv("99", bytes(3_000)))
    _, rejects, balance = run("huawei-msc", bad + samples._CALLS[0])
    assert rejects["reason"].to_list() == ["encoding"]
    assert (balance.records, balance.events) == (2, 1)


@pytest.mark.parametrize(("duration", "reasons"), [(b"60", ["bad_time"]), (b"0", [])])
def test_an_answer_whose_time_cannot_be_read_is_no_call_that_nobody_took(duration: bytes, reasons: list[str]) -> None:
    damaged = samples.CUCM.replace(b"1772445605,1772445665", b"17724x5605,1772445665").replace(
        b'"p-1",60', b'"p-1",' + duration
    )
    _, found, _ = read("cucm", damaged)
    assert found == reasons


LARGEST = b"9223372036854775807"


@pytest.mark.parametrize(
    ("name", "written", "reason"),
    [
        ("Acct-Input-Octets", LARGEST, "overflow"),
        ("Acct-Output-Gigawords", b"4294967295", "overflow"),
        ("Acct-Session-Time", LARGEST, "too_long"),
        ("Acct-Session-Time", b"4000000000", "too_long"),
        ("Acct-Session-Time", b"40000000", "too_long"),
    ],
)
def test_counters_of_a_session_that_went_wrong_are_held(name: str, written: bytes, reason: str) -> None:
    stop = samples.RADIUS.split(b"\n\n")[2] + b"\n\n"
    damaged = re.sub(rb"(\t%s = )\d+" % name.encode(), rb"\g<1>" + written, stop)
    events, rejects, _ = run("radius", damaged)
    assert (events.height, rejects["reason"].to_list()) == (0, [reason])


@pytest.mark.parametrize("written", [LARGEST, b"-" + LARGEST, b"1152921504606846977"])
def test_an_amount_never_wraps(written: bytes) -> None:
    """The largest number that 64 bits hold, rounded up, would be below zero."""
    more = '[usage]\nunit = "octets"\n[file]\ncolumns = ["start", "used", "id"]'
    head = b"2026-03-02T10:00:00Z,1500,r1\n2026-03-02T10:00:01Z,"
    events, rejects, _ = run(own("generic-csv", more), head + written + b",r2\n")
    assert (events["used"].to_list(), rejects["reason"].to_list()) == ([2], ["overflow"])
