"""List the records that are not rated, and count them. They hold anybody's calls, so they are the operator's alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId
from domain.mediation.files import Suspended
from domain.mediation.suspense import SuspenseFilter
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.usecases.work_suspense import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSuspense:
    """Open records by key: those that ``chosen`` says, of one ``reason`` or ``file`` where these are given."""

    page: PageRequest = field(default_factory=PageRequest)
    reason: str | None = None
    file: FileId | None = None
    chosen: SuspenseFilter = field(default_factory=SuspenseFilter)

    def all_chosen(self) -> SuspenseFilter:
        """Return the filter with everything in it. Refuses with: BadValue."""
        more = {name: value for name in ("reason", "file") if (value := getattr(self, name)) is not None}
        chosen = replace(self.chosen, **more)
        return chosen if chosen.empty else checked(chosen)


@operation(Action.IMPORT_CDR)
async def list_suspense(cmd: ListSuspense, *, actor: Actor, begin: Begin) -> Page[Suspended]:
    """List records in suspense. Refuses with: NotAllowed, BadValue (filter)."""
    async with begin(actor) as unit:
        return await unit.desk.page(cmd.page, cmd.all_chosen())


@operation(Action.IMPORT_CDR)
async def count_suspense(cmd: ListSuspense | None = None, *, actor: Actor, begin: Begin) -> Mapping[str, int]:
    """Return how many chosen records are open per reason. Refuses with: NotAllowed, BadValue (filter)."""
    async with begin(actor) as unit:
        return await unit.desk.counts((cmd or ListSuspense()).all_chosen())
