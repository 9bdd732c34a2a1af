"""Which destination, which rate: the searches of the kernel (rating semantics § 3), compiled."""

from __future__ import annotations

from domain.rating import layout as at
from domain.rating.clock import CYCLE_US, TABLE_END_US
from domain.rating.compiled import compiled
from domain.rating.intervals import BY_FIRST_DIGITS, find_ported
from domain.rating.layout import ENTRY_WIDTH, MAX, Int32s, Int64s, cell, item, member, row_at, rows_of


@compiled
def destination_of(book: Int64s, wide: Int32s, number: int, start: int) -> int:
    """Return a number's destination at an instant: a ported number's holder, else the longest valid prefix; -1 none."""
    if number == -1:
        return -1
    if number >= 0 and rows_of(book, at.PORTED) > 0:
        row = find_ported(book, number)
        if row >= 0 and cell(book, at.PORTED, row, at.H_SINCE) <= start:
            last = rows_of(book, at.PORTED) - 1
            while (
                row < last
                and cell(book, at.PORTED, row + 1, at.H_NUMBER) == number
                and cell(book, at.PORTED, row + 1, at.H_SINCE) <= start
            ):
                row += 1
            return cell(book, at.PORTED, row, at.H_TO)
    code = number if number >= 0 else -2 - number
    tops, starts = book[3 * at.TOP] + code // BY_FIRST_DIGITS, book[3 * at.STARTS]
    low, high = int(wide[tops]), int(wide[tops + 1])
    while low < high:
        middle = (low + high + 1) >> 1
        if book[starts + 2 * middle + at.I_START] <= code:
            low = middle
        else:
            high = middle - 1
    leads = book[starts + 2 * low + at.I_LEADS]
    if leads >= -1:
        return leads
    node = -2 - leads
    while node >= 0:
        row = row_at(book, at.NODES, node)
        if book[row + at.N_SINCE] <= start < book[row + at.N_UNTIL]:
            return book[row + at.N_DESTINATION]
        node = book[row + at.N_NEXT]
    return -1


@compiled
def local_offset(book: Int64s, room: Int64s, zone: int, instant: int) -> tuple[int, int]:
    """Return a time zone's UTC offset at an instant, and the instant (UTC) of its next change; all in µs."""
    if room[at.Z_ZONE] == zone and room[at.Z_SINCE] <= instant < room[at.Z_UNTIL]:
        return room[at.Z_OFFSET], room[at.Z_UNTIL]
    shift = 0
    if instant >= TABLE_END_US:
        shift = ((instant - TABLE_END_US) // CYCLE_US + 1) * CYCLE_US
    looked = instant - shift
    low, last = item(book, at.ZONES_AT, zone), item(book, at.ZONES_AT, zone + 1) - 1
    high = last
    while low < high:
        middle = (low + high + 1) >> 1
        if cell(book, at.MOVES, middle, at.M_SINCE) <= looked:
            low = middle
        else:
            high = middle - 1
    until = cell(book, at.MOVES, low + 1, at.M_SINCE) if low < last else TABLE_END_US
    room[at.Z_ZONE], room[at.Z_OFFSET] = zone, cell(book, at.MOVES, low, at.M_OFFSET)
    room[at.Z_SINCE], room[at.Z_UNTIL] = max(cell(book, at.MOVES, low, at.M_SINCE) + shift, shift - MAX), until + shift
    return room[at.Z_OFFSET], room[at.Z_UNTIL]


@compiled
def listed_day(book: Int64s, calendar: int, day: int) -> bool:
    """Say whether a calendar holds a day (since 1970)."""
    low, end = item(book, at.HOLIDAYS_AT, calendar), item(book, at.HOLIDAYS_AT, calendar + 1)
    high = end
    while low < high:
        middle = (low + high) >> 1
        if item(book, at.HOLIDAYS, middle) < day:
            low = middle + 1
        else:
            high = middle
    return low < end and item(book, at.HOLIDAYS, low) == day


@compiled
def band_holds(book: Int64s, band: int, local: int) -> bool:
    """Say whether a band holds at a local time (µs since 1970 on the local clock)."""
    row = row_at(book, at.BANDS, band)
    day = local // at.DAY_US
    clock = local - day * at.DAY_US
    start, end = book[row + at.B_START], book[row + at.B_END]
    if start <= end:
        if clock < start or clock >= end:
            return False
    elif end <= clock < start:
        return False
    listed = (book[row + at.B_DAYS] >> ((day + 3) % 7)) & 1 == 1  # 1970-01-01 was a Thursday
    out, extra = book[row + at.B_EXCEPT], book[row + at.B_ON]
    if listed and out >= 0 and listed_day(book, out, day):
        listed = False
    if not listed and extra >= 0 and listed_day(book, extra, day):
        listed = True
    return listed


@compiled
def next_change(book: Int64s, room: Int64s, zone: int, instant: int) -> int:
    """Return the next instant at which any band may begin or end: a band's time, midnight, a change of the clock."""
    offset, change = local_offset(book, room, zone, instant)
    local = instant + offset
    midnight = local - local % at.DAY_US
    later = midnight + at.DAY_US
    for place in range(rows_of(book, at.CLOCK)):
        if midnight + item(book, at.CLOCK, place) > local:
            later = midnight + item(book, at.CLOCK, place)
            break
    return min(later - offset, change)


@compiled
def from_place(book: Int64s, destination: int, target: int) -> int:
    """Return the place of a ``from`` target among those of the A-number's destination, or -1."""
    if destination < 0:
        return -1
    first, end = item(book, at.TARGETS_AT, destination), item(book, at.TARGETS_AT, destination + 1)
    for place in range(first, end):
        if item(book, at.TARGETS, place) == target:
            return place - first
    return -1


@compiled
def best_entry(book: Int64s, room: Int64s, entry: int, zone: int, instant: int) -> int:
    """Return where the winning entry of a block stands, or -1; sets F_BANDED where a band was looked at."""
    start, visited = room[at.V_START], room[at.V_VISITED]
    best, best_place = -1, MAX
    row = row_at(book, at.ENTRIES, entry)
    while True:
        flags = book[row + at.E_FLAGS]
        if best >= 0 and flags >> at.RANK_SHIFT != book[best + at.E_FLAGS] >> at.RANK_SHIFT:
            return best
        if book[row + at.E_SINCE] <= start < book[row + at.E_UNTIL]:
            wanted, band, place = book[row + at.E_ZONE], book[row + at.E_BAND], MAX - 1
            holds = (
                wanted == at.ANYWHERE
                or (wanted == at.HOME_ONLY and visited < 0)
                or (wanted >= 0 and visited >= 0 and member(book, at.IN_ZONE, visited, wanted))
            )
            if holds and book[row + at.E_FROM] >= 0:
                place = from_place(book, room[at.V_FROM], book[row + at.E_FROM])
                holds = place >= 0
            if holds and band >= 0:
                if room[at.F_BANDED] == 0:
                    room[at.F_BANDED] = 1
                    room[at.F_LOCAL] = instant + local_offset(book, room, zone, instant)[0]
                holds = band_holds(book, band, room[at.F_LOCAL])
            if holds and place < best_place:
                if flags & at.HAS_FROM == 0:
                    return row
                best, best_place = row, place
        if flags & at.LAST:
            return best
        row += ENTRY_WIDTH


@compiled
def find_rate(
    book: Int64s, wide: Int32s, room: Int64s, deviations: int, plist: int, instant: int, stack: int
) -> tuple[int, int]:
    """Return the absolute rate that decides, or -1, and how many adjustments lie on it.

    Bands are judged at ``instant`` on the clock of ``plist``, validity by the event's start. The adjustments go into
    the room from ``stack`` on, the nearest first.
    """
    here = deviations if deviations >= 0 else plist
    deviating = deviations >= 0
    count = 0
    room[at.F_BANDED] = 0
    while here >= 0:
        following = -1
        row = cell(book, at.ROWS, here, room[at.V_USE])
        if row >= 0:
            first = int(wide[row_at(book, at.FIRST, row) + room[at.V_TO]])
            owner = cell(book, at.ENTRIES, first, at.E_LIST) if first >= 0 else -1
            # A list that is laid before another gives only what is its own, not what its row repeats of a parent.
            if first >= 0 and (not deviating or owner == here):
                best = best_entry(book, room, first, cell(book, at.LISTS, plist, at.L_ZONE), instant)
                if best >= 0:
                    rate = book[best + at.E_RATE]
                    if book[best + at.E_FLAGS] & at.ADJUSTS == 0:
                        room[at.F_OWNER], room[at.F_BAND] = owner, book[best + at.E_BAND]
                        return rate, count
                    room[stack + count] = rate
                    count += 1
                following = cell(book, at.LISTS, owner, at.L_PARENT)
        if deviating:
            following = plist
            deviating = False
        here = following
    return -1, count
