"""The rating kernel: events/s on one core, one quote's latency, compiling whole and after a change, files to Parquet.

Two tariffs, made from a seed: one of the demo operator's size, and the large one of 100 000 prefixes and 48 lists in
chains of four with bands. The large one is measured without and with rings and buckets. The events' destinations follow
a Zipf law, as traffic does. Beside the kernel stands what this machine's memory allows it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from benchmarks import rating_files
from domain.catalogue.tariff import (
    Band,
    Bucket,
    Destination,
    Effect,
    Party,
    PriceList,
    Rate,
    Ring,
    RoundingRule,
    Step,
    Tariff,
    Trunk,
)
from domain.rating.book import Book, compile_book
from domain.rating.clock import micros
from domain.rating.columns import Events
from domain.rating.compiled import compiled
from domain.rating.digits import encode
from domain.rating.layout import Int64s
from domain.rating.parties import Parties, compile_parties
from domain.rating.rate import rate
from domain.rating.requests import Directory, Request, to_events

SEED: Final = 20260101
START: Final = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS: Final = 1_000_000
QUOTES: Final = 2_000
REPEATS: Final = 12


def _bands() -> dict[str, Band]:
    weekdays = frozenset(range(1, 6))
    return {
        "peak": Band(name="peak", days=weekdays, start=8 * 3600, end=18 * 3600),
        "night": Band(name="night", start=22 * 3600, end=6 * 3600, rank=2),
    }


def _rate(draw: random.Random, to: str, band: str | None = None) -> Rate:
    prices = sorted((draw.randrange(10_000_000, 900_000_000) for _ in range(2)), reverse=True)
    steps = [Step(next=draw.choice((1, 6, 60)), price=prices[0], per=60)]
    if draw.random() < 0.3:
        steps.append(Step(start=600, next=60, price=prices[1], per=60))
    return Rate(
        to=to,
        mode="voice",
        band=band,
        setup=draw.choice((0, 490_000_000)),
        first=draw.choice((1, 30, 60)),
        steps=tuple(steps),
    )


def tariff_of(prefixes: int, families: int, *, stateful: bool, seed: int = SEED) -> Tariff:
    """Make a tariff: ``families`` chains of four lists, the master with a rate for each destination of ten prefixes."""
    draw = random.Random(seed)
    codes = sorted(draw.sample(range(10 ** (len(str(prefixes)) + 1), 10 ** (len(str(prefixes)) + 2)), prefixes))
    names = [f"d{n}" for n in range(prefixes // 10)]
    destinations = {
        name: Destination(
            name=name,
            prefixes=tuple(str(code) for code in codes[10 * n : 10 * n + 10]),
            groups=(f"g{n % 40}", f"h{n % 7}"),
        )
        for n, name in enumerate(names)
    }
    lists = {}
    for family in range(families):
        rates = [_rate(draw, name) for name in names]
        rates += [_rate(draw, name, "peak") for name in draw.sample(names, len(names) // 10)]
        parent = f"m{family}"
        lists[parent] = PriceList(
            name=parent, currency="SEK", zone="Europe/Stockholm", rounding=RoundingRule(decimals=4), rates=tuple(rates)
        )
        for depth in range(1, 4):
            name = f"m{family}-{depth}"
            own = [_rate(draw, to) for to in draw.sample(names, max(len(names) // 20, 1))]
            own += [_rate(draw, f"group:g{draw.randrange(40)}", "night")]
            lists[name] = PriceList(name=name, parent=parent, rates=tuple(own))
            parent = name
    count = 1_000
    parties = {
        f"p{n}": Party(
            name=f"p{n}",
            retail=f"m{n % families}-3",
            wholesale=(f"m{(n + 1) % families}-2",),
            groups=("SME",) if n % 2 else ("Residential",),
        )
        for n in range(count)
    }
    return Tariff(
        bands=_bands(),
        destinations=destinations,
        price_lists=lists,
        trunks={f"t{n}": Trunk(name=f"t{n}", cost=f"m{(n + 2) % families}-1") for n in range(8)},
        parties=parties,
        rings=_rings() if stateful else (),
        buckets=_buckets(count) if stateful else (),
    )


def _rings() -> tuple[Ring, ...]:
    return (
        Ring(id="evening", priority=1, groups=("Residential",), band="night", effect=Effect(percent=-20_000_000)),
        Ring(
            id="volume", priority=2, volume_from=500 * 10**9, volume_unit="amount", effect=Effect(percent=-10_000_000)
        ),
    )


def _buckets(count: int) -> tuple[Bucket, ...]:
    period = (START, START + timedelta(days=31))
    return tuple(
        Bucket(id=f"b{n}", owner=f"p{n}", unit="seconds", amount=60_000, period=period, modes=("voice",))
        for n in range(0, count, 2)
    )


def events_of(book: Book, tariff: Tariff, count: int, seed: int = SEED) -> Events:
    """Make a month of calls whose destinations follow a Zipf law."""
    draw = np.random.default_rng(seed)
    prefixes = [p for d in tariff.destinations.values() for p in d.prefixes]
    draw.shuffle(prefixes)
    pool = np.array([encode(prefix + f"{n % 10_000_000:07d}"[-6:]) for n, prefix in enumerate(prefixes)], np.int64)
    chosen = np.minimum(draw.zipf(1.2, count) - 1, len(pool) - 1)
    start = micros(START) + np.sort(draw.integers(0, 31 * 86_400, count)) * 1_000_000
    return Events(
        start=start,
        used=np.maximum(draw.exponential(150, count).astype(np.int64), 1),
        offset=np.zeros(count, np.int64),
        mode=np.full(count, book.index.mode["voice"], np.int16),
        direction=np.zeros(count, np.uint8),
        party=draw.integers(0, len(tariff.parties), count).astype(np.int32),
        a=np.full(count, encode("46850000000"), np.int64),
        b=pool[chosen],
        trunk=draw.integers(0, len(tariff.trunks), count).astype(np.int32),
        visited=np.full(count, -1, np.int32),
        rank=np.arange(count, dtype=np.int64),
        bad=np.zeros(count, np.uint8),
    )


def best_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the shortest of several runs, in this thread's seconds on a core: waiting for one is not counted."""
    found = []
    for _ in range(repeats):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found)


@compiled
def gathered(cells: Int64s, places: Int64s) -> int:
    """Add up cells anywhere in an array."""
    total = 0
    for place in places:
        total += cells[place]
    return total


def _limit(book: Book) -> float:
    """Return the events/s of reading, of the book, one line of 64 bytes anywhere per level and destination alone."""
    lines = 4 * EVENTS
    places = np.random.default_rng(SEED).integers(0, len(book.cells) // 8, lines) * 8
    gathered(book.cells, places[:8])
    return EVENTS / best_seconds(lambda: gathered(book.cells, places))


def _kernel(out: Callable[[str], object], title: str, tariff: Tariff, before: Book | None = None) -> tuple[Book, float]:
    book = compile_book(tariff, before)
    parties = compile_parties(book, tuple(tariff.parties.values()))
    events = events_of(book, tariff, EVENTS)
    rated = rate(book, parties, events)
    seconds = best_seconds(lambda: rate(book, parties, events))
    priced = int((rated.level_status == 1).sum())
    limit = _limit(book)
    out(
        f"{title}: {EVENTS / seconds / 1e6:.2f} million events/s on one core, {priced / EVENTS:.1f} levels each; "
        f"reading 4 lines anywhere in the book's {book.cells.nbytes >> 20} MB for each, and nothing else: "
        f"{limit / 1e6:.1f} million/s"
    )
    return book, EVENTS / seconds


def _changed(tariff: Tariff, name: str) -> Tariff:
    """Return the tariff with another price in one list."""
    one = tariff.price_lists[name]
    rates = (replace(one.rates[0], setup=one.rates[0].setup + 1), *one.rates[1:])
    return replace(tariff, price_lists={**tariff.price_lists, name: replace(one, rates=rates)})


def _compiling(out: Callable[[str], object], tariff: Tariff) -> Book:
    """Compile the large tariff whole, and again after one list has changed: one that deviates, and one of the roots."""
    made: list[Book] = []

    def timed(work: Callable[[], Book]) -> str:
        began, used = time.perf_counter(), time.thread_time()
        made.append(work())
        return f"{time.perf_counter() - began:.2f} s ({time.thread_time() - used:.2f} s of a core)"

    out(f"compiling the large tariff: {timed(lambda: compile_book(tariff))}")
    book = made[0]
    for name in ("m3-2", "m3"):
        changed = _changed(tariff, name)
        took = timed(lambda changed=changed: compile_book(changed, book))  # type: ignore[misc]  # a loop's own value
        out(f"compiling it again after a list of {len(tariff.price_lists[name].rates):,} rates has changed: {took}")
    return book


def _quotes(out: Callable[[str], object], book: Book, parties: Parties) -> None:
    directory = Directory.of(book)
    draw = random.Random(SEED)
    names = list(book.tariff.parties)
    prefixes = [d.prefixes[0] for d in book.tariff.destinations.values()]
    took, worked = [], []
    for _ in range(QUOTES):
        request = Request(
            id="q",
            party=draw.choice(names),
            mode="voice",
            b=draw.choice(prefixes) + "123456",
            start=micros(START),
            used=61,
        )
        began, used = time.perf_counter(), time.thread_time()
        rate(book, parties, to_events(book, directory, [request]))
        took.append(time.perf_counter() - began)
        worked.append(time.thread_time() - used)
    median, high, core = (
        sorted(times)[len(times) * place // 100] * 1e6 for times, place in ((took, 50), (took, 99), (worked, 99))
    )
    out(
        f"one quote by the large tariff with rings and buckets: median {median:.0f} µs, "
        f"99th percentile {high:.0f} µs ({core:.0f} µs of a core)"
    )


def run(out: Callable[[str], object] = print) -> None:
    """Measure and say what was measured."""
    _kernel(out, "demo tariff (2 000 prefixes, 2 chains)", tariff_of(2_000, 2, stateful=False))
    large = tariff_of(100_000, 12, stateful=False)
    book = _compiling(out, large)
    _kernel(out, "large tariff (100 000 prefixes, 48 lists in chains of 4, bands)", large, book)
    stateful = replace(large, rings=_rings(), buckets=_buckets(len(large.parties)))
    full, _ = _kernel(out, "large tariff with rings and buckets", stateful, book)
    _quotes(out, full, compile_parties(full, tuple(stateful.parties.values())))
    rating_files.run(out, large)


if __name__ == "__main__":
    run()
