"""Parties compiled against a book: their lists, rings and buckets as arrays. A party's index is its position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.catalogue.tariff import Bucket, Party
from domain.rating import layout as at
from domain.rating.allowances import Roll
from domain.rating.book import (
    LEVEL_BITS,
    Book,
    ConditionSets,
    group_members,
    to_members,
    unit_code,
    zone_members,
)
from domain.rating.clock import micros
from domain.rating.layout import frozen, packed, table
from domain.rating.list_parts import DIRECTIONS
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True)
class Parties:
    """Compiled parties. ``stateful`` says of each whether its events must be rated in order."""

    cells: at.Int64s
    money: at.Bytes  # of each bucket, whether it holds money
    names: tuple[str, ...]
    buckets: tuple[str, ...]
    allowances: at.Int64s  # what each bucket, then each cap, begins with: units, or micro-units of money
    counters: int  # cells of volume state
    stateful: at.Bytes
    any_stateful: bool
    slots: int  # levels of an event: retail, the most tiers any party has, cost
    rings_max: int
    buckets_max: int
    rolls: tuple[tuple[int, int, tuple[int, ...]], ...] = ()  # at (µs), cap, buckets; in the order of time
    caps: tuple[tuple[int, str], ...] = ()  # (bucket, party) of each cell of ``allowances`` behind those of the buckets

    @property
    def tiers_max(self) -> int:
        """The most wholesale tiers any party has."""
        return self.slots - 2


@dataclass(slots=True)
class State:
    """What buckets have left (units, or micro-units) and what volume rings have counted; the kernel writes it.

    ``lost``: what rolls have taken away: (roll, bucket, amount). ``rolled``: how many rolls are behind the last event.
    """

    left: at.Int64s
    volume: at.Int64s
    lost: list[tuple[int, int, int]] = field(default_factory=list)
    rolled: int = 0

    @classmethod
    def fresh(cls, parties: Parties) -> State:
        """Return the state before any event."""
        return cls(parties.allowances.copy(), np.zeros(parties.counters, np.int64))


def compile_parties(
    book: Book,
    parties: Sequence[Party],
    buckets: Sequence[Bucket] | None = None,
    *,
    rolls: Sequence[Roll] = (),
    slots: int = 0,
) -> Parties:
    """Compile parties, with the buckets they may draw on (those of the tariff that are no plans where none are given).

    Parties of one name count their volumes together. ``slots``: how many levels an event has at least.
    Refuses with: NotFound (a list that the book does not hold).
    """
    given = [one for one in book.tariff.buckets if not one.is_plan] if buckets is None else buckets
    ordered = sorted(given, key=lambda b: (b.priority, b.period[1], b.id))
    bucket_rows, sets = _bucket_rows(book, ordered)
    by_owner: defaultdict[str, list[int]] = defaultdict(list)
    for number, bucket in enumerate(ordered):
        by_owner[bucket.owner].append(number)
    alike = len({party.name for party in parties}) < len(parties)
    rings = _RingSets(book, alike=alike)
    counted: dict[tuple[str, int], int] = {}
    rows: list[list[int]] = []
    tiers: list[int] = []
    drawn: list[int] = []
    limits: list[int] = []
    caps: dict[tuple[int, str], int] = {}
    counters = 0
    lists = book.index.list
    for party in parties:
        owners = {party.name, *party.shares}
        found = {number for owner in owners for number in by_owner.get(owner, ())}
        own = sorted(n for n in found if ordered[n].is_open_to(party))
        first, end, volumes = rings.of(party)
        levels = [_found(lists, name) for name in (party.retail, party.deviations, party.cost)]
        cells_of = volumes * (len(party.wholesale) + 2)
        counter = counted.setdefault((party.name, len(party.wholesale)), counters) if alike else counters
        on = [rings.levels[first, end], _levels(bucket_rows, own)]
        if rings.shared and volumes:
            first, end = rings.apart(party, first, end)
            counter = cells_of = 0
        row = [*levels, len(tiers), len(party.wholesale), *on, first, end, len(drawn), len(own), counter]
        rows.append(row + [0] * (at.PARTY_WIDTH - len(row)))
        tiers += [_found(lists, name) for name in party.wholesale]
        drawn += own
        limits += [
            -1 if ordered[n].cap is None else len(ordered) + caps.setdefault((n, party.name), len(caps)) for n in own
        ]
        counters += cells_of if counter == counters else 0
    counters = max(counters, rings.cells)
    made = table(rows, at.PARTY_WIDTH)
    places = {bucket.id: place for place, bucket in enumerate(ordered)}
    stateful = (made[:, at.P_BUCKETS] > 0).astype(np.uint8) if rows else np.zeros(0, np.uint8)
    for number, row in enumerate(rows):
        if rings.volumes[(row[at.P_RINGS], row[at.P_RINGS_END])] > 0:
            stateful[number] = 1
    cells, _ = packed(
        {
            at.PARTIES: made,
            at.TIERS: np.array(tiers, np.int64),
            at.PARTY_RINGS: table(rings.members, 2),
            at.PARTY_BUCKETS: np.array(drawn, np.int64),
            at.BUCKETS: table(bucket_rows, at.BUCKET_WIDTH),
            at.BUCKET_MODES: sets[0].array(),
            at.BUCKET_TO: sets[1].array(),
            at.BUCKET_ZONES: sets[2].array(),
            at.PARTY_CAPS: np.array(limits, np.int64),
            at.TRUNKS: np.array([*(_found(lists, t.cost) for t in book.tariff.trunks.values()), -1], np.int64),
        }
    )
    return Parties(
        cells=cells,
        money=frozen(np.array([bucket.unit == "money" for bucket in ordered], np.uint8)),
        names=tuple(party.name for party in parties),
        buckets=tuple(bucket.id for bucket in ordered),
        allowances=frozen(
            np.array([bucket.amount for bucket in ordered] + [ordered[n].cap or 0 for n, _ in caps], np.int64)
        ),
        counters=counters,
        stateful=frozen(stateful),
        any_stateful=bool(stateful.any()),
        slots=max(slots, 2 + max((len(party.wholesale) for party in parties), default=0)),
        rings_max=rings.longest,
        buckets_max=max((row[at.P_BUCKETS] for row in rows), default=0),
        rolls=tuple(
            (micros(roll.at), roll.cap, tuple(places[name] for name in roll.buckets if name in places))
            for roll in sorted(rolls, key=lambda one: one.at)
        ),
        caps=tuple(caps),
    )


def _found(lists: dict[str, int], name: str | None) -> int:
    if name is None:
        return -1
    if name not in lists:
        raise NotFound("there is no price list {name!r} in the book", name=name)
    return lists[name]


def _levels(bucket_rows: list[list[int]], buckets: list[int]) -> int:
    """Return the bits of the levels on which any of the buckets acts."""
    bits = 0
    for number in buckets:
        bits |= bucket_rows[number][at.K_LEVELS]
    return bits


class _RingSets:
    """The rings that parties of one kind may get, each kind once. ``alike``: a ring's counter is the same for all."""

    def __init__(self, book: Book, *, alike: bool = False) -> None:
        self.alike = alike
        self.rings = sorted(book.tariff.rings, key=lambda ring: (ring.priority, ring.id))
        self.groups = {group for ring in self.rings for group in ring.groups or ()}
        self.named = {name for ring in self.rings for name in ring.parties or ()}
        self.found: dict[tuple[frozenset[str], frozenset[str]], tuple[int, int, int]] = {}
        self.same: dict[tuple[int, ...], tuple[int, int, int]] = {}
        self.volumes: dict[tuple[int, int], int] = {}
        self.levels: dict[tuple[int, int], int] = {}
        self.members: list[list[int]] = []  # ring, counter
        self.longest = 0
        self.shared = any(ring.volume_shared is not None and ring.volume_from > 0 for ring in self.rings)
        self.counted: dict[tuple[int, str, int], int] = {}
        self.cells = 0

    def apart(self, party: Party, first: int, end: int) -> tuple[int, int]:
        """Return a slice with the party's rings of its own, whose counters are shared with whom they count together.

        A counter is then a number of its own among those of parties with as many levels, from the first cell on.
        """
        width = len(party.wholesale) + 2
        begin = len(self.members)
        for number, counter in self.members[first:end]:
            key = (number, self.rings[number].counted_by(party), width)
            if counter >= 0 and key not in self.counted:
                self.counted[key] = -(-self.cells // width)
                self.cells = (self.counted[key] + 1) * width
            self.members.append([number, self.counted[key] if counter >= 0 else -1])
        self.volumes[begin, len(self.members)] = self.volumes[first, end]
        return begin, len(self.members)

    def of(self, party: Party) -> tuple[int, int, int]:
        """Return the slice of the party's rings and how many of them count a volume."""
        names = self.named.intersection((party.name, *party.aliases))
        key = (frozenset(self.groups.intersection(party.groups)), frozenset(names))
        if key not in self.found:
            rings = tuple(
                number
                for number, ring in enumerate(self.rings)
                if (ring.parties is None or not names.isdisjoint(ring.parties))
                and (ring.groups is None or not key[0].isdisjoint(ring.groups))
            )
            self.found[key] = self.same[rings] if rings in self.same else self._added(rings)
        return self.found[key]

    def _added(self, rings: tuple[int, ...]) -> tuple[int, int, int]:
        first, counter = len(self.members), 0
        for number, one in enumerate(self.rings):
            counts = one.volume_from > 0
            if number in rings:
                self.members.append([number, counter if counts else -1])
            counter += counts and (self.alike or number in rings)
        self.longest = max(self.longest, len(rings))
        self.same[rings] = (first, len(self.members), counter)
        self.volumes[first, len(self.members)] = counter
        bits = {LEVEL_BITS[level] for number in rings for level in self.rings[number].levels}
        self.levels[first, len(self.members)] = sum(bits)
        return self.same[rings]


def _bucket_rows(
    book: Book, buckets: Sequence[Bucket]
) -> tuple[list[list[int]], tuple[ConditionSets, ConditionSets, ConditionSets]]:
    members = group_members(book.tariff)
    modes, to = ConditionSets(len(book.modes)), ConditionSets(len(book.destinations) + 1)
    zones = ConditionSets(len(book.countries) + 2)
    rows: list[list[int]] = []
    alike: dict[tuple[object, ...], list[int]] = {}  # of a plan's many allowances most are alike
    for bucket in buckets:
        like = (
            *(bucket.unit, bucket.currency, bucket.period, bucket.split, bucket.when_empty, bucket.levels),
            *(bucket.modes, bucket.to, bucket.zones, bucket.directions),
        )
        if like in alike:
            rows.append(alike[like])
            continue
        known = tuple(book.index.mode[mode] for mode in bucket.modes or () if mode in book.index.mode)
        both = bucket.directions is None
        rows.append(
            [
                unit_code(bucket.unit),
                book.index.currency.get(bucket.currency, -2) if bucket.currency else -1,
                micros(bucket.period[0]),
                micros(bucket.period[1]),
                int(bucket.split == "increment"),
                _found(book.index.list, bucket.when_empty),
                sum(LEVEL_BITS[level] for level in set(bucket.levels)),
                modes.add(bucket.modes, known),
                to.add(bucket.to, to_members(book.index, members, bucket.to) if to.lacks(bucket.to) else ()),
                zones.add(bucket.zones, zone_members(book.tariff, book.countries, bucket.zones)),
                sum(1 << n for n, name in enumerate(DIRECTIONS) if both or name in (bucket.directions or ())),
            ]
        )
        alike[like] = rows[-1]
    return rows, (modes, to, zones)
