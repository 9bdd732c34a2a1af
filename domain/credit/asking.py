"""One use of a line, priced for any length by the kernel, as the record that follows it will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.buckets.drawing import Drawers, Drawn, draw
from domain.buckets.standing import Standing
from domain.credit.kinds import Home, Kind, is_abroad, is_premium, kinds_of
from domain.credit.reservation import Draw
from domain.intake.rater import Rater
from domain.mediation.events import EVENT_SCHEMA
from domain.rating.clock import micros
from domain.rating.columns import Events
from domain.rating.digits import encode
from domain.rating.layout import PRICED, RATED
from domain.rating.rate import Rated, rate

Longs = NDArray[np.int64]
UNPRICED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a line is about to do. ``other``: the number at the other side, digits; ``own``: one of the line's."""

    subscription: int
    own: str
    other: str
    mode: str
    direction: str
    visited: str | None
    at: datetime


@dataclass(slots=True, eq=False)
class Asking:
    """A use, and what prices it. ``standing``: what its customer's buckets have left; None: it draws on none."""

    use: Use
    rater: Rater
    owner: int
    standing: Standing | None = None
    destination: int = -1
    currency: int = -1
    reason: str | None = None
    drawn: Drawn | None = None
    _pricing: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def of(cls, use: Use, rater: Rater) -> Asking | None:
        """Return it; None where the rater does not know the line."""
        who = rater.subscribers.subscription
        place = int(np.searchsorted(who, use.subscription))
        if place >= len(who) or who[place] != use.subscription:
            return None
        made = cls(use, rater, place)
        if len(rater.variants.number):
            made._pricing = rater.pricing(np.array([place], np.int32), np.array([micros(use.at)], np.int64))
        else:  # the same, without a look at everybody
            made._pricing = rater.subscribers.pricing[place : place + 1]
        return made

    @property
    def draws(self) -> bool:
        """Tell whether what it costs depends on what was used before."""
        return bool(self.rater.draws[self.owner])

    def charges(self, units: Longs) -> Longs:
        """Return what each length costs in micro-units of the list's currency, ``UNPRICED`` where it has no price."""
        if self.standing is not None:
            return np.array([self._drawn(int(one)) for one in units], np.int64)
        return self._read(rate(self.rater.book, self.rater.parties, self._events(units)))

    def _read(self, rated: Rated) -> Longs:
        priced = (rated.status == RATED) & (rated.level_status[0] == PRICED)
        self.destination = int(rated.destination[-1])
        if priced[-1]:
            self.currency = int(rated.currency[0, -1])
        self.reason = None if priced[-1] else "no_destination" if rated.status[-1] != RATED else "no_rate"
        return np.where(priced, rated.amount[0], UNPRICED)

    def _events(self, units: Longs) -> Events:
        use, book, count = self.use, self.rater.book, len(units)
        outward = use.direction == "out"
        party = self.rater.party(np.array([self.owner], np.int32), self._pricing)
        mode = book.modes.index(use.mode) if use.mode in book.modes else -1
        visited = -1
        if use.visited is not None:
            visited = book.countries.index(use.visited) if use.visited in book.countries else len(book.countries)
        a, b = (use.own, use.other) if outward else (use.other, use.own)
        return Events(
            start=np.full(count, micros(use.at), np.int64),
            used=units,
            offset=np.zeros(count, np.int64),
            mode=np.full(count, mode, np.int16),
            direction=np.full(count, 0 if outward else 1, np.uint8),
            party=np.full(count, int(party[0]), np.int32),
            a=np.full(count, encode(a), np.int64),
            b=np.full(count, encode(b), np.int64),
            trunk=np.full(count, -1, np.int32),
            visited=np.full(count, visited, np.int32),
            rank=np.arange(count, dtype=np.int64),
            bad=np.zeros(count, np.uint8),
        )

    def _drawn(self, units: int) -> int:
        assert self.standing is not None
        use, who, outward = self.use, self.rater.subscribers, self.use.direction == "out"
        owner = np.array([self.owner], np.int32)
        event = dict.fromkeys(EVENT_SCHEMA.names()) | {
            "start": micros(use.at),
            "used": units,
            "answered": True,
            "a": use.own if outward else use.other,
            "b": use.other if outward else use.own,
            "mode": use.mode,
            "direction": use.direction,
            "visited": use.visited,
            "offset": 0,
        }
        drawers = Drawers(
            frame=pl.DataFrame([event], schema=EVENT_SCHEMA),
            subscription=who.subscription[owner],
            contract=who.contract[owner],
            customer=who.customer[owner],
            pricing=self._pricing.astype(np.int64),
            pricings=who.pricings,
            terms={int(who.contract[self.owner]): who.term[self.owner]},
            slots=self.rater.parties.slots,
            on_plan=who.on_plan,
            active=who.active_days(who.subscription[owner].tolist()),
        )
        self.drawn = draw(self.rater.book, drawers, self.standing)
        return int(self._read(self.drawn.rated)[0])

    def kinds(self, home: Home) -> frozenset[Kind]:
        """Return what the use counts as; known once it was priced."""
        use, premium = self.use, False
        if self.destination >= 0:
            name = self.rater.book.destinations[self.destination]
            found = self.rater.book.tariff.destinations.get(name)
            premium = is_premium(name, found.groups if found is not None else ())
        away = is_abroad(use.other, home.code, outward=use.direction == "out")
        return kinds_of(abroad=away, premium=premium, roaming=use.visited is not None, data=use.mode == "data")

    def takes(self, units: int) -> tuple[Draw, ...]:
        """Return what buckets give to a use of this length on the retail level."""
        if self.standing is None or not units:
            return ()
        self._drawn(units)
        assert self.drawn is not None
        rows = self.drawn.shares.filter((pl.col("kind") == "bucket") & (pl.col("slot") == 0))
        return tuple(Draw(*row) for row in rows.select("name", "owner", "since", "amount").rows())


def less_held(standing: Standing, customer: int, draws: list[Draw]) -> Standing:
    """Return a standing with what is set aside of buckets for other calls as if it were drawn."""
    if not draws:
        return standing
    held = pl.DataFrame(
        [(customer, one.bucket, one.owner, one.since, one.amount) for one in draws],
        schema={
            "customer": pl.Int64, "bucket": pl.String, "owner": pl.String, "since": pl.Int64, "amount": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
    keys = ["customer", "bucket", "owner", "since"]
    sums = held.group_by(keys).agg(pl.col("amount").sum())
    kept = standing.balances
    there = kept.join(sums, on=keys, how="left", maintain_order="left").with_columns(
        pl.col("drawn") + pl.col("amount").fill_null(0)
    )
    new = sums.join(kept, on=keys, how="anti").select(
        *keys,
        pl.col("since").alias("until"),
        pl.lit("").alias("unit"),
        pl.lit(0, pl.Int64).alias("granted"),
        pl.col("amount").alias("drawn"),
        pl.lit(0, pl.Int64).alias("given"),
        pl.lit("").alias("thresholds"),
        pl.lit(0, pl.Int16).alias("told"),
    )
    columns = kept.columns
    return Standing(
        pl.concat([there.select(columns), new.select(columns)]),
        standing.losses,
        standing.volumes,
        standing.lasts,
        standing.settled,
        standing.grants,
    )
