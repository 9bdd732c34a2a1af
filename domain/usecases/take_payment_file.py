"""Take payment files that arrive: their bytes are kept for good, and then booked as a whole, or nothing of them is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.feeds.payment_files import format_of
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.payments import PaymentReader
from domain.ports.taking import Take, TakenFile
from domain.ports.unit import Begin
from domain.refusal import Conflict, LimitExceeded, WrongState
from domain.usecases.import_payments import ImportPayments, PaymentsImported, import_payments

BYTES_MAX: Final = 256 << 20


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


@operation(Action.WRITE_PAYMENTS)
async def take_payment_file(
    name: str,
    data: bytes,
    format_: str,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    read: PaymentReader,
    looked_at: bool = False,
) -> PaymentsImported:
    """Read a file in a thread, keep its bytes, and take it in. Refuses as ``import_payments`` and the reader do."""
    found = await asyncio.to_thread(read, data, format_)
    await blobs.keep(_once(data), size_max=BYTES_MAX)
    cmd = ImportPayments(name=name, data=data, read=lambda _: found, looked_at=looked_at)
    return await import_payments(cmd, actor=actor, begin=begin, clock=clock)


class TakePayments:
    """Keeps ``domain.ports.taking.Take`` for feeds of payment files; those of usage it hands to another."""

    def __init__(
        self, other: Take, *, actor: Actor, begin: Begin, clock: Clock, blobs: Blobs, read: PaymentReader
    ) -> None:
        self._other = other
        self._take = partial(take_payment_file, actor=actor, begin=begin, clock=clock, blobs=blobs, read=read)

    async def __call__(
        self, source: str, name: str, content: AsyncIterator[bytes], *, column: str | None = None
    ) -> TakenFile:
        """Take a file. What a person must look at first is put aside with its reason, and told by an alarm.

        Refuses with what is wrong with it.
        """
        format_ = format_of(source)
        if format_ is None:
            return await self._other(source, name, content, column=column)
        parts, size = [], 0
        async for block in content:
            size += len(block)
            if size > BYTES_MAX:
                raise LimitExceeded("a payment file of more than {bytes_max} bytes", bytes_max=BYTES_MAX)
            parts.append(block)
        try:
            done = await self._take(name, b"".join(parts), format_)
        except WrongState as no:
            raise Conflict(no.template, field=no.field, **no.values) from None
        waiting = sum(done.states.get(state, 0) for state in ("held", "unallocated"))
        remark = f"{waiting} of {done.records} payments wait for somebody" if waiting else None
        return TakenFile(done.file.sha256, again=not done.new, remark=remark)
