"""Take in exchange rates, list them, and say how margins are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.margins.exchange import DayRate, MarginRules
from domain.money import currency
from domain.ports.clock import Clock
from domain.ports.exchange import RateFiles, RatesPut
from domain.ports.page import PAGE_MAX
from domain.ports.unit import Begin
from domain.ports.versions import Versioned
from domain.refusal import BadValue, LimitExceeded

CONTENT_MAX: Final = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRates:
    """A bank's file of rates. ``replace``: what differs from the kept rates takes their place."""

    content: bytes
    replace: bool = False


@dataclass(frozen=True, slots=True)
class RatesImported:
    """The days of a file, and what became of its rates."""

    first: date
    last: date
    put: RatesPut


@operation(Action.WRITE_PRICES)
async def import_rates(
    cmd: ImportRates, *, actor: Actor, begin: Begin, clock: Clock, files: RateFiles
) -> RatesImported:
    """Take a file of rates in; the same again changes nothing.

    Refuses with: NotAllowed, LimitExceeded, Unreadable, Conflict (another rate is kept for the day).
    """
    if len(cmd.content) > CONTENT_MAX:
        raise LimitExceeded("a file of rates has at most {content_max} bytes", content_max=CONTENT_MAX, field="content")
    rates = files.read(cmd.content)
    first, last = min(one.day for one in rates), max(one.day for one in rates)
    async with begin(actor) as unit:
        put = await unit.exchange.put(rates, replace=cmd.replace, at=clock.now())
        counts = {"new": put.new, "same": put.same, "changed": put.changed}
        await unit.audit.write("import_rates", f"exchange_rate:{first}..{last}", counts)
    return RatesImported(first, last, put)


@dataclass(frozen=True, slots=True)
class RatePage:
    """Rates, the newest day first; ``more`` tells whether any follow."""

    items: Sequence[DayRate]
    more: bool


@operation(Action.READ_PRICES)
async def list_exchange_rates(
    *, first: int, after: tuple[date, str, str] | None, code: str | None, actor: Actor, begin: Begin
) -> RatePage:
    """List rates of a currency, or of any. Refuses with: NotAllowed, BadValue."""
    if not 1 <= first <= PAGE_MAX:
        raise BadValue("between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first")
    async with begin(actor) as unit:
        return RatePage(
            *await unit.exchange.page(first=first, after=after, currency=None if code is None else currency(code))
        )


@operation(Action.READ_COSTS)
async def margin_rules(*, actor: Actor, begin: Begin) -> MarginRules:
    """Return how margins are watched. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.exchange.rules()


@operation(Action.WRITE_PRICES)
async def set_margin_rules(
    rules: MarginRules, version: int | None = None, *, actor: Actor, begin: Begin
) -> MarginRules:
    """Say how margins are watched. ``version``: that of the rules that were read. Refuses with: NotAllowed, Stale."""
    async with begin(actor) as unit:
        await unit.versions.advance(Versioned.MARGIN_RULES, "", version)
        await unit.exchange.keep_rules(rules)
        detail = {"loss_min": rules.loss_min, "rate_max_age_days": rules.rate_max_age_days}
        await unit.audit.write("set_margin_rules", "margin_rules", detail)
    return rules
