"""What a line is known by and when: as callers give it, made into what is kept, and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from domain.contracts.dialled import as_kept
from domain.contracts.identifiers import IdentifierKind, written
from domain.contracts.subscription import NumberAssignment
from domain.mediation.profile import NumberPlan


def assigned(numbers: Sequence[NumberAssignment], plan: NumberPlan) -> tuple[NumberAssignment, ...]:
    """Return assignments with their identifiers as they are kept. Refuses with: BadValue, naming the field."""
    plain = as_kept([one.number for one in numbers], plan)
    return tuple(
        replace(
            one,
            number=number
            if one.kind is IdentifierKind.NUMBER
            else written(one.kind, one.number, plan, field=f"numbers.{index}.number"),
        )
        for index, (one, number) in enumerate(zip(numbers, plain, strict=True))
    )


def ended(
    numbers: Sequence[NumberAssignment], at: datetime, which: Callable[[NumberAssignment], bool] = lambda _: True
) -> tuple[NumberAssignment, ...]:
    """Return the assignments when the chosen ones end at an instant: what would have begun then or later goes."""
    return tuple(
        replace(one, valid_to=at) if which(one) and reaches(one, at) else one
        for one in numbers
        if not which(one) or one.valid_from < at
    )


def reaches(assignment: NumberAssignment, at: datetime) -> bool:
    """Tell whether an assignment goes on after an instant, or begins later."""
    return assignment.valid_to is None or assignment.valid_to > at


def swapped(numbers: Sequence[NumberAssignment], cards: Sequence[NumberAssignment]) -> tuple[NumberAssignment, ...]:
    """Return the assignments after a change of card: those of the kinds that ``cards`` brings end where they begin."""
    begins = {card.kind: card.valid_from for card in cards}
    left = tuple(numbers)
    for one_kind, at in begins.items():
        left = ended(left, at, partial(_is_of, kind=one_kind))
    return (*left, *cards)


def _is_of(assignment: NumberAssignment, *, kind: IdentifierKind) -> bool:
    return assignment.kind is kind
