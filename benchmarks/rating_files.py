"""``tollwright rate`` from files: CDRs and events as CSV in, Parquet out, without a database.

All behind the compiled tariff is measured, from the opened file to the closed one, on as many cores as the machine
gives it; the limit beside it is polars reading the same CSV and writing its columns, untouched, as Parquet.
"""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from api.cli import rate
from domain.catalogue.tariff import Tariff
from domain.rating.streaming import RateRun

ROWS: Final = 500_000
NUMBER_BASE: Final = 46_701_000_000
FIRST: Final = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
MONTH_SECONDS: Final = 31 * 86_400
PROFILE: Final = """
name = "bench"
reader = "asterisk"
[time]
zone = "UTC"
[number]
country = "SE"
[map]
trunk_out = "peeraccount"
"""


def numbered(tariff: Tariff) -> Tariff:
    """Return the tariff with a number for each party."""
    parties = tariff.parties.items()
    made = {name: replace(one, numbers=(str(NUMBER_BASE + place),)) for place, (name, one) in enumerate(parties)}
    return replace(tariff, parties=made)


def _calls(tariff: Tariff, rows: int, seed: int) -> Iterator[tuple[int, int, int, str]]:
    """Yield the place, second, caller and number of calls spread over a month, in the order of time."""
    draw = random.Random(seed)
    prefixes = [prefix for one in tariff.destinations.values() for prefix in one.prefixes]
    for place in range(rows):
        caller = NUMBER_BASE + draw.randrange(len(tariff.parties))
        yield place, place * MONTH_SECONDS // rows, caller, f"{draw.choice(prefixes)}{place % 10_000:04}"


def _moment(second: int) -> str:
    return datetime.fromtimestamp(FIRST + second, UTC).strftime("%Y-%m-%d %H:%M:%S")


def asterisk(path: Path, tariff: Tariff, rows: int, seed: int) -> None:
    """Write Asterisk's Master.csv."""
    with path.open("w", encoding="utf-8") as file:
        for place, second, a, b in _calls(tariff, rows, seed):
            used, start = 1 + place % 600, _moment(second)
            file.write(
                f'"","{a}","+{b}","from-internal","""{a}"" <{a}>","PJSIP/{a}-{place:08x}","PJSIP/t1-{place:08x}",'
                f'"Dial","PJSIP/{b}@t1,60","{start}","{start}","{_moment(second + used)}",{used},{used},"ANSWERED",'
                f'"DOCUMENTATION","{second}.{place}","","t{place % 8}","{second}.{place}",{place}\n'
            )


def events(path: Path, tariff: Tariff, rows: int, seed: int) -> None:
    """Write events as CSV, a column per key."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,mode,start,used,a,b,trunk\n")
        for place, second, a, b in _calls(tariff, rows, seed):
            file.write(f"e{place},voice,{_moment(second).replace(' ', 'T')}Z,{1 + place % 600},{a},{b},t{place % 8}\n")


def run(out: Callable[[str], object], tariff: Tariff, *, rows: int = ROWS, seed: int = 1) -> dict[str, float]:
    """Measure and tell ``out``; return the events/s by name."""
    made = numbered(tariff)
    compiled = RateRun(made)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        profile = place / "bench.toml"
        profile.write_text(PROFILE, encoding="utf-8")
        asterisk(place / "Master.csv", made, rows, seed)
        events(place / "events.csv", made, rows, seed)
        for name, source in (
            ("Master.csv", lambda: rate.cdr_chunks(place / "Master.csv", str(profile))),
            ("events.csv", lambda: rate.event_chunks(place / "events.csv")),
        ):
            # The first run compiles what no cache has.
            if not found:
                _rated(compiled, source, place / "warm.parquet")
            seconds, used = _rated(compiled, source, place / "out.parquet")
            began = time.perf_counter()
            pl.scan_csv(place / name, has_header=name == "events.csv").sink_parquet(place / "bare.parquet")
            bare = time.perf_counter() - began
            found[name] = rows / seconds
            out(
                f"rate from {name} to Parquet, the tariff compiled: {rows / seconds:,.0f} events/s "
                f"({seconds:.2f} s for {rows:,}, {used:.2f} s of all cores; polars, rating nothing: {bare:.2f} s)"
            )
    return found


def _rated(run: RateRun, source: Callable[[], Any], out: Path) -> tuple[float, float]:
    """Return the seconds of one run, and those of all cores together; all events must have been rated."""
    said = io.StringIO()
    began, used = time.perf_counter(), time.process_time()
    with contextlib.redirect_stderr(said):
        code = rate.stream(run, source(), out)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    assert code == 0, said.getvalue()
    return seconds, used
