"""Stored events as columns, and the events that the kernel takes made from them."""

from __future__ import annotations

from typing import Final

import polars as pl

from domain.intake.rater import Rater
from domain.intake.rows import MOMENT, Priced, flagged, ring_shares
from domain.mediation.events import EVENT_SCHEMA
from domain.rating.layout import PRICED, RATED

LONGS: Final = pl.List(pl.Int64)
# The columns of the table ``usage`` but operator and chunk; ``start`` is µs since the epoch.
STORED: Final = pl.Schema(
    [
        ("start", pl.Int64),
        ("source", pl.Int32),
        ("key", pl.Int64),
        ("version", pl.Int16),
        ("record", pl.Int64),
        ("customer", pl.Int64),
        ("contract", pl.Int64),
        ("subscription", pl.Int64),
        ("reseller", pl.Int64),
        ("pricing", pl.Int32),
        ("mode", pl.String),
        ("direction", pl.Int16),
        ("destination", pl.Int32),
        ("used", pl.Int64),
        ("billed", pl.Int64),
        ("offset", pl.Int64),
        ("retail_micro", pl.Int64),
        ("retail_rate", pl.Int64),
        ("wholesale_micro", LONGS),
        ("wholesale_rate", LONGS),
        ("cost_micro", pl.Int64),
        ("cost_rate", pl.Int64),
        ("content", pl.Int64),
        ("reference", pl.String),
        ("leg", pl.String),
        ("a", pl.String),
        ("b", pl.String),
        ("trunk", pl.String),
        ("cause", pl.String),
        ("visited", pl.String),
    ]
)
# Unrated events in suspense. ``event``: JSON of ``EVENT_SCHEMA`` with times in ISO 8601.
HELD: Final = pl.Schema({"id": pl.Int64, "source": pl.Int32, "event": pl.String, "key": pl.Int64, "content": pl.Int64})


def events_of(stored: pl.DataFrame) -> pl.DataFrame:
    """Return stored events (``STORED``) as a frame of ``EVENT_SCHEMA``, with their ``subscription``.

    What was not kept is null.
    """
    out = pl.col("direction") == 0
    frame = stored.select(
        pl.lit("").alias("source"),
        pl.col("reference").alias("ref"),
        *("leg", "start"),
        pl.lit(None).alias("seized"),
        "used",
        pl.lit(value=True).alias("answered"),  # what was not is stored as having used nothing
        *("a", "b"),
        pl.lit(None).alias("c"),
        "mode",
        pl.when(out).then(pl.lit("out")).otherwise(pl.lit("in")).alias("direction"),
        pl.when(~out).then("trunk").alias("trunk_in"),
        pl.when(out).then("trunk").alias("trunk_out"),
        *("cause", "visited", "offset"),
        pl.lit(None).alias("session"),
        pl.lit([], pl.List(pl.String)).alias("flags"),
        pl.col("record").alias("raw_line"),
    )
    return frame.cast(dict(EVENT_SCHEMA)).with_columns(stored["subscription"])  # type: ignore[arg-type]  # a mapping of names to types


def priced_again(stored: pl.DataFrame, rater: Rater) -> Priced:
    """Rate stored events; keys and contents stay as they are."""
    return _priced(events_of(stored), stored, rater)


def priced_held(held: pl.DataFrame, rater: Rater) -> Priced:
    """Rate events in suspense (``HELD``) as the import would have."""
    shape = pl.Struct({**EVENT_SCHEMA, "start": pl.String, "seized": pl.String})
    read = held.select(pl.col("event").str.json_decode(shape)).unnest("event")
    moments = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC").dt.epoch("us")
        for name in ("start", "seized")
    ]
    frame = read.with_columns(moments).cast(dict(EVENT_SCHEMA))  # type: ignore[arg-type]  # as above
    return _priced(frame, held, rater)


def _priced(frame: pl.DataFrame, kept: pl.DataFrame, rater: Rater) -> Priced:
    owners, pricing, events, rated = rater.rate(frame)
    return Priced(
        frame=frame,
        owners=owners,
        pricing=pricing,
        events=events,
        rated=rated,
        keys=kept["key"].to_numpy(),
        contents=kept["content"].to_numpy(),
        billed=(rated.status == RATED) & (rated.level_status[0] == PRICED),
        shares=ring_shares(rated, rater.book),
        flagged=flagged(frame),
    )


def written(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of ``STORED`` with the start as the table has it."""
    return rows.with_columns(pl.from_epoch("start", time_unit="us").cast(MOMENT))
