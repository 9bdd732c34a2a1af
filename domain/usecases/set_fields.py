"""Fill in, change and empty fields of the operator's own on anything that has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.access.actor import Action, Actor, allow
from domain.access.operations import operation
from domain.commands import check_texts
from domain.customers.customer import check_open
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ContractId, CustomerId, ResellerId, ServiceId, SubscriptionId
from domain.ports.unit import Begin, Unit
from domain.refusal import NotAllowed, NotFound, Stale
from domain.usecases.define_fields import checked_fields

_ACTIONS: Final = {
    Aggregate.CUSTOMER: Action.WRITE_CUSTOMERS,
    Aggregate.RESELLER: Action.WRITE_CUSTOMERS,
    Aggregate.CONTRACT: Action.WRITE_CONTRACTS,
    Aggregate.SUBSCRIPTION: Action.WRITE_CONTRACTS,
    Aggregate.SERVICE: Action.WRITE_CONTRACTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    """Changes of the named fields of one thing at the version that was read; those that are not named stay."""

    aggregate: Aggregate
    id: int
    version: int
    fields: FieldChanges


@operation(any_of=(Action.WRITE_CUSTOMERS, Action.WRITE_CONTRACTS))
async def set_fields(cmd: SetFields, *, actor: Actor, begin: Begin) -> Any:
    """Write fields and return what they are of; nothing different changes nothing.

    Refuses with: NotAllowed (a reseller's client and a service), NotFound, Stale, BadValue, WrongState (a customer that
    is merged, closed or erased).
    """
    allow(actor, _ACTIONS[cmd.aggregate], "set_fields")
    if cmd.aggregate is Aggregate.SERVICE and actor.reseller is not None:
        raise NotAllowed("only the operator himself changes services")
    check_texts(cmd)
    async with begin(actor) as unit:
        claim, keep = _store(unit, cmd.aggregate)
        one = await claim(cmd.id)
        if one.version != cmd.version:
            raise Stale("it is at version {version}; read it again", version=one.version, field="version")
        if cmd.aggregate is Aggregate.CUSTOMER:
            check_open(one)
        fields = await checked_fields(unit, cmd.aggregate, cmd.fields, before=one.fields)
        if fields == one.fields:
            return one
        kept = await keep(replace(one, fields=fields))
        names = [name for name, _ in cmd.fields]
        detail = {"version": kept.version, "changed": [f"fields.{name}" for name in names]}
        await unit.audit.write(f"change_{cmd.aggregate.value}", f"{cmd.aggregate.value}:{kept.id}", detail)
    return kept


def _store(unit: Unit, aggregate: Aggregate) -> tuple[Callable[[int], Awaitable[Any]], Callable[[Any], Awaitable[Any]]]:
    """Return how one of an aggregate is locked and written."""

    async def reseller(key: int) -> Any:
        await unit.resellers.hold_tree()
        found = (await unit.resellers.tree()).get(ResellerId(key))
        if found is None:
            raise NotFound("no reseller {key}", key=key, field="id")
        return found

    match aggregate:
        case Aggregate.CUSTOMER:
            return lambda key: unit.customers.claim(CustomerId(key)), unit.customers.keep
        case Aggregate.CONTRACT:
            return lambda key: unit.contracts.claim(ContractId(key)), unit.contracts.keep
        case Aggregate.SERVICE:
            return lambda key: unit.services.claim(ServiceId(key)), unit.services.keep
        case Aggregate.SUBSCRIPTION:
            return lambda key: unit.subscriptions.claim(SubscriptionId(key)), unit.subscriptions.keep
    return reseller, unit.resellers.keep
