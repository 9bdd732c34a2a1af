"""Name a source of CDR files and the profile it is read by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import SourceId
from domain.mediation.files import Source
from domain.ports.intake import Formats
from domain.ports.unit import Begin
from domain.refusal import BadValue

NOTE_MAX: Final = 1000
NAME: Final = re.compile(r"[\w][\w .@-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSource:
    """``profile`` is a shipped profile's name or a profile's TOML text. A source that exists gets a new version.

    ``note`` says why, for who looks at the versions later.
    """

    name: str
    profile: str
    note: str | None = None


@operation(Action.IMPORT_CDR)
async def put_source(cmd: PutSource, *, actor: Actor, begin: Begin, formats: Formats) -> Source:
    """Keep a source.

    Refuses with: NotAllowed, BadValue (name, profile), NotFound (profile).
    """
    faults: list[tuple[str, str]] = []
    if not NAME.fullmatch(cmd.name):
        faults.append(("name", "a source's name has 1 to 100 letters, digits, spaces and .@-_"))
    if cmd.note is not None and len(cmd.note) > NOTE_MAX:
        faults.append(("note", f"a note has at most {NOTE_MAX} characters"))
    try:
        formats.reader(formats.profile(cmd.profile))
    except BadValue as no:
        if not faults:
            raise
        faults.append(("profile", no.message))
    if faults:
        told = "; ".join(sentence for _, sentence in faults)
        raise BadValue("{faults}", faults=told, field=faults[0][0] if len(faults) == 1 else None)
    async with begin(actor) as unit:
        source = Source(id=SourceId(0), operator=actor.operator, name=cmd.name, profile=cmd.profile)
        kept = await unit.sources.put(source, note=cmd.note)
        await unit.audit.write("put_source", f"source:{kept.id}", {"name": kept.name, "version": kept.version})
    return kept
