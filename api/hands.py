"""Processes that bill pages of a big run beside the one that began it: a process has one interpreter, and so one core.

Each is ``python -m api.bill_hand``. It is told on its standard input which run, by whom and where the database is, and
answers on its standard output, a page at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from domain.access.actor import Actor
from domain.invoicing.bill_run import BillRun

# A process takes a second or two to begin; where there is less to do, one has done it by then.
PAYERS_EACH: Final = 5_000
HANDS_MAX: Final = 3
_LENGTH: Final = struct.Struct(">Q")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """What such a process is told."""

    url: str
    run: BillRun
    actor: Actor
    total: int


class ProcessHands:
    """``domain.ports.hands.Hands`` as processes of this machine, fewer than it has cores."""

    def __init__(self, url: str, processes: int) -> None:
        """Take the database, and how many processes bill at once, this one too; 0: one for each core."""
        self._url, self._processes = url, processes

    @asynccontextmanager
    async def beside(self, run: BillRun, actor: Actor, total: int, done: Callable[[Any], None]) -> AsyncIterator[None]:
        """Let them do pages until the context ends; ``done`` hears of each in this process."""
        count = _count(self._processes, total - run.payers)
        errand = pickle.dumps(Errand(self._url, run, actor, total))
        hands: list[Process] = []
        try:
            for _ in range(count):
                command = (sys.executable, "-P", "-m", "api.bill_hand")  # not what lies in the working directory
                hands.append(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))
            heard = [asyncio.create_task(_hear(hand, errand, done)) for hand in hands]
            try:
                yield
                await asyncio.gather(*heard)  # they find no page left either
            finally:
                for task in heard:
                    task.cancel()
                await asyncio.gather(*heard, return_exceptions=True)
        finally:
            for hand in hands:
                with suppress(ProcessLookupError):
                    hand.kill()
                await hand.wait()


def _count(processes: int, payers: int) -> int:
    """Return how many processes there are to be beside this one."""
    wanted = (processes or min(os.cpu_count() or 1, HANDS_MAX + 1)) - 1
    return max(0, min(wanted, payers // PAYERS_EACH - 1))


async def _hear(hand: Process, errand: bytes, done: Callable[[Any], None]) -> None:
    """Send a process on its errand, and pass on what it tells until it has ended."""
    assert hand.stdin is not None
    assert hand.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
        hand.stdin.write(_LENGTH.pack(len(errand)) + errand)
        await hand.stdin.drain()
        while True:
            (size,) = _LENGTH.unpack(await hand.stdout.readexactly(_LENGTH.size))
            done(pickle.loads(await hand.stdout.readexactly(size)))  # noqa: S301  (our own child's)
    if (code := await hand.wait()) != 0:
        _log.warning("a process that billed beside this one has ended with %s; its page is done here", code)


def tell(out: BinaryIO, what: object) -> None:
    """Write one message."""
    data = pickle.dumps(what)
    out.write(_LENGTH.pack(len(data)) + data)
    out.flush()


def hear(stream: BinaryIO) -> Any:
    """Read one message."""
    (size,) = _LENGTH.unpack(stream.read(_LENGTH.size))
    return pickle.loads(stream.read(size))  # noqa: S301  (from the process that began this one)
