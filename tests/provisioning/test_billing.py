"""From an order to the bill: a line that never was activated is never billed, and one that was, from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from domain.contracts.contract import ContractService, ContractState
from domain.contracts.subscription import Subscription
from domain.ids import ServiceId
from domain.invoicing.bill_run import BillRun
from domain.period import Period
from domain.provisioning.order import OrderKind, OrderState
from domain.usecases.run_bills import RunBills, run_bills
from tests.provisioning.conftest import Grid, Simulate
from tests.stores.worlds import service


async def sold(grid: Grid) -> Subscription:
    """A pending line with a monthly fee and a fee for its start."""
    line = await grid.line()
    async with grid.wiring.begin(grid.actor) as unit:
        fees = {"periodic_fee": Decimal(200), "one_time_fee": Decimal(50)}
        made = await unit.services.add(service(grid.actor, **fees))
        agreed = await unit.contracts.claim(line.contract)
        first = ContractService(service=ServiceId(made.id), start=date(2026, 1, 1), subscription=line.id)
        await unit.contracts.keep(replace(agreed, state=ContractState.ACTIVE, services=(first,)))
    return line


async def billed(grid: Grid) -> BillRun:
    first = grid.clock.now().date().replace(day=1)
    period = Period(first, (first + timedelta(days=40)).replace(day=1))
    wiring = grid.wiring
    return await run_bills(RunBills(period=period), actor=grid.actor, begin=wiring.begin, clock=grid.clock)


async def test_a_failed_activation_never_bills(grid: Grid, simulate: Simulate) -> None:
    network = await simulate(refused=1)
    await grid.put(network.document("soap"))
    line = await sold(grid)
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert order.state is OrderState.FAILED
    assert (await billed(grid)).invoices == 0
    network = await simulate()
    await grid.put(network.document("soap") | {"version": 1})
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert order.state is OrderState.CONFIRMED
    run = await billed(grid)
    assert run.invoices == 1
    assert run.net is not None
    assert Decimal(50) < run.net <= Decimal(250)


async def test_an_order_that_is_still_on_its_way_does_not_bill_either(grid: Grid, simulate: Simulate) -> None:
    await grid.put({"name": "cable", "kind": "manual"})
    line = await sold(grid)
    order = await grid.place(line, OrderKind.ACTIVATE)
    await grid.work()
    assert (await grid.get(order.id)).state is OrderState.WAITING
    assert (await billed(grid)).invoices == 0
