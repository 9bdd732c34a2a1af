"""The operations of the WSDL about sources of CDRs, their profiles, files and balances."""

from __future__ import annotations

import io
import json
from typing import Any, Final

from spyne import Boolean, ByteArray, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import perhaps, told
from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from api.soap.suspense import Count, counts, plain_text
from domain.ids import FileId, SourceId
from domain.mediation.files import CdrFile, FileState, Source
from domain.refusal import LimitExceeded
from domain.usecases.check_source import CheckSource, check_source, validate_profile
from domain.usecases.list_files import list_sources, sources_by_ids
from domain.usecases.put_source import PutSource, put_source
from domain.usecases.redo_duplicates import withdraw_and_redo
from domain.usecases.source_versions import (
    RollBackSource,
    compare_source_versions,
    list_balances,
    list_source_versions,
    roll_back_source,
)
from domain.usecases.sweep_sessions import sweep_sessions
from domain.usecases.withdraw_file import WithdrawFile, withdraw_file

SAMPLE_BYTES_MAX: Final = 1_000_000
StateOfFile = _enum(FileState, "FileState")


class SourceModel(Model):
    """A source with its profile's newest version."""

    __type_name__ = "Source"

    name = needed(Unicode)
    profile = needed(Unicode)
    version = needed(Integer)


class SourceList(Model):
    """The operator's sources."""

    source = many(SourceModel)


class ProfileVersion(Model):
    """A profile that a source has, or had."""

    version = needed(Integer)
    profile = needed(Unicode)
    client = needed(Unicode)
    note = Unicode
    createdAt = needed(DateTime)


class ProfileVersions(Model):
    """Every profile that a source had, the latest first."""

    version = many(ProfileVersion)


class Suggestion(Model):
    """A change to a profile: its key, the value as JSON, and why."""

    key = needed(Unicode)
    value = needed(Unicode)
    because = needed(Unicode)


class SourceCheck(Model):
    """What a profile reads of a sample; lines are JSON objects. Profile faults are told alone."""

    line = many(Unicode)
    records = needed(Integer)
    rejected = needed(Integer)
    suggestion = many(Suggestion)
    fault = Unicode


class ProfileFaults(Model):
    """What is wrong with a profile, each fault with its path; none where it is good."""

    fault = many(Unicode)


class BalanceOfSource(Model):
    """Where the records of a source's files went; holds: each is in one place, and suspense has what it should.

    unbalanced: how many of its files do not balance by themselves.
    """

    source = needed(Unicode)
    count = many(Count)
    ignored = many(Count)
    suspense = needed(Integer)
    unbalanced = needed(Integer)
    holds = needed(Boolean)


class Balances(Model):
    """The balance of every source."""

    balance = many(BalanceOfSource)


class FileModel(Model):
    """A file with its counts."""

    __type_name__ = "CdrFile"

    id = needed(Integer)
    name = needed(Unicode)
    state = needed(StateOfFile)
    profileVersion = Integer
    count = many(Count)
    ignored = many(Count)


class RedoneFile(Model):
    """A file that was read again, and how many of its duplicates are charged now; fault: why it could not be."""

    file = needed(FileModel)
    rated = needed(Integer)
    unrated = needed(Integer)
    fault = Unicode


class Withdrawal(Model):
    """What a withdrawal took back; of a preview, what it would."""

    file = needed(FileModel)
    events = needed(Integer)
    billed = needed(Integer)
    suspended = needed(Integer)
    overlapping = many(FileModel)
    redone = many(RedoneFile)


class Sweep(Model):
    """Sessions whose time was out: events and rejects told, finished ones forgotten."""

    events = needed(Integer)
    rejects = needed(Integer)
    forgotten = needed(Integer)


class Sources(ServiceBase):
    """Sources and files of CDRs."""

    __service_name__ = "Billing"

    @operation("ListSources", returns=SourceList, result="sources")
    async def list_sources(ctx: Any) -> Any:
        """Return the operator's sources with their profiles."""
        return SourceList(source=[_source(one) for one in await ctx.udc.ask(list_sources)])

    @operation("PutSource", needed(Unicode), needed(Unicode), Unicode, returns=SourceModel, result="source")
    async def put_source(ctx: Any, name: str, profile: str, note: str | None) -> Any:
        """Keep a source, or a new version of its profile: a shipped profile's name, or a TOML text."""
        cmd = PutSource(name=name, profile=profile, note=note)
        return _source(await ctx.udc.ask(put_source, cmd, formats=ctx.udc.wiring.formats))

    @operation("ListSourceVersions", needed(Unicode), returns=ProfileVersions, result="versions")
    async def source_versions(ctx: Any, name: str) -> Any:
        """Return every profile that a source had, the latest first."""
        found = await ctx.udc.ask(list_source_versions, name)
        return ProfileVersions(
            version=[
                ProfileVersion(
                    version=one.version,
                    profile=one.profile,
                    client=one.client,
                    note=one.note,
                    createdAt=one.created_at,
                )
                for one in found
            ]
        )

    @operation(
        "CompareSourceVersions", needed(Unicode), needed(Integer), needed(Integer), returns=Unicode, result="difference"
    )
    async def source_difference(ctx: Any, name: str, before: int, after: int) -> str:
        """Return how one version of a profile differs from another, as a unified diff."""
        return str(await ctx.udc.ask(compare_source_versions, name, before, after))

    @operation("RollBackSource", needed(Unicode), needed(Integer), Unicode, returns=SourceModel, result="source")
    async def roll_back_source(ctx: Any, name: str, version: int, note: str | None) -> Any:
        """Make an earlier profile the source's again, as a new version."""
        cmd = RollBackSource(name=name, version=version, note=note)
        return _source(await ctx.udc.ask(roll_back_source, cmd, formats=ctx.udc.wiring.formats))

    @operation("CheckProfile", needed(Unicode), returns=ProfileFaults, result="faults")
    async def profile_faults(ctx: Any, profile: str) -> Any:
        """Return what is wrong with a profile."""
        found = await ctx.udc.ask(validate_profile, profile, formats=ctx.udc.wiring.formats)
        return ProfileFaults(fault=[told(one) for one in found])

    @operation("CheckSource", needed(ByteArray), Unicode, Unicode, Integer, returns=SourceCheck, result="check")
    async def check_source(
        ctx: Any,
        content: Any,
        source: str | None,
        profile: str | None,
        records: int | None,
    ) -> Any:
        """Return what a source or a profile reads of a sample, and what to change."""
        data = b"".join(content)
        if len(data) > SAMPLE_BYTES_MAX:
            raise LimitExceeded(
                "a sample has at most {sample_bytes_max} bytes", sample_bytes_max=SAMPLE_BYTES_MAX, field="content"
            )
        wiring = ctx.udc.wiring
        cmd = CheckSource(content=io.BytesIO(data), source=source, profile=profile, records=records or 100)
        done = await ctx.udc.ask(check_source, cmd, clock=wiring.clock, formats=wiring.formats)
        return SourceCheck(
            line=[plain_text(json.dumps(line, ensure_ascii=False)) for line in done.lines],
            records=done.records,
            rejected=done.rejected,
            suggestion=[
                Suggestion(key=one.key, value=json.dumps(one.value, ensure_ascii=False), because=told(one.because))
                for one in done.suggestions
            ],
            fault=perhaps(done.fault),
        )

    @operation("ListBalances", returns=Balances, result="balances")
    async def list_balances(ctx: Any) -> Any:
        """Return where the records of each source's files went."""
        found = await ctx.udc.ask(list_balances)
        names = await ctx.udc.ask(sources_by_ids, [SourceId(one.source) for one in found])
        return Balances(
            balance=[
                BalanceOfSource(
                    source=names[one.source].name,
                    count=counts(one.counts),
                    ignored=counts(one.ignored),
                    suspense=one.suspense,
                    unbalanced=one.unbalanced,
                    holds=one.holds(),
                )
                for one in found
            ]
        )

    @operation(
        "WithdrawFile",
        needed(Integer),
        needed(Unicode),
        Boolean,
        Boolean,
        Boolean,
        returns=Withdrawal,
        result="withdrawal",
    )
    async def withdraw_file(
        ctx: Any,
        file: int,
        why: str,
        corrections: bool | None,
        preview: bool | None,
        redo: bool | None,
    ) -> Any:
        """Take back what a file has brought; a preview unless preview is false.

        Other files then bring what they counted as its duplicates, unless redo is false.
        """
        wiring = ctx.udc.wiring
        cmd = WithdrawFile(file=FileId(file), why=why, corrections=corrections is True, preview=preview is not False)
        around = {"clock": wiring.clock, "formats": wiring.formats, "raters": wiring.raters}
        if redo is False:
            done = await ctx.udc.ask(withdraw_file, cmd, **around)
        else:
            done = await ctx.udc.ask(withdraw_and_redo, cmd, blobs=wiring.blobs, **around)
        return Withdrawal(
            file=_file(done.file),
            events=done.events,
            billed=done.billed,
            suspended=done.suspended,
            overlapping=[_file(one) for one in done.overlapping],
            redone=[
                RedoneFile(file=_file(one.file), rated=one.rated, unrated=one.unrated, fault=perhaps(one.fault))
                for one in done.redone
            ],
        )

    @operation("SweepSessions", Unicode, returns=Sweep, result="sweep")
    async def sweep_sessions(ctx: Any, source: str | None) -> Any:
        """Tell of sessions whose time is out."""
        wiring = ctx.udc.wiring
        done = await ctx.udc.ask(
            sweep_sessions, clock=wiring.clock, raters=wiring.raters, formats=wiring.formats, source=source
        )
        return Sweep(events=done.events, rejects=done.rejects, forgotten=done.forgotten)


def _source(one: Source) -> Any:
    return SourceModel(name=one.name, profile=one.profile, version=one.version)


def _file(one: CdrFile) -> Any:
    names = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated")
    return FileModel(
        id=one.id,
        name=one.name,
        state=one.state.value,
        profileVersion=one.profile_version,
        count=counts({name: getattr(one, name) for name in names}),
        ignored=counts(one.ignored),
    )
