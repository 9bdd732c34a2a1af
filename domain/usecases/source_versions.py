"""The versions of a source's profile: list, compare, and go back to one; and each source's balance."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.mediation.files import Source, SourceBalance, SourceVersion
from domain.ports.intake import Formats
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound

NOTE_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackSource:
    """Make the profile of an earlier ``version`` the source's again, as a new version."""

    name: str
    version: int
    note: str | None = None


@operation(Action.IMPORT_CDR)
async def get_source(name: str, *, actor: Actor, begin: Begin) -> Source:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.sources.by_name(name)


@operation(Action.IMPORT_CDR)
async def list_source_versions(name: str, *, actor: Actor, begin: Begin) -> Sequence[SourceVersion]:
    """Return every profile that a source had, the latest first. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.sources.versions((await unit.sources.by_name(name)).id)


@operation(Action.IMPORT_CDR)
async def compare_source_versions(name: str, before: int, after: int, *, actor: Actor, begin: Begin) -> str:
    """Return how a version differs from another, as a unified diff; '' where they are the same.

    Refuses with: NotAllowed, NotFound (source, version).
    """
    async with begin(actor) as unit:
        source = await unit.sources.by_name(name)
        old, new = await _version(unit, source, before), await _version(unit, source, after)
    lines = difflib.unified_diff(
        old.profile.splitlines(keepends=True),
        new.profile.splitlines(keepends=True),
        f"{name} version {before}",
        f"{name} version {after}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@operation(Action.IMPORT_CDR)
async def roll_back_source(cmd: RollBackSource, *, actor: Actor, begin: Begin, formats: Formats) -> Source:
    """Go back to an earlier profile: it becomes the newest version. Files keep the version they were read with.

    Refuses with: NotAllowed, NotFound (source, version), BadValue (it cannot be read any more; the note is too long).
    """
    if cmd.note is not None and len(cmd.note) > NOTE_MAX:
        raise BadValue("a note has at most {note_max} characters", note_max=NOTE_MAX, field="note")
    async with begin(actor) as unit:
        source = await unit.sources.by_name(cmd.name)
        old = await _version(unit, source, cmd.version)
        formats.reader(formats.profile(old.profile))
        note = cmd.note or f"back to version {cmd.version}"
        kept = await unit.sources.put(
            Source(id=source.id, operator=source.operator, name=source.name, profile=old.profile), note=note
        )
        detail = {"name": kept.name, "version": kept.version, "back_to": cmd.version}
        await unit.audit.write("roll_back_source", f"source:{kept.id}", detail)
    return kept


@operation(Action.IMPORT_CDR)
async def list_balances(*, actor: Actor, begin: Begin) -> Sequence[SourceBalance]:
    """Return where the records of each source's files went. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.sources.balances()


async def _version(unit: Unit, source: Source, number: int) -> SourceVersion:
    for one in await unit.sources.versions(source.id):
        if one.version == number:
            return one
    raise NotFound("{name} has no version {number}", name=source.name, number=number, field="version")
