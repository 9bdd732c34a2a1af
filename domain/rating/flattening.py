"""Chains of lists flattened at compile time, compiled: what a plain event costs is then one option, or a few to try.

For each row (a list, a mode and a direction) and destination the chain of lists is walked once, as ``lookup.find_rate``
walks it for an event at home, and what it may lead to is written down as options in the order in which they are tried:
each with its validity and its band, adjustments worked into its price. What cannot be said this way (rates that ask for
the A-number, numbers too large for the short way) leads to ``LEFT``: the event takes the general way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from domain.rating import layout as at
from domain.rating.arithmetic import OVER, PERCENT_ONE, added, percentage
from domain.rating.compiled import compiled
from domain.rating.layout import BEGIN, LEFT, MAX, NOTHING, Int32s, Int64s

PRICE_END: Final = 1 << 41  # above every price of an option: price × units stays far inside int64
SETUP_END: Final = 1 << 60
PER_END: Final = 1 << 22  # above every ``per``: an adjusted price × per stays inside int64
LENGTH_END: Final = (1 << 31) - 1  # above every increment's length
NAMES_END: Final = 1 << 14  # above every band
CHAIN_MAX: Final = 8  # options of a destination that an adjustment copies
SPARE: Final = 1 << 20  # options that may be made besides one per entry: 64 MiB
_UNKNOWN: Final = -3


def flatten(
    entries: Int64s, rates: Int64s, steps: Int64s, lists: Int64s, rows: Int64s, first: Int32s
) -> tuple[Int64s, Int32s]:
    """Return the options, and for each row and destination its first option (or ``NOTHING``, ``LEFT``).

    The rows of ``first`` must stand parents first, as ``book`` makes them.
    """
    options = np.empty((2 * len(entries) + SPARE, at.OPTION_WIDTH), np.int64)
    choice = np.full(first.shape, NOTHING, np.int32)
    made = _flatten_all(entries, rates, steps, lists, rows, first, options, choice)
    return options[:made].copy(), choice


@compiled
def _flatten_all(
    entries: Int64s,
    rates: Int64s,
    steps: Int64s,
    lists: Int64s,
    rows: Int64s,
    first: Int32s,
    options: Int64s,
    choice: Int32s,
) -> int:
    """Fill the options and choices; returns how many options there are."""
    uses = np.full(len(first), -1, np.int64)
    for plist in range(rows.shape[0]):
        for use in range(rows.shape[1]):
            if rows[plist, use] >= 0:
                uses[rows[plist, use]] = use
    known = np.full(len(entries), _UNKNOWN, np.int32)  # of blocks that lead every destination to the same
    made = 0
    for row in range(len(first)):
        for to in range(first.shape[1]):
            block = int(first[row, to])
            if block < 0:
                continue
            owner = entries[block, at.E_LIST]
            own = rows[owner, uses[row]]
            if own != row:
                choice[row, to] = choice[own, to]
            elif known[block] != _UNKNOWN:
                choice[row, to] = known[block]
            else:
                parent, tail = lists[owner, at.L_PARENT], NOTHING
                if parent >= 0 and rows[parent, uses[row]] >= 0:
                    tail = int(choice[rows[parent, uses[row]], to])
                found, made, alone = _of_block(entries, rates, steps, options, made, block, tail)
                choice[row, to] = found
                if alone or parent < 0:
                    known[block] = found
    return made


@compiled
def _of_block(
    entries: Int64s, rates: Int64s, steps: Int64s, options: Int64s, made: int, block: int, tail: int
) -> tuple[int, int, bool]:
    """Make the options of a block before those of the lists above (``tail``).

    Returns (the first, how many options there are now, whether it is the same whatever the lists above say).
    """
    end = block
    while True:
        if entries[end, at.E_FLAGS] & at.HAS_FROM != 0:
            return LEFT, made, True
        if entries[end, at.E_FLAGS] & at.LAST != 0:
            break
        end += 1
    if made + (end - block + 1) * (CHAIN_MAX + 2) > len(options):
        return LEFT, made, False
    chain, alone = tail, False
    for entry in range(end, block - 1, -1):
        if entries[entry, at.E_ZONE] >= 0:
            continue  # a named roaming zone never holds at home
        always = entries[entry, at.E_BAND] < 0
        always = always and entries[entry, at.E_SINCE] == BEGIN and entries[entry, at.E_UNTIL] == MAX
        if entries[entry, at.E_FLAGS] & at.ADJUSTS != 0:
            alone = False
            then, made = _adjusted(rates, options, made, entries[entry, at.E_RATE], tail)
        elif _fits(entries, rates, entry):
            alone = alone or always
            _write(entries, rates, steps, options, made, entry, NOTHING if always else chain)
            chain, made = made, made + 1
            continue
        else:
            alone = alone or always
            then = LEFT
        if always:
            chain = then
        else:
            options[made, :] = 0
            _condition(entries, options, made, entry)
            options[made, at.OPT_PRICE] = then
            options[made, at.OPT_RATE] = at.IS_JUMP << 56
            options[made, at.OPT_REST] = _rest(chain, entries[entry, at.E_BAND], -1)
            chain, made = made, made + 1
    return chain, made, alone


@compiled
def _condition(entries: Int64s, options: Int64s, option: int, entry: int) -> None:
    options[option, at.OPT_SINCE] = entries[entry, at.E_SINCE]
    options[option, at.OPT_UNTIL] = entries[entry, at.E_UNTIL]


@compiled
def _rest(following: int, condition: int, told: int) -> int:
    return (following & 0xFFFFFFFF) | (condition + 1) << 32 | (told + 1) << 48


@compiled
def _fits(entries: Int64s, rates: Int64s, entry: int) -> bool:
    """Say whether an entry's rate is small enough to be an option."""
    rate = entries[entry, at.E_RATE]
    priced = rates[rate, at.R_PRICE] < PRICE_END and rates[rate, at.R_SETUP] < SETUP_END
    lengths = rates[rate, at.R_FIRST] < LENGTH_END and rates[rate, at.R_NEXT] < LENGTH_END
    return bool(priced and lengths and rates[rate, at.R_PER] < PER_END and entries[entry, at.E_BAND] < NAMES_END)


@compiled
def _write(
    entries: Int64s, rates: Int64s, steps: Int64s, options: Int64s, option: int, entry: int, following: int
) -> None:
    """Write an absolute entry as an option."""
    rate = entries[entry, at.E_RATE]
    _condition(entries, options, option, entry)
    options[option, at.OPT_PRICE], options[option, at.OPT_SETUP] = rates[rate, at.R_PRICE], rates[rate, at.R_SETUP]
    options[option, at.OPT_LENGTHS] = rates[rate, at.R_FIRST] | rates[rate, at.R_NEXT] << 32
    flags, reach = at.IS_SPECIAL if rates[rate, at.R_SPECIAL] != 0 else 0, LENGTH_END
    step, steps_end = rates[rate, at.R_STEP] + 1, rates[rate, at.R_STEP] + rates[rate, at.R_STEPS]
    if step < steps_end:
        reach = min(steps[step, at.S_START], LENGTH_END)
        for later in range(step, steps_end):
            if steps[later, at.S_NEXT] >= LENGTH_END:
                flags |= at.IS_FIXED
    options[option, at.OPT_PER] = rates[rate, at.R_PER] | reach << 32
    options[option, at.OPT_RATE] = rate | rates[rate, at.R_LIST] << 32 | flags << 56
    options[option, at.OPT_REST] = _rest(following, entries[entry, at.E_BAND], entries[entry, at.E_BAND])


@compiled
def _adjusted(rates: Int64s, options: Int64s, made: int, rate: int, tail: int) -> tuple[int, int]:
    """Copy the options of the lists above with a rate's adjustment worked in; returns the first and the new count.

    What an adjustment would do to a level that takes the general way is found there.
    """
    if tail < 0:
        return tail, made
    begin, here = made, tail
    while here >= 0:
        flags = options[here, at.OPT_RATE] >> 56
        price = _price_of(rates, rate, options[here, at.OPT_PRICE])
        if flags & (at.IS_JUMP | at.IS_SPECIAL) != 0 or price < 0 or price >= PRICE_END or made - begin == CHAIN_MAX:
            return LEFT, begin
        options[made] = options[here]
        options[made, at.OPT_PRICE] = price
        options[made, at.OPT_RATE] = rate | rates[rate, at.R_LIST] << 32 | (flags | at.IS_FIXED) << 56
        following = _following(options[here, at.OPT_REST])
        rest = options[here, at.OPT_REST] & ~0xFFFFFFFF
        if rates[rate, at.R_BAND] >= 0:
            rest = (rest & ((1 << 48) - 1)) | (rates[rate, at.R_BAND] + 1) << 48
        options[made, at.OPT_REST] = rest | ((made + 1 if following >= 0 else following) & 0xFFFFFFFF)
        here, made = following, made + 1
    return begin, made


@compiled
def _following(rest: int) -> int:
    return (rest << 32) >> 32


@compiled
def _price_of(rates: Int64s, rate: int, price: int) -> int:
    """Return a price after a rate's adjustment, or OVER."""
    adjust = rates[rate, at.R_ADJUST]
    if rates[rate, at.R_KIND] == at.PERCENT:
        return percentage(price, PERCENT_ONE + adjust) if adjust > -PERCENT_ONE else 0
    price = added(price, adjust)
    return 0 if OVER < price < 0 else price
