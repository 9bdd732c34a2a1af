"""Say what a reseller pays for services from a day on, and tell what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.service import Service
from domain.ids import ResellerId, ServiceId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import LimitExceeded, NotAllowed, NotFound
from domain.resellers.buying import PRICES_MAX, Buying, WholesalePrice, check_price
from domain.usecases.fit_contract import day_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PutWholesalePrice:
    """What a reseller pays for a service (None: for all that have no price of their own) from ``valid_from`` on.

    A new price, or with ``version`` the whole of a changed one of that day. A fee of None is ``percent`` off what the
    one he buys from pays. Without any of them he pays the same.
    """

    reseller: ResellerId
    service: ServiceId | None = None
    valid_from: date
    percent: Decimal | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    version: int | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholesaleFee:
    """What a reseller pays for one of a service on a day; ``id`` is the service's."""

    service: Service
    one_time_fee: Decimal
    periodic_fee: Decimal

    @property
    def id(self) -> ServiceId:
        """The service's key."""
        return self.service.id


@operation(Action.WRITE_CONTRACTS)
async def put_wholesale_price(cmd: PutWholesalePrice, *, actor: Actor, begin: Begin) -> WholesalePrice:
    """Let a reseller pay other fees for services from a day on; days that are billed are corrected by the next run.

    The operator does so for everybody, a reseller's client for the resellers below it. Refuses with: NotAllowed,
    NotFound (reseller, service, the price to change), BadValue, Stale, Conflict (there is one of that day, key),
    LimitExceeded.
    """
    check_texts(cmd)
    if actor.reseller is not None and cmd.reseller == actor.reseller:
        raise NotAllowed("what a reseller buys at is changed by the one he buys from")
    made = check_price(
        WholesalePrice(
            operator=actor.operator,
            reseller=cmd.reseller,
            service=cmd.service,
            valid_from=cmd.valid_from,
            percent=cmd.percent,
            one_time_fee=cmd.one_time_fee,
            periodic_fee=cmd.periodic_fee,
        )
    )
    async with begin(actor) as unit:
        await _reached(unit, cmd.reseller)
        known = await answered(unit.answers, cmd)
        prices = await unit.wholesale.prices(cmd.reseller)
        if known is not None:
            return next(one for one in prices if one.id == known)
        before = next((one for one in prices if (one.service, one.valid_from) == (cmd.service, cmd.valid_from)), None)
        if cmd.version is not None:
            if before is None:
                raise NotFound("no price from {day} on", day=cmd.valid_from, field="validFrom")
            made = replace(made, id=before.id, version=cmd.version)
        elif len(prices) >= PRICES_MAX:
            raise LimitExceeded("a reseller has at most {most} prices of services", most=PRICES_MAX)
        kept = await unit.wholesale.put(made)
        await remember(unit.answers, cmd, kept.id)
        detail = {
            "reseller": kept.reseller,
            "service": kept.service,
            "version": kept.version,
            "changed": ["percent", "oneTimeFee", "periodicFee"],
            "before": None if before is None or cmd.version is None else _told(before),
            "after": _told(kept),
        }
        await unit.audit.write("price_reseller", f"reseller:{kept.reseller}", detail)
    return kept


@operation(Action.READ_CONTRACTS)
async def list_wholesale_prices(reseller: ResellerId, *, actor: Actor, begin: Begin) -> Sequence[WholesalePrice]:
    """Return what was agreed with a reseller about services, by service and day.

    A reseller's client is not told by how much its own prices differ from those of the one above it.
    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        await _reached(unit, reseller)
        found = await unit.wholesale.prices(reseller)
    return [replace(one, percent=None) for one in found] if reseller == actor.reseller else found


@operation(Action.READ_CONTRACTS)
async def list_wholesale_fees(
    request: PageRequest, *, reseller: ResellerId, on: date | None = None, actor: Actor, begin: Begin, clock: Clock
) -> Page[WholesaleFee]:
    """Return what a reseller pays for services on a day (None: today), by their keys.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        await _reached(unit, reseller)
        operator = await unit.operators.own()
        page = await unit.services.page(request)
    day = on or day_in(operator, clock.now())
    # Prices of those above him are looked at; what is told is what he pays himself.
    async with begin(replace(actor, reseller=None, resellers=())) as unit:
        buying = Buying(
            await unit.resellers.base(),
            await unit.resellers.terms(),
            await unit.wholesale.prices(),
            zone=operator.zone,
        )
    found = []
    for service in page.items:
        once, periodic = buying.pays(reseller, service, day)
        found.append(WholesaleFee(service=service, one_time_fee=once, periodic_fee=periodic))
    return Page(found, more=page.more)


async def _reached(unit: Unit, reseller: ResellerId) -> None:
    if reseller not in await unit.resellers.tree():
        raise NotFound("no reseller {key}", key=reseller, field="reseller")


def _told(price: WholesalePrice) -> dict[str, str | None]:
    names = ("valid_from", "percent", "one_time_fee", "periodic_fee")
    return {name: None if getattr(price, name) is None else str(getattr(price, name)) for name in names}
