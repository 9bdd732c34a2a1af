"""The tariff book: a catalogue compiled into immutable integer arrays, once per publication.

Prefixes become intervals of left-aligned numbers; the rates of a list become, for each mode and direction, a row that
leads from a destination to its entries in the order in which they are tried. Where a list says nothing about a
destination its row repeats the parent's, so the nearest list that says something is found in one access.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from domain.catalogue.tariff import ANY, GROUP, HOME, Band, PriceList, Rate, Ring, RoundingRule, Tariff, unit_of
from domain.money import Rounding
from domain.rating import layout as at
from domain.rating.clock import micros, transitions
from domain.rating.flattening import flatten
from domain.rating.intervals import compile_ported, compile_prefixes
from domain.rating.layout import frozen, member_rows, packed, table
from domain.rating.list_parts import ListPart, Naming, compile_list, join, rate_row, step_row

KNOWN_MODES: Final = ("voice", "sms", "mms", "data")
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
    parts: Parts


@dataclass(frozen=True, slots=True)
class Parts:
    """What a later book may take over from this one where it has not changed."""

    naming: Naming
    lists: Mapping[str, ListPart]
    prefixes: tuple[at.Int32s, at.Int64s, at.Int64s]


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


def compile_book(tariff: Tariff, before: Book | None = None) -> Book:
    """Compile a catalogue. The parties are compiled apart (``parties.compile_parties``).

    ``before``: an earlier book. Its lists and prefixes are taken over where they are the same; the result does not
    depend on it.
    """
    with _without_collecting():
        return _compiled(tariff, before)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let no garbage be looked for: among the rows on their way there is none, and looking doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _compiled(tariff: Tariff, before: Book | None) -> Book:
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
    naming = _naming(tariff, index, members, {band.name: n for n, band in enumerate(bands)})
    parts = _parts(tariff, naming, before)
    joined = join(parts.lists, tariff, naming)
    sources: list[Rate | None] = [rate for name in joined.order for rate in tariff.price_lists[name].rates]
    more_rates: list[list[int]] = []
    more_steps: list[list[int]] = []
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
        own, effect = -1, ring.effect
        if effect.price is not None:
            own = len(joined.rates) + len(more_rates)
            made = Rate(to=ANY, mode="", setup=effect.setup, first=effect.first, steps=effect.price)
            more_rates.append(rate_row(made, len(joined.steps) + len(more_steps), naming))
            more_steps += [step_row(step) for step in effect.price]
        ring_rows.append(_ring_row(ring, conditions, groups, naming.bands, own))
    zone_names = sorted({plist.zone or "UTC" for plist in inherited.values()})
    prefix_top, starts, nodes = parts.prefixes
    slots, ported = compile_ported(tariff.ported, index.destination)
    calendars = list(tariff.holidays)
    days = [sorted({day_number(day) for day in tariff.holidays[name]}) for name in calendars]
    moves = [transitions(name) for name in zone_names]
    entries, first = joined.entries, joined.first
    rates = np.concatenate([joined.rates, table(more_rates, at.RATE_WIDTH)])
    steps = np.concatenate([joined.steps, table(more_steps, at.STEP_WIDTH)])
    list_rows = table([_list_row(inherited[n], index, zone_names) for n in lists], at.LIST_WIDTH)
    options, choice = flatten(entries, rates, steps, list_rows, joined.rows, first)
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
            at.TARGETS: np.array([target for targets in naming.targets for target in targets], np.int64),
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
            at.ROWS: joined.rows,
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
        rates=(*sources, *(None for _ in more_rates)),
        rate_ids=frozen(np.concatenate([joined.ids, np.zeros(len(more_rates), np.int64)])),
        list_ids=frozen(np.array([tariff.price_lists[n].id for n in lists], np.int64)),
        destination_ids=frozen(np.array([d.id for d in tariff.destinations.values()], np.int64)),
        band_ids=frozen(np.array([band.id for band in bands], np.int64)),
        index=index,
        parts=parts,
    )


def _naming(tariff: Tariff, index: Index, members: Mapping[str, list[int]], bands: dict[str, int]) -> Naming:
    count = len(index.destination)
    targets = [
        (number, *(count + index.group[group] for group in destination.groups))
        for number, destination in enumerate(tariff.destinations.values())
    ]
    return Naming(
        destinations=index.destination,
        groups=index.group,
        targets=targets,
        members=list(members.values()),
        modes=index.mode,
        bands=bands,
        zones=index.zone,
    )


def _parts(tariff: Tariff, naming: Naming, before: Book | None) -> Parts:
    """Compile what the book before does not have already."""
    known: Mapping[str, ListPart] = {}
    prefixes = None
    if before is not None:
        if before.tariff.destinations == tariff.destinations:
            prefixes = before.parts.prefixes
        if before.parts.naming == naming:
            earlier = before.tariff.price_lists
            known = {name: part for name, part in before.parts.lists.items() if _same(earlier, tariff, name)}
    return Parts(
        naming=naming,
        lists={
            name: known[name] if name in known else compile_list(plist, naming)
            for name, plist in tariff.price_lists.items()
        },
        prefixes=prefixes or compile_prefixes(tuple(tariff.destinations.values())),
    )


def _same(earlier: Mapping[str, PriceList], tariff: Tariff, name: str) -> bool:
    return name in tariff.price_lists and earlier[name].rates == tariff.price_lists[name].rates


def _modes(tariff: Tariff) -> tuple[str, ...]:
    named = {rate.mode for plist in tariff.price_lists.values() for rate in plist.rates}
    named |= {mode for ring in tariff.rings for mode in ring.modes or ()}
    named |= {mode for bucket in tariff.buckets for mode in bucket.modes or ()}
    return (*KNOWN_MODES, *sorted(named - set(KNOWN_MODES)))


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
    ring: Ring, sets: tuple[int, int, int], groups: dict[str, int], bands: Mapping[str, int], own_rate: int
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
        own_rate,
        -(-ring.volume_from // scale),
        _BY_VOLUME[ring.volume_unit],
    ]
