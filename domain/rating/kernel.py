"""The kernel: one event on all its levels (rating semantics § 4 and § 5), compiled, over structs of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, added, percentage, proportion, rounded
from domain.rating.compiled import compiled
from domain.rating.layout import MAX, Actors, Bytes, Catalogue, Int16s, Int32s, Int64s
from domain.rating.lookup import band_holds, destination_of, find_rate, local_offset
from domain.rating.walking import LOST, WALKED, walk

DRAW_WIDTH = 4  # event, slot, ring or bucket, amount


class Level(NamedTuple):
    """What stays the same while one level of one event is priced."""

    slot: int
    kind: int  # bit of at.ON_*
    plist: int
    deviations: int
    party: int
    use: int
    unit: int
    mode: int
    direction: int
    b_to: int  # the last destination + 1 where there is none
    a_to: int
    visited: int
    start: int
    used: int
    offset: int
    counter: int  # of the party's volume counters on this level
    counters: int  # levels per ring's counter


class Scratch(NamedTuple):
    """Room for one level's work."""

    base: Int64s  # adjustments at the start
    stack: Int64s
    spare: Int64s
    banded: Int64s
    drawn: Int64s  # beside the party's buckets
    meets: Bytes  # beside the party's rings: its conditions but the volume
    holds: Bytes
    change: Int64s
    done: Bytes  # exclusive groups


class Held(NamedTuple):
    """What goes on from event to event: what buckets have left, what rings have counted."""

    left: Int64s
    volume: Int64s


class Sides(NamedTuple):
    """Rows of (event, slot, ring or bucket, amount), and how many of each are written."""

    shares: Int64s
    draws: Int64s
    counts: Int64s  # of shares, of draws


class Outcome(NamedTuple):
    """The struct of arrays that the kernel writes; two dimensions are (slot, event)."""

    destination: Int32s
    status: Bytes
    level_status: Bytes
    amount: Int64s  # micro-units
    billed: Int64s
    setup: Int64s  # nano-units
    plist: Int32s
    rate: Int32s
    band: Int32s
    currency: Int16s


class Arrivals(NamedTuple):
    """The struct of arrays that the kernel reads."""

    start: Int64s
    used: Int64s
    offset: Int64s
    mode: Int16s
    direction: Bytes
    party: Int32s
    a: Int64s
    b: Int64s
    trunk: Int32s
    visited: Int32s
    bad: Bytes


@compiled
def stroll(
    book: Catalogue,
    room: Scratch,
    level: Level,
    asked: tuple[int, int, int, int, int, bool],
    cover: int,
    skip: int,
    stop: int,
    limit: int,
) -> tuple[int, int, int, int]:
    """Walk with the adjustments that hold at the start, which a moving walk would otherwise overwrite.

    ``asked``: list, deviations, rate at the start, adjustments, whether a band was looked at, whether it moves.
    """
    plist, deviations, rate, count, banded, moving = asked
    for place in range(count):
        room.stack[place] = room.base[place]
    room.banded[0] = banded
    return walk(
        book, rate, count, room.stack, moving, deviations, plist, plist, level.use, level.b_to, level.a_to,
        level.visited, level.start, cover, skip, stop, limit, room.spare, room.banded,
    )  # fmt: skip


@compiled
def ask(
    book: Catalogue, room: Scratch, level: Level, plist: int, deviations: int
) -> tuple[int, int, int, int, int, bool]:
    """Ask a list for the rate at the event's start; the rate is -1 where there is none."""
    local = level.start
    if len(book.bands) > 0:
        offset, _ = local_offset(book, book.lists[plist, at.L_ZONE], level.start)
        local += offset
    room.banded[0] = 0
    rate, count = find_rate(
        book,
        deviations,
        plist,
        level.use,
        level.b_to,
        level.a_to,
        level.visited,
        level.start,
        local,
        room.base,
        room.banded,
    )
    banded = room.banded[0]
    moving = banded == 1 and level.unit == at.SECONDS and book.lists[plist, at.L_SPLIT] == 1
    return plist, deviations, rate, count, banded, moving


@compiled
def limited(book: Catalogue, rate: int, nano: int) -> int:
    """Raise to the minimum charge and lower to the maximum."""
    nano = max(nano, book.rates[rate, at.R_MIN])
    if book.rates[rate, at.R_MAX] >= 0 and nano > book.rates[rate, at.R_MAX]:
        nano = book.rates[rate, at.R_MAX]
    return nano


@compiled
def in_scope(actors: Actors, bucket: int, level: Level) -> bool:
    """Say whether a bucket may give to this event on this level (its unit apart)."""
    row = actors.buckets[bucket]
    return (
        row[at.K_LEVELS] & level.kind != 0
        and row[at.K_SINCE] <= level.start < row[at.K_UNTIL]
        and (row[at.K_DIRECTIONS] >> level.direction) & 1 == 1
        and (row[at.K_MODES] < 0 or actors.bucket_modes[row[at.K_MODES], level.mode] == 1)
        and (row[at.K_TO] < 0 or actors.bucket_to[row[at.K_TO], level.b_to] == 1)
        and (row[at.K_ZONES] < 0 or actors.bucket_zones[row[at.K_ZONES], level.visited + 1] == 1)
    )


@compiled
def ring_meets(book: Catalogue, ring: int, level: Level) -> bool:
    """Say whether a ring's conditions hold at the event's start (party, group and volume apart)."""
    row = book.rings[ring]
    if (
        row[at.G_LEVELS] & level.kind == 0
        or not row[at.G_SINCE] <= level.start < row[at.G_UNTIL]
        or (row[at.G_MODES] >= 0 and book.mode_sets[row[at.G_MODES], level.mode] == 0)
        or (row[at.G_TO] >= 0 and book.to_sets[row[at.G_TO], level.b_to] == 0)
        or (row[at.G_ZONES] >= 0 and book.zone_sets[row[at.G_ZONES], level.visited + 1] == 0)
    ):
        return False
    if row[at.G_BAND] < 0:
        return True
    offset, _ = local_offset(book, book.lists[level.plist, at.L_ZONE], level.start)
    return band_holds(book, row[at.G_BAND], level.start + offset)


@compiled
def ring_leaves(
    book: Catalogue, room: Scratch, level: Level, ring: int, left: int, charged: int, before: int, skip: int, grace: int
) -> int:
    """Return what a ring leaves of an amount, or OVER. ``skip``: units in front that buckets took, 0 where none."""
    row = book.rings[ring]
    kind, value = row[at.G_KIND], row[at.G_VALUE]
    made = left
    if kind == at.BY_PERCENT:
        made = added(left, percentage(left, value))
    elif kind == at.BY_EVENT:
        if before == 0:
            made = added(left, value)
    elif kind == at.BY_MINUTE:
        if level.unit == at.SECONDS:
            made = added(left, proportion(value, charged, 60))
    else:
        rate = row[at.G_RATE]
        asked = (-1, -1, rate, 0, 0, False)
        front, front_nano = 0, 0
        if level.offset > grace:
            outcome, front, front_nano, _ = stroll(book, room, level, asked, level.offset, 0, MAX, 0)
            if outcome != WALKED or front_nano == OVER:
                return OVER
        if skip > 0:
            skip += front
            front_nano = 0
        outcome, _, made, _ = stroll(book, room, level, asked, level.offset + level.used, skip, MAX, 0)
        if outcome != WALKED:
            return OVER
        made = added(made, book.rates[rate, at.R_SETUP])
        if made != OVER and before > 0:
            made -= front_nano + book.rates[rate, at.R_SETUP]
    if made != OVER and made < 0:
        made = 0
    return made


@compiled
def apply_rings(
    book: Catalogue,
    actors: Actors,
    room: Scratch,
    level: Level,
    left: int,
    charged: int,
    before: int,
    skip: int,
    grace: int,
) -> tuple[int, int]:
    """Apply the rings that hold, in order; returns what is left (or OVER) and the last that changed anything.

    ``room.change`` receives each ring's change in nano-units.
    """
    first, end = actors.parties[level.party, at.P_RINGS], actors.parties[level.party, at.P_RINGS_END]
    last = -1
    for group in range(len(room.done)):
        room.done[group] = 0
    for place in range(first, end):
        room.change[place - first] = 0
    for place in range(first, end):
        ring = actors.party_rings[place]
        if room.holds[place - first] == 0:
            continue
        winner = place
        group = book.rings[ring, at.G_GROUP]
        if group >= 0 and room.done[group] == 1:
            continue
        made = ring_leaves(book, room, level, ring, left, charged, before, skip, grace)
        if group >= 0:
            room.done[group] = 1
            for rival in range(place + 1, end):
                other = actors.party_rings[rival]
                if room.holds[rival - first] == 1 and book.rings[other, at.G_GROUP] == group:
                    tried = ring_leaves(book, room, level, other, left, charged, before, skip, grace)
                    if tried != OVER and (made == OVER or tried < made):
                        made, winner = tried, rival
        if made == OVER:
            return OVER, -1
        if made != left:
            room.change[winner - first] = made - left
            last = winner - first
        left = made
    return left, last


@compiled
def judge_rings(book: Catalogue, actors: Actors, volume: Int64s, room: Scratch, level: Level) -> None:
    """Decide for each of the party's rings whether its conditions hold, and whether its volume is reached."""
    party = actors.parties[level.party]
    for place in range(party[at.P_RINGS], party[at.P_RINGS_END]):
        ring, here = actors.party_rings[place], place - party[at.P_RINGS]
        meets = ring_meets(book, ring, level)
        room.meets[here] = meets
        counter = actors.ring_volume[place]
        if meets and counter >= 0:
            count = volume[party[at.P_VOLUME] + counter * level.counters + level.counter]
            room.holds[here] = count >= book.rings[ring, at.G_VOLUME]
        else:
            room.holds[here] = meets


@compiled
def count_volume(
    book: Catalogue, actors: Actors, volume: Int64s, room: Scratch, level: Level, amount: int, billed: int, before: int
) -> None:
    """Add a priced event to the counters of the rings whose other conditions it meets.

    As an event counts the part in which billing begins, so that a call in parts counts once.
    """
    party = actors.parties[level.party]
    for place in range(party[at.P_RINGS], party[at.P_RINGS_END]):
        counter = actors.ring_volume[place]
        if counter < 0 or room.meets[place - party[at.P_RINGS]] == 0:
            continue
        unit = book.rings[actors.party_rings[place], at.G_UNIT]
        more = 1 if before == 0 else 0
        if unit == at.BY_AMOUNT:
            more = amount
        elif unit == at.BY_UNITS:
            more = billed
        cell = party[at.P_VOLUME] + counter * level.counters + level.counter
        volume[cell] = MAX if volume[cell] > MAX - more else volume[cell] + more


@compiled
def draw_units(
    book: Catalogue, actors: Actors, left: Int64s, room: Scratch, level: Level,
    asked: tuple[int, int, int, int, int, bool], before: int, billed: int,
) -> int:  # fmt: skip
    """Let the unit buckets give in their order; returns the units taken. ``room.drawn`` holds each one's part."""
    party = actors.parties[level.party]
    taken = 0
    for place in range(party[at.P_BUCKETS]):
        bucket = actors.party_buckets[party[at.P_BUCKET] + place]
        room.drawn[place] = 0
        rest = billed - before - taken
        if rest == 0 or actors.buckets[bucket, at.K_UNIT] != level.unit or not in_scope(actors, bucket, level):
            continue
        given = min(rest, left[bucket])
        if given < rest and given > 0 and actors.buckets[bucket, at.K_SPLIT] == 1:
            reach = before + taken + given
            _, _, _, boundary = stroll(book, room, level, asked, level.offset + level.used, MAX, MAX, reach)
            given = max(boundary - before - taken, 0)
        room.drawn[place] = given
        taken += given
    return taken


@compiled
def overage_list(actors: Actors, level: Level) -> int:
    """Return the list that stands in when the units are gone: of the first bucket in scope that names one; -1 none."""
    party = actors.parties[level.party]
    for place in range(party[at.P_BUCKETS]):
        bucket = actors.party_buckets[party[at.P_BUCKET] + place]
        row = actors.buckets[bucket]
        if row[at.K_UNIT] == level.unit and row[at.K_OVERAGE] >= 0 and in_scope(actors, bucket, level):
            return row[at.K_OVERAGE]
    return -1


@compiled
def serves(actors: Actors, level: Level) -> bool:
    """Say whether any unit bucket of the party has this event in its scope."""
    party = actors.parties[level.party]
    for place in range(party[at.P_BUCKETS]):
        bucket = actors.party_buckets[party[at.P_BUCKET] + place]
        if actors.buckets[bucket, at.K_UNIT] == level.unit and in_scope(actors, bucket, level):
            return True
    return False


@compiled
def nothing(status: int) -> tuple[int, int, int, int, int, int, int, int, int]:
    """Return an outcome without an amount."""
    return status, -1, -1, 0, 0, 0, 0, 0, 0


@compiled
def naming(book: Catalogue, room: Scratch, asked: tuple[int, int, int, int, int, bool]) -> tuple[int, int]:
    """Return the nearest rate, adjusting or not, and its band or, if none, that of what it adjusts; -1 none."""
    for place in range(asked[3]):
        band = book.rates[room.base[place], at.R_BAND]
        if band >= 0:
            return room.base[0], band
    return room.base[0] if asked[3] > 0 else asked[2], book.rates[asked[2], at.R_BAND]


@compiled
def charge_level(
    book: Catalogue, actors: Actors, left: Int64s, room: Scratch, level: Level
) -> tuple[int, int, int, int, int, int, int, int, int]:
    """Price one level before rings.

    Returns (status, nearest rate, band, own billed units, units taken from buckets, units billed before this part,
    setup in the charge, charge in nano-units, grace).
    """
    asked = ask(book, room, level, level.plist, level.deviations)
    if asked[2] < 0:
        return nothing(at.NO_RATE)
    if level.used > MAX - level.offset:
        return nothing(at.OVERFLOW)
    total = level.used + level.offset
    served = serves(actors, level)
    replaced = False
    while True:
        rate = asked[2]
        nearest, band = naming(book, room, asked)
        grace, setup = book.rates[rate, at.R_GRACE], book.rates[rate, at.R_SETUP]
        if level.used == 0 or total <= grace:
            return at.PRICED, nearest, band, 0, 0, 0, 0, 0, grace
        before, before_nano = 0, 0
        if level.offset > grace:
            outcome, before, before_nano, _ = stroll(book, room, level, asked, level.offset, 0, MAX, 0)
            if outcome != WALKED:
                return nothing(at.NO_RATE if outcome == LOST else at.OVERFLOW)
        outcome, billed, nano, _ = stroll(book, room, level, asked, total, MAX if served else 0, MAX, 0)
        if outcome != WALKED:
            return nothing(at.NO_RATE if outcome == LOST else at.OVERFLOW)
        taken = 0
        if served and billed > before:
            taken = draw_units(book, actors, left, room, level, asked, before, billed)
            if taken == billed - before:
                return at.PRICED, nearest, band, taken, taken, before, 0, 0, grace
            instead = overage_list(actors, level)
            if taken == 0 and instead >= 0 and not replaced:
                asked = ask(book, room, level, instead, -1)
                if asked[2] < 0:
                    return nothing(at.NO_RATE)
                served, replaced = False, True
                continue
            if taken > 0 and instead >= 0:
                asked = ask(book, room, level, instead, -1)
                if asked[2] < 0:
                    return nothing(at.NO_RATE)
                outcome, _, nano, _ = stroll(book, room, level, asked, billed, before + taken, billed, 0)
            else:
                outcome, _, nano, _ = stroll(
                    book, room, level, asked, total, before + taken if taken > 0 else 0, MAX, 0
                )
            if outcome != WALKED:
                return nothing(at.NO_RATE if outcome == LOST else at.OVERFLOW)
            if taken > 0:
                nano = added(nano, before_nano)
        elif billed == before:
            return at.PRICED, nearest, band, 0, 0, before, 0, 0, grace
        nano = added(nano, setup)
        if nano == OVER or before_nano == OVER:  # noqa: PLR1714  (a tuple would be built for every event)
            return nothing(at.OVERFLOW)
        charge = limited(book, rate, nano)
        if before > 0:
            charge -= limited(book, rate, added(before_nano, setup))
            setup = 0
        return at.PRICED, nearest, band, billed - before, taken, before, setup, charge, grace


@compiled
def share_out(
    book: Catalogue, actors: Actors, room: Scratch, level: Level, event: int, remainder: int, last: int, sides: Sides
) -> None:
    """Write each ring's share of a rounded amount; the last takes the remainder. Shares of 0 are not kept."""
    plist = book.lists[level.plist]
    first, end = actors.parties[level.party, at.P_RINGS], actors.parties[level.party, at.P_RINGS_END]
    for place in range(end - first):
        if place != last and room.change[place] != 0:
            share = rounded(room.change[place], plist[at.L_DECIMALS], plist[at.L_MODE])
            remainder -= share
            write(sides.shares, sides.counts, 0, event, level.slot, actors.party_rings[first + place], share)
    write(sides.shares, sides.counts, 0, event, level.slot, actors.party_rings[first + last], remainder)


@compiled
def write(rows: Int64s, counts: Int64s, which: int, event: int, slot: int, what: int, amount: int) -> None:
    """Append a row to the shares (0) or the draws (1), unless its amount is 0."""
    if amount != 0:
        row = counts[which]
        rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3] = event, slot, what, amount
        counts[which] = row + 1


@compiled
def draw_money(
    book: Catalogue, actors: Actors, left: Int64s, level: Level, event: int, amount: int, sides: Sides
) -> int:
    """Let the money buckets pay a rounded amount in their order; returns what remains."""
    party = actors.parties[level.party]
    currency = book.lists[level.plist, at.L_CURRENCY]
    for place in range(party[at.P_BUCKETS]):
        bucket = actors.party_buckets[party[at.P_BUCKET] + place]
        row = actors.buckets[bucket]
        if amount == 0 or row[at.K_UNIT] != at.MONEY or left[bucket] == 0 or not in_scope(actors, bucket, level):
            continue
        own = row[at.K_CURRENCY]
        if own == at.PARTY_CURRENCY and party[at.P_RETAIL] >= 0:
            own = book.lists[party[at.P_RETAIL], at.L_CURRENCY]
        if own == currency:
            paid = min(amount, left[bucket])
            left[bucket] -= paid
            amount -= paid
            write(sides.draws, sides.counts, 1, event, level.slot, bucket, paid)
    return amount


@compiled
def price_level(
    book: Catalogue, actors: Actors, held: Held, room: Scratch, level: Level, event: int, out: Outcome, sides: Sides
) -> None:
    """Price one level of one event and write it."""
    slot, party, plist = level.slot, actors.parties[level.party], book.lists[level.plist]
    out.currency[slot, event] = plist[at.L_CURRENCY]
    ringed = party[at.P_RINGS_END] > party[at.P_RINGS]
    status, rate, band, billed, taken, before, setup, charge, grace = charge_level(book, actors, held.left, room, level)
    final, last = charge, -1
    if status == at.PRICED and ringed:
        judge_rings(book, actors, held.volume, room, level)
        if billed > taken:
            final, last = apply_rings(book, actors, room, level, charge, billed - taken, before, taken, grace)
            if final == OVER:
                status = at.OVERFLOW
    out.level_status[slot, event] = status
    if status != at.PRICED:
        return
    amount = rounded(final, plist[at.L_DECIMALS], plist[at.L_MODE])
    if last >= 0:
        remainder = amount - rounded(charge, plist[at.L_DECIMALS], plist[at.L_MODE])
        share_out(book, actors, room, level, event, remainder, last, sides)
    if taken > 0:
        for place in range(party[at.P_BUCKETS]):
            bucket = actors.party_buckets[party[at.P_BUCKET] + place]
            held.left[bucket] -= room.drawn[place]
            write(sides.draws, sides.counts, 1, event, slot, bucket, room.drawn[place])
    if party[at.P_BUCKETS] > 0:
        amount = draw_money(book, actors, held.left, level, event, amount, sides)
    if billed > 0 and ringed:
        count_volume(book, actors, held.volume, room, level, amount, billed, before)
    out.amount[slot, event], out.billed[slot, event], out.setup[slot, event] = amount, billed, setup
    out.plist[slot, event], out.rate[slot, event], out.band[slot, event] = book.rates[rate, at.R_LIST], rate, band


@compiled
def level_list(actors: Actors, party: Int64s, slot: int, slots: int, trunk: int) -> tuple[int, int, int, int, int]:
    """Return (list, deviations, level bit, counter, status) of a slot; no list is -1, with the status that follows."""
    tiers = party[at.P_TIERS]
    if slot == 0:
        return party[at.P_RETAIL], party[at.P_DEVIATIONS], at.ON_RETAIL, 0, at.ABSENT
    if slot <= tiers:
        return int(actors.tiers[party[at.P_TIER] + slot - 1]), -1, at.ON_WHOLESALE, slot, at.ABSENT
    if slot < slots - 1:
        return -1, -1, at.ON_WHOLESALE, slot, at.ABSENT
    plist, status = party[at.P_COST], at.ABSENT
    if plist < 0 and trunk >= 0:
        plist, status = int(actors.trunk_cost[trunk]), at.NO_RATE
    return plist, -1, at.ON_COST, tiers + 1, status


@compiled
def rate_event(
    book: Catalogue, actors: Actors, held: Held, room: Scratch, events: Arrivals, event: int, out: Outcome, sides: Sides
) -> None:
    """Rate one event on all its levels: retail, the wholesale tiers outermost first, cost."""
    number, mode, start = int(events.party[event]), int(events.mode[event]), events.start[event]
    if events.bad[event] != 0:
        out.status[event] = at.BAD_EVENT
        return
    if number < 0:
        out.status[event] = at.NO_PARTY
        return
    b_to = destination_of(book, events.b[event], start)
    unit = at.SECONDS if mode < 0 else book.mode_unit[mode]
    if b_to < 0 and unit != at.KB:
        out.status[event] = at.NO_DESTINATION
        return
    out.destination[event] = b_to
    a_to = destination_of(book, events.a[event], start) if book.asks_a[0] == 1 else -1
    if b_to < 0:
        b_to = len(book.targets_at) - 1
    direction, visited, trunk = int(events.direction[event]), int(events.visited[event]), int(events.trunk[event])
    party, slots = actors.parties[number], len(out.amount)
    for slot in range(slots):
        plist, deviations, kind, counter, status = level_list(actors, party, slot, slots, trunk)
        if plist >= 0 and mode >= 0:
            level = Level(
                slot, kind, plist, deviations, number, 2 * mode + direction, unit, mode, direction, b_to, a_to, visited,
                start, events.used[event], events.offset[event], counter, party[at.P_TIERS] + 2,
            )  # fmt: skip
            price_level(book, actors, held, room, level, event, out, sides)
        else:
            out.level_status[slot, event] = at.NO_RATE if plist >= 0 else status


@compiled
def grown(rows: Int64s, count: int, more: int) -> Int64s:
    """Return the rows with room for ``more``."""
    if count + more <= len(rows):
        return rows
    made = np.empty((2 * len(rows) + more, DRAW_WIDTH), np.int64)
    made[:count] = rows[:count]
    return made


@compiled
def rate_all(
    catalogue: tuple[Any, ...],
    acting: tuple[Any, ...],
    arriving: tuple[Any, ...],
    order: Int64s,
    left: Int64s,
    volume: Int64s,
    outcome: tuple[Any, ...],
    rings_max: int,
    buckets_max: int,
) -> tuple[Int64s, Int64s]:
    """Rate events (in ``order``, if any) into ``outcome``; returns the ring shares and bucket draws."""
    book, actors, events, out = Catalogue(*catalogue), Actors(*acting), Arrivals(*arriving), Outcome(*outcome)
    held, deep = Held(left, volume), len(book.lists) + 1
    room = Scratch(
        np.zeros(deep, np.int64), np.zeros(deep, np.int64), np.zeros(deep, np.int64), np.zeros(1, np.int64),
        np.zeros(buckets_max, np.int64), np.zeros(rings_max, np.uint8), np.zeros(rings_max, np.uint8),
        np.zeros(rings_max, np.int64), np.zeros(len(book.rings), np.uint8),
    )  # fmt: skip
    # One event writes at most a share per ring, and a draw per bucket, on each of its levels.
    shares_max, draws_max = len(out.amount) * rings_max, len(out.amount) * buckets_max
    shares, draws = np.empty((shares_max, DRAW_WIDTH), np.int64), np.empty((draws_max, DRAW_WIDTH), np.int64)
    counts = np.zeros(2, np.int64)
    for turn in range(len(events.start)):
        event = order[turn] if len(order) > 0 else turn
        shares, draws = grown(shares, counts[0], shares_max), grown(draws, counts[1], draws_max)
        rate_event(book, actors, held, room, events, event, out, Sides(shares, draws, counts))
    return shares[: counts[0]].copy(), draws[: counts[1]].copy()
