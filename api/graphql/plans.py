"""Price plans, who is on which, and what is granted, given away and told beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.inputs import command
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from domain.buckets.grant import GiftRules, GrantKind, shown
from domain.catalogue.tariff import Bucket
from domain.ids import ContractId
from domain.plans.assignment import PlanAssignment
from domain.usecases.give_units import Gift, GiveUnits, SetGiftRules, get_gift_rules, give_units, set_gift_rules
from domain.usecases.grant_units import Granted, GrantUnits, WithdrawGrant, grant_units, withdraw_grant
from domain.usecases.load_versions import gift_rules_version
from domain.usecases.put_on_plan import OnPlans, PlanTold, PutOnPlan, get_plan_assignments, list_plans, put_on_plan
from domain.usecases.tell_buckets import BucketEntry, Happened, TellBuckets, tell_buckets

ID = strawberry.ID
_WHOSE = {"customer": "Customer", "contract": "Contract", "subscription": "Subscription"}

strawberry.enum(GrantKind, description=(GrantKind.__doc__ or "").strip())
strawberry.enum(Happened, name="BucketHappening", description="What an entry of a bucket's history says.")


def _owner_id(owner: str) -> ID:
    kind, _, key = owner.partition(":")
    return ID(global_id(kind.title(), key))


def _line(key: int | None) -> ID | None:
    return None if key is None else ID(global_id("Subscription", key))


@strawberry.type(name="PlanBucket", description="What a plan grants, as it stands in the catalogue.")
class PlanBucketType:
    """``domain.catalogue.tariff.Bucket``, as far as a plan is concerned."""

    id: str
    owner: str = strawberry.field(description="each subscription, each contract or each customer: who shares it")
    unit: str
    amount: Decimal
    monthly: bool
    prorated: bool
    per_subscription: Decimal | None = strawberry.field(description="What one line may take of it at most.")
    thresholds: list[int]


def _bucket(one: Bucket) -> PlanBucketType:
    return PlanBucketType(
        id=one.id,
        owner=one.owner,
        unit=one.unit,
        amount=shown(one.amount, one.unit),
        monthly=one.repeat is not None,
        prorated=one.repeat is not None and one.repeat.prorate,
        per_subscription=None if one.cap is None else shown(one.cap, one.unit),
        thresholds=list(one.thresholds),
    )


@strawberry.type(name="Plan", description="A price plan of the catalogue: a part of tariff documents and drafts.")
class PlanType:
    """``PlanTold``."""

    name: str
    shared: bool = strawberry.field(description="For the lines of a contract, who share; otherwise for one line.")
    price_list: str | None = strawberry.field(description="The retail list of lines on it; null: their own.")
    buckets: list[PlanBucketType]


def _plan(one: PlanTold) -> PlanType:
    plan = one.plan
    buckets = [_bucket(each) for each in one.buckets]
    return PlanType(name=plan.name, shared=plan.shares, price_list=plan.price_list, buckets=buckets)


@strawberry.type(
    name="PlanAssignment", description="On a plan in [validFrom, validTo), days of the operator's own zone."
)
class AssignmentType:
    """``PlanAssignment``."""

    plan: str
    contract: ID
    subscription: ID | None = strawberry.field(description="Null: every line of the contract, who share.")
    valid_from: date
    valid_to: date | None


def _assignment(one: PlanAssignment) -> AssignmentType:
    return AssignmentType(
        plan=one.plan,
        contract=ID(global_id("Contract", one.contract)),
        subscription=_line(one.subscription),
        valid_from=one.valid_from,
        valid_to=one.valid_to,
    )


@strawberry.type(name="PlanAssignments", description="What a contract and its lines are on and were.")
class AssignmentsType:
    """``OnPlans``."""

    assignments: list[AssignmentType]


def _assignments(found: OnPlans) -> AssignmentsType:
    return AssignmentsType(assignments=[_assignment(one) for one in found.assignments])


@strawberry.type(name="BucketGrant", description="Granted beside plans: bought, received as a gift, or for nothing.")
class GrantType:
    """``Granted``."""

    id: ID
    kind: GrantKind
    bucket: str
    owner: ID
    owner_name: str
    unit: str
    amount: Decimal
    since: datetime
    until: datetime
    price: Decimal = strawberry.field(description="Without VAT, charged once to the contract.")
    contract: ID | None
    day: date | None = strawberry.field(description="The day on which it is charged.")
    giver: ID | None
    reason: str
    withdrawn_at: datetime | None


def _grant(found: Granted) -> GrantType:
    one = found.grant
    return GrantType(
        id=ID(global_id("Grant", one.id)),
        kind=one.kind,
        bucket=one.bucket,
        owner=_owner_id(one.owner),
        owner_name=one.owner,
        unit=found.unit,
        amount=found.amount,
        since=one.since,
        until=one.until,
        price=one.price,
        contract=None if one.contract is None else ID(global_id("Contract", one.contract)),
        day=one.day,
        giver=_line(one.giver),
        reason=one.reason,
        withdrawn_at=one.withdrawn_at,
    )


@strawberry.type(name="Gift", description="What the taker has: a grant for each of the giver's that it came from.")
class GiftType:
    """``Gift``."""

    grants: list[GrantType]


async def _rules_version(info: Info) -> int:
    return int(await info.context.ask(gift_rules_version))


@strawberry.type(name="GiftRules", description="How lines may give units to each other; perMonth 0: not at all.")
class GiftRulesType:
    """``GiftRules``."""

    per_month: int
    most_percent: int
    anybody: bool
    version: int = strawberry.field(
        resolver=_rules_version, description="Give it back with a change, so that nobody's change is overwritten."
    )


def _rules(found: GiftRules | None) -> GiftRulesType:
    if found is None:
        return GiftRulesType(per_month=0, most_percent=100, anybody=False)
    return GiftRulesType(per_month=found.per_month, most_percent=found.most_percent, anybody=found.anybody)


@strawberry.type(
    name="BucketEntry",
    description="Something that happened to what the owner has of a bucket for the period that began at since."
    " Amounts are positive where it gets something. A use stands when it was rated.",
)
class EntryType:
    """``BucketEntry``."""

    at: datetime
    happened: Happened
    bucket: str
    owner: ID
    owner_name: str
    since: datetime
    unit: str
    amount: Decimal
    percent: int | None = strawberry.field(description="Of a threshold; the amount is then what is used.")
    grant: ID | None = strawberry.field(description="Which, where it is not a plan's.")
    other: ID | None = strawberry.field(description="The subscription that gave or received.")
    reason: str


def _entry(one: BucketEntry) -> EntryType:
    return EntryType(
        at=one.at,
        happened=one.happened,
        bucket=one.bucket,
        owner=_owner_id(one.owner),
        owner_name=one.owner,
        since=one.since,
        unit=one.unit,
        amount=one.amount,
        percent=one.percent,
        grant=None if one.grant is None else ID(global_id("Grant", one.grant)),
        other=_line(one.other),
        reason=one.reason,
    )


@strawberry.input(
    description="A contract or a subscription, exactly one, is on the plan from the day on; what it was on ends there."
    " plan null: on none. version: that of the contract or subscription that was looked at."
)
class PutOnPlanInput:
    """``PutOnPlan``."""

    contract: ID | None = None
    subscription: ID | None = None
    plan: str | None = None
    valid_from: date
    valid_to: date | None = None
    version: int | None = None
    idempotency_key: str | None = None


@strawberry.input(
    description="For a customer, a contract or a subscription, exactly one. What is left out is the bucket's own: its"
    " amount, from now on, for the days, at the price and as the service of its top-up."
)
class GrantUnitsInput:
    """``GrantUnits``."""

    customer: ID | None = None
    contract: ID | None = None
    subscription: ID | None = None
    bucket: str
    amount: Decimal | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    price: Decimal | None = None
    service: str | None = None
    charged_to: ID | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@strawberry.input(description="A grant of which nothing is used; what it cost is given back by the next invoice.")
class WithdrawGrantInput:
    """``WithdrawGrant``."""

    grant: ID
    reason: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The giver's own buckets of this id give what they have left; what ends first is given.")
class GiveUnitsInput:
    """``GiveUnits``."""

    giver: ID
    taker: ID
    bucket: str
    amount: Decimal
    idempotency_key: str | None = None


@strawberry.input(description="perMonth: gifts of one line in a month, 0 none; anybody: also to other customers.")
class GiftRulesInput:
    """``SetGiftRules``."""

    per_month: int
    most_percent: int | None = None
    anybody: bool | None = None
    version: int | None = strawberry.field(
        default=None, description="That of the rules that were read; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


def _around(info: Info) -> dict[str, Any]:
    wiring = info.context.wiring
    return {"clock": wiring.clock, "raters": wiring.raters}


async def _list_plans(info: Info) -> Any:
    found: Sequence[PlanTold] = await info.context.ask(list_plans, raters=info.context.wiring.raters)
    return [_plan(one) for one in found]


async def _plan_assignments(info: Info, contract: ID) -> Any:
    key = ContractId(key_of(contract, "Contract", "contract"))
    return _assignments(await info.context.ask(get_plan_assignments, key)).assignments


async def _history(
    info: Info,
    since: datetime,
    customer: ID | None = None,
    contract: ID | None = None,
    subscription: ID | None = None,
    until: datetime | None = None,
    first: int = 200,
) -> Any:
    given = {"customer": customer, "contract": contract, "subscription": subscription}
    keys: dict[str, Any] = {name: key_of(one, _WHOSE[name], name) for name, one in given.items() if one is not None}
    cmd = TellBuckets(**keys, since=since, until=until, first=first)
    return [_entry(one) for one in await info.context.ask(tell_buckets, cmd, **_around(info))]


async def _gift_rules(info: Info) -> Any:
    return _rules(await info.context.ask(get_gift_rules))


async def _put_on_plan(info: Info, asked: Annotated[PutOnPlanInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(PutOnPlan, asked, _WHOSE, plan=asked.plan)
    return _assignments(await info.context.ask(put_on_plan, cmd))


async def _grant_units(info: Info, asked: Annotated[GrantUnitsInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(GrantUnits, asked, _WHOSE | {"charged_to": "Contract"})
    return _grant(await info.context.ask(grant_units, cmd, **_around(info)))


async def _withdraw(info: Info, asked: Annotated[WithdrawGrantInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(WithdrawGrant, asked, {"grant": "Grant"})
    return _grant(await info.context.ask(withdraw_grant, cmd, **_around(info)))


async def _give(info: Info, asked: Annotated[GiveUnitsInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(GiveUnits, asked, {"giver": "Subscription", "taker": "Subscription"})
    found: Gift = await info.context.ask(give_units, cmd, **_around(info))
    return GiftType(grants=[_grant(one) for one in found.grants])


async def _set_rules(info: Info, asked: Annotated[GiftRulesInput, strawberry.argument(name="input")]) -> Any:
    return _rules(await info.context.ask(set_gift_rules, command(SetGiftRules, asked)))


@strawberry.type
class PlanQuery:
    """Plans, and what became of buckets."""

    plans: list[PlanType] = strawberry.field(resolver=_list_plans, description="Those that the caller may use.")
    plan_assignments: list[AssignmentType] = strawberry.field(
        resolver=_plan_assignments, description="What a contract and its lines are on and were."
    )
    bucket_history: list[EntryType] = strawberry.field(
        resolver=_history,
        description="What was granted, bought, given, used, lost and expired, and thresholds, the newest first; of a"
        " customer, a contract or a subscription, exactly one of them.",
    )
    gift_rules: GiftRulesType = strawberry.field(resolver=_gift_rules)


@strawberry.type
class PlanMutation:
    """Plans, grants and gifts."""

    put_on_plan = strawberry.mutation(resolver=_put_on_plan, graphql_type=outcome("PutOnPlanResult", AssignmentsType))
    grant_units = strawberry.mutation(resolver=_grant_units, graphql_type=outcome("GrantUnitsResult", GrantType))
    withdraw_grant = strawberry.mutation(resolver=_withdraw, graphql_type=outcome("WithdrawGrantResult", GrantType))
    give_units = strawberry.mutation(resolver=_give, graphql_type=outcome("GiveUnitsResult", GiftType))
    set_gift_rules = strawberry.mutation(resolver=_set_rules, graphql_type=outcome("SetGiftRulesResult", GiftRulesType))
