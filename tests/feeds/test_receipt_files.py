"""Receipts that a feed fetches: matched once, strangers told, a cut file tried again."""

from __future__ import annotations

import pytest

from domain.feeds.feed import After
from domain.refusal import BadValue
from tests.feeds.conftest import Switch


async def test_receipts_are_fetched_and_what_nobody_knows_is_told(switch: Switch) -> None:
    await switch.feed("printhouse", source="receipts")
    switch.lay("answers.csv", b"number;state;reason\n100001;accepted;\n100002;rejected;no address\n")
    run = await switch.poll("printhouse")
    assert (run.taken, run.held) == (1, 0)
    assert run.fault == "2 receipts of documents that nobody knows: 100001, 100002"
    assert not (switch.folder / "answers.csv").exists()


async def test_a_file_that_is_no_receipt_waits_and_is_told(switch: Switch) -> None:
    await switch.feed("printhouse", source="receipts")
    switch.lay("answers.csv", b"number\n100001\n")
    run = await switch.poll("printhouse")
    assert (run.taken, run.held) == (0, 1)
    assert "names of its columns" in str(run.fault)
    switch.lay("answers.csv", b"number;state\n100001;accepted\n")
    switch.clock.pass_by(minutes=1)
    assert (await switch.poll("printhouse")).taken == 1


async def test_receipts_never_grow(switch: Switch) -> None:
    with pytest.raises(BadValue, match="never grows"):
        await switch.feed("printhouse", source="receipts", rules={"grows": True, "after": After.LEAVE})
