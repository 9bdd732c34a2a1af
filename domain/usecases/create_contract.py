"""Create a contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.terms import Discount, Renewal, Terms, check_terms
from domain.customers.customer import check_open
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ContractId, CustomerId
from domain.period import later
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotFound, WrongState
from domain.usecases.define_fields import checked_fields
from domain.usecases.fit_contract import day_in, discounted, done, fitted
from domain.usecases.four_eyes import discounts_given


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
    terms: Terms = Terms()  # noqa: RUF009  (frozen)
    discounts: tuple[Discount, ...] = ()
    fields: FieldChanges = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def create_contract(cmd: CreateContract, *, actor: Actor, begin: Begin, clock: Clock) -> Contract:
    """Create a contract, as a draft or active. One that is not renewed ends with its binding.

    Refuses with: NotAllowed, BadValue (also services that cannot stand together), NotFound (customer, service, price
    list), WrongState (begins suspended or ended), Conflict (number, idempotency key), Overlap (discounts on usage).
    """
    check_texts(cmd)
    if cmd.state not in {ContractState.DRAFT, ContractState.ACTIVE}:
        raise WrongState("a new contract is a draft or active", field="state")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.contracts.get(ContractId(known))
        customer = (await unit.customers.many([cmd.customer])).get(cmd.customer)
        if customer is None:
            raise NotFound("no customer {key}", key=cmd.customer, field="customer")
        check_open(customer)
        if cmd.price_list is not None:
            await unit.catalogue.named(cmd.price_list, field="priceList")
        check_terms(cmd.terms)
        end = cmd.end
        if end is None and cmd.terms.renewal is Renewal.END:
            end = later(cmd.terms.binding_from or cmd.start, cmd.terms.binding_months)
        contract = Contract(
            id=ContractId(0),
            operator=actor.operator,
            customer=customer.id,
            number=cmd.number if cmd.number is not None else await unit.contracts.next_number(),
            start=cmd.start,
            end=end,
            state=cmd.state,
            price_list=cmd.price_list,
            reseller=customer.reseller,
            services=cmd.services,
            terms=cmd.terms,
            discounts=cmd.discounts,
            fields=await checked_fields(unit, Aggregate.CONTRACT, cmd.fields),
        )
        at = clock.now()
        await discounts_given(unit, actor, cmd.discounts, now=at)
        ready = await discounted(unit, await fitted(unit, contract), (), at)
        kept = await unit.contracts.add(ready)
        await remember(unit.answers, cmd, kept.id)
        on = day_in(await unit.operators.own(), at)
        await unit.contract_changes.add(done(ChangeKind.CREATE, kept, actor=actor, at=at, on=on), kept)
        detail = {"number": kept.number, "customer": kept.customer, "version": kept.version, "changed": []}
        await unit.audit.write("create_contract", f"contract:{kept.id}", detail)
    return kept
