"""The operations of the WSDL about credit: limits, what is used of them, and what is set by hand instead."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as Number

from api.soap.models import Model, _enum, many, needed
from api.soap.orders import BarOfLine
from api.soap.paging import key_after
from api.soap.service import operation
from domain.credit.kinds import Kind
from domain.credit.limit import CreditLimit, CreditOverride, shown
from domain.ids import CreditLimitId, CreditOverrideId, CustomerId, SubscriptionId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.provisioning.order import Bar
from domain.usecases.limit_credit import (
    Exposure,
    OverrideCredit,
    RemoveCreditLimit,
    SetCreditLimit,
    end_override,
    list_credit_limits,
    override_credit,
    remove_credit_limit,
    set_credit_limit,
    show_credit,
)
from domain.usecases.top_up_credit import TopUpCredit, top_up_credit

PAGE: Final = 200
KindOfCredit = _enum(Kind, "CreditKind")


class NewCreditLimit(Model):
    """Of a subscription, a customer, each customer of a group, or (none of them) each of the operator."""

    amount = needed(Number)
    kind = KindOfCredit
    customer = Integer(ge=1)
    subscription = Integer(ge=1)
    group = Unicode
    eachLine = Boolean
    hard = Boolean
    warnAt = many(Integer(ge=1))
    bar = many(BarOfLine)
    barsNothing = Boolean
    graceAmount = Number
    graceDays = Integer
    mail = Boolean
    sms = Boolean
    version = Integer


class CreditLimitModel(Model):
    """How much may be owed and used."""

    __type_name__ = "CreditLimit"

    id = needed(Integer)
    customer = Integer
    subscription = Integer
    group = Unicode
    eachLine = needed(Boolean)
    kind = needed(KindOfCredit)
    amount = needed(Number)
    hard = needed(Boolean)
    warnAt = many(Integer)
    bar = many(BarOfLine)
    graceAmount = needed(Number)
    graceDays = needed(Integer)
    mail = needed(Boolean)
    sms = needed(Boolean)
    version = needed(Integer)


class CreditLimitPage(Model):
    """A page of limits; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    limit = many(CreditLimitModel)
    next = Unicode


class CreditOverrideModel(Model):
    """What was set by hand instead of limits; no amount: no limit."""

    __type_name__ = "CreditOverride"

    id = needed(Integer)
    customer = needed(Integer)
    subscription = Integer
    kind = KindOfCredit
    amount = Number
    reason = needed(Unicode)
    client = needed(Unicode)
    madeAt = needed(DateTime)
    until = DateTime
    endedAt = DateTime


class KindExposureModel(Model):
    """What is used of one kind; no amount: no limit holds."""

    __type_name__ = "KindExposure"

    kind = needed(KindOfCredit)
    unbilled = needed(Number)
    reserved = needed(Number)
    used = needed(Number)
    amount = Number
    left = Number
    percent = Integer


class ExposureModel(Model):
    """What a customer, or one line of his, has used of his limits."""

    __type_name__ = "Exposure"

    customer = needed(Integer)
    subscription = Integer
    currency = needed(Unicode)
    owed = needed(Number)
    kind = many(KindExposureModel)
    watched = needed(Boolean)
    bar = many(BarOfLine)
    override = many(CreditOverrideModel)


class ExposureList(Model):
    """Of a customer, and of those lines of his that a limit of lines covers."""

    exposure = many(ExposureModel)


class Credit(ServiceBase):
    """Credit."""

    __service_name__ = "Billing"

    @operation("SetCreditLimit", needed(NewCreditLimit), Unicode, returns=CreditLimitModel, result="limit")
    async def set_limit(ctx: Any, limit: Any, idempotencyKey: str | None) -> Any:
        """Set a limit, or change the one of ``version``. Without ``bar`` lines are barred from what fits the kind."""
        names = {"amount": "amount", "customer": "customer", "subscription": "subscription", "group": "group"}
        names |= {"eachLine": "each_line", "hard": "hard", "graceAmount": "grace_amount", "graceDays": "grace_days"}
        names |= {"mail": "mail", "sms": "sms", "version": "version"}
        fields: dict[str, Any] = {
            ours: value for theirs, ours in names.items() if (value := getattr(limit, theirs)) is not None
        }
        if limit.kind is not None:
            fields["kind"] = Kind(str(limit.kind))
        if limit.warnAt:
            fields["warn_at"] = tuple(int(one) for one in limit.warnAt)
        if limit.bar or limit.barsNothing:
            fields["bars"] = tuple(Bar(str(one)) for one in limit.bar or ())
        cmd = SetCreditLimit(**fields, idempotency_key=idempotencyKey)
        return _limit(await ctx.udc.ask(set_credit_limit, cmd, clock=ctx.udc.wiring.clock))

    @operation("RemoveCreditLimit", needed(Integer(ge=1)), needed(Integer), returns=CreditLimitModel, result="limit")
    async def remove_limit(ctx: Any, id: int, version: int) -> Any:
        """Take a limit away, and return it as it was."""
        cmd = RemoveCreditLimit(limit=CreditLimitId(id), version=version)
        return _limit(await ctx.udc.ask(remove_credit_limit, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "ListCreditLimits",
        Integer(ge=1),
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=CreditLimitPage,
        result="page",
    )
    async def list_limits(ctx: Any, customer: int | None, first: int | None, after: str | None) -> Any:
        """Return limits: those of a customer and his lines, or all."""
        whose = None if customer is None else CustomerId(customer)
        request = PageRequest(first or PAGE, key_after(after))
        page = await ctx.udc.ask(list_credit_limits, request, customer=whose)
        following = str(page.items[-1].id) if page.more else None
        return CreditLimitPage(count=len(page.items), limit=[_limit(one) for one in page.items], next=following)

    @operation(
        "OverrideCredit",
        needed(Integer(ge=1)),
        needed(Unicode),
        Integer(ge=1),
        KindOfCredit,
        Number,
        DateTime,
        Unicode,
        returns=CreditOverrideModel,
        result="override",
    )
    async def override(
        ctx: Any,
        customer: int,
        reason: str,
        subscription: int | None,
        kind: str | None,
        amount: Decimal | None,
        until: Any,
        idempotencyKey: str | None,
    ) -> Any:
        """Set by hand what holds instead of limits; without ``amount`` there is no limit."""
        cmd = OverrideCredit(
            customer=CustomerId(customer),
            reason=reason,
            subscription=None if subscription is None else SubscriptionId(subscription),
            kind=None if kind is None else Kind(str(kind)),
            amount=amount,
            until=until,
            idempotency_key=idempotencyKey,
        )
        return _override(await ctx.udc.ask(override_credit, cmd, clock=ctx.udc.wiring.clock))

    @operation("EndCreditOverride", needed(Integer(ge=1)), returns=CreditOverrideModel, result="override")
    async def end_override(ctx: Any, id: int) -> Any:
        """End what was set by hand: the limits hold again."""
        return _override(await ctx.udc.ask(end_override, CreditOverrideId(id), clock=ctx.udc.wiring.clock))

    @operation("GetExposures", needed(Integer(ge=1)), returns=ExposureList, result="exposures")
    async def exposures(ctx: Any, customer: int) -> Any:
        """Return what a customer, and each watched line of his, has used of limits."""
        found = await ctx.udc.ask(show_credit, CustomerId(customer), clock=ctx.udc.wiring.clock)
        return ExposureList(exposure=[_exposure(one) for one in found])

    @operation(
        "TopUpCredit",
        needed(Integer(ge=1)),
        needed(Number),
        needed(Unicode),
        returns=needed(Number),
        result="credit",
    )
    async def top_up(ctx: Any, customer: int, amount: Decimal, reference: str) -> Any:
        """Book money that was paid for a customer as his credit, and return what he has."""
        cmd = TopUpCredit(customer=CustomerId(customer), amount=amount, reference=reference)
        return await ctx.udc.ask(top_up_credit, cmd, clock=ctx.udc.wiring.clock)


def _limit(one: CreditLimit) -> Any:
    return CreditLimitModel(
        id=one.id,
        customer=one.customer,
        subscription=one.subscription,
        group=one.group,
        eachLine=one.each_line,
        kind=one.kind.value,
        amount=shown(one.amount),
        hard=one.hard,
        warnAt=list(one.warn_at),
        bar=[bar.value for bar in one.bars],
        graceAmount=shown(one.grace_amount),
        graceDays=one.grace_days,
        mail=one.mail,
        sms=one.sms,
        version=one.version,
    )


def _override(one: CreditOverride) -> Any:
    return CreditOverrideModel(
        id=one.id,
        customer=one.customer,
        subscription=one.subscription,
        kind=one.kind and one.kind.value,
        amount=None if one.amount is None else shown(one.amount),
        reason=one.reason,
        client=one.client,
        madeAt=one.made_at,
        until=one.until,
        endedAt=one.ended_at,
    )


def _exposure(one: Exposure) -> Any:
    return ExposureModel(
        customer=one.customer,
        subscription=one.subscription,
        currency=one.currency,
        owed=one.owed,
        kind=[
            KindExposureModel(
                kind=each.kind.value,
                unbilled=each.unbilled,
                reserved=each.reserved,
                used=each.used,
                amount=each.amount,
                left=each.left,
                percent=each.percent,
            )
            for each in one.kinds
        ],
        watched=one.watched,
        bar=[bar.value for bar in one.bars],
        override=[_override(each) for each in one.overrides],
    )
