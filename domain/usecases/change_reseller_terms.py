"""Change of whom a reseller buys, at which list, and as which customer he is invoiced for it, from an instant on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.ids import CustomerId, ResellerId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.ports.versions import Versioned
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound
from domain.resellers.reseller import TERMS_MAX, Reseller, Term, as_of, check_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResellerTerms:
    """What holds from ``valid_from`` on (None: now); what is not given stays as it is then. Later terms are dropped.

    ``customer`` is a customer of the one he buys from; None: he is not invoiced. ``version``: that of the terms
    that were read; None: whatever it is.
    """

    reseller: ResellerId
    valid_from: datetime | None = None
    parent: Change[ResellerId | None] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED
    customer: Change[CustomerId | None] = UNCHANGED
    version: int | None = None


@operation(Action.WRITE_CUSTOMERS)
async def change_reseller_terms(
    cmd: ChangeResellerTerms, *, actor: Actor, begin: Begin, clock: Clock
) -> Sequence[Term]:
    """Let other terms hold from an instant on and return all of the reseller's, in the order of time.

    What is rated already stays as it is. The operator changes everybody's; a reseller's client those of the resellers
    below it, and never its own. Refuses with: NotAllowed, NotFound (reseller, parent, price list, customer), BadValue
    (a tree that goes round or is too deep, a customer of somebody else, nothing given), LimitExceeded, Stale.
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, "parent", "price_list", "customer")
    if not changes:
        raise BadValue("say what changes: parent, priceList or customer")
    now = clock.now()
    at = now if cmd.valid_from is None else utc(cmd.valid_from, field="validFrom")
    if actor.reseller is not None and "parent" in changes and changes["parent"] is None:
        raise NotAllowed("only the operator himself lets a reseller buy from him")
    if actor.reseller is not None and cmd.reseller == actor.reseller:
        raise NotAllowed("what a reseller buys at is changed by the one he buys from")
    # The whole tree is looked at, of which a reseller's client sees a part; what it may name was checked in that part.
    async with begin(actor) as unit:
        await _check_reach(unit, cmd, changes)
    whole = replace(actor, reseller=None, resellers=())
    async with begin(whole) as unit:
        await unit.resellers.hold_tree()
        base, terms = await unit.resellers.base(), await unit.resellers.terms()
        if cmd.reseller not in base:
            raise NotFound("no reseller {key}", key=cmd.reseller, field="reseller")
        present = as_of(base, terms, at)[cmd.reseller]
        term = replace(_term(present, at), **changes)
        mine = [one for one in terms if one.reseller == cmd.reseller and one.valid_from < at]
        if len(mine) >= TERMS_MAX:
            raise LimitExceeded("a reseller has at most {most} terms", most=TERMS_MAX)
        others = [one for one in terms if one.reseller != cmd.reseller]
        check_tree(base, [*others, *mine, term])
        if term.customer is not None:
            customer = await unit.customers.get(term.customer)
            if customer.reseller != term.parent:
                raise BadValue("the customer is to be one of whom the reseller buys from", field="customer")
            if any(one.reseller != cmd.reseller and one.customer == term.customer for one in terms):
                raise BadValue("another reseller is invoiced as this customer", field="customer")
        await unit.versions.advance(Versioned.RESELLER_TERMS, cmd.reseller, cmd.version)
        await unit.resellers.drop_terms(cmd.reseller, at)
        await unit.resellers.put_term(term)
        changed = [camel(name) for name in changes]
        detail = {"version": len(mine) + 1, "changed": changed, "valid_from": at.isoformat(), "by": actor.client}
        await unit.audit.write("change_reseller_terms", f"reseller:{cmd.reseller}", detail)
    return [*mine, term]


@operation(Action.READ_CUSTOMERS)
async def list_reseller_terms(key: ResellerId, *, actor: Actor, begin: Begin) -> Sequence[Term]:
    """Return a reseller's terms in the order of time; whom a reseller's own buys from is not told to his client.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        if key not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=key, field="reseller")
        found = [one for one in await unit.resellers.terms() if one.reseller == key]
    return [one if actor.reaches(one.parent) else replace(one, parent=None, customer=None) for one in found]


async def _check_reach(unit: Unit, cmd: ChangeResellerTerms, changes: dict[str, Any]) -> None:
    """Check that the caller sees everything he names. Refuses with: NotFound."""
    tree = await unit.resellers.tree()
    for name, key in (("reseller", cmd.reseller), ("parent", changes.get("parent"))):
        if key is not None and key not in tree:
            raise NotFound("no reseller {key}", key=key, field=name)
    if changes.get("price_list") is not None:
        await unit.catalogue.named(changes["price_list"], field="priceList")
    if changes.get("customer") is not None:
        await unit.customers.get(changes["customer"])


def _term(reseller: Reseller, at: datetime) -> Term:
    return Term(
        reseller=reseller.id,
        valid_from=at,
        parent=reseller.parent,
        price_list=reseller.price_list,
        customer=reseller.customer,
    )
