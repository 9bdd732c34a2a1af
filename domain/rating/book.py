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
from datetime import date
from typing import Final

import numpy as np

from domain.catalogue.tariff import (
    DAY_SECONDS,
    Band,
    Destination,
    PriceList,
    Rate,
    RoundingRule,
    Tariff,
    Zone,
    unit_of,
)
from domain.money import Rounding
from domain.rating import layout as at
from domain.rating.clock import transitions
from domain.rating.conditions import Conditions
from domain.rating.flattening import flatten
from domain.rating.intervals import compile_ported, compile_prefixes
from domain.rating.layout import frozen, member_rows, packed, table
from domain.rating.list_parts import Joined, ListPart, Naming, compile_list, join
from domain.rating.ring_rows import RingRows, compile_rings

KNOWN_MODES: Final = ("voice", "sms", "mms", "data")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_UNITS: Final = {"seconds": at.SECONDS, "messages": at.MESSAGES, "kB": at.KB, "money": at.MONEY}


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


@dataclass(frozen=True, slots=True)
class _Named:
    """What a catalogue names, each kind in the order of the kernel's indexes. ``inherited``: lists as they hold."""

    inherited: Mapping[str, PriceList]
    currencies: Sequence[str]
    zones: Sequence[Zone]
    countries: Sequence[str]
    bands: Sequence[Band]
    modes: Sequence[str]
    index: Index
    naming: Naming
    clocks: Sequence[str]  # the time zones that lists are in


def _named(tariff: Tariff) -> _Named:
    members: defaultdict[str, list[int]] = defaultdict(list)  # the destinations of each group
    for number, destination in enumerate(tariff.destinations.values()):
        for group in destination.groups:
            members[group].append(number)
    inherited = {name: tariff.inherited(name) for name in tariff.price_lists}
    currencies = sorted(
        {p.currency for p in inherited.values() if p.currency} | {b.currency for b in tariff.buckets if b.currency}
    )
    zones = sorted(tariff.zones.values(), key=lambda zone: (zone.rank, zone.name))
    countries = sorted({country for zone in zones for country in zone.countries})
    bands = sorted(tariff.bands.values(), key=lambda band: (band.rank, band.name))
    modes = _modes(tariff)
    index = Index(
        destination=_numbered(tariff.destinations),
        group=_numbered(members),
        list=_numbered(inherited),
        currency=_numbered(currencies),
        mode=_numbered(modes),
        country=_numbered(countries),
        trunk=_numbered(tariff.trunks),
        zone=_numbered(zone.name for zone in zones),
    )
    naming = _naming(tariff, index, members, _numbered(band.name for band in bands))
    clocks = sorted({plist.zone or "UTC" for plist in inherited.values()})
    return _Named(inherited, currencies, zones, countries, bands, modes, index, naming, clocks)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _compiled(tariff: Tariff, before: Book | None) -> Book:
    named = _named(tariff)
    parts = _parts(tariff, named.naming, before)
    joined = join(parts.lists, tariff, named.naming)
    conditions = Conditions(tariff, named.naming, named.index.country)
    rings = compile_rings(
        tariff.rings, conditions, named.naming, rates_before=len(joined.rates), steps_before=len(joined.steps)
    )
    sections = {**_of_catalogue(tariff, named, parts), **_of_prices(named, joined, rings)}
    mode_sets, to_sets, zone_sets = conditions.arrays()
    sections |= {at.MODE_SETS: mode_sets, at.TO_SETS: to_sets, at.ZONE_SETS: zone_sets}
    cells, wide = packed(sections, at.WIDE)
    rates = [rate for name in joined.order for rate in tariff.price_lists[name].rates]
    return Book(
        tariff=tariff,
        cells=cells,
        wide=wide,
        destinations=tuple(tariff.destinations),
        lists=tuple(tariff.price_lists),
        currencies=tuple(named.currencies),
        bands=tuple(band.name for band in named.bands),
        modes=tuple(named.modes),
        countries=tuple(named.countries),
        rings=rings.names,
        trunks=tuple(tariff.trunks),
        rates=(*rates, *(None for _ in rings.rates)),
        rate_ids=frozen(np.concatenate([joined.ids, np.zeros(len(rings.rates), np.int64)])),
        list_ids=_ids(tariff.price_lists.values()),
        destination_ids=_ids(tariff.destinations.values()),
        band_ids=_ids(named.bands),
        index=named.index,
        parts=parts,
    )


def _ids(things: Iterable[PriceList | Destination | Band]) -> at.Int64s:
    made: at.Int64s = frozen(np.array([one.id for one in things], np.int64))
    return made


def _of_catalogue(tariff: Tariff, named: _Named, parts: Parts) -> dict[int, at.Int64s | at.Int32s]:
    """Return the sections that say where a number leads and when a band holds."""
    prefix_top, starts, nodes = parts.prefixes
    slots, ported = compile_ported(tariff.ported, named.index.destination)
    calendars = list(tariff.holidays)
    days = [sorted({day.toordinal() - _EPOCH for day in tariff.holidays[name]}) for name in calendars]
    moves = [transitions(name) for name in named.clocks]
    edges = {0} | {second % DAY_SECONDS * at.SECOND_US for band in named.bands for second in (band.start, band.end)}
    return {
        at.TOP: prefix_top,
        at.STARTS: starts,
        at.NODES: nodes,
        at.PORTED_SLOTS: slots,
        at.PORTED: ported,
        at.TARGETS_AT: _offsets([1 + len(d.groups) for d in tariff.destinations.values()]),
        at.TARGETS: np.array([target for targets in named.naming.targets for target in targets], np.int64),
        at.BANDS: table([_band_row(band, calendars) for band in named.bands], 5),
        at.CLOCK: np.array(sorted(edges), np.int64),
        at.HOLIDAYS_AT: _offsets([len(d) for d in days]),
        at.HOLIDAYS: np.array([d for ds in days for d in ds], np.int64),
        at.ZONES_AT: _offsets([len(m) for m in moves]),
        at.MOVES: np.array([move for zone_moves in moves for move in zone_moves], np.int64).reshape(-1, 2),
        at.IN_ZONE: _in_zone(named.countries, [zone.countries for zone in named.zones]),
        at.MODE_UNITS: np.array([_UNITS[unit_of(mode)] for mode in named.modes], np.int64),
    }


def _of_prices(named: _Named, joined: Joined, rings: RingRows) -> dict[int, at.Int64s | at.Int32s]:
    """Return the sections that say what something costs: lists with their rates, and rings."""
    rates = np.concatenate([joined.rates, rings.rates])
    steps = np.concatenate([joined.steps, rings.steps])
    lists = table([_list_row(plist, named) for plist in named.inherited.values()], at.LIST_WIDTH)
    options, choice = flatten(joined.entries, rates, steps, lists, joined.rows, joined.first)
    return {
        at.CHOICE: choice,
        at.FIRST: joined.first,
        at.ENTRIES: joined.entries,
        at.RATES: rates,
        at.STEPS: steps,
        at.LISTS: lists,
        at.RINGS: rings.rings,
        at.ASKS_A: np.array([bool((joined.entries[:, at.E_FROM] >= 0).any())], np.int64),
        at.ROWS: joined.rows,
        at.OPTIONS: options,
    }


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


def _list_row(plist: PriceList, named: _Named) -> list[int]:
    assert plist.rounding is not None
    return [
        named.index.list[plist.parent] if plist.parent else -1,
        named.index.currency[plist.currency] if plist.currency else -1,
        named.clocks.index(plist.zone or "UTC"),
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
