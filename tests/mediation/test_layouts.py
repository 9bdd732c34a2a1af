"""Orders of columns and dialects that a file shows by itself, where its profile tells none."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from urllib.parse import quote

import pytest

from domain.refusal import BadValue, Unreadable
from tests.mediation.running import run
from tests.mediation.samples import ASTERISK as MASTER
from tests.mediation.test_advice import told

START, ANSWER, END = "2026-03-02 10:00:00", "2026-03-02 10:00:05", "2026-03-02 10:01:05"
CALL = {
    "accountcode": "acme", "src": "101", "dst": "0701740605", "dcontext": "c", "clid": '"A" <101>',
    "channel": "PJSIP/1", "dstchannel": "PJSIP/2", "lastapp": "Dial",
    "lastdata": "PJSIP/070,30,tT;x", "start": START, "answer": ANSWER,
    "end": END, "calldate": START, "duration": "65", "billsec": "60", "disposition": "ANSWERED", "amaflags": "3",
    "uniqueid": "1772445600.1", "linkedid": "1772445600.1", "sequence": "7", "id": "9",
}  # fmt: skip
HEAD = "src dst dcontext"
RESULT = "duration billsec disposition amaflags"
CSV = f"accountcode {HEAD} clid channel dstchannel lastapp lastdata start answer end {RESULT}"
CUSTOM = (
    f"clid {HEAD} channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags "
    "accountcode uniqueid userfield"
)
TABLE = (
    f"calldate clid {HEAD} channel dstchannel lastapp lastdata duration billsec disposition amaflags accountcode "
    "uniqueid userfield"
)
FREEPBX = f"{TABLE} did recordingfile cnum cnam outbound_cnum outbound_cnam dst_cnam"
ASTERISK = {
    "cdr_csv": f"{CSV} uniqueid userfield",
    "cdr_csv, new columns": f"{CSV} uniqueid userfield peeraccount linkedid sequence",
    "cdr_csv, bare": CSV,
    "cdr_csv, uniqueid": f"{CSV} uniqueid",
    "cdr_csv, bare with new columns": f"{CSV} peeraccount linkedid sequence",
    "cdr_csv, uniqueid and new columns": f"{CSV} uniqueid peeraccount linkedid sequence",
    "cdr_custom": f"{CUSTOM} sequence",
    "cdr_custom, older": CUSTOM,
    "table": TABLE,
    "table, did": f"{TABLE} did",
    "table, id": f"id {TABLE}",
    "FreePBX, 23": FREEPBX,
    "FreePBX, 25": f"{FREEPBX} linkedid peeraccount",
    "FreePBX, 26": f"{FREEPBX} linkedid peeraccount sequence",
    "own schema": f"{CSV} userfield uniqueid linkedid peeraccount sequence",
}


def written(names: Sequence[str], values: dict[str, str], delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([values.get(name, "") for name in names])
    return out.getvalue().encode()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("layout", ASTERISK)
def test_asterisk_in_every_order_it_is_known_to_write(layout: str, delimiter: str) -> None:
    names = ASTERISK[layout].split()
    data = b"".join(
        written(names, {**CALL, "uniqueid": f"1772445{600 + one}.1", "channel": f"PJSIP/{one}"}, delimiter)
        for one in range(3)
    )
    events, rejects, balance = run("asterisk", data)
    assert (events.height, rejects.height, balance.duplicates) == (3, 0, 0)
    event = events.row(0, named=True)
    assert (event["a"], event["b"], event["used"], event["answered"]) == ("101", "0701740605", 60, True)
    assert (event["trunk_in"], event["trunk_out"], event["cause"]) == ("PJSIP/0", "PJSIP/2", "16")
    assert event["flags"] == []
    # The answer's time where the layout has one; times are UTC here.
    begun = 1_772_445_605 if "answer" in names else 1_772_445_600
    assert event["start"] == begun * 1_000_000


def test_what_names_its_columns_itself_is_read_as_it_says() -> None:
    names = ASTERISK["cdr_custom"].split()
    own = f'name = "own"\nreader = "asterisk"\n[file]\ncolumns = {ASTERISK["cdr_csv"].split()}\n'.replace("'", '"')
    with pytest.raises(Unreadable):
        run(own, written(names, CALL))


def test_days_before_months_are_told_by_nobody_but_the_profile() -> None:
    names = ASTERISK["FreePBX, 25"].split()
    data = b"".join(
        written(names, {**CALL, "calldate": "2/3/2026 10:00:00", "uniqueid": f"177244560{one}.1"}) for one in range(3)
    )
    with pytest.raises(Unreadable, match="25 fields"):
        run("asterisk", data)
    changes = told(data, "asterisk")
    assert changes["time.format"] == "%d/%m/%Y %H:%M:%S"
    assert len(changes["file.columns"]) == 25
    own = 'name = "own"\nreader = "asterisk"\n[time]\nformat = "%d/%m/%Y %H:%M:%S"\n'
    events, rejects, _ = run(own, data)
    assert (events.height, rejects.height, events["start"][0]) == (3, 0, 1_772_445_600_000_000)


FREESWITCH = (
    "caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp duration billsec "
    "hangup_cause uuid bleg_uuid accountcode"
)
LEG = {
    "caller_id_name": "A", "caller_id_number": "101", "destination_number": "0701740605", "start_stamp": START,
    "answer_stamp": ANSWER, "end_stamp": END, "duration": "65", "billsec": "60", "hangup_cause": "NORMAL_CLEARING",
    "uuid": "5f2a0000-0000-4000-8000-000000000001",
}  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        FREESWITCH,
        f"{FREESWITCH} read_codec",
        f"{FREESWITCH} read_codec write_codec",
        f"{FREESWITCH} read_codec write_codec sip_user_agent sip_p_rtp_stat",
        f"{FREESWITCH} read_codec write_codec sip_user_agent code rxstat txstat file",
        (
            "accountcode caller_id_number destination_number context caller_id channel_name bridge_channel last_app "
            "last_arg start_stamp answer_stamp end_stamp duration billsec hangup_cause amaflags uuid userfield"
        ),
    ],
)
def test_freeswitch_by_each_template(names: str) -> None:
    events, rejects, _ = run("freeswitch-csv", written(names.split(), LEG))
    assert rejects.height == 0
    assert events.select("a", "b", "used", "cause").row(0) == ("101", "0701740605", 60, "16")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_table_acc_however_it_was_exported(delimiter: str, header: bool) -> None:
    names = [
        "id",
        "method",
        "from_tag",
        "to_tag",
        "callid",
        "sip_code",
        "sip_reason",
        "time",
        "account",
        "src",
        "dst",
        "x",
    ]
    dialog = {"from_tag": "a", "to_tag": "b", "callid": "c@h", "sip_code": "200", "sip_reason": "OK", "src": "101",
              "dst": "0701740605"}  # fmt: skip
    invite = {**dialog, "id": "1", "method": "INVITE", "time": START}
    rows = [
        written(names, invite, delimiter),
        written(names, {**invite, "id": "2", "method": "BYE", "time": END}, delimiter),
    ]
    first = written(names, {name: name.upper() for name in names}, delimiter) if header else b""
    events, rejects, _ = run("opensips", first + b"".join(rows))
    assert rejects.height == 0
    assert events.select("a", "b", "used").rows() == [("101", "0701740605", 65)]


def test_a_first_row_without_a_time_is_none_of_this_profile() -> None:
    with pytest.raises(Unreadable, match="does not name"):
        run("asterisk", b"Source,Billsec,Disposition,Uniqueid\n101,60,ANSWERED,1772445600.1\n")


def test_a_decimal_comma_stands_in_a_table_of_semicolons() -> None:
    events, _, _ = run("generic-csv", f"ID;Start;Used;A;B\n1;{START};59,544;1;2\n".encode())
    assert events["used"].to_list() == [60]
    with pytest.raises((BadValue, Unreadable)):
        run("generic-csv", f"1;{START};59,544;1;2\n".encode())


def legs(variables: dict[str, str], times: dict[str, str]) -> list[tuple[str, bytes]]:
    """Return one leg as both modules of FreeSWITCH write it."""
    found = {"core-uuid": "c", "variables": {"uuid": "u", "billsec": "60", **variables},
             "callflow": [{"caller_profile": {"caller_id_number": "101"}, "times": times}]}  # fmt: skip
    inner = "".join(
        f"<{name}>{quote(value)}</{name}>" for name, value in {"uuid": "u", "billsec": "60", **variables}.items()
    )
    flow = "".join(f"<{name}>{value}</{name}>" for name, value in times.items())
    xml = (
        f'<cdr core-uuid="c"><variables>{inner}</variables><callflow><caller_profile><caller_id_number>101'
        f"</caller_id_number></caller_profile><times>{flow}</times></callflow></cdr>"
    )
    return [("freeswitch-json", json.dumps(found).encode()), ("freeswitch-xml", xml.encode())]


@pytest.mark.parametrize(
    ("variables", "times"),
    [
        (
            {},
            {
                "created_time": "1772445600000000",
                "answered_time": "1772445605000000",
                "hangup_time": "1772445665000000",
            },
        ),
        ({"start_stamp": START, "answer_stamp": ANSWER, "end_stamp": END}, {}),
        (
            {"start_stamp": "x", "start_epoch": "1772445600", "answer_uepoch": "1772445605000000"},
            {"answered_time": "9"},
        ),
    ],
)
def test_a_leg_without_epochs_is_told_by_the_next_best(variables: dict[str, str], times: dict[str, str]) -> None:
    for profile, data in legs(variables, times):
        events, rejects, _ = run(profile, data)
        assert rejects.height == 0
        assert events.select("start", "seized", "used").row(0) == (1_772_445_605_000_000, 1_772_445_600_000_000, 60)


def test_a_leg_that_nobody_answered_is_answered_by_no_other_time() -> None:
    times = {"created_time": "1772445600000000", "answered_time": "0", "hangup_time": "1772445665000000"}
    for profile, data in legs({}, times):
        events, _, _ = run(profile, data)
        assert events.select("start", "answered", "used").row(0) == (1_772_445_600_000_000, False, 0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_two_byte_characters_are_known_without_a_mark(encoding: str) -> None:
    data = written(ASTERISK["cdr_csv"].split(), CALL).decode().encode(encoding)
    events, rejects, _ = run("asterisk", data)
    assert (events.height, rejects.height) == (1, 0)


def test_blank_lines_and_the_end_mark_of_old_systems_are_no_records_that_are_bad() -> None:
    row = written(ASTERISK["cdr_csv"].split(), CALL)
    _, rejects, balance = run("asterisk", b"\n \t \n" + row + b"   \n\x1a")
    assert (rejects.height, balance.ignored) == (0, {"blank": 3})


def test_names_in_json_may_be_of_another_case_and_modes_too() -> None:
    record = {"ID": 1, "Start": START, "start_time": "x", "USED": "1", "A": "ACME", "b": "1", "B": "2", "Mode": "SMS"}
    events, rejects, _ = run("generic-jsonl", json.dumps(record).encode() + b"\n")
    assert rejects.height == 0
    assert events.select("ref", "a", "b", "mode", "used").row(0) == ("1", "ACME", "1", "sms", 1)


def test_a_record_cut_at_a_field_is_not_a_whole_one_of_another_layout() -> None:
    """Else it would be an event with another key than the whole record that comes later, and charged twice."""
    pieces = MASTER[: MASTER.index(b"\n")].split(b",")  # one more than there are fields: a comma stands in one
    for fields in (16, 17, 19):
        cut = b",".join(pieces[: fields + 1])
        events, rejects, _ = run("asterisk", cut)
        assert (events.height, rejects["reason"].to_list()) == (0, ["truncated"]), fields
    assert run("asterisk", b",".join(pieces[:18]) + b"\n")[0].height == 1
