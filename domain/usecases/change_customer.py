"""Change a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor, within
from domain.access.editions import Part
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.customers.contact import Contact, Recipient
from domain.customers.customer import CallSpecification, Customer, CustomerKind, Delivery, check, check_open
from domain.customers.place import own_place
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import CustomerId
from domain.operators import Address
from domain.ports.unit import Begin
from domain.refusal import Stale, WrongState
from domain.usecases.define_fields import checked_fields
from domain.usecases.move_customer import check_place


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCustomer:
    """A change of the fields that are given. ``version`` is the one that the caller has read.

    Whose reseller's a customer is does not change: contracts, lines and rated events say the same. ``fields`` names
    those of the operator's own that change. ``parent``, ``through_parent`` and ``billed_through`` correct where the
    customer stands as if it had always been so, for everything not yet invoiced; ``MoveCustomer`` dates a move.
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
    billed_through: Change[CustomerId | None] = UNCHANGED
    recipient: Change[Recipient | None] = UNCHANGED
    contacts: Change[tuple[Contact, ...]] = UNCHANGED
    credit_limit: Change[Decimal | None] = UNCHANGED
    buyer_reference: Change[str | None] = UNCHANGED
    order_reference: Change[str | None] = UNCHANGED
    cost_centre: Change[str | None] = UNCHANGED
    billing_day: Change[int | None] = UNCHANGED
    direct_debit: Change[bool] = UNCHANGED
    fields: Change[FieldChanges] = UNCHANGED


_FIELDS: Final = tuple(name for name in ChangeCustomer.__dataclass_fields__ if name not in {"customer", "version"})
_TREE: Final = ("parent", "through_parent", "billed_through")


@operation(Action.WRITE_CUSTOMERS)
async def change_customer(cmd: ChangeCustomer, *, actor: Actor, begin: Begin) -> Customer:
    """Change what is given and leave the rest; nothing given, or nothing different, changes nothing.

    Refuses with: NotAllowed, NotFound (customer, parent, price list), Stale, BadValue, Conflict (number), WrongState
    (merged, closed or erased; or it stands in the tree by dates).
    """
    if cmd.kind is CustomerKind.PERSON:
        within(actor, Part.PERSONS)
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        if any(name in changes for name in _TREE):
            # Before any customer is locked, so that two moves wait for each other here and nowhere else.
            await unit.customers.hold_tree()
        customer = await unit.customers.claim(cmd.customer)
        if customer.version != cmd.version:
            raise Stale(
                "the customer is at version {version}; read it again", version=customer.version, field="version"
            )
        check_open(customer)
        if "fields" in changes:
            changes["fields"] = await checked_fields(
                unit, Aggregate.CUSTOMER, changes["fields"], before=customer.fields
            )
        changed = check(replace(customer, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(customer, name)]
        if not different:
            return customer
        if any(name in different for name in _TREE):
            if (await unit.places.of([customer.id]))[customer.id]:
                raise WrongState("the customer is moved by dates; move it from a day", field="parent")
            # As if it had always been so: the tree stays one on every day anybody is moved.
            await check_place(unit, own_place(changed), [date.min, *await unit.places.days(date.min)])
        if "price_list" in different and changed.price_list is not None:
            await unit.catalogue.named(changed.price_list, field="priceList")
        kept = await unit.customers.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_customer", f"customer:{customer.id}", detail)
    return kept
