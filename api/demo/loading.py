"""Loading the demo's operator, catalogue, customers, contracts and numbers by the same use cases that the APIs call.

Every command carries an idempotency key, so that loading again after a crash continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from api.demo.together import each
from api.wiring import Wiring
from domain.access.actor import Actor, system
from domain.contracts.contract import Contract
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.demo.world import World
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, ServiceId
from domain.operators import Operator
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.create_operator import create_operator
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.import_tariff import ImportTariff, import_tariff
from domain.usecases.put_source import PutSource, put_source

# A few at a time, so that commits share their wait for the disk.
AT_ONCE = 4
CLIENT = "demo"

Advance = Callable[[int], None]


@dataclass(slots=True)
class _Keys:
    """The register's own ids, and what the store made of them; ``prefix`` begins every idempotency key."""

    prefix: str
    resellers: dict[ResellerId, ResellerId] = field(default_factory=dict)
    services: dict[ServiceId, ServiceId] = field(default_factory=dict)
    customers: dict[CustomerId, CustomerId] = field(default_factory=dict)
    contracts: dict[ContractId, ContractId] = field(default_factory=dict)


async def find_operator(world: World, wiring: Wiring) -> Operator | None:
    """Return the demo's operator where it is there."""
    known = await wiring.directory.operators()
    return next((operator for operator in known if operator.code == world.operator.code), None)


def actor_of(operator: OperatorId) -> Actor:
    """Return who loads the demo: the operator's own machine."""
    return system(operator, CLIENT)


async def load(world: World, wiring: Wiring, advance: Advance) -> Operator:
    """Load everything but the calls; ``advance`` is told how many steps have been taken of ``steps``."""
    operator = await find_operator(world, wiring) or await create_operator(world.operator, begin=wiring.begin)
    actor = actor_of(operator.id)
    await import_tariff(ImportTariff(document=world.tariff), actor=actor, begin=wiring.begin, clock=wiring.clock)
    advance(1)
    keys = _Keys(f"demo-{world.size.customers}")
    for reseller in world.resellers:
        made = await create_reseller(
            CreateReseller(
                code=reseller.code,
                name=reseller.name,
                parent=keys.resellers[reseller.parent] if reseller.parent else None,
                price_list=reseller.price_list,
                idempotency_key=f"{keys.prefix}-reseller-{reseller.id}",
            ),
            actor=actor,
            begin=wiring.begin,
        )
        keys.resellers[reseller.id] = made.id
    for service in world.services:
        cmd = CreateService(
            code=service.code,
            name=service.name,
            one_time_fee=service.one_time_fee,
            periodic_fee=service.periodic_fee,
            in_advance=service.in_advance,
            interval_months=service.interval_months,
            vat_percent=service.vat_percent,
            account=service.account,
            product_group=service.product_group,
            idempotency_key=f"{keys.prefix}-service-{service.id}",
        )
        keys.services[service.id] = (await create_service(cmd, actor=actor, begin=wiring.begin)).id
    for source in world.sources:
        await put_source(
            PutSource(name=source.name, profile=source.profile), actor=actor, begin=wiring.begin, formats=wiring.formats
        )
    await _load_register(world, wiring, actor, keys, advance)
    return operator


def steps(world: World) -> int:
    """Return how many steps ``load`` takes."""
    register = world.register
    return 1 + len(register.customers) + len(register.contracts) + len(register.subscriptions)


async def _load_register(world: World, wiring: Wiring, actor: Actor, keys: _Keys, advance: Advance) -> None:
    """Create customers level by level, since a parent comes before its children; then contracts; then lines."""

    async def customer(one: Customer) -> None:
        made = await create_customer(_customer(one, keys), actor=actor, begin=wiring.begin)
        keys.customers[one.id] = made.id
        advance(1)

    async def contract(one: Contract) -> None:
        made = await create_contract(_contract(one, keys), actor=actor, begin=wiring.begin, clock=wiring.clock)
        keys.contracts[one.id] = made.id
        advance(1)

    async def line(one: Subscription) -> None:
        cmd = AddSubscription(
            contract=keys.contracts[one.contract],
            kind=one.kind,
            label=one.label,
            numbers=one.numbers,
            idempotency_key=f"{keys.prefix}-line-{one.id}",
        )
        await add_subscription(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        advance(1)

    waiting = list(world.register.customers)
    while waiting:
        ready = [one for one in waiting if one.parent is None or one.parent in keys.customers]
        assert ready, "a customer's parent is made before it"
        await each(customer, ready, at_once=AT_ONCE)
        waiting = [one for one in waiting if one.id not in keys.customers]
    await each(contract, world.register.contracts, at_once=AT_ONCE)
    await each(line, world.register.subscriptions, at_once=AT_ONCE)


def _customer(one: Customer, keys: _Keys) -> CreateCustomer:
    """Return the command that creates a customer of the register."""
    return CreateCustomer(
        name=one.name,
        kind=one.kind,
        address=one.address,
        number=one.number,
        identity_number=one.identity_number,
        vat_id=one.vat_id,
        parent=keys.customers[one.parent] if one.parent else None,
        through_parent=one.through_parent,
        reseller=keys.resellers[one.reseller] if one.reseller else None,
        email=one.email,
        phone=one.phone,
        language=one.language,
        payment_terms_days=one.payment_terms_days,
        delivery=one.delivery,
        endpoint=one.endpoint,
        call_specification=one.call_specification,
        mask_digits=one.mask_digits,
        price_list=one.price_list,
        idempotency_key=f"{keys.prefix}-customer-{one.id}",
    )


def _contract(one: Contract, keys: _Keys) -> CreateContract:
    """Return the command that creates a contract of the register."""
    return CreateContract(
        customer=keys.customers[one.customer],
        start=one.start,
        end=one.end,
        number=one.number,
        state=one.state,
        price_list=one.price_list,
        services=tuple(replace(line, service=keys.services[line.service]) for line in one.services),
        idempotency_key=f"{keys.prefix}-contract-{one.id}",
    )
