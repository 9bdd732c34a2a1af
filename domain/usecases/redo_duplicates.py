"""Charge again what files counted as duplicates of a file that was withdrawn since: they bring it now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId, SourceId
from domain.intake.chunks import Prepared, prepare
from domain.intake.raters import Raters
from domain.intake.spans import months_of
from domain.intake.twins import lock_with, twins_of
from domain.intake.writing import Wrote, write_chunk
from domain.mediation.events import REJECT_SCHEMA, Balance, Batch
from domain.mediation.files import CdrFile, FileState
from domain.mediation.profile import Profile
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.intake import Collision, Formats
from domain.ports.unit import Begin
from domain.rating.clock import micros
from domain.refusal import LimitExceeded, NotFound, Unreadable, WrongState
from domain.usecases.mediate import mediate
from domain.usecases.withdraw_file import Redone, WithdrawFile, Withdrawn, withdraw_file

RECORDS_PER_CHUNK: Final = 50_000
ATTEMPTS_MAX: Final = 10


@operation(Action.MANAGE_SUSPENSE)
async def withdraw_and_redo(
    cmd: WithdrawFile,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    formats: Formats,
    raters: Raters,
) -> Withdrawn:
    """Take back what a file has brought, and charge what others counted as its duplicates. Refuses as both do.

    A preview only tells which files these may be. Asked again after an interruption it goes on.
    """
    done = await withdraw_file(cmd, actor=actor, begin=begin, clock=clock, formats=formats, raters=raters)
    if cmd.preview:
        return done
    redone = await redo_duplicates(
        [one.id for one in done.overlapping],
        actor=actor,
        begin=begin,
        clock=clock,
        blobs=blobs,
        formats=formats,
        raters=raters,
    )
    return replace(done, redone=redone)


@operation(Action.MANAGE_SUSPENSE)
async def redo_duplicates(
    keys: Sequence[FileId],
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    formats: Formats,
    raters: Raters,
) -> Sequence[Redone]:
    """Read files again, and charge of their duplicates those whose first delivery was withdrawn and that are nowhere.

    One transaction per 50 000 records; doing it twice, or going on after an interruption, changes nothing twice. A file
    whose records are parts of sessions is not read again, nor one whose bytes are gone: ``fault`` says so.
    Refuses with: NotAllowed, NotFound (file), WrongState (others keep bringing the same events).
    """
    done = []
    for key in keys:
        async with begin(actor) as unit:
            file = await unit.files.get(key)
            source = (await unit.sources.many([file.source]))[file.source]
            twins = twins_of(source, await unit.sources.all())
        if file.state is not FileState.DONE or not file.duplicates:
            continue
        profile = formats.profile(source.profile)
        if profile.correlate_by:
            fault = "its records are parts of sessions: withdraw it as well, and import both again"
            done.append(Redone(file=file, fault=fault))
            continue
        again = _Again(file, twins, profile, actor, begin, clock, raters)
        try:
            with await blobs.open(file.sha256) as content:
                reader = formats.reader(profile)
                batches = mediate(
                    formats.blocks(content),
                    profile,
                    reader,
                    records_per_batch=RECORDS_PER_CHUNK,
                    now_us=micros(file.received_at),
                    apart=True,
                )
                done.append(await again.all(batches))
        except (NotFound, Unreadable, LimitExceeded) as no:
            done.append(Redone(file=file, fault=no.message))
    return done


@dataclass(slots=True)
class _Again:
    """One file that is read again."""

    file: CdrFile
    twins: Sequence[SourceId]
    profile: Profile
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters

    async def all(self, batches: Iterator[Batch]) -> Redone:
        rated = unrated = 0
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            wrote = await self._one(batch) if batch.events.height else None
            if wrote is not None:
                self.file, rated, unrated = wrote.file, rated + wrote.rated, unrated + wrote.unrated
        async with self.begin(self.actor) as unit:  # it waits for the disk, and so for all before it
            told = {"name": self.file.name, "rated": rated, "unrated": unrated}
            await unit.audit.write("redo_duplicates", f"file:{self.file.id}", told)
        return Redone(file=self.file, rated=rated, unrated=unrated)

    async def _one(self, batch: Batch) -> Wrote | None:
        """Write what of a batch is to be charged now; None where nothing is. Refuses with: WrongState."""
        for _ in range(ATTEMPTS_MAX):
            rater = await self.raters.present(self.actor, self.begin)
            made = await asyncio.to_thread(prepare, batch, rater)
            try:
                async with self.begin(self.actor, bulk=True) as unit:
                    rows = await unit.withdrawals.restorable(
                        self.file,
                        made.priced.events.start,
                        made.priced.keys,
                        batch.events["raw_line"].to_numpy(),
                        self.twins,
                    )
                if not rows:
                    return None
                some = await asyncio.to_thread(prepare, _only(batch, rows, self.file), rater)
                return await self._write(some)
            except Collision:
                continue
        raise WrongState("other imports keep bringing the same events; try again when they are done")

    async def _write(self, made: Prepared) -> Wrote | None:
        months = months_of(np.sort(made.priced.events.start[made.priced.billed]))
        async with self.begin(self.actor, bulk=True) as unit:
            await unit.intake.partitions(months)
        async with self.begin(self.actor, bulk=True) as unit:
            if self.twins:
                await lock_with(unit, self.file.source, self.twins)
            present = await unit.files.claim(self.file.id)
            if present.state is not FileState.DONE:
                raise WrongState("{name} was withdrawn meanwhile", name=present.name, field="file")
            made = replace(made, batch=replace(made.batch, position=present.position))
            return await write_chunk(unit, made, present, self.profile, at=self.clock.now(), twins=self.twins)


def _only(batch: Batch, rows: Sequence[int], file: CdrFile) -> Batch:
    """Return some of a batch's events, as a chunk that makes events of as many duplicates."""
    chosen = pl.Series(rows, dtype=pl.Int64)
    return Batch(
        events=batch.events[chosen],
        rejects=REJECT_SCHEMA.to_frame(),
        balance=Balance(events=len(rows), duplicates=-len(rows)),
        position=file.position,
        origins=batch.origins[chosen],
        raw=batch.raw,
    )
