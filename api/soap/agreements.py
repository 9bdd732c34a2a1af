"""The operations of the WSDL about services, contracts by the day, and quotes. Services are named by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import models
from api.soap.agreed import (
    KindOfChange,
    StateOfChange,
    StateOfQuote,
    address,
    discounts_of,
    shown_discounts,
    shown_terms,
    terms_of,
)
from api.soap.models import Discount, Model, Terms, many, needed
from api.soap.paging import key_after
from api.soap.service import operation, shown
from api.soap.showing import plain
from domain.catalogue.tariff import Adjustment, Rate, Step
from domain.commands import UNCHANGED
from domain.contracts.changes import ContractChange, HeldLine
from domain.contracts.contract import ANY_DAY, ContractService, ContractState
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice
from domain.ids import ContractChangeId, CustomerId, SubscriptionId
from domain.money import MICRO, NANO, scaled
from domain.ports.page import PAGE_MAX, PageRequest
from domain.quotes.quote import Quote, QuoteLine
from domain.refusal import BadValue
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.change_service import ChangeService, change_service
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.get_contract import get_contract, list_contract_changes
from domain.usecases.get_customer import get_customer
from domain.usecases.get_service import get_service, services_by_codes
from domain.usecases.list_services import list_services
from domain.usecases.load_batches import contracts_by_ids, customers_by_ids, services_by_ids
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
from domain.usecases.quote_contract import (
    AnswerQuote,
    ChangeQuote,
    CreateQuote,
    answer_quote,
    change_quote,
    create_quote,
    get_quote,
    list_quotes,
    send_quote,
)

PAGE: Final = 200


class ServicePriceModel(Model):
    """The default fees from a day on."""

    __type_name__ = "ServicePrice"

    start = needed(Date)
    oneTimeFee = needed(XsDecimal)  # noqa: N815  (an element's name)
    periodicFee = needed(XsDecimal)  # noqa: N815


class CountryTaxModel(Model):
    """How sales to payers of a country are booked and taxed; the category is UNCL 5305."""

    __type_name__ = "CountryTax"

    country = needed(Unicode)
    account = Unicode
    vatCategory = Unicode  # noqa: N815  (an element's name)
    vatPercent = XsDecimal  # noqa: N815


class BundlePartModel(Model):
    """A service within a bundle; a fee left out is the part's own."""

    __type_name__ = "BundlePart"

    serviceCode = needed(Unicode)  # noqa: N815  (an element's name)
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal  # noqa: N815
    periodicFee = XsDecimal  # noqa: N815


class ServiceModel(Model):
    """Something sold, with its fees, without VAT. What is left out of a new one is as the domain has it."""

    __type_name__ = "Service"

    code = needed(Unicode)
    name = needed(Unicode)
    oneTimeFee = XsDecimal  # noqa: N815  (an element's name)
    periodicFee = XsDecimal  # noqa: N815
    inAdvance = Boolean  # noqa: N815
    intervalMonths = Integer  # noqa: N815
    anniversary = Boolean
    vatPercent = XsDecimal  # noqa: N815
    account = Unicode
    productGroup = Unicode  # noqa: N815
    priceList = Unicode  # noqa: N815
    validFrom = Date  # noqa: N815
    validTo = Date  # noqa: N815
    price = many(ServicePriceModel)
    country = many(CountryTaxModel)
    part = many(BundlePartModel)
    needs = many(Unicode)
    excludes = many(Unicode)
    version = Integer


class ServiceChange(Model):
    """What changes of a service; what is left out stays. New fees hold from feesFrom on, left out: today."""

    name = Unicode
    oneTimeFee = XsDecimal  # noqa: N815  (an element's name)
    periodicFee = XsDecimal  # noqa: N815
    feesFrom = Date  # noqa: N815
    vatPercent = XsDecimal  # noqa: N815
    account = Unicode
    productGroup = Unicode  # noqa: N815
    priceList = Unicode  # noqa: N815
    validFrom = Date  # noqa: N815
    validTo = Date  # noqa: N815
    country = many(CountryTaxModel)


class ServicePage(Model):
    """A page of services."""

    count = needed(Integer)
    service = many(ServiceModel)
    next = Unicode


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


class QuoteLineModel(Model):
    """A service that is offered; a fee left out is the service's own until the quote is sent."""

    __type_name__ = "QuoteLine"

    serviceCode = needed(Unicode)  # noqa: N815  (an element's name)
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal  # noqa: N815
    periodicFee = XsDecimal  # noqa: N815


class NewQuote(Model):
    """What a quote says; without validUntil it holds for 30 days, without number it is drawn."""

    customerNumber = needed(Unicode)  # noqa: N815  (an element's name)
    line = many(QuoteLineModel)
    validUntil = Date  # noqa: N815
    number = Unicode
    start = Date
    priceList = Unicode  # noqa: N815
    text = Unicode
    terms = Terms
    discount = many(Discount)


class QuoteChange(Model):
    """What changes of a draft; what is left out stays, lines and discounts that are given replace all."""

    line = many(QuoteLineModel)
    validUntil = Date  # noqa: N815  (an element's name)
    start = Date
    priceList = Unicode  # noqa: N815
    text = Unicode
    terms = Terms
    discount = many(Discount)


class ContractQuote(Model):
    """An offer; accepted, it becomes a contract."""

    number = needed(Unicode)
    customerNumber = needed(Unicode)  # noqa: N815  (an element's name)
    state = needed(StateOfQuote)
    validUntil = needed(Date)  # noqa: N815
    start = Date
    line = many(QuoteLineModel)
    terms = Terms
    discount = many(Discount)
    priceList = Unicode  # noqa: N815
    text = Unicode
    contractNumber = Unicode  # noqa: N815
    reason = Unicode
    version = needed(Integer)


class ContractQuotePage(Model):
    """A page of quotes."""

    count = needed(Integer)
    quote = many(ContractQuote)
    next = Unicode


_FIRST: Final = Integer(ge=1, le=PAGE_MAX)


class Agreements(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Services, contracts by the day, and quotes."""

    __service_name__ = "Billing"

    @operation("GetService", needed(Unicode), returns=ServiceModel, result="service")
    async def get_service(ctx: Any, code: str) -> Any:  # noqa: N805  (spyne's context)
        """Return a service."""
        return (await _services(ctx.udc, [await ctx.udc.ask(get_service, code)]))[0]

    @operation("ListServices", _FIRST, Unicode, returns=ServicePage, result="page")
    async def list_services(ctx: Any, first: int | None, after: str | None) -> Any:  # noqa: N805
        """Return services."""
        page = await ctx.udc.ask(list_services, PageRequest(first or PAGE, key_after(after)))
        rows = await _services(ctx.udc, page.items)
        return ServicePage(count=len(rows), service=rows, next=str(page.items[-1].id) if page.more else None)

    @operation("CreateService", needed(ServiceModel), Unicode, returns=ServiceModel, result="service")
    async def create_service(ctx: Any, service: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Create a service; only the operator himself may."""
        call = ctx.udc
        named = [each.serviceCode for each in service.part or ()] + [*(service.needs or ()), *(service.excludes or ())]
        known = await call.ask(services_by_codes, named) if named else {}
        cmd = CreateService(
            **_plain_fields(service, CreateService),
            prices=tuple(
                ServicePrice(start=each.start, one_time_fee=each.oneTimeFee, periodic_fee=each.periodicFee)
                for each in service.price or ()
            ),
            countries=_countries(service.country),
            parts=tuple(
                BundlePart(
                    service=known[each.serviceCode].id,
                    quantity=each.quantity or 1,
                    one_time_fee=each.oneTimeFee,
                    periodic_fee=each.periodicFee,
                )
                for each in service.part or ()
            ),
            needs=tuple(known[code].id for code in service.needs or ()),
            excludes=tuple(known[code].id for code in service.excludes or ()),
            idempotency_key=idempotencyKey,
        )
        return (await _services(call, [await call.ask(create_service, cmd)]))[0]

    @operation(
        "ChangeService", needed(Unicode), needed(Integer), needed(ServiceChange), returns=ServiceModel, result="service"
    )
    async def change_service(ctx: Any, code: str, version: int, change: Any) -> Any:  # noqa: N805
        """Change a service; contracts that hold it go on."""
        found = await ctx.udc.ask(get_service, code)
        more: dict[str, Any] = {"countries": _countries(change.country)} if change.country else {}
        cmd = ChangeService(service=found.id, version=version, **_plain_fields(change, ChangeService), **more)
        kept = await ctx.udc.ask(change_service, cmd, clock=ctx.udc.wiring.clock)
        return (await _services(ctx.udc, [kept]))[0]

    @operation("CreateContract", needed(NewContract), Unicode, returns=models.Contract, result="contract")
    async def create_contract(ctx: Any, contract: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Create a contract, as a draft or active."""
        call = ctx.udc
        owner = await call.ask(get_customer, contract.customerNumber)
        known = await _known(call, [each.serviceCode for each in contract.service or ()])
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
        known = await _known(call, [each.serviceCode for each in (gone, new) if each is not None])
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

    @operation("CreateQuote", needed(NewQuote), Unicode, returns=ContractQuote, result="quote")
    async def create_quote(ctx: Any, quote: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Write a quote as a draft."""
        call = ctx.udc
        cmd = CreateQuote(
            customer=(await call.ask(get_customer, quote.customerNumber)).id,
            lines=await _quoted(call, quote.line),
            valid_until=quote.validUntil,
            number=quote.number,
            start=quote.start,
            price_list=quote.priceList,
            text=quote.text,
            terms=terms_of(quote.terms),
            discounts=await discounts_of(call, quote.discount),
            idempotency_key=idempotencyKey,
        )
        return await _quote(call, await call.ask(create_quote, cmd, clock=call.wiring.clock))

    @operation(
        "ChangeQuote", needed(Unicode), needed(Integer), needed(QuoteChange), returns=ContractQuote, result="quote"
    )
    async def change_quote(ctx: Any, quoteNumber: str, version: int, change: Any) -> Any:  # noqa: N803, N805
        """Change a draft."""
        call = ctx.udc
        found = await call.ask(get_quote, quoteNumber, clock=call.wiring.clock)
        told = {
            "valid_until": change.validUntil,
            "start": change.start,
            "price_list": change.priceList,
            "text": change.text,
            "terms": None if change.terms is None else terms_of(change.terms),
            "lines": await _quoted(call, change.line) or None,
            "discounts": await discounts_of(call, change.discount) or None,
        }
        more = {name: value for name, value in told.items() if value is not None}
        cmd = ChangeQuote(quote=found.id, version=version, **more)
        return await _quote(call, await call.ask(change_quote, cmd, clock=call.wiring.clock))

    @operation("GetQuote", needed(Unicode), returns=ContractQuote, result="quote")
    async def get_quote(ctx: Any, quoteNumber: str) -> Any:  # noqa: N803, N805
        """Return a quote."""
        return await _quote(ctx.udc, await ctx.udc.ask(get_quote, quoteNumber, clock=ctx.udc.wiring.clock))

    @operation("ListQuotes", Unicode, _FIRST, Unicode, returns=ContractQuotePage, result="page")
    async def list_quotes(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:  # noqa: N803, N805
        """Return quotes to a customer, or to everybody."""
        call = ctx.udc
        owner = None if customerNumber is None else CustomerId((await call.ask(get_customer, customerNumber)).id)
        asked = PageRequest(first or PAGE, key_after(after))
        page = await call.ask(list_quotes, asked, customer=owner, clock=call.wiring.clock)
        rows = await _quotes(call, page.items)
        return ContractQuotePage(count=len(rows), quote=rows, next=str(page.items[-1].id) if page.more else None)

    @operation("SendQuote", needed(Unicode), needed(Integer), returns=ContractQuote, result="quote")
    async def send_quote(ctx: Any, quoteNumber: str, version: int) -> Any:  # noqa: N803, N805
        """Fix a quote's prices; from now on it can be answered."""
        call = ctx.udc
        found = await call.ask(get_quote, quoteNumber, clock=call.wiring.clock)
        return await _quote(call, await call.ask(send_quote, found.id, version, clock=call.wiring.clock))

    @operation(
        "AnswerQuote",
        needed(Unicode),
        needed(Integer),
        needed(Boolean),
        Date,
        Unicode,
        Unicode,
        Unicode,
        returns=ContractQuote,
        result="quote",
    )
    async def answer_quote(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        quoteNumber: str,  # noqa: N803
        version: int,
        accepted: bool,
        start: date | None,
        signatory: str | None,
        reason: str | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Take the customer's answer; accepted, the quote becomes an active contract."""
        call = ctx.udc
        found = await call.ask(get_quote, quoteNumber, clock=call.wiring.clock)
        cmd = AnswerQuote(
            quote=found.id,
            version=version,
            accepted=bool(accepted),
            start=start,
            signatory=signatory,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _quote(call, await call.ask(answer_quote, cmd, clock=call.wiring.clock))


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
            fault=one.fault,
            successorNumber=None if one.successor is None else numbers.get(one.successor),
        )
        for one in changes
    ]


async def _services(call: Any, services: Sequence[Service]) -> list[ServiceModel]:
    wanted = {key for one in services for key in (*one.needs, *one.excludes, *(part.service for part in one.parts))}
    codes = {key: one.code for key, one in (await call.ask(services_by_ids, sorted(wanted))).items()} if wanted else {}
    return [
        ServiceModel(
            code=one.code,
            name=one.name,
            oneTimeFee=plain(one.one_time_fee),
            periodicFee=plain(one.periodic_fee),
            inAdvance=one.in_advance,
            intervalMonths=one.interval_months,
            anniversary=one.anniversary,
            vatPercent=plain(one.vat_percent),
            account=one.account,
            productGroup=one.product_group,
            priceList=one.price_list,
            validFrom=one.valid_from,
            validTo=one.valid_to,
            price=[
                ServicePriceModel(
                    start=each.start, oneTimeFee=plain(each.one_time_fee), periodicFee=plain(each.periodic_fee)
                )
                for each in one.prices
            ],
            country=[
                CountryTaxModel(
                    country=each.country,
                    account=each.account,
                    vatCategory=each.vat_category,
                    vatPercent=plain(each.vat_percent),
                )
                for each in one.countries
            ],
            part=[
                BundlePartModel(
                    serviceCode=codes[each.service],
                    quantity=each.quantity,
                    oneTimeFee=plain(each.one_time_fee),
                    periodicFee=plain(each.periodic_fee),
                )
                for each in one.parts
            ],
            needs=[codes[key] for key in one.needs],
            excludes=[codes[key] for key in one.excludes],
            version=one.version,
        )
        for one in services
    ]


async def _quote(call: Any, one: Quote) -> ContractQuote:
    return (await _quotes(call, [one]))[0]


async def _quotes(call: Any, quotes: Sequence[Quote]) -> list[ContractQuote]:
    if not quotes:
        return []
    owners = await call.ask(customers_by_ids, sorted({one.customer for one in quotes}))
    named = {line.service for one in quotes for line in one.lines}
    named |= {each.service for one in quotes for each in one.discounts if each.service is not None}
    codes = {key: one.code for key, one in (await call.ask(services_by_ids, sorted(named))).items()}
    made = {one.contract for one in quotes if one.contract is not None}
    contracts = await call.ask(contracts_by_ids, sorted(made)) if made else {}
    return [
        ContractQuote(
            number=one.number,
            customerNumber=owners[one.customer].number,
            state=one.state.value,
            validUntil=one.valid_until,
            start=one.start,
            line=[
                QuoteLineModel(
                    serviceCode=codes[line.service],
                    quantity=line.quantity,
                    oneTimeFee=plain(line.one_time_fee),
                    periodicFee=plain(line.periodic_fee),
                )
                for line in one.lines
            ],
            terms=shown_terms(one.terms),
            discount=shown_discounts(one.discounts, codes),
            priceList=one.price_list,
            text=one.text,
            contractNumber=contracts[one.contract].number if one.contract in contracts else None,
            reason=one.reason,
            version=one.version,
        )
        for one in quotes
    ]


async def _quoted(call: Any, lines: Any) -> tuple[QuoteLine, ...]:
    known = await _known(call, [each.serviceCode for each in lines or ()])
    return tuple(
        QuoteLine(
            service=known[each.serviceCode].id,
            quantity=each.quantity or 1,
            one_time_fee=each.oneTimeFee,
            periodic_fee=each.periodicFee,
        )
        for each in lines or ()
    )


async def _known(call: Any, codes: Sequence[str]) -> dict[str, Service]:
    return dict(await call.ask(services_by_codes, codes)) if codes else {}


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


_SAME: Final = {
    "oneTimeFee": "one_time_fee",
    "periodicFee": "periodic_fee",
    "inAdvance": "in_advance",
    "intervalMonths": "interval_months",
    "vatPercent": "vat_percent",
    "productGroup": "product_group",
    "priceList": "price_list",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "feesFrom": "fees_from",
    **{name: name for name in ("code", "name", "anniversary", "account")},
}


def _plain_fields(value: Any, command: type) -> dict[str, Any]:
    """Return the plain elements that are there, as the command's fields."""
    known = {field.name for field in fields(command)}
    found = {ours: getattr(value, theirs, None) for theirs, ours in _SAME.items() if ours in known}
    return {name: one for name, one in found.items() if one is not None}


def _countries(given: Any) -> tuple[CountryTax, ...]:
    return tuple(
        CountryTax(
            country=each.country, account=each.account, vat_category=each.vatCategory, vat_percent=each.vatPercent
        )
        for each in given or ()
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
