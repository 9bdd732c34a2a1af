"""Credit limits, what is used of them, overrides, and calls that are authorised by what is left."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql import order_words  # noqa: F401  (the bars' enumeration)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from domain.credit.fraud import FraudAlarm, FraudRule, Measure
from domain.credit.kinds import Kind
from domain.credit.limit import CreditLimit, CreditOverride, shown
from domain.credit.reservation import Reservation, ReservationState
from domain.ids import CreditOverrideId, CreditReservationId, CustomerId, FraudRuleId, SubscriptionId
from domain.provisioning.order import Bar
from domain.refusal import BadValue
from domain.usecases.authorise_call import (
    Authorisation,
    AuthoriseCall,
    CommitReservation,
    ExtendReservation,
    ReserveCall,
    authorise_call,
    commit_reservation,
    extend_reservation,
    get_reservation,
    list_reservations,
    release_reservation,
    reserve_call,
)
from domain.usecases.get_subscription import owner_of_number
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
from domain.usecases.watch_usage import (
    PutFraudRule,
    list_fraud_rules,
    list_suspicions,
    put_fraud_rule,
    remove_fraud_rule,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(
    Measure, name="FraudMeasure", description="DESTINATION: how many that the line had never called before."
)
strawberry.enum(Kind, name="CreditKind", description="Which usage is counted: ALL of it, or some alone.")
strawberry.enum(
    ReservationState,
    description="OPEN, COMMITTED (its record is awaited), SETTLED by it; RELEASED or EXPIRED: it came to nothing.",
)


def _id(kind: str, name: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> ID | None:
        key = getattr(root, name)
        return None if key is None else ID(global_id(kind, key))

    return resolve


def _shown(name: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> Decimal | None:
        value = getattr(root, name)
        return None if value is None else shown(value)

    return resolve


def _limit_bars(root: strawberry.Parent[Any]) -> list[Bar]:
    return list(root.bars)


def _warn_at(root: strawberry.Parent[CreditLimit]) -> list[int]:
    return list(root.warn_at)


@strawberry.type(
    name="CreditLimit",
    description="How much may be owed and used: by a line, a customer, each of a group, or each of the operator.",
)
class CreditLimitType:
    """``domain.credit.limit.CreditLimit``."""

    id: strawberry.ID = identified()
    customer: ID | None = strawberry.field(resolver=_id("Customer", "customer"), graphql_type=ID | None)
    subscription: ID | None = strawberry.field(resolver=_id("Subscription", "subscription"), graphql_type=ID | None)
    group: str | None
    each_line: bool = strawberry.field(description="Of a group or the operator: for each line, not each customer.")
    kind: Kind
    amount: Decimal = strawberry.field(resolver=_shown("amount"), graphql_type=Decimal)
    hard: bool = strawberry.field(description="Nothing is authorised beyond it.")
    warn_at: list[int] = strawberry.field(resolver=_warn_at, description="Per cents that are told once each.")
    bars: list[Bar] = strawberry.field(resolver=_limit_bars, description="What lines are barred from beyond it.")
    grace_amount: Decimal = strawberry.field(resolver=_shown("grace_amount"), graphql_type=Decimal)
    grace_days: int
    mail: bool = strawberry.field(description="The customer is told by e-mail.")
    sms: bool = strawberry.field(description="The customer is told by text message.")
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, CreditLimit)


@strawberry.type(name="CreditOverride", description="What was set by hand instead of limits; amount null: no limit.")
class CreditOverrideType:
    """``domain.credit.limit.CreditOverride``."""

    id: strawberry.ID = identified()
    customer: ID = strawberry.field(resolver=_id("Customer", "customer"), graphql_type=ID)
    subscription: ID | None = strawberry.field(resolver=_id("Subscription", "subscription"), graphql_type=ID | None)
    kind: Kind | None = strawberry.field(description="null: every kind.")
    amount: Decimal | None = strawberry.field(resolver=_shown("amount"), graphql_type=Decimal | None)
    reason: str
    client: str
    made_at: datetime
    until: datetime | None
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, CreditOverride)


@strawberry.type(name="KindExposure", description="What is used of one kind, and the limit that holds.")
class KindExposureType:
    """``domain.usecases.limit_credit.KindExposure``."""

    kind: Kind
    unbilled: Decimal
    reserved: Decimal = strawberry.field(description="Set aside for calls that are going on, or not yet recorded.")
    used: Decimal = strawberry.field(description="Both, and of ALL of a customer what he owes.")
    limit: CreditLimitType | None
    amount: Decimal | None = strawberry.field(description="What holds: the limit's, or one set by hand; null: none.")
    left: Decimal | None
    percent: int | None


@strawberry.type(name="Exposure", description="What a customer, or one line of his, has used of his limits.")
class ExposureType:
    """``domain.usecases.limit_credit.Exposure``."""

    customer: ID = strawberry.field(resolver=_id("Customer", "customer"), graphql_type=ID)
    subscription: ID | None = strawberry.field(resolver=_id("Subscription", "subscription"), graphql_type=ID | None)
    currency: str
    owed: Decimal = strawberry.field(description="By the ledger, less credit and what is disputed; of a line 0.")
    kinds: list[KindExposureType]
    watched: bool = strawberry.field(description="Kept up to date as usage comes; else it was added up just now.")
    bars: list[Bar] = strawberry.field(resolver=_limit_bars, description="What was barred for a limit.")
    overrides: list[CreditOverrideType]

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Exposure)


@strawberry.type(name="Authorization", description="How much may be used now; units 0: reason says why nothing may.")
class AuthorisationType:
    """``domain.usecases.authorise_call.Authorisation``."""

    at: datetime
    units: BigInt = strawberry.field(description="Seconds, messages or kB.")
    amount: Decimal = strawberry.field(description="What they would cost.")
    currency: str
    left: Decimal | None = strawberry.field(description="What the tightest hard limit has left; null: there is none.")
    kind: Kind | None = strawberry.field(description="Of that limit.")
    destination: str | None
    reason: str | None = strawberry.field(description="limit, barred, not_active, no_destination or no_rate.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Authorisation)


@strawberry.type(name="Reservation", description="What is set aside for a call that is going on.")
class ReservationType:
    """``domain.credit.reservation.Reservation``."""

    id: strawberry.ID = identified()
    customer: ID = strawberry.field(resolver=_id("Customer", "customer"), graphql_type=ID)
    subscription: ID = strawberry.field(resolver=_id("Subscription", "subscription"), graphql_type=ID)
    reference: str
    number: str
    mode: str
    direction: str
    visited: str | None
    start: datetime
    state: ReservationState
    granted: BigInt = strawberry.field(description="Seconds, messages or kB.")
    used: BigInt | None
    amount: Decimal = strawberry.field(resolver=_shown("amount"), graphql_type=Decimal)
    expires_at: datetime
    client: str
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Reservation)


@strawberry.input(
    description="A use that is about to begin: of a subscription, or of one that calls from a number of ours."
)
class AuthorizeCallInput:
    """``AuthoriseCall``."""

    subscription: ID | None = None
    calling: str | None = strawberry.field(default=None, description="A number of the line, instead of its id.")
    number: str | None = strawberry.field(
        default=None, description="Whom it calls, E.164 (direction in: who calls it)."
    )
    units: BigInt | None = strawberry.field(default=None, description="Wanted; null: as many as there are.")
    mode: str | None = None
    direction: str | None = None
    visited: str | None = strawberry.field(default=None, description="The country where the line roams.")


@strawberry.input(description="The same, to be set aside. reference: the call's, as its record will have it.")
class ReserveCallInput(AuthorizeCallInput):
    """``ReserveCall``."""

    reference: str | None = None
    seconds: int | None = strawberry.field(default=None, description="How long it stays set aside; 600.")
    idempotency_key: str | None = kept_key()


@strawberry.input(description="units more than it was granted.")
class ExtendReservationInput:
    """``ExtendReservation``."""

    reservation: ID
    units: BigInt
    seconds: int | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The call is over and used so much.")
class CommitReservationInput:
    """``CommitReservation``."""

    reservation: ID
    used: BigInt
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Nothing of it was used.")
class ReleaseReservationInput:
    """What ``release_reservation`` takes."""

    reservation: ID
    idempotency_key: str | None = kept_key()


@strawberry.input(
    description="Of one subscription, one customer, each customer of a group, or (none of them) each of the operator."
)
class SetCreditLimitInput:
    """``SetCreditLimit``."""

    amount: Decimal
    kind: Kind | None = None
    customer: ID | None = None
    subscription: ID | None = None
    group: str | None = None
    each_line: bool | None = None
    hard: bool | None = None
    warn_at: list[int] | None = None
    bars: list[Bar] | None = strawberry.field(default=None, description="null: what fits the kind, of a hard limit.")
    grace_amount: Decimal | None = None
    grace_days: int | None = None
    mail: bool | None = None
    sms: bool | None = None
    version: int | None = strawberry.field(default=None, description="Of the limit that is changed; null: a new one.")
    idempotency_key: str | None = None


@strawberry.input(description="Whoever it held for has the next one that covers him, or none.")
class RemoveCreditLimitInput:
    """``RemoveCreditLimit``."""

    limit: ID
    version: int
    idempotency_key: str | None = kept_key()


@strawberry.input(description="amount null: no limit, so that nobody is barred; until null: for good.")
class OverrideCreditInput:
    """``OverrideCredit``."""

    customer: ID
    reason: str
    subscription: ID | None = None
    kind: Kind | None = None
    amount: Decimal | None = None
    until: datetime | None = None
    idempotency_key: str | None = None


@strawberry.input(description="The limits hold again.")
class EndCreditOverrideInput:
    """What ``end_override`` takes."""

    override: ID
    idempotency_key: str | None = kept_key()


@strawberry.input(
    description="Money that was paid for somebody who pays before he calls. reference: it is booked once."
)
class TopUpCreditInput:
    """``TopUpCredit``."""

    customer: ID
    amount: Decimal
    reference: str
    idempotency_key: str | None = kept_key()


@strawberry.type(name="ToppedUp", description="What the customer has to his credit now.")
class ToppedUpType:
    """The answer to a top-up."""

    customer: ID
    credit: Decimal


@strawberry.type(name="FraudRule", description="More than most of a measure by one line within any window is unusual.")
class FraudRuleType:
    """``domain.credit.fraud.FraudRule``."""

    id: strawberry.ID = identified()
    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind
    group: str | None
    bars: list[Bar] = strawberry.field(resolver=_limit_bars, description="What the line is barred from at once.")
    active: bool
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, FraudRule)


@strawberry.type(name="FraudSuspicion", description="A line passed a rule: by value, in the window up to lastAt.")
class SuspicionType:
    """``domain.credit.fraud.FraudAlarm``."""

    id: strawberry.ID = identified()
    customer: ID = strawberry.field(resolver=_id("Customer", "customer"), graphql_type=ID)
    subscription: ID = strawberry.field(resolver=_id("Subscription", "subscription"), graphql_type=ID)
    rule: ID = strawberry.field(resolver=_id("FraudRule", "rule"), graphql_type=ID)
    value: Decimal
    since: datetime
    last_at: datetime
    seen_at: datetime

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, FraudAlarm)


@strawberry.input(description="rule and version: of the rule that is changed; null: a new one.")
class PutFraudRuleInput:
    """``PutFraudRule``."""

    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind | None = None
    group: str | None = None
    bars: list[Bar] | None = None
    active: bool | None = None
    rule: ID | None = None
    version: int | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="With what was found by it.")
class RemoveFraudRuleInput:
    """What ``remove_fraud_rule`` takes."""

    rule: ID
    version: int
    idempotency_key: str | None = kept_key()


_KEYS = {"customer": "Customer", "subscription": "Subscription"}


async def _use(info: Info, asked: AuthorizeCallInput) -> dict[str, Any]:
    """Return the fields of a use. Refuses with: BadValue, NotFound."""
    fields = given(asked, _KEYS)
    calling = fields.pop("calling", None)
    if (calling is None) == ("subscription" not in fields):
        raise BadValue("give subscription or calling", field="subscription")
    if calling is not None:
        owner = await info.context.ask(owner_of_number, calling, info.context.wiring.clock.now())
        fields["subscription"] = owner.id
    fields["subscription"] = SubscriptionId(fields["subscription"])
    return fields


async def _authorise(info: Info, asked: Annotated[AuthorizeCallInput, _AS_INPUT]) -> Any:
    wiring, cmd = info.context.wiring, AuthoriseCall(**await _use(info, asked))
    return await info.context.ask(authorise_call, cmd, clock=wiring.clock, raters=wiring.raters)


async def _reserve(info: Info, asked: Annotated[ReserveCallInput, _AS_INPUT]) -> Any:
    wiring, cmd = info.context.wiring, ReserveCall(**await _use(info, asked))
    kept, _ = await info.context.ask(reserve_call, cmd, clock=wiring.clock, raters=wiring.raters)
    return kept


async def _extend(info: Info, asked: Annotated[ExtendReservationInput, _AS_INPUT]) -> Any:
    wiring, cmd = info.context.wiring, command(ExtendReservation, asked, {"reservation": "Reservation"})
    return await info.context.ask(extend_reservation, cmd, clock=wiring.clock, raters=wiring.raters)


async def _commit(info: Info, asked: Annotated[CommitReservationInput, _AS_INPUT]) -> Any:
    wiring, cmd = info.context.wiring, command(CommitReservation, asked, {"reservation": "Reservation"})
    return await info.context.ask(commit_reservation, cmd, clock=wiring.clock, raters=wiring.raters)


async def _release(info: Info, asked: Annotated[ReleaseReservationInput, _AS_INPUT]) -> Any:
    key = CreditReservationId(key_of(asked.reservation, "Reservation", "reservation"))
    return await info.context.ask(release_reservation, key, clock=info.context.wiring.clock)


async def _set_limit(info: Info, asked: Annotated[SetCreditLimitInput, _AS_INPUT]) -> Any:
    return await info.context.ask(
        set_credit_limit, command(SetCreditLimit, asked, _KEYS), clock=info.context.wiring.clock
    )


async def _remove_limit(info: Info, asked: Annotated[RemoveCreditLimitInput, _AS_INPUT]) -> Any:
    cmd = command(RemoveCreditLimit, asked, {"limit": "CreditLimit"})
    return await info.context.ask(remove_credit_limit, cmd, clock=info.context.wiring.clock)


async def _override(info: Info, asked: Annotated[OverrideCreditInput, _AS_INPUT]) -> Any:
    return await info.context.ask(
        override_credit, command(OverrideCredit, asked, _KEYS), clock=info.context.wiring.clock
    )


async def _end_override(info: Info, asked: Annotated[EndCreditOverrideInput, _AS_INPUT]) -> Any:
    key = CreditOverrideId(key_of(asked.override, "CreditOverride", "override"))
    return await info.context.ask(end_override, key, clock=info.context.wiring.clock)


async def _top_up(info: Info, asked: Annotated[TopUpCreditInput, _AS_INPUT]) -> Any:
    cmd = command(TopUpCredit, asked, _KEYS)
    credit = await info.context.ask(top_up_credit, cmd, clock=info.context.wiring.clock)
    return ToppedUpType(customer=ID(global_id("Customer", cmd.customer)), credit=credit)


async def _exposures(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    return await info.context.ask(show_credit, key, clock=info.context.wiring.clock)


async def _limits(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(list_credit_limits, request(first, read_number(after, "CreditLimit")), customer=whose)
    return connect(page, "CreditLimit", after=after)


async def _reservation(info: Info, id: ID) -> Any:  # noqa: A002  (its name in the API)
    return await info.context.ask(get_reservation, CreditReservationId(key_of(id, "Reservation", "id")))


async def _reservations(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None, live: bool = True
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(
        list_reservations, request(first, read_number(after, "Reservation")), customer=whose, live=live
    )
    return connect(page, "Reservation", after=after)


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_fraud_rules)


async def _suspicions(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(list_suspicions, request(first, read_number(after, "FraudSuspicion")), customer=whose)
    return connect(page, "FraudSuspicion", after=after)


async def _put_rule(info: Info, asked: Annotated[PutFraudRuleInput, _AS_INPUT]) -> Any:
    cmd = command(PutFraudRule, asked, {"rule": "FraudRule"})
    return await info.context.ask(put_fraud_rule, cmd, clock=info.context.wiring.clock)


async def _remove_rule(info: Info, asked: Annotated[RemoveFraudRuleInput, _AS_INPUT]) -> Any:
    key = FraudRuleId(key_of(asked.rule, "FraudRule", "rule"))
    return await info.context.ask(remove_fraud_rule, key, asked.version)


@strawberry.type
class CreditControlQuery:
    """Limits, what is used of them, and what may be used now."""

    authorize_call: AuthorisationType = strawberry.field(
        resolver=_authorise, description="How much may be used now, by prices, buckets and limits; nothing is kept."
    )
    exposures: list[ExposureType] = strawberry.field(
        resolver=_exposures, description="Of a customer, and of those lines of his that a limit of lines covers."
    )
    credit_limits: Connection[CreditLimitType] = strawberry.field(resolver=_limits)
    fraud_rules: list[FraudRuleType] = strawberry.field(resolver=_rules, description="About unusual usage, by name.")
    fraud_suspicions: Connection[SuspicionType] = strawberry.field(resolver=_suspicions)
    reservation: ReservationType | None = strawberry.field(resolver=_reservation)
    reservations: Connection[ReservationType] = strawberry.field(
        resolver=_reservations, description="What is set aside; live false: also what was."
    )


@strawberry.type
class CreditControlMutation:
    """Setting limits, and setting aside what calls use."""

    set_credit_limit = strawberry.mutation(
        resolver=_set_limit,
        graphql_type=outcome("SetCreditLimitResult", CreditLimitType),
        description="Set a limit, or change the one there is. More credit counts against the level's ceiling.",
    )
    remove_credit_limit = strawberry.mutation(
        resolver=_remove_limit, graphql_type=outcome("RemoveCreditLimitResult", CreditLimitType)
    )
    override_credit = strawberry.mutation(
        resolver=_override,
        graphql_type=outcome("OverrideCreditResult", CreditOverrideType),
        description="Set by hand what holds instead of limits. Bars that it leaves no reason for are lifted.",
    )
    end_credit_override = strawberry.mutation(
        resolver=_end_override, graphql_type=outcome("EndCreditOverrideResult", CreditOverrideType)
    )
    top_up_credit = strawberry.mutation(resolver=_top_up, graphql_type=outcome("TopUpCreditResult", ToppedUpType))
    reserve_call = strawberry.mutation(
        resolver=_reserve,
        graphql_type=outcome("ReserveCallResult", ReservationType),
        description="Set aside what a call may use. The same reference again is the same reservation.",
    )
    extend_reservation = strawberry.mutation(
        resolver=_extend, graphql_type=outcome("ExtendReservationResult", ReservationType)
    )
    commit_reservation = strawberry.mutation(
        resolver=_commit,
        graphql_type=outcome("CommitReservationResult", ReservationType),
        description="What was used stays set aside until the call's record comes; the rest is free.",
    )
    release_reservation = strawberry.mutation(
        resolver=_release, graphql_type=outcome("ReleaseReservationResult", ReservationType)
    )
    put_fraud_rule = strawberry.mutation(
        resolver=_put_rule,
        graphql_type=outcome("PutFraudRuleResult", FraudRuleType),
        description="Keep a rule about unusual usage; it is for usage that comes from then on.",
    )
    remove_fraud_rule = strawberry.mutation(
        resolver=_remove_rule, graphql_type=outcome("RemoveFraudRuleResult", FraudRuleType)
    )
