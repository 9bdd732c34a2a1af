"""Calls that are authorised by what is left, and what is set aside for those that go on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql import order_words  # noqa: F401  (the bars' enumeration)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.credit_limits import amount_shown
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.credit.kinds import Kind
from domain.credit.reservation import Reservation, ReservationState
from domain.ids import CreditReservationId, CustomerId, SubscriptionId
from domain.refusal import BadValue
from domain.usecases.authorise_call import Authorisation, AuthoriseCall, authorise_call
from domain.usecases.get_subscription import owner_of_number
from domain.usecases.reserve_call import (
    CommitReservation,
    ExtendReservation,
    ReserveCall,
    commit_reservation,
    extend_reservation,
    get_reservation,
    list_reservations,
    release_reservation,
    reserve_call,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_KEYS = {"customer": "Customer", "subscription": "Subscription"}

strawberry.enum(
    ReservationState,
    description="OPEN, COMMITTED (its record is awaited), SETTLED by it; RELEASED or EXPIRED: it came to nothing.",
)


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

    is_type_of = shows(Authorisation)


@strawberry.type(name="Reservation", description="What is set aside for a call that is going on.")
class ReservationType:
    """``domain.credit.reservation.Reservation``."""

    id: strawberry.ID = identified()
    customer: ID = owned()
    subscription: ID = keyed("Subscription", "subscription", always=True)
    reference: str
    number: str
    mode: str
    direction: str
    visited: str | None
    start: datetime
    state: ReservationState
    granted: BigInt = strawberry.field(description="Seconds, messages or kB.")
    used: BigInt | None
    amount: Decimal = strawberry.field(resolver=amount_shown("amount"), graphql_type=Decimal)
    expires_at: datetime
    client: str
    version: int

    is_type_of = shows(Reservation)


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


async def _reservation(info: Info, id: ID) -> Any:
    return await info.context.ask(get_reservation, CreditReservationId(key_of(id, "Reservation", "id")))


async def _reservations(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None, live: bool = True
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(
        list_reservations, request(first, read_number(after, "Reservation")), customer=whose, live=live
    )
    return connect(page, "Reservation", after=after)


@strawberry.type
class AuthorisingQuery:
    """How much may be used now."""

    authorize_call: AuthorisationType = strawberry.field(
        resolver=_authorise, description="How much may be used now, by prices, buckets and limits; nothing is kept."
    )


@strawberry.type
class ReservationQuery:
    """What is set aside."""

    reservation: ReservationType | None = strawberry.field(resolver=_reservation)
    reservations: Connection[ReservationType] = strawberry.field(
        resolver=_reservations, description="What is set aside; live false: also what was."
    )


@strawberry.type
class ReservationMutation:
    """Setting aside what calls use."""

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
