"""The operations of the WSDL about margins, exchange rates and alarms."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import told
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.alarms.alarm import Alarm, AlarmState, Severity
from domain.ids import AlarmId, CustomerId
from domain.margins.exchange import DayRate
from domain.margins.margin import MarginBy, MarginOrder, MarginSums, amount
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue
from domain.usecases.acknowledge_alarm import acknowledge_alarm, close_alarm
from domain.usecases.get_customer import get_customer
from domain.usecases.import_rates import ImportRates, import_rates, list_exchange_rates
from domain.usecases.list_alarms import list_alarms
from domain.usecases.load_batches import customers_by_ids, resellers_by_ids
from domain.usecases.sum_margins import AskMargins, sum_margins

PAGE: Final = 200
GroupOfMargins = _enum(MarginBy, "MarginBy")
OrderOfMargins = _enum(MarginOrder, "MarginOrder")
StateOfAlarm = _enum(AlarmState, "AlarmState")
SeverityOfAlarm = _enum(Severity, "AlarmSeverity")


class Margin(Model):
    """Events added up. ``name``: a destination, a trunk, a day, a customer's number or a reseller's code."""

    name = needed(Unicode)
    events = needed(Integer)
    compared = needed(Integer)
    unconverted = needed(Integer)
    earned = needed(XsDecimal)
    paid = needed(XsDecimal)
    margin = needed(XsDecimal)


class MarginPage(Model):
    """A page of margins in one currency; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    currency = needed(Unicode)
    margin = many(Margin)
    next = Unicode


class ExchangeRate(Model):
    """On a day one unit of base was worth rate units of quote."""

    day = needed(Date)
    base = needed(Unicode)
    quote = needed(Unicode)
    rate = needed(XsDecimal)
    source = needed(Unicode)


class ExchangeRatePage(Model):
    """A page of rates, the newest day first."""

    count = needed(Integer)
    rate = many(ExchangeRate)
    next = Unicode


class RatesImported(Model):
    """The days of a file of rates, and what became of them."""

    first = needed(Date)
    last = needed(Date)
    new = needed(Integer)
    same = needed(Integer)
    changed = needed(Integer)


class AlarmModel(Model):
    """What somebody should look at. ``data`` is a JSON object."""

    __type_name__ = "Alarm"

    id = needed(Integer)
    kind = needed(Unicode)
    subject = needed(Unicode)
    severity = needed(SeverityOfAlarm)
    text = needed(Unicode)
    data = needed(Unicode)
    state = needed(StateOfAlarm)
    firstSeen = needed(DateTime)
    lastSeen = needed(DateTime)
    times = needed(Integer)
    acknowledgedBy = Unicode
    closedBy = Unicode


class AlarmPage(Model):
    """A page of alarms, in the order of their first time."""

    count = needed(Integer)
    alarm = many(AlarmModel)
    next = Unicode


class Margins(ServiceBase):
    """What is left of what is sold, and what somebody should look at."""

    __service_name__ = "Billing"

    @operation(
        "ListMargins",
        needed(DateTime),
        needed(DateTime),
        needed(GroupOfMargins),
        OrderOfMargins,
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=MarginPage,
        result="page",
    )
    async def list_margins(
        ctx: Any,
        since: datetime,
        until: datetime,
        by: str,
        order: str | None,
        customerNumber: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Add up what is earned and paid on events with since <= start < until, of a customer or of everybody."""
        owner = await ctx.udc.ask(get_customer, customerNumber) if customerNumber is not None else None
        group = MarginBy(str(by))
        cmd = AskMargins(
            since=since,
            until=until,
            customer=owner.id if owner else None,
            by=group,
            order=MarginOrder(str(order)) if order is not None else MarginOrder.KEY,
            first=first or PAGE,
            after=_place(after),
        )
        page = await ctx.udc.ask(sum_margins, cmd)
        names = await _names(ctx.udc, group, [row.key for row in page.items])
        last = page.items[-1] if page.more else None
        return MarginPage(
            count=len(page.items),
            currency=page.currency,
            margin=[_margin(row, names.get(row.key, row.key)) for row in page.items],
            next=None if last is None else f"{last.margin} {last.key}",
        )

    @operation("ImportExchangeRates", needed(ByteArray), Boolean, returns=RatesImported, result="imported")
    async def import_exchange_rates(ctx: Any, content: Any, replace: bool | None) -> Any:
        """Take a bank's file of daily rates in; the same again changes nothing."""
        wiring = ctx.udc.wiring
        cmd = ImportRates(content=b"".join(content), replace=bool(replace))
        done = await ctx.udc.ask(import_rates, cmd, clock=wiring.clock, files=wiring.rate_files)
        put = done.put
        return RatesImported(first=done.first, last=done.last, new=put.new, same=put.same, changed=put.changed)

    @operation(
        "ListExchangeRates", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=ExchangeRatePage, result="page"
    )
    async def list_exchange_rates(ctx: Any, currency: str | None, first: int | None, after: str | None) -> Any:
        """Return exchange rates of a currency, or of any, the newest day first."""
        page = await ctx.udc.ask(list_exchange_rates, first=first or PAGE, after=_rate_place(after), code=currency)
        last = page.items[-1] if page.more else None
        return ExchangeRatePage(
            count=len(page.items),
            rate=[_rate(one) for one in page.items],
            next=None if last is None else f"{last.day} {last.base} {last.quote}",
        )

    @operation(
        "ListAlarms", StateOfAlarm, Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=AlarmPage, result="page"
    )
    async def list_alarms(ctx: Any, state: str | None, kind: str | None, first: int | None, after: str | None) -> Any:
        """Return alarms in a state and of a kind, or all."""
        request = PageRequest(first or PAGE, key_after(after))
        chosen = AlarmState(str(state)) if state is not None else None
        page = await ctx.udc.ask(list_alarms, request, state=chosen, kind=kind)
        following = str(page.items[-1].id) if page.more else None
        return AlarmPage(count=len(page.items), alarm=[_alarm(one) for one in page.items], next=following)

    @operation("AcknowledgeAlarm", needed(Integer(ge=1)), returns=AlarmModel, result="alarm")
    async def acknowledge_alarm(ctx: Any, id: int) -> Any:
        """Say that somebody looks at an alarm."""
        return _alarm(await ctx.udc.ask(acknowledge_alarm, AlarmId(id), clock=ctx.udc.wiring.clock))

    @operation("CloseAlarm", needed(Integer(ge=1)), returns=AlarmModel, result="alarm")
    async def close_alarm(ctx: Any, id: int) -> Any:
        """Say that an alarm is dealt with."""
        return _alarm(await ctx.udc.ask(close_alarm, AlarmId(id), clock=ctx.udc.wiring.clock))


def _margin(row: MarginSums, name: str) -> Margin:
    money = {each: plain(amount(getattr(row, each))) for each in ("earned", "paid", "margin")}
    return Margin(name=name, events=row.events, compared=row.compared, unconverted=row.unconverted, **money)


async def _names(call: Any, by: MarginBy, keys: list[str]) -> dict[str, str]:
    """Return how SOAP names customers and resellers: by number and code."""
    wanted = {key: int(key) for key in keys if key} if by in {MarginBy.CUSTOMER, MarginBy.RESELLER} else {}
    if not wanted:
        return {}
    usecase = customers_by_ids if by is MarginBy.CUSTOMER else resellers_by_ids
    found = await call.ask(usecase, [CustomerId(key) for key in wanted.values()])
    what = "number" if by is MarginBy.CUSTOMER else "code"
    return {key: str(getattr(found[number], what)) for key, number in wanted.items() if number in found}


def _place(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    margin, blank, key = after.partition(" ")
    digits = margin.removeprefix("-")
    if not blank or not (digits.isascii() and digits.isdigit() and len(digits) < 39):
        raise BadValue("this is not where a page of margins ended", field="after")
    return int(margin), key


def _rate_place(after: str | None) -> tuple[date, str, str] | None:
    if after is None:
        return None
    try:
        day, base, quote = after.split(" ")
        return date.fromisoformat(day), base, quote
    except ValueError:
        raise BadValue("this is not where a page of rates ended", field="after") from None


def _rate(one: DayRate) -> ExchangeRate:
    return ExchangeRate(day=one.day, base=one.base, quote=one.quote, rate=plain(one.rate), source=one.source)


def _alarm(one: Alarm) -> AlarmModel:
    return AlarmModel(
        id=one.id,
        kind=one.kind,
        subject=one.subject,
        severity=one.severity.value,
        text=told(one.text),
        data=json.dumps(one.data, ensure_ascii=False, sort_keys=True),
        state=one.state.value,
        firstSeen=one.first_seen,
        lastSeen=one.last_seen,
        times=one.count,
        acknowledgedBy=one.acknowledged_by,
        closedBy=one.closed_by,
    )
