"""The largest use whose charge does not pass an amount: the kernel turned round, exactly.

A charge never falls when a call goes on: increments are added, and minimum, maximum, rings and rounding keep the order.
So the largest use is found by asking the kernel itself for the charges of several lengths at a time, and asking closer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
# Units → what each costs in micro-units; a negative one cannot be priced, and is taken to be beyond every amount.
Charges = Callable[[Longs], Longs]
POINTS: Final = 64


def largest(charges: Charges, left: int, most: int, *, points: int = POINTS) -> tuple[int, int]:
    """Return the most units, up to ``most``, whose charge is at most ``left``, and the charge; (0, 0): none.

    ``points``: how many lengths are asked for at a time.
    """
    if most <= 0:
        return 0, 0
    whole = int(charges(np.array([most], np.int64))[0])
    if 0 <= whole <= left:
        return most, whole
    low, high, cost = 0, most, 0  # ``low`` is affordable (nothing is), ``high`` is not
    while high - low > 1:
        step = max((high - low) // (points + 1), 1)
        asked = np.arange(low + step, high, step, dtype=np.int64)[: points + 1]
        found = charges(asked)
        fits = (found >= 0) & (found <= left)
        count = len(fits) if fits.all() else int(np.argmin(fits))
        if count:
            low, cost = int(asked[count - 1]), int(found[count - 1])
        if count < len(asked):
            high = int(asked[count])
    return low, cost
