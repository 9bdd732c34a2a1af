"""Change prices of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor, may_write_prices
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.catalogue.proposing import check_in_place, check_rates
from domain.catalogue.tariff import Rate
from domain.commands import check_texts
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.ports.versions import Versioned
from domain.refusal import BadValue, NotAllowed
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePrices:
    """Rates that hold from ``valid_from`` on, until their own ``valid_to`` where they have one.

    ``version``: that of the list's prices as they were read; None: whatever it is.
    """

    price_list: str
    rates: tuple[Rate, ...]
    valid_from: datetime
    version: int | None = None


@operation(any_of=(Action.WRITE_PRICES, Action.WRITE_OWN_PRICES))
@four_eyes(ApprovalKind.PRICES)
async def change_prices(cmd: ChangePrices, *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[Rate]:
    """Put rates into force from an instant on and return the versions that began.

    The versions in force with the same destination, origin, mode, direction, band and zone end there. The same change
    again changes nothing. What is rated already stays as it is.
    Refuses with: NotAllowed, NotFound (list), BadValue (also a destination, band or zone that does not exist, or two
    rates that are equal; the field says which), Stale.
    """
    may_write_prices(actor, "change_prices")
    check_texts(cmd)
    start = utc(cmd.valid_from, field="validFrom")
    if not cmd.rates:
        raise BadValue("say at least one rate", field="rates")
    rates = tuple(replace(rate, valid_from=start, id=0, recorded_at=None) for rate in cmd.rates)
    check_rates(rates)
    async with begin(actor) as unit:
        await unit.catalogue.hold()
        await unit.catalogue.named(cmd.price_list, field="priceList")
        if actor.reseller is not None and not actor.reaches(await unit.catalogue.owner(cmd.price_list)):
            raise NotAllowed("this list is that of the one you buy from; make one of your own below it")
        await agreed(unit, actor, ApprovalKind.PRICES, cmd, now=clock.now())
        outline = await unit.catalogue.outline()
        # Alone with its new rates: how they meet the old ones is for the store to settle, and no fault.
        check_in_place(outline, replace(outline.price_lists[cmd.price_list], rates=rates))
        begun = await unit.catalogue.put_rates(cmd.price_list, rates, valid_from=start, recorded_at=clock.now())
        if begun:
            await unit.versions.advance(Versioned.PRICES, cmd.price_list, cmd.version)
            detail = {"rates": len(cmd.rates), "valid_from": start.isoformat()}
            await unit.audit.write("change_prices", f"price_list:{cmd.price_list}", detail)
    return begun
