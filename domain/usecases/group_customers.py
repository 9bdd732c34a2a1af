"""Put customers into groups and take them out: what discounts for groups go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.customers.group import GROUP_MAX, Membership
from domain.ids import CustomerId
from domain.period import utc
from domain.ports.unit import Begin
from domain.ports.versions import Versioned
from domain.refusal import BadValue, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinGroup:
    """The customer is in the group from ``valid_from`` on, before ``valid_to``; None: until it leaves.

    ``version``: that of the customer's groups as they were read; None: whatever it is.
    """

    customer: CustomerId
    name: str
    valid_from: datetime
    valid_to: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveGroup:
    """The customer is no longer in the group from ``at`` on."""

    customer: CustomerId
    name: str
    at: datetime
    version: int | None = None


@operation(Action.WRITE_PRICES)
async def join_group(cmd: JoinGroup, *, actor: Actor, begin: Begin) -> Sequence[Membership]:
    """Put a customer into a group and return its memberships. What is rated already stays; rate it again to change it.

    It moves prices, on whatever level a discount acts, so it asks for the permission of prices.
    Refuses with: NotAllowed, BadValue, NotFound (customer), Overlap (it is in the group then), Stale.
    """
    check_texts(cmd)
    if not cmd.name.strip() or len(cmd.name) > GROUP_MAX:
        raise BadValue("a group's name has 1 to {group_max} characters", group_max=GROUP_MAX, field="name")
    since = utc(cmd.valid_from, field="validFrom")
    until = None if cmd.valid_to is None else utc(cmd.valid_to, field="validTo")
    if until is not None and until <= since:
        raise BadValue("a membership ends after it begins", field="validTo")
    async with begin(actor) as unit:
        customer = await unit.customers.get(cmd.customer)
        new = Membership(operator=actor.operator, customer=customer.id, name=cmd.name, valid_from=since, valid_to=until)
        await unit.groups.add(new)
        await unit.versions.advance(Versioned.CUSTOMER_GROUPS, customer.id, cmd.version)
        detail = {"group": new.name, "from": since.isoformat(), "to": None if until is None else until.isoformat()}
        await unit.audit.write("join_group", f"customer:{customer.id}", detail)
        return await unit.groups.of(customer.id)


@operation(Action.WRITE_PRICES)
async def leave_group(cmd: LeaveGroup, *, actor: Actor, begin: Begin) -> Sequence[Membership]:
    """End a customer's membership of a group; one that would have begun later goes. Returns its memberships.

    Refuses with: NotAllowed, BadValue, NotFound (customer, or it is not in the group then or later), Stale.
    """
    check_texts(cmd)
    at = utc(cmd.at, field="at")
    async with begin(actor) as unit:
        customer = await unit.customers.get(cmd.customer)
        held = [
            one
            for one in await unit.groups.of(customer.id)
            if one.name == cmd.name and (one.valid_to is None or one.valid_to > at)
        ]
        if not held:
            raise NotFound("the customer is not in the group {name} then or later", name=cmd.name, field="name")
        await unit.versions.advance(Versioned.CUSTOMER_GROUPS, customer.id, cmd.version)
        for one in held:
            await unit.groups.end(one, replace(one, valid_to=at) if one.valid_from < at else None)
        await unit.audit.write("leave_group", f"customer:{customer.id}", {"group": cmd.name, "at": at.isoformat()})
        return await unit.groups.of(customer.id)


@operation(Action.READ_CUSTOMERS)
async def list_groups(customer: CustomerId, *, actor: Actor, begin: Begin) -> Sequence[Membership]:
    """Return the memberships of a customer, past ones too. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.customers.get(customer)
        return await unit.groups.of(customer)
