"""Discounts for groups and single customers through the import, by the time of each event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.actor import Action, system
from domain.ids import OperatorId
from domain.refusal import BadValue, NotAllowed, NotFound, Overlap
from domain.usecases.explain_usage import explain_usage
from domain.usecases.group_customers import JoinGroup, LeaveGroup, join_group, leave_group, list_groups
from tests.buckets import made as own
from tests.intake import world as made

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def ring(name: str, percent: str, when: dict[str, object], **more: object) -> dict[str, object]:
    return {"id": name, "priority": 1, "effect": {"percent": percent}, "when": when} | more


def hourly(count: int, a: int = 0) -> bytes:
    starts = [datetime(2026, 3, 2, 10, tzinfo=UTC) + timedelta(hours=n) for n in range(count)]
    return made.lines(
        *(made.row(10 * a + n, a=made.number(a), b="46850000000", seconds=60, start=at) for n, at in enumerate(starts))
    )


async def test_a_group_holds_by_the_events_own_time(wiring, world, load):
    sme = ring("sme", "-50", {"groups": ["SME"]})
    await own.publish(wiring, world, discount_rings=[sme])
    ask = {"actor": world.actor, "begin": wiring.begin}
    await join_group(JoinGroup(customer=world.customers[0], name="SME", valid_from=NOON), **ask)
    await leave_group(LeaveGroup(customer=world.customers[0], name="SME", at=NOON + timedelta(hours=2)), **ask)
    await load(hourly(6))
    await load(hourly(1, a=3), name="other.csv")
    found = await own.events(wiring, world)
    first = [own.micro(one) for one in found if one.subscription == world.subscriptions[0]]
    assert first == [600_000, 600_000, 300_000, 300_000, 600_000, 600_000]
    assert [own.micro(one) for one in found if one.subscription == world.subscriptions[3]] == [600_000]
    for event in found:
        said = await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
        assert len(said.explanation.levels[0].rings) == (own.micro(event) == 300_000)


async def test_discounts_combine_and_exclude_for_one_customer(wiring, world, load):
    customer = f"customer:{world.customers[0]}"
    rings = [
        ring("all", "-10", {"modes": ["voice"]}),
        ring("small", "-20", {"parties": [customer]}, exclusive="best", priority=2),
        ring("large", "-30", {"parties": [f"contract:{1}", customer]}, exclusive="best", priority=3),
        ring("wholesale", "-50", {}, levels=["wholesale"], priority=4),
    ]
    await own.publish(wiring, world, discount_rings=rings)
    await load(hourly(1) + hourly(1, a=1))
    mine, other = sorted(await own.events(wiring, world), key=lambda one: one.subscription)
    # 0.60 less a tenth, less three tenths of the rest; the other pays half of 0.60 less a tenth.
    assert own.micro(mine) == 378_000
    assert own.micro(other) == 270_000
    assert [str(one.amount) for one in other.wholesale] == ["0.060000 SEK"]
    said = await explain_usage(mine.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    (retail, *_) = said.explanation.levels
    assert [(one.ring, one.share) for one in retail.rings] == [("all", -60_000), ("large", -162_000)]
    assert retail.amount == 600_000 + sum(one.share for one in retail.rings)


async def test_a_volume_is_reached_across_files_and_told(wiring, world, load):
    rings = [own.volume_ring("much", "150", "-50")]
    await own.publish(wiring, world, discount_rings=rings)
    for n in range(4):
        start = datetime(2026, 3, 2, 10 + n, tzinfo=UTC)
        data = made.lines(made.row(n, a=made.number(0), b="46850000000", seconds=60, start=start))
        await load(data, name=f"{n}.csv")
    found = await own.events(wiring, world)
    assert [own.micro(one) for one in found] == [600_000, 600_000, 600_000, 300_000]
    said = await explain_usage(found[3].ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    assert [one.ring for one in said.explanation.levels[0].rings] == ["much"]


async def test_who_may_group_whom(wiring, world):
    customer, ask = world.customers[1], {"begin": wiring.begin}
    join = JoinGroup(customer=customer, name="SME", valid_from=NOON)
    assert [one.name for one in await join_group(join, actor=world.actor, **ask)] == ["SME"]
    with pytest.raises(Overlap):
        await join_group(
            JoinGroup(customer=customer, name="SME", valid_from=NOON + timedelta(1)), actor=world.actor, **ask
        )
    for wrong in ("", "x" * 101):
        with pytest.raises(BadValue):
            await join_group(JoinGroup(customer=customer, name=wrong, valid_from=NOON), actor=world.actor, **ask)
    stranger = system(OperatorId(999_999))
    with pytest.raises(NotFound):
        await join_group(join, actor=stranger, **ask)
    leave = LeaveGroup(customer=customer, name="SME", at=NOON)
    with pytest.raises(NotFound):
        await leave_group(leave, actor=stranger, **ask)
    # A discount may act on what the reseller pays, so grouping is the operator's.
    reseller = world.of_reseller(world.reseller, scopes=[Action.READ_CUSTOMERS, Action.WRITE_CUSTOMERS])
    for change, cmd in ((join_group, join), (leave_group, leave)):
        with pytest.raises(NotAllowed):
            await change(cmd, actor=reseller, **ask)
    assert len(await list_groups(customer, actor=reseller, **ask)) == 1
    with pytest.raises(NotFound):
        await list_groups(customer, actor=world.of_reseller(world.sibling), **ask)
    assert await leave_group(leave, actor=world.actor, **ask) == []
    with pytest.raises(NotFound):
        await leave_group(leave, actor=world.actor, **ask)
