"""List CDR files taken in, and the sources they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor, allow
from domain.ids import FileId, SourceId
from domain.mediation.files import CdrFile, Source
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


async def list_files(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[CdrFile]:
    """List files by key, with their balances. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.files.page(request)


async def get_file(key: FileId, *, actor: Actor, begin: Begin) -> CdrFile:
    """Return one file. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.files.get(key)


async def files_by_ids(keys: Sequence[FileId], *, actor: Actor, begin: Begin) -> Mapping[FileId, CdrFile]:
    """Return those that exist. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.files.many(keys)


async def list_sources(*, actor: Actor, begin: Begin) -> Sequence[Source]:
    """Return the operator's sources by name. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.sources.all()


async def sources_by_ids(keys: Sequence[SourceId], *, actor: Actor, begin: Begin) -> Mapping[SourceId, Source]:
    """Return those that exist. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.sources.many(keys)
