"""Past traffic in bulk: of each stored event what rating it by another catalogue needs, and what it came to."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from domain.intake.rater import Rater
from domain.intake.rows import Priced, ring_shares
from domain.rating.layout import PRICED, RATED
from domain.rerating.rerating import Position

# Columns of the table ``usage``; ``start`` is µs since the epoch, of wholesale there is the outermost tier alone.
TRAFFIC: Final = pl.Schema(
    [
        ("start", pl.Int64),
        ("source", pl.Int32),
        ("key", pl.Int64),
        ("version", pl.Int16),
        ("customer", pl.Int64),
        ("mode", pl.String),
        ("direction", pl.Int16),
        ("destination", pl.Int32),
        ("used", pl.Int64),
        ("offset", pl.Int64),
        ("retail_micro", pl.Int64),
        ("retail_rate", pl.Int64),
        ("wholesale_micro", pl.Int64),
        ("wholesale_rate", pl.Int64),
        ("resold", pl.Int8),  # 1: it has tiers of resellers, whether the outermost has a price or not
        ("cost_micro", pl.Int64),
        ("cost_rate", pl.Int64),
        ("a", pl.String),
        ("b", pl.String),
        ("trunk", pl.String),
        ("visited", pl.String),
    ]
)
OUTERMOST: Final = ("wholesale_micro", "wholesale_rate")


def present(rows: pl.DataFrame, *, whole: bool) -> tuple[pl.DataFrame, Position | None]:
    """Return the present versions among rows (``TRAFFIC``, by start, source, key, version), and the last event's place.

    Where the rows are not ``whole``, more versions of the last event may follow: it is left for the next rows. The
    place is None where nothing is left of them.
    """
    if not rows.height:
        return rows, None
    last = np.ones(rows.height, np.bool_)  # of its event
    last[:-1] = False
    for name in ("start", "source", "key"):
        column = rows[name].to_numpy()
        last[:-1] |= column[1:] != column[:-1]
    if not whole:
        last[-1] = False
    ends = np.flatnonzero(last)
    if not len(ends):
        return rows.clear(), None
    place = rows.select("start", "source", "key").row(int(ends[-1]))
    return rows.filter(pl.Series(last & (rows["version"].to_numpy() % 2 == 1))), place


def priced_traffic(traffic: pl.DataFrame, rater: Rater) -> Priced:
    """Rate past traffic (``TRAFFIC``) by the rater's catalogue."""
    out = pl.col("direction") == 0
    frame = traffic.select(
        *("start", "used", "a", "b", "mode", "visited", "offset"),
        pl.lit(value=True).alias("answered"),  # what was not is stored as having used nothing
        pl.when(out).then(pl.lit("out")).otherwise(pl.lit("in")).alias("direction"),
        pl.col("trunk").alias("trunk_in"),
        pl.col("trunk").alias("trunk_out"),
    )
    owners, pricing, events, rated = rater.rate(frame)
    return Priced(
        frame=frame,
        owners=owners,
        pricing=pricing,
        events=events,
        rated=rated,
        keys=traffic["key"].to_numpy(),
        contents=np.zeros(traffic.height, np.int64),
        billed=(rated.status == RATED) & (rated.level_status[0] == PRICED),
        shares=ring_shares(rated, rater.book),
        flagged=np.zeros(traffic.height, np.bool_),
    )
