"""What would have been drawn: events of a past period by another catalogue, from full buckets, nothing of it stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from domain.buckets.drawing import draw
from domain.buckets.merging import drawers_of, merged
from domain.buckets.standing import Standing
from domain.intake.rater import Rater
from domain.intake.rows import Priced


@dataclass(slots=True)
class Supposed:
    """A standing that begins with nothing drawn, and moves with chunks of events that come in the order of time."""

    standing: Standing = field(default_factory=Standing.none)

    def drawn(self, priced: Priced, rater: Rater) -> Priced:
        """Return a chunk's events with what they draw. Of two with one start and offset the lower key is first."""
        draws = np.append(rater.draws, False)[priced.owners] & (priced.events.bad == 0)
        places = np.flatnonzero(draws)
        if not len(places):
            return priced
        named = priced.frame.with_columns(
            pl.Series("ref", priced.keys).cast(pl.String).str.zfill(20), pl.lit("").alias("leg")
        )
        drawers = drawers_of(rater, replace(priced, frame=named), places, "")
        found = draw(rater.book, drawers, self.standing)
        self.standing = self.standing.after(found.moved)
        return merged(priced, places, found)
