"""What events are rated with at one revision: the compiled book, the compiled parties, and whose each number is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.catalogue.tariff import EACH, ON_PLAN, Party, Tariff
from domain.intake.routes import Routes
from domain.intake.subscribers import Pricing, Subscribers
from domain.margins.watch import Watch
from domain.rating.book import Book, compile_book
from domain.rating.columns import Events, from_frame
from domain.rating.digits import encode_column
from domain.rating.numbers import NumberIndex
from domain.rating.parties import Parties, compile_parties
from domain.rating.rate import Rated, rate

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Rater:
    """Rates frames of events. ``tier_slots``: (pricing, tier) → the level's slot, -1 where the tier has no list.

    Subscribers of one pricing are one party; those that a discount names have their own, by ``own_codes`` (owner and
    pricing in one number) at ``own_parties``. ``draws`` says of each subscriber whether what he pays depends on what he
    has used: such events are rated for good when they are stored.
    """

    subscribers: Subscribers
    book: Book
    parties: Parties
    index: NumberIndex
    variants: NumberIndex
    named: pl.DataFrame
    routes: Routes
    own_codes: NDArray[np.int64]
    own_parties: Places
    draws: NDArray[np.bool_]
    tier_counts: Places
    tier_slots: Places
    watch: Watch | None = None

    @classmethod
    def of(
        cls, subscribers: Subscribers, tariff: Tariff, *, book: Book | None = None, before: Book | None = None
    ) -> Rater:
        """Compile. ``book`` is the compiled tariff where the caller has it already, ``before`` that of an earlier one.

        Refuses with: NotFound where a subscriber's list is not in the catalogue.
        """
        book = book or compile_book(tariff, before)
        parties = [party_of(str(place), pricing) for place, pricing in enumerate(subscribers.pricings)]
        codes, own = _own_parties(subscribers, tariff)
        own_parties = np.arange(len(parties), len(parties) + len(own), dtype=np.int32)
        numbers, variants = subscribers.numbers, subscribers.variants
        encoded = encode_column(numbers["number"])
        owner, since, until = (numbers[name].to_numpy() for name in ("owner", "valid_from", "valid_to"))
        counts, slots = tier_slots_of(subscribers.pricings)
        return cls(
            subscribers=subscribers,
            book=book,
            parties=compile_parties(book, [*parties, *own], ()),
            index=NumberIndex.build(encoded, owner, since, until),
            variants=NumberIndex.build(
                *(variants[name].to_numpy() for name in ("owner", "pricing", "valid_from", "valid_to"))
            ),
            named=numbers.filter(pl.Series(encoded < 0)),
            routes=Routes.of(subscribers.trunks, subscribers.prefixes),
            own_codes=codes,
            own_parties=own_parties,
            draws=_draws(subscribers, tariff),
            tier_counts=counts,
            tier_slots=slots,
        )

    def owners(self, events: pl.DataFrame) -> Places:
        """Return whose each event is by its A-number (an incoming one's: B-number) at its start; -1 nobody's.

        Where the number is nobody's, an address or the trunk may tell.
        """
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
        if self.routes:
            self.routes.fill(found, events, self.subscribers.subscription)
        return found

    def pricing(self, owners: Places, starts: NDArray[np.int64]) -> Places:
        """Return by which pricing each owner is rated at an instant; -1 for nobody."""
        # A position of -1 takes the appended -1: nobody.
        found = np.append(self.subscribers.pricing, np.int32(-1))[owners]
        if len(self.variants.number):
            other = self.variants.find(owners.astype(np.int64), starts)
            found = np.where(other >= 0, other, found).astype(np.int32)
        return found

    def party(self, owners: Places, pricing: Places) -> Places:
        """Return the compiled party of each owner in his pricing; -1 for nobody."""
        if not len(self.own_codes):
            return pricing
        code = owners.astype(np.int64) * len(self.subscribers.pricings) + pricing
        place = np.minimum(np.searchsorted(self.own_codes, code), len(self.own_codes) - 1)
        mine = (self.own_codes[place] == code) & (owners >= 0)
        return np.where(mine, self.own_parties[place], pricing).astype(np.int32)

    def rate(self, events: pl.DataFrame) -> tuple[Places, Places, Events, Rated]:
        """Return each event's owner and pricing (positions among the subscribers'), the kernel's events and its answer.

        Nothing is drawn from buckets, and no volume is reached: that is for whoever stores the events.
        """
        owners = self.owners(events)
        pricing = self.pricing(owners, events["start"].fill_null(0).to_numpy())
        # Without state the order of events is of no consequence, so nobody needs their keys' rank.
        party = self.party(owners, pricing)
        made = from_frame(self.book, events, party, rank=np.arange(events.height, dtype=np.int64))
        return owners, pricing, made, rate(self.book, self.parties, made)


def party_of(name: str, pricing: Pricing, shares: tuple[str, ...] = (), aliases: tuple[str, ...] = ()) -> Party:
    """Return who is rated by these lists. Tiers without a list have no level, so they are left out."""
    return Party(
        name=name,
        retail=pricing.retail,
        wholesale=tuple(name for name in pricing.wholesale if name is not None),
        cost=pricing.cost,
        groups=pricing.groups,
        shares=shares,
        aliases=aliases,
    )


def drawing_party(subscription: int, contract: int, customer: int, pricing: Pricing) -> Party:
    """Return a subscription as whoever draws: ``subscription:12``, sharing what its contract and its customer own."""
    shares = (f"contract:{contract}", f"customer:{customer}")
    return party_of(f"subscription:{subscription}", pricing, shares, (*shares, str(subscription)))


def _own_parties(who: Subscribers, tariff: Tariff) -> tuple[NDArray[np.int64], list[Party]]:
    """Return the subscribers that a ring names, once for each pricing they may have: sorted codes, and the parties."""
    named = {name for ring in tariff.rings for name in ring.parties or ()}
    if not named:
        return np.empty(0, np.int64), []
    chosen = np.flatnonzero(_known(who, named))
    pairs = {(owner, int(who.pricing[owner])) for owner in chosen.tolist()}
    wanted = set(chosen.tolist())
    pairs |= {(owner, place) for owner, place in who.variants.select("owner", "pricing").rows() if owner in wanted}
    rows = sorted((owner * len(who.pricings) + place, owner, place) for owner, place in pairs)
    parties = [
        drawing_party(
            int(who.subscription[owner]), int(who.contract[owner]), int(who.customer[owner]), who.pricings[place]
        )
        for _, owner, place in rows
    ]
    return np.array([code for code, _, _ in rows], np.int64), parties


def _known(who: Subscribers, names: Collection[str]) -> NDArray[np.bool_]:
    """Tell which subscribers one of these names means: their own, their contract's or their customer's."""
    found = np.zeros(len(who.subscription), np.bool_)
    kinds = (("", who.subscription), ("subscription:", who.subscription))
    for prefix, column in (*kinds, ("contract:", who.contract), ("customer:", who.customer)):
        keys = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        found |= np.isin(column, [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19])
    return found


def _draws(who: Subscribers, tariff: Tariff) -> NDArray[np.bool_]:
    """Tell which subscribers may draw from a bucket, or have a discount that counts what they use."""
    found = np.zeros(len(who.subscription), np.bool_)
    lists: list[str] = []
    groups: set[str] = set()
    for bucket in tariff.buckets:
        if bucket.owner not in EACH:
            found |= _known(who, (bucket.owner,))
        elif bucket.plans is not None:
            groups |= {ON_PLAN + name for name in bucket.plans}
        elif bucket.of is None:
            return ~found | True
        else:
            lists += bucket.of
    for ring in tariff.rings:
        if ring.volume_from > 0:
            if ring.parties is not None:
                found |= _known(who, ring.parties)
            elif ring.groups is not None:
                groups |= set(ring.groups)
            else:
                return ~found | True
    drawn = np.array([bool(groups & set(one.groups)) or one.retail in lists for one in who.pricings], np.bool_)
    if drawn.any():
        found |= drawn[who.pricing]
        owners = who.variants.filter(pl.Series(drawn[who.variants["pricing"].to_numpy()], dtype=pl.Boolean))["owner"]
        found[owners.to_numpy()] = True
    return found


def tier_slots_of(pricings: Sequence[Pricing]) -> tuple[Places, Places]:
    """Return how many tiers each pricing has, and the slot of each tier, -1 where it has no list."""
    counts = np.array([len(pricing.tiers) for pricing in pricings], np.int32)
    slots = np.full((len(pricings), int(counts.max(initial=0))), -1, np.int32)
    for place, pricing in enumerate(pricings):
        slot = 0
        for tier, name in enumerate(pricing.wholesale):
            if name is not None:
                slot += 1
                slots[place, tier] = slot
    return counts, slots
