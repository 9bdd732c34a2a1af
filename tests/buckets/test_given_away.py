"""Units that are given away: by what they are sold for, within a level's limits, and with a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from api.carrying import WATCHED, carrier
from domain.access.actor import Action
from domain.access.approval import ApprovalKind, ApprovalRule, NeedsApproval
from domain.access.limits import Ceiling, Limits
from domain.ids import UserId
from domain.refusal import NotAllowed
from domain.usecases.decide_approval import DecideApproval, SetApprovalRules, decide_approval, set_approval_rules
from domain.usecases.grant_units import GrantUnits, WithdrawGrant, grant_units, withdraw_grant
from tests.buckets import made as own
from tests.buckets.test_life import MONTHLY, TOP, around, service

APRIL = datetime(2026, 4, 1, tzinfo=UTC)
# 50 minutes of which nobody says what they cost.
PLAIN = own.bucket("plain", "each subscription", "50", period=MONTHLY, of=["retail"])


def limited(actor, most: str):
    ceiling = Ceiling(currency="SEK", each=Decimal(most), day=Decimal(most))
    return replace(actor, limits=Limits(amounts=(ceiling,)), client=f"desk-{most}")


async def test_what_is_sold_at_its_price_is_given_to_nobody(wiring, world):
    await own.publish(wiring, world, buckets=[TOP])
    await service(wiring, world)
    desk = around(wiring, world) | {"actor": limited(world.actor, "50")}
    line = world.subscriptions[0]
    sold = await grant_units(GrantUnits(subscription=line, bucket="top"), **desk)
    assert sold.grant.price == Decimal("99.5")
    # For 49.50 less it is given away for that; at half the units it costs half.
    await grant_units(GrantUnits(subscription=line, bucket="top", price=Decimal("99.00")), **desk)
    await grant_units(GrantUnits(subscription=line, bucket="top", amount=Decimal(50), price=Decimal("49.75")), **desk)
    with pytest.raises(NotAllowed, match="at a time"):
        await grant_units(GrantUnits(subscription=line, bucket="top", price=Decimal(0)), **desk)
    with pytest.raises(NotAllowed, match="in a day"):
        await grant_units(GrantUnits(subscription=line, bucket="top", price=Decimal("49.75")), **desk)
    with pytest.raises(NotAllowed, match="at a time"):
        await withdraw_grant(WithdrawGrant(grant=sold.grant.id), **desk)


async def test_what_has_no_price_is_beyond_every_limit(wiring, world):
    await own.publish(wiring, world, buckets=[TOP, PLAIN])
    line = world.subscriptions[0]
    free = GrantUnits(subscription=line, bucket="plain", amount=Decimal(5), valid_to=APRIL)
    with pytest.raises(NotAllowed, match="cannot be told"):
        await grant_units(free, **around(wiring, world) | {"actor": limited(world.actor, "1000000")})
    assert (await grant_units(free, **around(wiring, world))).grant.price == 0


async def test_a_second_person_lets_units_be_given_away(wiring, world):
    await own.publish(wiring, world, buckets=[TOP])
    await service(wiring, world)
    boss = {"actor": world.actor, "begin": wiring.begin}
    rule = ApprovalRule(kind=ApprovalKind.CREDIT, above=Decimal(10))
    await set_approval_rules(SetApprovalRules(rules=(rule,), version=0), **boss)
    line = world.subscriptions[0]
    await grant_units(GrantUnits(subscription=line, bucket="top"), **around(wiring, world))
    small = GrantUnits(subscription=line, bucket="top", price=Decimal("89.50"))
    await grant_units(small, **around(wiring, world))
    asked = GrantUnits(subscription=line, bucket="top", price=Decimal(0), idempotency_key="g")
    with pytest.raises(NeedsApproval) as no:
        await grant_units(asked, **around(wiring, world))
    other = replace(world.actor, client="second", scopes=frozenset(Action), user=UserId(10**6))
    cmd = DecideApproval(approval=no.value.approval, version=1, approve=True)
    done = await decide_approval(
        cmd, actor=other, begin=wiring.begin, clock=around(wiring, world)["clock"], carry=carrier(wiring)
    )
    assert (done.state, done.amount) == ("carried_out", Decimal("99.5"))
    # Sent again under its key it is answered, and gives nothing more.
    again = await grant_units(asked, **around(wiring, world))
    assert again.grant.price == 0
    assert set(WATCHED) >= {"grant_units", "withdraw_grant"}
