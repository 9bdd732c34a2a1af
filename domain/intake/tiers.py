"""Of whom a line's reseller bought at an event's own time: pricings over the time of the tree's terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.ids import ResellerId
from domain.intake.subscribers import ALWAYS, VARIANTS, Pricing
from domain.resellers.reseller import Reseller, Term, as_of, tiers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# The resellers of a line from the outermost down, and the list of each.
Chain = tuple[tuple[ResellerId, ...], tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The tree of resellers from each instant on (µs since the epoch), the first of them since ever."""

    since: tuple[int, ...]
    trees: tuple[Mapping[ResellerId, Reseller], ...]

    @property
    def last(self) -> Mapping[ResellerId, Reseller]:
        """The tree after every term, by which a line's own pricing is made."""
        return self.trees[-1]

    def chains(self, reseller: ResellerId) -> list[Chain]:
        """Return whom a reseller bought of, through all of time."""
        return [chain(reseller, tree) for tree in self.trees]


def timeline(base: Mapping[ResellerId, Reseller], terms: Sequence[Term]) -> Timeline:
    """Return the tree through all of time."""
    cuts = sorted({term.valid_from for term in terms})
    micros = [round((at - _EPOCH).total_seconds() * 1_000_000) for at in cuts]
    return Timeline((0, *micros), (base, *(as_of(base, terms, at) for at in cuts)))


def chain(reseller: ResellerId, tree: Mapping[ResellerId, Reseller]) -> Chain:
    """Return the tiers above and with a reseller, and their lists."""
    found = tiers(reseller, tree)
    return tuple(one.id for one in found), tuple(one.price_list for one in found)


def retiered(
    variants: pl.DataFrame,
    pricings: Sequence[Pricing],
    pricing: NDArray[np.int32],
    reseller: NDArray[np.int64],
    over: Timeline,
) -> tuple[pl.DataFrame, tuple[Pricing, ...]]:
    """Return ``VARIANTS`` cut where the terms above a line's reseller change, and the pricings with those they need.

    Every pricing given is that of the last tree. Lines of resellers that nothing changed for are left as they are.
    """
    chains = {key: over.chains(ResellerId(key)) for key in np.unique(reseller).tolist() if key}
    moved = {key: each for key, each in chains.items() if any(one != each[-1] for one in each)}
    if not moved:
        return variants, tuple(pricings)
    whole = list(pricings)
    places = {one: place for place, one in enumerate(whole)}
    owners = np.flatnonzero(np.isin(reseller, list(moved)))
    mine = variants.filter(pl.col("owner").is_in(owners))
    held: dict[int, list[tuple[int, int, int]]] = {}
    for owner, since, until, which in (
        mine.select("owner", "valid_from", "valid_to", "pricing").sort("owner", "valid_from").iter_rows()
    ):
        held.setdefault(owner, []).append((since, until, which))
    bounds = [*over.since, ALWAYS]
    rows: list[tuple[int, int, int, int]] = []
    for owner in owners.tolist():
        own = int(pricing[owner])
        for since, until, which in _through(held.get(owner, ()), own):
            for place, (members, lists) in enumerate(moved[int(reseller[owner])]):
                first, last = max(since, bounds[place]), min(until, bounds[place + 1])
                if first < last:
                    there = replace(pricings[which], tiers=members, wholesale=lists)
                    if there not in places:
                        places[there] = len(whole)
                        whole.append(there)
                    key = places[there]
                    if key != own:
                        rows.append((owner, first, last, key))
    kept = variants.filter(~pl.col("owner").is_in(owners))
    made = pl.concat([kept, pl.DataFrame(rows, schema=VARIANTS, orient="row")])
    return made.sort("owner", "valid_from"), tuple(whole)


def _through(held: Sequence[tuple[int, int, int]], own: int) -> Iterator[tuple[int, int, int]]:
    """Yield all of time: the variants of a line, and its own pricing between them."""
    here = 0
    for since, until, which in held:
        if here < since:
            yield here, since, own
        yield since, until, which
        here = until
    if here < ALWAYS:
        yield here, ALWAYS, own
