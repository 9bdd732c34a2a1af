"""The worlds of the import, on PostgreSQL and in memory."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from api.wiring import Wiring
from domain.catalogue.document import read_tariff
from domain.rerating.rerating import Reason, Rerating, Selection
from domain.usecases.rerate import Rerate, rerate
from tests.intake import world as made
from tests.intake.conftest import intake_database, load, stored, wiring, world

__all__ = ["intake_database", "load", "stored", "wiring", "world"]

SINCE = made.FIRST - timedelta(days=1)
UNTIL = made.FIRST + timedelta(days=40)
Again = Callable[..., Awaitable[Rerating]]


def tariff(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Return the world's tariff document, changed."""
    document: dict[str, Any] = copy.deepcopy(made.TARIFF)
    change(document)
    return document


async def publish(wiring: Wiring, world: made.World, change: Callable[[dict[str, Any]], None]) -> None:
    async with wiring.begin(world.actor) as unit:
        await unit.catalogue.publish(read_tariff(tariff(change)), recorded_at=made.NOW)


def dearer(document: dict[str, Any]) -> None:
    """Sweden fixed costs 0.90 a minute instead of 0.30 and 0.49 to begin with."""
    document["price_lists"]["retail"]["rates"][0] = made.rate("Sweden fixed", "0.90", setup="0.49")


def iceland(document: dict[str, Any]) -> None:
    """There is a price to Iceland, too late."""
    document["price_lists"]["retail"]["rates"].append(made.rate("Iceland", "2.40"))


@pytest.fixture
def again(wiring: Wiring, world: made.World) -> Again:
    async def one(*, actor: Any = None, preview: bool = False, reason: Reason = Reason.WRONG_PRICE, **chosen: Any):
        options = {name: chosen.pop(name) for name in ("events_per_chunk", "progress") if name in chosen}
        selection = Selection(**({"since": SINCE, "until": UNTIL} | chosen))
        return await rerate(
            Rerate(selection=selection, reason=reason, preview=preview),
            actor=actor or world.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            raters=wiring.raters,
            **options,
        )

    return one
