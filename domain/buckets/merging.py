"""Events as whoever draws for them, and their charges with what drawing said."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl

from domain.buckets.drawing import Drawers, Drawn
from domain.intake.rater import Rater
from domain.intake.rows import Priced
from domain.rating.layout import PRICED, RATED
from domain.rating.rate import Rated
from domain.rating.rolling import SIDES


def drawers_of(rater: Rater, priced: Priced, places: Any, source: str | pl.Series) -> Drawers:
    """Return the events at some places with who draws for them."""
    who = rater.subscribers
    owners = priced.owners[places]
    frame = priced.frame[pl.Series(places)].with_columns(
        pl.lit(source).alias("source") if isinstance(source, str) else source.alias("source")
    )
    contracts = who.contract[owners]
    return Drawers(
        frame=frame,
        subscription=who.subscription[owners],
        contract=contracts,
        customer=who.customer[owners],
        pricing=priced.pricing[places].astype(np.int64),
        pricings=who.pricings,
        terms={int(contract): who.term[owner] for contract, owner in zip(contracts, owners.tolist(), strict=True)},
        slots=rater.parties.slots,
        on_plan=who.on_plan,
        active=who.active_days(who.subscription[owners].tolist()),
    )


def merged(priced: Priced, places: Any, drawn: Drawn) -> Priced:
    """Return events with what drawing said of those at some places."""
    rated, other = priced.rated, drawn.rated
    columns: dict[str, Any] = {}
    for name in (one.name for one in fields(Rated) if one.name not in SIDES):
        array = getattr(rated, name).copy()
        array[..., places] = getattr(other, name)
        columns[name] = array
    both = replace(rated, **columns)
    mine = np.zeros(len(priced.keys), np.bool_)
    mine[places] = True
    rest = priced.shares.filter(pl.Series(~mine[priced.shares["place"].to_numpy()], dtype=pl.Boolean))
    own = drawn.shares.with_columns(pl.Series("place", places[drawn.shares["place"].to_numpy()], dtype=pl.Int64))
    return replace(
        priced,
        rated=both,
        billed=(both.status == RATED) & (both.level_status[0] == PRICED),
        shares=pl.concat([rest, own]),
    )
