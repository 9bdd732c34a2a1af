"""``node(id)``: anything by its global id, by the same use cases as its own query; null where it may not be seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import strawberry

from api.graphql.context import Context, Info
from api.graphql.ids import key_of, read_id
from api.graphql.nodes import Node
from api.graphql.usage import event_ref
from domain.ids import (
    ContractId,
    CustomerId,
    FileId,
    InvoiceId,
    NumberOrderId,
    NumberSeriesId,
    QuoteId,
    ResellerId,
    ServiceId,
    SimulationId,
    SourceId,
    SubscriptionId,
    SuspenseId,
)
from domain.numbers.ordering import PORTS, OrderKind
from domain.ports.page import PageRequest
from domain.refusal import NotFound
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_invoice import get_invoice
from domain.usecases.get_operator import get_operator
from domain.usecases.get_simulation import get_simulation
from domain.usecases.get_subscription import get_subscription
from domain.usecases.get_suspended import get_suspended
from domain.usecases.get_usage import get_usage
from domain.usecases.list_files import get_file
from domain.usecases.list_number_orders import get_number_order
from domain.usecases.list_price_lists import list_price_lists
from domain.usecases.manage_series import get_number_series
from domain.usecases.quote_contract import get_quote

Fetch = Callable[[Context, int], Awaitable[Any]]


async def _operator(context: Context, key: int) -> Any:
    own = await context.ask(get_operator)
    return own if own.id == key else None


def _listed(usecase: Callable[..., Awaitable[Any]]) -> Fetch:
    """Return what finds one thing by the list of its kind, which goes by key."""

    async def fetch(context: Context, key: int) -> Any:
        page = await context.ask(usecase, PageRequest(first=1, after=key - 1 or None))
        return page.items[0] if page.items and page.items[0].id == key else None

    return fetch


FETCH: Final[dict[str, Fetch]] = {
    "Operator": _operator,
    "Customer": lambda context, key: context.ask(get_customer, CustomerId(key)),
    "Contract": lambda context, key: context.ask(get_contract, ContractId(key)),
    "Subscription": lambda context, key: context.ask(get_subscription, SubscriptionId(key)),
    "NumberSeries": lambda context, key: context.ask(get_number_series, NumberSeriesId(key)),
    "PortOrder": lambda context, key: context.ask(get_number_order, NumberOrderId(key), kinds=PORTS),
    "PreselectionOrder": lambda context, key: context.ask(
        get_number_order, NumberOrderId(key), kinds=(OrderKind.PRESELECTION,)
    ),
    "ContractQuote": lambda context, key: context.ask(get_quote, QuoteId(key), clock=context.wiring.clock),
    "Service": lambda context, key: context.load.services.load(ServiceId(key)),
    "Invoice": lambda context, key: context.ask(get_invoice, InvoiceId(key)),
    "File": lambda context, key: context.ask(get_file, FileId(key)),
    "Source": lambda context, key: context.load.sources.load(SourceId(key)),
    "PriceList": _listed(list_price_lists),
    "Simulation": lambda context, key: context.ask(get_simulation, SimulationId(key)),
    "Suspended": lambda context, key: context.ask(get_suspended, SuspenseId(key)),
    "Reseller": lambda context, key: context.load.resellers.load(ResellerId(key)),
}


async def _node(info: Info, id: strawberry.ID) -> Any:
    kind, _ = read_id(id)
    if kind == "Usage":
        return await info.context.ask(get_usage, event_ref(id))
    fetch = FETCH.get(kind)
    found = await fetch(info.context, key_of(id, kind, "id")) if fetch else None
    if found is None:
        raise NotFound("there is nothing with this id", field="id")
    return found


@strawberry.type
class NodeQuery:
    """Relay's entry."""

    node: Node | None = strawberry.field(resolver=_node)
