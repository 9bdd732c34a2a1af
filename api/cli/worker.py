"""``tollwright worker``: take jobs from the queue and do them; any number of processes, on any number of machines."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE

if TYPE_CHECKING:
    from api.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def worker(
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many jobs at a time.")] = 1,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is due any more.")] = False,
) -> int:
    """Do jobs until Ctrl-C: imports, and whatever else is promised to be done. What it does is given back then."""
    from api import settings as installation
    from api.serving import set_up_logging

    settings = installation.read()
    set_up_logging(settings.log_level)
    return asyncio.run(_work(settings, jobs, until_idle=until_idle))


async def _work(settings: Settings, jobs: int, *, until_idle: bool) -> int:
    from api.delivering import delivering
    from api.feeding import scheduling
    from api.wiring import opened
    from api.worker import Worker

    async with opened(settings, jobs=jobs) as wiring, scheduling(wiring), delivering(wiring):
        one = Worker(wiring, jobs=jobs)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, one.stop)
        await one.run(until_idle=until_idle)
    return DONE
