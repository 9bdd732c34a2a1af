"""The samples beside the checkout give what their EXPECTED.csv says, with the zone and number plan of its notes."""

from __future__ import annotations

import csv
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from domain.mediation.events import Balance
from domain.refusal import Unreadable
from domain.usecases.mediate import Run, finish, mediate
from integrations.cdr import containers, registry
from tests.mediation.running import NOW_US, together

pytestmark = pytest.mark.shared

FREEPBX = [
    *("calldate", "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "duration"),
    *("billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield", *"---------"),
]
PROFILES = {
    "asterisk_csv/Master.csv": ("asterisk", "", "RU"),
    "asterisk_csv/cdr__1504525205.csv": ("asterisk", '[file]\nheader = true\n[time]\nzone = "Europe/Lisbon"', "PT"),
    "asterisk_csv/freepbx_export_dmy.csv": (
        "asterisk",
        f'[file]\ncolumns = {FREEPBX}\n[time]\nzone = "Europe/Lisbon"\nformat = "%d/%m/%Y %H:%M:%S"',
        "PT",
    ),
    "freeswitch_csv": ("freeswitch-csv", "", "ES"),
    "freeswitch_json": ("freeswitch-json", "", ""),
    "freeswitch_xml": ("freeswitch-xml", "", ""),
    "cucm": ("cucm", "", "US"),
    "broadworks_csv": ("broadworks", "", "US"),
    "ribbon_act": ("ribbon-act", '[time]\nzone = "America/Los_Angeles"', "US"),
    "opensips_flatstore": ("opensips", "", ""),
    "radius_detail/detail-2018": ("radius", "", "FR"),
    "radius_detail": ("radius", "", ""),
    "pgw_3gpp": ("pgw-3gpp", "", ""),
    "huawei_msc": ("huawei-msc", "", "SE"),
    "asterisk_cel": ("asterisk-cel", "", "SE"),
    "3cx_csv": ("3cx", "", "SE"),
    "acme_sbc_csv": ("acme-sbc", '[time]\nzone = "Europe/Stockholm"', "SE"),
    "bad_input/06": ("asterisk", '[time]\nzone = "Europe/Stockholm"', "SE"),
    "bad_input/13": ("broadworks", "", "SE"),
    "bad_input/14": ("radius", "", ""),
    "bad_input/": ("asterisk", "", "SE"),
}
EVENTS = {"bill", "bill once", "zero", "usage"}


def profile_for(name: str) -> str:
    kind, more, country = next(value for prefix, value in PROFILES.items() if name.startswith(prefix))
    number = f'\n[number]\ncountry = "{country}"' if country else ""
    return f'name = "sample"\nreader = "{kind}"\n{more}{number}\n'


def read(folder: Path, *names: str) -> tuple[pl.DataFrame, pl.DataFrame, Balance]:
    memory, parts = Run(), []
    profile = registry.profile(profile_for(names[0]))
    for name in names:
        with (folder / "data" / "cdr" / name).open("rb") as file:
            containers.check(file)
            reader = registry.reader(profile)
            parts += list(mediate(containers.blocks(file), profile, reader, now_us=NOW_US, run=memory))
    last = finish(profile, memory)
    return together([*parts, *([last] if last is not None else [])])


def expectations(folder: Path) -> list[dict[str, str]]:
    with (folder / "data" / "cdr" / "EXPECTED.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def micros(text: str) -> int:
    when = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    return round(when.timestamp() * 1_000_000)


def find(events: pl.DataFrame, selector: str) -> list[dict[str, Any]]:
    """Return the events that a selector of the table means."""
    rows = events.to_dicts()
    if found := re.fullmatch(r"uniqueid=([^,]*)(?:,seq=(\d+))?", selector):
        return [row for row in rows if row["ref"] == found[1] and found[2] in {None, row["leg"]}]
    if found := re.fullmatch(r"row (\d+)", selector):
        header = 1 if rows and rows[0]["raw_line"] > 1 and min(row["raw_line"] for row in rows) > 1 else 0
        return [row for row in rows if row["raw_line"] == int(found[1]) + header]
    if found := re.fullmatch(r"record (\d+)", selector):
        return [rows[int(found[1]) - 1]] if len(rows) > 1 else rows
    words = selector.split()
    return [
        row
        for row in rows
        if any(word.split("=")[-1] in f"{row['ref']} {row['leg']} {row['session']}" for word in words[-1:])
    ]


def test_every_line_of_the_table_about_one_event(shared: Path) -> None:
    checked = 0
    for line in expectations(shared):
        name = line["file"]
        if (
            line["treatment"] not in EVENTS
            or line["selector"].startswith("all")
            or not any(map(name.startswith, PROFILES))
        ):
            continue
        events, _, _ = read(shared, name)
        found = find(events, line["selector"])
        assert len(found) == 1, (name, line["selector"], found)
        event = found[0]
        for number in ("a", "b"):
            if line[f"{number}_e164"]:
                assert f"+{event[number]}" == line[f"{number}_e164"], (name, line["selector"])
        begun, answered = line["start_utc"], line["answer_utc"]
        assert event["start"] == micros(answered if answered and event["answered"] else begun), (name, line["selector"])
        if event["seized"] is not None and event["mode"] == "voice":
            assert event["seized"] == micros(begun), (name, line["selector"])
        if line["answered"]:
            assert event["answered"] is (line["answered"] == "yes"), (name, line["selector"])
        if line["billable_seconds"] and event["mode"] == "voice":
            assert event["used"] == math.ceil(float(line["billable_seconds"])), (name, line["selector"])
        checked += 1
    assert checked >= 28


def counts(balance: Balance) -> tuple[int, int, int, int]:
    return balance.events, balance.duplicates, balance.rejects, sum(balance.ignored.values())


def test_the_real_asterisk_file(shared: Path) -> None:
    events, _, balance = read(shared, "asterisk_csv/Master.csv")
    assert balance.records == 84
    assert balance.ignored == {"local_leg": 26}
    answered = events.filter("answered")
    assert (answered.height, answered["used"].sum()) == (31, 884)
    assert set(events["flags"].list.len()) == {0}


def test_the_free_pbx_export(shared: Path) -> None:
    events, _, balance = read(shared, "asterisk_csv/freepbx_export_dmy.csv")
    assert (balance.records, balance.rejects) == (856, 0)
    epochs = events["ref"].str.extract(r"^([0-9]+)").cast(pl.Int64) * 1_000_000
    assert (events["seized"] == epochs).all()


def test_sliding_exports_are_counted_once(shared: Path) -> None:
    _, _, balance = read(shared, "asterisk_csv/cdr__1504525205.csv", "asterisk_csv/cdr__1504541678.csv")
    assert (balance.duplicates, balance.ignored["header"]) == (89, 2)
    assert balance.events + balance.ignored["local_leg"] == 111


def test_an_inconsistent_duration_is_held(shared: Path) -> None:
    _, rejects, balance = read(shared, "freeswitch_csv/cdr_pusher_sqlite_rows.csv")
    assert rejects["reason"].to_list() == ["inconsistent_duration"]
    assert counts(balance) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cucm/cdr_StandAloneCluster_01_202504181632_25447", (1, 0, 0, 4)),
        ("cucm/cmr_StandAloneCluster_01_202504181632_25447", (0, 0, 0, 4)),
        ("broadworks_csv/BW-CDR-20090126124500-2-845c4d1e-017296.csv", (1, 0, 0, 3)),
        ("ribbon_act/1000001.ACT", (1, 0, 0, 1)),
        ("acme_sbc_csv/cdr202603290000.csv", (3, 0, 0, 1)),
        ("bad_input/13_broadworks_escaped_commas.csv", (2, 0, 0, 3)),
        ("bad_input/01_asterisk_truncated_last_line.csv", (6, 0, 1, 4)),
        ("bad_input/02_asterisk_utf16le_bom.csv", (6, 0, 0, 4)),
        ("bad_input/04_asterisk_negative_duration.csv", (2, 0, 1, 0)),
        ("bad_input/06_asterisk_dst_spring_stockholm.csv", (2, 0, 0, 0)),
        ("bad_input/17_future_and_ancient_timestamps.csv", (0, 0, 3, 0)),
        ("radius_detail/detail-20180917-dialogic-voip-start", (0, 0, 0, 0)),
    ],
)
def test_whole_files(shared: Path, name: str, expected: tuple[int, int, int, int]) -> None:
    _, _, balance = read(shared, name)
    assert counts(balance) == expected


def test_reasons_of_bad_rows(shared: Path) -> None:
    def reasons(name: str) -> list[str]:
        return read(shared, f"bad_input/{name}")[1]["reason"].to_list()

    assert reasons("01_asterisk_truncated_last_line.csv") == ["truncated"]
    assert reasons("04_asterisk_negative_duration.csv") == ["negative_duration"]
    assert reasons("17_future_and_ancient_timestamps.csv") == ["implausible_time", "implausible_time", "too_long"]


def test_the_missing_hour_is_read_by_the_epoch_and_flagged(shared: Path) -> None:
    events, _, _ = read(shared, "bad_input/06_asterisk_dst_spring_stockholm.csv")
    assert events["flags"].to_list() == [[], ["dst_gap"]]
    assert events["used"].to_list() == [55, 30]
    assert events["seized"].to_list() == [micros("2026-03-29T00:59:30Z"), micros("2026-03-29T01:30:00Z")]


def test_radius_counters_and_a_reboot(shared: Path) -> None:
    events, _, balance = read(shared, "bad_input/14_radius_gigawords_ooo_dup_reboot.detail")
    assert events["used"].to_list() == [8_589_938, 4_294_001, 1]
    assert events["flags"].to_list() == [[], ["counter_wrap", "incomplete"], []]
    assert counts(balance) == (3, 1, 0, 1)


def test_the_same_dialogs_logged_with_acks_are_duplicates(shared: Path) -> None:
    folder = "opensips_flatstore"
    events, _, balance = read(shared, f"{folder}/acc_1.log", f"{folder}/acc_3_ack.log", f"{folder}/missed_calls_1.log")
    assert (events.height, balance.duplicates, balance.pending) == (7, 4, 0)
    assert events.filter(~pl.col("answered"))["used"].to_list() == [0, 0, 0]


def test_volumes_of_partial_records_are_added(shared: Path) -> None:
    events, _, balance = read(shared, "pgw_3gpp/pgw_synthetic_raw.ber")
    assert dict(events.select("ref", "used").iter_rows()) == {"7001": 9_347_970, "7002": 0, "7003": 59}
    assert (balance.records, balance.merged) == (6, 3)


@pytest.mark.parametrize("name", ["08_truncated.csv.gz", "12_html_error_page_as_csv.csv"])
def test_files_that_are_refused(shared: Path, name: str) -> None:
    with pytest.raises(Unreadable):
        read(shared, f"bad_input/{name}")


def test_an_empty_file_has_no_records(shared: Path) -> None:
    assert read(shared, "bad_input/09_empty.csv")[2] == Balance()
