"""Rating again where events draw: what they drew is given back, and everybody who shares with them draws once more."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from domain.buckets.claiming import granted_to
from domain.buckets.drawing import draw
from domain.buckets.keeping import keep_draws
from domain.buckets.merging import drawers_of, merged
from domain.buckets.opening import open_draws
from domain.buckets.settling import Settled, connected, settle
from domain.intake.rater import Rater
from domain.ports.unit import Unit
from domain.rerating.columns import events_of, priced_held
from domain.rerating.comparing import (
    Outcome,
    Rates,
    again,
    asked_for,
    present_rates,
    rate_keys,
    release,
    sums,
)
from domain.rerating.rerating import Selection, Tally

_KEY = ("start", "source", "key")


async def rated_again(unit: Unit, stored: pl.DataFrame, rater: Rater, *, at: datetime, write: bool) -> Outcome:
    """Rate the present versions of events (``STORED``) again, with whatever of others their draws move.

    What is drawn is moved where ``write`` says so. An event that is settled, and asked for, draws behind what is.
    """
    rates = await unit.reratings.rates(rate_keys(stored))
    kept = await unit.draws.shares(stored)
    owners = rater.owners(events_of(stored))
    draws = np.append(rater.draws, False)[owners] | _drew(stored, kept) | await granted_to(unit, rater, owners)
    plain = stored.filter(pl.Series(~draws))
    outcome = await asyncio.to_thread(again, plain, rater, rates, kept)
    if not draws.any():
        return outcome
    mine = stored.filter(pl.Series(draws))
    nobody = owners[draws] < 0
    before = mine.filter(pl.Series(~nobody))
    target = _targets(before, rater, owners[draws][~nobody])
    customers = sorted({*before["customer"].to_list(), *target["customer"].to_list()})
    await unit.draws.claim(customers)
    work = await open_draws(unit, rater, customers, (target, before))
    wanted = connected(work, rater, {*before["subscription"].to_list(), *target["subscription"].to_list()})
    done = await asyncio.to_thread(settle, work.of(wanted), rater)
    if write:
        await keep_draws(unit, done.moved, at=at)
    tally = _tally(done, before, work.rates, rater)
    if nobody.any():
        count = int(nobody.sum())
        lost = {"no_party": count}
        tally = tally + Tally(examined=count, unpriced=lost)
    return Outcome(
        pl.concat([outcome.rows, done.rows]),
        (),
        outcome.tally + tally,
        pl.concat([outcome.shares, done.shares]),
    )


def _drew(stored: pl.DataFrame, kept: pl.DataFrame) -> Any:
    """Tell which events drew from a bucket or were counted."""
    moved = kept.filter(pl.col("kind") != "ring").select(_KEY).unique()
    return (
        stored.join(moved.with_columns(pl.lit(value=True).alias("drew")), on=_KEY, how="left", maintain_order="left")[
            "drew"
        ]
        .is_not_null()
        .to_numpy()
    )


def _targets(before: pl.DataFrame, rater: Rater, owners: Any) -> pl.DataFrame:
    """Return events as those of whoever has their number now, by the lists of now."""
    who = rater.subscribers
    pricing = rater.pricing(owners, before["start"].to_numpy())
    reseller = pl.Series("reseller", who.reseller[owners])
    return before.with_columns(
        pl.Series("customer", who.customer[owners]),
        pl.Series("contract", who.contract[owners]),
        pl.Series("subscription", who.subscription[owners]),
        pl.when(reseller != 0).then(reseller).alias("reseller"),
        pl.Series("pricing", who.pricing_keys[pricing], dtype=pl.Int32),
    )


def _tally(done: Settled, before: pl.DataFrame, rates: Rates, rater: Rater) -> Tally:
    """Return the counts: the events that were asked for, and others that changed with them."""
    others = done.changed.join(before, on=_KEY, how="anti").height
    unpriced = done.kept_as_is.join(before, on=_KEY, how="semi").height
    changed = done.changed.height
    new = done.rows.filter(pl.col("version") % 2 == 1)
    old = sums(done.changed, rates)
    now = sums(new, dict(present_rates(rater)))
    moved = done.changed.join(new.select(*_KEY, pl.col("customer").alias("now")), on=_KEY)
    return Tally(
        examined=before.height + others,
        same=before.height + others - changed - unpriced,
        changed=changed,
        moved=moved.filter(pl.col("customer") != pl.col("now")).height,
        unpriced={"no_rate": unpriced} if unpriced else {},
        amounts={name: (old.get(name, 0), now.get(name, 0)) for name in sorted({**old, **now})},
    )


async def released(
    unit: Unit, held: pl.DataFrame, rater: Rater, selection: Selection, *, at: datetime, write: bool
) -> Outcome:
    """Rate events in suspense (``HELD``); those that have a price now, and are asked for, draw and are released."""
    priced = await asyncio.to_thread(priced_held, held, rater)
    chosen = asked_for(held, priced, rater, selection)
    draws = np.append(rater.draws, False)[priced.owners] | await granted_to(unit, rater, priced.owners)
    places = np.flatnonzero(chosen & draws & (priced.owners >= 0))
    if len(places):
        customers = sorted(set(rater.subscribers.customer[priced.owners[places]].tolist()))
        await unit.draws.claim(customers)
        standing = await unit.draws.standing(customers)
        sources = held["source"][pl.Series(places)]
        found = await unit.sources.many(sorted(set(sources.to_list())))
        names = sources.replace_strict({key: one.name for key, one in found.items()}, return_dtype=pl.String)
        drawn = await asyncio.to_thread(draw, rater.book, drawers_of(rater, priced, places, names), standing)
        priced = merged(priced, places, drawn)
        if write:
            await keep_draws(unit, drawn.moved, at=at)
    return await asyncio.to_thread(release, held, priced, rater, chosen)
