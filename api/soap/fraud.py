"""The operations of the WSDL about unusual usage."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as Number

from api.soap.credit import KindOfCredit
from api.soap.models import Model, _enum, many, needed
from api.soap.orders import BarOfLine
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.credit.fraud import FraudAlarm, FraudRule, Measure
from domain.credit.kinds import Kind
from domain.ids import CustomerId, FraudRuleId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.provisioning.order import Bar
from domain.usecases.watch_usage import (
    PutFraudRule,
    list_fraud_rules,
    list_suspicions,
    put_fraud_rule,
    remove_fraud_rule,
)

PAGE: Final = 200
MeasureOfFraud = _enum(Measure, "FraudMeasure")


class FraudRuleModel(Model):
    """More than ``most`` of a measure by one line within any window is unusual. ``id``, ``version``: to change one."""

    __type_name__ = "FraudRule"

    id = Integer
    name = needed(Unicode)
    measure = needed(MeasureOfFraud)
    most = needed(Number)
    windowSeconds = needed(Integer)
    kind = KindOfCredit
    group = Unicode
    bar = many(BarOfLine)
    active = Boolean
    version = Integer


class FraudRuleList(Model):
    """The operator's rules, by name."""

    rule = many(FraudRuleModel)


class SuspicionModel(Model):
    """A line passed a rule: by value, in the window up to lastAt."""

    __type_name__ = "FraudSuspicion"

    id = needed(Integer)
    customer = needed(Integer)
    subscription = needed(Integer)
    rule = needed(Integer)
    value = needed(Number)
    since = needed(DateTime)
    lastAt = needed(DateTime)
    seenAt = needed(DateTime)


class SuspicionPage(Model):
    """What was found, by key."""

    count = needed(Integer)
    suspicion = many(SuspicionModel)
    next = Unicode


class FraudRules(ServiceBase):
    """The rules that find it."""

    __service_name__ = "Billing"

    @operation("PutFraudRule", needed(FraudRuleModel), returns=FraudRuleModel, result="rule")
    async def put_rule(ctx: Any, rule: Any) -> Any:
        """Keep a rule about unusual usage: a new one, or with ``id`` and ``version`` a changed one."""
        cmd = PutFraudRule(
            name=rule.name,
            measure=Measure(str(rule.measure)),
            most=rule.most,
            window_seconds=int(rule.windowSeconds),
            kind=Kind.ALL if rule.kind is None else Kind(str(rule.kind)),
            group=rule.group,
            bars=tuple(Bar(str(one)) for one in rule.bar or ()),
            active=rule.active is not False,
            rule=None if rule.id is None else FraudRuleId(rule.id),
            version=rule.version,
        )
        return _rule(await ctx.udc.ask(put_fraud_rule, cmd, clock=ctx.udc.wiring.clock))

    @operation("RemoveFraudRule", needed(Integer(ge=1)), needed(Integer), returns=FraudRuleModel, result="rule")
    async def remove_rule(ctx: Any, id: int, version: int) -> Any:
        """Forget a rule with what was found by it."""
        return _rule(await ctx.udc.ask(remove_fraud_rule, FraudRuleId(id), version))

    @operation("ListFraudRules", returns=FraudRuleList, result="rules")
    async def list_rules(ctx: Any) -> Any:
        """Return the rules about unusual usage."""
        return FraudRuleList(rule=[_rule(one) for one in await ctx.udc.ask(list_fraud_rules)])

    @operation(
        "ListFraudSuspicions",
        Integer(ge=1),
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=SuspicionPage,
        result="page",
    )
    async def list_suspicions(ctx: Any, customer: int | None, first: int | None, after: str | None) -> Any:
        """Return unusual usage that was found, of a customer or of all."""
        whose = None if customer is None else CustomerId(customer)
        page = await ctx.udc.ask(list_suspicions, PageRequest(first or PAGE, key_after(after)), customer=whose)
        following = str(page.items[-1].id) if page.more else None
        return SuspicionPage(count=len(page.items), suspicion=[_suspicion(one) for one in page.items], next=following)


def _rule(one: FraudRule) -> Any:
    return FraudRuleModel(
        id=one.id,
        name=one.name,
        measure=one.measure.value,
        most=one.most,
        windowSeconds=one.window_seconds,
        kind=one.kind.value,
        group=one.group,
        bar=[bar.value for bar in one.bars],
        active=one.active,
        version=one.version,
    )


def _suspicion(one: FraudAlarm) -> Any:
    return SuspicionModel(
        id=one.id,
        customer=one.customer,
        subscription=one.subscription,
        rule=one.rule,
        value=plain(one.value),
        since=one.since,
        lastAt=one.last_at,
        seenAt=one.seen_at,
    )
