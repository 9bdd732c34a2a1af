"""What events are rated with at one revision: the compiled book, the compiled parties, and whose each number is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.catalogue.tariff import Party, Tariff
from domain.intake.subscribers import Pricing, Subscribers
from domain.rating.book import Book, compile_book
from domain.rating.columns import Events, from_frame
from domain.rating.digits import encode_column
from domain.rating.numbers import NumberIndex
from domain.rating.parties import Parties, compile_parties
from domain.rating.rate import Rated, rate
from domain.refusal import WrongState

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Rater:
    """Rates frames of events. ``tier_slots``: (pricing, tier) → the level's slot, -1 where the tier has no list."""

    subscribers: Subscribers
    book: Book
    parties: Parties
    index: NumberIndex
    named: pl.DataFrame
    each_its_own: bool
    tier_counts: Places
    tier_slots: Places

    @classmethod
    def of(cls, subscribers: Subscribers, tariff: Tariff, *, book: Book | None = None) -> Rater:
        """Compile. ``book`` is the compiled tariff where the caller has it already.

        Refuses with: WrongState where the catalogue has what a chunk cannot be rated with by itself, NotFound where a
        subscriber's list is not in the catalogue.
        """
        if tariff.buckets or any(ring.volume_from > 0 for ring in tariff.rings):
            raise WrongState("the catalogue has buckets or volume discounts, which imports do not draw on yet")
        book = book or compile_book(tariff)
        # Subscribers with the same lists are one party, unless a discount may tell them apart.
        each = any(ring.parties is not None or ring.groups is not None for ring in tariff.rings)
        if each:
            parties = [
                party_of(str(key), subscribers.pricings[place])
                for key, place in zip(subscribers.subscription.tolist(), subscribers.pricing.tolist(), strict=True)
            ]
        else:
            parties = [party_of(str(place), pricing) for place, pricing in enumerate(subscribers.pricings)]
        numbers = subscribers.numbers
        codes = encode_column(numbers["number"])
        owner, since, until = (numbers[name].to_numpy() for name in ("owner", "valid_from", "valid_to"))
        counts, slots = _tier_slots(subscribers.pricings)
        return cls(
            subscribers=subscribers,
            book=book,
            parties=compile_parties(book, parties),
            index=NumberIndex.build(codes, owner, since, until),
            named=numbers.filter(pl.Series(codes < 0)),
            each_its_own=each,
            tier_counts=counts,
            tier_slots=slots,
        )

    def owners(self, events: pl.DataFrame) -> Places:
        """Return whose each event is by its A-number (an incoming one's: B-number) at its start; -1 nobody's."""
        line = events.select(
            pl.when(pl.col("direction") == "in").then(pl.col("b")).otherwise(pl.col("a")).alias("number"), "start"
        )
        codes = encode_column(line["number"])
        found = self.index.find(codes, line["start"].to_numpy())
        if self.named.height and (codes < 0).any():
            asked = line.with_row_index("place").filter(pl.Series(codes < 0))
            met = asked.join(self.named, on="number").filter(
                (pl.col("valid_from") <= pl.col("start")) & (pl.col("start") < pl.col("valid_to"))
            )
            found[met["place"].to_numpy()] = met["owner"].to_numpy()
        return found

    def party(self, owner: int) -> int:
        """Return the party of a subscriber by his position."""
        return owner if self.each_its_own else int(self.subscribers.pricing[owner])

    def rate(self, events: pl.DataFrame) -> tuple[Places, Events, Rated]:
        """Return the owner of each event (a position among the subscribers), the kernel's events and its answer."""
        owners = self.owners(events)
        if self.each_its_own:
            party = owners
        else:
            # A position of -1 takes the appended -1: nobody.
            party = np.append(self.subscribers.pricing, np.int32(-1))[owners].astype(np.int32)
        # Without state the order of events is of no consequence, so nobody needs their keys' rank.
        made = from_frame(self.book, events, party, rank=np.arange(events.height, dtype=np.int64))
        return owners, made, rate(self.book, self.parties, made)


def party_of(name: str, pricing: Pricing) -> Party:
    """Return who is rated by these lists. Tiers without a list have no level, so they are left out."""
    return Party(
        name=name,
        retail=pricing.retail,
        wholesale=tuple(name for name in pricing.wholesale if name is not None),
        cost=pricing.cost,
    )


def _tier_slots(pricings: tuple[Pricing, ...]) -> tuple[Places, Places]:
    counts = np.array([len(pricing.tiers) for pricing in pricings], np.int32)
    slots = np.full((len(pricings), int(counts.max(initial=0))), -1, np.int32)
    for place, pricing in enumerate(pricings):
        slot = 0
        for tier, name in enumerate(pricing.wholesale):
            if name is not None:
                slot += 1
                slots[place, tier] = slot
    return counts, slots
