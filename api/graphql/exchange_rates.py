"""Exchange rates of days, and how margins are watched."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

import strawberry

from api.graphql.connections import Connection, connect, size
from api.graphql.context import Info
from api.graphql.ids import read_cursor
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.margins.exchange import DayRate, MarginRules
from domain.ports.page import Page
from domain.refusal import BadValue, LimitExceeded
from domain.usecases.import_rates import (
    ImportRates,
    RatesImported,
    import_rates,
    list_exchange_rates,
    margin_rules,
    set_margin_rules,
)
from domain.usecases.load_versions import margin_rules_version

RATES_CONTENT_MAX: Final = 1_000_000


@strawberry.type(name="ExchangeRate", description="On a day one unit of base was worth rate units of quote.")
class ExchangeRateType:
    """``domain.margins.exchange.DayRate``."""

    day: date
    base: str
    quote: str
    rate: Decimal
    source: str

    is_type_of = shows(DayRate)


async def _version(info: Info) -> int:
    return int(await info.context.ask(margin_rules_version))


@strawberry.type(name="MarginRules", description="How margins are watched.")
class MarginRulesType:
    """``domain.margins.exchange.MarginRules``."""

    loss_min: Decimal | None = strawberry.field(
        description="The loss, in the operator's currency, of one chunk of a file on one destination, list and trunk"
        " from which an alarm is raised; null: never."
    )
    rate_max_age_days: int = strawberry.field(description="How old an exchange rate may be.")
    version: int = strawberry.field(
        resolver=_version, description="Give it back with a change, so that nobody's change is overwritten."
    )

    is_type_of = shows(MarginRules)


@strawberry.input(description="Both are set; lossMin null: no alarms.")
class MarginRulesInput:
    """``MarginRules``."""

    loss_min: Decimal | None
    rate_max_age_days: int
    version: int | None = strawberry.field(
        default=None, description="That of the rules that were read; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


@strawberry.input(
    description="A bank's file of daily rates, base64; replace: what differs takes the place of the kept."
)
class ImportExchangeRatesInput:
    """``ImportRates``."""

    content: str
    replace: bool = False
    idempotency_key: str | None = kept_key()


def _put(name: str) -> Any:
    def resolve(root: strawberry.Parent[RatesImported]) -> int:
        return int(getattr(root.put, name))

    return resolve


@strawberry.type(name="ExchangeRatesImported", description="The days of the file, and what became of its rates.")
class ExchangeRatesImportedType:
    """``domain.usecases.import_rates.RatesImported``."""

    first: date
    last: date
    new: int = strawberry.field(resolver=_put("new"))
    same: int = strawberry.field(resolver=_put("same"))
    changed: int = strawberry.field(resolver=_put("changed"))

    is_type_of = shows(RatesImported)


async def _rates(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, currency: str | None = None) -> Any:
    behind = read_cursor(after, "ExchangeRate")
    try:
        place = None if behind is None else (date.fromisoformat(behind[:10]), behind[11:14], behind[15:18])
    except ValueError:
        raise BadValue("this cursor does not belong to this list", field="after") from None
    page = await info.context.ask(list_exchange_rates, first=size(first), after=place, code=currency)
    return connect(
        Page(page.items, page.more),
        "ExchangeRate",
        after=after,
        key=lambda one: f"{one.day}.{one.base}.{one.quote}",
    )


async def _rules(info: Info) -> Any:
    return await info.context.ask(margin_rules)


async def _set_rules(info: Info, asked: Annotated[MarginRulesInput, strawberry.argument(name="input")]) -> Any:
    return await info.context.ask(set_margin_rules, MarginRules(asked.loss_min, asked.rate_max_age_days), asked.version)


async def _import(info: Info, asked: Annotated[ImportExchangeRatesInput, strawberry.argument(name="input")]) -> Any:
    try:
        content = base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("the content is not base64", field="content") from None
    if len(content) > RATES_CONTENT_MAX:
        raise LimitExceeded(
            "at most {rates_content_max} bytes here; use tollwright rates import",
            rates_content_max=RATES_CONTENT_MAX,
            field="content",
        )
    wiring = info.context.wiring
    return await info.context.ask(
        import_rates,
        ImportRates(content=content, replace=asked.replace),
        clock=wiring.clock,
        files=wiring.rate_files,
    )


@strawberry.type
class ExchangeQuery:
    """What margins are reckoned and watched by."""

    exchange_rates: Connection[ExchangeRateType] = strawberry.field(
        resolver=_rates, description="The newest day first; of a currency, or of any."
    )
    margin_rules: MarginRulesType = strawberry.field(resolver=_rules)


@strawberry.type
class ExchangeMutation:
    """What margins are reckoned and watched by."""

    import_exchange_rates = strawberry.mutation(
        resolver=_import,
        graphql_type=outcome("ImportExchangeRatesResult", ExchangeRatesImportedType),
        description="The European Central Bank's XML or CSV, the Riksbank's CSV, or day,base,quote,rate.",
    )
    set_margin_rules = strawberry.mutation(
        resolver=_set_rules, graphql_type=outcome("SetMarginRulesResult", MarginRulesType)
    )
