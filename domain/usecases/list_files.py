"""List CDR files taken in, and the sources they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId, SourceId
from domain.mediation.files import CdrFile, Source
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.IMPORT_CDR)
async def list_files(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[CdrFile]:
    """List files by key, with their balances. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.files.page(request)


@operation(Action.IMPORT_CDR)
async def get_file(key: FileId, *, actor: Actor, begin: Begin) -> CdrFile:
    """Return one file. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.files.get(key)


@operation(Action.IMPORT_CDR)
async def files_by_ids(keys: Sequence[FileId], *, actor: Actor, begin: Begin) -> Mapping[FileId, CdrFile]:
    """Return those that exist. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.files.many(keys)


@operation(Action.IMPORT_CDR)
async def list_sources(*, actor: Actor, begin: Begin) -> Sequence[Source]:
    """Return the operator's sources by name. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.sources.all()


@operation(Action.IMPORT_CDR)
async def sources_by_ids(keys: Sequence[SourceId], *, actor: Actor, begin: Begin) -> Mapping[SourceId, Source]:
    """Return those that exist. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.sources.many(keys)
