"""Discount rings: whose conditions hold, what each leaves, what each counts (rating semantics § 5.5), compiled."""

from __future__ import annotations

from typing import Final

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, added, per_minute, percentage
from domain.rating.compiled import compiled
from domain.rating.layout import MAX, Int32s, Int64s, cell, member, row_at, rows_of
from domain.rating.lookup import band_holds, local_offset
from domain.rating.walking import WALKED, walk

COUNT_WIDTH: Final = 5  # event, slot, ring, what was counted before, what the event adds
C_COUNTS: Final = 60  # the room's count of such rows


@compiled
def ring_meets(book: Int64s, room: Int64s, ring: int) -> bool:
    """Say whether a ring's conditions hold at the event's start (party, group and volume apart)."""
    row, start = row_at(book, at.RINGS, ring), room[at.V_START]
    if (
        book[row + at.G_LEVELS] & room[at.V_KIND] == 0
        or not book[row + at.G_SINCE] <= start < book[row + at.G_UNTIL]
        or not member(book, at.MODE_SETS, book[row + at.G_MODES], room[at.V_MODE])
        or not member(book, at.TO_SETS, book[row + at.G_TO], room[at.V_TO])
        or not member(book, at.ZONE_SETS, book[row + at.G_ZONES], room[at.V_VISITED] + 1)
    ):
        return False
    if book[row + at.G_BAND] < 0:
        return True
    offset, _ = local_offset(book, room, cell(book, at.LISTS, room[at.V_LIST], at.L_ZONE), start)
    return band_holds(book, book[row + at.G_BAND], start + offset)


@compiled
def judge_rings(book: Int64s, actors: Int64s, volume: Int64s, room: Int64s) -> None:
    """Decide for each of the party's rings whether its conditions hold, and whether its volume is reached."""
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    for place in range(actors[party + at.P_RINGS], actors[party + at.P_RINGS_END]):
        here = place - actors[party + at.P_RINGS]
        ring, counter = (
            cell(actors, at.PARTY_RINGS, place, at.PR_RING),
            cell(actors, at.PARTY_RINGS, place, at.PR_COUNTER),
        )
        meets = 1 if ring_meets(book, room, ring) else 0
        room[room[at.O_MEETS] + here] = meets
        if meets == 1 and counter >= 0:
            count = volume[actors[party + at.P_VOLUME] + counter * room[at.V_COUNTERS] + room[at.V_COUNTER]]
            meets = 1 if count >= cell(book, at.RINGS, ring, at.G_VOLUME) else 0
        room[room[at.O_HOLDS] + here] = meets


@compiled
def count_volume(book: Int64s, actors: Int64s, volume: Int64s, room: Int64s, counts: Int64s) -> None:
    """Add a priced event to the counters of the rings whose other conditions it meets, and to the rows ``counts``.

    As an event counts the part in which billing begins, so that a call in parts counts once.
    """
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    for place in range(actors[party + at.P_RINGS], actors[party + at.P_RINGS_END]):
        counter = cell(actors, at.PARTY_RINGS, place, at.PR_COUNTER)
        if counter < 0 or room[room[at.O_MEETS] + place - actors[party + at.P_RINGS]] == 0:
            continue
        ring = cell(actors, at.PARTY_RINGS, place, at.PR_RING)
        unit = cell(book, at.RINGS, ring, at.G_UNIT)
        more = 1 if room[at.X_BEFORE] == 0 else 0
        if unit == at.BY_AMOUNT:
            more = room[at.X_AMOUNT]
        elif unit == at.BY_UNITS:
            more = room[at.X_BILLED]
        place_of = actors[party + at.P_VOLUME] + counter * room[at.V_COUNTERS] + room[at.V_COUNTER]
        row = room[C_COUNTS] * COUNT_WIDTH
        counts[row], counts[row + 1], counts[row + 2] = room[at.V_EVENT], room[at.V_SLOT], ring
        counts[row + 3], counts[row + 4] = volume[place_of], more
        room[C_COUNTS] += 1
        volume[place_of] = min(volume[place_of], MAX - more) + more


@compiled
def price_anew(book: Int64s, wide: Int32s, room: Int64s, rate: int) -> int:
    """Walk the event with a price ring's own first and steps, bucket units in front; returns nano-units or OVER."""
    room[at.RINGED + at.A_RATE], room[at.RINGED + at.A_COUNT], room[at.RINGED + at.A_MOVING] = rate, 0, 0
    front, front_nano, skip = 0, 0, room[at.X_TAKEN]
    if room[at.V_OFFSET] > room[at.X_GRACE]:
        outcome, front, front_nano, _ = walk(book, wide, room, at.RINGED, room[at.V_OFFSET], 0, MAX, 0)
        if outcome != WALKED or front_nano == OVER:
            return OVER
    if skip > 0:
        skip += front
        front_nano = 0
    outcome, _, nano, _ = walk(book, wide, room, at.RINGED, room[at.V_OFFSET] + room[at.V_USED], skip, MAX, 0)
    setup = cell(book, at.RATES, rate, at.R_SETUP)
    nano = added(nano, setup)
    if outcome != WALKED or nano == OVER:
        return OVER
    return nano if room[at.X_BEFORE] == 0 else nano - setup - front_nano


@compiled
def changed(left: int, change: int, value: int) -> int:
    """Return what a change leaves, or OVER; a change beyond 64 bits that takes off (``value`` < 0) leaves nothing."""
    if change == OVER:
        return 0 if value < 0 else OVER
    return added(left, change)


@compiled
def ring_leaves(book: Int64s, wide: Int32s, room: Int64s, ring: int, left: int) -> int:
    """Return what a ring leaves of an amount, or OVER."""
    row = row_at(book, at.RINGS, ring)
    kind, value = book[row + at.G_KIND], book[row + at.G_VALUE]
    made = left
    if kind == at.BY_PERCENT:
        made = changed(left, percentage(left, value), value)
    elif kind == at.BY_EVENT:
        if room[at.X_BEFORE] == 0:
            made = added(left, value)
    elif kind == at.BY_MINUTE:
        if room[at.V_UNIT] == at.SECONDS:
            made = changed(left, per_minute(value, room[at.X_BILLED] - room[at.X_TAKEN]), value)
    else:
        made = price_anew(book, wide, room, book[row + at.G_RATE])
    return 0 if OVER < made < 0 else made


@compiled
def apply_rings(book: Int64s, wide: Int32s, actors: Int64s, room: Int64s, left: int) -> tuple[int, int]:
    """Apply the rings that hold, in order; returns what is left (or OVER) and the last that changed anything, or -1.

    The room receives each ring's change in nano-units. Of an exclusive group the ring that leaves least wins, in the
    place of the group's first.
    """
    party = row_at(actors, at.PARTIES, room[at.V_PARTY])
    first, count = actors[party + at.P_RINGS], actors[party + at.P_RINGS_END] - actors[party + at.P_RINGS]
    holds, change, done, last = room[at.O_HOLDS], room[at.O_CHANGE], room[at.O_DONE], -1
    for group in range(rows_of(book, at.RINGS)):
        room[done + group] = 0
    for place in range(count):
        room[change + place] = 0
    for place in range(count):
        ring = cell(actors, at.PARTY_RINGS, first + place, at.PR_RING)
        group = cell(book, at.RINGS, ring, at.G_GROUP)
        if room[holds + place] == 0 or (group >= 0 and room[done + group] == 1):
            continue
        winner, made = place, ring_leaves(book, wide, room, ring, left)
        if group >= 0:
            room[done + group] = 1
            for rival in range(place + 1, count):
                other = cell(actors, at.PARTY_RINGS, first + rival, at.PR_RING)
                if room[holds + rival] == 1 and cell(book, at.RINGS, other, at.G_GROUP) == group:
                    tried = ring_leaves(book, wide, room, other, left)
                    if tried != OVER and (made == OVER or tried < made):
                        made, winner = tried, rival
        if made == OVER:
            return OVER, -1
        if made != left:
            room[change + winner] = made - left
            last = winner
        left = made
    return left, last
