"""What an option says of an event (the flattened chains of ``flattening``): which one holds, and what it charges."""

from __future__ import annotations

from typing import Final

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, added, quotient
from domain.rating.clock import TABLE_END_US
from domain.rating.compiled import compiled
from domain.rating.layout import SECOND_US, Int64s, cell, row_at
from domain.rating.lookup import band_holds, local_offset, next_change
from domain.rating.walking import segment, step_at

UNITS_END: Final = 1 << 21  # above what a plain event is billed: price × units is then below 2⁶²
LOW: Final = 0xFFFFFFFF


@compiled
def holding(book: Int64s, room: Int64s, option: int, zone: int, start: int) -> tuple[int, bool]:
    """Return where the first option that holds stands (or NOTHING, LEFT), and whether a band was looked at."""
    banded, local = False, 0
    while option >= 0:
        row = row_at(book, at.OPTIONS, option)
        rest = book[row + at.OPT_REST]
        band = ((rest >> 32) & 0xFFFF) - 1
        holds = book[row + at.OPT_SINCE] <= start < book[row + at.OPT_UNTIL]
        if holds and band >= 0:
            if not banded:
                banded, local = True, start + local_offset(book, room, zone, start)[0]
            holds = band_holds(book, band, local)
        if not holds:
            option = (rest << 32) >> 32
        elif (book[row + at.OPT_RATE] >> 56) & at.IS_JUMP == 0:
            return row, banded
        else:
            option = book[row + at.OPT_PRICE]
    return option, banded


@compiled
def still_holds(book: Int64s, room: Int64s, zone: int, start: int, used: int) -> bool:
    """Say whether no increment of an event can begin after a change of band."""
    return start < TABLE_END_US and used <= (next_change(book, room, zone, start) - start + SECOND_US - 1) // SECOND_US


@compiled
def by_steps(book: Int64s, rate: int, used: int) -> tuple[int, int]:
    """Return (units billed, nano-units or OVER) of an event in one band whose increments pass into later steps."""
    row = row_at(book, at.RATES, rate)
    position, units, step, nano = book[row + at.R_FIRST], book[row + at.R_FIRST], 0, 0
    price, per = book[row + at.R_PRICE], book[row + at.R_PER]
    while position < used:
        at_step, step_end = step_at(book, rate, position)
        if at_step != step:
            nano, units, step = added(nano, segment(price, units, per)), 0, at_step
            where = row_at(book, at.STEPS, book[row + at.R_STEP] + step)
            price, per = book[where + at.S_PRICE], book[where + at.S_PER]
        length = book[row_at(book, at.STEPS, book[row + at.R_STEP] + step) + at.S_NEXT]
        more = (quotient(min(step_end, used) - position - 1, length) + 1) * length
        position += more
        units += more
    return position, added(nano, segment(price, units, per))


@compiled
def limited(book: Int64s, rate: int, nano: int) -> int:
    """Raise to the minimum charge and lower to the maximum."""
    row = row_at(book, at.RATES, rate)
    if book[row + at.R_SPECIAL] == 0:
        return nano
    least, most = book[row + at.R_MIN], book[row + at.R_MAX]
    nano = max(nano, least)
    return most if 0 <= most < nano else nano


@compiled
def unusual(book: Int64s, row: int, used: int) -> tuple[int, int, int]:
    """Return (units billed, setup, nano-units) of an event by an option where more than a product is asked.

    That is later steps, a grace, a minimum or maximum, or no units at all; the units are -1 where it is not plain.
    """
    if used == 0:
        return 0, 0, 0
    rate, flags = book[row + at.OPT_RATE] & LOW, book[row + at.OPT_RATE] >> 56
    if flags & at.IS_FIXED != 0 and used > book[row + at.OPT_PER] >> 32:
        return -1, 0, 0
    billed, nano = by_steps(book, rate, used) if flags & at.IS_FIXED == 0 else by_option(book, row, used)
    nano = added(nano, book[row + at.OPT_SETUP])
    if nano == OVER or billed >= UNITS_END:
        return -1, 0, 0
    if flags & at.IS_SPECIAL != 0:
        if used <= cell(book, at.RATES, rate, at.R_GRACE):
            return 0, 0, 0
        nano = limited(book, rate, nano)
    return billed, book[row + at.OPT_SETUP], nano


@compiled
def by_option(book: Int64s, row: int, used: int) -> tuple[int, int]:
    """Return (units billed, nano-units) of an event that the first step covers; the units must be below UNITS_END.

    The quotients are exact: all numbers are far below 2⁵³, where the floor of a quotient of floats could be wrong.
    """
    lengths = book[row + at.OPT_LENGTHS]
    first, following, per = lengths & LOW, lengths >> 32, book[row + at.OPT_PER] & LOW
    billed = first + int(float(max(used - first, 0) + following - 1) / float(following)) * following
    product = book[row + at.OPT_PRICE] * billed
    nano = quotient(product, per)
    left = product - nano * per
    return billed, nano + 1 if left >= per - left else nano


@compiled
def option_charge(book: Int64s, row: int, used: int) -> tuple[int, int, int]:
    """Return (units billed, setup, nano-units) of a whole event by an option; units of -1: it takes the general way."""
    if 0 < used <= book[row + at.OPT_PER] >> 32 and (book[row + at.OPT_RATE] >> 56) & at.IS_SPECIAL == 0:
        billed, nano = by_option(book, row, used)
        return -1 if billed >= UNITS_END else billed, book[row + at.OPT_SETUP], nano + book[row + at.OPT_SETUP]
    return unusual(book, row, used)
