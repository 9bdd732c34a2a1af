"""The kernel: events on all their levels (rating semantics § 4 and § 5), compiled, over flat arrays.

The same function rates the ten million events of a month and the one that a caller asks about.
"""

from __future__ import annotations

import numpy as np

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, rounded
from domain.rating.charging import available, bucket_at, charge_level, in_scope, take
from domain.rating.compiled import cells, compiled
from domain.rating.layout import UNDECIDED, Bytes, Int16s, Int32s, Int64s, cell, item, row_at, rows_of
from domain.rating.lookahead import PARTY_AHEAD, look_ahead
from domain.rating.lookup import destination_of
from domain.rating.plainly import BLOCK, choose_options, find_destinations, price_block
from domain.rating.ringing import C_COUNTS, COUNT_WIDTH, apply_rings, count_volume, judge_rings

SIDE_WIDTH = 4  # event, slot, ring or bucket, amount
WIDE_COLUMNS = 3  # amount (micro-units), billed, setup (nano-units)
NARROW_COLUMNS = 3  # list, rate, band


@compiled
def write(rows: Int64s, room: Int64s, counter: int, what: int, amount: int) -> None:
    """Append a row to the shares or the draws, unless its amount is 0."""
    if amount != 0:
        row = room[counter] * SIDE_WIDTH
        rows[row], rows[row + 1], rows[row + 2], rows[row + 3] = room[at.V_EVENT], room[at.V_SLOT], what, amount
        room[counter] += 1


@compiled
def round_level(book: Int64s, room: Int64s, nano: int) -> int:
    """Round nano-units to micro-units as the level's list says."""
    row = row_at(book, at.LISTS, room[at.V_LIST])
    return rounded(nano, book[row + at.L_UNIT], book[row + at.L_BIAS], book[row + at.L_EVEN])


@compiled
def share_out(book: Int64s, actors: Int64s, room: Int64s, last: int, shares: Int64s) -> None:
    """Write each ring's share of the rounded amount; the last that changed anything takes the remainder."""
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    first = actors[party + at.P_RINGS]
    remainder = room[at.X_AMOUNT] - round_level(book, room, room[at.X_CHARGE])
    for place in range(actors[party + at.P_RINGS_END] - first):
        change = room[room[at.O_CHANGE] + place]
        if place != last and change != 0:
            share = round_level(book, room, change)
            remainder -= share
            write(shares, room, at.C_SHARES, cell(actors, at.PARTY_RINGS, first + place, at.PR_RING), share)
    write(shares, room, at.C_SHARES, cell(actors, at.PARTY_RINGS, first + last, at.PR_RING), remainder)


@compiled
def commit_units(actors: Int64s, left: Int64s, room: Int64s, draws: Int64s) -> None:
    """Take from the buckets of units what they gave to this level."""
    for place in range(cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKETS)):
        bucket, drawn = bucket_at(actors, room, place), room[room[at.O_DRAWN] + place]
        take(actors, left, room, place, drawn)
        write(draws, room, at.C_DRAWS, bucket, drawn)


@compiled
def draw_money(book: Int64s, actors: Int64s, left: Int64s, room: Int64s, draws: Int64s) -> None:
    """Let the money buckets pay the rounded amount in their order; what remains is the amount."""
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    currency = cell(book, at.LISTS, room[at.V_LIST], at.L_CURRENCY)
    for place in range(actors[party + at.P_BUCKETS]):
        bucket = bucket_at(actors, room, place)
        row = row_at(actors, at.BUCKETS, bucket)
        most = available(actors, left, room, place)
        if actors[row + at.K_UNIT] != at.MONEY or most == 0 or not in_scope(actors, room, bucket):
            continue
        own = actors[row + at.K_CURRENCY]
        if own == at.PARTY_CURRENCY and actors[party + at.P_RETAIL] >= 0:
            own = cell(book, at.LISTS, actors[party + at.P_RETAIL], at.L_CURRENCY)
        if own == currency:
            paid = min(room[at.X_AMOUNT], most)
            take(actors, left, room, place, paid)
            room[at.X_AMOUNT] -= paid
            write(draws, room, at.C_DRAWS, bucket, paid)


@compiled
def price_level(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    left: Int64s,
    volume: Int64s,
    room: Int64s,
    shares: Int64s,
    draws: Int64s,
    counts: Int64s,
) -> int:
    """Price one level of one event into the room; returns its status."""
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    ringed = actors[party + at.P_RING_LEVELS] & room[at.V_KIND] != 0
    status = charge_level(book, wide, actors, left, room)
    if status != at.PRICED:
        return status
    final, last = room[at.X_CHARGE], -1
    if ringed:
        judge_rings(book, actors, volume, room)
        if room[at.X_BILLED] > room[at.X_TAKEN]:
            final, last = apply_rings(book, wide, actors, room, final)
            if final == OVER:
                return at.OVERFLOW
    room[at.X_AMOUNT] = round_level(book, room, final)
    if last >= 0:
        share_out(book, actors, room, last, shares)
    if actors[party + at.P_BUCKET_LEVELS] & room[at.V_KIND] != 0:
        if room[at.X_TAKEN] > 0:
            commit_units(actors, left, room, draws)
        draw_money(book, actors, left, room, draws)
    if ringed and room[at.X_BILLED] > 0:
        count_volume(book, actors, volume, room, counts)
    return at.PRICED


@compiled
def open_level(actors: Int64s, room: Int64s, slot: int, slots: int, trunk: int) -> int:
    """Set the room to a slot; returns what the level is where it has no list."""
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    tiers = actors[party + at.P_TIERS]
    room[at.V_SLOT], room[at.V_COUNTER], room[at.V_KIND] = slot, slot, at.ON_WHOLESALE
    room[at.V_LIST], room[at.V_DEVIATIONS] = -1, -1
    if slot == 0:
        room[at.V_LIST], room[at.V_DEVIATIONS] = actors[party + at.P_RETAIL], actors[party + at.P_DEVIATIONS]
        room[at.V_KIND] = at.ON_RETAIL
    elif slot <= tiers:
        room[at.V_LIST] = item(actors, at.TIERS, actors[party + at.P_TIER] + slot - 1)
    elif slot == slots - 1:
        room[at.V_LIST], room[at.V_KIND], room[at.V_COUNTER] = actors[party + at.P_COST], at.ON_COST, tiers + 1
        if room[at.V_LIST] < 0 and trunk >= 0:
            room[at.V_LIST] = item(actors, at.TRUNKS, trunk)
            return at.NO_RATE
    return at.ABSENT


@compiled
def open_event(
    book: Int64s, wide: Int32s, actors: Int64s, room: Int64s, party: int, mode: int, direction: int, a: int, to: int
) -> None:
    """Set the room to an event; its start, units, visited network and number stand there. ``to``: its destination."""
    room[at.V_UNIT] = at.SECONDS if mode < 0 else item(book, at.MODE_UNITS, mode)
    room[at.V_TO] = to if to >= 0 else rows_of(book, at.TARGETS_AT) - 1
    room[at.V_FROM] = destination_of(book, wide, a, room[at.V_START]) if item(book, at.ASKS_A, 0) == 1 else -1
    room[at.V_PARTY], room[at.V_MODE], room[at.V_DIRECTION] = party, mode, direction
    room[at.V_USE], room[at.V_COUNTERS] = 2 * mode + direction, cell(actors, at.PARTIES, party, at.P_TIERS) + 2


@compiled
def grown(rows: Int64s, count: int, more: int) -> Int64s:
    """Return the rows with room for ``more``."""
    if count + more <= len(rows):
        return rows
    made = np.empty((2 * len(rows) + more, rows.shape[1]), np.int64)
    made[:count] = rows[:count]
    return made


@compiled
def new_room(lists: int, rings_max: int, buckets_max: int, groups: int) -> Int64s:
    """Make the scratch of one run."""
    sizes = (lists + 1, lists + 1, lists + 1, buckets_max, rings_max, rings_max, rings_max, groups)
    ends = np.zeros(len(sizes) + 1, np.int64)
    ends[0] = at.ROOM_HEAD
    for place in range(len(sizes)):
        ends[place + 1] = ends[place] + sizes[place]
    room = np.zeros(ends[len(sizes)], np.int64)
    room[at.O_BASE : at.O_END] = ends[: len(sizes)]
    room[at.Z_ZONE] = -1
    return room


@compiled
def rate_left(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    left: Int64s,
    volume: Int64s,
    scratch: Int64s,
    begin: int,
    end: int,
    order: Int64s,  # the events from ``begin`` to ``end`` are these, or themselves where it is empty
    numbers: Int64s,
    codes: Int32s,
    destinations: Int32s,
    statuses: Bytes,
    broad: Int64s,
    narrow: Int32s,
    shares: Int64s,
    draws: Int64s,
    counts: Int64s,
    rings_max: int,
    buckets_max: int,
) -> tuple[Int64s, Int64s, Int64s]:
    """Rate the levels that are undecided, event by event; returns the shares, draws and counts so far."""
    room, slots, count, ordered = cells(scratch), broad.shape[1], numbers.shape[1], len(order) > 0
    places, coded, found = cells(order), cells(codes), cells(destinations)
    for turn in range(begin - PARTY_AHEAD, end):
        look_ahead(book, wide, actors, slots, count, end, places, ordered, coded, found, statuses, turn)
        if turn < begin:
            continue
        event = order[turn] if ordered else turn
        if statuses[0, event] != UNDECIDED:
            continue
        mode, trunk = int(codes[0, event]), int(codes[3, event])
        room[at.V_EVENT], room[at.V_VISITED] = event, codes[4, event]
        room[at.V_START], room[at.V_USED], room[at.V_OFFSET] = numbers[0, event], numbers[1, event], numbers[2, event]
        party, to = int(codes[2, event]), int(destinations[event])
        open_event(book, wide, actors, room, party, mode, int(codes[1, event]), numbers[3, event], to)
        if rings_max > 0:
            shares = grown(shares, room[at.C_SHARES], slots * rings_max)
            counts = grown(counts, room[C_COUNTS], slots * rings_max)
        if buckets_max > 0:
            draws = grown(draws, room[at.C_DRAWS], slots * buckets_max)
        for slot in range(slots):
            if statuses[1 + slot, event] != UNDECIDED:
                continue
            open_level(actors, room, slot, slots, trunk)
            status = price_level(book, wide, actors, left, volume, room, cells(shares), cells(draws), cells(counts))
            statuses[1 + slot, event] = status
            if status == at.PRICED:
                broad[0, slot, event], broad[1, slot, event] = room[at.X_AMOUNT], room[at.X_BILLED]
                broad[2, slot, event] = room[at.X_SETUP]
                narrow[0, slot, event], narrow[1, slot, event] = room[at.X_OWNER], room[at.X_RATE]
                narrow[2, slot, event] = room[at.X_BAND]
        statuses[0, event] = at.RATED
    return shares, draws, counts


@compiled
def rate_all(
    catalogue: Int64s,
    catalogue_wide: Int32s,
    acting: Int64s,
    allowances: Int64s,
    counters: Int64s,
    order: Int64s,
    numbers: Int64s,  # start, used, offset, a, b
    codes: Int32s,  # mode, direction, party, trunk, visited, bad
    destinations: Int32s,
    statuses: Bytes,  # the event's, then one per slot
    broad: Int64s,  # WIDE_COLUMNS, slot, event
    narrow: Int32s,  # NARROW_COLUMNS, slot, event
    currencies: Int16s,  # slot, event
    rings_max: int,
    buckets_max: int,
) -> tuple[Int64s, Int64s, Int64s]:
    """Rate events into the columns; returns ring shares, bucket draws and counts of volume.

    What takes the general way is rated in ``order``, if any, behind all plain levels; else block by block.
    """
    book, wide, actors = cells(catalogue), cells(catalogue_wide), cells(acting)
    left, volume = cells(allowances), cells(counters)
    scratch = new_room(rows_of(book, at.LISTS), rings_max, buckets_max, rows_of(book, at.RINGS))
    room, slots, count = cells(scratch), len(currencies), numbers.shape[1]
    plists, chosen = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int64)
    # One event writes at most a share per ring, and a draw per bucket, on each of its levels.
    shares, draws = (
        np.empty((slots * rings_max, SIDE_WIDTH), np.int64),
        np.empty((slots * buckets_max, SIDE_WIDTH), np.int64),
    )
    counts = np.empty((slots * rings_max, COUNT_WIDTH), np.int64)
    those, coded, found = cells(numbers), cells(codes), cells(destinations)
    for begin in range(0, count, BLOCK):
        end = min(begin + BLOCK, count)
        find_destinations(book, wide, actors, begin, end, count, those, coded, found, statuses)
        for slot in range(slots):
            choose_options(
                book, wide, actors, begin, end, count, slot, those, coded, found, statuses, currencies,
                cells(plists), cells(chosen),
            )  # fmt: skip
            price_block(
                book, room, begin, end, count, slot, slots, those, coded, cells(plists), cells(chosen),
                cells(statuses), cells(broad), cells(narrow),
            )  # fmt: skip
        if len(order) == 0:
            shares, draws, counts = rate_left(
                book, wide, actors, left, volume, scratch, begin, end, order, numbers, codes, destinations, statuses,
                broad, narrow, shares, draws, counts, rings_max, buckets_max,
            )  # fmt: skip
    if len(order) > 0:
        shares, draws, counts = rate_left(
            book, wide, actors, left, volume, scratch, 0, count, order, numbers, codes, destinations, statuses,
            broad, narrow, shares, draws, counts, rings_max, buckets_max,
        )  # fmt: skip
    # The arrays behind the cells are used here once more, so that they lived until now.
    assert len(catalogue) + len(catalogue_wide) + len(acting) + len(allowances) + len(counters) > 0
    assert len(plists) + len(chosen) > 0
    return (
        shares[: scratch[at.C_SHARES]].copy(),
        draws[: scratch[at.C_DRAWS]].copy(),
        counts[: scratch[C_COUNTS]].copy(),
    )
