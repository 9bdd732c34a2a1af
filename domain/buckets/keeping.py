"""Keeping how a standing moved: with every threshold that a balance crossed by it told once, upwards and downwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from domain.alarms.alarm import SUBJECT_MAX, AlarmState, Raised, Severity
from domain.buckets.standing import Moved
from domain.ports.grants import Crossing
from domain.ports.unit import Unit
from domain.rating.clock import moment_of

KIND: Final = "bucket_threshold"
FULL: Final = 100


def reached(row: Mapping[str, Any]) -> int:
    """Return the highest threshold that a balance has reached, in per cent of what was granted and not given away; 0.

    >>> reached({"granted": 100, "given": 20, "drawn": 64, "thresholds": "50,80,100"})
    80
    """
    whole = row["granted"] - row["given"]
    marks = [int(mark) for mark in row["thresholds"].split(",")] if row["thresholds"] else []
    return max((mark for mark in marks if whole > 0 and row["drawn"] * FULL >= mark * whole), default=0)


def crossed(balances: pl.DataFrame, at: datetime) -> tuple[pl.DataFrame, list[tuple[int, Crossing]]]:
    """Return balances with what they have reached as told, and what they crossed since they were told, by customer."""
    found: list[tuple[int, Crossing]] = []
    told: list[int] = []
    for row in balances.iter_rows(named=True):
        now = reached(row)
        told.append(now)
        if now != row["told"]:
            found += [(row["customer"], one) for one in _between(row, now, at)]
    return balances.with_columns(pl.Series("told", told, dtype=pl.Int16)), found


def _between(row: Mapping[str, Any], now: int, at: datetime) -> Iterable[Crossing]:
    low, high = sorted((row["told"], now))
    up = now > row["told"]
    marks = {int(mark) for mark in row["thresholds"].split(",") if mark} | {high}
    for percent in sorted((mark for mark in marks if low < mark <= high), reverse=not up):
        yield Crossing(
            bucket=row["bucket"],
            owner=row["owner"],
            since=moment_of(row["since"]),
            percent=percent,
            up=up,
            drawn=row["drawn"],
            granted=row["granted"] - row["given"],
            crossed_at=at,
        )


async def keep_draws(unit: Unit, moved: Moved, *, at: datetime) -> None:
    """Write how the standing of claimed customers moved; tell, and raise alarms of, the thresholds that it crossed.

    A threshold is told when it is reached, and again only after the balance has been below it. The alarm is one for
    each balance's bucket and owner; it ends when no threshold is reached any more.
    """
    balances, found = crossed(moved.balances, at)
    await unit.draws.put(replace(moved, balances=balances), at=at)
    if not found:
        return
    await unit.draws.cross(found)
    for _, one in found:
        detail = {
            "bucket": one.bucket,
            "since": one.since.isoformat(),
            "percent": one.percent,
            "drawn": one.drawn,
            "granted": one.granted,
        }
        await unit.audit.write("cross_threshold" if one.up else "fall_below_threshold", one.owner, detail)
    last = {(one.bucket, one.owner): one for _, one in found}
    await unit.alarms.raise_all([_alarm(one) for one in last.values() if one.up], at=at)
    below = {row[:2] for row in balances.filter(pl.col("told") == 0).select("bucket", "owner").rows()}
    above = {row[:2] for row in balances.filter(pl.col("told") > 0).select("bucket", "owner").rows()}
    for place, one in last.items():
        if not one.up and place in below - above:
            await _end(unit, one, at)


def _subject(one: Crossing) -> str:
    return f"{one.bucket} {one.owner}"[:SUBJECT_MAX]


def _alarm(one: Crossing) -> Raised:
    return Raised(
        kind=KIND,
        subject=_subject(one),
        text=f"{one.percent} % of {one.bucket[:200]} of {one.owner} is used",
        severity=Severity.WARNING if one.percent == FULL else Severity.INFO,
        data={
            "bucket": one.bucket,
            "owner": one.owner,
            "since": one.since.isoformat(),
            "percent": one.percent,
            "drawn": one.drawn,
            "granted": one.granted,
        },
    )


async def _end(unit: Unit, one: Crossing, at: datetime) -> None:
    alarm = await unit.alarms.claim_open(KIND, _subject(one))
    if alarm is not None:
        closed = replace(alarm, state=AlarmState.CLOSED, closed_by="system", closed_at=at)
        await unit.alarms.keep(closed)
