"""What stood in buckets and counters when a stored event drew, for its explanation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import polars as pl

from domain.buckets.granting import granted_apart
from domain.catalogue.tariff import Party, Tariff
from domain.intake.rows import COST_SLOT
from domain.rating.allowances import allowances, owners
from domain.rating.clock import micros
from domain.rating.rated_event import EventRef
from domain.rating.standing import Standing


def identity(ref: EventRef, version: int) -> pl.DataFrame:
    """Return an event as ``domain.ports.draws.Draws.shares`` asks for it."""
    row = [(ref.start_us, int(ref.source), ref.key, version)]
    schema = {"start": pl.Int64, "source": pl.Int32, "key": pl.Int64, "version": pl.Int16}
    return pl.DataFrame(row, schema=schema, orient="row")


def as_it_stood(
    tariff: Tariff, party: Party, start: datetime, kept: pl.DataFrame, grants: pl.DataFrame
) -> tuple[Tariff, Standing]:
    """Return the tariff of one party with what its buckets granted at an event's start, and what they had then.

    ``kept``: what the event drew and counted (``KEPT``, or ``SHARES``); ``grants``: beside plans (``GRANTS``).
    Of a bucket that gave nothing nothing is known, nor needed.
    """
    had: dict[tuple[str, str, int], int] = {}
    for name, owner, since, amount, remaining in (
        kept.filter(pl.col("kind") == "bucket").select("name", "owner", "since", "amount", "remaining").rows()
    ):
        key = (name, owner, since)
        had[key] = max(had.get(key, 0), (remaining or 0) + amount)
    made, _ = allowances(tariff.buckets, owners(tariff.buckets, [party]), start, start)
    made += granted_apart(grants, tariff.buckets, (party.name, *party.shares), start, start)
    left = {one.bucket.id: had.get((one.definition.id, one.bucket.owner, micros(one.since)), 0) for one in made}
    rings = {one.id: one for one in tariff.rings}
    volumes = {
        (ring, rings[ring].counted_by(party), *_level(slot)): before or 0
        for ring, slot, before in kept.filter(pl.col("kind") == "volume").select("name", "slot", "remaining").rows()
        if ring in rings
    }
    concrete = replace(tariff, parties={party.name: party}, buckets=tuple(one.bucket for one in made))
    return concrete, Standing(left, volumes)


def _level(slot: int) -> tuple[str, int]:
    if slot == COST_SLOT:
        return "cost", 0
    return ("wholesale", slot) if slot else ("retail", 0)
