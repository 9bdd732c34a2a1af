"""Settling: the events of a group of subscriptions drawn once more, in order, and what that changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from domain.buckets.drawing import Drawers, Drawn, draw
from domain.buckets.standing import KEPT, Moved, Standing, as_reversed
from domain.intake.rater import Rater, drawing_party, tier_slots_of
from domain.intake.rows import tier_columns
from domain.intake.subscribers import Pricing
from domain.rating.allowances import OnPlan, Term, reached
from domain.rating.layout import PRICED, RATED
from domain.rerating.columns import STORED, events_of
from domain.rerating.comparing import Rates, differing, present_rates, reversals

_MOVES = ("bucket", "volume")
_WHAT = ("kind", "slot", "name", "owner", "since", "amount")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Open:
    """What there is to draw again.

    ``stored``: events (``STORED``), whoever and whatever they are to be rated by in their own columns; ``before``: the
    same rows as they are stored. ``kept``: what they drew (``KEPT``). ``standing``: with what they drew. ``pricings``:
    by database key. ``sources``: names. ``terms``: when contracts run; ``on_plan``: when whose lines were on a
    plan. ``rates``: of the rates that ``before`` names.
    """

    stored: pl.DataFrame
    before: pl.DataFrame
    kept: pl.DataFrame
    standing: Standing
    pricings: Mapping[int, Pricing]
    sources: Mapping[int, str]
    terms: Mapping[int, Term]
    rates: Rates
    on_plan: OnPlan = field(default_factory=dict)
    active: Mapping[int, Term] = field(default_factory=dict)

    def of(self, subscriptions: Collection[int]) -> Open:
        """Return what concerns these subscriptions, before or after."""
        return self._taken(
            (self.stored["subscription"].is_in(list(subscriptions)))
            | (self.before["subscription"].is_in(list(subscriptions)))
        )

    def _taken(self, mask: pl.Series) -> Open:
        stored = self.stored.filter(mask)
        kept = self.kept.join(stored.select("start", "source", "key"), on=["start", "source", "key"], how="semi")
        return Open(
            stored=stored,
            before=self.before.filter(mask),
            kept=kept,
            standing=self.standing,
            pricings=self.pricings,
            sources=self.sources,
            terms=self.terms,
            rates=self.rates,
            on_plan=self.on_plan,
            active=self.active,
        )

    def without(self, places: Any) -> Open:
        """Return it without the events at some places, whose draws stay as they are."""
        mask = np.ones(self.stored.height, np.bool_)
        mask[places] = False
        return self._taken(pl.Series(mask))


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Reversals and new versions (``STORED``), what they drew (``KEPT``), and how the standing moves.

    ``changed``: the events that differ, as they were; ``kept_as_is``: those that would have no retail price now.
    """

    rows: pl.DataFrame
    shares: pl.DataFrame
    moved: Moved
    changed: pl.DataFrame
    kept_as_is: pl.DataFrame


def connected(work: Open, rater: Rater, wanted: Collection[int]) -> set[int]:
    """Return the subscriptions that share a bucket, directly or over others, with one of those that are wanted."""
    columns = ["subscription", "contract", "customer", "pricing"]
    rows = pl.concat([work.stored.select(columns), work.before.select(columns)]).unique().rows()
    parties = [drawing_party(sub, contract, customer, work.pricings[key]) for sub, contract, customer, key in rows]
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    tariff = rater.book.tariff
    together = [ring for ring in tariff.rings if ring.volume_shared is not None]
    apart = set(work.standing.grants["owner"].to_list())
    for party, owned in zip(parties, reached(tariff.buckets, parties), strict=True):
        counting = {ring.counted_by(party) for ring in together}
        for owner in owned | counting | (apart & {party.name, *party.shares}):
            above[root(owner)] = root(party.name)
    roots = {root(f"subscription:{key}") for key in wanted}
    return {key for key, *_ in rows if root(f"subscription:{key}") in roots}


def settle(work: Open, rater: Rater) -> Settled:
    """Draw for the events again, from what is left without what they drew, and compare with what is stored.

    An event that would have no retail price now stays as it is, with what it drew.
    """
    stays: list[pl.DataFrame] = []
    while True:
        standing = work.standing.returned(work.kept.filter(pl.col("kind").is_in(_MOVES)))
        if not work.stored.height:
            none = Standing.none()
            return Settled(
                STORED.to_frame(),
                KEPT.to_frame(),
                Moved(none.balances, none.losses, none.volumes, none.lasts).over(standing),
                STORED.to_frame(),
                pl.concat([STORED.to_frame(), *stays]),
            )
        keys = sorted(set(work.stored["pricing"].to_list()))
        pricings = [work.pricings[key] for key in keys]
        pricing = np.searchsorted(np.array(keys), work.stored["pricing"].to_numpy())
        drawn = draw(rater.book, _drawers(work, pricing, pricings, rater), standing, anew=True)
        billed = (drawn.rated.status == RATED) & (drawn.rated.level_status[0] == PRICED)
        if billed.all():
            break
        unbilled = np.flatnonzero(~billed)
        stays.append(work.before[pl.Series(unbilled)])
        work = work.without(unbilled)
    return _settled(work, rater, drawn, pricing, pricings, standing, pl.concat([STORED.to_frame(), *stays]))


def _drawers(work: Open, pricing: Any, pricings: Sequence[Pricing], rater: Rater) -> Drawers:
    names = work.stored["source"].replace_strict(dict(work.sources), return_dtype=pl.String)
    return Drawers(
        frame=events_of(work.stored).with_columns(names.alias("source")),
        subscription=work.stored["subscription"].to_numpy(),
        contract=work.stored["contract"].to_numpy(),
        customer=work.stored["customer"].to_numpy(),
        pricing=pricing.astype(np.int64),
        pricings=pricings,
        terms=work.terms,
        slots=rater.parties.slots,
        on_plan=work.on_plan,
        active=work.active,
    )


def _settled(  # noqa: PLR0917  (what the loop has come to)
    work: Open,
    rater: Rater,
    drawn: Drawn,
    pricing: Any,
    pricings: Sequence[Pricing],
    standing: Standing,
    stays: pl.DataFrame,
) -> Settled:
    new = _rated(work.stored, rater, drawn, pricing, pricings)
    differs = differing(work.before, new, work.rates, dict(present_rates(rater)))
    differs |= _drew_otherwise(work, drawn)
    mask = pl.Series(differs)
    old, new = work.before.filter(mask), new.filter(mask)
    new = new.with_columns((old["version"] + 2).alias("version"))
    place = np.cumsum(differs) - 1
    own = drawn.shares.filter(pl.Series(differs[drawn.shares["place"].to_numpy()], dtype=pl.Boolean))
    identity = new.select("start", "source", "key", "version", "customer", "subscription")
    made = pl.concat([identity[pl.Series(place[own["place"].to_numpy()])], own.drop("place")], how="horizontal").select(
        KEPT.names()
    )
    gone = work.kept.join(old.select("start", "source", "key"), on=["start", "source", "key"], how="semi")
    return Settled(
        rows=pl.concat([reversals(old), new]),
        shares=pl.concat([as_reversed(gone), made]),
        moved=drawn.moved.over(standing),
        changed=old,
        kept_as_is=stays,
    )


def _rated(stored: pl.DataFrame, rater: Rater, drawn: Drawn, pricing: Any, pricings: Sequence[Pricing]) -> pl.DataFrame:
    """Return the events with what they come to now."""
    rated, book = drawn.rated, rater.book
    rates = np.append(book.rate_ids, 0)[rated.rate]
    status = rated.level_status
    counts, slots = tier_slots_of(pricings)
    micro, rate = tier_columns(counts, slots, pricing, (rated.amount, rates), status)
    priced = pl.Series(status[-1] == PRICED)
    return stored.with_columns(
        pl.Series("destination", np.append(book.destination_ids, 0)[rated.destination], dtype=pl.Int32),
        pl.Series("billed", rated.billed[0]),
        pl.Series("retail_micro", rated.amount[0]),
        pl.Series("retail_rate", rates[0]),
        pl.Series("wholesale_micro", micro),
        pl.Series("wholesale_rate", rate),
        pl.when(priced).then(pl.Series(rated.amount[-1])).alias("cost_micro"),
        pl.when(priced).then(pl.Series(rates[-1])).alias("cost_rate"),
    ).cast(dict(STORED))  # type: ignore[arg-type]  # a mapping of names to types


def _drew_otherwise(work: Open, drawn: Drawn) -> Any:
    """Tell which events drew from another bucket, or got another discount, though it may come to the same."""
    place = work.stored.select("start", "source", "key").with_row_index("place")
    before = work.kept.join(place, on=["start", "source", "key"]).select(pl.col("place").cast(pl.Int64), *_WHAT)
    after = drawn.shares.select("place", *_WHAT)
    differs = np.zeros(work.stored.height, np.bool_)
    for one, other in ((before, after), (after, before)):
        lacking = one.join(other, on=["place", *_WHAT], how="anti", nulls_equal=True)
        differs[lacking["place"].to_numpy()] = True
    return differs
