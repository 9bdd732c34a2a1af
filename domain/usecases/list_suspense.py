"""List the records that are not rated, and count them. They hold anybody's calls, so they are the operator's alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor, allow
from domain.ids import FileId
from domain.mediation.files import Suspended
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSuspense:
    """Open records by key, of one ``reason`` or one ``file`` where these are given."""

    page: PageRequest = field(default_factory=PageRequest)
    reason: str | None = None
    file: FileId | None = None


async def list_suspense(cmd: ListSuspense, *, actor: Actor, begin: Begin) -> Page[Suspended]:
    """List records in suspense. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.suspense.page(cmd.page, reason=cmd.reason, file=cmd.file)


async def count_suspense(*, actor: Actor, begin: Begin) -> Mapping[str, int]:
    """Return how many records are open per reason. Refuses with: NotAllowed."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.suspense.counts()
