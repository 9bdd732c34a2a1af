"""Set aside what a call may use while it goes on, extend it, and free what was not used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.credit.asking import Use
from domain.credit.limit import shown
from domain.credit.reservation import (
    AWAITED,
    REFERENCE_MAX,
    SECONDS_DEFAULT,
    SECONDS_MAX,
    Reservation,
    ReservationState,
)
from domain.credit.room import Unwatched
from domain.ids import CreditReservationId, CustomerId
from domain.intake.raters import Raters
from domain.ports.clock import Clock
from domain.ports.credit import CreditStanding
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, WrongState
from domain.usecases.authorise_call import Authorisation, AuthoriseCall, authorised, check_use, use_of
from domain.usecases.find_room import Moment, asked, attempt, cost_of, find, standing_of
from domain.usecases.price_call import USED_MAX

# How much is set aside where nobody says how much he wants.
ASIDE: Final = {"sms": 1, "mms": 1, "data": 10_240}
ASIDE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveCall(AuthoriseCall):
    """The same, set aside for ``seconds`` unless extended. ``reference``: the call's, as its record will have it."""

    reference: str = ""
    seconds: int = SECONDS_DEFAULT


@operation(Action.AUTHORISE)
async def reserve_call(
    cmd: ReserveCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> tuple[Reservation, Authorisation]:
    """Set aside what a call may use; the same reference again returns what is set aside for it.

    Refuses with: NotAllowed, BadValue, NotFound (subscription), WrongState (nothing may be used).
    """
    check_use(cmd)
    if not 1 <= cmd.seconds <= SECONDS_MAX:
        raise BadValue("something is set aside for 1 to {most} seconds", most=SECONDS_MAX, field="seconds")
    if len(cmd.reference) > REFERENCE_MAX or not cmd.reference.isprintable():
        raise BadValue("a reference has at most {most} characters", most=REFERENCE_MAX, field="reference")

    async def reserve(moment: Moment) -> tuple[Reservation, Authorisation]:
        unit, now = moment.unit, moment.now
        standing = await standing_of(unit, cmd.subscription, now, lock=True)
        if None not in standing.accounts:
            raise Unwatched(standing)
        standing = await _expired(unit, standing, now)
        for one in standing.live:
            if cmd.reference and one.reference == cmd.reference and one.subscription == cmd.subscription:
                return one, _told(one, standing, now)
        wanted = cmd.units or ASIDE.get(cmd.mode, ASIDE_SECONDS)
        found = await find(use_of(cmd, standing, now), wanted, standing, moment)
        if not found.units:
            raise WrongState("nothing may be used: {reason}", reason=found.reason or "limit", field="subscription")
        assert found.asking is not None
        kept = await unit.credit.reserve(
            Reservation(
                id=CreditReservationId(0),
                operator=actor.operator,
                customer=standing.customer,
                subscription=cmd.subscription,
                reseller=standing.reseller,
                reference=cmd.reference,
                number=found.asking.use.other,
                mode=cmd.mode,
                direction=cmd.direction,
                visited=cmd.visited,
                start=now,
                granted=found.units,
                amount=found.amount,
                kinds=found.kinds,
                draws=found.asking.takes(found.units),
                expires_at=now + timedelta(seconds=cmd.seconds),
                client=actor.client,
                changed_at=now,
            )
        )
        detail = {"subscription": kept.subscription, "granted": kept.granted, "amount": str(shown(kept.amount))}
        await unit.audit.write("authorise_call", f"reservation:{kept.id}", detail)
        return kept, authorised(found, standing.currency, now)

    return await attempt(reserve, actor=actor, begin=begin, clock=clock, raters=raters)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendReservation:
    """Let a call go on: ``units`` more than it was granted, for ``seconds`` from now."""

    reservation: CreditReservationId
    units: int
    seconds: int = SECONDS_DEFAULT


@operation(Action.AUTHORISE)
async def extend_reservation(
    cmd: ExtendReservation, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Reservation:
    """Set aside more for a call that goes on; what it is granted altogether is priced from its start.

    Where no more is left it stays as it is, but for its time. Refuses with: NotAllowed, BadValue, NotFound, WrongState.
    """
    if not 1 <= cmd.units <= USED_MAX:
        raise BadValue("an amount is 1 to {most}", most=USED_MAX, field="units")
    if not 1 <= cmd.seconds <= SECONDS_MAX:
        raise BadValue("something is set aside for 1 to {most} seconds", most=SECONDS_MAX, field="seconds")

    async def extend(moment: Moment) -> Reservation:
        unit, now = moment.unit, moment.now
        before, standing = await _claimed(unit, cmd.reservation, now)
        _still(before, now, ReservationState.OPEN)
        wanted = before.granted + cmd.units
        found = await find(_use(before, standing), wanted, standing, moment, own=before)
        after = replace(before, expires_at=now + timedelta(seconds=cmd.seconds), changed_at=now)
        if found.units > before.granted and found.asking is not None:
            after = replace(after, granted=found.units, amount=found.amount, draws=found.asking.takes(found.units))
        kept = await unit.credit.change(before, after)
        detail = {"granted": kept.granted, "amount": str(shown(kept.amount)), "version": kept.version}
        await unit.audit.write("authorise_more", f"reservation:{kept.id}", detail)
        return kept

    return await attempt(extend, actor=actor, begin=begin, clock=clock, raters=raters)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitReservation:
    """The call is over and ``used`` so much; until its record comes that stays set aside."""

    reservation: CreditReservationId
    used: int


@operation(Action.AUTHORISE)
async def commit_reservation(
    cmd: CommitReservation, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Reservation:
    """Keep of what was set aside what a call has used, at its price, until its record comes; the rest is free.

    Refuses with: NotAllowed, BadValue, NotFound, WrongState (it is over already).
    """
    if not 0 <= cmd.used <= USED_MAX:
        raise BadValue("an amount is 0 to {most}", most=USED_MAX, field="used")

    async def commit(moment: Moment) -> Reservation:
        unit, now = moment.unit, moment.now
        before, standing = await _claimed(unit, cmd.reservation, now)
        if before.state is ReservationState.COMMITTED and before.used == cmd.used:
            return before
        if before.state is ReservationState.SETTLED:
            return before  # its record was quicker
        _still(before, now, ReservationState.OPEN)
        asking = await asked(_use(before, standing), standing, moment, own=before)
        cost = await cost_of(asking, cmd.used, standing.currency, unit)
        after = replace(
            before,
            state=ReservationState.COMMITTED if cmd.used else ReservationState.RELEASED,
            used=cmd.used,
            amount=before.amount if cost is None else cost,
            draws=asking.takes(cmd.used),
            expires_at=now + AWAITED,
            changed_at=now,
        )
        kept = await unit.credit.change(before, after)
        detail = {"used": cmd.used, "amount": str(shown(kept.amount)), "version": kept.version}
        await unit.audit.write("authorise_end", f"reservation:{kept.id}", detail)
        return kept

    return await attempt(commit, actor=actor, begin=begin, clock=clock, raters=raters)


@operation(Action.AUTHORISE)
async def release_reservation(key: CreditReservationId, *, actor: Actor, begin: Begin, clock: Clock) -> Reservation:
    """Free what was set aside for a call that never came about.

    Refuses with: NotAllowed, NotFound, WrongState (it is over already).
    """
    now = clock.now()
    async with begin(actor) as unit:
        before, _ = await _claimed(unit, key, now)
        if before.state is ReservationState.RELEASED:
            return before
        _still(before, now, ReservationState.OPEN, ReservationState.COMMITTED)
        after = replace(before, state=ReservationState.RELEASED, changed_at=now)
        kept = await unit.credit.change(before, after)
        await unit.audit.write("authorise_none", f"reservation:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.AUTHORISE)
async def get_reservation(key: CreditReservationId, *, actor: Actor, begin: Begin) -> Reservation:
    """Return what is or was set aside for a call. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.credit.reservation(key)


@operation(Action.AUTHORISE)
async def list_reservations(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None, live: bool = True
) -> Page[Reservation]:
    """List what is set aside, by key; with ``live`` false also what was. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.credit.reservations(request, customer=customer, live=live)


async def _claimed(unit: Unit, key: CreditReservationId, now: datetime) -> tuple[Reservation, CreditStanding]:
    """Return a reservation as it is once its customer's account is locked."""
    there = await unit.credit.reservation(key)
    standing = await standing_of(unit, there.subscription, now, lock=True)
    return await unit.credit.reservation(key), standing


def _still(one: Reservation, now: datetime, *states: ReservationState) -> None:
    if one.state not in states or (one.state is ReservationState.OPEN and one.expires_at <= now):
        state = ReservationState.EXPIRED if one.live else one.state
        raise WrongState("the reservation is {state}", state=state.value, field="reservation")


async def _expired(unit: Unit, standing: CreditStanding, now: datetime) -> CreditStanding:
    """Free what is over its time, once; the customer's account is locked."""
    over = [one for one in standing.live if one.expires_at <= now]
    if not over:
        return standing
    for one in over:
        await unit.credit.change(one, replace(one, state=ReservationState.EXPIRED, changed_at=now))
    return await standing_of(unit, standing.subscription, now)


def _use(one: Reservation, standing: CreditStanding) -> Use:
    """Return a reserved call as it began."""
    return Use(
        subscription=int(one.subscription),
        own=standing.own_number,
        other=one.number,
        mode=one.mode,
        direction=one.direction,
        visited=one.visited,
        at=one.start,
    )


def _told(one: Reservation, standing: CreditStanding, now: datetime) -> Authorisation:
    return Authorisation(
        at=now,
        units=one.granted,
        amount=shown(one.amount),
        currency=standing.currency,
        left=None,
        kind=None,
        destination=None,
        reason=None,
    )
