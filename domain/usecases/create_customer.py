"""Create a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.access.actor import Action, Actor, within
from domain.access.editions import Part
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.customers.contact import Contact, Recipient
from domain.customers.customer import (
    TREE_DEPTH_MAX,
    CallSpecification,
    Customer,
    CustomerKind,
    Delivery,
    check,
    check_open,
)
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import CustomerId, ResellerId
from domain.operators import Address
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.define_fields import checked_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCustomer:
    """A new customer. Without ``number`` it is drawn; without ``reseller`` it is the caller's own.

    ``billed_through`` is one above it; ``fields`` are the operator's own.
    """

    name: str
    kind: CustomerKind
    address: Address
    number: str | None = None
    identity_number: str | None = None
    vat_id: str | None = None
    parent: CustomerId | None = None
    through_parent: bool = False
    reseller: ResellerId | None = None
    email: str | None = None
    phone: str | None = None
    language: str = "sv"
    payment_terms_days: int | None = None
    delivery: Delivery = Delivery.PDF
    endpoint: str | None = None
    call_specification: CallSpecification = CallSpecification.ITEMISED
    mask_digits: int = 0
    price_list: str | None = None
    billed_through: CustomerId | None = None
    recipient: Recipient | None = None
    contacts: tuple[Contact, ...] = ()
    credit_limit: Decimal | None = None
    buyer_reference: str | None = None
    order_reference: str | None = None
    cost_centre: str | None = None
    billing_day: int | None = None
    direct_debit: bool = False
    fields: FieldChanges = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CUSTOMERS)
async def create_customer(cmd: CreateCustomer, *, actor: Actor, begin: Begin) -> Customer:
    """Create a customer of the caller's operator, or of one of the caller's resellers.

    Refuses with: NotAllowed, BadValue, NotFound (parent, reseller, price list), Conflict (number, idempotency key).
    """
    if cmd.kind is CustomerKind.PERSON:
        within(actor, Part.PERSONS)
    check_texts(cmd)
    reseller = cmd.reseller if cmd.reseller is not None else actor.reseller
    if actor.limits.groups:
        raise NotAllowed("your level reaches customers of some groups alone, and a new one is in none")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.customers.get(CustomerId(known))
        await _check_places(unit, cmd, reseller)
        number = cmd.number if cmd.number is not None else await unit.customers.next_number()
        fields = await checked_fields(unit, Aggregate.CUSTOMER, cmd.fields)
        new = check(replace(_customer(cmd, actor, number, reseller), fields=fields))
        customer = await unit.customers.add(new)
        await remember(unit.answers, cmd, customer.id)
        await unit.audit.write(
            "create_customer", f"customer:{customer.id}", {"number": customer.number, "version": customer.version}
        )
    return customer


async def _check_places(unit: Unit, cmd: CreateCustomer, reseller: ResellerId | None) -> None:
    if reseller is not None and reseller not in await unit.resellers.tree():
        raise NotFound("no reseller {reseller}", reseller=reseller, field="reseller")
    if cmd.parent is not None:
        above = await unit.customers.above(cmd.parent)
        if not above:
            raise NotFound("no customer {parent}", parent=cmd.parent, field="parent")
        check_open(above[0], field="parent")
        if cmd.billed_through is not None and all(one.id != cmd.billed_through for one in above):
            raise NotFound("no customer {customer} above it", customer=cmd.billed_through, field="billedThrough")
        if len(above) >= TREE_DEPTH_MAX:
            raise BadValue(
                "a tree of customers is at most {tree_depth_max} deep", tree_depth_max=TREE_DEPTH_MAX, field="parent"
            )
    if cmd.price_list is not None:
        await unit.catalogue.named(cmd.price_list, field="priceList")


def _customer(cmd: CreateCustomer, actor: Actor, number: str, reseller: ResellerId | None) -> Customer:
    return Customer(
        id=CustomerId(0),
        operator=actor.operator,
        number=number,
        kind=cmd.kind,
        name=cmd.name.strip(),
        address=cmd.address,
        identity_number=cmd.identity_number,
        vat_id=cmd.vat_id,
        parent=cmd.parent,
        through_parent=cmd.through_parent,
        reseller=reseller,
        email=cmd.email,
        phone=cmd.phone,
        language=cmd.language,
        payment_terms_days=cmd.payment_terms_days,
        delivery=cmd.delivery,
        endpoint=cmd.endpoint,
        call_specification=cmd.call_specification,
        mask_digits=cmd.mask_digits,
        price_list=cmd.price_list,
        billed_through=cmd.billed_through,
        recipient=cmd.recipient,
        contacts=cmd.contacts,
        credit_limit=cmd.credit_limit,
        buyer_reference=cmd.buyer_reference,
        order_reference=cmd.order_reference,
        cost_centre=cmd.cost_centre,
        billing_day=cmd.billing_day,
        direct_debit=cmd.direct_debit,
    )
