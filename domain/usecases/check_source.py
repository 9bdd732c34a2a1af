"""Try a profile on a sample: what it reads, record by record, and what to change. Nothing is kept of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.mediation.checking import Checked, read_lines
from domain.mediation.profile import Profile
from domain.ports.clock import Clock
from domain.ports.intake import Formats
from domain.ports.unit import Begin
from domain.rating.clock import micros
from domain.refusal import BadValue, LimitExceeded, NotFound, Unreadable

RECORDS_MAX: Final = 1000
HEAD_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSource:
    """``source``: one of the operator's, or None; ``profile``: a TOML text or a shipped profile's name, or None.

    Where both are given the profile is tried; ``content`` is a sample, plain or packed.
    """

    content: BinaryIO
    source: str | None = None
    profile: str | None = None
    records: int = 100


@operation(Action.IMPORT_CDR)
async def check_source(cmd: CheckSource, *, actor: Actor, begin: Begin, clock: Clock, formats: Formats) -> Checked:
    """Return what is read of a sample.

    Refuses with: NotAllowed, BadValue (profile, neither is given, records), NotFound (source, profile). A sample that
    cannot be read is no refusal: it is told in ``fault``, with what to change.
    """
    if not 1 <= cmd.records <= RECORDS_MAX:
        raise BadValue("between 1 and {records_max} records can be shown", records_max=RECORDS_MAX, field="records")
    text = cmd.profile
    if text is None:
        if cmd.source is None:
            raise BadValue("say which: a source, or a profile", field="profile")
        async with begin(actor) as unit:
            text = (await unit.sources.by_name(cmd.source)).profile
    profile = formats.profile(text)
    formats.reader(profile)
    return await asyncio.to_thread(checked, cmd, profile, formats, micros(clock.now()))


def checked(cmd: CheckSource, profile: Profile, formats: Formats, now_us: int) -> Checked:
    """Read a sample; what stops it is told."""
    try:
        formats.check(cmd.content)
        head, parts = 0, []
        for block in formats.blocks(cmd.content):
            parts.append(block)
            head += len(block)
            if head >= HEAD_BYTES:
                break
        found = Checked(suggestions=formats.advise(b"".join(parts)[:HEAD_BYTES], profile))
    except (Unreadable, LimitExceeded) as no:
        return Checked(fault=no.message)
    try:
        lines, records, rejected = read_lines(
            formats.blocks(cmd.content), profile, formats.reader(profile), first=cmd.records, now_us=now_us
        )
    except (Unreadable, LimitExceeded, BadValue) as no:
        return replace(found, fault=no.message)
    return replace(found, lines=lines, records=records, rejected=rejected)


def faults_of(profile: str, formats: Formats) -> list[str]:
    """Return what is wrong with a profile, each fault with its path; nothing where it is good."""
    try:
        formats.reader(formats.profile(profile))
    except (BadValue, NotFound) as no:
        return [part.strip() for part in no.message.removeprefix("profile: ").split("; ")]
    return []


@operation(Action.IMPORT_CDR)
async def validate_profile(profile: str, *, actor: Actor, begin: Begin, formats: Formats) -> list[str]:
    """Return what is wrong with a profile. Refuses with: NotAllowed."""
    del actor, begin  # its permission is asked for before it
    return faults_of(profile, formats)
