"""What every change of a contract has in common: its services fit together, and what was done is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.catalogue.tariff import Adjustment, PriceList, Rate
from domain.contracts.changes import ChangeKind, ChangeState, ContractChange
from domain.contracts.contract import Contract, ContractService, check
from domain.contracts.lines import check_lines, unpacked
from domain.contracts.service import Service
from domain.contracts.terms import Discount, DiscountOn
from domain.ids import ContractChangeId, ServiceId
from domain.operators import Operator
from domain.ports.unit import Unit
from domain.refusal import BadValue, NotFound, Overlap

# What a discount on usage is taken of.
MODES: Final = ("voice", "sms", "mms", "data", "video", "fax", "premium")
MICRO: Final = 1_000_000
OWN: Final = "contract "


def day_in(operator: Operator, at: datetime) -> date:
    """Return the operator's day of an instant."""
    return at.astimezone(ZoneInfo(operator.zone)).date()


def midnight(operator: Operator, day: date) -> datetime:
    """Return the instant at which a day begins for the operator."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(operator.zone))


async def services_of(unit: Unit, lines: Sequence[ContractService], *more: ServiceId) -> Mapping[ServiceId, Service]:
    """Return the services of the lines with what they are made of. Refuses with: NotFound, naming the line."""
    known = await unit.services.related(sorted({line.service for line in lines} | set(more)))
    for index, line in enumerate(lines):
        if line.service not in known:
            raise NotFound("no service {key}", key=line.service, field=f"services.{index}.service")
    return known


async def fitted(unit: Unit, contract: Contract, before: Contract | None = None) -> Contract:
    """Return the contract with the parts of its bundles, checked as a whole.

    Without a price list of its own it takes that of its service with usage.
    Refuses with: BadValue, NotFound (a service, a subscription).
    """
    old = () if before is None else before.services
    services = await services_of(unit, [*contract.services, *old])
    lines = unpacked(contract.services, services, old)
    services = {**services, **await unit.services.related(sorted({line.service for line in lines} - set(services)))}
    check_lines(lines, services, old)
    if contract.price_list is None and (before is None or before.price_list is None):
        named = (services[line.service].price_list for line in lines)
        contract = replace(contract, price_list=next((name for name in named if name is not None), None))
    await _check_subscriptions(unit, contract, lines)
    return check(replace(contract, services=lines))


async def _check_subscriptions(unit: Unit, contract: Contract, lines: Sequence[ContractService]) -> None:
    wanted = {line.subscription for line in lines if line.subscription is not None}
    known = await unit.subscriptions.many(sorted(wanted)) if wanted else {}
    for index, line in enumerate(lines):
        if line.subscription is not None and (
            line.subscription not in known or known[line.subscription].contract != contract.id
        ):
            raise NotFound(
                "the contract has no subscription {key}",
                key=line.subscription,
                field=f"services.{index}.subscription",
            )


async def discounted(unit: Unit, contract: Contract, before: Sequence[Discount], at: datetime) -> Contract:
    """Return the contract with its discounts on usage in a price list of its own, which rating takes it by.

    Refuses with: BadValue (one that has begun and is taken back or changed, or no list it could be taken of), Overlap.
    """
    now, old = _of_usage(contract.discounts), _of_usage(before)
    if now == old:
        return contract
    operator = await unit.operators.own()
    today = day_in(operator, at)
    begins = {one.start for one in now}
    gone = [one for one in old if one.start not in begins]
    if any(one.start <= today for one in gone):
        raise BadValue("a discount on usage that has begun stays; give it an end", field="discounts")
    ordered = sorted(now, key=lambda one: one.start)
    for earlier, following in pairwise(ordered):
        if earlier.end is None or following.start < earlier.end:
            raise Overlap("two discounts on usage hold on {day}", day=following.start, field="discounts")
    name = own_list(contract)
    await unit.catalogue.hold()
    if contract.price_list != name:
        contract = await listed(unit, contract, name, at)
    # What is taken back before it began is a discount of nothing.
    wanted = [replace(one, percent=Decimal(0)) for one in gone] + [one for one in ordered if one not in old]
    for one in wanted:
        start = midnight(operator, one.start)
        await unit.catalogue.put_rates(name, _rates(one, operator), valid_from=start, recorded_at=at)
    return contract


def _rates(discount: Discount, operator: Operator) -> tuple[Rate, ...]:
    assert discount.percent is not None, "a discount on usage is a percent"
    adjust = Adjustment(percent=-int(discount.percent * MICRO))
    start = midnight(operator, discount.start)
    end = None if discount.end is None else midnight(operator, discount.end)
    return tuple(Rate(to="*", mode=mode, adjust=adjust, valid_from=start, valid_to=end) for mode in MODES)


def own_list(contract: Contract) -> str:
    """Return the name of the price list that is the contract's alone; one that was taken over keeps what it had."""
    if contract.predecessor is not None and (contract.price_list or "").startswith(OWN):
        return str(contract.price_list)
    return f"{OWN}{contract.number}"


async def listed(unit: Unit, contract: Contract, name: str, at: datetime) -> Contract:
    """Make the contract's own list, inheriting what it was rated by."""
    customer = (await unit.customers.many([contract.customer]))[contract.customer]
    parent = contract.price_list or customer.price_list
    if parent is None:
        raise BadValue("the contract has no price list that this could be taken of", field="priceList")
    await unit.catalogue.named(parent, field="priceList")
    outline = await unit.catalogue.outline()
    if name not in outline.price_lists:
        await unit.catalogue.add_list(
            PriceList(name=name, rates=(), parent=parent), recorded_at=at, reseller=contract.reseller
        )
    return replace(contract, price_list=name)


def _of_usage(discounts: Sequence[Discount]) -> tuple[Discount, ...]:
    return tuple(one for one in discounts if one.on is DiscountOn.USAGE)


def done(
    kind: ChangeKind, contract: Contract, *, actor: Actor, at: datetime, on: date, changed: Sequence[str] = ()
) -> ContractChange:
    """Return a change that is done, as it is recorded."""
    return ContractChange(
        id=ContractChangeId(0),
        operator=contract.operator,
        owner=contract.customer,
        contract=contract.id,
        kind=kind,
        effective=on,
        state=ChangeState.DONE,
        recorded_at=at,
        done_at=at,
        client=actor.client,
        version=contract.version,
        changed=tuple(changed),
    )
