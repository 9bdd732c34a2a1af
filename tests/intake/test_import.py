"""A CDR file goes in exactly once, and every record ends in one place."""

from __future__ import annotations

from datetime import timedelta

from domain.mediation.files import FileState
from domain.ports.usage import UsageFilter
from tests.intake import world as made

ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))


async def events(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.usage.page(ALL, first=1000))[0]


async def test_calls_are_rated_on_every_level(wiring, world, load):
    lines = [made.row(n, a=made.number(n), b="46850000000", seconds=60) for n in range(4)]
    done = await load("\n".join(lines).encode() + b"\n")
    assert done.file.state is FileState.DONE
    assert (done.file.records, done.file.rated, done.file.unrated) == (4, 4, 0)
    own, reseller, below, sibling = await events(wiring, world)
    # 0.49 + 60 s at 0.30 a minute; list B takes half off the price, not off the setup fee
    assert [str(one.retail.amount.value) for one in (own, reseller, below, sibling)] == ["0.790000", "0.640000", "0.790000", "0.790000"]
    assert own.retail.price_list == "retail"
    assert own.destination == "Sweden fixed"
    assert (own.billed, own.used, own.trunk, own.mode, own.direction) == (60, 60, "T1", "voice", "out")
    assert own.start == made.FIRST + timedelta(seconds=5)
    assert own.wholesale == ()
    assert [str(one.amount) for one in reseller.wholesale] == ["0.120000 SEK"]
    assert reseller.tiers == (world.reseller,)
    assert [str(one.amount) for one in below.wholesale] == ["0.120000 SEK", "0.180000 SEK"]
    assert below.tiers == (world.reseller, world.below)
    assert sibling.wholesale == ()  # he has no list, so there is no level
    assert str(own.cost.amount) == "0.005000 EUR"
