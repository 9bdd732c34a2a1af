"""Where a customer stands in the tree, and whom it is billed through, from a day on.

Moves are dated. Each payer pays for his days (``domain.customers.staying``); what a bill has that is of no day goes to
who pays for the last day of its period, and nothing that is issued ever changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from domain.customers.customer import Customer
from domain.ids import CustomerId, OperatorId
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a customer in ``[valid_from, valid_to)``, days in the operator's zone; None is an open side."""

    operator: OperatorId
    customer: CustomerId
    valid_from: date | None
    valid_to: date | None
    parent: CustomerId | None
    through_parent: bool = False
    billed_through: CustomerId | None = None

    @property
    def pays_through(self) -> CustomerId | None:
        """To whose payer the invoice goes; None: it pays itself."""
        return self.billed_through or (self.parent if self.through_parent else None)

    def holds(self, on: date) -> bool:
        """Tell whether the place is the customer's on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


def own_place(customer: Customer) -> Place:
    """Return what the customer's own row says, as the place that has always been its own."""
    return Place(
        operator=customer.operator,
        customer=customer.id,
        valid_from=None,
        valid_to=None,
        parent=customer.parent,
        through_parent=customer.through_parent,
        billed_through=customer.billed_through,
    )


def moved(places: Sequence[Place], to: Place) -> tuple[Place, ...]:
    """Return the places after a move at ``to.valid_from``: it holds until the next move that is planned already.

    ``places`` cover all time without a gap, in order; so does the answer. ``to.valid_to`` is not looked at.
    """
    assert to.valid_from is not None, "a move has a day"
    after: list[Place] = []
    for one in places:
        if not one.holds(to.valid_from):
            after.append(one)
            continue
        if one.valid_from is None or one.valid_from < to.valid_from:
            after.append(replace(one, valid_to=to.valid_from))
        after.append(replace(to, valid_to=one.valid_to))
    return tuple(after)


def unmoved(places: Sequence[Place], start: date) -> tuple[Place, ...]:
    """Return the places without the move of a day: the place before it goes on. Refuses with: NotFound."""
    index = next((index for index, one in enumerate(places) if one.valid_from == start), None)
    if index is None or index == 0:
        raise NotFound("the customer is not moved on {day}", day=start.isoformat(), field="from")
    before = replace(places[index - 1], valid_to=places[index].valid_to)
    return (*places[: index - 1], before, *places[index + 1 :])


def place_on(places: Sequence[Place], on: date) -> Place:
    """Return the place of a day."""
    return next(one for one in places if one.holds(on))
