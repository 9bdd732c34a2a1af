"""What there is to draw again, read from the stores for customers that are claimed."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from domain.buckets.settling import Open
from domain.intake.rater import Rater
from domain.ports.unit import Unit
from domain.rerating.comparing import rate_keys


async def open_draws(
    unit: Unit, rater: Rater, customers: Sequence[int], selected: tuple[pl.DataFrame, pl.DataFrame] | None = None
) -> Open:
    """Return everything of claimed customers that may be drawn again.

    ``selected``: events besides those that are not settled, as they are to be rated and as they are stored.
    """
    stored = before = await unit.draws.unsettled(customers)
    if selected is not None:
        key = ["start", "source", "key"]
        stored = pl.concat([selected[0], stored.join(selected[0], on=key, how="anti")])
        before = pl.concat([selected[1], before.join(selected[1], on=key, how="anti")])
    who = rater.subscribers
    terms = dict(zip(who.contract.tolist(), who.term, strict=True))
    names = await unit.sources.many(sorted(set(stored["source"].to_list())))
    keys = {*stored["pricing"].to_list(), *before["pricing"].to_list()}
    return Open(
        stored=stored,
        before=before,
        kept=await unit.draws.shares(before),
        standing=await unit.draws.standing(customers),
        pricings=await unit.draws.pricings(sorted(keys)),
        sources={key: one.name for key, one in names.items()},
        terms=terms,
        rates=await unit.reratings.rates(rate_keys(before)),
        on_plan=who.on_plan,
        active=who.active_days(stored["subscription"].to_list()),
    )
