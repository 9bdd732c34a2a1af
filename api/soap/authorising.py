"""The operations of the WSDL about calls that are authorised by what is left."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as Number

from api.soap.credit import KindOfCredit
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.credit.limit import shown
from domain.credit.reservation import Reservation, ReservationState
from domain.ids import CreditReservationId, CustomerId, SubscriptionId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.authorise_call import AuthoriseCall, authorise_call
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

PAGE: Final = 200
StateOfReservation = _enum(ReservationState, "ReservationState")


class Use(Model):
    """A use that is about to begin. ``units``: wanted; none: as many as there are."""

    subscription = needed(Integer(ge=1))
    number = Unicode
    units = Integer(ge=1)
    mode = Unicode
    direction = Unicode
    visited = Unicode
    reference = Unicode
    seconds = Integer(ge=1)


class AuthorizationModel(Model):
    """How much may be used now; of 0 ``reason`` says why."""

    __type_name__ = "Authorization"

    at = needed(DateTime)
    units = needed(Integer)
    amount = needed(Number)
    currency = needed(Unicode)
    left = Number
    kind = KindOfCredit
    destination = Unicode
    reason = Unicode


class ReservationModel(Model):
    """What is set aside for a call that is going on."""

    __type_name__ = "Reservation"

    id = needed(Integer)
    customer = needed(Integer)
    subscription = needed(Integer)
    reference = Unicode
    state = needed(StateOfReservation)
    granted = needed(Integer)
    used = Integer
    amount = needed(Number)
    start = needed(DateTime)
    expiresAt = needed(DateTime)
    version = needed(Integer)


class ReservationPage(Model):
    """Reservations by key."""

    count = needed(Integer)
    reservation = many(ReservationModel)
    next = Unicode


class Authorising(ServiceBase):
    """Authorisation and reservations."""

    __service_name__ = "Billing"

    @operation("AuthorizeCall", needed(Use), returns=AuthorizationModel, result="authorization")
    async def authorise(ctx: Any, use: Any) -> Any:
        """Return how many seconds, messages or kB a line may use now; nothing is kept."""
        wiring, fields = ctx.udc.wiring, _use(use)
        cmd = AuthoriseCall(**{name: value for name, value in fields.items() if name not in {"reference", "seconds"}})
        found = await ctx.udc.ask(authorise_call, cmd, clock=wiring.clock, raters=wiring.raters)
        return AuthorizationModel(
            at=found.at,
            units=found.units,
            amount=found.amount,
            currency=found.currency,
            left=found.left,
            kind=found.kind and found.kind.value,
            destination=found.destination,
            reason=found.reason,
        )

    @operation("ReserveCall", needed(Use), returns=ReservationModel, result="reservation")
    async def reserve(ctx: Any, use: Any) -> Any:
        """Set aside what a call may use; the same reference again is the same reservation."""
        wiring = ctx.udc.wiring
        cmd = ReserveCall(**_use(use))
        kept, _ = await ctx.udc.ask(reserve_call, cmd, clock=wiring.clock, raters=wiring.raters)
        return _reservation(kept)

    @operation(
        "ExtendReservation",
        needed(Integer(ge=1)),
        needed(Integer(ge=1)),
        Integer(ge=1),
        returns=ReservationModel,
        result="reservation",
    )
    async def extend(ctx: Any, id: int, units: int, seconds: int | None) -> Any:
        """Set ``units`` more aside for a call that goes on."""
        more = {} if seconds is None else {"seconds": seconds}
        cmd, wiring = ExtendReservation(reservation=CreditReservationId(id), units=units, **more), ctx.udc.wiring
        return _reservation(await ctx.udc.ask(extend_reservation, cmd, clock=wiring.clock, raters=wiring.raters))

    @operation(
        "CommitReservation",
        needed(Integer(ge=1)),
        needed(Integer(ge=0)),
        returns=ReservationModel,
        result="reservation",
    )
    async def commit(ctx: Any, id: int, used: int) -> Any:
        """Say what a call has used; the rest is free."""
        cmd, wiring = CommitReservation(reservation=CreditReservationId(id), used=used), ctx.udc.wiring
        return _reservation(await ctx.udc.ask(commit_reservation, cmd, clock=wiring.clock, raters=wiring.raters))

    @operation("ReleaseReservation", needed(Integer(ge=1)), returns=ReservationModel, result="reservation")
    async def release(ctx: Any, id: int) -> Any:
        """Free what was set aside for a call that never came about."""
        key = CreditReservationId(id)
        return _reservation(await ctx.udc.ask(release_reservation, key, clock=ctx.udc.wiring.clock))

    @operation("GetReservation", needed(Integer(ge=1)), returns=ReservationModel, result="reservation")
    async def get(ctx: Any, id: int) -> Any:
        """Return what is or was set aside for a call."""
        return _reservation(await ctx.udc.ask(get_reservation, CreditReservationId(id)))

    @operation(
        "ListReservations",
        Integer(ge=1),
        Boolean,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=ReservationPage,
        result="page",
    )
    async def list_reservations(
        ctx: Any, customer: int | None, all: bool | None, first: int | None, after: str | None
    ) -> Any:
        """Return what is set aside, of a customer or of everybody; with ``all`` also what was."""
        page = await ctx.udc.ask(
            list_reservations,
            PageRequest(first or PAGE, key_after(after)),
            customer=None if customer is None else CustomerId(customer),
            live=not all,
        )
        following = str(page.items[-1].id) if page.more else None
        found = [_reservation(one) for one in page.items]
        return ReservationPage(count=len(found), reservation=found, next=following)


def _use(use: Any) -> dict[str, Any]:
    names = ("number", "units", "mode", "direction", "visited", "reference", "seconds")
    fields = {name: value for name in names if (value := getattr(use, name)) is not None}
    return {"subscription": SubscriptionId(use.subscription), **fields}


def _reservation(one: Reservation) -> Any:
    return ReservationModel(
        id=one.id,
        customer=one.customer,
        subscription=one.subscription,
        reference=one.reference or None,
        state=one.state.value,
        granted=one.granted,
        used=one.used,
        amount=shown(one.amount),
        start=one.start,
        expiresAt=one.expires_at,
        version=one.version,
    )
