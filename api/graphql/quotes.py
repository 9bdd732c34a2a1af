"""Quotes: what is offered, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.agreed import (
    DiscountInput,
    DiscountType,
    TermsInput,
    TermsType,
)
from api.graphql.agreements import agreed, ordered
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node
from api.graphql.once import kept_key
from api.graphql.parties import (
    ContractType,
    CustomerType,
    ServiceType,
)
from api.graphql.showing import shows
from domain.ids import CustomerId, QuoteId
from domain.quotes.quote import Quote, QuoteLine, QuoteState
from domain.refusal import BadValue
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

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_AGAIN = "Sent again, the same answer again."

strawberry.enum(QuoteState, description=(QuoteState.__doc__ or "").strip())


async def _contract(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.contracts.load(root.contract) if root.contract is not None else None


async def _customer(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer) if root.customer is not None else None


async def _service(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.services.load(root.service)


def _pdf(root: strawberry.Parent[Quote], info: Info) -> str:
    return f"{info.context.wiring.settings.address}/rest/v1/quotes/{root.id}.pdf"


@strawberry.type(name="QuoteLine", description="A service that is offered.")
class QuoteLineType:
    """``domain.quotes.quote.QuoteLine``."""

    service: ServiceType = strawberry.field(resolver=_service)
    quantity: int
    one_time_fee: Decimal | None = strawberry.field(description="null: the service's own, until the quote is sent.")
    periodic_fee: Decimal | None = strawberry.field(description="null: the service's own, until the quote is sent.")


@strawberry.type(name="ContractQuote", description="An offer; accepted, it becomes a contract.")
class QuoteType(Node):
    """``domain.quotes.quote.Quote``."""

    number: str
    customer: CustomerType = strawberry.field(resolver=_customer)
    state: QuoteState
    valid_until: date = strawberry.field(description="The last day on which it can be accepted.")
    start: date | None = strawberry.field(description="null: the day it is accepted.")
    lines: list[QuoteLineType]
    terms: TermsType
    discounts: list[DiscountType]
    price_list: str | None
    text: str | None
    contract: ContractType | None = strawberry.field(resolver=_contract, description="What it has become.")
    sent_at: datetime | None
    answered_at: datetime | None
    reason: str | None
    version: int
    pdf_url: str = strawberry.field(
        resolver=_pdf, graphql_type=str, description="As the customer receives it, in his language."
    )

    is_type_of = shows(Quote)


@strawberry.input
class QuoteLineInput:
    """``QuoteLine``."""

    service: ID
    quantity: int | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None

    def domain(self) -> QuoteLine:
        """Return it as the domain's."""
        return command(QuoteLine, self, {"service": "Service"})


@strawberry.input(description="Without validUntil it holds for 30 days; without number it is drawn.")
class CreateQuoteInput:
    """``CreateQuote``."""

    customer: ID
    lines: list[QuoteLineInput]
    valid_until: date | None = None
    number: str | None = None
    start: date | None = None
    terms: TermsInput | None = None
    discounts: list[DiscountInput] | None = None
    price_list: str | None = None
    text: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(description="Lists and terms replace all.")
class ChangeQuoteInput:
    """``ChangeQuote``."""

    quote: ID
    version: int
    lines: strawberry.Maybe[list[QuoteLineInput]]
    valid_until: strawberry.Maybe[date]
    start: strawberry.Maybe[date | None]
    terms: strawberry.Maybe[TermsInput]
    discounts: strawberry.Maybe[list[DiscountInput]]
    price_list: strawberry.Maybe[str | None]
    text: strawberry.Maybe[str | None]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The contract begins on the quote's day, or start, or on the day of the answer.")
class AcceptQuoteInput:
    """``AnswerQuote`` with yes."""

    quote: ID
    version: int
    start: date | None = None
    signatory: str | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input
class DeclineQuoteInput:
    """``AnswerQuote`` with no."""

    quote: ID
    version: int
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


_IDS = {"contract": "Contract", "customer": "Customer"}


async def _create_quote(info: Info, asked: Annotated[CreateQuoteInput, _AS_INPUT]) -> Any:
    return await ordered(info, create_quote, command(CreateQuote, asked, _IDS))


async def _change_quote(info: Info, asked: Annotated[ChangeQuoteInput, _AS_INPUT]) -> Any:
    return await ordered(info, change_quote, command(ChangeQuote, asked, {"quote": "ContractQuote"}))


async def _send_quote(info: Info, quote: ID, version: int) -> Any:
    key = QuoteId(key_of(quote, "ContractQuote", "quote"))
    return await info.context.ask(send_quote, key, version, clock=info.context.wiring.clock)


async def _accept_quote(info: Info, asked: Annotated[AcceptQuoteInput, _AS_INPUT]) -> Any:
    return await ordered(info, answer_quote, command(AnswerQuote, asked, {"quote": "ContractQuote"}, accepted=True))


async def _decline_quote(info: Info, asked: Annotated[DeclineQuoteInput, _AS_INPUT]) -> Any:
    return await ordered(info, answer_quote, command(AnswerQuote, asked, {"quote": "ContractQuote"}, accepted=False))


async def _quote(info: Info, id: ID | None = None, number: str | None = None) -> Any:
    if (id is None) == (number is None):
        raise BadValue("give either id or number", field="id")
    key = QuoteId(key_of(id, "ContractQuote", "id")) if id is not None else number
    return await ordered(info, get_quote, key)


async def _quotes(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    owner = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "ContractQuote"))
    page = await info.context.ask(list_quotes, asked, customer=owner, clock=info.context.wiring.clock)
    return connect(page, "ContractQuote", after=after)


@strawberry.type
class QuoteQuery:
    """Quotes."""

    quote: QuoteType | None = strawberry.field(resolver=_quote)
    quotes: Connection[QuoteType] = strawberry.field(resolver=_quotes)


@strawberry.type
class QuoteMutation:
    """Quotes."""

    create_quote = agreed(_create_quote, "CreateQuoteResult", QuoteType, "Write a quote as a draft.")
    change_quote = agreed(_change_quote, "ChangeQuoteResult", QuoteType, "Change a draft.")
    send_quote = agreed(_send_quote, "SendQuoteResult", QuoteType, "Fix the prices; from now on it can be answered.")
    accept_quote = agreed(
        _accept_quote, "AcceptQuoteResult", QuoteType, "It becomes an active contract with the quote's prices."
    )
    decline_quote = agreed(_decline_quote, "DeclineQuoteResult", QuoteType, "Take the customer's no.")
