"""Parties compiled against a book: their lists, rings and buckets as arrays. A party's index is its position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.catalogue.tariff import Bucket, Party
from domain.rating import layout as at
from domain.rating.allowances import Roll
from domain.rating.book import Book, unit_code
from domain.rating.clock import micros
from domain.rating.conditions import Conditions
from domain.rating.layout import frozen, packed, table
from domain.rating.list_parts import DIRECTIONS
from domain.rating.ring_rows import LEVEL_BITS, in_order
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
    bucket_rows, conditions = _bucket_rows(book, ordered)
    made = _PartyRows(book, parties, ordered, bucket_rows)
    for party in parties:
        made.add(party)
    rows = table(made.rows, at.PARTY_WIDTH)
    stateful = made.stateful()
    places = {bucket.id: place for place, bucket in enumerate(ordered)}
    modes, to, zones = conditions.arrays()
    cells, _ = packed(
        {
            at.PARTIES: rows,
            at.TIERS: np.array(made.tiers, np.int64),
            at.PARTY_RINGS: table(made.rings.members, 2),
            at.PARTY_BUCKETS: np.array(made.drawn, np.int64),
            at.BUCKETS: table(bucket_rows, at.BUCKET_WIDTH),
            at.BUCKET_MODES: modes,
            at.BUCKET_TO: to,
            at.BUCKET_ZONES: zones,
            at.PARTY_CAPS: np.array(made.limits, np.int64),
            at.TRUNKS: np.array([*(made.list(t.cost) for t in book.tariff.trunks.values()), -1], np.int64),
        }
    )
    return Parties(
        cells=cells,
        money=frozen(np.array([bucket.unit == "money" for bucket in ordered], np.uint8)),
        names=tuple(party.name for party in parties),
        buckets=tuple(bucket.id for bucket in ordered),
        allowances=frozen(
            np.array([bucket.amount for bucket in ordered] + [ordered[n].cap or 0 for n, _ in made.caps], np.int64)
        ),
        counters=max(made.counters, made.rings.cells),
        stateful=frozen(stateful),
        any_stateful=bool(stateful.any()),
        slots=max(slots, 2 + max((len(party.wholesale) for party in parties), default=0)),
        rings_max=made.rings.longest,
        buckets_max=int(rows[:, at.P_BUCKETS].max(initial=0)),
        rolls=tuple(
            (micros(roll.at), roll.cap, tuple(places[name] for name in roll.buckets if name in places))
            for roll in sorted(rolls, key=lambda one: one.at)
        ),
        caps=tuple(made.caps),
    )


class _PartyRows:
    """Parties on their way into the tables: a row of each, and what it leads to in the tables beside."""

    def __init__(
        self, book: Book, parties: Sequence[Party], buckets: Sequence[Bucket], bucket_rows: Sequence[Sequence[int]]
    ) -> None:
        self.rows: list[list[int]] = []
        self.tiers: list[int] = []
        self.drawn: list[int] = []
        self.limits: list[int] = []
        self.caps: dict[tuple[int, str], int] = {}
        self.counters = 0
        self._lists = book.index.list
        self._buckets = buckets
        self._bucket_rows = bucket_rows
        self._by_owner: defaultdict[str, list[int]] = defaultdict(list)
        for number, bucket in enumerate(buckets):
            self._by_owner[bucket.owner].append(number)
        self._alike = len({party.name for party in parties}) < len(parties)
        self._counted: dict[tuple[str, int], int] = {}  # the counters of parties of one name
        self.rings = _RingSets(book, alike=self._alike)

    def add(self, party: Party) -> None:
        """Add a party. Refuses with: NotFound (a list that the book does not hold)."""
        owners = {party.name, *party.shares}
        found = {number for owner in owners for number in self._by_owner.get(owner, ())}
        own = sorted(n for n in found if self._buckets[n].is_open_to(party))
        first, end, volumes = self.rings.of(party)
        levels = [self.list(name) for name in (party.retail, party.deviations, party.cost)]
        on = [self.rings.levels[first, end], self._levels(own)]
        if self.rings.shared and volumes:
            first, end = self.rings.apart(party, first, end)
            counter = 0
        else:
            counter = self._counter(party, volumes)
        row = [*levels, len(self.tiers), len(party.wholesale), *on, first, end, len(self.drawn), len(own), counter]
        self.rows.append(row + [0] * (at.PARTY_WIDTH - len(row)))
        self.tiers += [self.list(name) for name in party.wholesale]
        self.drawn += own
        self.limits += [self._limit(number, party) for number in own]

    def list(self, name: str | None) -> int:
        """Return the number of a list; -1 of none. Refuses with: NotFound."""
        return _found(self._lists, name)

    def stateful(self) -> at.Bytes:
        """Tell of each party whether its events must be rated in order: it draws on buckets, or counts volumes."""
        states = [
            row[at.P_BUCKETS] > 0 or self.rings.volumes[row[at.P_RINGS], row[at.P_RINGS_END]] > 0 for row in self.rows
        ]
        return np.array(states, np.uint8)

    def _counter(self, party: Party, volumes: int) -> int:
        """Return the first of a party's counters, one per volume and level; parties of one name share theirs."""
        begin = self.counters
        if self._alike:
            begin = self._counted.setdefault((party.name, len(party.wholesale)), begin)
        if begin == self.counters:
            self.counters += volumes * (len(party.wholesale) + 2)
        return begin

    def _limit(self, bucket: int, party: Party) -> int:
        """Return the cell of what a party may still take of a bucket; -1: all that is left."""
        if self._buckets[bucket].cap is None:
            return -1
        return len(self._buckets) + self.caps.setdefault((bucket, party.name), len(self.caps))

    def _levels(self, buckets: Sequence[int]) -> int:
        """Return the bits of the levels on which any of the buckets acts."""
        bits = 0
        for number in buckets:
            bits |= self._bucket_rows[number][at.K_LEVELS]
        return bits


def _found(lists: dict[str, int], name: str | None) -> int:
    if name is None:
        return -1
    if name not in lists:
        raise NotFound("there is no price list {name!r} in the book", name=name)
    return lists[name]


class _RingSets:
    """The rings that parties of one kind may get, each kind once. ``alike``: a ring's counter is the same for all."""

    def __init__(self, book: Book, *, alike: bool = False) -> None:
        self.alike = alike
        self.rings = in_order(book.tariff.rings)
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


def _bucket_rows(book: Book, buckets: Sequence[Bucket]) -> tuple[list[list[int]], Conditions]:
    conditions = Conditions(book.tariff, book.parts.naming, book.index.country)
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
                *conditions.rows(bucket.modes, bucket.to, bucket.zones),
                sum(1 << n for n, name in enumerate(DIRECTIONS) if both or name in (bucket.directions or ())),
            ]
        )
        alike[like] = rows[-1]
    return rows, conditions
