"""Authorising calls at a limit: in process and over REST, and how soon a limit that was passed bars the line.

An operator with many subscriptions under a limit each is made in a database of its own. What may be used now is asked
for by several tasks at once; then calls are set aside, ended and released; then a server of its own is asked over HTTP.
At last a file of calls passes a limit, while a worker is there, and the time from its commit to the bar is taken.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import uvloop

from api.settings import Settings
from api.wiring import Wiring, on_database
from api.worker import Worker
from benchmarks import ingest
from benchmarks.asking import percentile
from benchmarks.credit_over_rest import over_rest
from domain.access.actor import Actor
from domain.ids import SubscriptionId
from domain.refusal import WrongState
from domain.usecases.authorise_call import AuthoriseCall, authorise_call
from domain.usecases.limit_credit import OPENED_MAX, SetCreditLimit, set_credit_limit, watch_covered
from domain.usecases.reserve_call import (
    CommitReservation,
    ReserveCall,
    commit_reservation,
    release_reservation,
    reserve_call,
)
from persistence.embedded import start
from persistence.engine import Database
from persistence.migrate import migrate

SUBSCRIPTIONS: Final = 5_000
SECONDS: Final = 8.0
TASKS: Final = 8
AT_ONCE: Final = 100
BARRINGS: Final = 10


def run(
    out: Callable[[str], None], *, seconds: float = SECONDS, subscriptions: int = SUBSCRIPTIONS
) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the figures by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            actor, figures = uvloop.run(_measure(server.url, place, seconds, subscriptions, out))
            # Those before were barred, and the last has no more left.
            lines = range(BARRINGS + 1, subscriptions)
            return figures | over_rest(server.url, place, actor, lines, seconds=seconds, out=out)


async def _measure(
    url: str, place: Path, seconds: float, subscriptions: int, out: Callable[[str], None]
) -> tuple[Actor, dict[str, float]]:
    async with await Database.open(url, connections_kept=TASKS) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        actor = await ingest._make(wiring, subscriptions)
        await wiring.raters.present(actor, wiring.begin)
        around: dict[str, Any] = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
        began = time.perf_counter()
        await set_credit_limit(SetCreditLimit(amount=Decimal(500)), **around)
        while await watch_covered(**around, first=OPENED_MAX):
            pass
        out(f"  {subscriptions:,} customers under a limit, watched in {time.perf_counter() - began:.1f} s")
        figures: dict[str, float] = {}
        more = {**around, "raters": wiring.raters}

        async def ask(draw: random.Random) -> None:
            found = await authorise_call(_call(AuthoriseCall, draw, subscriptions), **more)
            assert found.units

        figures |= await _paced("authorise", ask, seconds, out)

        async def reserve(draw: random.Random) -> None:
            cmd = replace(_call(ReserveCall, draw, subscriptions), units=60)
            kept, _ = await reserve_call(cmd, **more)
            if draw.random() < 0.5:
                await release_reservation(kept.id, **around)
            else:
                await commit_reservation(CommitReservation(reservation=kept.id, used=30), **more)

        figures |= await _paced("reserve and end", reserve, seconds / 2, out)
        figures["granted_over"] = await _at_once(wiring, actor, subscriptions, out)
        figures["bars_ms"] = await _barring(wiring, actor, place, out)
        return actor, figures


def _call(kind: type[Any], draw: random.Random, subscriptions: int) -> Any:
    line = SubscriptionId(draw.randrange(1, subscriptions + 1))
    return kind(subscription=line, number=str(draw.randrange(2_000_000_000, 9_999_999_999)))


async def _paced(
    name: str, deed: Callable[[random.Random], Awaitable[None]], seconds: float, out: Callable[[str], None]
) -> dict[str, float]:
    """Do something by several tasks for a while; return how many there were a second, and the slowest of a hundred."""
    times: list[float] = []

    async def one(number: int, until: float) -> None:
        draw = random.Random(number)
        while (began := time.perf_counter()) < until:
            await deed(draw)
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number, time.perf_counter() + 0.5) for number in range(TASKS)))
    times.clear()
    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number, began + seconds) for number in range(TASKS)))
    rate = len(times) / (time.perf_counter() - began)
    cpu = 1000 * (time.process_time() - used) / len(times)
    late = 1000 * percentile(times, 0.99)
    out(f"  {name}: {rate:,.0f}/s by {TASKS} at once, 99 % within {late:.1f} ms, {cpu:.2f} ms of the process each")
    key = name.partition(" ")[0]
    return {f"{key}_per_second": rate, f"{key}_p99_ms": late, f"{key}_cpu_ms": cpu}


async def _at_once(wiring: Wiring, actor: Actor, subscriptions: int, out: Callable[[str], None]) -> float:
    """Let many reserve on one line at once; return by how much they have passed its limit together."""
    around: dict[str, Any] = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
    line = SubscriptionId(subscriptions)
    await set_credit_limit(SetCreditLimit(subscription=line, amount=Decimal(10)), **around)

    async def one(number: int) -> int:
        cmd = ReserveCall(subscription=line, number=str(2_000_000_000 + number), units=60)
        try:
            kept, _ = await reserve_call(cmd, **around, raters=wiring.raters)
        except WrongState:
            return 0
        return kept.amount

    began = time.perf_counter()
    granted = sum(await asyncio.gather(*(one(number) for number in range(AT_ONCE))))
    out(f"  {AT_ONCE} at once on a limit of 10: {granted / 1e6:.2f} set aside in {time.perf_counter() - began:.2f} s")
    return max(granted - 10_000_000, 0)


async def _barring(wiring: Wiring, actor: Actor, place: Path, out: Callable[[str], None]) -> float:
    """Return the longest time in ms from the commit of a file that passes a limit to the bar on the line."""
    around: dict[str, Any] = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
    worker = Worker(wiring, jobs=1)
    running = asyncio.create_task(worker.run())
    times = []
    now = datetime.now(UTC) - timedelta(days=1)
    try:
        for number in range(1, BARRINGS + 1):
            line = SubscriptionId(number)
            await set_credit_limit(SetCreditLimit(subscription=line, amount=Decimal("0.01")), **around)
            await asyncio.sleep(0.3)
            at = now + timedelta(minutes=number)
            stamp, end = (one.strftime("%Y-%m-%d %H:%M:%S") for one in (at, at + timedelta(seconds=600)))
            a = ingest.NUMBER_BASE + number
            epoch = int(at.timestamp())
            path = place / f"passes-{number}.csv"
            path.write_text(
                f'"","{a}","+2000000000","from-internal","""{a}"" <{a}>","PJSIP/{a}-1","PJSIP/T1-1","Dial",'
                f'"PJSIP/2000000000@T1,60","{stamp}","{stamp}","{end}",600,600,"ANSWERED","DOCUMENTATION",'
                f'"{epoch}.{number}","","T1","{epoch}.{number}",{number}\n'
            )
            await ingest._import(wiring, actor, path)  # noqa: SLF001  (as there)
            began = time.perf_counter()
            await asyncio.wait_for(_barred(wiring, actor, line), 30)
            times.append(1000 * (time.perf_counter() - began))
    finally:
        worker.stop()
        await running
    middle = percentile(times, 0.5)
    out(f"  a limit passed by an imported file bars within {max(times):.0f} ms of its commit, half in {middle:.0f} ms")
    return max(times)


async def _barred(wiring: Wiring, actor: Actor, line: SubscriptionId) -> None:
    """Return when a line is barred."""
    there = False
    while not there:
        await asyncio.sleep(0.005)
        async with wiring.begin(actor) as unit:
            there = bool((await unit.orders.barrings([line], at=wiring.clock.now()))[line])
