"""Create a reseller."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ResellerId
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound
from domain.resellers.reseller import TIERS_MAX, Reseller, Seller, check, tiers
from domain.usecases.define_fields import checked_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReseller:
    """A new reseller, under the operator himself or under another reseller. ``price_list``: what he buys at.

    A reseller's client makes resellers below its own; without ``parent`` directly below.
    """

    code: str
    name: str
    parent: ResellerId | None = None
    price_list: str | None = None
    seller: Seller | None = None
    fields: FieldChanges = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CUSTOMERS)
async def create_reseller(cmd: CreateReseller, *, actor: Actor, begin: Begin) -> Reseller:
    """Create a reseller below the caller.

    Refuses with: NotAllowed, BadValue, NotFound (parent, price list), Conflict (code, idempotency key).
    """
    check_texts(cmd)
    parent = actor.reseller if cmd.parent is None else cmd.parent
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        tree = await unit.resellers.tree()
        if known is not None:
            return tree[ResellerId(known)]
        if parent is not None and parent not in tree:
            raise NotFound("no reseller {key}", key=parent, field="parent")
        if len(tiers(parent, tree)) >= TIERS_MAX:
            raise BadValue("a tree of resellers has at most {most} tiers", most=TIERS_MAX, field="parent")
        if cmd.price_list is not None:
            await unit.catalogue.named(cmd.price_list, field="priceList")
        if (
            cmd.seller is not None
            and cmd.seller.logo is not None
            and await unit.resellers.logo(cmd.seller.logo) is None
        ):
            raise NotFound("no such picture was put", field="seller.logo")
        reseller = Reseller(
            id=ResellerId(0),
            operator=actor.operator,
            code=cmd.code,
            name=cmd.name,
            parent=parent,
            price_list=cmd.price_list,
            seller=cmd.seller,
            fields=await checked_fields(unit, Aggregate.RESELLER, cmd.fields),
        )
        kept = await unit.resellers.add(check(reseller))
        await remember(unit.answers, cmd, kept.id)
        detail = {"code": kept.code, "version": kept.version, "reseller": parent}
        await unit.audit.write("create_reseller", f"reseller:{kept.id}", detail)
    return kept
