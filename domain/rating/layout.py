"""The shape of the arrays that the book, the parties and the kernel share. Columns are named by these numbers.

Every table is ``int64`` in rows (one row is one or two cache lines), so that one access brings all of a rate. Times are
µs since 1970 UTC, prices nano-units. ``-1`` stands for "none" where zero means something.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Int16s = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]

MAX: Final = 2**63 - 1
BEGIN: Final = -(2**63)  # an open valid_from
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US

# An entry: a rate under one ``to`` of one destination, in the order in which they are tried.
E_RATE, E_RANK, E_FLAGS, E_FROM, E_ZONE, E_BAND, E_SINCE, E_UNTIL = range(8)
LAST: Final = 1  # flag: the block ends here
HAS_FROM: Final = 2  # flag: rates of this ``to`` ask for the A-number, so the first that holds need not be the best
HOME_ONLY: Final = -1  # E_ZONE
ANYWHERE: Final = -2  # E_ZONE

R_LIST, R_KIND, R_ADJUST, R_SETUP, R_GRACE, R_MIN, R_MAX, R_FIRST, R_STEP, R_STEPS, R_BAND = range(11)
RATE_WIDTH: Final = 16
ABSOLUTE, PERCENT, AMOUNT = range(3)  # R_KIND

S_START, S_NEXT, S_PRICE, S_PER = range(4)
L_PARENT, L_CURRENCY, L_ZONE, L_SPLIT, L_DECIMALS, L_MODE = range(6)
HALF_UP, HALF_EVEN, UP, DOWN = range(4)  # L_MODE
B_DAYS, B_START, B_END, B_EXCEPT, B_ON = range(5)

# A ring. G_RATE: the pseudo-rate of a price ring.
G_LEVELS, G_GROUP, G_BAND, G_MODES, G_TO, G_ZONES, G_SINCE, G_UNTIL, G_KIND, G_VALUE, G_RATE, G_VOLUME, G_UNIT = range(
    13
)
BY_PERCENT, BY_EVENT, BY_MINUTE, BY_PRICE = range(4)  # G_KIND
BY_AMOUNT, BY_UNITS, BY_EVENTS = range(3)  # G_UNIT

P_RETAIL, P_DEVIATIONS, P_COST, P_TIER, P_TIERS, P_RINGS, P_RINGS_END, P_BUCKET, P_BUCKETS, P_VOLUME = range(10)
PARTY_WIDTH: Final = 10
K_UNIT, K_CURRENCY, K_SINCE, K_UNTIL, K_SPLIT, K_OVERAGE, K_LEVELS, K_MODES, K_TO, K_ZONES, K_DIRECTIONS = range(11)
BUCKET_WIDTH: Final = 11
PARTY_CURRENCY: Final = -1  # K_CURRENCY: that of the drawing party's retail list
SECONDS, MESSAGES, KB, MONEY = range(4)  # K_UNIT, and the units of modes

ON_RETAIL, ON_WHOLESALE, ON_COST = 1, 2, 4  # bits of G_LEVELS and K_LEVELS

# Outcomes.
RATED, BAD_EVENT, NO_PARTY, NO_DESTINATION = range(4)  # of an event
ABSENT, PRICED, NO_RATE, OVERFLOW = range(4)  # of a level


class Catalogue(NamedTuple):
    """The catalogue's arrays, in the order in which the kernel takes them."""

    prefix_top: Int32s  # first five digits → place in prefix_start
    prefix_start: Int64s
    prefix_node: Int32s  # → node, -1 none
    nodes: Int64s  # destination, since, until, next
    ported_slots: Int32s  # hash of exact numbers → first row of ported
    ported_number: Int64s
    ported_since: Int64s
    ported_to: Int32s
    targets_at: Int32s  # destination → its slice of targets
    targets: Int32s  # itself, then its groups in rank order
    rows: Int32s  # list, 2·mode + direction → row of first, -1 none
    first: Int32s  # row, destination → first entry, -1 none
    entries: Int64s
    rates: Int64s
    steps: Int64s
    lists: Int64s
    bands: Int64s
    clock: Int64s  # times of day (µs) at which any band begins or ends, 0 first
    holidays_at: Int32s
    holidays: Int64s  # days since 1970, sorted within a calendar
    zones_at: Int32s  # time zone → its slice of transitions
    zone_since: Int64s
    zone_offset: Int64s
    in_zone: Bytes  # visited country (the last: any other), roaming zone
    mode_unit: Int64s
    rings: Int64s
    mode_sets: Bytes  # set, mode
    to_sets: Bytes  # set, destination (the last: none)
    zone_sets: Bytes  # set, visited + 1 (0: home)
    asks_a: Bytes  # one cell: whether any rate asks for the A-number


class Actors(NamedTuple):
    """The parties' arrays."""

    parties: Int64s
    tiers: Int32s
    party_rings: Int32s
    ring_volume: Int32s  # beside party_rings: which counter of the party, -1 none
    party_buckets: Int32s
    buckets: Int64s
    bucket_modes: Bytes
    bucket_to: Bytes
    bucket_zones: Bytes
    trunk_cost: Int32s  # trunk (the last: an unknown one) → list


def table(rows: list[list[int]], width: int) -> Int64s:
    """Make an ``int64`` table of rows, also of none."""
    return np.array(rows, np.int64).reshape(len(rows), width) if rows else np.zeros((0, width), np.int64)


def frozen(array: Any) -> Any:
    """Make an array contiguous and read-only."""
    made = np.ascontiguousarray(array)
    made.flags.writeable = False
    return made
