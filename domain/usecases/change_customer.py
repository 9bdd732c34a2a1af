"""Change a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor, allow
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.customers.customer import TREE_DEPTH_MAX, CallSpecification, Customer, CustomerKind, Delivery, check
from domain.ids import CustomerId
from domain.operators import Address
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCustomer:
    """A change of the fields that are given. ``version`` is the one that the caller has read.

    Whose reseller's a customer is does not change: contracts, lines and rated events say the same.
    """

    customer: CustomerId
    version: int
    name: Change[str] = UNCHANGED
    kind: Change[CustomerKind] = UNCHANGED
    number: Change[str] = UNCHANGED
    address: Change[Address] = UNCHANGED
    identity_number: Change[str | None] = UNCHANGED
    vat_id: Change[str | None] = UNCHANGED
    parent: Change[CustomerId | None] = UNCHANGED
    through_parent: Change[bool] = UNCHANGED
    email: Change[str | None] = UNCHANGED
    phone: Change[str | None] = UNCHANGED
    language: Change[str] = UNCHANGED
    payment_terms_days: Change[int | None] = UNCHANGED
    delivery: Change[Delivery] = UNCHANGED
    endpoint: Change[str | None] = UNCHANGED
    call_specification: Change[CallSpecification] = UNCHANGED
    mask_digits: Change[int] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED


_FIELDS: Final = tuple(name for name in ChangeCustomer.__dataclass_fields__ if name not in {"customer", "version"})


async def change_customer(cmd: ChangeCustomer, *, actor: Actor, begin: Begin) -> Customer:
    """Change what is given and leave the rest; nothing given, or nothing different, changes nothing.

    Refuses with: NotAllowed, NotFound (customer, parent, price list), Stale, BadValue, Conflict (number).
    """
    allow(actor, Action.WRITE_CUSTOMERS)
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        if "parent" in changes:
            # Before any customer is locked, so that two moves wait for each other here and nowhere else.
            await unit.customers.hold_tree()
        customer = await unit.customers.claim(cmd.customer)
        if customer.version != cmd.version:
            raise Stale(f"the customer is at version {customer.version}; read it again", field="version")
        changed = check(replace(customer, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(customer, name)]
        if not different:
            return customer
        if "parent" in different and changed.parent is not None:
            await _check_parent(unit, customer.id, changed.parent)
        if "price_list" in different and changed.price_list is not None:
            await unit.catalogue.named(changed.price_list, field="priceList")
        kept = await unit.customers.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_customer", f"customer:{customer.id}", detail)
    return kept


async def _check_parent(unit: Unit, customer: CustomerId, parent: CustomerId) -> None:
    """Check that the parent exists and that the tree stays one; nobody else moves anything in it meanwhile."""
    above = await unit.customers.above(parent)
    if not above:
        raise NotFound(f"no customer {parent}", field="parent")
    if any(one.id == customer for one in above):
        raise BadValue("the parent is the customer itself or below it", field="parent")
    depth, level = len(above), [customer]
    while level and depth < TREE_DEPTH_MAX:
        depth += 1
        level = [child.id for children in (await unit.customers.children(level)).values() for child in children]
    if level:
        raise BadValue(f"a tree of customers is at most {TREE_DEPTH_MAX} deep", field="parent")
