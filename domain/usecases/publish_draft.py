"""Publish a draft of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.catalogue.document import BadTariff
from domain.catalogue.draft import Draft, DraftState
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.ports.versions import Versioned
from domain.refusal import Conflict, NotFound, Refusal, Stale, WrongState
from domain.usecases.check_draft import prepare
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishDraft:
    """``valid_from``: from when its prices hold, None: now. ``accept_warnings``: publish what only looks wrong.

    ``version``: the one that was looked at; None: whatever it is.
    """

    name: str
    valid_from: datetime | None = None
    accept_warnings: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPublished:
    """The draft as it is now, closed, and how many rows of the catalogue began and ended by it."""

    draft: Draft
    began: int
    ended: int


@operation(Action.WRITE_PRICES)
@four_eyes(ApprovalKind.PRICES)
async def publish_draft(cmd: PublishDraft, *, actor: Actor, begin: Begin, clock: Clock) -> DraftPublished:
    """Make the open draft of this name part of the catalogue, as a whole or not at all, and close it.

    Its prices hold from the moment on; the versions they replace end there. What is rated already stays as it is.
    Refuses with: NotAllowed, NotFound (there was never one), WrongState (published or discarded), Stale, BadTariff
    (every fault with its place), Conflict (there are warnings, and they were not accepted), BadValue (a time without
    offset).
    """
    now = clock.now()
    at = now if cmd.valid_from is None else utc(cmd.valid_from, field="validFrom")
    async with begin(actor) as unit:
        await unit.catalogue.hold()
        draft = await unit.drafts.open(cmd.name)
        if draft is None:
            raise await _over(unit, cmd.name)
        await agreed(unit, actor, ApprovalKind.PRICES, cmd, now=now)
        if cmd.version is not None and draft.version != cmd.version:
            raise Stale("the draft was edited since it was looked at; look again", field="version")
        prepared = await prepare(unit, draft, at=at, now=now)
        if prepared.made.faults:
            raise BadTariff(tuple(prepared.made.faults))
        if prepared.warnings and not cmd.accept_warnings:
            more = f" (and {len(prepared.warnings) - 1} more)" if len(prepared.warnings) > 1 else ""
            raise Conflict(
                "{warnings}{more}: mend it, or accept the warnings",
                warnings=prepared.warnings[0],
                more=more,
                field="acceptWarnings",
            )
        changed = await unit.catalogue.amend(prepared.before, prepared.made.after, recorded_at=now)
        if changed.began or changed.ended:
            await unit.versions.advance_all(Versioned.PRICES, list(prepared.made.after.price_lists))
        revision = await unit.catalogue.revision()
        closed = replace(draft, state=DraftState.PUBLISHED, changed_at=now, valid_from=at, revision=revision)
        await unit.drafts.close(closed)
        detail = {
            "version": draft.version,
            "revision": revision,
            "valid_from": at.isoformat(),
            "began": changed.began,
            "ended": changed.ended,
            "warnings": len(prepared.warnings),
        }
        await unit.audit.write("publish_draft", f"draft:{cmd.name}", detail)
    return DraftPublished(draft=closed, began=changed.began, ended=changed.ended)


async def _over(unit: Unit, name: str) -> Refusal:
    """Return why there is no open draft of this name: nobody is asked to approve what is over."""
    try:
        latest = await unit.drafts.latest(name)
    except NotFound:
        return NotFound("no open draft {name!r}", name=name, field="name")
    if latest.state is DraftState.PUBLISHED:
        return WrongState("the draft {name!r} is published already", name=name, field="name")
    return WrongState("the draft {name!r} was discarded", name=name, field="name")
