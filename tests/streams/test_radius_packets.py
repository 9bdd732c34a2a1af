"""Packets beside those of pyrad 2.4, an implementation of somebody else; damage, forgery, text that would break out."""

from __future__ import annotations

import random

import pytest

from domain.mediation.profile import Profile
from integrations.cdr import registry
from integrations.transports import radius

SECRET = b"xyzzy5461"
# Made by pyrad: a Stop with Proxy-State, its answer, and a Start with Message-Authenticator.
STOP = bytes.fromhex(
    "042a003425af20b9f751ef867937813f49b9871d01066e656d6f0406c00002102806000000022c0453312e060000003c21040102"
)
STOP_ANSWER = bytes.fromhex("052a001869cc2e83c40c50df2f014dc0f6d4791721040102")
START = bytes.fromhex(
    "042b0036b31d2e0d384130477cca49863162228750123bfc690abb790227ff2ddd7c1c5b0d9001066e656d6f2806000000012c045332"
)


def blocks(text: bytes) -> list[dict[str, object]]:
    profile: Profile = registry.profile("radius")
    pieces = registry.reader(profile).decode([text], profile, records_max=99)
    return [row for piece in pieces for row in piece.records.iter_rows(named=True)]


def test_another_implementations_packets_are_understood_and_answered() -> None:
    stop = radius.read(STOP)
    assert radius.proved(stop, SECRET)
    assert radius.answer(stop, SECRET) == STOP_ANSWER
    assert radius.proved(radius.read(START), SECRET)


@pytest.mark.parametrize("packet", [STOP, START])
def test_no_octet_can_be_changed(packet: bytes) -> None:
    for place in range(len(packet)):
        forged = packet[:place] + bytes([packet[place] ^ 1]) + packet[place + 1 :]
        try:
            read = radius.read(forged)
        except radius.Malformed:
            continue
        if read.code == radius.ACCOUNTING_REQUEST:
            assert not radius.proved(read, SECRET), place
    assert not radius.proved(radius.read(packet), b"")


def test_a_status_server_must_be_signed() -> None:
    bare = bytes((radius.STATUS_SERVER, 1, 0, 20)) + bytes(16)
    assert not radius.proved(radius.read(bare), SECRET)


@pytest.mark.parametrize(
    "octets", [b"", STOP[:19], STOP[:30], b"\4\1\0\x13" + bytes(16), STOP[:20] + b"\1\1" + STOP[22:], b"\xff" * 20]
)
def test_what_is_no_packet_is_said_so(octets: bytes) -> None:
    with pytest.raises(radius.Malformed):
        radius.read(octets)


def test_octets_behind_the_packet_are_padding() -> None:
    assert radius.proved(radius.read(STOP + b"\0\0\0"), SECRET)


def test_a_packet_is_shown_as_the_detail_files_of_its_readers() -> None:
    attributes = [
        (40, b"\0\0\0\2"), (44, b"S1"), (4, bytes((192, 0, 2, 16))), (46, b"\0\0\0\x3c"), (42, b"\0\0\0\7"),
        (43, b"\0\0\0\x08"), (53, b"\0\0\0\1"), (41, b"\0\0\0\5"), (49, b"\0\0\0\1"), (31, b"46701740605"),
        (26, b"\0\0\0\x09\x1e\x0410"), (26, b"\0\0\0\x63\x07\x03A"), (200, b"\1\2"), (95, bytes(15) + b"\1"),
    ]  # fmt: skip
    packet = radius.read(radius.made(radius.ACCOUNTING_REQUEST, 1, attributes, SECRET))
    row = blocks(radius.shown(packet, 1772445665))[0]
    assert (row["_part"], row["_session"], row["_nas"]) == ("end", "S1", "192.0.2.16")
    assert (row["_time"], row["_octets_in"], row["_octets_out"]) == ("1772445660", "7", str((1 << 32) + 8))
    assert (row["Acct-Terminate-Cause"], row["Calling-Station-Id"]) == ("User-Request", "46701740605")
    text = radius.shown(packet, 0).decode()
    assert "\tAttr-26.99.7 = 0x41\n" in text
    assert "\tAttr-200 = 0x0102\n" in text
    assert "\tNAS-IPv6-Address = ::1\n" in text


def test_the_events_own_time_counts_where_its_clock_seems_right() -> None:
    def told(*attributes: tuple[int, bytes]) -> object:
        made = radius.made(radius.ACCOUNTING_REQUEST, 1, [(40, b"\0\0\0\2"), (44, b"S"), *attributes], SECRET)
        return blocks(radius.shown(radius.read(made), 1772445665))[0]["_time"]

    at = 1772445600
    assert told((55, at.to_bytes(4)), (41, b"\0\0\0\5")) == str(at)
    assert told((55, at.to_bytes(4))) == str(at)
    for wrong in (9, at + 3600, at - 30 * 86_400):
        assert told((55, wrong.to_bytes(4)), (41, b"\0\0\0\5")) == "1772445660"
    assert told((55, b"\1")) == "1772445665"


def test_no_text_breaks_out_of_its_line() -> None:
    evil = b'a"\n\tAcct-Status-Type = Stop\n\n\r\x00\x85\xe2\x80\xa8\xff'
    packet = radius.read(
        radius.made(radius.ACCOUNTING_REQUEST, 1, [(1, evil), (40, (1).to_bytes(4)), (44, b"S")], SECRET)
    )
    rows = blocks(radius.shown(packet, 1772445600))
    assert [(row["_part"], row["_session"]) for row in rows] == [("begin", "S")]
    assert radius.shown(packet, 0).count(b"\n") == 6


def test_random_octets_are_a_packet_or_are_not() -> None:
    chance = random.Random(1866)
    for _ in range(3000):
        octets = bytearray(chance.choice((STOP, START)))
        for _ in range(chance.randrange(1, 5)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        try:
            packet = radius.read(bytes(octets[: chance.randrange(1, len(octets) + 1)]))
        except radius.Malformed:
            continue
        radius.proved(packet, SECRET)
        blocks(radius.shown(packet, 0))
