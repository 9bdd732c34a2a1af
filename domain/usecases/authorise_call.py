"""Say how much a line may use now, set it aside while the call goes on, and free what was not used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np

from domain.access.actor import Action, Actor, system
from domain.access.operations import operation
from domain.buckets.standing import Standing
from domain.contracts.subscription import SubscriptionState
from domain.credit.account import Account
from domain.credit.asking import Asking, Use, less_held
from domain.credit.capacity import POINTS, largest
from domain.credit.counting import exchange_of, owed_of, recount
from domain.credit.kinds import Kind
from domain.credit.limit import InForce, in_force, shown
from domain.credit.reservation import (
    AWAITED,
    REFERENCE_MAX,
    SECONDS_DEFAULT,
    SECONDS_MAX,
    Reservation,
    ReservationState,
)
from domain.ids import CreditReservationId, CustomerId, SubscriptionId
from domain.intake.raters import Raters
from domain.margins.exchange import NoRate, no_rate
from domain.ports.clock import Clock
from domain.ports.credit import CreditStanding
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.provisioning.order import Bar
from domain.refusal import BadValue, NotFound, WrongState
from domain.usecases.price_call import DIRECTIONS, NUMBER, USED_MAX

T = TypeVar("T")
# How much is looked at where nobody says how much he wants: to ask, and to set aside.
ASKED: Final = {"sms": 100, "mms": 100, "data": 10_000_000}
ASKED_SECONDS: Final = 86_400
ASIDE: Final = {"sms": 1, "mms": 1, "data": 10_240}
ASIDE_SECONDS: Final = 300
ATTEMPTS_MAX: Final = 5
CALLS: Final = frozenset({"voice", "sms", "mms"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoriseCall:
    """A use that is about to begin: a call to ``number`` (``in``: from it), a message, or data.

    ``units``: how many seconds, messages or kB are wanted; None: as many as there are, within reason. When it begins
    and what it costs are the system's own to say. ``visited``: the country where the line roams, None at home.
    """

    subscription: SubscriptionId
    number: str = ""
    units: int | None = None
    mode: str = "voice"
    direction: str = "out"
    visited: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveCall(AuthoriseCall):
    """The same, set aside for ``seconds`` unless extended. ``reference``: the call's, as its record will have it."""

    reference: str = ""
    seconds: int = SECONDS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """``units`` may be used, which would cost ``amount`` in the operator's currency; 0: ``reason`` says why none.

    ``left``: what the tightest hard limit had left before it, that of ``kind``; None: there is none.
    """

    at: datetime
    units: int
    amount: Decimal
    currency: str
    left: Decimal | None
    kind: Kind | None
    destination: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What may be used, in micro-units of the operator's currency, and what it was found from."""

    units: int
    amount: int
    left: int | None
    kind: Kind | None
    reason: str | None
    asking: Asking | None
    standing: CreditStanding
    kinds: frozenset[Kind] = frozenset()


class _Unknown(Exception):  # noqa: N818  (the unit is left, and begun again with what was missing)
    """Prices have changed, or the customer is not watched yet; ``standing`` of the latter."""

    def __init__(self, standing: CreditStanding | None = None) -> None:
        super().__init__()
        self.standing = standing


@operation(Action.AUTHORISE)
async def authorise_call(
    cmd: AuthoriseCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Authorisation:
    """Say how many seconds, messages or kB a line may use now, by prices, buckets and what is left; nothing is kept.

    Refuses with: NotAllowed, BadValue, NotFound (subscription).
    """
    _check(cmd)

    async def ask(unit: Unit, now: datetime) -> Authorisation:
        standing = await _standing(unit, cmd.subscription, now)
        found = await _find(unit, cmd, standing, actor, raters, now, ASKED.get(cmd.mode, ASKED_SECONDS))
        return _shown(found, now)

    return await _try(ask, actor, begin, clock, raters)


@operation(Action.AUTHORISE)
async def reserve_call(
    cmd: ReserveCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> tuple[Reservation, Authorisation]:
    """Set aside what a call may use; the same reference again returns what is set aside for it.

    Refuses with: NotAllowed, BadValue, NotFound (subscription), WrongState (nothing may be used).
    """
    _check(cmd)
    if not 1 <= cmd.seconds <= SECONDS_MAX:
        raise BadValue("something is set aside for 1 to {most} seconds", most=SECONDS_MAX, field="seconds")
    if len(cmd.reference) > REFERENCE_MAX or not cmd.reference.isprintable():
        raise BadValue("a reference has at most {most} characters", most=REFERENCE_MAX, field="reference")

    async def reserve(unit: Unit, now: datetime) -> tuple[Reservation, Authorisation]:
        standing = await _standing(unit, cmd.subscription, now, lock=True)
        if None not in standing.accounts:
            raise _Unknown(standing)
        standing = await _expired(unit, standing, now)
        for one in standing.live:
            if cmd.reference and one.reference == cmd.reference and one.subscription == cmd.subscription:
                return one, _told(one, standing, now)
        found = await _find(unit, cmd, standing, actor, raters, now, ASIDE.get(cmd.mode, ASIDE_SECONDS))
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
        return kept, _shown(found, now)

    return await _try(reserve, actor, begin, clock, raters)


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

    async def extend(unit: Unit, now: datetime) -> Reservation:
        before, standing = await _claimed(unit, cmd.reservation, now)
        _still(before, now, ReservationState.OPEN)
        asked = AuthoriseCall(
            subscription=before.subscription,
            number=before.number,
            units=before.granted + cmd.units,
            mode=before.mode,
            direction=before.direction,
            visited=before.visited,
        )
        found = await _find(unit, asked, standing, actor, raters, now, 0, own=before)
        after = replace(before, expires_at=now + timedelta(seconds=cmd.seconds), changed_at=now)
        if found.units > before.granted and found.asking is not None:
            after = replace(after, granted=found.units, amount=found.amount, draws=found.asking.takes(found.units))
        kept = await unit.credit.change(before, after)
        detail = {"granted": kept.granted, "amount": str(shown(kept.amount)), "version": kept.version}
        await unit.audit.write("authorise_more", f"reservation:{kept.id}", detail)
        return kept

    return await _try(extend, actor, begin, clock, raters)


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

    async def commit(unit: Unit, now: datetime) -> Reservation:
        before, standing = await _claimed(unit, cmd.reservation, now)
        if before.state is ReservationState.COMMITTED and before.used == cmd.used:
            return before
        if before.state is ReservationState.SETTLED:
            return before  # its record was quicker
        _still(before, now, ReservationState.OPEN)
        asking = await _asking(unit, before, standing, actor, raters, now)
        cost = await _own_cost(unit, asking, cmd.used, standing.currency, before.start)
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

    return await _try(commit, actor, begin, clock, raters)


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


def _check(cmd: AuthoriseCall) -> None:
    """Refuse what is no use. A switch asks often, so its few texts are looked at by name."""
    if (cmd.mode in CALLS or cmd.number) and not NUMBER.fullmatch(cmd.number):
        raise BadValue("a number is 1 to 32 digits, with or without a plus", field="number")
    if cmd.units is not None and not 1 <= cmd.units <= USED_MAX:
        raise BadValue("an amount is 1 to {most}", most=USED_MAX, field="units")
    if cmd.direction not in DIRECTIONS:
        raise BadValue("a direction is out or in", field="direction")
    if not 1 <= len(cmd.mode) <= 40 or not cmd.mode.isprintable():
        raise BadValue("a mode is voice, sms, mms, data or another word", field="mode")
    if cmd.visited is not None and not (1 <= len(cmd.visited) <= 40 and cmd.visited.isprintable()):
        raise BadValue("must be a text", field="visited")


async def _try(
    step: Callable[[Unit, datetime], Awaitable[T]], actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> T:
    """Do a step in a unit; where it lacks something, get that and begin anew."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with begin(actor) as unit:
                return await step(unit, clock.now())
        except _Unknown as lacks:
            if lacks.standing is None:
                await raters.present(system(actor.operator, actor.client, edition=actor.edition), begin)
            else:
                await watch_line(lacks.standing, actor=actor, begin=begin, clock=clock)
    raise WrongState("prices keep changing; try again")


async def watch_line(standing: CreditStanding, *, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Begin to watch a customer and a line of his, with what they have used so far."""
    async with begin(system(actor.operator, actor.client, edition=actor.edition), bulk=True) as unit:
        await unit.credit.fence()
        if await unit.credit.open(standing.customer, [standing.subscription]):
            await recount(unit, [standing.customer], at=clock.now())


async def _standing(unit: Unit, subscription: SubscriptionId, now: datetime, *, lock: bool = False) -> CreditStanding:
    found = await unit.credit.standing(subscription, at=now, lock=lock)
    if found is None:
        raise NotFound("no subscription {subscription}", subscription=subscription, field="subscription")
    return found


async def _claimed(unit: Unit, key: CreditReservationId, now: datetime) -> tuple[Reservation, CreditStanding]:
    """Return a reservation as it is once its customer's account is locked."""
    there = await unit.credit.reservation(key)
    standing = await _standing(unit, there.subscription, now, lock=True)
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
    return await _standing(unit, standing.subscription, now)


async def _find(  # noqa: PLR0917  (what its callers have)
    unit: Unit,
    cmd: AuthoriseCall,
    standing: CreditStanding,
    actor: Actor,
    raters: Raters,
    now: datetime,
    most: int,
    *,
    own: Reservation | None = None,
) -> _Found:
    """Find out how much may be used. ``own``: what is set aside for this very call already, which goes on."""
    at = now if own is None else own.start
    if (why := _shut(standing, cmd, now)) is not None:
        return _Found(0, 0, None, None, why, None, standing)
    use = Use(
        subscription=int(standing.subscription),
        own=standing.own_number,
        other=cmd.number.lstrip("+"),
        mode=cmd.mode,
        direction=cmd.direction,
        visited=cmd.visited,
        at=at,
    )
    asking = _asked(standing, use, actor, raters)
    asking.standing = await _buckets(unit, asking, standing, now, own)
    wanted = cmd.units or most
    whole = await _priced(asking, wanted)
    if whole < 0:
        return _Found(0, 0, None, None, asking.reason, asking, standing)
    kinds = asking.kinds(standing.home)
    code = asking.rater.book.currencies[asking.currency]
    try:
        await _in(unit, whole, code, standing.currency, now)
        left, kind = await _left(unit, standing, kinds, now, own)
        spend = None if left is None else await _in(unit, max(left, 0), standing.currency, code, now)
    except NoRate:
        return _Found(0, 0, None, None, "no_exchange_rate", asking, standing)
    if spend is None or whole <= spend:
        units, cost = wanted, whole
    elif asking.standing is not None:
        units, cost = await asyncio.to_thread(largest, asking.charges, spend, wanted, points=1)
    else:
        units, cost = largest(asking.charges, spend, wanted, points=POINTS)
    amount = await _in(unit, cost, code, standing.currency, now, up=True)
    if left is not None:
        amount = min(amount, max(left, 0))
    return _Found(units, amount, left, kind, None if units else "limit", asking, standing, kinds)


async def _priced(asking: Asking, units: int) -> int:
    one = np.array([units], np.int64)
    found = await asyncio.to_thread(asking.charges, one) if asking.standing is not None else asking.charges(one)
    return int(found[0])


def _shut(standing: CreditStanding, cmd: AuthoriseCall, at: datetime) -> str | None:
    """Return why a line may use nothing at all; None where it may."""
    if standing.state is not SubscriptionState.ACTIVE or (standing.ended_at is not None and standing.ended_at <= at):
        return "not_active"
    barred = (
        (Bar.OUTGOING in standing.bars and cmd.direction == "out" and cmd.mode != "data")
        or (Bar.DATA in standing.bars and cmd.mode == "data")
        or (Bar.ROAMING in standing.bars and cmd.visited is not None)
    )
    return "barred" if barred else None


def _asked(standing: CreditStanding, use: Use, actor: Actor, raters: Raters) -> Asking:
    rater = raters.known(actor.operator, standing.revision)
    if rater is None:
        raise _Unknown
    asking = Asking.of(use, rater)
    if asking is None:
        raise NotFound("no subscription {subscription}", subscription=use.subscription, field="subscription")
    return asking


async def _asking(  # noqa: PLR0917  (what its caller has)
    unit: Unit, one: Reservation, standing: CreditStanding, actor: Actor, raters: Raters, now: datetime
) -> Asking:
    """Return a reserved call with what its buckets have for it."""
    use = Use(
        subscription=int(one.subscription),
        own=standing.own_number,
        other=one.number,
        mode=one.mode,
        direction=one.direction,
        visited=one.visited,
        at=one.start,
    )
    asking = _asked(standing, use, actor, raters)
    asking.standing = await _buckets(unit, asking, standing, now, one)
    return asking


async def _buckets(
    unit: Unit, asking: Asking, standing: CreditStanding, at: datetime, own: Reservation | None
) -> Standing | None:
    """Return what the customer's buckets have left, less what other calls are to get of them; None: he has none."""
    if not asking.rater.book.tariff.draws:
        return None
    there = await unit.draws.standing([standing.customer])
    if not asking.draws and not there.grants.height:
        return None
    others = [one for one in standing.live if own is None or one.id != own.id]
    held = [draw for one in others if one.expires_at > at for draw in one.draws]
    return less_held(there, int(standing.customer), held)


async def _left(
    unit: Unit, standing: CreditStanding, kinds: frozenset[Kind], at: datetime, own: Reservation | None
) -> tuple[int | None, Kind | None]:
    """Return what the tightest hard limit leaves for a use of these kinds, and its kind; None: no limit holds."""
    found: list[tuple[int, Kind]] = []
    for line in (None, standing.subscription):
        held = {
            kind: one
            for kind, one in _held(standing, line, at).items()
            if kind in kinds and one.limit.hard and one.amount is not None
        }
        if not held:
            continue
        account = standing.accounts.get(line)
        if account is None:
            raise _Unknown(standing)
        owed = 0
        if line is None and Kind.ALL in held:
            owed = await owed_of(unit, standing.owed, standing.currency, at.date())
        used = _without(account, standing.live, at, own).used(owed)
        found += [(one.amount - used[kind], kind) for kind, one in held.items() if one.amount is not None]
    return min(found, default=(None, None))


def _held(standing: CreditStanding, line: SubscriptionId | None, at: datetime) -> dict[Kind, InForce]:
    return in_force(
        standing.limits,
        standing.overrides,
        standing.groups,
        standing.customer,
        line,
        now=at,
    )


def _without(account: Account, live: Sequence[Reservation], at: datetime, own: Reservation | None) -> Account:
    """Return an account without what is set aside for this very call, and for those that are over their time."""
    gone = [one for one in live if one.expires_at <= at and (own is None or one.id != own.id)]
    reserved = dict(account.reserved)
    for one in [*gone, *([own] if own is not None and own.live else [])]:
        if account.subscription in {None, one.subscription}:
            for kind in one.kinds:
                reserved[kind] = reserved.get(kind, 0) - one.amount
    return replace(account, reserved=reserved)


async def _in(unit: Unit, micro: int, source: str, target: str, at: datetime, *, up: bool = False) -> int:
    """Return an amount in another currency; never more than it is worth, or with ``up`` never less. Raises NoRate."""
    if source == target or not micro:
        return micro
    factor = (await exchange_of(unit)).factor(source, target, at.date())
    if factor is None:
        raise no_rate(source, target, at.date())
    exact = micro * factor
    return -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator


async def _own_cost(unit: Unit, asking: Asking, used: int, currency: str, at: datetime) -> int | None:
    """Return what a use costs in the operator's currency; None where it has no price, or that no rate, any more."""
    if not used:
        return 0
    cost = await _priced(asking, used)
    if cost < 0:
        return None
    try:
        return await _in(unit, cost, asking.rater.book.currencies[asking.currency], currency, at, up=True)
    except NoRate:
        return None


def _shown(found: _Found, now: datetime) -> Authorisation:
    asking = found.asking
    named = asking is not None and asking.destination >= 0
    return Authorisation(
        at=now,
        units=found.units,
        amount=shown(found.amount),
        currency=found.standing.currency,
        left=None if found.left is None else shown(found.left),
        kind=found.kind,
        destination=asking.rater.book.destinations[asking.destination] if asking is not None and named else None,
        reason=found.reason,
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
