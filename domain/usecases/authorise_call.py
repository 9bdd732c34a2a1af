"""Say how much a line may use now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.credit.asking import Use
from domain.credit.kinds import Kind
from domain.credit.limit import shown
from domain.ids import SubscriptionId
from domain.intake.raters import Raters
from domain.ports.clock import Clock
from domain.ports.credit import CreditStanding
from domain.ports.unit import Begin
from domain.refusal import BadValue
from domain.usecases.find_room import Found, Moment, attempt, find, standing_of
from domain.usecases.price_call import DIRECTIONS, NUMBER, USED_MAX

# How much is looked at where nobody says how much he wants.
ASKED: Final = {"sms": 100, "mms": 100, "data": 10_000_000}
ASKED_SECONDS: Final = 86_400
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


@operation(Action.AUTHORISE)
async def authorise_call(
    cmd: AuthoriseCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Authorisation:
    """Say how many seconds, messages or kB a line may use now, by prices, buckets and what is left; nothing is kept.

    Refuses with: NotAllowed, BadValue, NotFound (subscription).
    """
    check_use(cmd)

    async def ask(moment: Moment) -> Authorisation:
        standing = await standing_of(moment.unit, cmd.subscription, moment.now)
        wanted = cmd.units or ASKED.get(cmd.mode, ASKED_SECONDS)
        found = await find(use_of(cmd, standing, moment.now), wanted, standing, moment)
        return authorised(found, standing.currency, moment.now)

    return await attempt(ask, actor=actor, begin=begin, clock=clock, raters=raters)


def use_of(cmd: AuthoriseCall, standing: CreditStanding, at: datetime) -> Use:
    """Return what a line is about to do."""
    return Use(
        subscription=int(standing.subscription),
        own=standing.own_number,
        other=cmd.number.lstrip("+"),
        mode=cmd.mode,
        direction=cmd.direction,
        visited=cmd.visited,
        at=at,
    )


def authorised(found: Found, currency: str, now: datetime) -> Authorisation:
    """Return what was found as it is told."""
    asking = found.asking
    named = asking is not None and asking.destination >= 0
    return Authorisation(
        at=now,
        units=found.units,
        amount=shown(found.amount),
        currency=currency,
        left=None if found.left is None else shown(found.left),
        kind=found.kind,
        destination=asking.rater.book.destinations[asking.destination] if asking is not None and named else None,
        reason=found.reason,
    )


def check_use(cmd: AuthoriseCall) -> None:
    """Refuse what is no use. A switch asks often, so its few texts are looked at by name. Refuses with: BadValue."""
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
