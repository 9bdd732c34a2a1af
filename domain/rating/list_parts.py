"""The rates of price lists on their way into the book's tables: each list by itself, then laid one behind the other.

What a list compiles to depends on its own rates alone, and on how destinations, modes, bands and zones are numbered.
So a list that is the same as in the book before is taken from there, and publishing one list compiles one list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.catalogue.tariff import ANY, GROUP, PriceList, Rate, Step, Tariff
from domain.rating import layout as at
from domain.rating.clock import micros
from domain.rating.layout import table

DIRECTIONS: Final = ("out", "in")


@dataclass(frozen=True, slots=True)
class Naming:
    """How what rates name is numbered. ``targets``: a destination and its groups, the nearest first."""

    destinations: Mapping[str, int]
    groups: Mapping[str, int]
    targets: Sequence[tuple[int, ...]]
    members: Sequence[Sequence[int]]  # the destinations of each group
    modes: Mapping[str, int]
    bands: Mapping[str, int]
    zones: Mapping[str, int]

    def target(self, name: str) -> int:
        """Return the number of what a rate names: a destination, a group or anything."""
        if name == ANY:
            return self.any
        if name.startswith(GROUP):
            return len(self.destinations) + self.groups[name.removeprefix(GROUP)]
        return self.destinations[name]

    @property
    def any(self) -> int:
        """The number of ``*``."""
        return len(self.destinations) + len(self.groups)


@dataclass(frozen=True, slots=True)
class ListPart:
    """A compiled list. Its rates, steps and entries count from 0; whose they are is written in when they are joined."""

    entries: at.Int64s
    rates: at.Int64s
    steps: at.Int64s
    ids: at.Int64s
    uses: tuple[tuple[int, at.Int64s, at.Int64s, int], ...]  # mode and direction, destinations, their blocks, that of *


@dataclass(frozen=True, slots=True)
class Joined:
    """All lists' tables, in which numbers count through. ``rows``: list · mode and direction → row of ``first``."""

    entries: at.Int64s
    rates: at.Int64s
    steps: at.Int64s
    ids: at.Int64s
    rows: at.Int64s
    first: at.Int32s
    order: tuple[str, ...]  # of the lists, parents first


def rate_row(rate: Rate, first_step: int, naming: Naming) -> list[int]:
    """Return a rate's row, whose list is not written in; its steps begin at ``first_step``."""
    kind, adjust = at.ABSOLUTE, 0
    if rate.adjust is not None and rate.adjust.percent is not None:
        kind, adjust = at.PERCENT, rate.adjust.percent
    elif rate.adjust is not None:
        kind, adjust = at.AMOUNT, rate.adjust.amount or 0
    least, most = -1 if rate.min_charge is None else rate.min_charge, -1 if rate.max_charge is None else rate.max_charge
    following, price, per = 1, 0, 1
    if rate.steps:
        step = rate.steps[0]
        following, price, per = step.next, step.price, step.per
    special = int(rate.grace > 0 or least != -1 or most != -1)
    band = naming.bands[rate.band] if rate.band else -1
    row = [rate.setup, rate.first, first_step, len(rate.steps), following, price, per, special]
    return [*row, -1, kind, adjust, rate.grace, least, most, band, 0]


def step_row(step: Step) -> list[int]:
    """Return a step's row."""
    return [step.start, step.next, step.price, step.per]


def compile_list(plist: PriceList, naming: Naming) -> ListPart:
    """Compile one list by itself."""
    rates: list[list[int]] = []
    steps: list[list[int]] = []
    by_use: defaultdict[int, defaultdict[int, list[list[int]]]] = defaultdict(lambda: defaultdict(list))
    for rate in plist.rates:
        use = 2 * naming.modes[rate.mode] + DIRECTIONS.index(rate.direction)
        by_use[use][naming.target(rate.to)].append(_entry(rate, len(rates), naming))
        rates.append(rate_row(rate, len(steps), naming))
        steps += [step_row(step) for step in rate.steps]
    entries: list[list[int]] = []
    uses = tuple((use, *_blocks(by_target, entries, naming)) for use, by_target in by_use.items())
    return ListPart(
        entries=table(entries, at.ENTRY_WIDTH),
        rates=table(rates, at.RATE_WIDTH),
        steps=table(steps, at.STEP_WIDTH),
        ids=np.array([rate.id for rate in plist.rates], np.int64),
        uses=uses,
    )


def _entry(rate: Rate, index: int, naming: Naming) -> list[int]:
    zone = at.HOME_ONLY if rate.zone is None else at.ANYWHERE if rate.zone == ANY else naming.zones[rate.zone]
    origin = -1 if rate.origin is None else naming.target(rate.origin)
    band = naming.bands[rate.band] if rate.band else -1
    flags = 0 if rate.adjust is None else at.ADJUSTS
    since = at.BEGIN if rate.valid_from is None else micros(rate.valid_from)
    until = at.MAX if rate.valid_to is None else micros(rate.valid_to)
    return [index, -1, flags, origin, zone, band, since, until]


def _blocks(
    by_target: Mapping[int, list[list[int]]], entries: list[list[int]], naming: Naming
) -> tuple[at.Int64s, at.Int64s, int]:
    """Give every destination that the list names, itself, by a group or by ``*``, its block of entries.

    Returns the destinations that it names other than by ``*`` alone, their blocks, and the block of ``*`` or -1.
    """
    count, anything = len(naming.destinations), naming.any
    blocks: dict[tuple[int, ...], int] = {}

    def block(asked: tuple[int, ...]) -> int:
        if asked not in blocks:
            blocks[asked] = len(entries)
            _add_block(asked, by_target, entries, len(naming.zones))
        return blocks[asked]

    last = (anything,) if anything in by_target else ()
    default = block(last) if last else -1
    touched = {target for target in by_target if target < count}
    for target in by_target:
        if count <= target < anything:
            touched.update(naming.members[target - count])
    order = sorted(touched)
    found = [block((*(t for t in naming.targets[number] if t in by_target), *last)) for number in order]
    return np.array(order, np.int64), np.array(found, np.int64), default


def _add_block(
    asked: tuple[int, ...], by_target: Mapping[int, list[list[int]]], entries: list[list[int]], zones: int
) -> None:
    """Append the entries of targets in the order in which they are tried."""
    for rank, target in enumerate(asked):
        own = by_target[target]
        found = sorted(own, key=lambda entry: _order(entry, zones)) if len(own) > 1 else own
        flags = rank << at.RANK_SHIFT
        if any(entry[at.E_FROM] >= 0 for entry in found):
            flags |= at.HAS_FROM
        for entry in found:
            made = entry.copy()
            made[at.E_FLAGS] |= flags
            entries.append(made)
    entries[-1][at.E_FLAGS] |= at.LAST


def _order(entry: list[int], zones: int) -> tuple[int, int]:
    """Return the place among rates of one ``to`` and ``from``: named zones, home, anywhere; bands, then none."""
    zone, band = entry[at.E_ZONE], entry[at.E_BAND]
    place = zone if zone >= 0 else zones if zone == at.HOME_ONLY else zones + 1
    return place, band if band >= 0 else at.MAX


def parents_first(tariff: Tariff) -> tuple[str, ...]:
    """Return the lists' names, no child before its parent."""
    depth = {name: len(tariff.chain(name)) for name in tariff.price_lists}
    return tuple(sorted(depth, key=lambda name: depth[name]))


def join(parts: Mapping[str, ListPart], tariff: Tariff, naming: Naming) -> Joined:
    """Lay the lists' tables one behind the other. Where a list says nothing its row repeats its parent's."""
    order, count = parents_first(tariff), len(naming.destinations)
    numbers = {name: number for number, name in enumerate(tariff.price_lists)}
    rows = np.full((len(numbers), 2 * len(naming.modes)), -1, np.int64)
    made: list[at.Int32s] = []
    entries_before = rates_before = steps_before = 0
    tables: tuple[list[at.Int64s], ...] = ([], [], [], [])
    for name in order:
        part, number, parent = parts[name], numbers[name], tariff.price_lists[name].parent
        entries, rates = part.entries.copy(), part.rates.copy()
        entries[:, at.E_RATE] += rates_before
        entries[:, at.E_LIST], rates[:, at.R_LIST] = number, number
        rates[:, at.R_STEP] += steps_before
        if parent:
            rows[number] = rows[numbers[parent]]
        for use, destinations, blocks, default in part.uses:
            above = rows[number, use]
            row = np.full(count + 1, -1, np.int32) if above < 0 else made[above].copy()
            if default >= 0:
                row[:] = default + entries_before
            row[destinations] = blocks + entries_before
            rows[number, use] = len(made)
            made.append(row)
        for into, one in zip(tables, (entries, rates, part.steps, part.ids), strict=True):
            into.append(one)
        entries_before, rates_before = entries_before + len(entries), rates_before + len(rates)
        steps_before += len(part.steps)
    widths = (at.ENTRY_WIDTH, at.RATE_WIDTH, at.STEP_WIDTH)
    entries, rates, steps = (
        np.concatenate([np.empty((0, width), np.int64), *one]) for width, one in zip(widths, tables, strict=False)
    )
    return Joined(
        entries=entries,
        rates=rates,
        steps=steps,
        ids=np.concatenate([np.empty(0, np.int64), *tables[3]]),
        rows=rows,
        first=np.array(made, np.int32).reshape(len(made), count + 1),
        order=order,
    )
