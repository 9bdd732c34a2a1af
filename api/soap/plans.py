"""The operations of the WSDL about price plans, and what is granted, given away and told beside them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import models, showing
from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.buckets.grant import GiftRules, GrantKind, shown
from domain.catalogue.tariff import Bucket
from domain.ids import GrantId
from domain.refusal import BadValue
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_subscription import owner_of_number
from domain.usecases.give_units import GiveUnits, SetGiftRules, get_gift_rules, give_units, set_gift_rules
from domain.usecases.grant_units import Granted, GrantUnits, WithdrawGrant, grant_units, withdraw_grant
from domain.usecases.list_allowances import ListAllowances, list_allowances
from domain.usecases.load_versions import gift_rules_version
from domain.usecases.put_on_plan import OnPlans, PutOnPlan, get_plan_assignments, list_plans, put_on_plan
from domain.usecases.tell_buckets import FIRST_MAX, BucketEntry, Happened, TellBuckets, tell_buckets

KindOfGrant = _enum(GrantKind, "GrantKind")
Happening = _enum(Happened, "BucketHappening")
ENTRIES: Final = 200


class PlanBucket(Model):
    """What a plan grants; ``owner`` says who shares it."""

    id = needed(Unicode)
    owner = needed(Unicode)
    unit = needed(Unicode)
    amount = needed(XsDecimal)
    monthly = needed(Boolean)
    prorated = needed(Boolean)
    perSubscription = XsDecimal
    threshold = many(Integer)


class Plan(Model):
    """A price plan of the catalogue, for one line or, ``shared``, for the lines of a contract."""

    name = needed(Unicode)
    shared = needed(Boolean)
    priceList = Unicode
    bucket = many(PlanBucket)


class PlanList(Model):
    """The plans that the caller may use."""

    count = needed(Integer)
    plan = many(Plan)


class PlanAssignment(Model):
    """On a plan from a day until the day before another; ``subscription`` is absent where all lines share it."""

    plan = needed(Unicode)
    subscription = Integer
    validFrom = needed(Date)
    validTo = Date


class PlanAssignments(Model):
    """What a contract and its lines are on and were."""

    count = needed(Integer)
    assignment = many(PlanAssignment)


class BucketGrant(Model):
    """Granted beside plans. ``owner``: subscription:12, contract:9 or customer:5."""

    id = needed(Integer)
    kind = needed(KindOfGrant)
    bucket = needed(Unicode)
    owner = needed(Unicode)
    unit = needed(Unicode)
    amount = needed(XsDecimal)
    since = needed(DateTime)
    until = needed(DateTime)
    price = needed(XsDecimal)
    day = Date
    giver = Integer
    withdrawnAt = DateTime


class GiftOfUnits(Model):
    """What the taker has of a gift."""

    count = needed(Integer)
    grant = many(BucketGrant)


class GiftRulesModel(Model):
    """How lines may give units to each other; ``perMonth`` 0: not at all."""

    __type_name__ = "GiftRules"

    perMonth = needed(Integer)
    mostPercent = needed(Integer)
    anybody = needed(Boolean)
    version = needed(Integer)


class BucketEntryModel(Model):
    """Something that happened to a bucket of an owner; of a threshold ``percent``, and what is used."""

    __type_name__ = "BucketEntry"

    at = needed(DateTime)
    happened = needed(Happening)
    bucket = needed(Unicode)
    owner = needed(Unicode)
    since = needed(DateTime)
    unit = needed(Unicode)
    amount = needed(XsDecimal)
    percent = Integer
    grant = Integer
    other = Integer
    reason = Unicode


class BucketHistory(Model):
    """What happened, the newest first."""

    count = needed(Integer)
    entry = many(BucketEntryModel)


class Plans(ServiceBase):
    """Price plans, top-ups and gifts. ``number``: a line by its number now."""

    __service_name__ = "Billing"

    @operation("ListPlans", returns=PlanList, result="plans")
    async def list_plans(ctx: Any) -> Any:
        """Return the plans that the caller may use."""
        found = await ctx.udc.ask(list_plans, raters=ctx.udc.wiring.raters)
        rows = [
            Plan(
                name=one.plan.name,
                shared=one.plan.shares,
                priceList=one.plan.price_list,
                bucket=[_bucket(each) for each in one.buckets],
            )
            for one in found
        ]
        return PlanList(count=len(rows), plan=rows)

    @operation("ListPlanAssignments", needed(Unicode), returns=PlanAssignments, result="assignments")
    async def list_plan_assignments(ctx: Any, contractNumber: str) -> Any:
        """Return what a contract and its lines are on and were."""
        agreed = await ctx.udc.ask(get_contract, contractNumber)
        return _assignments(await ctx.udc.ask(get_plan_assignments, agreed.id))

    @operation(
        "PutOnPlan",
        Unicode,
        Unicode,
        Unicode,
        needed(Date),
        Date,
        Integer,
        Unicode,
        returns=PlanAssignments,
        result="assignments",
    )
    async def put_on_plan(
        ctx: Any,
        contractNumber: str | None,
        number: str | None,
        plan: str | None,
        validFrom: date,
        validTo: date | None,
        version: int | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Put a contract, or a line by its number, on a plan from a day on; without a plan it is on none."""
        whose = await _whose(ctx.udc, None, contractNumber, number)
        cmd = PutOnPlan(
            **whose,
            plan=plan,
            valid_from=validFrom,
            valid_to=validTo,
            version=version,
            idempotency_key=idempotencyKey,
        )
        return _assignments(await ctx.udc.ask(put_on_plan, cmd))

    @operation("ListAllowances", Unicode, DateTime, Unicode, Unicode, returns=models.Allowances, result="allowances")
    async def list_allowances(
        ctx: Any,
        contractNumber: str | None,
        at: datetime | None,
        customerNumber: str | None,
        number: str | None,
    ) -> Any:
        """Return what the buckets of a customer, a contract or a line have left, now where no time is given."""
        whose = await _whose(ctx.udc, customerNumber, contractNumber, number)
        return showing.allowances(
            await ctx.udc.ask(list_allowances, ListAllowances(**whose, at=at), **_around(ctx.udc))
        )

    @operation(
        "ListBucketHistory",
        Unicode,
        Unicode,
        Unicode,
        needed(DateTime),
        DateTime,
        Integer(ge=1, le=FIRST_MAX),
        returns=BucketHistory,
        result="history",
    )
    async def list_bucket_history(
        ctx: Any,
        customerNumber: str | None,
        contractNumber: str | None,
        number: str | None,
        since: datetime,
        until: datetime | None,
        first: int | None,
    ) -> Any:
        """Return what happened to the buckets of a customer, a contract or a line, the newest first."""
        whose = await _whose(ctx.udc, customerNumber, contractNumber, number)
        cmd = TellBuckets(**whose, since=since, until=until, first=first or ENTRIES)
        rows = [_entry(one) for one in await ctx.udc.ask(tell_buckets, cmd, **_around(ctx.udc))]
        return BucketHistory(count=len(rows), entry=rows)

    @operation(
        "GrantUnits",
        Unicode,
        Unicode,
        Unicode,
        needed(Unicode),
        XsDecimal,
        DateTime,
        DateTime,
        XsDecimal,
        Unicode,
        Unicode,
        Unicode,
        Unicode,
        returns=BucketGrant,
        result="grant",
    )
    async def grant_units(
        ctx: Any,
        customerNumber: str | None,
        contractNumber: str | None,
        number: str | None,
        bucket: str,
        amount: Decimal | None,
        validFrom: datetime | None,
        validTo: datetime | None,
        price: Decimal | None,
        service: str | None,
        chargedTo: str | None,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Grant units beside plans; what is left out is as the bucket's top-up says."""
        whose = await _whose(ctx.udc, customerNumber, contractNumber, number)
        charged = None if chargedTo is None else (await ctx.udc.ask(get_contract, chargedTo)).id
        cmd = GrantUnits(
            **whose,
            bucket=bucket,
            amount=amount,
            valid_from=validFrom,
            valid_to=validTo,
            price=price,
            service=service,
            charged_to=charged,
            reason=reason or "",
            idempotency_key=idempotencyKey,
        )
        return _grant(await ctx.udc.ask(grant_units, cmd, **_around(ctx.udc)))

    @operation("WithdrawGrant", needed(Integer(ge=1)), Unicode, returns=BucketGrant, result="grant")
    async def withdraw_grant(ctx: Any, id: int, reason: str | None) -> Any:
        """Take back a grant of which nothing is used."""
        cmd = WithdrawGrant(grant=GrantId(id), reason=reason or "")
        return _grant(await ctx.udc.ask(withdraw_grant, cmd, **_around(ctx.udc)))

    @operation(
        "GiveUnits",
        needed(Unicode),
        needed(Unicode),
        needed(Unicode),
        needed(XsDecimal),
        Unicode,
        returns=GiftOfUnits,
        result="gift",
    )
    async def give_units(
        ctx: Any,
        giverNumber: str,
        takerNumber: str,
        bucket: str,
        amount: Decimal,
        idempotencyKey: str | None,
    ) -> Any:
        """Move units from one line to another, each named by its number now."""
        now = ctx.udc.wiring.clock.now()
        giver, taker = [await ctx.udc.ask(owner_of_number, one, now) for one in (giverNumber, takerNumber)]
        cmd = GiveUnits(giver=giver.id, taker=taker.id, bucket=bucket, amount=amount, idempotency_key=idempotencyKey)
        rows = [_grant(one) for one in (await ctx.udc.ask(give_units, cmd, **_around(ctx.udc))).grants]
        return GiftOfUnits(count=len(rows), grant=rows)

    @operation("GetGiftRules", returns=GiftRulesModel, result="rules")
    async def get_gift_rules(ctx: Any) -> Any:
        """Return how lines may give units to each other."""
        return await _rules(ctx.udc, await ctx.udc.ask(get_gift_rules))

    @operation(
        "SetGiftRules",
        needed(Integer(ge=0, le=1000)),
        Integer(ge=1, le=100),
        Boolean,
        Integer,
        returns=GiftRulesModel,
        result="rules",
    )
    async def set_gift_rules(
        ctx: Any,
        perMonth: int,
        mostPercent: int | None,
        anybody: bool | None,
        version: int | None,
    ) -> Any:
        """Say how lines may give units to each other."""
        cmd = SetGiftRules(per_month=perMonth, most_percent=mostPercent or 100, anybody=bool(anybody), version=version)
        return await _rules(ctx.udc, await ctx.udc.ask(set_gift_rules, cmd))


def _around(call: Any) -> dict[str, Any]:
    return {"clock": call.wiring.clock, "raters": call.wiring.raters}


async def _whose(call: Any, customer: str | None, contract: str | None, number: str | None) -> dict[str, Any]:
    """Return who is meant. Refuses with: BadValue (not exactly one), NotFound."""
    if sum(one is not None for one in (customer, contract, number)) != 1:
        raise BadValue("give a customer, a contract or a number", field="contractNumber")
    if customer is not None:
        return {"customer": (await call.ask(get_customer, customer)).id}
    if contract is not None:
        return {"contract": (await call.ask(get_contract, contract)).id}
    return {"subscription": (await call.ask(owner_of_number, number, call.wiring.clock.now())).id}


def _bucket(one: Bucket) -> PlanBucket:
    return PlanBucket(
        id=one.id,
        owner=one.owner,
        unit=one.unit,
        amount=plain(shown(one.amount, one.unit)),
        monthly=one.repeat is not None,
        prorated=one.repeat is not None and one.repeat.prorate,
        perSubscription=None if one.cap is None else plain(shown(one.cap, one.unit)),
        threshold=list(one.thresholds),
    )


def _assignments(found: OnPlans) -> PlanAssignments:
    rows = [
        PlanAssignment(plan=one.plan, subscription=one.subscription, validFrom=one.valid_from, validTo=one.valid_to)
        for one in found.assignments
    ]
    return PlanAssignments(count=len(rows), assignment=rows)


def _grant(found: Granted) -> BucketGrant:
    one = found.grant
    return BucketGrant(
        id=one.id,
        kind=one.kind.value,
        bucket=one.bucket,
        owner=one.owner,
        unit=found.unit,
        amount=plain(found.amount),
        since=one.since,
        until=one.until,
        price=plain(one.price),
        day=one.day,
        giver=one.giver,
        withdrawnAt=one.withdrawn_at,
    )


async def _rules(call: Any, found: GiftRules | None) -> GiftRulesModel:
    rules, version = found or GiftRules(per_month=0), await call.ask(gift_rules_version)
    told = {"perMonth": rules.per_month, "mostPercent": rules.most_percent, "anybody": rules.anybody}
    return GiftRulesModel(**told, version=version)


def _entry(one: BucketEntry) -> BucketEntryModel:
    return BucketEntryModel(
        at=one.at,
        happened=one.happened.value,
        bucket=one.bucket,
        owner=one.owner,
        since=one.since,
        unit=one.unit,
        amount=plain(one.amount),
        percent=one.percent,
        grant=one.grant,
        other=one.other,
        reason=one.reason or None,
    )
