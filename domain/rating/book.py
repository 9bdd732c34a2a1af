"""The tariff book: a catalogue compiled into immutable integer arrays, once per publication.

Prefixes become intervals of left-aligned numbers; the rates of a list become, for each mode and direction, a row that
leads from a destination to its entries in the order in which they are tried. Where a list says nothing about a
destination its row repeats the parent's, so the nearest list that says something is found in one access.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np

from domain.catalogue.tariff import ANY, GROUP, HOME, Band, PriceList, Rate, Ring, RoundingRule, Step, Tariff, unit_of
from domain.money import Rounding
from domain.rating import layout as at
from domain.rating.clock import micros, transitions
from domain.rating.flattening import flatten
from domain.rating.intervals import compile_ported, compile_prefixes
from domain.rating.layout import frozen, member_rows, packed, table

KNOWN_MODES: Final = ("voice", "sms", "mms", "data")
DIRECTIONS: Final = ("out", "in")
_UNITS: Final = {"seconds": at.SECONDS, "messages": at.MESSAGES, "kB": at.KB, "money": at.MONEY}
_BY_VOLUME: Final = {"amount": at.BY_AMOUNT, "units": at.BY_UNITS, "events": at.BY_EVENTS}
LEVEL_BITS: Final = {"retail": at.ON_RETAIL, "wholesale": at.ON_WHOLESALE, "cost": at.ON_COST}


@dataclass(frozen=True, slots=True)
class Book:
    """A compiled catalogue. The tuples of names give the meaning of the kernel's indexes."""

    tariff: Tariff
    cells: at.Int64s
    wide: at.Int32s
    destinations: tuple[str, ...]
    lists: tuple[str, ...]
    currencies: tuple[str, ...]
    bands: tuple[str, ...]
    modes: tuple[str, ...]
    countries: tuple[str, ...]
    rings: tuple[str, ...]
    trunks: tuple[str, ...]
    rates: tuple[Rate | None, ...]  # None: the pseudo-rate of a price ring
    rate_ids: at.Int64s  # Rate.id by rate index
    list_ids: at.Int64s
    destination_ids: at.Int64s
    band_ids: at.Int64s
    index: Index


@dataclass(frozen=True, slots=True)
class Index:
    """The way back from names to the kernel's indexes."""

    destination: dict[str, int]
    group: dict[str, int]
    list: dict[str, int]
    currency: dict[str, int]
    mode: dict[str, int]
    country: dict[str, int]
    trunk: dict[str, int]
    zone: dict[str, int]


def unit_code(unit: str) -> int:
    """Return the kernel's number of a unit."""
    return _UNITS[unit]


def since_us(moment: datetime | None) -> int:
    """Return an open or given beginning as µs."""
    return at.BEGIN if moment is None else micros(moment)


def until_us(moment: datetime | None) -> int:
    """Return an open or given end as µs."""
    return at.MAX if moment is None else micros(moment)


def day_number(day: date) -> int:
    """Return days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


class ConditionSets:
    """Distinct any-of conditions as rows of bits; a condition that is None is -1 (holds always)."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[list[int]] = []
        self.found: dict[tuple[str, ...], int] = {}

    def add(self, names: tuple[str, ...] | None, members: Iterable[int] | None) -> int:
        """Return the row of a condition whose members are these columns."""
        if names is None or members is None:
            return -1
        if names not in self.found:
            self.found[names] = len(self.rows)
            self.rows.append(list(members))
        return self.found[names]

    def lacks(self, names: tuple[str, ...] | None) -> bool:
        """Say whether the condition still needs a row."""
        return names is not None and names not in self.found

    def array(self) -> at.Int64s:
        """Return the membership table."""
        return member_rows(self.rows, self.width)


def to_members(book_index: Index, members: dict[str, list[int]], names: tuple[str, ...] | None) -> list[int] | None:
    """Return the destinations a ``to`` condition names; ``*`` also meets an event without a destination (the last)."""
    if names is None:
        return None
    found: set[int] = set()
    for name in names:
        if name == ANY:
            found.update(range(len(book_index.destination) + 1))
        elif name.startswith(GROUP):
            found.update(members[name.removeprefix(GROUP)])
        else:
            found.add(book_index.destination[name])
    return sorted(found)


def zone_members(tariff: Tariff, countries: Sequence[str], names: tuple[str, ...] | None) -> list[int] | None:
    """Return the columns (0 home, 1 + country, the last any other) that a zone condition names."""
    if names is None:
        return None
    found: set[int] = set()
    for name in names:
        if name == ANY:
            found.update(range(len(countries) + 2))
        elif name == HOME:
            found.add(0)
        else:
            found.update(1 + countries.index(country) for country in tariff.zones[name].countries)
    return sorted(found)


def group_members(tariff: Tariff) -> dict[str, list[int]]:
    """Return the destinations (by index) of each group."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for number, destination in enumerate(tariff.destinations.values()):
        for group in destination.groups:
            members[group].append(number)
    return members


def compile_book(tariff: Tariff) -> Book:
    """Compile a catalogue. The parties are compiled apart (``parties.compile_parties``)."""
    members = group_members(tariff)
    lists = tuple(tariff.price_lists)
    inherited = {name: tariff.inherited(name) for name in lists}
    currencies = sorted(
        {p.currency for p in inherited.values() if p.currency} | {b.currency for b in tariff.buckets if b.currency}
    )
    zones = sorted(tariff.zones.values(), key=lambda zone: (zone.rank, zone.name))
    countries = sorted({country for zone in zones for country in zone.countries})
    bands = sorted(tariff.bands.values(), key=lambda band: (band.rank, band.name))
    modes = _modes(tariff)
    index = Index(
        destination={name: n for n, name in enumerate(tariff.destinations)},
        group={name: n for n, name in enumerate(members)},
        list={name: n for n, name in enumerate(lists)},
        currency={name: n for n, name in enumerate(currencies)},
        mode={name: n for n, name in enumerate(modes)},
        country={name: n for n, name in enumerate(countries)},
        trunk={name: n for n, name in enumerate(tariff.trunks)},
        zone={zone.name: n for n, zone in enumerate(zones)},
    )
    band_index = {band.name: n for n, band in enumerate(bands)}
    prices = _Prices(tariff, index, band_index, members)
    for name in _parents_first(tariff):
        prices.add_list(tariff.price_lists[name])
    rings = sorted(tariff.rings, key=lambda ring: (ring.priority, ring.id))
    mode_sets, to_sets = ConditionSets(len(modes)), ConditionSets(len(index.destination) + 1)
    zone_sets = ConditionSets(len(countries) + 2)
    groups: dict[str, int] = {}
    ring_rows = []
    for ring in rings:
        conditions = (
            mode_sets.add(ring.modes, [index.mode[m] for m in ring.modes or ()]),
            to_sets.add(ring.to, to_members(index, members, ring.to)),
            zone_sets.add(ring.zones, zone_members(tariff, countries, ring.zones)),
        )
        ring_rows.append(_ring_row(ring, conditions, groups, band_index, prices))
    zone_names = sorted({plist.zone or "UTC" for plist in inherited.values()})
    prefix_top, starts, nodes = compile_prefixes(tuple(tariff.destinations.values()))
    slots, ported = compile_ported(tariff.ported, index.destination)
    calendars = list(tariff.holidays)
    days = [sorted({day_number(day) for day in tariff.holidays[name]}) for name in calendars]
    moves = [transitions(name) for name in zone_names]
    entries, rates = table(prices.entries, at.ENTRY_WIDTH), table(prices.rates, at.RATE_WIDTH)
    steps, first = table(prices.steps, 4), prices.first_table()
    list_rows = table([_list_row(inherited[n], index, zone_names) for n in lists], at.LIST_WIDTH)
    options, choice = flatten(entries, rates, steps, list_rows, prices.rows, first)
    asks_a = bool((entries[:, at.E_FROM] >= 0).any())
    cells, wide = packed(
        {
            at.TOP: prefix_top,
            at.CHOICE: choice,
            at.FIRST: first,
            at.STARTS: starts,
            at.NODES: nodes,
            at.PORTED_SLOTS: slots,
            at.PORTED: ported,
            at.TARGETS_AT: _offsets([1 + len(d.groups) for d in tariff.destinations.values()]),
            at.TARGETS: np.array(prices.all_targets(), np.int64),
            at.ENTRIES: entries,
            at.RATES: rates,
            at.STEPS: steps,
            at.LISTS: list_rows,
            at.BANDS: table([_band_row(band, calendars) for band in bands], 5),
            at.CLOCK: np.array(sorted({0} | {s % 86_400 * at.SECOND_US for b in bands for s in (b.start, b.end)})),
            at.HOLIDAYS_AT: _offsets([len(d) for d in days]),
            at.HOLIDAYS: np.array([d for ds in days for d in ds], np.int64),
            at.ZONES_AT: _offsets([len(m) for m in moves]),
            at.MOVES: np.array([move for zone_moves in moves for move in zone_moves], np.int64).reshape(-1, 2),
            at.IN_ZONE: _in_zone(countries, [zone.countries for zone in zones]),
            at.MODE_UNITS: np.array([_UNITS[unit_of(mode)] for mode in modes], np.int64),
            at.RINGS: table(ring_rows, 13),
            at.MODE_SETS: mode_sets.array(),
            at.TO_SETS: to_sets.array(),
            at.ZONE_SETS: zone_sets.array(),
            at.ASKS_A: np.array([asks_a], np.int64),
            at.ROWS: prices.rows,
            at.OPTIONS: options,
        },
        at.WIDE,
    )
    return Book(
        tariff=tariff,
        cells=cells,
        wide=wide,
        destinations=tuple(tariff.destinations),
        lists=lists,
        currencies=tuple(currencies),
        bands=tuple(band.name for band in bands),
        modes=modes,
        countries=tuple(countries),
        rings=tuple(ring.id for ring in rings),
        trunks=tuple(tariff.trunks),
        rates=tuple(prices.sources),
        rate_ids=frozen(np.array([rate.id if rate else 0 for rate in prices.sources], np.int64)),
        list_ids=frozen(np.array([tariff.price_lists[n].id for n in lists], np.int64)),
        destination_ids=frozen(np.array([d.id for d in tariff.destinations.values()], np.int64)),
        band_ids=frozen(np.array([band.id for band in bands], np.int64)),
        index=index,
    )


def _modes(tariff: Tariff) -> tuple[str, ...]:
    named = {rate.mode for plist in tariff.price_lists.values() for rate in plist.rates}
    named |= {mode for ring in tariff.rings for mode in ring.modes or ()}
    named |= {mode for bucket in tariff.buckets for mode in bucket.modes or ()}
    return (*KNOWN_MODES, *sorted(named - set(KNOWN_MODES)))


def _parents_first(tariff: Tariff) -> list[str]:
    depth = {name: len(tariff.chain(name)) for name in tariff.price_lists}
    return sorted(depth, key=lambda name: depth[name])


def _offsets(lengths: Sequence[int]) -> at.Int32s:
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int32)


def _in_zone(countries: Sequence[str], zones: Sequence[Sequence[str]]) -> at.Int64s:
    """Return for each visited country (the last: any other) the roaming zones that hold it."""
    of = [[number for number, members in enumerate(zones) if country in members] for country in countries]
    return member_rows([*of, []], len(zones))


def _list_row(plist: PriceList, index: Index, zone_names: list[str]) -> list[int]:
    assert plist.rounding is not None
    return [
        index.list[plist.parent] if plist.parent else -1,
        index.currency[plist.currency] if plist.currency else -1,
        zone_names.index(plist.zone or "UTC"),
        int(plist.band_policy == "split"),
        *_rounding(plist.rounding),
        0,
    ]


def _rounding(rule: RoundingRule) -> tuple[int, int, int]:
    """Return (unit in micro-units, what is added before rounding down, whether half a unit goes to the even one)."""
    unit: int = 10 ** (6 - rule.decimals)
    half = rule.mode in {Rounding.HALF_UP, Rounding.HALF_EVEN}
    bias = unit // 2 if half else unit - 1 if rule.mode == Rounding.UP else 0
    return unit, bias, int(rule.mode == Rounding.HALF_EVEN and unit > 1)


def _band_row(band: Band, calendars: list[str]) -> list[int]:
    return [
        sum(1 << (day - 1) for day in band.days),
        band.start * at.SECOND_US,
        band.end * at.SECOND_US,
        calendars.index(band.except_holidays) if band.except_holidays else -1,
        calendars.index(band.on_holidays) if band.on_holidays else -1,
    ]


def _ring_row(
    ring: Ring, sets: tuple[int, int, int], groups: dict[str, int], bands: dict[str, int], prices: _Prices
) -> list[int]:
    effect = ring.effect
    if effect.percent is not None:
        kind, value = at.BY_PERCENT, effect.percent
    elif effect.per_event is not None:
        kind, value = at.BY_EVENT, effect.per_event
    elif effect.per_minute is not None:
        kind, value = at.BY_MINUTE, effect.per_minute
    else:
        kind, value = at.BY_PRICE, 0
    since, until = since_us(ring.valid_from), until_us(ring.valid_to)
    if ring.volume_period is not None:
        since, until = max(since, micros(ring.volume_period[0])), min(until, micros(ring.volume_period[1]))
    # Money is counted in micro-units, the rest in units: the mark is the first count that reaches it.
    scale = 1_000 if ring.volume_unit == "amount" else 1_000_000_000
    return [
        sum(LEVEL_BITS[level] for level in set(ring.levels)),
        groups.setdefault(ring.exclusive, len(groups)) if ring.exclusive else -1,
        bands[ring.band] if ring.band else -1,
        *sets,
        since,
        until,
        kind,
        value,
        prices.add_rate(Rate(to=ANY, mode="", setup=effect.setup, first=effect.first, steps=effect.price), -1, None)
        if effect.price
        else -1,
        -(-ring.volume_from // scale),
        _BY_VOLUME[ring.volume_unit],
    ]


@dataclass
class _Prices:
    """The rates of all lists on their way into tables."""

    tariff: Tariff
    index: Index
    bands: dict[str, int]
    members: dict[str, list[int]]
    entries: list[list[int]] = field(default_factory=list)
    rates: list[list[int]] = field(default_factory=list)
    steps: list[list[int]] = field(default_factory=list)
    sources: list[Rate | None] = field(default_factory=list)
    made: list[at.Int32s] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = len(self.index.destination)
        self.any = self.count + len(self.index.group)
        self.rows = np.full((len(self.index.list), 2 * len(self.index.mode)), -1, np.int64)
        self.targets = [
            (number, *(self.count + self.index.group[group] for group in destination.groups))
            for number, destination in enumerate(self.tariff.destinations.values())
        ]

    def all_targets(self) -> list[int]:
        """Return the targets of every destination, one after the other."""
        return [target for targets in self.targets for target in targets]

    def first_table(self) -> at.Int32s:
        """Return the rows as one table."""
        return np.array(self.made, np.int32).reshape(len(self.made), self.count + 1)

    def target(self, name: str) -> int:
        """Return the number of what a rate names: a destination, a group or anything."""
        if name == ANY:
            return self.any
        if name.startswith(GROUP):
            return self.count + self.index.group[name.removeprefix(GROUP)]
        return self.index.destination[name]

    def add_rate(self, rate: Rate, plist: int, source: Rate | None) -> int:
        """Append a rate and its steps; return its index."""
        kind, adjust = at.ABSOLUTE, 0
        if rate.adjust is not None and rate.adjust.percent is not None:
            kind, adjust = at.PERCENT, rate.adjust.percent
        elif rate.adjust is not None:
            kind, adjust = at.AMOUNT, rate.adjust.amount or 0
        limits = [-1 if limit is None else limit for limit in (rate.min_charge, rate.max_charge)]
        front = _step_row(rate.steps[0])[1:] if rate.steps else [1, 0, 1]
        row = [
            rate.setup,
            rate.first,
            len(self.steps),
            len(rate.steps),
            *front,
            int(rate.grace > 0 or limits != [-1, -1]),
        ]
        row += [plist, kind, adjust, rate.grace, *limits, self.bands[rate.band] if rate.band else -1, 0]
        self.rates.append(row)
        self.steps += [_step_row(step) for step in rate.steps]
        self.sources.append(source)
        return len(self.rates) - 1

    def add_list(self, plist: PriceList) -> None:
        """Compile one list, after its parent."""
        number = self.index.list[plist.name]
        if plist.parent:
            self.rows[number] = self.rows[self.index.list[plist.parent]]
        by_use: defaultdict[int, defaultdict[int, list[list[int]]]] = defaultdict(lambda: defaultdict(list))
        for rate in plist.rates:
            entry = self._entry(rate, self.add_rate(rate, number, rate))
            use = 2 * self.index.mode[rate.mode] + DIRECTIONS.index(rate.direction)
            by_use[use][self.target(rate.to)].append(entry)
        for use, by_target in by_use.items():
            above = self.rows[number, use]
            row = np.full(self.count + 1, -1, np.int32) if above < 0 else self.made[above].copy()
            self._fill(row, by_target)
            self.rows[number, use] = len(self.made)
            self.made.append(row)

    def _entry(self, rate: Rate, index: int) -> list[int]:
        zone = at.HOME_ONLY if rate.zone is None else at.ANYWHERE if rate.zone == ANY else self.index.zone[rate.zone]
        origin = -1 if rate.origin is None else self.target(rate.origin)
        band = self.bands[rate.band] if rate.band else -1
        flags = 0 if rate.adjust is None else at.ADJUSTS
        return [
            index,
            self.rates[index][at.R_LIST],
            flags,
            origin,
            zone,
            band,
            since_us(rate.valid_from),
            until_us(rate.valid_to),
        ]

    def _fill(self, row: at.Int32s, by_target: dict[int, list[list[int]]]) -> None:
        """Give every destination that the list names, itself, by a group or by ``*``, its block of entries."""
        blocks: dict[tuple[int, ...], int] = {}
        if self.any in by_target:
            row[:] = self._block((self.any,), by_target, blocks)
        touched = {target for target in by_target if target < self.count}
        for target in by_target:
            if self.count <= target < self.any:
                touched.update(self._group_members[target - self.count])
        for destination in touched:
            asked = tuple(target for target in self.targets[destination] if target in by_target)
            if self.any in by_target:
                asked += (self.any,)
            row[destination] = self._block(asked, by_target, blocks)

    @property
    def _group_members(self) -> list[list[int]]:
        return list(self.members.values())

    def _block(
        self, asked: tuple[int, ...], by_target: dict[int, list[list[int]]], blocks: dict[tuple[int, ...], int]
    ) -> int:
        if asked in blocks:
            return blocks[asked]
        blocks[asked] = len(self.entries)
        for rank, target in enumerate(asked):
            found = sorted(by_target[target], key=self._order)
            flags = at.HAS_FROM if any(entry[at.E_FROM] >= 0 for entry in found) else 0
            for entry in found:
                made = entry.copy()
                made[at.E_FLAGS] |= flags | rank << at.RANK_SHIFT
                self.entries.append(made)
        self.entries[-1][at.E_FLAGS] |= at.LAST
        return blocks[asked]

    def _order(self, entry: list[int]) -> tuple[int, int]:
        """Return the place among rates of one ``to`` and ``from``: named zones, home, anywhere; bands, then none."""
        zone, band = entry[at.E_ZONE], entry[at.E_BAND]
        named = len(self.index.zone)
        place = zone if zone >= 0 else named if zone == at.HOME_ONLY else named + 1
        return place, band if band >= 0 else at.MAX


def _step_row(step: Step) -> list[int]:
    return [step.start, step.next, step.price, step.per]
