"""The walk through an event's increments (rating semantics § 1 and § 2), compiled.

A walk never goes increment by increment: a run of equal increments up to the next step, the next possible change of
band or the end is one division.
"""

from __future__ import annotations

from domain.rating.arithmetic import OVER, PERCENT_ONE, added, percentage, proportion
from domain.rating.clock import CALENDAR_END_US
from domain.rating.compiled import compiled
from domain.rating.layout import (
    L_ZONE,
    MAX,
    PERCENT,
    R_ADJUST,
    R_FIRST,
    R_KIND,
    R_STEP,
    R_STEPS,
    S_NEXT,
    S_PER,
    S_PRICE,
    S_START,
    SECOND_US,
    Catalogue,
    Int64s,
)
from domain.rating.lookup import find_rate, local_offset, next_change

WALKED, LOST, TOO_FAR = range(3)  # LOST: an increment finds no rate; TOO_FAR: beyond int64 or the calendar


@compiled
def adjusted(book: Catalogue, price: int, stack: Int64s, count: int) -> int:
    """Return a step's price after the adjustments that lie on it, the furthest first, or OVER."""
    for place in range(count - 1, -1, -1):
        if price == OVER:
            return OVER
        adjust = book.rates[stack[place], R_ADJUST]
        if book.rates[stack[place], R_KIND] == PERCENT:
            price = percentage(price, PERCENT_ONE + adjust) if adjust > -PERCENT_ONE else 0
        else:
            price = added(price, adjust)
        if price != OVER and price < 0:
            price = 0
    return price


@compiled
def segment(price: int, units: int, per: int) -> int:
    """Return what a run of charged units costs, or OVER; a price that is OVER counts only where a unit is charged."""
    if units == 0:
        return 0
    return OVER if price == OVER else proportion(price, units, per)


@compiled
def step_at(book: Catalogue, rate: int, position: int) -> tuple[int, int]:
    """Return the step in force at a position of the event, and the position at which the next one begins (or MAX)."""
    first, count = book.rates[rate, R_STEP], book.rates[rate, R_STEPS]
    step = first
    while step + 1 < first + count and book.steps[step + 1, S_START] <= position:
        step += 1
    if step + 1 < first + count:
        return step, book.steps[step + 1, S_START]
    return step, MAX


@compiled
def walk(
    book: Catalogue,
    rate: int,
    count: int,
    stack: Int64s,
    moving: bool,
    deviations: int,
    plist: int,
    clock: int,
    use: int,
    b_to: int,
    a_to: int,
    visited: int,
    start: int,
    cover: int,
    skip: int,
    stop: int,
    limit: int,
    spare: Int64s,
    banded: Int64s,
) -> tuple[int, int, int, int]:
    """Walk from the event's start until ``cover`` units are covered.

    Returns (outcome, billed units, nano-units of the units in [``skip``, ``stop``) or OVER, the last boundary of an
    increment not after ``limit``). ``rate`` and ``stack`` are those at the start; where ``moving``, the list is asked
    again at every instant at which a band may change, on the clock of list ``clock``. ``spare`` receives later
    adjustments.
    """
    position, boundary, nano = 0, 0, 0
    run_units, run_price, run_per, run_rate, run_step = 0, 0, 1, -1, -1
    fresh = True  # the run's rate or step has changed
    asked_until = 0 if moving else MAX
    first = book.rates[rate, R_FIRST]
    while position < cover:
        if position >= asked_until:
            if position > (CALENDAR_END_US - start) // SECOND_US:
                return TOO_FAR, 0, OVER, 0
            instant = start + position * SECOND_US
            zone = book.lists[clock, L_ZONE]
            if position > 0:
                offset, _ = local_offset(book, zone, instant)
                banded[0] = 0
                found, found_count = find_rate(
                    book, deviations, plist, use, b_to, a_to, visited, start, instant + offset, spare, banded
                )
                if found < 0:
                    return LOST, 0, 0, 0
                same = found == rate and found_count == count
                for place in range(found_count):
                    same = same and spare[place] == stack[place]
                    stack[place] = spare[place]
                if not same:
                    fresh = True
                rate, count = found, found_count
            if banded[0] == 0:
                asked_until = MAX
            else:
                # An increment that begins before the change still belongs to what is in force now.
                asked_until = (next_change(book, zone, instant) - start + SECOND_US - 1) // SECOND_US
        step, step_end = step_at(book, rate, position)
        if fresh or step != run_step or rate != run_rate:
            nano = added(nano, segment(run_price, run_units, run_per))
            run_rate, run_step, run_units, fresh = rate, step, 0, False
            run_price, run_per = adjusted(book, book.steps[step, S_PRICE], stack, count), book.steps[step, S_PER]
        length = first if position == 0 else book.steps[step, S_NEXT]
        times = 1
        if position > 0:
            horizon = min(step_end, asked_until, cover)
            times = (horizon - position - 1) // length + 1
        if times > (MAX - position) // length:
            return TOO_FAR, 0, OVER, 0
        end = position + times * length
        if end <= limit:
            boundary = end
        elif position <= limit:
            boundary = position + (limit - position) // length * length
        run_units += max(min(end, stop) - max(position, skip), 0)
        position = end
    return WALKED, position, added(nano, segment(run_price, run_units, run_per)), boundary
