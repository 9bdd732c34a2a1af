"""Take a CDR file in for a worker: keep its bytes and its row, and promise that it will be imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.jobs.job import NewJob
from domain.mediation.files import CdrFile, FileState
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.intake import Formats
from domain.ports.unit import Begin
from domain.usecases.import_cdr import FINISHED, ImportCdr, checked_name, registered, source_named

KIND: Final = "import_cdr"


@dataclass(frozen=True, slots=True)
class Taken:
    """The file as it is, and whether its content was imported before, so that there is nothing to do."""

    file: CdrFile
    again: bool


@operation(Action.IMPORT_CDR)
async def take_cdr(
    cmd: ImportCdr, *, actor: Actor, begin: Begin, clock: Clock, blobs: Blobs, formats: Formats, priority: int = 0
) -> Taken:
    """Keep a file and promise its import, in one transaction. The same content of the same source changes nothing.

    Refuses with: NotAllowed, BadValue, NotFound (source), Conflict (the bytes are charged under another source),
    LimitExceeded (size). What is wrong with the content is found by the import, and told on the file.
    """
    name = await checked_name(cmd.name, actor=actor, begin=begin)
    async with begin(actor) as unit:
        source = await source_named(cmd.source, unit, actor, formats)
    kept = await blobs.keep(cmd.content, size_max=cmd.size_max)
    async with begin(actor) as unit:
        file = await registered(source, name, kept, FileState.WAITING, unit=unit, actor=actor, clock=clock)
        if file.state in FINISHED:
            return Taken(file, again=True)
        await unit.jobs.add(NewJob(kind=KIND, payload={"file": file.id}, dedupe=str(file.id), priority=priority))
        await unit.audit.write("take_cdr", f"file:{file.id}", {"name": file.name})
    return Taken(file, again=False)
