"""Many at once at a limit, and random histories: never over, and what is kept is what adding up anew gives.

``CREDIT_RUNS=1000 pytest tests/credit/test_storm.py`` is the long form; ``make prove`` runs it.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.credit.kinds import Kind
from domain.ids import CustomerId
from domain.period import Period
from domain.refusal import Refusal, WrongState
from domain.usecases.reserve_call import (
    CommitReservation,
    ExtendReservation,
    commit_reservation,
    extend_reservation,
    release_reservation,
)
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.tend_credit import tend_credit
from domain.usecases.withdraw_file import WithdrawFile, withdraw_file
from tests.credit import made
from tests.intake import world as w

RUNS = int(os.environ.get("CREDIT_RUNS", "2"))
AT_ONCE = 100
NUMBERS = ("4712345678", "46850000000", "46701234567")


@pytest.fixture
def wiring(stored):
    """On PostgreSQL: in memory units follow one another anyway."""
    return replace(stored, clock=made.MovingClock())


@pytest.mark.parametrize("seed", range(RUNS))
async def test_a_hundred_at_once_are_never_over(wiring, world, seed):
    draw = random.Random(seed)
    limit = draw.randrange(1, 60)
    await made.limit(wiring, world, str(limit))
    around = made.around(wiring, world.actor)

    async def one(number: int) -> None:
        try:
            kept, _ = await made.reserve(wiring, world, NUMBERS[number % 3], units=draw.randrange(1, 600))
            match number % 5:
                case 0:
                    await release_reservation(kept.id, **around)
                case 1:
                    used = draw.randrange(kept.granted + 1)
                    await commit_reservation(
                        CommitReservation(reservation=kept.id, used=used), raters=wiring.raters, **around
                    )
                case 2:
                    more = ExtendReservation(reservation=kept.id, units=60)
                    await extend_reservation(more, raters=wiring.raters, **around)
        except WrongState:
            pass
        assert await made.used(wiring, world) <= limit

    await asyncio.gather(*(one(number) for number in range(AT_ONCE)))
    async with wiring.begin(world.actor) as unit:
        page = await unit.credit.reservations(made.request(500), customer=world.customers[0], live=True)
        (account,) = [
            one
            for one in (await unit.credit.accounts([world.customers[0]]))[world.customers[0]]
            if not one.subscription
        ]
    assert account.reserved[Kind.ALL] == sum(one.amount for one in page.items) <= limit * 1_000_000


@pytest.mark.parametrize("seed", range(RUNS))
async def test_what_is_kept_is_what_adding_up_anew_gives(wiring, world, load, seed):
    draw = random.Random(1000 + seed)
    await made.limit(wiring, world, "1000")
    await made.limit(wiring, world, "500", each_line=True, kind=Kind.INTERNATIONAL)
    files: list[Any] = []
    at = 0
    for step in range(12):
        match draw.randrange(5):
            case 0 | 1:
                count = draw.randrange(1, 30)
                parts = [w.calls(count, first=at), w.calls(count, first=max(at - 5, 0))]
                at += count
                done = await asyncio.gather(
                    *(load(part, name=f"{seed}-{step}-{n}.csv") for n, part in enumerate(parts)), return_exceptions=True
                )
                files += [one.file.id for one in done if not isinstance(one, BaseException)]
            case 2 if files:
                cmd = WithdrawFile(file=files.pop(draw.randrange(len(files))), why="a test")
                try:
                    around = made.around(wiring, world.actor)
                    await withdraw_file(cmd, formats=wiring.formats, raters=wiring.raters, **around)
                except Refusal:
                    pass  # it is billed, or gone
            case 3:
                await made.reserve(wiring, world, draw.choice(NUMBERS), units=60, seconds=30)
                wiring.clock.pass_by(seconds=draw.randrange(60))
                await tend_credit(**made.around(wiring, world.actor))
            case 4:
                cmd = RunBills(period=Period.month("2026-03"))
                await run_bills(cmd, raters=wiring.raters, **made.around(wiring, world.actor))
        before, after = await made.from_scratch(wiring, world)
        assert before == after, f"step {step}"
    assert await made.used(wiring, world) == await expected(wiring, world, world.customers[0])


async def expected(wiring: Any, world: w.World, customer: CustomerId) -> Decimal:
    """Return what is owed by the ledger, unbilled and set aside, each from its own place."""
    async with wiring.begin(world.actor) as unit:
        owed = (await unit.ledger.owed([customer]))[customer].get("SEK", 0)
        page = await unit.credit.reservations(made.request(500), customer=customer, live=True)
        rows = await unit.credit.unbilled([customer])
    aside = sum(one.amount for one in page.items)
    return Decimal(owed).scaleb(-2) + Decimal(int(rows["amount"].sum()) + aside).scaleb(-6)
