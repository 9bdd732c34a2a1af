"""Real files: every record finds whose line it was at its own time, whatever the line is known by."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.wiring import Wiring
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.stepping import Step
from domain.contracts.subscription import NumberAssignment, SubscriptionState
from domain.ids import CustomerId
from domain.numbers.ordering import OrderKind, OrderState
from domain.ports.usage import UsageFilter
from domain.rerating.rerating import Reason, Selection
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.port_number import RequestPort, StepPort, request_port, step_port
from domain.usecases.rerate import Rerate, rerate
from domain.usecases.step_subscription import StepSubscription, step_subscription
from domain.usecases.transfer_number import TransferNumber, transfer_number
from tests.intake import world as made
from tests.intake.conftest import Importer, intake_database, load, stored, wiring, world

__all__ = ["intake_database", "load", "stored", "wiring", "world"]
FIXED = "46850000000"
THEIRS = "46812345600"
MOMENT = made.FIRST + timedelta(days=3)
# A call's event begins when it is answered, five seconds after its row's start.
BEFORE, AFTER = MOMENT - timedelta(seconds=6), MOMENT - timedelta(seconds=5)
ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=30))


async def owners(wiring: Wiring, world: made.World) -> list[CustomerId]:
    async with wiring.begin(world.actor) as unit:
        return [one.customer for one in (await unit.usage.page(ALL, first=1000))[0]]


def around(a: str, **more: Any) -> bytes:
    return made.lines(made.row(1, a=a, b=FIXED, start=BEFORE, **more), made.row(2, a=a, b=FIXED, start=AFTER, **more))


def at(wiring: Wiring, world: made.World) -> dict[str, Any]:
    return {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}


async def port(wiring: Wiring, world: made.World, kind: OrderKind, index: int, number: str) -> None:
    cmd = RequestPort(
        kind=kind, subscription=world.subscriptions[index], number=number, other="TELIA", wanted_at=MOMENT
    )
    order = await request_port(cmd, **at(wiring, world))
    await step_port(StepPort(order=order.id, state=OrderState.CONFIRMED), **at(wiring, world))
    await step_port(StepPort(order=order.id, state=OrderState.DONE), **at(wiring, world))


async def test_a_number_ported_in_is_ours_from_its_moment_on(wiring: Wiring, world: made.World, load: Importer) -> None:
    await port(wiring, world, OrderKind.PORT_IN, 0, "070-999 88 77")
    done = await load(around("46709998877"))
    assert (done.file.rated, done.file.unrated) == (1, 1)
    assert await owners(wiring, world) == [world.customers[0]]


async def test_a_number_ported_out_is_ours_until_its_moment(wiring: Wiring, world: made.World, load: Importer) -> None:
    await port(wiring, world, OrderKind.PORT_OUT, 0, made.number(0))
    done = await load(around(made.number(0)))
    assert (done.file.rated, done.file.unrated) == (1, 1)
    assert await owners(wiring, world) == [world.customers[0]]


async def test_a_number_that_moves_is_each_ones_at_its_time(wiring: Wiring, world: made.World, load: Importer) -> None:
    first, second = world.subscriptions[0], world.subscriptions[3]
    cmd = TransferNumber(number=made.number(0), source=first, target=second, at=MOMENT)
    await transfer_number(cmd, **at(wiring, world))
    await load(around(made.number(0)))
    assert await owners(wiring, world) == [world.customers[0], world.customers[3]]


async def assign(
    wiring: Wiring, world: made.World, index: int, kind: IdentifierKind, text: str, since: datetime = made.BEGAN
) -> None:
    new = NumberAssignment(number=text, valid_from=since, kind=kind)
    await assign_numbers(AssignNumbers(subscription=world.subscriptions[index], numbers=(new,)), **at(wiring, world))


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (IdentifierKind.SIP, "sip:alice@pbx.example.com", "alice"),
        (IdentifierKind.IMSI, "240011234567890", "240011234567890"),
        (IdentifierKind.FIXED, "08-123 456 78", "0812345678"),
        (IdentifierKind.IP, "192.0.2.7", "192.0.2.7"),
        (IdentifierKind.IP, "2001:db8:7::/48", "2001:DB8:7:0::1"),
        (IdentifierKind.IP, "192.0.2.0/24", "192.0.2.200"),
    ],
)
async def test_a_line_is_found_by_what_it_is_known_by(
    wiring: Wiring, world: made.World, load: Importer, kind: IdentifierKind, text: str, told: str
) -> None:
    await assign(wiring, world, 2, kind, text, since=MOMENT)
    done = await load(around(told))
    assert (done.file.rated, done.file.unrated) == (1, 1)
    assert await owners(wiring, world) == [world.customers[2]]


@pytest.mark.parametrize(
    ("kind", "text", "trunk"),
    [(IdentifierKind.TRUNK, "pbx-7", "pbx-7"), (IdentifierKind.IP, "198.51.100.0/28", "198.51.100.7")],
)
async def test_a_trunk_tells_where_the_number_is_nobodys(
    wiring: Wiring, world: made.World, load: Importer, kind: IdentifierKind, text: str, trunk: str
) -> None:
    await assign(wiring, world, 2, kind, text, since=MOMENT)
    rows = [
        made.row(n, a=a, b=FIXED, start=start).split(",")
        for n, (a, start) in enumerate((("46899999999", BEFORE), ("46899999999", AFTER), (made.number(0), AFTER)))
    ]
    for fields in rows:
        fields[0] = f'"{trunk}"'  # accountcode, which the source maps to trunk_in
    done = await load(made.lines(*(",".join(fields) for fields in rows)))
    assert (done.file.rated, done.file.unrated) == (2, 1)
    # A number that is somebody's goes before the trunk.
    assert sorted(await owners(wiring, world)) == sorted([world.customers[2], world.customers[0]])
    # Which trunk it came over is not kept with a rated event; its owner stays when it is rated again.
    cmd = Rerate(selection=Selection(since=ALL.since, until=ALL.until), reason=Reason.WRONG_PRICE)
    again = await rerate(cmd, **at(wiring, world), raters=wiring.raters)
    assert (again.tally.examined, again.tally.same) == (2, 2)
    assert sorted(await owners(wiring, world)) == sorted([world.customers[2], world.customers[0]])


async def test_what_is_pending_has_no_calls_and_what_failed_never_has(
    wiring: Wiring, world: made.World, load: Importer
) -> None:
    async with wiring.begin(world.actor) as unit:
        one = await unit.subscriptions.claim(world.subscriptions[0])
        await unit.subscriptions.keep(
            replace(one, state=SubscriptionState.PENDING, state_since=made.BEGAN, activated_at=None)
        )
    held = await load(made.lines(made.row(1, a=made.number(0), b=FIXED)))
    assert (held.file.rated, held.file.unrated) == (0, 1)
    cmd = StepSubscription(subscription=world.subscriptions[0], step=Step.ACTIVATE, at=made.FIRST)
    await step_subscription(cmd, **at(wiring, world))
    done = await load(made.lines(made.row(2, a=made.number(0), b=FIXED)), name="2.csv")
    assert (done.file.rated, done.file.unrated) == (1, 0)


async def test_an_ended_line_has_no_calls_after_its_end(wiring: Wiring, world: made.World, load: Importer) -> None:
    cmd = StepSubscription(subscription=world.subscriptions[0], step=Step.END, at=MOMENT)
    async with wiring.begin(world.actor) as unit:
        one = await unit.subscriptions.claim(world.subscriptions[0])
        await unit.subscriptions.keep(replace(one, activated_at=made.BEGAN, state_since=made.BEGAN))
    await step_subscription(cmd, **at(wiring, world))
    done = await load(around(made.number(0)))
    assert (done.file.rated, done.file.unrated) == (1, 1)
