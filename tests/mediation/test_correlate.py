"""Sessions, part by part, in the words of their formats."""

from __future__ import annotations

import itertools

import pytest

from domain.mediation.events import Balance
from tests.mediation.running import run
from tests.mediation.samples import CEL, RADIUS

INVITE = b"INVITE|t1|t2|c@h|200|OK|1772445605|acc|0846500401|0701740605||1:1\n"
BYE = b"BYE|t1|t2|c@h|200|OK|1772445665|||||1:1\n"
BYE_OF_CALLEE = b"BYE|t2|t1|c@h|200|OK|1772445665|||||1:1\n"
AGAIN = b"INVITE|t2|t1|c@h|200|OK|1772445635|acc|0701740605|0846500401||1:1\n"
UNTIMED = b"INVITE|t1|t2|c@h|200|OK||acc|0846500401|0701740605||1:1\n"
ACK = b"ACK|t1|t2|c@h|200|OK|1772445605|acc|0846500401|0701740605||1:1\n"
EARLIER = b"INVITE|t6|t7|earlier@h|404|Not Found|1772445600|acc|1|2||1:2\n"
LATER = b"INVITE|t8|t9|later@h|404|Not Found|1772645605|acc|1|2||1:3\n"


def one(data: bytes) -> tuple[str, str, int, bool, list[str]]:
    events, _, _ = run("opensips", data)
    event = events.filter(events["ref"] == "c@h").row(0, named=True)
    return event["a"], event["b"], event["used"], event["answered"], event["flags"]


@pytest.mark.parametrize("order", list(itertools.permutations([INVITE, BYE])))
def test_invite_and_bye_in_any_order(order: tuple[bytes, ...]) -> None:
    assert one(b"".join(order)) == ("0846500401", "0701740605", 60, True, [])


@pytest.mark.parametrize("order", list(itertools.permutations([UNTIMED, ACK, BYE_OF_CALLEE])))
def test_an_invite_without_a_time_waits_for_its_ack(order: tuple[bytes, ...]) -> None:
    a, b, used, answered, flags = one(b"".join(order))
    assert (used, answered, flags) == (60, True, [])
    if order[-1] != UNTIMED:  # what comes after both others comes too late to say who called
        assert (a, b) == ("0846500401", "0701740605")


@pytest.mark.parametrize("order", [(INVITE, AGAIN, BYE), (BYE, INVITE, AGAIN), (INVITE, BYE, AGAIN)])
def test_a_re_invite_changes_nothing(order: tuple[bytes, ...]) -> None:
    assert one(b"".join(order)) == ("0846500401", "0701740605", 60, True, [])
    assert run("opensips", b"".join(order))[2] == Balance(records=3, events=1, merged=2)


def test_parts_that_come_again_are_duplicates() -> None:
    _, _, balance = run("opensips", INVITE + INVITE + BYE + INVITE + BYE)
    assert balance == Balance(records=5, events=1, merged=1, duplicates=3)


def test_a_beginning_that_never_came_is_told_after_the_time_out() -> None:
    for data in (BYE, UNTIMED, UNTIMED + BYE):
        _, rejects, balance = run("opensips", EARLIER + data + LATER)
        assert rejects["reason"].to_list() == ["missing_field"]
        assert balance.pending == 0


def test_what_waits_at_the_end_of_a_run_is_pending() -> None:
    for data in (BYE, INVITE, UNTIMED, UNTIMED + BYE):
        events, _, balance = run("opensips", data)
        assert (events.height, balance.pending) == (0, data.count(b"\n"))


def test_an_old_file_after_a_new_one_is_joined_as_well() -> None:
    events, _, balance = run("opensips", LATER + INVITE + BYE)
    assert (events.height, balance.pending) == (2, 0)


def radius(kind: str, at: int, seconds: int, octets: int, session: str = "S1") -> bytes:
    return (
        f'Mon Mar  2 11:00:00 2026\n\tAcct-Status-Type = {kind}\n\tAcct-Session-Id = "{session}"\n'
        f"\tNAS-IP-Address = 192.0.2.1\n\tAcct-Session-Time = {seconds}\n\tAcct-Input-Octets = {octets}\n"
        f"\tTimestamp = {at}\n\n"
    ).encode()


START, INTERIM, STOP = (
    radius(kind, 1_772_445_600 + seconds, seconds, octets)
    for kind, seconds, octets in (("Start", 0, 0), ("Interim-Update", 600, 5_000), ("Stop", 1200, 9_000))
)


@pytest.mark.parametrize("order", list(itertools.permutations([START, INTERIM, STOP])))
def test_counters_are_taken_highest_in_any_order(order: tuple[bytes, ...]) -> None:
    events, _, balance = run("radius", b"".join(order))
    assert events.select("start", "used", "flags").rows() == [(1_772_445_600_000_000, 9, [])]
    assert balance == Balance(records=3, events=1, merged=2)


@pytest.mark.parametrize("seen", [True, False])
def test_an_end_that_is_sent_again_much_later_ends_the_same_session(seen: bool) -> None:
    begin = radius("Start", 1772445600, 0, 0) if seen else b""
    ends = [radius("Stop", 1772445900 + late, 300, 9000) for late in (0, 100, 1500, 40 * 3600)]
    events, _, balance = run("radius", begin + b"".join(ends))
    assert events["used"].to_list() == [9]
    assert balance == Balance(records=4 + seen, events=1, merged=3 + seen)
    rows = [part for part in (begin, *ends) if part]
    assert len({run("radius", row)[0]["start"][0] for row in rows[-4:]}) == 4  # each alone would be another session


def test_an_end_with_other_counters_is_not_the_same_end() -> None:
    later = radius("Stop", 1772445900 + 9000, 300, 9000)
    for other in (radius("Stop", 1772445900 + 9000, 301, 9000), radius("Stop", 1772445900 + 9000, 300, 9001)):
        events, _, _ = run("radius", radius("Stop", 1772445900, 300, 9000) + other)
        assert events.height == 2
    begun = radius("Start", 1772445900 + 8700, 0, 0)
    events, _, _ = run("radius", START + radius("Stop", 1772445900, 300, 9000) + begun + later)
    assert events["used"].to_list() == [9, 9], "a session with a beginning of its own"


def test_a_session_identifier_used_again_is_another_session() -> None:
    again = radius("Start", 1_772_545_600, 0, 0) + radius("Stop", 1_772_545_700, 100, 1_000)
    events, _, balance = run("radius", START + INTERIM + again)
    assert events.select("used", "flags").rows() == [(5, ["incomplete"]), (1, [])]
    assert balance.pending == 0


def test_a_restarted_device_ends_its_sessions_and_no_others() -> None:
    on = b"Mon Mar  2 12:00:00 2026\n\tAcct-Status-Type = Accounting-On\n\tNAS-IP-Address = %s\n"
    on += b"\tTimestamp = 1772449200\n\n"
    events, _, balance = run("radius", START + INTERIM + on % b"192.0.2.9")
    assert (events["flags"].to_list(), balance.ignored) == ([["incomplete"]], {"control": 1})
    events, _, _ = run("radius", START + INTERIM + on % b"192.0.2.1" + STOP)
    assert events["flags"].to_list()[0] == ["incomplete"]


def test_seconds_of_a_gateway_run_from_the_answer() -> None:
    setup, stop = radius("Start", 1_772_445_600, 0, 0), radius("Stop", 1_772_445_665, 60, 0)
    events, _, _ = run("radius-voice", setup + stop)
    assert events.select("seized", "start", "used", "answered").rows() == [
        (1_772_445_600_000_000, 1_772_445_605_000_000, 60, True)
    ]
    events, _, _ = run("radius-voice", setup + radius("Stop", 1_772_445_620, 0, 0))
    assert events.select("used", "answered").rows() == [(0, False)]


def test_the_sample_of_radius_has_one_session_that_only_began() -> None:
    _, _, balance = run("radius", RADIUS)
    assert (balance.pending, balance.events) == (1, 2)


def test_channel_events_without_their_beginning_wait() -> None:
    later = CEL.split(b"\n", 1)[1]
    answered = b"\n".join(line for line in later.split(b"\n") if b"ANSWER" not in line)
    _, _, balance = run("asterisk-cel", answered)
    assert (balance.events, balance.pending) == (0, 3)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_channel_events_of_a_later_file_may_come_first(cut: int) -> None:
    """The end of a call overtakes its beginning: the event waits for what lies between."""
    lines = CEL.splitlines(keepends=True)
    events, _, balance = run("asterisk-cel", b"".join(lines[cut:] + lines[:cut]))
    told = events.select("a", "b", "start", "used", "answered", "flags").row(0)
    assert told == ("46701740605", "0846500401", 1_772_445_605_200_000, 60, True, [])
    assert balance == Balance(records=5, events=1, merged=4)
