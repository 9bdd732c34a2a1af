from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from domain.mediation.events import Balance
from domain.refusal import BadValue, Refusal, Unreadable
from domain.usecases.mediate import Run, finish, mediate
from integrations.cdr import registry
from tests.mediation.running import NOW_US, batches, run, together
from tests.mediation.samples import ASTERISK, FREESWITCH, GENERIC_CSV, OPENSIPS

STOCKHOLM = 'name = "sthlm"\nreader = "asterisk"\n[time]\nzone = "Europe/Stockholm"\n[number]\ncountry = "SE"\n'
CSV = 'name = "csv"\nreader = "generic-csv"\n'


def row(**values: Any) -> bytes:
    """One Asterisk row; what is not said is a good answered call."""
    told = {
        "start": "2026-03-02 10:00:00", "answer": "2026-03-02 10:00:05", "end": "2026-03-02 10:01:05", "duration": 65,
        "billsec": 60, "disposition": "ANSWERED", "uniqueid": "1772445600.1", "sequence": 1, "src": "0701740605",
        "dst": "0846500401", "clid": '""A"" <1>', "channel": "PJSIP/1", **values,
    }  # fmt: skip
    return (
        '"","{src}","{dst}","c","{clid}","{channel}","PJSIP/2","Dial","","{start}","{answer}","{end}",{duration},{billsec},'
        '"{disposition}","DOCUMENTATION","{uniqueid}","","","{uniqueid}",{sequence}\n'
    ).format(**told).encode()  # fmt: skip


def when(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"billsec": -5}, "negative_duration"),
        ({"end": "2026-03-02 10:00:01"}, "negative_duration"),
        ({"billsec": 50}, "inconsistent_duration"),
        ({"billsec": 70, "end": "2026-03-02 10:01:15"}, "inconsistent_duration"),
        ({"billsec": "18446744073709551615"}, "overflow"),
        ({"billsec": "9" * 30}, "overflow"),
        ({"billsec": "abc"}, "overflow"),
        ({"billsec": ""}, "missing_field"),
        ({"uniqueid": ""}, "missing_field"),
        ({"start": "", "answer": ""}, "missing_field"),
        ({"start": "2026-13-45 99:99:99"}, "bad_time"),
        ({"answer": "soon"}, "bad_time"),
        ({"start": "1970-01-01 00:00:12", "answer": "1970-01-01 00:00:15", "end": ""}, "implausible_time"),
        ({"start": "2099-01-01 00:00:00", "answer": "2099-01-01 00:00:05", "end": ""}, "implausible_time"),
        ({"billsec": 172_800, "duration": 172_805, "end": "2026-03-04 10:00:05"}, "too_long"),
        ({"dst": "070\x01"}, "bad_number"),
        ({"src": "1\0"}, "encoding"),
        ({"clid": "x" * (1 << 20)}, "too_long"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_are_read(values: dict[str, Any], reason: str) -> None:
    bad = row(sequence=7, **values)
    events, rejects, balance = run("asterisk", row(sequence=6) + bad + row(sequence=8))
    assert rejects["reason"].to_list() == [reason]
    assert rejects["raw_line"].to_list() == [2]
    assert rejects["offset"].to_list() == [len(row(sequence=6))]
    assert rejects["raw"][0] == bad.decode().rstrip("\n")[:4096]
    assert events["leg"].to_list() == ["6", "8"]
    assert balance == Balance(records=3, events=2, rejects=1)


@pytest.mark.parametrize(
    "values",
    [
        {"disposition": "NO ANSWER", "billsec": 60},
        {"disposition": "BUSY", "billsec": 2, "answer": ""},
        {"disposition": "FAILED", "duration": -1_772_445_600, "billsec": 0, "answer": ""},
        {"billsec": 0, "duration": 5, "end": "2026-03-02 10:00:05"},
    ],
)
def test_disposition_decides_what_was_answered(values: dict[str, Any]) -> None:
    events, _, _ = run("asterisk", row(**values))
    assert events["used"].to_list() == [0]
    assert events["answered"].to_list() == [values.get("disposition") is None]


def test_the_switchs_own_duration_is_billed_within_the_tolerance() -> None:
    events, _, _ = run("asterisk", row(billsec=59))
    assert events["used"].to_list() == [59]


def test_a_hidden_leg_is_ignored_and_its_repetition_a_duplicate() -> None:
    local = row(channel="Local/9@c;2", sequence=2)
    _, _, balance = run("asterisk", row() + local + local + row())
    assert balance == Balance(records=4, events=1, duplicates=2, ignored={"local_leg": 1})


def test_a_conflicting_duplicate_is_held_and_the_first_stands() -> None:
    events, rejects, _ = run("asterisk", row() + row(billsec=61, duration=66))
    assert events["used"].to_list() == [60]
    assert rejects["reason"].to_list() == ["conflicting_duplicate"]


@pytest.mark.parametrize(
    ("start", "epoch", "expected", "flags"),
    [
        ("2026-10-25 02:30:00", "1792888200.1", "2026-10-25T00:30:00+00:00", []),
        ("2026-10-25 02:30:00", "1792891800.1", "2026-10-25T01:30:00+00:00", []),
        ("2026-10-25 02:30:00", "x", "2026-10-25T00:30:00+00:00", ["dst_ambiguous"]),
        ("2026-03-29 02:30:00", "1774747800.1", "2026-03-29T01:30:00+00:00", ["dst_gap"]),
        ("2026-03-29 02:30:00", "x", "2026-03-29T01:30:00+00:00", ["dst_gap"]),
        ("2026-07-01 12:00:00", "1782900000.1", "2026-07-01T10:00:00+00:00", []),
        ("2026-07-01 12:00:00", "1782907200.1", "2026-07-01T10:00:00+00:00", ["clock_skew"]),
        ("2026-07-01 12:00", "1782900000.1", "2026-07-01T10:00:00+00:00", ["minute_precision"]),
    ],
)
def test_local_time_by_the_zone_and_the_epoch(start: str, epoch: str, expected: str, flags: list[str]) -> None:
    call = row(start=start, answer="", end="", disposition="BUSY", uniqueid=epoch)
    events, _, _ = run(STOCKHOLM, call)
    assert events["seized"].to_list() == [when(expected)]
    assert events["flags"].to_list() == [flags]


def test_a_call_through_the_doubled_hour_keeps_its_order() -> None:
    values = {"start": "2026-10-25 02:59:50", "answer": "2026-10-25 02:00:05", "end": "2026-10-25 02:01:05"}
    events, _, _ = run(STOCKHOLM, row(uniqueid="1792889990.1", duration=75, **values))
    assert events["seized"].to_list() == [when("2026-10-25T00:59:50+00:00")]
    assert events["start"].to_list() == [when("2026-10-25T01:00:05+00:00")]


@pytest.mark.parametrize(
    "written",
    [
        ASTERISK.replace(b"\n", b"\r\n"),
        ASTERISK.replace(b"\n", b"\r"),
        ASTERISK.replace(b"\n", b"\r\n", 1),
        b"\n\n" + ASTERISK.replace(b"\n", b"\n\n"),
        codecs.BOM_UTF8 + ASTERISK,
        codecs.BOM_UTF16_LE + ASTERISK.decode().encode("utf-16-le"),
        codecs.BOM_UTF16_BE + ASTERISK.decode().encode("utf-16-be"),
        ASTERISK.rstrip(b"\n"),
    ],
)
def test_line_ends_and_encodings_change_nothing(written: bytes) -> None:
    expected, _, _ = run("asterisk", ASTERISK)
    events, _, _ = run("asterisk", written)
    assert events.equals(expected)


def test_a_tail_of_nul_is_stripped_and_told() -> None:
    _, _, balance = run("asterisk", ASTERISK + bytes(5000))
    assert balance.ignored == {"local_leg": 1, "nul_tail": 1}
    assert balance.rejects == 0


@pytest.mark.parametrize("profile", ["asterisk", "freeswitch-csv", "freeswitch-json", "generic-jsonl", "radius"])
@pytest.mark.parametrize("data", [bytes(3), bytes(5000), bytes(5000) + ASTERISK])
def test_a_file_whose_content_was_lost_is_no_file_without_calls(profile: str, data: bytes) -> None:
    with pytest.raises(Unreadable):
        run(profile, data)


def test_another_format_with_an_empty_end_is_not_this_one() -> None:
    padded = row(sequence=1).rstrip(b"\n") + b",,,\n"
    events, _, _ = run("asterisk", padded)
    assert events.height == 1
    with pytest.raises(Unreadable, match="the records have 196 fields"):
        run("asterisk", (b"2,Exempel,Normal,+46846500401,,Originating" + b"," * 190 + b"\n") * 3)


def test_bytes_that_are_no_utf_8_lose_no_row() -> None:
    data = row(clid="""A\xa5""", sequence=1).decode().encode("latin-1") + row(sequence=2, clid="å", dst="x", billsec=-1)
    events, rejects, _ = run("asterisk", data)
    assert events.height == 1
    assert rejects["offset"].to_list() == [data.index(b"\n") + 1]


def test_where_a_reject_is_in_a_file_of_two_byte_characters() -> None:
    text = (row(clid="å€") + row(billsec=-1, sequence=2)).decode()
    data = codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    _, rejects, _ = run("asterisk", data)
    offset = rejects["offset"][0]
    assert data[offset:].decode("utf-16-le") == text.split("\n", 1)[1]


def test_a_truncated_last_line_is_rejected_wherever_it_is_cut() -> None:
    data = row() + row(sequence=12)
    last = len(row())
    for cut in range(last + 1, len(data) - 2):
        events, rejects, balance = run("asterisk", data[:cut])
        assert balance.records == 2, cut
        if rejects.height:
            assert rejects["reason"].to_list() == ["truncated"], cut
        else:  # cut within the sequence, where nothing shows it
            assert data[:cut].endswith(b",1")
        assert events.height + rejects.height == 2


def test_a_header_is_found_repeated_and_alone() -> None:
    header = FREESWITCH.split(b"\n", 1)[0] + b"\n"
    _, _, balance = run("freeswitch-csv", FREESWITCH + header + FREESWITCH.split(b"\n", 1)[1].replace(b"u-", b"v-"))
    assert balance == Balance(records=6, events=4, ignored={"header": 2})
    assert run("freeswitch-csv", header)[2] == Balance(records=1, ignored={"header": 1})


def test_a_record_in_a_quoted_field_with_line_ends() -> None:
    events, rejects, _ = run("asterisk", row(clid="A\nB\r\nC") + row(sequence=2))
    assert (events.height, rejects.height) == (2, 0)


@pytest.mark.parametrize(
    ("profile", "data"),
    [
        ("asterisk", FREESWITCH),
        ("asterisk", b"<html><body>503</body></html>\n" * 3),
        ("asterisk", b"%PDF-1.7\n" + bytes(range(256))),
        ("asterisk", b"MZ" + bytes(5000)),
        ("asterisk", b"hello\n"),
        ("asterisk", bytes(range(256)) * 20),
        ("freeswitch-json", b"{"),
        ("freeswitch-json", b'{"a": 1}'),
        ("freeswitch-xml", b"<cdr><variables>"),
        ("freeswitch-xml", b'<!DOCTYPE x [<!ENTITY a "b">]><cdr><variables/></cdr>'),
        ("broadworks", b"version=23.0 encoding=UTF-8\n1,,Start\n"),
        ("radius", b"no radius here\nnor here\n"),
        ("huawei-msc", b"\x30\x82\x00\x05\xa0"),
        ("pgw-3gpp", b"\x30\x03\x02\x01\x00"),
        ("generic-jsonl", b"not json\n"),
        ("generic-jsonl", b"[1, 2"),
    ],
)
def test_another_format_is_refused_whole(profile: str, data: bytes) -> None:
    with pytest.raises(Refusal) as no:
        run(profile, data)
    assert "\n" not in no.value.message
    assert isinstance(no.value, Unreadable)


def test_a_map_to_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadValue, match=r"map\.used names no column"):
        run(CSV + '[map]\nused = "seconds_billed"\n', GENERIC_CSV)


def test_units_rounding_and_direction() -> None:
    data = b"id,start,ms,a,b,trunk\n1,2026-03-02 10:00:00,1500,1,2,pstn\n2,2026-03-02 10:00:00,2499,1,2,lan\n"
    for how, expected in (("up", [2, 3]), ("half", [2, 2]), ("down", [1, 2])):
        events, _, _ = run(
            f'{CSV}[usage]\nunit = "ms"\nround = "{how}"\n[map]\nused = "ms"\ntrunk_in = "trunk"\n[direction]\n'
            'out = { trunk = ["lan"] }\n',
            data,
        )
        assert events["used"].to_list() == expected
        assert events["direction"].to_list() == ["in", "out"]


def test_constants_alternatives_and_patterns() -> None:
    events, _, balance = run(
        f'{CSV}[map]\nmode = "=sms"\nused = "=1"\nb = ["x", "b"]\n[ignore]\ntest = {{ a = "^999", b = ["2"] }}\n',
        b"id,start,a,b,x\n1,2026-03-02 10:00:00,1,2,\n2,2026-03-02 10:00:00,9990,2,\n3,2026-03-02 10:00:00,9991,3,7\n",
    )
    assert events.select("mode", "used", "b").rows() == [("sms", 1, "2"), ("sms", 1, "7")]
    assert balance.ignored == {"header": 1, "test": 1}


def files(*parts: bytes) -> Iterator[list[bytes]]:
    return ([part] for part in parts)


def test_parts_of_a_dialog_meet_across_the_files_of_a_run() -> None:
    profile, memory = registry.profile("opensips"), Run()
    reader = registry.reader(profile)
    lines = OPENSIPS.splitlines(keepends=True)
    found = [
        batch
        for blocks in files(lines[0], b"".join(lines[1:]))
        for batch in mediate(blocks, profile, reader, now_us=NOW_US, run=memory)
    ]
    assert [batch.balance.pending for batch in found] == [1, 0]  # one comes, one goes
    last = finish(profile, memory)
    assert last is not None
    events, _, balance = together([*found, last])
    assert (balance.pending, balance.merged) == (1, 1)
    assert sorted(events["used"].to_list()) == [0, 60]


def test_a_dialog_that_is_never_ended_is_told_after_the_time_out() -> None:
    later = OPENSIPS + b"INVITE|t8|t9|call-9@h|404|Not Found|1772645605|acc|1|2||1:3\n"
    events, _, balance = run("opensips", later)
    assert events.filter(events["ref"] == "call-3@h").select("used", "flags").rows() == [(0, ["incomplete"])]
    assert balance.pending == 0


def test_a_lost_bye_is_held_by_the_maximum_length() -> None:
    profile = 'name = "p"\nreader = "opensips"\n[usage]\nmax_seconds = 3600\n'
    _, rejects, balance = run(
        profile,
        b"INVITE|t1|t2|c@h|200|OK|1772445605|acc|1|2||1:1\nBYE|t1|t2|c@h|200|OK|1772456405|||||1:1\n",
    )
    assert rejects["reason"].to_list() == ["too_long"]
    assert balance == Balance(records=2, merged=1, rejects=1)


def test_a_restart_within_a_batch_of_rejects_and_events_tells_each_once() -> None:
    data = row(sequence=1, billsec=-1) + row(sequence=2) + row(sequence=3, billsec=-1) + row(sequence=4)
    whole = batches("asterisk", data, records_per_batch=1)
    for stop, done in enumerate(whole[:-1], 1):
        rest = batches("asterisk", data, start_at=done.position)
        events, rejects, balance = together([*whole[:stop], *rest])
        assert (events.height, rejects.height, balance.records) == (2, 2, 4)
