"""Who may be billed, by which lists, and whose each number is: as columns, for hundreds of thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
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
# In which pricing an owner is, for the times in which it is another than his own column's: a group holds then.
VARIANTS: Final = pl.Schema({"owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64, "pricing": pl.Int32})
# A customer's membership of a group.
MEMBERS: Final = pl.Schema({"customer": pl.Int64, "name": pl.String, "valid_from": pl.Int64, "valid_to": pl.Int64})


@dataclass(frozen=True, slots=True)
class Pricing:
    """The lists of a subscription, by name. ``wholesale`` has one entry per reseller of ``tiers``, the outermost first.

    None: no list. Without a retail list an event cannot be rated; without another it lacks that level.
    ``groups``: those that the customer was in, sorted.
    """

    retail: str | None
    tiers: tuple[ResellerId, ...] = ()
    wholesale: tuple[str | None, ...] = ()
    cost: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Subscribers:
    """Every subscription of an operator as columns of equal length, and the numbers assigned to them over time.

    ``reseller`` is 0 for the operator's own customers. ``pricing`` is a position in ``pricings``, whose database keys
    are ``pricing_keys``; ``variants`` says when it is another. ``term``: the contract's first day and the day after
    its last, or None. ``believed_at`` is an instant at which the catalogue is the one of ``revision``.
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
    variants: pl.DataFrame
    term: tuple[tuple[date, date | None], ...]


def varied(
    members: pl.DataFrame, customer: NDArray[np.int64], pricing: NDArray[np.int32], pricings: Sequence[Pricing]
) -> tuple[pl.DataFrame, tuple[Pricing, ...]]:
    """Return ``VARIANTS`` of memberships (``MEMBERS``), and the pricings with those that they need appended."""
    places = {one: place for place, one in enumerate(pricings)}
    order = np.argsort(customer, kind="stable")
    rows: list[tuple[int, int, int, int]] = []
    for (key,), held in members.group_by("customer", maintain_order=True):
        first, last = np.searchsorted(customer[order], [key, key + 1])
        for since, until, groups in _held(held):
            for owner in order[first:last].tolist():
                one = replace(pricings[int(pricing[owner])], groups=groups)
                rows.append((owner, since, until, places.setdefault(one, len(places))))
    return pl.DataFrame(rows, schema=VARIANTS, orient="row"), tuple(places)


def _held(members: pl.DataFrame) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return the times in which one customer is in groups, cut where any begins or ends."""
    cuts = sorted({*members["valid_from"].to_list(), *members["valid_to"].to_list()})
    rows = members.select("name", "valid_from", "valid_to").rows()
    found = []
    for since, until in pairwise(cuts):
        groups = tuple(sorted({name for name, begin, end in rows if begin <= since and until <= end}))
        if groups:
            found.append((since, until, groups))
    return found
