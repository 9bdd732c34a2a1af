"""Create a reseller."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor, allow
from domain.commands import answered, check_texts, remember
from domain.ids import ResellerId
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.resellers.reseller import TIERS_MAX, Reseller, check, tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReseller:
    """A new reseller, under the operator himself or under another reseller. ``price_list``: what he buys at."""

    code: str
    name: str
    parent: ResellerId | None = None
    price_list: str | None = None
    idempotency_key: str | None = None


async def create_reseller(cmd: CreateReseller, *, actor: Actor, begin: Begin) -> Reseller:
    """Create a reseller; only the operator himself may.

    Refuses with: NotAllowed, BadValue, NotFound (parent, price list), Conflict (code, idempotency key).
    """
    allow(actor, Action.WRITE_CUSTOMERS)
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself creates resellers")
    check_texts(cmd)
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        tree = await unit.resellers.tree()
        if known is not None:
            return tree[ResellerId(known)]
        if cmd.parent is not None and cmd.parent not in tree:
            raise NotFound(f"no reseller {cmd.parent}", field="parent")
        if len(tiers(cmd.parent, tree)) >= TIERS_MAX:
            raise BadValue(f"a tree of resellers has at most {TIERS_MAX} tiers", field="parent")
        if cmd.price_list is not None:
            await unit.catalogue.named(cmd.price_list, field="priceList")
        reseller = Reseller(
            id=ResellerId(0),
            operator=actor.operator,
            code=cmd.code,
            name=cmd.name,
            parent=cmd.parent,
            price_list=cmd.price_list,
        )
        kept = await unit.resellers.add(check(reseller))
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("create_reseller", f"reseller:{kept.id}", {"code": kept.code})
    return kept
