"""The short way of the kernel, compiled: levels that need no state and no walk, a block of events at a time.

Most levels of most events have no bucket and no ring, lie at home, come whole, and change no band on their way: their
charge is one option of the flattened chains (``flattening``) and one division. Events are taken in blocks, and a block
step by step, so that the cells of many events, which with a large catalogue lie anywhere in memory, are asked for
before the first is needed. What does not fit is left ``UNDECIDED`` to the general way; both must agree on every event.
"""

from __future__ import annotations

from typing import Final

from domain.rating import layout as at
from domain.rating.arithmetic import rounded
from domain.rating.compiled import compiled, prefetch
from domain.rating.intervals import BY_FIRST_DIGITS, hashed
from domain.rating.layout import LEFT, NOTHING, UNDECIDED, Bytes, Int16s, Int32s, Int64s, cell, item, row_at, rows_of
from domain.rating.lookup import destination_of
from domain.rating.options import LOW, UNITS_END, holding, option_charge, still_holds

BLOCK: Final = 256  # events
PASSED: Final = -3  # beside NOTHING and LEFT: nothing is to be done for this event


@compiled
def find_destinations(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    begin: int,
    end: int,
    count: int,
    numbers: Int64s,
    codes: Int32s,
    destinations: Int32s,
    statuses: Bytes,
) -> None:
    """Set the destinations and the status of the events ``[begin, end)``; a good one's is RATED, for the present."""
    tops, starts = book[3 * at.TOP], book[3 * at.STARTS]
    slots_at, slots = book[3 * at.PORTED_SLOTS], rows_of(book, at.PORTED_SLOTS)
    for event in range(begin, end):
        number, party = numbers[4 * count + event], int(codes[2 * count + event])
        prefetch(wide, tops + (number if number >= 0 else -2 - number) // BY_FIRST_DIGITS)
        prefetch(actors, row_at(actors, at.PARTIES, party))
        if slots > 2:
            prefetch(book, slots_at + hashed(number, slots))
    for event in range(begin, end):
        number = numbers[4 * count + event]
        if number != -1:
            prefetch(book, starts + 2 * int(wide[tops + (number if number >= 0 else -2 - number) // BY_FIRST_DIGITS]))
    for event in range(begin, end):
        mode = int(codes[event])
        if codes[5 * count + event] != 0:
            statuses[0, event] = at.BAD_EVENT
        elif codes[2 * count + event] < 0:
            statuses[0, event] = at.NO_PARTY
        else:
            to = destination_of(book, wide, numbers[4 * count + event], numbers[event])
            destinations[event] = to
            lost = to < 0 and (mode < 0 or item(book, at.MODE_UNITS, mode) != at.KB)
            statuses[0, event] = at.NO_DESTINATION if lost else at.RATED


@compiled
def list_of(actors: Int64s, party: int, slot: int, slots: int, trunk: int) -> tuple[int, int, int]:
    """Return a level's list (or -1), its kind, and what the level is where there is no list."""
    if slot == 0:
        return actors[party + at.P_RETAIL], at.ON_RETAIL, at.ABSENT
    if slot <= actors[party + at.P_TIERS]:
        return item(actors, at.TIERS, actors[party + at.P_TIER] + slot - 1), at.ON_WHOLESALE, at.ABSENT
    if slot < slots - 1:
        return -1, at.ON_WHOLESALE, at.ABSENT
    if actors[party + at.P_COST] >= 0 or trunk < 0:
        return actors[party + at.P_COST], at.ON_COST, at.ABSENT
    return item(actors, at.TRUNKS, trunk), at.ON_COST, at.NO_RATE


@compiled
def deviates(book: Int64s, wide: Int32s, deviations: int, use: int, to: int) -> bool:
    """Say whether a list of deviations has a word of its own about a destination."""
    row = cell(book, at.ROWS, deviations, use)
    if row < 0:
        return False
    first = int(wide[row_at(book, at.FIRST, row) + to])
    return first >= 0 and cell(book, at.ENTRIES, first, at.E_LIST) == deviations


@compiled
def choose_options(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    begin: int,
    end: int,
    count: int,
    slot: int,
    numbers: Int64s,
    codes: Int32s,
    destinations: Int32s,
    statuses: Bytes,
    currencies: Int16s,
    plists: Int32s,
    chosen: Int64s,
) -> None:
    """Find a level's list and first option for each event of a block, or what else it is."""
    slots, nowhere, width = len(currencies), rows_of(book, at.TARGETS_AT) - 1, book[3 * at.CHOICE + 1]
    choices, options = book[3 * at.CHOICE], book[3 * at.OPTIONS]
    for event in range(begin, end):
        here = event - begin
        chosen[here] = PASSED
        if statuses[0, event] != at.RATED and statuses[0, event] != UNDECIDED:
            continue
        party, mode = row_at(actors, at.PARTIES, int(codes[2 * count + event])), int(codes[event])
        plist, kind, without = list_of(actors, party, slot, slots, int(codes[3 * count + event]))
        if plist < 0:
            statuses[1 + slot, event] = without
            continue
        currencies[slot, event] = cell(book, at.LISTS, plist, at.L_CURRENCY)
        if mode < 0:
            statuses[1 + slot, event] = at.NO_RATE
            continue
        to, use = int(destinations[event]), 2 * mode + int(codes[count + event])
        if to < 0:
            to = nowhere
        plain = (
            (actors[party + at.P_RING_LEVELS] | actors[party + at.P_BUCKET_LEVELS]) & kind == 0
            and numbers[count + event] < UNITS_END
            and numbers[2 * count + event] == 0
            and codes[4 * count + event] < 0
        )
        if plain and slot == 0 and actors[party + at.P_DEVIATIONS] >= 0:
            plain = not deviates(book, wide, actors[party + at.P_DEVIATIONS], use, to)
        row = cell(book, at.ROWS, plist, use)
        if not plain:
            statuses[0, event], statuses[1 + slot, event] = UNDECIDED, UNDECIDED
        elif row < 0:
            statuses[1 + slot, event] = at.NO_RATE
        else:
            plists[here], chosen[here] = plist, choices + row * width + to
            prefetch(wide, choices + row * width + to)
    for here in range(end - begin):
        if chosen[here] != PASSED:
            chosen[here] = int(wide[chosen[here]])
            if chosen[here] >= 0:
                prefetch(book, options + chosen[here] * at.OPTION_WIDTH)


@compiled
def price_block(
    book: Int64s,
    room: Int64s,
    begin: int,
    end: int,
    count: int,
    slot: int,
    slots: int,
    numbers: Int64s,
    codes: Int32s,
    plists: Int32s,
    chosen: Int64s,
    statuses: Bytes,
    broad: Int64s,
    narrow: Int32s,
) -> None:
    """Price a level of a block's events by the options chosen. ``statuses`` … are the cells of the kernel's columns."""
    options, lists, status = book[3 * at.OPTIONS], book[3 * at.LISTS], (1 + slot) * count
    amounts, billeds, setups = slot * count, (slots + slot) * count, (2 * slots + slot) * count
    for event in range(begin, end):
        option, used = chosen[event - begin], numbers[count + event]
        if option == PASSED:
            continue
        plist, row, banded = lists + int(plists[event - begin]) * at.LIST_WIDTH, option, False
        if option >= 0:
            row = options + option * at.OPTION_WIDTH
            start, asks = numbers[event], (book[row + at.OPT_REST] >> 32) & 0xFFFF != 0
            asks = asks or (book[row + at.OPT_RATE] >> 56) & at.IS_JUMP != 0
            if asks or start < book[row + at.OPT_SINCE] or start >= book[row + at.OPT_UNTIL]:
                row, banded = holding(book, room, option, book[plist + at.L_ZONE], start)
        if row == NOTHING:
            statuses[status + event] = at.NO_RATE
            continue
        billed, nano, setup = -1, 0, 0
        if row != LEFT:
            moving = banded and used > 0 and book[plist + at.L_SPLIT] == 1
            moving = moving and item(book, at.MODE_UNITS, int(codes[event])) == at.SECONDS
            if not moving or still_holds(book, room, book[plist + at.L_ZONE], numbers[event], used):
                billed, setup, nano = option_charge(book, row, used)
        if billed < 0:
            statuses[event], statuses[status + event] = UNDECIDED, UNDECIDED
            continue
        names = book[row + at.OPT_RATE]
        statuses[status + event] = at.PRICED
        broad[amounts + event] = rounded(
            nano, book[plist + at.L_UNIT], book[plist + at.L_BIAS], book[plist + at.L_EVEN]
        )
        broad[billeds + event], broad[setups + event] = billed, setup
        narrow[amounts + event], narrow[billeds + event] = (names >> 32) & 0xFFFFFF, names & LOW
        narrow[setups + event] = (book[row + at.OPT_REST] >> 48) - 1
