"""Take receipt files that arrive: what printhouses and networks say became of documents."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from domain.access.actor import Actor
from domain.delivery.receipts import Receipt
from domain.feeds.receipt_files import tells
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.taking import Take, TakenFile
from domain.ports.unit import Begin
from domain.refusal import LimitExceeded
from domain.usecases.print_batch import take_print_receipt

BYTES_MAX: Final = 50 << 20
NAMED: Final = 5

ReceiptReader = Callable[[bytes], Sequence[Receipt]]


class TakeReceipts:
    """Keeps ``domain.ports.taking.Take`` for feeds of receipts; other files it hands to another.

    ``read`` makes receipts of a file's bytes. A file that comes twice moves nothing the second time.
    """

    def __init__(
        self, other: Take, *, actor: Actor, begin: Begin, clock: Clock, blobs: Blobs, read: ReceiptReader
    ) -> None:
        self._other = other
        self._actor = actor
        self._begin = begin
        self._clock = clock
        self._blobs = blobs
        self._read = read

    async def __call__(
        self, source: str, name: str, content: AsyncIterator[bytes], *, column: str | None = None
    ) -> TakenFile:
        """Take a file. Documents that nobody knows, and those that were rejected, are told in the run's remark.

        Refuses with what is wrong with it.
        """
        if not tells(source):
            return await self._other(source, name, content, column=column)
        parts, size = [], 0
        async for block in content:
            size += len(block)
            if size > BYTES_MAX:
                raise LimitExceeded("a receipt file has at most {most} bytes", most=BYTES_MAX)
            parts.append(block)
        data = b"".join(parts)
        receipts = await asyncio.to_thread(self._read, data)
        await self._blobs.keep(_once(data), size_max=BYTES_MAX)
        done = await take_print_receipt(None, receipts, actor=self._actor, begin=self._begin, clock=self._clock)
        remarks = []
        if done.unknown:
            remarks.append(f"{len(done.unknown)} receipts of documents that nobody knows: {_some(done.unknown)}")
        if done.rejected:
            remarks.append(f"{len(done.rejected)} documents were rejected: {_some(done.rejected)}")
        return TakenFile(hashlib.sha256(data).digest(), again=not done.moved, remark="; ".join(remarks) or None)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
