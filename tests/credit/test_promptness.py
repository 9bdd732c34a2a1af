"""Whoever passes a limit is barred within a second: nothing that can wait stands before it in the queue."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from api.wiring import Wiring
from api.worker import ASKING, OPERATOR_MAX
from domain.credit.checking import CHECK, CHECKED_MAX, check_all, checks
from domain.credit.counting import promise_checks
from domain.ids import CustomerId
from domain.usecases import place_order
from tests.intake import world as made

# What one look at a customer may take, by far: with it all places of an operator are free again within half a second.
SECONDS_A_LOOK = 0.05


async def test_bars_go_before_those_who_are_only_begun_to_be_watched(wiring: Wiring, world: made.World) -> None:
    """A thousand customers are begun to be watched; then one passes his limit, and an order is to bar his line."""
    order: Any = SimpleNamespace(id=1, version=1)
    async with wiring.begin(world.actor) as unit:
        await unit.jobs.add(check_all())
        await promise_checks(unit, [CustomerId(key) for key in range(1, 1001)], urgent=False)
    async with wiring.begin(world.actor) as unit:
        await promise_checks(unit, [CustomerId(2000)])
        await place_order.promise(unit, order)
    async with wiring.queue.present() as here:
        first, second = await here.claim(ASKING, 2)
        assert (first.kind, first.payload) == (CHECK, {"customers": [2000]})
        assert (second.kind, second.payload) == (place_order.KIND, {"order": 1})
        assert len(await here.claim(ASKING, 200)) == 1 + 1000 // CHECKED_MAX


def test_a_place_is_free_again_soon() -> None:
    """All places that an operator has may be taken by looks that can wait: each gives its own back in no time."""
    assert CHECKED_MAX * SECONDS_A_LOOK <= 0.5
    jobs = list(checks([CustomerId(key) for key in range(1, 1001)], urgent=False))
    assert max(len(job.payload["customers"]) for job in jobs) <= CHECKED_MAX  # type: ignore[arg-type]  # a list
    assert OPERATOR_MAX > 1
