"""Margins: per call, and added up."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import strawberry

from api.graphql.connections import Connection, Item, PageInfo, Slice, connect, size
from api.graphql.context import Info
from api.graphql.ids import key_of, read_cursor
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.parties import CustomerType, ResellerType
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.graphql.usage import MoneyType, UsageType
from domain.ids import CustomerId
from domain.margins.margin import CallMargin, MarginBy, MarginOrder, MarginSums, amount
from domain.margins.window import added
from domain.ports.page import Page
from domain.rating.rated_event import EventRef
from domain.refusal import BadValue
from domain.usecases.sum_margins import (
    AskMargins,
    list_call_margins,
    sum_margins,
)

ID = strawberry.ID
CURSOR_MAX: Final = 2000
_MARGIN: Final = re.compile(r"-?[0-9]{1,38}", re.ASCII)
_UNKNOWN: Final = "null where it is not known, or no exchange rate says."

strawberry.enum(MarginBy, description=(MarginBy.__doc__ or "").strip())
strawberry.enum(MarginOrder, description=(MarginOrder.__doc__ or "").strip())


@dataclass(frozen=True, slots=True)
class Row:
    """What a row shows."""

    sums: MarginSums
    by: MarginBy
    currency: str


def _count(name: str) -> Any:
    def resolve(root: strawberry.Parent[Row]) -> BigInt:
        return BigInt(getattr(root.sums, name))

    return resolve


def _money(name: str) -> Any:
    def resolve(root: strawberry.Parent[Row]) -> MoneyType:
        return MoneyType(value=amount(getattr(root.sums, name)), currency=root.currency)

    return resolve


def _key(root: strawberry.Parent[Row]) -> str:
    numbered = {MarginBy.CUSTOMER, MarginBy.RESELLER, MarginBy.CONTRACT}
    return root.sums.key.lstrip("0") if root.by in numbered else root.sums.key


async def _customer(root: strawberry.Parent[Row], info: Info) -> Any:
    return await info.context.load.customers.load(int(root.sums.key)) if root.by is MarginBy.CUSTOMER else None


async def _reseller(root: strawberry.Parent[Row], info: Info) -> Any:
    asked = root.by is MarginBy.RESELLER and root.sums.key
    return await info.context.load.resellers.load(int(root.sums.key)) if asked else None


@strawberry.type(
    name="Margin",
    description="Events added up, in the operator's currency. earned and paid are of all that have the one; margin is"
    " earned less paid of those that have both (compared).",
)
class MarginType:
    """``domain.margins.margin.MarginSums``."""

    by: MarginBy
    key: str = strawberry.field(resolver=_key, description="A name, a day, or a number; empty for none.")
    customer: CustomerType | None = strawberry.field(resolver=_customer)
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="Who buys of the seller.")
    events: BigInt = strawberry.field(resolver=_count("events"))
    compared: BigInt = strawberry.field(resolver=_count("compared"))
    unconverted: BigInt = strawberry.field(
        resolver=_count("unconverted"), description="Not compared only because a day has no exchange rate."
    )
    earned: MoneyType = strawberry.field(resolver=_money("earned"))
    paid: MoneyType = strawberry.field(resolver=_money("paid"))
    margin: MoneyType = strawberry.field(resolver=_money("margin"))

    is_type_of = shows(Row)


@dataclass(frozen=True, slots=True)
class CallRow:
    """What a call shows."""

    call: CallMargin
    currency: str


def _call_money(name: str) -> Any:
    def resolve(root: strawberry.Parent[CallRow]) -> MoneyType | None:
        micro = getattr(root.call, name)
        return None if micro is None else MoneyType(value=amount(micro), currency=root.currency)

    return resolve


def _event(root: strawberry.Parent[CallRow]) -> Any:
    return root.call.event


@strawberry.type(name="CallMargin", description="One event with what the seller earns and pays for it.")
class CallMarginType:
    """``domain.margins.margin.CallMargin``."""

    event: UsageType = strawberry.field(resolver=_event)
    earned: MoneyType | None = strawberry.field(resolver=_call_money("earned"), description=_UNKNOWN)
    paid: MoneyType | None = strawberry.field(resolver=_call_money("paid"), description=_UNKNOWN)
    margin: MoneyType | None = strawberry.field(resolver=_call_money("margin"), description=_UNKNOWN)

    is_type_of = shows(CallRow)


@strawberry.input(description="A period of at most 400 days, the start in it and the end not; null: of any.")
class MarginFilterInput:
    """``AskMargins``."""

    since: datetime
    until: datetime
    customer: ID | None = None
    destination: str | None = None
    trunk: str | None = None


def _asked(wanted: MarginFilterInput, **more: Any) -> AskMargins:
    customer = CustomerId(key_of(wanted.customer, "Customer", "customer")) if wanted.customer else None
    return AskMargins(
        since=wanted.since,
        until=wanted.until,
        customer=customer,
        destination=wanted.destination,
        trunk=wanted.trunk,
        **more,
    )


def _write_cursor(by: MarginBy, order: MarginOrder, row: MarginSums) -> str:
    text = json.dumps([by.value, order.value, str(row.margin), row.key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str | None, by: MarginBy, order: MarginOrder) -> tuple[int, str] | None:
    if text is None:
        return None
    place = _place(text, by, order) if len(text) <= CURSOR_MAX else None
    if place is None:
        raise BadValue("this cursor does not belong to this list; take endCursor of a page of it", field="after")
    return place


def _place(text: str, by: MarginBy, order: MarginOrder) -> tuple[int, str] | None:
    try:
        match json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)):
            case [of, sorting, str(margin), str(key)] if (of, sorting) == (by, order) and "\0" not in key:
                return (int(margin), key) if _MARGIN.fullmatch(margin) else None
    except (binascii.Error, ValueError, RecursionError):
        pass
    return None


async def _margins(
    info: Info,
    wanted: Annotated[MarginFilterInput, strawberry.argument(name="filter")],
    by: MarginBy = MarginBy.DESTINATION,
    order: MarginOrder = MarginOrder.KEY,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    query = _asked(wanted, by=by, order=order, first=size(first), after=_read_cursor(after, by, order))
    page = await info.context.ask(sum_margins, query)
    edges = [Item(_write_cursor(by, order, row), Row(row, by, page.currency)) for row in page.items]
    return Slice(
        edges,
        PageInfo(
            has_next_page=page.more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


async def _total(info: Info, wanted: Annotated[MarginFilterInput, strawberry.argument(name="filter")]) -> Any:
    page = await info.context.ask(sum_margins, _asked(wanted, by=MarginBy.ALL, first=1))
    return Row(added(page.items), MarginBy.ALL, page.currency)


async def _calls(
    info: Info,
    wanted: Annotated[MarginFilterInput, strawberry.argument(name="filter")],
    below_zero: bool = False,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    behind = read_cursor(after, "Usage")
    page = await info.context.ask(
        list_call_margins,
        _asked(wanted, first=size(first)),
        below=below_zero,
        after=EventRef.read(behind) if behind else None,
    )
    rows = [CallRow(call, page.currency) for call in page.items]
    return connect(Page(rows, page.more), "Usage", after=after, key=lambda row: row.call.event.ref)


@strawberry.type
class MarginQuery:
    """What is left of what is sold."""

    margins: Connection[MarginType] = strawberry.field(
        resolver=_margins,
        description="The operator's margins; of a reseller's client, what he sells for less what he pays.",
    )
    margin_total: MarginType = strawberry.field(resolver=_total)
    call_margins: Connection[CallMarginType] = strawberry.field(
        resolver=_calls, description="In the order of their start; belowZero: only those sold at a loss."
    )
