"""Discount rings on their way into the book's tables; the price of a price ring becomes a rate of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.catalogue.tariff import ANY, Rate, Ring
from domain.rating import layout as at
from domain.rating.clock import micros
from domain.rating.conditions import Conditions
from domain.rating.layout import table
from domain.rating.list_parts import Naming, rate_row, step_row

RING_WIDTH: Final = 13
LEVEL_BITS: Final = {"retail": at.ON_RETAIL, "wholesale": at.ON_WHOLESALE, "cost": at.ON_COST}
_BY_VOLUME: Final = {"amount": at.BY_AMOUNT, "units": at.BY_UNITS, "events": at.BY_EVENTS}


@dataclass(frozen=True, slots=True)
class RingRows:
    """Compiled rings, in the order in which they act; ``rates`` and ``steps`` go behind those of the lists."""

    names: tuple[str, ...]
    rings: at.Int64s
    rates: at.Int64s
    steps: at.Int64s


def in_order(rings: Iterable[Ring]) -> list[Ring]:
    """Return rings as they act one after the other; that order numbers them."""
    return sorted(rings, key=lambda ring: (ring.priority, ring.id))


def compile_rings(
    rings: Iterable[Ring], conditions: Conditions, naming: Naming, *, rates_before: int, steps_before: int
) -> RingRows:
    """Compile rings. ``rates_before``, ``steps_before``: how many of the lists' stand before theirs."""
    groups: dict[str, int] = {}  # of rings that exclude each other
    rows: list[list[int]] = []
    rates: list[list[int]] = []
    steps: list[list[int]] = []
    ordered = in_order(rings)
    for ring in ordered:
        own, effect = -1, ring.effect
        if effect.price is not None:
            own = rates_before + len(rates)
            made = Rate(to=ANY, mode="", setup=effect.setup, first=effect.first, steps=effect.price)
            rates.append(rate_row(made, steps_before + len(steps), naming))
            steps += [step_row(step) for step in effect.price]
        since, until = _validity(ring)
        # Money is counted in micro-units, the rest in units: the mark is the first count that reaches it.
        scale = 1_000 if ring.volume_unit == "amount" else 1_000_000_000
        rows.append(
            [
                sum(LEVEL_BITS[level] for level in set(ring.levels)),
                groups.setdefault(ring.exclusive, len(groups)) if ring.exclusive else -1,
                naming.bands[ring.band] if ring.band else -1,
                *conditions.rows(ring.modes, ring.to, ring.zones),
                since,
                until,
                *_effect(ring),
                own,
                -(-ring.volume_from // scale),
                _BY_VOLUME[ring.volume_unit],
            ]
        )
    return RingRows(
        names=tuple(ring.id for ring in ordered),
        rings=table(rows, RING_WIDTH),
        rates=table(rates, at.RATE_WIDTH),
        steps=table(steps, at.STEP_WIDTH),
    )


def _effect(ring: Ring) -> tuple[int, int]:
    """Return the kind of what a ring does, and its value."""
    effect = ring.effect
    if effect.percent is not None:
        return at.BY_PERCENT, effect.percent
    if effect.per_event is not None:
        return at.BY_EVENT, effect.per_event
    if effect.per_minute is not None:
        return at.BY_MINUTE, effect.per_minute
    return at.BY_PRICE, 0


def _validity(ring: Ring) -> tuple[int, int]:
    """Return since and until when a ring holds (µs)."""
    since, until = _us(ring.valid_from, at.BEGIN), _us(ring.valid_to, at.MAX)
    if ring.volume_period is not None:
        since, until = max(since, micros(ring.volume_period[0])), min(until, micros(ring.volume_period[1]))
    return since, until


def _us(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else micros(moment)
