"""Create a price list."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor, may_write_prices
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.catalogue.proposing import check_head, check_in_place, check_rates
from domain.catalogue.tariff import PriceList, Rate, RoundingRule
from domain.commands import answered, check_texts, remember
from domain.ids import ResellerId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePriceList:
    """A new list. What is None is the parent's; ``reseller``: whose own it is besides the operator's.

    A reseller's client makes lists of its own part of the tree, each below a list it may use.
    """

    name: str
    parent: str | None = None
    currency: str | None = None
    zone: str | None = None
    band_policy: str | None = None
    rounding: RoundingRule | None = None
    rates: tuple[Rate, ...] = ()
    reseller: ResellerId | None = None
    idempotency_key: str | None = None


@operation(any_of=(Action.WRITE_PRICES, Action.WRITE_OWN_PRICES))
@four_eyes(ApprovalKind.PRICES)
async def create_price_list(cmd: CreatePriceList, *, actor: Actor, begin: Begin, clock: Clock) -> PriceList:
    """Create a price list and return it without its rates.

    Refuses with: NotAllowed, BadValue (also a reseller's list without a parent, a destination, band or zone that does
    not exist, or two rates that are equal; the field says which), NotFound (parent, reseller), Conflict (name,
    idempotency key).
    """
    may_write_prices(actor, "create_price_list")
    check_texts(cmd)
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    if actor.reseller is not None and cmd.parent is None:
        raise BadValue("a reseller's list is below one that he buys at or made himself", field="parent")
    new = PriceList(
        name=cmd.name,
        rates=cmd.rates,
        currency=cmd.currency,
        zone=cmd.zone,
        parent=cmd.parent,
        band_policy=cmd.band_policy,
        rounding=cmd.rounding,
    )
    check_head(new)
    check_rates(cmd.rates)
    async with begin(actor) as unit:
        if await answered(unit.answers, cmd) is not None:
            return await unit.catalogue.named(cmd.name, field="name")
        await unit.catalogue.hold()
        if cmd.parent is not None:
            await unit.catalogue.named(cmd.parent, field="parent")
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=reseller, field="reseller")
        if cmd.rates:
            await agreed(unit, actor, ApprovalKind.PRICES, cmd, now=clock.now())
        outline = await unit.catalogue.outline()
        if cmd.name not in outline.price_lists:
            check_in_place(outline, new)
        kept = await unit.catalogue.add_list(new, recorded_at=clock.now(), reseller=reseller)
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("create_price_list", f"price_list:{kept.name}", {"rates": len(cmd.rates)})
    return replace(kept, rates=())
