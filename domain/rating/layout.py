"""The shape of the arrays that the book, the parties and the kernel share. Columns are named by these numbers.

The book is one flat ``int64`` array: a header of (offset, width, rows) for each section, then the sections' rows.
Passing thirty arrays costs more than the work of a function; passing three does not. The widest tables, which decide
how much of the cache the book takes, are sections of a second array of ``int32``. Times are µs since 1970 UTC, prices
nano-units; ``-1`` stands for "none" where zero means something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from domain.rating.compiled import compiled

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Int16s = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]

MAX: Final = 2**63 - 1
BEGIN: Final = -(2**63)  # an open valid_from
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US

# Sections of the book. The first three lie in the array of int32.
TOP, CHOICE, FIRST = range(3)  # first digits → place in STARTS; row · destination → option; row · destination → entry
STARTS, NODES, PORTED_SLOTS, PORTED, TARGETS_AT, TARGETS, ROWS, ENTRIES, RATES, STEPS, LISTS, BANDS, CLOCK = range(
    3, 16
)
HOLIDAYS_AT, HOLIDAYS, ZONES_AT, MOVES, IN_ZONE, MODE_UNITS, RINGS, MODE_SETS, TO_SETS, ZONE_SETS, ASKS_A, OPTIONS = (
    range(16, 28)
)
WIDE: Final = frozenset({TOP, CHOICE, FIRST})
# Sections of the parties.
PARTIES, TIERS, PARTY_RINGS, PARTY_BUCKETS, BUCKETS, BUCKET_MODES, BUCKET_TO, BUCKET_ZONES, TRUNKS = range(9)
PARTY_CAPS = 9  # beside PARTY_BUCKETS: the cell of what the party may still take of the bucket, -1 all that is left

# An interval of numbers: where it begins, and what it leads to: a destination, -1 nothing, or ``-2 - node`` where
# validity in time decides.
I_START, I_LEADS = range(2)
# A node: a prefix's claim, and the node of the next shorter one. A ported number and a zone's move of the clock.
N_DESTINATION, N_SINCE, N_UNTIL, N_NEXT = range(4)
H_NUMBER, H_SINCE, H_TO = range(3)
M_SINCE, M_OFFSET = range(2)

# An entry: a rate under one ``to`` of one destination, in the order in which they are tried.
E_RATE, E_LIST, E_FLAGS, E_FROM, E_ZONE, E_BAND, E_SINCE, E_UNTIL = range(8)
ENTRY_WIDTH: Final = 8
LAST: Final = 1  # flag: the block ends here
HAS_FROM: Final = 2  # flag: rates of this ``to`` ask for the A-number, so the first that holds need not be the best
ADJUSTS: Final = 4  # flag: the rate adjusts what lists further up say
RANK_SHIFT: Final = 8  # above the flags: the place of this ``to`` among those of the destination
HOME_ONLY: Final = -1  # E_ZONE
ANYWHERE: Final = -2  # E_ZONE

# A rate: what every event reads stands in the first cache line, the first step's price with it.
R_SETUP, R_FIRST, R_STEP, R_STEPS, R_NEXT, R_PRICE, R_PER, R_SPECIAL = range(8)
R_LIST, R_KIND, R_ADJUST, R_GRACE, R_MIN, R_MAX, R_BAND = range(8, 15)  # R_SPECIAL: grace, minimum or maximum are given
RATE_WIDTH: Final = 16
ABSOLUTE, PERCENT, AMOUNT = range(3)  # R_KIND

S_START, S_NEXT, S_PRICE, S_PER = range(4)
STEP_WIDTH: Final = 4

# An option: a rate as a list's chain leads to it, adjustments worked in, and all that a plain event needs of it, in one
# cache line. Its words hold two numbers each, the first in the lower half.
OPT_PRICE, OPT_SETUP, OPT_SINCE, OPT_UNTIL = range(4)
OPT_LENGTHS = 4  # first, next
OPT_PER = 5  # per, and the units up to which the first step reaches
OPT_RATE = 6  # the nearest rate, its list (24 bits) and the flags below
OPT_REST = (
    7  # the option that is tried where this does not hold (or NOTHING, LEFT), its condition's band, the band told
)
OPTION_WIDTH: Final = 8
NOTHING, LEFT = -1, -2  # instead of an option: no rate; it takes the general way
IS_SPECIAL, IS_FIXED, IS_JUMP = 1, 2, 4  # grace, minimum or maximum; only the first step is known; leads on (OPT_PRICE)
L_PARENT, L_CURRENCY, L_ZONE, L_SPLIT, L_UNIT, L_BIAS, L_EVEN = range(7)  # from L_UNIT on as ``rounded`` takes them
LIST_WIDTH: Final = 8
B_DAYS, B_START, B_END, B_EXCEPT, B_ON = range(5)

# A ring. G_RATE: the pseudo-rate of a price ring.
G_LEVELS, G_GROUP, G_BAND, G_MODES, G_TO, G_ZONES, G_SINCE, G_UNTIL, G_KIND, G_VALUE, G_RATE, G_VOLUME, G_UNIT = range(
    13
)
BY_PERCENT, BY_EVENT, BY_MINUTE, BY_PRICE = range(4)  # G_KIND
BY_AMOUNT, BY_UNITS, BY_EVENTS = range(3)  # G_UNIT

# A party: what every event reads stands in the first cache line. P_*_LEVELS: bits of the levels on which any acts.
P_RETAIL, P_DEVIATIONS, P_COST, P_TIER, P_TIERS, P_RING_LEVELS, P_BUCKET_LEVELS = range(7)
P_RINGS, P_RINGS_END, P_BUCKET, P_BUCKETS, P_VOLUME = range(7, 12)
PARTY_WIDTH: Final = 16
PR_RING, PR_COUNTER = range(2)  # a ring of a party, and which of the party's counters it has (-1 none)
K_UNIT, K_CURRENCY, K_SINCE, K_UNTIL, K_SPLIT, K_OVERAGE, K_LEVELS, K_MODES, K_TO, K_ZONES, K_DIRECTIONS = range(11)
BUCKET_WIDTH: Final = 11
PARTY_CURRENCY: Final = -1  # K_CURRENCY: that of the drawing party's retail list
SECONDS, MESSAGES, KB, MONEY = range(4)  # K_UNIT, and the units of modes

ON_RETAIL, ON_WHOLESALE, ON_COST = 1, 2, 4  # bits of G_LEVELS and K_LEVELS

# Outcomes.
RATED, BAD_EVENT, NO_PARTY, NO_DESTINATION = range(4)  # of an event
ABSENT, PRICED, NO_RATE, OVERFLOW = range(4)  # of a level
UNDECIDED: Final = 255  # of a level, and of an event with such a level, until the general way has rated it

# The room: one array of scratch. First what stays the same while one level of one event is priced …
V_KIND, V_LIST, V_DEVIATIONS, V_PARTY, V_USE, V_UNIT, V_MODE, V_DIRECTION, V_TO, V_FROM, V_VISITED, V_START = range(12)
V_USED, V_OFFSET, V_COUNTER, V_COUNTERS, V_EVENT, V_SLOT = range(12, 18)  # V_COUNTER of V_COUNTERS: of a ring's volume
# … what a walk asks: a list and what it says at the start (A_*), the level's own and that of a price ring …
ASKED, RINGED = 18, 24
A_LIST, A_DEVIATIONS, A_RATE, A_COUNT, A_BANDED, A_MOVING = range(6)
# … the level's outcome …
X_RATE, X_OWNER, X_BAND, X_BILLED, X_TAKEN, X_BEFORE, X_SETUP, X_CHARGE, X_GRACE, X_AMOUNT = range(30, 40)
# … what a look-up found beside the rate (whether it looked at a band, the list, the band), the part of a time zone that
# was looked at last, the counts of rows written, and where the parts of varying size begin.
F_BANDED, F_LOCAL, F_OWNER, F_BAND = range(40, 44)
Z_ZONE, Z_SINCE, Z_UNTIL, Z_OFFSET = range(44, 48)
C_SHARES, C_DRAWS = 48, 49
O_BASE, O_STACK, O_SPARE, O_DRAWN, O_MEETS, O_HOLDS, O_CHANGE, O_DONE, O_END = range(50, 59)
ROOM_HEAD: Final = 64
WORD: Final = 63  # members of a set per cell
LINE: Final = 16  # cells of int32 in a cache line of 64 bytes; twice that for int64


def packed(sections: Mapping[int, Any], wide_ones: frozenset[int] = frozenset()) -> tuple[Int64s, Int32s]:
    """Lay sections (arrays of one or two dimensions) into the flat array with its header, and the wide ones apart."""
    header = np.zeros(3 * (max(sections) + 1), np.int64)
    ends = {False: len(header), True: 1}
    arrays = {section: np.atleast_1d(np.asarray(sections[section])) for section in sorted(sections)}
    for section, array in arrays.items():
        wide = section in wide_ones
        ends[wide] += -ends[wide] % LINE  # every section begins on a cache line
        header[3 * section : 3 * section + 3] = ends[wide], 1 if array.ndim == 1 else array.shape[1], len(array)
        ends[wide] += array.size
    made = {False: _on_a_line(ends[False], np.int64), True: _on_a_line(ends[True], np.int32)}
    made[False][: len(header)] = header
    for section, array in arrays.items():
        first = header[3 * section]
        made[section in wide_ones][first : first + array.size] = array.reshape(-1)
    for one in made.values():
        one.flags.writeable = False
    return made[False], made[True]


def _on_a_line(count: int, kind: Any) -> Any:
    """Make an array of zeros at an address that is a multiple of a cache line."""
    room = np.zeros(count * np.dtype(kind).itemsize + 64, np.uint8)
    skip = -room.ctypes.data % 64
    return room[skip : skip + count * np.dtype(kind).itemsize].view(kind)


@compiled
def cell(table: Int64s, section: int, row: int, column: int) -> int:
    """Return a cell of a section."""
    return table[table[3 * section] + row * table[3 * section + 1] + column]


@compiled
def row_at(table: Int64s, section: int, row: int) -> int:
    """Return where a row of a section begins."""
    return table[3 * section] + row * table[3 * section + 1]


@compiled
def item(table: Int64s, section: int, row: int) -> int:
    """Return a cell of a section of one column."""
    return table[table[3 * section] + row]


@compiled
def rows_of(table: Int64s, section: int) -> int:
    """Return how many rows a section has."""
    return table[3 * section + 2]


@compiled
def member(table: Int64s, section: int, row: int, column: int) -> bool:
    """Say whether a set holds a member; a condition that is left out (-1) holds all."""
    return row < 0 or (cell(table, section, row, column // WORD) >> (column % WORD)) & 1 == 1


def member_rows(sets: list[list[int]], width: int) -> Int64s:
    """Return sets of members below ``width`` as rows of bits."""
    made = np.zeros((len(sets), width // WORD + 1), np.int64)
    for row, members in enumerate(sets):
        for number in members:
            made[row, number // WORD] |= 1 << (number % WORD)
    return made


def table(rows: list[list[int]], width: int) -> Int64s:
    """Make an ``int64`` table of rows, also of none."""
    return np.array(rows, np.int64).reshape(len(rows), width) if rows else np.zeros((0, width), np.int64)


def frozen(array: Any) -> Any:
    """Make an array contiguous and read-only."""
    made = np.ascontiguousarray(array)
    made.flags.writeable = False
    return made
