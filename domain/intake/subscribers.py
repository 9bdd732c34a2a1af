"""Who may be billed, by which lists, and whose each number is: as columns, for hundreds of thousands of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.ids import ResellerId

# Grows or changes with every change of the catalogue or of a subscriber; equal revisions see the same.
Revision = tuple[int, ...]

# ``owner`` is a position in the columns of ``Subscribers``; times are µs since the epoch, half-open.
NUMBERS: Final = pl.Schema({"number": pl.String, "owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64})
ALWAYS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pricing:
    """The lists of a subscription, by name. ``wholesale`` has one entry per reseller of ``tiers``, the outermost first.

    None: no list. Without a retail list an event cannot be rated; without another it lacks that level.
    """

    retail: str | None
    tiers: tuple[ResellerId, ...] = ()
    wholesale: tuple[str | None, ...] = ()
    cost: str | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Subscribers:
    """Every subscription of an operator as columns of equal length, and the numbers assigned to them over time.

    ``reseller`` is 0 for the operator's own customers. ``pricing`` is a position in ``pricings``, whose database keys
    are ``pricing_keys``. ``believed_at`` is an instant at which the catalogue is the one of ``revision``.
    """

    revision: Revision
    believed_at: datetime
    subscription: NDArray[np.int64]
    customer: NDArray[np.int64]
    contract: NDArray[np.int64]
    reseller: NDArray[np.int64]
    pricing: NDArray[np.int32]
    pricings: tuple[Pricing, ...]
    pricing_keys: NDArray[np.int32]
    numbers: pl.DataFrame
