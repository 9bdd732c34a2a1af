"""A row in each table of plans and buckets, for a customer's line."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from domain.buckets.grant import Given, Grant, GrantKind
from domain.buckets.standing import BALANCES, Moved, Standing
from domain.contracts.subscription import Subscription
from domain.ids import GrantId, PlanAssignmentId
from domain.plans.assignment import PlanAssignment
from domain.ports.grants import Crossing
from domain.ports.unit import Unit
from domain.rating.clock import micros
from tests.stores.worlds import NOON

TABLES = ("plan_assignment", "bucket_grant", "bucket_given", "bucket_balance", "bucket_move", "bucket_crossing")


async def fill(unit: Unit, line: Subscription) -> None:
    owner, since = f"subscription:{line.id}", micros(NOON)
    await unit.plans.add(
        PlanAssignment(
            id=PlanAssignmentId(0),
            operator=line.operator,
            customer=line.customer,
            contract=line.contract,
            subscription=line.id,
            plan="Solo",
            valid_from=NOON.date(),
        )
    )
    grant = await unit.grants.add(
        Grant(
            id=GrantId(0),
            operator=line.operator,
            customer=line.customer,
            kind=GrantKind.GRANT,
            bucket="b",
            owner=owner,
            amount=5,
            since=NOON,
            until=NOON + timedelta(days=1),
            granted_at=NOON,
            client="c",
        )
    )
    await unit.draws.claim([line.customer])
    row = (line.customer, "b", owner, since, since + 1, "seconds", 100, 60, 5, "50", 50)
    none = Standing.none()
    balances = pl.DataFrame([row], schema=BALANCES, orient="row")
    await unit.draws.put(Moved(balances, none.losses, none.volumes, none.lasts), at=NOON)
    crossing = Crossing(bucket="b", owner=owner, since=NOON, percent=50, up=True, drawn=60, granted=95, crossed_at=NOON)
    await unit.draws.cross([(line.customer, crossing)])
    given = Given(
        customer=line.customer,
        grant=grant.id,
        gift=grant.id,
        bucket="b",
        owner=owner,
        since=NOON,
        giver=line.id,
        taker=line.id,
        amount=5,
        given_at=NOON,
    )
    await unit.grants.give(given)
