"""Draw for the events of a chunk, inside the transaction that writes it: what is left is claimed, given and moved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl

from domain.buckets.drawing import Drawn, draw
from domain.buckets.keeping import keep_draws
from domain.buckets.merging import drawers_of, merged
from domain.buckets.standing import Moved, Standing, as_reversed
from domain.intake.chunks import Prepared, met
from domain.intake.rater import Rater
from domain.intake.rows import MOMENT, SHARE_ROWS, usage_table
from domain.ports.unit import Unit

_MOVES: Final = ("bucket", "volume")


async def draw_chunk(
    unit: Unit, made: Prepared, known: pl.DataFrame, source: str, *, at: datetime, undone: pl.DataFrame | None = None
) -> tuple[Prepared, pl.DataFrame]:
    """Return the chunk with the charges of those who draw, and rows of ``SHARE_ROWS`` of what it takes back.

    Only events that are not ``known`` draw. ``undone``: reversals (``STORED``) that the chunk writes; what those events
    drew is given back first, and what came after them will be drawn again. Where nobody draws nothing is asked of
    the database.
    """
    back = SHARE_ROWS.to_frame()
    returned = None
    if undone is not None and undone.height:
        gone = undone.select("start", "source", "key", (pl.col("version") - 1).cast(pl.Int16))
        returned = await unit.draws.shares(gone)
        back = _rows(as_reversed(returned))
        returned = returned.filter(pl.col("kind").is_in(_MOVES))
    places = _drawing(made, known, await granted_to(unit, made.rater, made.priced.owners))
    if not len(places) and (returned is None or not returned.height):
        return made, back
    owners = made.priced.owners[places]
    customers = set(made.rater.subscribers.customer[owners].tolist())
    if returned is not None:
        customers |= set(returned["customer"].to_list())
    await unit.draws.claim(sorted(customers))
    standing = await unit.draws.standing(sorted(customers))
    if returned is not None and returned.height:
        standing = standing.returned(returned)
    if not len(places):
        none = Standing.none()
        moved = Moved(none.balances, none.losses, none.volumes, none.lasts)
    else:
        drawers = drawers_of(made.rater, made.priced, places, source)
        drawn = await asyncio.to_thread(draw, made.rater.book, drawers, standing)
        moved = drawn.moved
        made = await asyncio.to_thread(_with, made, places, drawn)
    if returned is not None and returned.height:
        moved = moved.over(standing)
    await keep_draws(unit, moved, at=at)
    if returned is not None and returned.height:
        await unit.draws.disturb(returned["subscription"].unique().to_list())
    return made, back


async def granted_to(unit: Unit, rater: Rater, owners: Any) -> Any:
    """Tell of events whose they are whether anything was granted to their customers beside plans."""
    if not rater.book.tariff.buckets or not len(owners):
        return np.zeros(len(owners), np.bool_)
    customers = np.append(rater.subscribers.customer, 0)[owners]
    found = await unit.draws.granted(np.unique(customers).tolist())
    return np.isin(customers, found)


def _drawing(made: Prepared, known: pl.DataFrame, granted: Any) -> Any:
    """Return the places of the events whose owners draw, and that are not known."""
    priced, draws = made.priced, made.rater.draws
    if not draws.any() and not granted.any():
        return np.empty(0, np.int64)
    mine = (np.append(draws, False)[priced.owners] | granted) & (priced.events.bad == 0) & (priced.owners >= 0)
    if mine.any():
        same, conflicting = met(made, known)
        mine &= ~(same | conflicting)
    return np.flatnonzero(mine)


def _with(made: Prepared, places: Any, drawn: Drawn) -> Prepared:
    priced = merged(made.priced, places, drawn)
    return replace(made, priced=priced, usage=usage_table(priced, made.rater))


def _rows(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.with_columns(pl.col("start").cast(MOMENT), pl.col("since").cast(MOMENT)).select(SHARE_ROWS.names())
