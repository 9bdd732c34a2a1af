"""The operations of the WSDL about contracts: making them, their terms and own prices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from spyne import Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import models
from api.soap.agreed import (
    discounts_of,
    terms_of,
)
from api.soap.models import Discount, Model, Terms, many, needed
from api.soap.service import operation, shown
from api.soap.services import known_services
from domain.catalogue.tariff import Adjustment, Rate, Step
from domain.commands import UNCHANGED
from domain.contracts.contract import ContractService, ContractState
from domain.ids import SubscriptionId
from domain.money import MICRO, NANO, scaled
from domain.refusal import BadValue
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.price_contract import PriceContract, price_contract


class NewContract(Model):
    """What a new contract is made of; without a number it is drawn."""

    customerNumber = needed(Unicode)
    start = needed(Date)
    end = Date
    number = Unicode
    state = models.StateOfContract
    priceList = Unicode
    service = many(models.ContractLine)
    terms = Terms
    discount = many(Discount)


class ContractRate(Model):
    """A price that deviates: percent or amount changes what the list says, or price per units, begun ones counted."""

    to = needed(Unicode)
    mode = needed(Unicode)
    direction = Unicode
    percent = XsDecimal
    amount = XsDecimal
    price = XsDecimal
    per = Integer(ge=1)
    next = Integer(ge=1)
    setup = XsDecimal
    validTo = DateTime


class Agreements(ServiceBase):
    """Contracts, their terms and prices."""

    __service_name__ = "Billing"

    @operation("CreateContract", needed(NewContract), Unicode, returns=models.Contract, result="contract")
    async def create_contract(ctx: Any, contract: Any, idempotencyKey: str | None) -> Any:
        """Create a contract, as a draft or active."""
        call = ctx.udc
        owner = await call.ask(get_customer, contract.customerNumber)
        known = await known_services(call, [each.serviceCode for each in contract.service or ()])
        cmd = CreateContract(
            customer=owner.id,
            start=contract.start,
            end=contract.end,
            number=contract.number,
            state=ContractState(str(contract.state)) if contract.state is not None else ContractState.DRAFT,
            price_list=contract.priceList,
            services=tuple(
                ContractService(
                    service=known[each.serviceCode].id,
                    start=each.start,
                    end=each.end,
                    quantity=each.quantity or 1,
                    one_time_fee=each.oneTimeFee,
                    periodic_fee=each.periodicFee,
                    subscription=line_of(each.subscription),
                )
                for each in contract.service or ()
            ),
            terms=terms_of(contract.terms),
            discounts=await discounts_of(call, contract.discount),
            idempotency_key=idempotencyKey,
        )
        return await shown(call, await call.ask(create_contract, cmd, clock=call.wiring.clock))

    @operation("GetContractAsOf", needed(Unicode), Date, DateTime, returns=models.Contract, result="contract")
    async def get_contract_as_of(ctx: Any, contractNumber: str, asOf: date | None, knownAt: datetime | None) -> Any:
        """Return a contract as it looked or will look on a day, or as it had been recorded by an instant."""
        return await shown(ctx.udc, await ctx.udc.ask(get_contract, contractNumber, as_of=asOf, known_at=knownAt))

    @operation(
        "AgreeTerms",
        needed(Unicode),
        needed(Integer),
        Terms,
        many(Discount),
        returns=models.Contract,
        result="contract",
    )
    async def agree_terms(ctx: Any, contractNumber: str, version: int, terms: Any, discount: Any) -> Any:
        """Agree other terms from today on, and other discounts; what is left out stays, discounts replace all."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        cmd = ChangeContract(
            contract=found.id,
            version=version,
            terms=UNCHANGED if terms is None else terms_of(terms),
            discounts=await discounts_of(call, discount) if discount else UNCHANGED,
        )
        return await shown(call, await call.ask(change_contract, cmd, clock=call.wiring.clock))

    @operation(
        "PriceContract",
        needed(Unicode),
        needed(Integer),
        needed(DateTime),
        ContractRate.customize(min_occurs=1, max_occurs="unbounded"),
        Unicode,
        returns=models.Contract,
        result="contract",
    )
    async def price_contract(
        ctx: Any,
        contractNumber: str,
        version: int,
        validFrom: datetime,
        rate: Any,
        idempotencyKey: str | None,
    ) -> Any:
        """Give a contract prices that deviate from its list, from an instant on."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        cmd = PriceContract(
            contract=found.id,
            version=version,
            rates=tuple(_rate(one, f"rate.{index}") for index, one in enumerate(rate or ())),
            valid_from=validFrom,
            idempotency_key=idempotencyKey,
        )
        return await shown(call, await call.ask(price_contract, cmd, clock=call.wiring.clock))


def _rate(one: Any, place: str) -> Rate:
    """Return a rate as the domain's. Refuses with: BadValue."""
    more: dict[str, Any] = {}
    if one.percent is not None or one.amount is not None:
        more["adjust"] = Adjustment(
            percent=None if one.percent is None else _scaled(one.percent, MICRO, f"{place}.percent"),
            amount=None if one.amount is None else _scaled(one.amount, NANO, f"{place}.amount"),
        )
    if one.price is not None:
        per = one.per or 1
        price = _scaled(one.price, NANO, f"{place}.price")
        more["steps"] = (Step(price=price, per=per, next=one.next or per),)
    if one.setup is not None:
        more["setup"] = _scaled(one.setup, NANO, f"{place}.setup")
    if one.direction is not None:
        more["direction"] = one.direction
    return Rate(to=one.to, mode=one.mode, valid_to=one.validTo, **more)


def _scaled(value: Decimal, scale: int, place: str) -> int:
    try:
        return scaled(format(value, "f"), scale)
    except BadValue as no:
        raise BadValue(no.template, field=place, **no.values) from None


def line_of(key: int | None) -> SubscriptionId | None:
    """Return the key of a line, where one was given."""
    return None if key is None else SubscriptionId(key)
