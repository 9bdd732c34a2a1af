"""What the tests of credit do again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from api.wiring import Wiring
from api.worker import Worker
from domain.access.actor import Actor
from domain.credit.counting import recount
from domain.credit.kinds import Kind
from domain.credit.limit import CreditLimit
from domain.ids import CustomerId, SubscriptionId
from domain.ledger.entry import BAS, Entry, Posting
from domain.ports.page import PageRequest
from domain.provisioning.order import Bar
from domain.usecases.authorise_call import Authorisation, AuthoriseCall, authorise_call
from domain.usecases.check_credit import check_credit
from domain.usecases.limit_credit import Exposure, SetCreditLimit, set_credit_limit, show_credit
from domain.usecases.price_call import PriceCall, price_call
from domain.usecases.reserve_call import ReserveCall, reserve_call
from tests.intake import world as made

NOW = made.NOW
NOVEMBER = ["2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00"]


class MovingClock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **how_long: float) -> datetime:
        self.at += timedelta(**how_long)
        return self.at


def request(first: int = 100) -> PageRequest:
    return PageRequest(first)


def around(wiring: Wiring, actor: Actor, **more: Any) -> dict[str, Any]:
    return {"actor": actor, "begin": wiring.begin, "clock": wiring.clock, **more}


async def limit(wiring: Wiring, world: made.World, amount: str, **more: Any) -> CreditLimit:
    """Limit customer 0, unless something else is said."""
    subject = {} if {"group", "subscription", "each_line"} & more.keys() else {"customer": world.customers[0]}
    cmd = SetCreditLimit(amount=Decimal(amount), **{**subject, **more})
    return await set_credit_limit(cmd, **around(wiring, world.actor))


async def exposures(wiring: Wiring, world: made.World, index: int = 0) -> dict[SubscriptionId | None, Exposure]:
    found = await show_credit(world.customers[index], **around(wiring, world.actor))
    return {one.subscription: one for one in found}


async def used(wiring: Wiring, world: made.World, kind: Kind = Kind.ALL, line: SubscriptionId | None = None) -> Decimal:
    one = (await exposures(wiring, world))[line]
    return next((each.used for each in one.kinds if each.kind is kind), Decimal(0))


async def look(wiring: Wiring, world: made.World) -> int:
    """Do what a worker does about everybody."""
    return await check_credit(world.customers, **around(wiring, world.actor))


async def barred(wiring: Wiring, world: made.World, index: int = 0) -> set[Bar]:
    """Return what a line is barred from, or is to be: by what was ordered."""
    async with wiring.begin(world.actor) as unit:
        return {one.bar for one in await unit.credit.bars(world.customers[index])}


async def really_barred(wiring: Wiring, world: made.World, index: int = 0) -> set[Bar]:
    """Return what a line is barred from in the network, after a worker has done its jobs."""
    await Worker(wiring).run(until_idle=True)
    async with wiring.begin(world.actor) as unit:
        key = world.subscriptions[index]
        return {one.bar for one in (await unit.orders.barrings([key], at=wiring.clock.now()))[key]}


async def book(
    wiring: Wiring, world: made.World, customer: CustomerId, minor: int, key: str, currency: str = "SEK"
) -> None:
    """Let a customer owe more, or less, by the ledger."""
    postings = (Posting(BAS.receivable, currency, minor), Posting(BAS.bank, currency, -minor))
    entry = Entry(key=key, booked_on=NOW.date(), text=key, postings=postings, customer=customer)
    async with wiring.begin(world.actor) as unit:
        await unit.ledger.post([entry])


async def from_scratch(wiring: Wiring, world: made.World) -> Any:
    """Return what is unbilled as it is kept, and as it is when it is added up anew."""

    async def kept() -> Any:
        async with wiring.begin(world.actor) as unit:
            found = await unit.credit.accounts(world.customers)
        return {
            (one.customer, one.subscription): {kind: amount for kind, amount in one.unbilled.items() if amount}
            for each in found.values()
            for one in each
        }

    before = await kept()
    async with wiring.begin(world.actor, bulk=True) as unit:
        await recount(unit, world.customers, at=NOW)
    return before, await kept()


async def ask(wiring: Wiring, world: made.World, number: str = "4712345678", **more: Any) -> Authorisation:
    cmd = AuthoriseCall(subscription=world.subscriptions[0], number=number, **more)
    return await authorise_call(cmd, **around(wiring, world.actor, raters=wiring.raters))


async def reserve(wiring: Wiring, world: made.World, number: str = "4712345678", **more: Any) -> Any:
    cmd = ReserveCall(subscription=world.subscriptions[0], number=number, **more)
    return await reserve_call(cmd, **around(wiring, world.actor, raters=wiring.raters))


def price(wiring: Wiring, world: made.World, number: str) -> Any:
    """Return what tells the price of a length, by the use case that everybody asks."""

    async def of(units: int) -> Decimal:
        cmd = PriceCall(subscription=world.subscriptions[0], number=number, used=units)
        quote = await price_call(cmd, **around(wiring, world.actor, raters=wiring.raters))
        assert quote.retail is not None
        return quote.retail.amount.value

    return of
