"""Which destination, which rate: the searches of the kernel (rating semantics § 3), compiled."""

from __future__ import annotations

from domain.rating.clock import CYCLE_US, TABLE_END_US
from domain.rating.compiled import compiled
from domain.rating.intervals import TOP, find_row
from domain.rating.layout import (
    ABSOLUTE,
    ANYWHERE,
    B_DAYS,
    B_END,
    B_EXCEPT,
    B_ON,
    B_START,
    DAY_US,
    E_BAND,
    E_FLAGS,
    E_FROM,
    E_RANK,
    E_RATE,
    E_SINCE,
    E_UNTIL,
    E_ZONE,
    HAS_FROM,
    HOME_ONLY,
    L_PARENT,
    LAST,
    MAX,
    R_KIND,
    R_LIST,
    Catalogue,
    Int64s,
)


@compiled
def destination_of(book: Catalogue, number: int, start: int) -> int:
    """Return a number's destination at an instant: a ported number's holder, else the longest valid prefix; -1 none."""
    if number == -1:
        return -1
    if number >= 0 and len(book.ported_number) > 0:
        row = find_row(book.ported_slots, book.ported_number, number)
        if row >= 0 and book.ported_since[row] <= start:
            while row + 1 < len(book.ported_number) and (
                book.ported_number[row + 1] == number and book.ported_since[row + 1] <= start
            ):
                row += 1
            return book.ported_to[row]
    code = number if number >= 0 else -2 - number
    top = code // TOP
    low, high = book.prefix_top[top], book.prefix_top[top + 1]
    while low < high:
        middle = (low + high + 1) >> 1
        if book.prefix_start[middle] <= code:
            low = middle
        else:
            high = middle - 1
    node = book.prefix_node[low]
    while node >= 0:
        if book.nodes[node, 1] <= start < book.nodes[node, 2]:
            return book.nodes[node, 0]
        node = book.nodes[node, 3]
    return -1


@compiled
def local_offset(book: Catalogue, zone: int, instant: int) -> tuple[int, int]:
    """Return a time zone's UTC offset at an instant, and the instant (UTC) of its next change; all in µs."""
    shift = 0
    if instant >= TABLE_END_US:
        shift = ((instant - TABLE_END_US) // CYCLE_US + 1) * CYCLE_US
    looked = instant - shift
    low, high = book.zones_at[zone], book.zones_at[zone + 1] - 1
    last = high
    while low < high:
        middle = (low + high + 1) >> 1
        if book.zone_since[middle] <= looked:
            low = middle
        else:
            high = middle - 1
    if low < last:
        return book.zone_offset[low], book.zone_since[low + 1] + shift
    return book.zone_offset[low], TABLE_END_US + shift


@compiled
def listed_day(book: Catalogue, calendar: int, day: int) -> bool:
    """Say whether a calendar holds a day (since 1970)."""
    low, high = book.holidays_at[calendar], book.holidays_at[calendar + 1]
    while low < high:
        middle = (low + high) >> 1
        if book.holidays[middle] < day:
            low = middle + 1
        else:
            high = middle
    return low < book.holidays_at[calendar + 1] and book.holidays[low] == day


@compiled
def band_holds(book: Catalogue, band: int, local: int) -> bool:
    """Say whether a band holds at a local time (µs since 1970 on the local clock)."""
    day = local // DAY_US
    clock = local - day * DAY_US
    start, end = book.bands[band, B_START], book.bands[band, B_END]
    if start <= end:
        if clock < start or clock >= end:
            return False
    elif end <= clock < start:
        return False
    listed = (book.bands[band, B_DAYS] >> ((day + 3) % 7)) & 1 == 1  # 1970-01-01 was a Thursday
    out, extra = book.bands[band, B_EXCEPT], book.bands[band, B_ON]
    if listed and out >= 0 and listed_day(book, out, day):
        listed = False
    if not listed and extra >= 0 and listed_day(book, extra, day):
        listed = True
    return listed


@compiled
def next_change(book: Catalogue, zone: int, instant: int) -> int:
    """Return the next instant at which any band may begin or end: a band's time, midnight, a change of the clock."""
    offset, change = local_offset(book, zone, instant)
    local = instant + offset
    midnight = local - local % DAY_US
    clock = local - midnight
    later = midnight + DAY_US
    for time in book.clock:
        if time > clock:
            later = midnight + time
            break
    return min(later - offset, change)


@compiled
def from_place(book: Catalogue, destination: int, target: int) -> int:
    """Return the place of a ``from`` target among those of the A-number's destination, or -1."""
    if destination < 0:
        return -1
    first = book.targets_at[destination]
    for place in range(first, book.targets_at[destination + 1]):
        if book.targets[place] == target:
            return place - first
    return -1


@compiled
def best_entry(book: Catalogue, first: int, a_to: int, visited: int, start: int, local: int, banded: Int64s) -> int:
    """Return the winning entry of a block, or -1; sets ``banded[0]`` where a band was looked at."""
    best, best_place = -1, MAX
    entry = first
    while True:
        row = book.entries[entry]
        if best >= 0 and row[E_RANK] != book.entries[best, E_RANK]:
            return best
        if row[E_SINCE] <= start < row[E_UNTIL]:
            zone = row[E_ZONE]
            holds = (
                zone == ANYWHERE
                or (zone == HOME_ONLY and visited < 0)
                or (zone >= 0 and visited >= 0 and book.in_zone[visited, zone] == 1)
            )
            place = MAX - 1
            if holds and row[E_FROM] >= 0:
                place = from_place(book, a_to, row[E_FROM])
                holds = place >= 0
            if holds and row[E_BAND] >= 0:
                banded[0] = 1
                holds = band_holds(book, row[E_BAND], local)
            if holds and place < best_place:
                if row[E_FLAGS] & HAS_FROM == 0:
                    return entry
                best, best_place = entry, place
        if row[E_FLAGS] & LAST:
            return best
        entry += 1


@compiled
def find_rate(
    book: Catalogue,
    deviations: int,
    plist: int,
    use: int,
    b_to: int,
    a_to: int,
    visited: int,
    start: int,
    local: int,
    stack: Int64s,
    banded: Int64s,
) -> tuple[int, int]:
    """Return the absolute rate that decides, or -1, and how many adjustments (in ``stack``, nearest first) lie on it.

    ``local`` is the instant on the level's clock; validity is judged by ``start``.
    """
    here = deviations if deviations >= 0 else plist
    deviating = deviations >= 0
    count = 0
    while here >= 0:
        following = -1
        row = book.rows[here, use]
        if row >= 0:
            first = book.first[row, b_to]
            owner = -1 if first < 0 else book.rates[book.entries[first, E_RATE], R_LIST]
            # A list that is laid before another gives only what is its own, not what its row repeats of a parent.
            if first >= 0 and (not deviating or owner == here):
                best = best_entry(book, first, a_to, visited, start, local, banded)
                if best >= 0:
                    rate = book.entries[best, E_RATE]
                    if book.rates[rate, R_KIND] == ABSOLUTE:
                        return rate, count
                    stack[count] = rate
                    count += 1
                following = book.lists[owner, L_PARENT]
        if deviating:
            following = plist
            deviating = False
        here = following
    return -1, count
