"""Whether a number of the stock may become a subscription's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.access.actor import Actor
from domain.contracts.subscription import NumberAssignment, Subscription
from domain.ids import ResellerId
from domain.numbers.stock import NumberStatus, StockNumber
from domain.refusal import Conflict, NotFound
from domain.resellers.reseller import Reseller


def check_claims(
    subscription: Subscription,
    new: Sequence[tuple[int, NumberAssignment]],
    standing: Mapping[str, StockNumber],
    *,
    actor: Actor,
    tree: Mapping[ResellerId, Reseller],
    now: datetime,
) -> None:
    """Check that numbers may become the subscription's; the first of each pair is its place in the command.

    A number that is not in the stock is nobody's to keep, as a switch's own word or another operator's number.
    Refuses with: NotFound (it is not the caller's to give), Conflict (reserved for another, resting, blocked, gone).
    """
    above = set(chain(subscription.reseller, tree))
    for index, assignment in new:
        one = standing.get(assignment.number)
        if one is None:
            continue
        field = f"numbers.{index}.number"
        if not actor.reaches(one.reseller) or (one.reseller is not None and one.reseller not in above):
            raise NotFound("no number {number} to be given to this customer", number=one.number, field=field)
        status = one.status_at(max(assignment.valid_from, now))
        if status is NumberStatus.RESERVED and one.reserved_for in {None, subscription.customer}:
            continue
        if status is NumberStatus.QUARANTINE and subscription.holds_or_held(one.number):
            continue
        if status not in {NumberStatus.FREE, NumberStatus.ASSIGNED}:
            raise Conflict("the number {number} is {status}", number=one.number, status=status.value, field=field)


def chain(reseller: ResellerId | None, tree: Mapping[ResellerId, Reseller]) -> tuple[ResellerId, ...]:
    """Return a reseller and those above him, as far as the caller sees the tree."""
    found: list[ResellerId] = []
    while reseller is not None and reseller in tree and reseller not in found:
        found.append(reseller)
        reseller = tree[reseller].parent
    return tuple(found)
