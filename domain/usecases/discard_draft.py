"""Discard a draft of the catalogue."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.draft import Draft, DraftState
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotFound, Stale


@operation(Action.WRITE_PRICES)
async def discard_draft(name: str, version: int | None = None, *, actor: Actor, begin: Begin, clock: Clock) -> Draft:
    """Give the open draft of this name up; what it said stays to be read. ``version``: the one that was looked at.

    Refuses with: NotAllowed, NotFound, Stale.
    """
    async with begin(actor) as unit:
        draft = await unit.drafts.open(name)
        if draft is None:
            raise NotFound("no open draft {name!r}", name=name, field="name")
        if version is not None and draft.version != version:
            raise Stale("the draft was edited since it was looked at; look again", field="version")
        closed = replace(draft, state=DraftState.DISCARDED, changed_at=clock.now())
        await unit.drafts.close(closed)
        await unit.audit.write("discard_draft", f"draft:{name}", {"version": draft.version})
    return closed
