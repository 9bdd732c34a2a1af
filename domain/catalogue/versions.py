"""Versions of rates: what ends and what begins when a price comes into force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from domain.catalogue.tariff import Rate

Selector: TypeAlias = tuple[str, str | None, str, str, str | None, str | None]


def put(present: Iterable[Rate], new: Sequence[Rate], valid_from: datetime) -> tuple[list[Rate], list[Rate]]:
    """Return the rates that end and those that begin when each of ``new`` holds from ``valid_from`` on.

    A present rate with the same selector keeps what it holds before ``valid_from`` and after the new one's own end; a
    rate that already is what it should be is left.
    """
    ended: list[Rate] = []
    begun: list[Rate] = []
    standing: dict[Selector, list[Rate]] = {}
    for rate in present:
        standing.setdefault(selector(rate), []).append(rate)
    for one in new:
        wanted = replace(one, valid_from=valid_from, id=0, recorded_at=None)
        alike = standing.get(selector(one), [])
        if any(bare(rate) == wanted for rate in alike):
            continue
        for rate in alike:
            if not _meets(rate, valid_from, wanted.valid_to):
                continue
            ended.append(rate)
            if rate.valid_from is None or rate.valid_from < valid_from:
                begun.append(replace(bare(rate), valid_to=valid_from))
            if wanted.valid_to is not None and (rate.valid_to is None or rate.valid_to > wanted.valid_to):
                begun.append(replace(bare(rate), valid_from=wanted.valid_to))
        begun.append(wanted)
    return ended, begun


def selector(rate: Rate) -> Selector:
    """Return what two rates of a list at one time must not have in common."""
    return rate.to, rate.origin, rate.mode, rate.direction, rate.band, rate.zone


def bare(rate: Rate) -> Rate:
    """Return what a rate says, without its key and when it became known."""
    return replace(rate, id=0, recorded_at=None)


def _meets(rate: Rate, start: datetime, end: datetime | None) -> bool:
    return (rate.valid_to is None or rate.valid_to > start) and (
        end is None or rate.valid_from is None or rate.valid_from < end
    )


def stop(present: Iterable[Rate], selectors: Collection[Selector], at: datetime) -> list[Rate]:
    """Return the rates that are left when those with these selectors hold no longer from ``at`` on."""
    left = []
    for rate in present:
        if selector(rate) not in selectors or (rate.valid_to is not None and rate.valid_to <= at):
            left.append(rate)
        elif rate.valid_from is None or rate.valid_from < at:
            left.append(replace(bare(rate), valid_to=at))
    return left


def put_all(present: Sequence[Rate], new: Sequence[Rate], at: datetime) -> tuple[Rate, ...]:
    """Return the rates of a list in which each of ``new`` holds from its own ``valid_from``, or from ``at``, on.

    What holds there already, at the same price and as long, is left as it is.
    """
    standing = list(present)
    moments: dict[datetime, list[Rate]] = {}
    for rate in new:
        moments.setdefault(rate.valid_from or at, []).append(rate)
    for moment in sorted(moments):
        alike: dict[Selector, list[Rate]] = {}
        for rate in standing:
            alike.setdefault(selector(rate), []).append(rate)
        changed = [one for one in moments[moment] if not _holds(alike.get(selector(one), ()), one, moment)]
        ended, begun = put(standing, changed, moment)
        gone = {id(rate) for rate in ended}
        standing = [rate for rate in standing if id(rate) not in gone] + begun
    return tuple(standing)


def _holds(alike: Iterable[Rate], one: Rate, at: datetime) -> bool:
    said = replace(bare(one), valid_from=None)
    return any(
        (rate.valid_from is None or rate.valid_from <= at) and replace(bare(rate), valid_from=None) == said
        for rate in alike
    )


def whole(present: Sequence[Rate], new: Sequence[Rate], at: datetime) -> tuple[Rate, ...]:
    """Return the rates of a list that from ``at`` on says what ``new`` says and nothing else.

    Selectors of which it says the same as before keep their versions; of the others every version ends at ``at``.
    """
    wanted: dict[Selector, list[Rate]] = {}
    for rate in new:
        if rate.valid_to is None or rate.valid_to > at:
            wanted.setdefault(selector(rate), []).append(_from(rate, at))
    live: dict[Selector, list[Rate]] = {}
    for rate in present:
        if rate.valid_to is None or rate.valid_to > at:
            live.setdefault(selector(rate), []).append(_from(rate, at))
    same = {key for key, rates in live.items() if set(rates) == set(wanted.get(key, ()))}
    begun = [rate for key, rates in wanted.items() if key not in same for rate in rates]
    return (*stop(present, live.keys() - same, at), *begun)


def _from(rate: Rate, at: datetime) -> Rate:
    return replace(bare(rate), valid_from=max(rate.valid_from or at, at))
