"""The operations of the WSDL about what collection follows: rules, what the law allows, reference rates, agencies."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import KindOfCustomer, Model, _enum, many, needed
from api.soap.orders import BarOfLine
from api.soap.service import operation
from api.soap.showing import plain
from domain.collection.limits import LegalLimit, LimitKind, ReferenceRate
from domain.collection.progress import Agency, CaseFormat
from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind
from domain.customers.customer import CustomerKind
from domain.ids import CollectionRuleId, OperatorId
from domain.provisioning.order import Bar
from domain.refusal import BadValue
from domain.usecases.manage_collection import (
    PutAgency,
    list_collection_agencies,
    list_collection_rules,
    list_legal_limits,
    list_reference_rates,
    put_collection_agency,
    put_collection_rule,
    put_legal_limit,
    put_reference_rate,
)

KindOfCollectionStep = _enum(StepKind, "KindOfCollectionStep")
ChannelOfCollection = _enum(Channel, "ChannelOfCollection")
KindOfLegalLimit = _enum(LimitKind, "KindOfLegalLimit")
FormatOfCase = _enum(CaseFormat, "FormatOfCollectionCase")
# Elements of a rule and of a limit that stand as they are; what is left out has the domain's default.
_RULE: Final = {"feesAgreed": "fees_agreed", "minimum": "minimum", "payDays": "pay_days", "active": "active"}
_LIMIT: Final = {"firstDays": "first_days", "betweenDays": "between_days", "agreed": "agreed", "source": "source"}


class CollectionStepModel(Model):
    """A step of a rule, so many days after the due date."""

    __type_name__ = "CollectionStep"

    kind = needed(KindOfCollectionStep)
    days = needed(Integer(ge=0))
    fee = XsDecimal
    compensation = XsDecimal
    interest = Boolean
    channel = ChannelOfCollection
    bar = many(BarOfLine)


class CollectionRuleModel(Model):
    """Which steps follow a due date, of invoices issued from a day on; without a version it is a new one."""

    __type_name__ = "CollectionRule"

    name = needed(Unicode)
    currency = needed(Unicode)
    validFrom = needed(Date)
    country = Unicode
    customerKind = KindOfCustomer
    group = Unicode
    step = many(CollectionStepModel)
    feesAgreed = Boolean
    minimum = XsDecimal
    payDays = Integer
    agency = Unicode
    active = Boolean
    version = Integer


class CollectionRuleList(Model):
    """By name and day."""

    rule = many(CollectionRuleModel)


class LegalLimitModel(Model):
    """What the law allows from a day on; version 0: it came with the program, or it is new."""

    __type_name__ = "LegalLimit"

    country = needed(Unicode)
    kind = needed(KindOfLegalLimit)
    customerKind = KindOfCustomer
    validFrom = needed(Date)
    most = needed(XsDecimal)
    currency = needed(Unicode)
    law = needed(Unicode)
    source = Unicode
    firstDays = Integer
    betweenDays = Integer
    count = Integer
    agreed = Boolean
    version = Integer


class LegalLimitList(Model):
    """Those that came with the program first."""

    limit = many(LegalLimitModel)


class ReferenceRateModel(Model):
    """A country's reference rate from 1 January or 1 July on, per cent; version 0 is a new one."""

    __type_name__ = "ReferenceRate"

    country = needed(Unicode)
    validFrom = needed(Date)
    percent = needed(XsDecimal)
    source = Unicode
    version = needed(Integer)


class ReferenceRateList(Model):
    """By country and day."""

    rate = many(ReferenceRateModel)


class AgencyCredential(Model):
    """A secret by its name: a reference, env:NAME or file:NAME."""

    name = needed(Unicode)
    reference = needed(Unicode)


class AgencyModel(Model):
    """Where cases are handed over to; its credentials go in and never come out. Without a version it is a new one."""

    __type_name__ = "CollectionAgency"

    name = needed(Unicode)
    format = needed(FormatOfCase)
    address = needed(Unicode)
    hostKey = many(Unicode)
    credential = many(AgencyCredential)
    active = Boolean
    version = Integer


class AgencyList(Model):
    """The agencies."""

    agency = many(AgencyModel)


class CollectionRules(ServiceBase):
    """What collection follows."""

    __service_name__ = "Billing"

    @operation("ListCollectionRules", returns=CollectionRuleList, result="rules")
    async def list_rules(ctx: Any) -> Any:
        """Return the rules, by name and day."""
        return CollectionRuleList(rule=[_rule(one) for one in await ctx.udc.ask(list_collection_rules)])

    @operation("PutCollectionRule", needed(CollectionRuleModel), returns=CollectionRuleModel, result="rule")
    async def put_rule(ctx: Any, rule: Any) -> Any:
        """Keep a rule; more than the law allows is refused, with the law's name."""
        made = CollectionRule(
            id=CollectionRuleId(0),
            operator=OperatorId(0),
            name=rule.name,
            currency=rule.currency,
            steps=tuple(_step(one) for one in rule.step or ()),
            valid_from=rule.validFrom,
            country=rule.country,
            customer_kind=_kind(rule.customerKind),
            member_group=rule.group,
            agency=rule.agency,
            version=rule.version or 0,
            **_said(rule, _RULE),
        )
        return _rule(await ctx.udc.ask(put_collection_rule, made, clock=ctx.udc.wiring.clock))

    @operation("ListLegalLimits", returns=LegalLimitList, result="limits")
    async def list_limits(ctx: Any) -> Any:
        """Return what the law allows; of two rows of one day the later one holds."""
        return LegalLimitList(limit=[_limit(one) for one in await ctx.udc.ask(list_legal_limits)])

    @operation("PutLegalLimit", needed(LegalLimitModel), returns=LegalLimitModel, result="limit")
    async def put_limit(ctx: Any, limit: Any) -> Any:
        """Enter what the law allows from a day on."""
        made = LegalLimit(
            country=limit.country,
            kind=LimitKind(str(limit.kind)),
            valid_from=limit.validFrom,
            most=limit.most,
            currency=limit.currency,
            law=limit.law,
            customer_kind=_kind(limit.customerKind),
            count=limit.count,
            version=limit.version or 0,
            **_said(limit, _LIMIT),
        )
        return _limit(await ctx.udc.ask(put_legal_limit, made))

    @operation("ListReferenceRates", returns=ReferenceRateList, result="rates")
    async def list_rates(ctx: Any) -> Any:
        """Return the rates that late interest starts from."""
        return ReferenceRateList(rate=[_rate(one) for one in await ctx.udc.ask(list_reference_rates)])

    @operation("PutReferenceRate", needed(ReferenceRateModel), returns=ReferenceRateModel, result="rate")
    async def put_rate(ctx: Any, rate: Any) -> Any:
        """Enter a country's reference rate."""
        made = ReferenceRate(
            country=rate.country,
            valid_from=rate.validFrom,
            percent=rate.percent,
            source=rate.source or "",
            version=rate.version,
        )
        return _rate(await ctx.udc.ask(put_reference_rate, made))

    @operation("ListCollectionAgencies", returns=AgencyList, result="agencies")
    async def list_agencies(ctx: Any) -> Any:
        """Return the agencies, without their credentials."""
        return AgencyList(agency=[_agency(one) for one in await ctx.udc.ask(list_collection_agencies)])

    @operation("PutCollectionAgency", needed(AgencyModel), returns=AgencyModel, result="agency")
    async def put_agency(ctx: Any, agency: Any) -> Any:
        """Keep an agency as a whole."""
        given = agency.credential or []
        if len({one.name for one in given}) != len(given):
            raise BadValue("a credential stands there twice", field="credential")
        cmd = PutAgency(
            name=agency.name,
            format=CaseFormat(str(agency.format)),
            address=agency.address,
            host_keys=tuple(agency.hostKey or ()),
            credentials=tuple((one.name, one.reference) for one in given),
            active=agency.active is not False,
            version=agency.version or 0,
        )
        wiring = ctx.udc.wiring
        kept = await ctx.udc.ask(put_collection_agency, cmd, transports=wiring.transports, vault=wiring.vault)
        return _agency(kept)


def _said(model: Any, names: dict[str, str]) -> dict[str, Any]:
    """Return the fields of elements that are there."""
    return {ours: value for theirs, ours in names.items() if (value := getattr(model, theirs)) is not None}


def _kind(word: Any) -> CustomerKind | None:
    return None if word is None else CustomerKind(str(word))


def _step(one: Any) -> CollectionStep:
    fields: dict[str, Any] = _said(one, {"fee": "fee", "compensation": "compensation", "interest": "interest"})
    if one.channel is not None:
        fields["channel"] = Channel(str(one.channel))
    bars = tuple(Bar(str(bar)) for bar in one.bar or ())
    return CollectionStep(kind=StepKind(str(one.kind)), days=int(one.days), bars=bars, **fields)


def _rule(one: CollectionRule) -> CollectionRuleModel:
    return CollectionRuleModel(
        name=one.name,
        currency=one.currency,
        validFrom=one.valid_from,
        country=one.country,
        customerKind=one.customer_kind and one.customer_kind.value,
        group=one.member_group,
        step=[
            CollectionStepModel(
                kind=step.kind.value,
                days=step.days,
                fee=plain(step.fee),
                compensation=plain(step.compensation),
                interest=step.interest,
                channel=step.channel.value,
                bar=[bar.value for bar in step.bars],
            )
            for step in one.steps
        ],
        feesAgreed=one.fees_agreed,
        minimum=plain(one.minimum),
        payDays=one.pay_days,
        agency=one.agency,
        active=one.active,
        version=one.version,
    )


def _limit(one: LegalLimit) -> LegalLimitModel:
    return LegalLimitModel(
        country=one.country,
        kind=one.kind.value,
        customerKind=one.customer_kind and one.customer_kind.value,
        validFrom=one.valid_from,
        most=plain(one.most),
        currency=one.currency,
        law=one.law,
        source=one.source,
        firstDays=one.first_days,
        betweenDays=one.between_days,
        count=one.count,
        agreed=one.agreed,
        version=one.version,
    )


def _rate(one: ReferenceRate) -> ReferenceRateModel:
    return ReferenceRateModel(
        country=one.country,
        validFrom=one.valid_from,
        percent=plain(one.percent),
        source=one.source or None,
        version=one.version,
    )


def _agency(one: Agency) -> AgencyModel:
    return AgencyModel(
        name=one.name,
        format=one.format.value,
        address=one.address,
        hostKey=list(one.host_keys),
        active=one.active,
        version=one.version,
    )
