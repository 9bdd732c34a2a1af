"""Create a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.access.actor import Action, Actor, allow
from domain.commands import answered, check_texts, remember
from domain.contracts.contract import Contract, ContractService, ContractState, check
from domain.ids import ContractId, CustomerId
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateContract:
    """A new contract of a customer, with its services. Without ``number`` it is drawn."""

    customer: CustomerId
    start: date
    end: date | None = None
    number: str | None = None
    state: ContractState = ContractState.DRAFT
    price_list: str | None = None
    services: tuple[ContractService, ...] = ()
    idempotency_key: str | None = None


async def create_contract(cmd: CreateContract, *, actor: Actor, begin: Begin) -> Contract:
    """Create a contract, as a draft or active.

    Refuses with: NotAllowed, BadValue, NotFound (customer, service, price list), WrongState (begins suspended or
    ended), Conflict (number, idempotency key).
    """
    allow(actor, Action.WRITE_CONTRACTS)
    check_texts(cmd)
    if cmd.state not in {ContractState.DRAFT, ContractState.ACTIVE}:
        raise WrongState("a new contract is a draft or active", field="state")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.contracts.get(ContractId(known))
        customer = (await unit.customers.many([cmd.customer])).get(cmd.customer)
        if customer is None:
            raise NotFound(f"no customer {cmd.customer}", field="customer")
        if cmd.price_list is not None:
            await unit.catalogue.named(cmd.price_list, field="priceList")
        await check_services(unit, cmd.services)
        contract = Contract(
            id=ContractId(0),
            operator=actor.operator,
            customer=customer.id,
            number=cmd.number if cmd.number is not None else await unit.contracts.next_number(),
            start=cmd.start,
            end=cmd.end,
            state=cmd.state,
            price_list=cmd.price_list,
            reseller=customer.reseller,
            services=cmd.services,
        )
        kept = await unit.contracts.add(check(contract))
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("create_contract", f"contract:{kept.id}", {"number": kept.number})
    return kept


async def check_services(unit: Unit, lines: Sequence[ContractService]) -> None:
    """Check that every service exists. Refuses with: NotFound, naming the line."""
    known = await unit.services.many([line.service for line in lines])
    for index, line in enumerate(lines):
        if line.service not in known:
            raise NotFound(f"no service {line.service}", field=f"services.{index}.service")
