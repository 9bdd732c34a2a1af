"""Answers kept under idempotency keys, in memory and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.ports.keeping import KEPT_FOR, TURN, Kept, OtherContent
from domain.refusal import Conflict
from tests.stores.worlds import NOON, World

CONTENT, OTHER = bytes(32), b"\1" * 32


def token(number: int) -> bytes:
    return number.to_bytes(16)


async def test_a_key_is_answered_once(world: World) -> None:
    mine = token(world.operator.operator)
    async with world.begin(world.operator) as unit:
        assert await unit.kept.begin("k", CONTENT, mine, now=NOON) is None
    async with world.begin(world.operator) as unit:
        with pytest.raises(Conflict, match="at this moment"):
            await unit.kept.begin("k", CONTENT, token(1 << 60), now=NOON)
        with pytest.raises(OtherContent):
            await unit.kept.begin("k", OTHER, token(1 << 60), now=NOON)
    async with world.begin(world.operator) as unit:
        await unit.kept.done(mine)
        await unit.kept.finish(mine, "told")
    async with world.begin(world.operator) as unit:
        assert await unit.kept.begin("k", CONTENT, token(1 << 60), now=NOON) == Kept("told")
    async with world.begin(world.other_operator) as unit:
        assert await unit.kept.begin("k", OTHER, token(world.other_operator.operator), now=NOON) is None


async def test_one_that_fell_is_taken_over_and_its_effect_barred(world: World) -> None:
    mine, later = token(world.operator.operator), token(world.operator.operator + (1 << 40))
    async with world.begin(world.operator) as unit:
        await unit.kept.begin("k", CONTENT, mine, now=NOON)
    async with world.begin(world.operator) as unit:
        assert await unit.kept.begin("k", CONTENT, later, now=NOON + TURN + timedelta(seconds=1)) is None
    async with world.begin(world.operator) as unit:
        with pytest.raises(Conflict):
            await unit.kept.done(mine)
        await unit.kept.done(later)
        await unit.kept.finish(mine, "of nobody")
    async with world.begin(world.operator) as unit:
        with pytest.raises(Conflict, match="not kept"):  # done, and it fell before it answered
            await unit.kept.begin("k", CONTENT, mine, now=NOON + 3 * TURN)


async def test_what_did_nothing_leaves_the_key_free_and_what_did_keeps_its_answer(world: World) -> None:
    mine = token(world.operator.operator)
    async with world.begin(world.operator) as unit:
        await unit.kept.begin("k", CONTENT, mine, now=NOON)
        await unit.kept.drop(mine, "refused")
        assert await unit.kept.begin("k", OTHER, mine, now=NOON) is None
        await unit.kept.done(mine)
        await unit.kept.drop(mine, "half")
        assert await unit.kept.begin("k", OTHER, token(1 << 60), now=NOON) == Kept("half")


async def test_an_answer_is_forgotten_in_the_end(world: World) -> None:
    mine = token(world.operator.operator)
    async with world.begin(world.operator) as unit:
        await unit.kept.begin("k", CONTENT, mine, now=NOON)
        await unit.kept.finish(mine, "told")
        assert await unit.kept.begin("k", CONTENT, mine, now=NOON + KEPT_FOR) == Kept("told")
        after = NOON + KEPT_FOR + timedelta(seconds=1)
        assert await unit.kept.begin("k", OTHER, token(1 << 61), now=after) is None
