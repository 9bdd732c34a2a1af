"""Bringing a later event's prices into the cache while the present one is rated, compiled.

With a large catalogue each level waits for three cells, one after the other, of which none is in the cache: the party,
its list's choice, the option. Each of them is asked for a few events ahead, and is there when it is needed.
"""

from __future__ import annotations

from domain.rating import layout as at
from domain.rating.compiled import compiled, prefetch
from domain.rating.layout import UNDECIDED, Bytes, Int32s, Int64s, cell, row_at, rows_of
from domain.rating.plainly import list_of

PARTY_AHEAD, CHOICE_AHEAD, OPTION_AHEAD = 15, 10, 5  # events


@compiled
def fetch_ahead(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    slots: int,
    slot: int,
    stage: int,
    party: int,
    use: int,
    trunk: int,
    to: int,
) -> None:
    """Ask for what a level needs next: its list's choice (CHOICE_AHEAD), and then the option that it leads to."""
    if to < 0:
        to = rows_of(book, at.TARGETS_AT) - 1
    plist, _, _ = list_of(actors, row_at(actors, at.PARTIES, party), slot, slots, trunk)
    row = cell(book, at.ROWS, plist, use)
    if row < 0:
        return
    place = row_at(book, at.CHOICE, row) + to
    if stage == CHOICE_AHEAD:
        prefetch(wide, place)
    elif wide[place] >= 0:
        prefetch(book, row_at(book, at.OPTIONS, int(wide[place])))
    else:
        prefetch(wide, row_at(book, at.FIRST, row) + to)


@compiled
def look_ahead(
    book: Int64s,
    wide: Int32s,
    actors: Int64s,
    slots: int,
    count: int,
    end: int,
    order: Int64s,
    ordered: bool,
    codes: Int32s,
    destinations: Int32s,
    statuses: Bytes,
    turn: int,
) -> None:
    """Ask for the cells of the events between a later one and ``turn``, where they are undecided.

    ``codes`` are the cells of the kernel's rows of ``count`` events; ``end`` is behind the last turn.
    """
    for stage in (PARTY_AHEAD, CHOICE_AHEAD, OPTION_AHEAD):
        later = turn + stage
        if later < 0 or later >= end:
            continue
        event = order[later] if ordered else later
        if statuses[0, event] != UNDECIDED:
            continue
        party, mode = int(codes[2 * count + event]), int(codes[event])
        if stage == PARTY_AHEAD:
            prefetch(actors, row_at(actors, at.PARTIES, party))
            continue
        use, trunk = 2 * mode + int(codes[count + event]), int(codes[3 * count + event])
        for slot in range(slots):
            if statuses[1 + slot, event] == UNDECIDED:
                fetch_ahead(book, wide, actors, slots, slot, stage, party, use, trunk, int(destinations[event]))
