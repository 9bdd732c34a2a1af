"""How much room limits leave a line for one more use, and whether it may be used at all; from what is known of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from domain.contracts.subscription import SubscriptionState
from domain.credit.asking import Use
from domain.credit.kinds import Kind
from domain.credit.limit import InForce, in_force
from domain.credit.reservation import Reservation
from domain.ids import SubscriptionId
from domain.ports.credit import CreditStanding
from domain.provisioning.order import Bar


class Unwatched(Exception):  # noqa: N818  (what is missing is got, and the question asked again)
    """A limit holds for somebody whose usage is not counted yet."""

    def __init__(self, standing: CreditStanding) -> None:
        super().__init__()
        self.standing = standing


def shut(standing: CreditStanding, use: Use, at: datetime) -> str | None:
    """Return why a line may use nothing at all; None where it may."""
    if standing.state is not SubscriptionState.ACTIVE or (standing.ended_at is not None and standing.ended_at <= at):
        return "not_active"
    barred = (
        (Bar.OUTGOING in standing.bars and use.direction == "out" and use.mode != "data")
        or (Bar.DATA in standing.bars and use.mode == "data")
        or (Bar.ROAMING in standing.bars and use.visited is not None)
    )
    return "barred" if barred else None


def hard(
    standing: CreditStanding, line: SubscriptionId | None, kinds: Collection[Kind], at: datetime
) -> dict[Kind, InForce]:
    """Return the limits that nothing of these kinds is authorised beyond: the customer's (None), or the line's."""
    held = in_force(standing.limits, standing.overrides, standing.groups, standing.customer, line, now=at)
    return {kind: one for kind, one in held.items() if kind in kinds and one.limit.hard and one.amount is not None}


def room(
    standing: CreditStanding, kinds: Collection[Kind], owed: int, at: datetime, own: Reservation | None
) -> tuple[int | None, Kind | None]:
    """Return what the tightest hard limit leaves for a use of these kinds, and its kind; None: no limit holds.

    ``owed`` is in micro-units. ``own``: what is set aside for this very use, which counts against nothing.
    Raises Unwatched.
    """
    gone = [one for one in standing.live if one.expires_at <= at and (own is None or one.id != own.id)]
    if own is not None and own.live:
        gone.append(own)
    found: list[tuple[int, Kind]] = []
    for line in (None, standing.subscription):
        held = hard(standing, line, kinds, at)
        if not held:
            continue
        account = standing.accounts.get(line)
        if account is None:
            raise Unwatched(standing)
        used = account.without(gone).used(owed if line is None else 0)
        found += [(one.amount - used[kind], kind) for kind, one in held.items() if one.amount is not None]
    return min(found, default=(None, None))
