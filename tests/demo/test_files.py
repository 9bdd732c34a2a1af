"""The demo's CDR files: the same bytes on every run, with the faults that they say they have."""

import csv
import hashlib
import io
from collections import Counter

import pytest

from domain.demo.size import SMALL, STANDARD, Size
from domain.demo.traffic import GOTHENBURG, MALMO, STOCKHOLM
from domain.demo.world import make_world
from domain.demo.written import local

# These change when the demo is changed on purpose, and for no other reason: not with the machine or the Python.
SMALL_SHA256 = "6f4ef13b7766255a862881df473ffb55b7b56cf4b492b75eee90624e93e1c825"
STANDARD_SHA256 = "32fc936b10a3ac4af636f510147a2bcea23b1d78a73e4bd7c79fd2e31f7089cb"


@pytest.fixture(scope="module")
def standard():
    return list(make_world(STANDARD).files())


def checksum(files):
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.source}/{file.name}/{len(file.data)}\n".encode())
        whole.update(file.data)
    return whole.hexdigest()


def test_the_small_demo_is_the_same_bytes_everywhere():
    assert checksum(make_world(SMALL).files()) == SMALL_SHA256
    assert checksum(make_world(SMALL).files()) == SMALL_SHA256


def test_the_standard_demo_is_the_same_bytes_everywhere(standard):
    assert checksum(standard) == STANDARD_SHA256


def test_another_seed_makes_another_month():
    other = make_world(Size(customers=10, calls=500, seed=47))
    assert checksum(other.files()) != SMALL_SHA256
    assert checksum(other.files()) == checksum(other.files())


def test_each_switch_delivers_a_file_a_day(standard):
    assert Counter(file.source for file in standard) == {STOCKHOLM: 31, GOTHENBURG: 31, MALMO: 31}
    assert len({file.name for file in standard}) == len(standard)
    assert all(file.data for file in standard)


def test_the_truth_counts_every_line(standard):
    for file in standard:
        assert file.truth.records == len(file.data.splitlines()), file.name
    whole = sum((file.truth.counts for file in standard), Counter())
    assert whole["event"] > STANDARD.calls
    assert {"duplicate", "unrated:no_party", "unrated:no_destination"} <= set(whole)
    rejects = {kind.removeprefix("reject:") for kind in whole if kind.startswith("reject:")}
    assert rejects == {
        *("negative_duration", "bad_time", "truncated", "implausible_time", "missing_field"),
        "conflicting_duplicate",
    }
    assert {kind for kind in whole if kind.startswith("ignored:")} == {"ignored:local_leg", "ignored:service_code"}


def rows(file):
    return list(csv.reader(io.StringIO(file.data.decode("latin-1"))))


def test_asterisk_rows_have_the_twenty_one_columns(standard):
    odd = [(file.name, row) for file in standard if file.source != MALMO for row in rows(file) if len(row) != 21]
    assert [name for name, _ in odd] == ["pbx-sthlm-2026-10-09.csv", "pbx-sthlm-2026-10-31.csv"]


def test_forked_legs_share_the_reference_and_not_the_sequence(standard):
    legs = Counter(
        (row[16], row[20]) for file in standard if file.source == STOCKHOLM for row in rows(file)[:-1] if len(row) == 21
    )
    references = Counter(reference for reference, _ in legs)
    assert max(legs.values()) == 1
    assert max(references.values()) > 1


def test_the_sequence_begins_again_when_a_pbx_is_restarted(standard):
    numbers = [int(row[20]) for file in standard if file.source == GOTHENBURG for row in rows(file)]
    assert numbers.count(0) == 2


def test_a_day_is_delivered_with_the_afternoon_before_it(standard):
    before, day = (next(f for f in standard if f.name == f"{GOTHENBURG}-2026-10-{d}.csv") for d in (14, 15))
    repeated = [row for row in day.data.splitlines() if row in set(before.data.splitlines())]
    left_out = [row for row in repeated if b"Local/" in row or b'"*' in row]
    assert len(repeated) - len(left_out) == day.truth.counts["duplicate"] > 100


def test_the_last_file_ends_inside_a_row(standard):
    last = next(file for file in standard if file.name == f"{STOCKHOLM}-2026-10-31.csv")
    assert not last.data.endswith(b"\n")
    assert last.truth.of("reject") == {"truncated": 1}


def test_somebody_calls_in_the_hour_that_comes_twice(standard):
    night = [row for file in standard if file.name.endswith("10-25.csv") for row in rows(file)]
    asterisk = [row for row in night if len(row) == 21 and row[9].startswith("2026-10-25 02:")]
    epochs = {}
    for row in asterisk:
        epochs.setdefault(row[9], set()).add(int(row[16].rsplit("-", 1)[1].split(".")[0]))
    assert any(max(at) - min(at) == 3600 for at in epochs.values()), "no two calls at one local time an hour apart"
    assert [row for row in night if len(row) == 14 and row[4].startswith("2026-10-25 02:")]


def test_local_time_is_right_on_both_sides_of_the_change():
    assert [local(at) for at in (1792886399, 1792886400, 1792893600)] == [
        *("2026-10-25 01:59:59", "2026-10-25 02:00:00", "2026-10-25 03:00:00"),
    ]


def test_a_caller_may_send_bytes_that_are_no_text(standard):
    assert any(b"\xa5\xa5" in file.data for file in standard)


def test_no_reference_is_used_twice_by_a_freeswitch_but_where_the_truth_says_so(standard):
    uuids = Counter(row[10] for file in standard if file.source == MALMO for row in rows(file))
    doubled = sum(count - 1 for count in uuids.values())
    truth = sum((file.truth.counts for file in standard if file.source == MALMO), Counter())
    assert doubled == truth["duplicate"] + truth["reject:conflicting_duplicate"] == 5
