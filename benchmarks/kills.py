"""Kill the main job and its database at seeded moments, start again, and compare the books with an undisturbed run.

    python -m benchmarks.kills [--seeds N] [--first SEED]

Each seed: the small demo is loaded, imported and billed by a child process on an embedded database with its
durability on. At random moments the child, PostgreSQL, or both get SIGKILL, and the job is started again, until it
ends. Then files, usage, suspense, invoices and ledger must be those of the run that nothing disturbed: nothing lost,
nothing twice, no gap. A difference is printed with its seed, which brings it back.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import asyncpg

from persistence import embedded

CUSTOMERS: Final = 10
CALLS: Final = 500
KILLS_MAX: Final = 4
JOB_SECONDS_MAX: Final = 600.0
VICTIMS: Final = (("job",), ("job",), ("database",), ("job", "database"))

BOOKS: Final = {
    "files": "select f.name, s.name as source, f.state, f.records, f.events, f.merged, f.pending, f.duplicates,"
    " f.rejects, f.rated, f.unrated from cdr_file f join source s using (operator) where s.id = f.source order by 2, 1",
    "usage": "select count(*), count(distinct key) as events, bit_xor(key) as keys,"
    " sum(retail_micro)::text as retail, sum(cost_micro)::text as cost, sum(billed)::text as billed from usage",
    "suspense": "select kind, reason, count(*) from suspense group by 1, 2 order by 1, 2",
    "invoices": "select count(*), min(number::bigint), max(number::bigint) - count(*) + 1 as first from invoice",
    "totals": "select total::text, count(*) from invoice group by 1 order by 1",
    "ledger": "select account, sum(amount_minor)::text, count(*) from ledger_posting group by 1 order by 1",
    "customers": "select (select count(*) from customer) as customers, (select count(*) from contract) as contracts,"
    " (select count(*) from subscription) as subscriptions, (select count(*) from rate) as rates",
}


async def job(folder: Path) -> None:
    """Do the demo's main job: what the child process runs."""
    from rich.console import Console  # noqa: PLC0415  (the parent needs none of it)

    from api.demo import run_main_job  # noqa: PLC0415
    from api.settings import Settings  # noqa: PLC0415
    from api.wiring import opened  # noqa: PLC0415

    settings = Settings(data_dir=folder, demo_customers=CUSTOMERS, demo_calls=CALLS)
    async with opened(settings) as wiring:
        await run_main_job(wiring, Console(file=io.StringIO(), width=120))


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the job in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.kills", "--job", str(folder)]
    with (folder / "errors").open("ab") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def finish(folder: Path) -> float:
    """Run the job to its end and return its seconds."""
    began = time.monotonic()
    with start(folder) as process:
        if process.wait(JOB_SECONDS_MAX) != 0:
            raise SystemExit(f"the job failed: {(folder / 'errors').read_text()[-2000:]}")
    return time.monotonic() - began


def disturb(folder: Path, after_seconds: float, victims: tuple[str, ...]) -> bool:
    """Start the job and kill the victims after a while; return whether it had ended before."""
    with start(folder) as process:
        try:
            process.wait(after_seconds)
        except subprocess.TimeoutExpired:
            pass
        else:
            return True
        if "database" in victims:
            for path in folder.glob("postgres-*/data/postmaster.pid"):
                server = int(path.read_text().split()[0])
                if embedded.alive(server):
                    os.kill(server, signal.SIGKILL)
        if "job" in victims:
            process.kill()
        process.wait(JOB_SECONDS_MAX)  # without its database it must end by itself
    return False


async def books(url: str) -> dict[str, Any]:
    """Return what must be the same however often the job was killed."""
    connection = await asyncpg.connect(url)
    try:
        return {name: [list(row) for row in await connection.fetch(question)] for name, question in BOOKS.items()}
    finally:
        await connection.close()


def read_books(folder: Path) -> dict[str, Any]:
    """Start the database of a finished job and read its books."""
    with embedded.start(folder) as server:
        return asyncio.run(books(server.url))


def trial(seed: int, expected: dict[str, Any], seconds: float) -> list[str]:
    """Disturb one job and return what differs; the kills fall where an undisturbed job is at work."""
    dice = random.Random(seed)
    folder = room()
    told = []
    try:
        for _ in range(dice.randint(1, KILLS_MAX)):
            moment, victims = dice.uniform(0.3, seconds), dice.choice(VICTIMS)
            told.append(f"{'+'.join(victims)} at {moment:.2f} s")
            if disturb(folder, moment, victims):
                break
        finish(folder)
        found = read_books(folder)
    finally:
        shutil.rmtree(folder)
    wrong = [f"{name}: {found[name]} is not {expected[name]}" for name in expected if found[name] != expected[name]]
    print(json.dumps({"seed": seed, "kills": told, "differs": wrong}), flush=True)
    return wrong


def room() -> Path:
    """Make a directory that whoever runs PostgreSQL for root can reach."""
    folder = Path(tempfile.mkdtemp(prefix="tollwright-kills-"))
    folder.chmod(0o755)
    return folder


def undisturbed() -> tuple[dict[str, Any], float]:
    """Return the books of a run that nothing disturbed, and its seconds once everything is compiled."""
    subprocess.run([sys.executable, "-m", "api.warming"], check=True, stderr=subprocess.DEVNULL)
    folder = room()
    try:
        seconds = finish(folder)
        return read_books(folder), seconds
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Run the seeds; exit 1 when any differs."""
    parser = argparse.ArgumentParser(description="Kill the main job at random moments and compare the books.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job:
        asyncio.run(job(chosen.job))
        return 0
    expected, seconds = undisturbed()
    shown = {name: rows for name, rows in expected.items() if name != "files"}
    print(json.dumps({"undisturbed_seconds": round(seconds, 2), "books": shown}), flush=True)
    differing = [seed for seed in range(chosen.first, chosen.first + chosen.seeds) if trial(seed, expected, seconds)]
    print(json.dumps({"seeds": chosen.seeds, "differing": differing}))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
