"""The operations of the WSDL about quotes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from spyne import Boolean, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import models
from api.soap.agreed import (
    StateOfQuote,
    discounts_of,
    shown_discounts,
    shown_terms,
    terms_of,
)
from api.soap.models import Discount, Model, Terms, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.services import known_services
from api.soap.showing import plain
from domain.ids import CustomerId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.quotes.quote import Quote, QuoteLine
from domain.usecases.get_customer import get_customer
from domain.usecases.load_batches import contracts_by_ids, customers_by_ids, services_by_ids
from domain.usecases.print_quote import print_quote
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
_FIRST: Final = Integer(ge=1, le=PAGE_MAX)


class QuoteLineModel(Model):
    """A service that is offered; a fee left out is the service's own until the quote is sent."""

    __type_name__ = "QuoteLine"

    serviceCode = needed(Unicode)
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal


class NewQuote(Model):
    """What a quote says; without validUntil it holds for 30 days, without number it is drawn."""

    customerNumber = needed(Unicode)
    line = many(QuoteLineModel)
    validUntil = Date
    number = Unicode
    start = Date
    priceList = Unicode
    text = Unicode
    terms = Terms
    discount = many(Discount)


class QuoteChange(Model):
    """What changes of a draft; what is left out stays, lines and discounts that are given replace all."""

    line = many(QuoteLineModel)
    validUntil = Date
    start = Date
    priceList = Unicode
    text = Unicode
    terms = Terms
    discount = many(Discount)


class ContractQuote(Model):
    """An offer; accepted, it becomes a contract."""

    number = needed(Unicode)
    customerNumber = needed(Unicode)
    state = needed(StateOfQuote)
    validUntil = needed(Date)
    start = Date
    line = many(QuoteLineModel)
    terms = Terms
    discount = many(Discount)
    priceList = Unicode
    text = Unicode
    contractNumber = Unicode
    reason = Unicode
    version = needed(Integer)


class ContractQuotePage(Model):
    """A page of quotes."""

    count = needed(Integer)
    quote = many(ContractQuote)
    next = Unicode


class Quotes(ServiceBase):
    """Quotes, and the answers to them."""

    __service_name__ = "Billing"

    @operation("CreateQuote", needed(NewQuote), Unicode, returns=ContractQuote, result="quote")
    async def create_quote(ctx: Any, quote: Any, idempotencyKey: str | None) -> Any:
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
    async def change_quote(ctx: Any, quoteNumber: str, version: int, change: Any) -> Any:
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
    async def get_quote(ctx: Any, quoteNumber: str) -> Any:
        """Return a quote."""
        return await _quote(ctx.udc, await ctx.udc.ask(get_quote, quoteNumber, clock=ctx.udc.wiring.clock))

    @operation("FetchQuote", needed(Unicode), returns=models.Document, result="document")
    async def fetch_quote(ctx: Any, quoteNumber: str) -> Any:
        """Return the PDF of a quote, as its customer receives it."""
        more = {"clock": ctx.udc.wiring.clock, "documents": ctx.udc.wiring.documents}
        found, content = await ctx.udc.ask(print_quote, quoteNumber, **more)
        return models.Document(name=f"{found.number}.pdf", mediaType="application/pdf", content=[content])

    @operation("ListQuotes", Unicode, _FIRST, Unicode, returns=ContractQuotePage, result="page")
    async def list_quotes(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return quotes to a customer, or to everybody."""
        call = ctx.udc
        owner = None if customerNumber is None else CustomerId((await call.ask(get_customer, customerNumber)).id)
        asked = PageRequest(first or PAGE, key_after(after))
        page = await call.ask(list_quotes, asked, customer=owner, clock=call.wiring.clock)
        rows = await _quotes(call, page.items)
        return ContractQuotePage(count=len(rows), quote=rows, next=str(page.items[-1].id) if page.more else None)

    @operation("SendQuote", needed(Unicode), needed(Integer), returns=ContractQuote, result="quote")
    async def send_quote(ctx: Any, quoteNumber: str, version: int) -> Any:
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
    async def answer_quote(
        ctx: Any,
        quoteNumber: str,
        version: int,
        accepted: bool,
        start: date | None,
        signatory: str | None,
        reason: str | None,
        idempotencyKey: str | None,
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
    known = await known_services(call, [each.serviceCode for each in lines or ()])
    return tuple(
        QuoteLine(
            service=known[each.serviceCode].id,
            quantity=each.quantity or 1,
            one_time_fee=each.oneTimeFee,
            periodic_fee=each.periodicFee,
        )
        for each in lines or ()
    )
