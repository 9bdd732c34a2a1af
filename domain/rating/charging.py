"""The charge of one level before rings, and what buckets of units give (rating semantics § 2, § 5, § 6), compiled."""

from __future__ import annotations

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, added, quotient
from domain.rating.compiled import compiled
from domain.rating.layout import LEFT, MAX, NOTHING, UNDECIDED, Int32s, Int64s, cell, item, member, row_at
from domain.rating.options import LOW, UNITS_END, holding, limited, option_charge, still_holds
from domain.rating.walking import LOST, WALKED, adjusted, ask, segment, walk


@compiled
def in_scope(actors: Int64s, room: Int64s, bucket: int) -> bool:
    """Say whether a bucket may give to this event on this level (its unit apart)."""
    row = row_at(actors, at.BUCKETS, bucket)
    return (
        actors[row + at.K_LEVELS] & room[at.V_KIND] != 0
        and actors[row + at.K_SINCE] <= room[at.V_START] < actors[row + at.K_UNTIL]
        and (actors[row + at.K_DIRECTIONS] >> room[at.V_DIRECTION]) & 1 == 1
        and member(actors, at.BUCKET_MODES, actors[row + at.K_MODES], room[at.V_MODE])
        and member(actors, at.BUCKET_TO, actors[row + at.K_TO], room[at.V_TO])
        and member(actors, at.BUCKET_ZONES, actors[row + at.K_ZONES], room[at.V_VISITED] + 1)
    )


@compiled
def bucket_at(actors: Int64s, room: Int64s, place: int) -> int:
    """Return the party's bucket at a place of its draw order."""
    return item(actors, at.PARTY_BUCKETS, cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKET) + place)


@compiled
def cap_at(actors: Int64s, room: Int64s, place: int) -> int:
    """Return the cell of what the party may still take of the bucket at a place of its draw order; -1 not limited."""
    return item(actors, at.PARTY_CAPS, cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKET) + place)


@compiled
def available(actors: Int64s, left: Int64s, room: Int64s, place: int) -> int:
    """Return what the bucket at a place of the party's draw order may still give to the party."""
    bucket, cap = bucket_at(actors, room, place), cap_at(actors, room, place)
    return left[bucket] if cap < 0 else min(left[bucket], left[cap])


@compiled
def take(actors: Int64s, left: Int64s, room: Int64s, place: int, amount: int) -> None:
    """Take from the bucket at a place, and from what the party may take of it."""
    left[bucket_at(actors, room, place)] -= amount
    cap = cap_at(actors, room, place)
    if cap >= 0:
        left[cap] -= amount


@compiled
def serves(actors: Int64s, room: Int64s, bucket: int) -> bool:
    """Say whether a bucket is of the event's unit and has the event in its scope."""
    return cell(actors, at.BUCKETS, bucket, at.K_UNIT) == room[at.V_UNIT] and in_scope(actors, room, bucket)


@compiled
def served(actors: Int64s, room: Int64s) -> bool:
    """Say whether any bucket of units of the party serves this event on this level."""
    for place in range(cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKETS)):
        if serves(actors, room, bucket_at(actors, room, place)):
            return True
    return False


@compiled
def overage_list(actors: Int64s, room: Int64s) -> int:
    """Return the list that stands in when the units are gone: of the first bucket in scope that names one; -1 none."""
    for place in range(cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKETS)):
        bucket = bucket_at(actors, room, place)
        overage = cell(actors, at.BUCKETS, bucket, at.K_OVERAGE)
        if overage >= 0 and serves(actors, room, bucket):
            return overage
    return -1


@compiled
def draw_units(book: Int64s, wide: Int32s, actors: Int64s, left: Int64s, room: Int64s, before: int, billed: int) -> int:
    """Let the buckets of units give in their order; returns the units taken. The room holds each one's part."""
    taken = 0
    for place in range(cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKETS)):
        bucket = bucket_at(actors, room, place)
        room[room[at.O_DRAWN] + place] = 0
        rest = billed - before - taken
        most = available(actors, left, room, place)
        if rest == 0 or most == 0 or not serves(actors, room, bucket):
            continue
        given = min(rest, most)
        if given < rest and cell(actors, at.BUCKETS, bucket, at.K_SPLIT) == 1:
            cover = room[at.V_OFFSET] + room[at.V_USED]
            _, _, _, boundary = walk(book, wide, room, at.ASKED, cover, MAX, MAX, before + taken + given)
            given = max(boundary - before - taken, 0)
        room[room[at.O_DRAWN] + place] = given
        taken += given
    return taken


@compiled
def take_rate(book: Int64s, room: Int64s) -> int:
    """Keep the nearest rate, and its band or, where it has none, that of what it adjusts; returns the absolute rate."""
    rate = room[at.ASKED + at.A_RATE]
    room[at.X_RATE], room[at.X_OWNER], room[at.X_BAND] = rate, room[at.F_OWNER], room[at.F_BAND]
    for place in range(room[at.ASKED + at.A_COUNT] - 1, -1, -1):
        adjusting = room[room[at.O_BASE] + place]
        room[at.X_RATE], room[at.X_OWNER] = adjusting, cell(book, at.RATES, adjusting, at.R_LIST)
        if cell(book, at.RATES, adjusting, at.R_BAND) >= 0:
            room[at.X_BAND] = cell(book, at.RATES, adjusting, at.R_BAND)
    row = row_at(book, at.RATES, rate)
    room[at.X_GRACE] = 0 if book[row + at.R_SPECIAL] == 0 else book[row + at.R_GRACE]
    return rate


@compiled
def failed(outcome: int) -> int:
    """Return the level status of a walk that did not get through."""
    return at.NO_RATE if outcome == LOST else at.OVERFLOW


@compiled
def charge_level(book: Int64s, wide: Int32s, actors: Int64s, left: Int64s, room: Int64s) -> int:
    """Price one level before rings; returns its status, the rest is in the room's X_*."""
    for place in range(at.X_RATE, at.X_AMOUNT + 1):
        room[place] = 0
    bucketed = cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKET_LEVELS) & room[at.V_KIND] != 0
    bucketed = bucketed and served(actors, room)
    if room[at.V_OFFSET] == 0 and room[at.V_VISITED] < 0 and room[at.V_USED] < UNITS_END and room[at.V_DEVIATIONS] < 0:
        status = charge_option(book, wide, actors, left, room, bucketed)
        if status != UNDECIDED:
            return status
    if not ask(book, wide, room, room[at.V_LIST], room[at.V_DEVIATIONS]):
        return at.NO_RATE
    if room[at.V_USED] > MAX - room[at.V_OFFSET]:
        return at.OVERFLOW
    if not bucketed:
        return charge_list(book, wide, room, take_rate(book, room))
    return charge_served(book, wide, actors, left, room)


@compiled
def charge_option(book: Int64s, wide: Int32s, actors: Int64s, left: Int64s, room: Int64s, bucketed: bool) -> int:
    """Charge an event by an option of its list, as most can be; UNDECIDED where the list must be asked and walked."""
    line, use, used = (
        row_at(book, at.LISTS, room[at.V_LIST]),
        cell(book, at.ROWS, room[at.V_LIST], room[at.V_USE]),
        room[at.V_USED],
    )
    if use < 0:
        return at.NO_RATE
    chosen = int(wide[row_at(book, at.CHOICE, use) + room[at.V_TO]])
    row, banded = holding(book, room, chosen, book[line + at.L_ZONE], room[at.V_START])
    if row == NOTHING:
        return at.NO_RATE
    if row == LEFT:
        return UNDECIDED
    moving = banded and used > 0 and room[at.V_UNIT] == at.SECONDS and book[line + at.L_SPLIT] == 1
    if moving and not still_holds(book, room, book[line + at.L_ZONE], room[at.V_START], used):
        return UNDECIDED
    billed, setup, nano = option_charge(book, row, used)
    if billed < 0:
        return UNDECIDED
    taken = 0
    if bucketed and billed > 0:
        taken = quick_units(actors, left, room, billed)
        if taken < 0:
            return UNDECIDED
    names = book[row + at.OPT_RATE]
    room[at.X_RATE], room[at.X_OWNER] = names & LOW, (names >> 32) & 0xFFFFFF
    room[at.X_BAND] = (book[row + at.OPT_REST] >> 48) - 1
    if (names >> 56) & at.IS_SPECIAL != 0:
        room[at.X_GRACE] = cell(book, at.RATES, names & LOW, at.R_GRACE)
    room[at.X_BILLED], room[at.X_TAKEN] = billed, taken
    if taken == 0:
        room[at.X_SETUP], room[at.X_CHARGE] = setup, nano
    return at.PRICED


@compiled
def quick_units(actors: Int64s, left: Int64s, room: Int64s, billed: int) -> int:
    """Let one bucket of units give all that is billed, or none anything; returns the units taken.

    -1 where it is not as simple: the room then holds nothing of it.
    """
    taken = 0
    for place in range(cell(actors, at.PARTIES, room[at.V_PARTY], at.P_BUCKETS)):
        bucket = bucket_at(actors, room, place)
        room[room[at.O_DRAWN] + place] = 0
        most = available(actors, left, room, place)
        if taken == 0 and most > 0 and serves(actors, room, bucket):
            if most < billed:
                return -1
            room[room[at.O_DRAWN] + place] = billed
            taken = billed
    return -1 if taken == 0 and overage_list(actors, room) >= 0 else taken


@compiled
def walk_before(book: Int64s, wide: Int32s, room: Int64s) -> tuple[int, int]:
    """Walk the units that earlier parts of the call have rated, into X_BEFORE; returns (outcome, nano-units)."""
    room[at.X_BEFORE] = 0
    if room[at.V_OFFSET] <= room[at.X_GRACE]:
        return WALKED, 0
    outcome, before, nano, _ = walk(book, wide, room, at.ASKED, room[at.V_OFFSET], 0, MAX, 0)
    room[at.X_BEFORE] = before
    return outcome, nano


@compiled
def settle(book: Int64s, room: Int64s, rate: int, nano: int, before_nano: int) -> int:
    """Make the charge of this part from the whole call's nano-units so far: C(end) less C(offset)."""
    setup = cell(book, at.RATES, rate, at.R_SETUP)
    nano = added(nano, setup)
    if nano == OVER or before_nano == OVER:  # noqa: PLR1714  (a tuple would be built for every event)
        return at.OVERFLOW
    room[at.X_CHARGE], room[at.X_SETUP] = limited(book, rate, nano), setup
    if room[at.X_BEFORE] > 0:
        room[at.X_CHARGE] -= limited(book, rate, added(before_nano, setup))
        room[at.X_SETUP] = 0
    return at.PRICED


@compiled
def charge_plainly(book: Int64s, room: Int64s, rate: int, used: int) -> int:
    """Charge a whole event of one step and one band, which most are: one division instead of a walk."""
    row, count = row_at(book, at.RATES, rate), room[at.ASKED + at.A_COUNT]
    billed, following = book[row + at.R_FIRST], book[row + at.R_NEXT]
    if used > billed:
        times = quotient(used - billed - 1, following) + 1
        if following > MAX - (1 << 41) and times > (MAX - billed) // following:
            return at.OVERFLOW
        billed += times * following
    price = book[row + at.R_PRICE]
    if count > 0:
        for place in range(count):
            room[room[at.O_STACK] + place] = room[room[at.O_BASE] + place]
        price = adjusted(book, room, price, count)
    room[at.X_BILLED] = billed
    return settle(book, room, rate, segment(price, billed, book[row + at.R_PER]), 0)


@compiled
def charge_list(book: Int64s, wide: Int32s, room: Int64s, rate: int) -> int:
    """Charge all units at the list that was asked."""
    total = room[at.V_USED] + room[at.V_OFFSET]
    if room[at.V_USED] == 0 or total <= room[at.X_GRACE]:
        return at.PRICED
    row = row_at(book, at.RATES, rate)
    if room[at.V_OFFSET] == 0 and room[at.ASKED + at.A_MOVING] == 0 and book[row + at.R_STEPS] == 1 and total < 1 << 40:
        return charge_plainly(book, room, rate, total)
    outcome, before_nano = walk_before(book, wide, room)
    if outcome != WALKED:
        return failed(outcome)
    outcome, billed, nano, _ = walk(book, wide, room, at.ASKED, total, 0, MAX, 0)
    if outcome != WALKED:
        return failed(outcome)
    room[at.X_BILLED] = billed - room[at.X_BEFORE]
    if room[at.X_BILLED] == 0:
        return at.PRICED
    return settle(book, room, rate, nano, before_nano)


@compiled
def charge_served(book: Int64s, wide: Int32s, actors: Int64s, left: Int64s, room: Int64s) -> int:
    """Charge an event that buckets of units have in their scope: they take from its front, the rest is priced."""
    rate = take_rate(book, room)
    total = room[at.V_USED] + room[at.V_OFFSET]
    if room[at.V_USED] == 0 or total <= room[at.X_GRACE]:
        return at.PRICED
    outcome, before_nano = walk_before(book, wide, room)
    if outcome != WALKED:
        return failed(outcome)
    before = room[at.X_BEFORE]
    outcome, billed, _, _ = walk(book, wide, room, at.ASKED, total, MAX, MAX, 0)
    if outcome != WALKED:
        return failed(outcome)
    taken = draw_units(book, wide, actors, left, room, before, billed)
    if taken == billed - before:
        room[at.X_BILLED], room[at.X_TAKEN] = taken, taken
        return at.PRICED
    overage = overage_list(actors, room)
    if overage >= 0 and not ask(book, wide, room, overage, -1):
        return at.NO_RATE
    if taken == 0:
        return charge_list(book, wide, room, take_rate(book, room) if overage >= 0 else rate)
    cover, stop = (billed, billed) if overage >= 0 else (total, MAX)
    outcome, _, nano, _ = walk(book, wide, room, at.ASKED, cover, before + taken, stop, 0)
    if outcome != WALKED:
        return failed(outcome)
    room[at.X_BILLED], room[at.X_TAKEN] = billed - before, taken
    return settle(book, room, rate, added(nano, before_nano), before_nano)
