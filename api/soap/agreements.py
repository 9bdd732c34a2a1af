"""The operations of the WSDL about contracts by the day. Services are named by code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import perhaps
from api.soap import models
from api.soap.agreed import (
    KindOfChange,
    StateOfChange,
    address,
    discounts_of,
    terms_of,
)
from api.soap.models import Discount, Model, Terms, many, needed
from api.soap.paging import key_after
from api.soap.service import operation, shown
from api.soap.services import known_services
from api.soap.showing import plain
from domain.catalogue.tariff import Adjustment, Rate, Step
from domain.commands import UNCHANGED
from domain.contracts.changes import ContractChange, HeldLine
from domain.contracts.contract import ANY_DAY, ContractService, ContractState
from domain.ids import ContractChangeId, SubscriptionId
from domain.money import MICRO, NANO, scaled
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.get_contract import get_contract, list_contract_changes
from domain.usecases.get_customer import get_customer
from domain.usecases.load_batches import contracts_by_ids
from domain.usecases.plan_change import (
    EndContract,
    ExchangeService,
    MoveContract,
    StepContract,
    TakeOverContract,
    cancel_change,
    end_contract,
    exchange_service,
    move_contract,
    step_contract,
    take_over_contract,
)
from domain.usecases.preview_ending import EndingPreview, PreviewEnding, preview_ending
from domain.usecases.price_contract import PriceContract, price_contract

PAGE: Final = 200


class NewContract(Model):
    """What a new contract is made of; without a number it is drawn."""

    customerNumber = needed(Unicode)  # noqa: N815  (an element's name)
    start = needed(Date)
    end = Date
    number = Unicode
    state = models.StateOfContract
    priceList = Unicode  # noqa: N815
    service = many(models.ContractLine)
    terms = Terms
    discount = many(Discount)


class HeldService(Model):
    """Names a service that a contract holds; start and subscription where it does several times."""

    serviceCode = needed(Unicode)  # noqa: N815  (an element's name)
    start = Date
    subscription = Integer


class NewServiceOnContract(Model):
    """What comes; left out, quantity is 1 and the fees are the service's own."""

    serviceCode = needed(Unicode)  # noqa: N815  (an element's name)
    end = Date
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal  # noqa: N815
    periodicFee = XsDecimal  # noqa: N815
    subscription = Integer


class ContractChangeModel(Model):
    """A change of a contract from a day on, done or planned."""

    __type_name__ = "DatedContractChange"

    id = needed(Integer)
    kind = needed(KindOfChange)
    effective = needed(Date)
    state = needed(StateOfChange)
    contractNumber = needed(Unicode)  # noqa: N815  (an element's name)
    recordedAt = needed(DateTime)  # noqa: N815
    doneAt = DateTime  # noqa: N815
    client = needed(Unicode)
    version = needed(Integer)
    changed = many(Unicode)
    reason = Unicode
    fault = Unicode
    successorNumber = Unicode  # noqa: N815


class ContractChangePage(Model):
    """What was changed of a contract and what is planned, in the order of recording."""

    count = needed(Integer)
    change = many(ContractChangeModel)
    next = Unicode


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
    validTo = DateTime  # noqa: N815  (an element's name)


class RemainingFeeModel(Model):
    """What is left of the binding for one service."""

    __type_name__ = "RemainingFee"

    serviceName = needed(Unicode)  # noqa: N815  (an element's name)
    start = needed(Date)
    subscription = Integer
    amount = needed(XsDecimal)


class ContractEnding(Model):
    """What giving notice would lead to; amounts without VAT."""

    noticedOn = needed(Date)  # noqa: N815  (an element's name)
    earliest = needed(Date)
    freeFrom = needed(Date)  # noqa: N815
    boundUntil = Date  # noqa: N815
    end = needed(Date)
    fee = many(RemainingFeeModel)
    total = needed(XsDecimal)
    currency = needed(Unicode)


_FIRST: Final = Integer(ge=1, le=PAGE_MAX)


class Agreements(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Contracts by the day."""

    __service_name__ = "Billing"

    @operation("CreateContract", needed(NewContract), Unicode, returns=models.Contract, result="contract")
    async def create_contract(ctx: Any, contract: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
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
                    subscription=_line(each.subscription),
                )
                for each in contract.service or ()
            ),
            terms=terms_of(contract.terms),
            discounts=await discounts_of(call, contract.discount),
            idempotency_key=idempotencyKey,
        )
        return await shown(call, await call.ask(create_contract, cmd, clock=call.wiring.clock))

    @operation("GetContractAsOf", needed(Unicode), Date, DateTime, returns=models.Contract, result="contract")
    async def get_contract_as_of(ctx: Any, contractNumber: str, asOf: date | None, knownAt: datetime | None) -> Any:  # noqa: N803, N805
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
    async def agree_terms(ctx: Any, contractNumber: str, version: int, terms: Any, discount: Any) -> Any:  # noqa: N803, N805
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
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        validFrom: datetime,  # noqa: N803
        rate: Any,
        idempotencyKey: str | None,  # noqa: N803
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

    @operation(
        "StepContract",
        needed(Unicode),
        needed(Integer),
        needed(models.StateOfContract),
        Date,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def step_contract(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        state: str,
        on: date | None,
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Activate, suspend or resume a contract from a day on, today where none is given."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = StepContract(
            contract=found.id,
            version=version,
            state=ContractState(str(state)),
            on=on,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(ctx.udc, step_contract, cmd)

    @operation(
        "ExchangeContractService",
        needed(Unicode),
        needed(Integer),
        Date,
        HeldService,
        NewServiceOnContract,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def exchange_service(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        on: date | None,
        gone: Any,
        new: Any,
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Add, end, upgrade or downgrade a service from a day on: gone goes, new comes."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        known = await known_services(call, [each.serviceCode for each in (gone, new) if each is not None])
        cmd = ExchangeService(
            contract=found.id,
            version=version,
            on=on,
            gone=None
            if gone is None
            else HeldLine(service=known[gone.serviceCode].id, start=gone.start, subscription=_line(gone.subscription)),
            new=None
            if new is None
            else ContractService(
                service=known[new.serviceCode].id,
                start=ANY_DAY,
                end=new.end,
                quantity=new.quantity or 1,
                one_time_fee=new.oneTimeFee,
                periodic_fee=new.periodicFee,
                subscription=_line(new.subscription),
            ),
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, exchange_service, cmd)

    @operation(
        "MoveContract",
        needed(Unicode),
        needed(Integer),
        Date,
        models.Address,
        Unicode,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def move_contract(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        on: date | None,
        site: Any,
        customerNumber: str | None,  # noqa: N803
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Move a contract to another address, or under another customer, from a day on."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        to = None if customerNumber is None else (await call.ask(get_customer, customerNumber)).id
        cmd = MoveContract(
            contract=found.id,
            version=version,
            on=on,
            site=None if site is None else address(site),
            customer=to,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, move_contract, cmd)

    @operation(
        "TakeOverContract",
        needed(Unicode),
        needed(Integer),
        needed(Unicode),
        Date,
        Unicode,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def take_over_contract(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        customerNumber: str,  # noqa: N803
        on: date | None,
        number: str | None,
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Let another customer have a contract that goes on as it was, with lines and numbers, from a day on."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        cmd = TakeOverContract(
            contract=found.id,
            version=version,
            customer=(await call.ask(get_customer, customerNumber)).id,
            on=on,
            number=number,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, take_over_contract, cmd)

    @operation("PreviewContractEnding", needed(Unicode), Date, Date, returns=ContractEnding, result="ending")
    async def preview_ending(ctx: Any, contractNumber: str, noticedOn: date | None, end: date | None) -> Any:  # noqa: N803, N805
        """Return what giving notice would lead to; nothing is changed."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = PreviewEnding(contract=found.id, noticed_on=noticedOn, end=end)
        return _ending(await ctx.udc.ask(preview_ending, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "EndContract",
        needed(Unicode),
        needed(Integer),
        Date,
        Date,
        Boolean,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def end_contract(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        version: int,
        noticedOn: date | None,  # noqa: N803
        end: date | None,
        free: bool | None,
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """End a contract with notice; without end as soon as that costs nothing. free waives what is left."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = EndContract(
            contract=found.id,
            version=version,
            noticed_on=noticedOn,
            end=end,
            free=bool(free),
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(ctx.udc, end_contract, cmd)

    @operation("CancelContractChange", needed(Integer(ge=1)), returns=ContractChangeModel, result="change")
    async def cancel_change(ctx: Any, id: int) -> Any:  # noqa: A002, N805
        """Cancel what is planned."""
        return await _ordered(ctx.udc, cancel_change, ContractChangeId(id))

    @operation("ListContractChanges", needed(Unicode), _FIRST, Unicode, returns=ContractChangePage, result="page")
    async def list_changes(ctx: Any, contractNumber: str, first: int | None, after: str | None) -> Any:  # noqa: N803, N805
        """Return what was changed of a contract and what is planned."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        page = await ctx.udc.ask(list_contract_changes, found.id, PageRequest(first or PAGE, key_after(after)))
        rows = await _changes(ctx.udc, page.items)
        return ContractChangePage(count=len(rows), change=rows, next=str(page.items[-1].id) if page.more else None)


async def _ordered(call: Any, usecase: Any, cmd: Any) -> ContractChangeModel:
    return (await _changes(call, [await call.ask(usecase, cmd, clock=call.wiring.clock)]))[0]


async def _changes(call: Any, changes: Sequence[ContractChange]) -> list[ContractChangeModel]:
    wanted = {one.contract for one in changes} | {one.successor for one in changes if one.successor is not None}
    numbers = {key: one.number for key, one in (await call.ask(contracts_by_ids, sorted(wanted))).items()}
    return [
        ContractChangeModel(
            id=one.id,
            kind=one.kind.value,
            effective=one.effective,
            state=one.state.value,
            contractNumber=numbers[one.contract],
            recordedAt=one.recorded_at,
            doneAt=one.done_at,
            client=one.client,
            version=one.version,
            changed=list(one.changed),
            reason=one.reason,
            fault=perhaps(one.fault),
            successorNumber=None if one.successor is None else numbers.get(one.successor),
        )
        for one in changes
    ]


def _ending(told: EndingPreview) -> ContractEnding:
    return ContractEnding(
        noticedOn=told.noticed_on,
        earliest=told.earliest,
        freeFrom=told.free_from,
        boundUntil=told.bound_until,
        end=told.end,
        fee=[
            RemainingFeeModel(
                serviceName=fee.name, start=fee.start, subscription=fee.subscription, amount=plain(fee.amount)
            )
            for fee in told.fees
        ],
        total=plain(told.total),
        currency=told.currency,
    )


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


def _line(key: int | None) -> SubscriptionId | None:
    return None if key is None else SubscriptionId(key)
