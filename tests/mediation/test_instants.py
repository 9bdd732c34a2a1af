from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.mediation import instants

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCAL_FROM, LOCAL_TO = (datetime.fromisoformat(text) for text in ("2000-01-01", "2040-01-01"))
ZONES = ["Europe/Stockholm", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]


def micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def of(*locals_: datetime) -> instants.Read:
    values = np.array([micros(one.replace(tzinfo=UTC)) for one in locals_], dtype=np.int64)
    yes = np.ones(len(values), dtype=np.bool_)
    return instants.Read(values, yes, ~yes, ~yes)


@settings(deadline=None)
@given(st.datetimes(LOCAL_FROM, LOCAL_TO), st.sampled_from(ZONES))
def test_both_readings_are_those_of_zoneinfo(local: datetime, zone: str) -> None:
    early, late, doubled, missing = instants.readings(of(local), zone)
    tz = ZoneInfo(zone)
    folds = [micros(local.replace(tzinfo=tz, fold=fold).astimezone(UTC)) for fold in (0, 1)]
    assert sorted(folds) == [early[0], late[0]]
    there_and_back = [
        (EPOCH + timedelta(microseconds=one)).astimezone(tz).replace(tzinfo=None) == local for one in folds
    ]
    assert (folds[0] != folds[1] and all(there_and_back)) == doubled[0]
    assert (not any(there_and_back)) == missing[0]


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("2026-03-02 10:00:00", "iso", "2026-03-02T10:00:00"),
        ("2026-03-02T10:00:00.25", "iso", "2026-03-02T10:00:00.25"),
        ("2026-03-02T10:00:00Z", "iso", "2026-03-02T10:00:00"),
        ("2026-03-02T10:00:00+01:00", "iso", "2026-03-02T09:00:00"),
        ("2026-03-02 10:00:00.5 +0100", "iso", "2026-03-02T09:00:00.5"),
        ("1/9/2017 16:33:01", "%d/%m/%Y %H:%M:%S", "2017-09-01T16:33:01"),
        ("01/09/2017 16:33", "%d/%m/%Y %H:%M:%S", "2017-09-01T16:33:00"),
        ("2026-03-02 10:00:00.125", "%Y-%m-%d %H:%M:%S", "2026-03-02T10:00:00.125"),
        ("20090126202952.193", "%Y%m%d%H%M%S%.f", "2009-01-26T20:29:52.193"),
        ("02/22/2013 17:02:12.5 -0800", "%m/%d/%Y %H:%M:%S%.f %z", "2013-02-23T01:02:12.5"),
        ("1772445600", "epoch", "2026-03-02T10:00:00"),
        ("1772445600.5", "epoch", "2026-03-02T10:00:00.5"),
        ("1772445600500", "epoch_ms", "2026-03-02T10:00:00.5"),
        ("0", "epoch", None),
        ("", "iso", None),
        ("2026-02-30 10:00:00", "iso", None),
        ("9" * 30, "epoch", None),
    ],
)
def test_times_as_written(text: str, written: str, expected: str | None) -> None:
    read = instants.read(pl.Series([text]), written)
    if expected is None:
        assert not read.known[0]
    else:
        assert read.known[0]
        assert read.micros[0] == micros(datetime.fromisoformat(expected).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "scale", "expected"),
    [("61", 1_000_000, 61_000_000), ("15.6", 1_000_000, 15_600_000), ("-3", 1000, -3000), ("", 1, None), ("x", 1, None),
     ("18446744073709551615", 1, None), ("9223372036854775807", 1000, None), ("1e400", 1, None), ("NaN", 1, None),
     ("59,544", 1_000_000, 59_544_000), ("1,234", 1, None), ("1.060,5", 1000, None), ("1 060,5", 1000, None)],
)  # fmt: skip
def test_numbers_as_written(text: str, scale: int, expected: int | None) -> None:
    assert instants.scaled(pl.Series([text]), scale).to_list() == [expected]


@pytest.mark.parametrize(
    "text",
    ["2024-02-29 23:59:59", "2000-02-29 00:00:00", "1999-12-31 23:59:59", "0001-01-01 00:00:00", "2400-02-29 12:00:00"],
)
def test_the_plainest_form_is_read_as_the_calendar_has_it(text):
    read = instants.read(pl.Series([text, ""]), instants.STAMP)
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    assert read.micros[0] == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read.known.tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    ["2023-02-29 00:00:00", "1900-02-29 00:00:00", "2026-13-01 00:00:00", "2026-04-31 00:00:00", "2026-03-02 24:00:00",
     "2026-03-02 07:60:00", "2026-00-02 07:00:00", "2026-03-00 07:00:00", "02/03/2026 07:00:00", "2026-03-02T07:00:0x"],
)  # fmt: skip
def test_what_is_no_time_of_the_plainest_form_is_unknown(text):
    assert not instants.read(pl.Series([text]), instants.STAMP).known.any()


@pytest.mark.parametrize("form", ["iso", "epoch", "%d/%m/%Y %H:%M:%S", instants.STAMP])
@pytest.mark.parametrize(
    ("text", "utc"),
    [("1772434812", True), ("1772434812.0", True), ("1772434812000", True), ("1772434812000000", True),
     ("2026-03-02T07:00:12Z", True), ("2026-03-02 07:00:12 UTC", True), ("20260302T070012Z", True),
     ("2026-03-02T08:00:12+0100", True), ("2026-03-02 07:00:12,000", False), ("20260302070012", False),
     ("2026/03/02 07:00:12", False)],
)  # fmt: skip
def test_a_time_of_another_form_is_read_where_it_can_be_one_alone(form: str, text: str, utc: bool) -> None:
    read = instants.read(pl.Series(["", text, "0"]), form)
    assert read.known.tolist() == [False, True, False]
    assert (read.micros[1], read.utc[1]) == (1_772_434_812_000_000, utc)
