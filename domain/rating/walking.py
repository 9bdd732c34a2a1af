"""The walk through an event's increments (rating semantics § 1 and § 2), compiled.

A walk never goes increment by increment: a run of equal increments up to the next step, the next possible change of
band or the end is one division.
"""

from __future__ import annotations

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, PERCENT_ONE, added, percentage, proportion, quotient
from domain.rating.clock import CALENDAR_END_US
from domain.rating.compiled import compiled
from domain.rating.layout import MAX, SECOND_US, Int32s, Int64s, cell, row_at
from domain.rating.lookup import find_rate, next_change

WALKED, LOST, TOO_FAR = range(3)  # LOST: an increment finds no rate; TOO_FAR: beyond int64 or the calendar


@compiled
def adjusted(book: Int64s, room: Int64s, price: int, count: int) -> int:
    """Return a step's price after the adjustments in the room's stack, the furthest first, or OVER."""
    for place in range(room[at.O_STACK] + count - 1, room[at.O_STACK] - 1, -1):
        if price == OVER:
            return OVER
        adjust = cell(book, at.RATES, room[place], at.R_ADJUST)
        if cell(book, at.RATES, room[place], at.R_KIND) == at.PERCENT:
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
def step_at(book: Int64s, rate: int, position: int) -> tuple[int, int]:
    """Return the step in force (0 the first) at a position of the event, and where the next one begins (or MAX)."""
    row, step = row_at(book, at.RATES, rate), 0
    first, last = book[row + at.R_STEP], book[row + at.R_STEPS] - 1
    while step < last:
        following = cell(book, at.STEPS, first + step + 1, at.S_START)
        if following > position:
            return step, following
        step += 1
    return step, MAX


@compiled
def step_cells(book: Int64s, rate: int, step: int) -> int:
    """Return where a step's next, price and per stand; the first one's stand with the rate."""
    row = row_at(book, at.RATES, rate)
    return row + at.R_NEXT if step == 0 else row_at(book, at.STEPS, book[row + at.R_STEP] + step) + at.S_NEXT


@compiled
def ask(book: Int64s, wide: Int32s, room: Int64s, plist: int, deviations: int) -> bool:
    """Ask a list what it says at the event's start, into the room's ASKED; says whether it has a rate."""
    rate, count = find_rate(book, wide, room, deviations, plist, room[at.V_START], room[at.O_BASE])
    moving = room[at.F_BANDED] == 1 and room[at.V_UNIT] == at.SECONDS and cell(book, at.LISTS, plist, at.L_SPLIT) == 1
    room[at.ASKED + at.A_LIST], room[at.ASKED + at.A_DEVIATIONS] = plist, deviations
    room[at.ASKED + at.A_RATE], room[at.ASKED + at.A_COUNT] = rate, count
    room[at.ASKED + at.A_MOVING] = 1 if moving else 0
    return rate >= 0


@compiled
def move(
    book: Int64s, wide: Int32s, room: Int64s, asked: int, position: int, rate: int, count: int
) -> tuple[int, int, int, bool]:
    """Ask the list again at a later position. Returns (rate, adjustments, position until which it holds, changed)."""
    start, plist = room[at.V_START], room[asked + at.A_LIST]
    instant = start + position * SECOND_US
    zone = cell(book, at.LISTS, plist, at.L_ZONE)
    changed = False
    if position > 0:
        stack, spare = room[at.O_STACK], room[at.O_SPARE]
        found, adjustments = find_rate(book, wide, room, room[asked + at.A_DEVIATIONS], plist, instant, spare)
        changed = found != rate or adjustments != count
        for place in range(adjustments):
            changed = changed or room[spare + place] != room[stack + place]
            room[stack + place] = room[spare + place]
        rate, count = found, adjustments
        if room[at.F_BANDED] == 0:
            return rate, count, MAX, changed
    # An increment that begins before the change still belongs to what is in force now.
    return rate, count, (next_change(book, room, zone, instant) - start + SECOND_US - 1) // SECOND_US, changed


@compiled
def walk(
    book: Int64s, wide: Int32s, room: Int64s, asked: int, cover: int, skip: int, stop: int, limit: int
) -> tuple[int, int, int, int]:
    """Walk from the event's start until ``cover`` units are covered.

    Returns (outcome, billed units, nano-units of the units in [``skip``, ``stop``) or OVER, the last boundary of an
    increment not after ``limit``). ``asked``: where the room holds what the list said at the start; where it is moving,
    the list is asked again at every instant at which a band may change.
    """
    rate, count = room[asked + at.A_RATE], room[asked + at.A_COUNT]
    for place in range(count):
        room[room[at.O_STACK] + place] = room[room[at.O_BASE] + place]
    first = cell(book, at.RATES, rate, at.R_FIRST)
    position, boundary, nano = 0, 0, 0
    run_units, run_price, run_per, run_step, run_next = 0, 0, 1, -1, 1
    fresh, asked_until = True, 0 if room[asked + at.A_MOVING] == 1 else MAX
    while position < cover:
        if position >= asked_until:
            if position > (CALENDAR_END_US - room[at.V_START]) // SECOND_US:
                return TOO_FAR, 0, OVER, 0
            rate, count, asked_until, changed = move(book, wide, room, asked, position, rate, count)
            if rate < 0:
                return LOST, 0, 0, 0
            fresh = fresh or changed
        step, step_end = step_at(book, rate, position)
        if fresh or step != run_step:
            nano = added(nano, segment(run_price, run_units, run_per))
            run_step, run_units, fresh = step, 0, False
            where = step_cells(book, rate, step)
            run_next, run_per = book[where], book[where + 2]
            run_price = book[where + 1] if count == 0 else adjusted(book, room, book[where + 1], count)
        length, times = first, 1
        if position > 0:
            length = run_next
            times = quotient(min(step_end, asked_until, cover) - position - 1, length) + 1
        if length > MAX - cover and times > (MAX - position) // length:
            return TOO_FAR, 0, OVER, 0
        end = position + times * length
        if end <= limit:
            boundary = end
        elif position < limit:
            boundary = position + quotient(limit - position, length) * length
        run_units += max(min(end, stop) - max(position, skip), 0)
        position = end
    return WALKED, position, added(nano, segment(run_price, run_units, run_per)), boundary
