"""Take a file that a feed has fetched: import it, and read off the column that counts its records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from domain.access.actor import Actor
from domain.intake.raters import Raters
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.intake import Formats
from domain.ports.taking import TakenFile
from domain.ports.unit import Begin
from domain.usecases.import_cdr import ImportCdr, import_cdr

RECORDS: Final = 50_000


class TakeCdr:
    """Keeps ``domain.ports.taking.Take`` for CDR files: when it returns, the file's last chunk is committed."""

    def __init__(
        self,
        *,
        actor: Actor,
        begin: Begin,
        clock: Clock,
        blobs: Blobs,
        formats: Formats,
        raters: Raters,
        size_max: int,
    ) -> None:
        self._actor = actor
        self._begin = begin
        self._clock = clock
        self._blobs = blobs
        self._formats = formats
        self._raters = raters
        self._size_max = size_max

    async def __call__(
        self, source: str, name: str, content: AsyncIterator[bytes], *, column: str | None = None
    ) -> TakenFile:
        """Import a file. Refuses as ``import_cdr`` does."""
        done = await import_cdr(
            ImportCdr(source=source, name=name, content=content, size_max=self._size_max),
            actor=self._actor,
            begin=self._begin,
            clock=self._clock,
            blobs=self._blobs,
            formats=self._formats,
            raters=self._raters,
        )
        if column is None or done.again:
            return TakenFile(done.file.sha256, done.again)
        async with self._begin(self._actor) as unit:
            profile = (await unit.sources.many([done.file.source]))[done.file.source].profile
        with await self._blobs.open(done.file.sha256) as file:
            numbers = await asyncio.to_thread(self._numbers, profile, file, column)
        remark = f"the records have no column {column[:80]!r} to count them by" if numbers is None else None
        return TakenFile(done.file.sha256, again=False, numbers=numbers or (), remark=remark)

    def _numbers(self, profile_text: str, file: BinaryIO, column: str) -> list[int] | None:
        """Return the column's numbers in the order of the records, those that are none left out; None: no such one."""
        profile = self._formats.profile(profile_text)
        numbers: list[int] = []
        blocks = self._formats.blocks(file)
        for piece in self._formats.reader(profile).decode(blocks, profile, records_max=RECORDS):
            if column not in piece.records.columns:
                if piece.records.height:
                    return None
                continue
            found = piece.records[column].str.extract("^([0-9]{1,18})$", 1).drop_nulls()
            numbers += [int(one) for one in found]
        return numbers
