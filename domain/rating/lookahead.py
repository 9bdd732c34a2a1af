"""Bringing a later event's prices into the cache while the present one is rated, compiled.

With a large catalogue each level waits for four cells, one after the other, of which none is in the cache: the row of
its list, the entry, the rate, the party. Each of them is asked for a few events ahead, and is there when it is needed.
"""

from __future__ import annotations

from domain.rating import layout as at
from domain.rating.compiled import compiled, prefetch
from domain.rating.layout import Int32s, Int64s, cell, item, row_at, rows_of
from domain.rating.lookup import destination_of

PARTY_AHEAD, ROW_AHEAD, ENTRY_AHEAD, RATE_AHEAD = 16, 12, 8, 4  # events


@compiled
def slot_row(book: Int64s, actors: Int64s, party: int, slot: int, slots: int, trunk: int, use: int) -> int:
    """Return the row of the list of a slot for a mode and direction, or -1."""
    row = row_at(actors, at.PARTIES, party)
    plist = -1
    if slot == 0:
        plist = actors[row + at.P_RETAIL]
    elif slot <= actors[row + at.P_TIERS]:
        plist = item(actors, at.TIERS, actors[row + at.P_TIER] + slot - 1)
    elif slot == slots - 1:
        plist = actors[row + at.P_COST]
        if plist < 0 and trunk >= 0:
            plist = item(actors, at.TRUNKS, trunk)
    return cell(book, at.ROWS, plist, use) if plist >= 0 else -1


@compiled
def fetch_ahead(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    slots: int,
    stage: int,
    party: int,
    use: int,
    trunk: int,
    to: int,
) -> None:
    """Ask for what one event needs next: its list's rows (ROW_AHEAD), their entries, or the entries' rates."""
    if to < 0:
        to = rows_of(book, at.TARGETS_AT) - 1
    for slot in range(slots):
        row = slot_row(book, actors, party, slot, slots, trunk, use)
        if row < 0:
            continue
        place = row_at(book, at.FIRST, row) + to
        if stage == ROW_AHEAD:
            prefetch(wide, place)
            continue
        first = int(wide[place])
        if first < 0:
            continue
        if stage == ENTRY_AHEAD:
            prefetch(book, row_at(book, at.ENTRIES, first))
        else:
            prefetch(book, row_at(book, at.RATES, cell(book, at.ENTRIES, first, at.E_RATE)))


@compiled
def look_ahead(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    slots: int,
    count: int,
    order: Int64s,
    ordered: bool,
    numbers: Int64s,
    codes: Int32s,
    destinations: Int32s,
    turn: int,
) -> None:
    """Find the destination of a later event, and ask for the cells of those between it and ``turn``.

    ``numbers`` and ``codes`` are the cells of the kernel's rows of ``count`` events.
    """
    for stage in (PARTY_AHEAD, ROW_AHEAD, ENTRY_AHEAD, RATE_AHEAD):
        later = turn + stage
        if later < 0 or later >= count:
            continue
        event = order[later] if ordered else later
        party, mode = int(codes[2 * count + event]), int(codes[event])
        if party < 0 or codes[5 * count + event] != 0:
            continue
        if stage == PARTY_AHEAD:
            prefetch(actors, row_at(actors, at.PARTIES, party))
            continue
        if stage == ROW_AHEAD:
            destinations[event] = destination_of(book, wide, numbers[4 * count + event], numbers[event])
        if mode >= 0:
            use, trunk = 2 * mode + int(codes[count + event]), int(codes[3 * count + event])
            fetch_ahead(book, wide, actors, slots, stage, party, use, trunk, int(destinations[event]))
