"""Sources that give their events one name (``map.source``): exports of one switch, whose records may be the same."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import polars as pl

from domain.ids import SourceId
from domain.intake.chunks import Prepared, taken_back
from domain.mediation.files import Source
from domain.ports.intake import ELSEWHERE
from domain.ports.unit import Unit


def event_source(profile: str) -> str | None:
    r"""Return the source that a profile gives to its events by ``map.source``, None where it does not say one.

    Profiles that merely have the same name are of different switches.

    >>> event_source('name = "a"\nreader = "asterisk"\n[map]\nsource = "=switch-1"\n'), event_source("asterisk")
    ('switch-1', None)
    """
    if "=" not in profile:
        return None
    mapped = tomllib.loads(profile).get("map", {}).get("source")
    return mapped[1:] if isinstance(mapped, str) and mapped.startswith("=") else None


def twins_of(source: Source, others: Sequence[Source]) -> tuple[SourceId, ...]:
    """Return the other sources whose events have the same name, and so may be the same."""
    if len(others) < 2:
        return ()
    own = event_source(source.profile)
    return tuple(
        one.id for one in others if own is not None and one.id != source.id and event_source(one.profile) == own
    )


async def lock_with(unit: Unit, source: SourceId, twins: Sequence[SourceId]) -> None:
    """Lock a source's sessions, and those of the first of its twins before: who writes for one of them waits there."""
    for one in sorted({source, min((source, *twins))}):
        await unit.sessions.lock(one)


async def known_to(unit: Unit, source: SourceId, twins: Sequence[SourceId], made: Prepared) -> pl.DataFrame:
    """Return what is kept around a chunk's events, of their source and of its twins (``KNOWN``)."""
    starts, keys = made.priced.events.start, made.priced.keys
    known = await unit.intake.known(source, starts, keys)
    for twin in twins:
        theirs = await unit.intake.known(twin, starts, keys)
        if theirs.height:  # what was taken back there says nothing of here
            holds = theirs.join(taken_back(theirs), on=["start", "key"], how="anti")
            # Nor does what was taken back here say that it is not there.
            known = pl.concat([known, holds.with_columns(version=pl.lit(ELSEWHERE, pl.Int64))])
    return known
