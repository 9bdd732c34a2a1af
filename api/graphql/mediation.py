"""Work on suspense, sources' profiles and their versions, balances, withdrawing a file, sessions whose time is out."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.catalogues import told
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.intake import CONTENT_BYTES_MAX, FileType, ReasonCountType, SourceType, SuspendedType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.ids import FileId, SourceId, SuspenseId
from domain.mediation.checking import Checked
from domain.mediation.files import SourceBalance, SourceVersion, SuspenseKind
from domain.mediation.suspense import Correction, SuspenseAction, SuspenseChange, SuspenseFilter
from domain.refusal import BadValue, LimitExceeded
from domain.usecases.check_source import CheckSource, check_source, validate_profile
from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense
from domain.usecases.put_source import PutSource, put_source
from domain.usecases.redo_duplicates import withdraw_and_redo
from domain.usecases.source_versions import (
    RollBackSource,
    compare_source_versions,
    get_source,
    list_balances,
    list_source_versions,
    roll_back_source,
)
from domain.usecases.sweep_sessions import Swept, sweep_sessions
from domain.usecases.withdraw_file import Redone, WithdrawFile, Withdrawn, withdraw_file
from domain.usecases.work_suspense import (
    CorrectSuspense,
    DiscardSuspense,
    Released,
    ReleaseSuspense,
    correct_suspense,
    discard_suspense,
    release_suspense,
    suspense_history,
)

ID = strawberry.ID

strawberry.enum(SuspenseAction, description="What was done to a record in suspense.")


@strawberry.input(description="Records in suspense that fit everything that is given; since and until: the event's.")
class SuspenseFilterInput:
    """``SuspenseFilter``; the source by its name."""

    ids: list[ID] | None = None
    source: str | None = None
    file: ID | None = None
    reason: str | None = None
    kind: SuspenseKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = strawberry.field(default=None, description="In the raw line, the detail or the event.")


@strawberry.input(description="A field's other value: a column of the record, or a field of an unrated event.")
class FieldInput:
    """One entry of ``Correction.fields``."""

    name: str
    value: str


@strawberry.input(
    description="With what records are released; another raw text is for one alone. A preview, where it is asked for,"
    " checks the correction against each record that is chosen, and keeps nothing."
)
class CorrectSuspenseInput:
    """``CorrectSuspense``."""

    filter: SuspenseFilterInput
    why: str
    raw: str | None = None
    fields: list[FieldInput] = strawberry.field(default_factory=list)
    preview: bool = False
    idempotency_key: str | None = kept_key()


@strawberry.input
class ReleaseSuspenseInput:
    """``ReleaseSuspense``."""

    filter: SuspenseFilterInput
    why: str = ""
    preview: bool = True
    idempotency_key: str | None = kept_key()


@strawberry.input
class DiscardSuspenseInput:
    """``DiscardSuspense``."""

    filter: SuspenseFilterInput
    why: str
    preview: bool = True
    idempotency_key: str | None = kept_key()


@strawberry.type(name="SuspenseCount", description="How many records it concerned.")
class SuspenseCountType:
    """How many."""

    records: BigInt


def _still(root: strawberry.Parent[Released]) -> list[ReasonCountType]:
    return _counts(root.still)


def _counts(found: Mapping[str, int]) -> list[ReasonCountType]:
    return [ReasonCountType(reason=reason, count=BigInt(count)) for reason, count in sorted(found.items())]


@strawberry.type(name="SuspenseRelease", description="What became of the chosen records; of a preview, what would.")
class ReleasedType:
    """``domain.usecases.work_suspense.Released``."""

    chosen: BigInt
    rated: BigInt
    joined: BigInt = strawberry.field(description="Parts that belong to a session, or wait for its others.")
    duplicates: BigInt
    ignored: BigInt
    still: list[ReasonCountType] = strawberry.field(resolver=_still, description="Those that stay in suspense.")

    is_type_of = shows(Released)


def _before(root: strawberry.Parent[SuspenseChange]) -> JsonText:
    return JsonText(json.dumps(dict(root.before), ensure_ascii=False))


@strawberry.type(name="SuspenseChange", description="What was done to a record, and what it was before.")
class SuspenseChangeType:
    """``domain.mediation.suspense.SuspenseChange``."""

    action: SuspenseAction
    client: str
    why: str
    reason: str | None = strawberry.field(description="Why a release failed again.")
    before: JsonText = strawberry.field(resolver=_before)
    created_at: datetime


async def _source_of(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.sources.load(root.source)


def _balance_counts(root: strawberry.Parent[SourceBalance]) -> list[ReasonCountType]:
    return [ReasonCountType(reason=name, count=BigInt(count)) for name, count in root.counts.items()]


def _balance_ignored(root: strawberry.Parent[SourceBalance]) -> list[ReasonCountType]:
    return _counts(root.ignored)


def _holds(root: strawberry.Parent[SourceBalance]) -> bool:
    return root.holds()


@strawberry.type(
    name="SourceBalance",
    description="records = events + merged + pending + duplicates + rejects + ignored; events = rated + unrated;"
    " suspense = rejects + unrated.",
)
class SourceBalanceType:
    """``domain.mediation.files.SourceBalance``."""

    source: SourceType = strawberry.field(resolver=_source_of)
    counts: list[ReasonCountType] = strawberry.field(resolver=_balance_counts)
    ignored: list[ReasonCountType] = strawberry.field(resolver=_balance_ignored)
    suspense: BigInt
    unbalanced: int = strawberry.field(description="How many of its files do not balance by themselves.")
    holds: bool = strawberry.field(resolver=_holds)


@strawberry.type(name="SourceVersion", description="A profile that a source has, or had.")
class SourceVersionType:
    """``domain.mediation.files.SourceVersion``."""

    version: int
    profile: str
    client: str
    note: str | None
    created_at: datetime

    is_type_of = shows(SourceVersion)


@strawberry.type(name="Suggestion", description="A change to a profile: its key, the value as JSON, and why.")
class SuggestionType:
    """``domain.mediation.checking.Suggestion``."""

    key: str
    value: JsonText
    because: str


@strawberry.type(name="SourceCheck", description="What a profile reads of a sample; lines are JSON objects.")
class SourceCheckType:
    """``domain.mediation.checking.Checked``."""

    lines: list[JsonText]
    records: int
    rejected: int
    suggestions: list[SuggestionType]
    fault: str | None


@strawberry.input(description="A sample, base64, and the source or the profile that it is tried with.")
class CheckSourceInput:
    """``CheckSource``."""

    content: str
    source: str | None = None
    profile: str | None = None
    records: int = 100


@strawberry.input(description="A shipped profile's name or a TOML text; a source that exists gets a new version.")
class PutSourceInput:
    """``PutSource``."""

    name: str
    profile: str
    note: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input
class RollBackSourceInput:
    """``RollBackSource``."""

    name: str
    version: int
    note: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A preview unless preview is false. Corrections: also what is invoiced.")
class WithdrawFileInput:
    """``WithdrawFile``."""

    file: ID
    why: str
    corrections: bool = False
    preview: bool = True
    redo: bool = strawberry.field(default=True, description="Charge what other files counted as its duplicates.")
    idempotency_key: str | None = kept_key()


@strawberry.type(name="RedoneFile", description="A file that was read again; fault: why it could not be.")
class RedoneType:
    """``domain.usecases.withdraw_file.Redone``."""

    file: FileType
    rated: BigInt = strawberry.field(description="How many of its duplicates are charged now.")
    unrated: BigInt
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"))

    is_type_of = shows(Redone)


@strawberry.type(name="Withdrawal", description="What a withdrawal took back; of a preview, what it would.")
class WithdrawalType:
    """``domain.usecases.withdraw_file.Withdrawn``."""

    file: FileType
    events: BigInt
    billed: BigInt
    suspended: BigInt
    overlapping: list[FileType] = strawberry.field(
        description="Files whose duplicates may have been this file's, and that are charged nowhere without it."
    )
    redone: list[RedoneType] = strawberry.field(description="Those of them that were read again.")

    is_type_of = shows(Withdrawn)


@strawberry.type(name="Sweep", description="Sessions whose time was out: events and rejects told, finished forgotten.")
class SweepType:
    """``domain.usecases.sweep_sessions.Swept``."""

    events: BigInt
    rejects: BigInt
    forgotten: BigInt

    is_type_of = shows(Swept)


async def chosen_by(info: Info, asked: SuspenseFilterInput) -> SuspenseFilter:
    """Return the filter. Refuses with: NotFound (source, an id that never was one of ours)."""
    source: SourceId | None = None
    if asked.source is not None:
        source = (await info.context.ask(get_source, asked.source)).id
    ids = None
    if asked.ids is not None:
        ids = tuple(SuspenseId(key_of(one, "Suspended", "filter.ids")) for one in asked.ids)
    return SuspenseFilter(
        source=source,
        file=None if asked.file is None else FileId(key_of(asked.file, "File", "filter.file")),
        reason=asked.reason,
        kind=asked.kind,
        since=asked.since,
        until=asked.until,
        text=asked.text,
        ids=ids,
    )


async def _correct(info: Info, asked: Annotated[CorrectSuspenseInput, strawberry.argument(name="input")]) -> Any:
    correction = Correction(raw=asked.raw, fields={one.name: one.value for one in asked.fields})
    chosen = await chosen_by(info, asked.filter)
    cmd = CorrectSuspense(chosen=chosen, correction=correction, why=asked.why, preview=asked.preview)
    count = await info.context.ask(correct_suspense, cmd, formats=info.context.wiring.formats)
    return SuspenseCountType(records=BigInt(count))


async def _release(info: Info, asked: Annotated[ReleaseSuspenseInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    cmd = ReleaseSuspense(chosen=await chosen_by(info, asked.filter), why=asked.why, preview=asked.preview)
    return await info.context.ask(
        release_suspense,
        cmd,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )


async def _discard(info: Info, asked: Annotated[DiscardSuspenseInput, strawberry.argument(name="input")]) -> Any:
    cmd = DiscardSuspense(chosen=await chosen_by(info, asked.filter), why=asked.why, preview=asked.preview)
    return SuspenseCountType(records=BigInt(await info.context.ask(discard_suspense, cmd)))


async def _history(info: Info, id: ID) -> Any:
    return await info.context.ask(suspense_history, SuspenseId(key_of(id, "Suspended", "id")))


async def _suspended(
    info: Info,
    filter: SuspenseFilterInput,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    page = request(first, read_number(after, "Suspended"))
    cmd = ListSuspense(page=page, chosen=await chosen_by(info, filter))
    return connect(await info.context.ask(list_suspense, cmd), "Suspended", after=after)


async def _chosen_counts(info: Info, filter: SuspenseFilterInput) -> list[ReasonCountType]:
    cmd = ListSuspense(chosen=await chosen_by(info, filter))
    return _counts(await info.context.ask(count_suspense, cmd))


async def _balances(info: Info) -> Any:
    return await info.context.ask(list_balances)


async def _versions(info: Info, name: str) -> Any:
    return await info.context.ask(list_source_versions, name)


async def _diff(info: Info, name: str, before: int, after: int) -> str:
    return str(await info.context.ask(compare_source_versions, name, before, after))


async def _validate(info: Info, profile: str) -> list[str]:
    found: list[str] = await info.context.ask(validate_profile, profile, formats=info.context.wiring.formats)
    return [told(one) for one in found]


async def _check(info: Info, asked: Annotated[CheckSourceInput, strawberry.argument(name="input")]) -> Any:
    try:
        content = base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("the content is not base64", field="content") from None
    if len(content) > CONTENT_BYTES_MAX:
        raise LimitExceeded(
            "a sample has at most {content_bytes_max} bytes", content_bytes_max=CONTENT_BYTES_MAX, field="content"
        )
    wiring = info.context.wiring
    cmd = CheckSource(content=io.BytesIO(content), source=asked.source, profile=asked.profile, records=asked.records)
    done: Checked = await info.context.ask(check_source, cmd, clock=wiring.clock, formats=wiring.formats)
    return shown_check(done)


def shown_check(done: Checked) -> SourceCheckType:
    """Show what a profile reads."""
    return SourceCheckType(
        lines=[JsonText(json.dumps(line, ensure_ascii=False)) for line in done.lines],
        records=done.records,
        rejected=done.rejected,
        suggestions=[
            SuggestionType(
                key=one.key, value=JsonText(json.dumps(one.value, ensure_ascii=False)), because=told(one.because)
            )
            for one in done.suggestions
        ],
        fault=None if done.fault is None else told(done.fault),
    )


async def _put(info: Info, asked: Annotated[PutSourceInput, strawberry.argument(name="input")]) -> Any:
    cmd = PutSource(name=asked.name, profile=asked.profile, note=asked.note)
    return await info.context.ask(put_source, cmd, formats=info.context.wiring.formats)


async def _roll_back(info: Info, asked: Annotated[RollBackSourceInput, strawberry.argument(name="input")]) -> Any:
    cmd = RollBackSource(name=asked.name, version=asked.version, note=asked.note)
    return await info.context.ask(roll_back_source, cmd, formats=info.context.wiring.formats)


async def _withdraw(info: Info, asked: Annotated[WithdrawFileInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    cmd = WithdrawFile(
        file=FileId(key_of(asked.file, "File", "file")),
        why=asked.why,
        corrections=asked.corrections,
        preview=asked.preview,
    )
    around = {"clock": wiring.clock, "formats": wiring.formats, "raters": wiring.raters}
    if asked.redo:
        return await info.context.ask(withdraw_and_redo, cmd, blobs=wiring.blobs, **around)
    return await info.context.ask(withdraw_file, cmd, **around)


async def _sweep(info: Info, source: str | None = None) -> Any:
    wiring = info.context.wiring
    return await info.context.ask(
        sweep_sessions, clock=wiring.clock, raters=wiring.raters, formats=wiring.formats, source=source
    )


@strawberry.type
class MediationQuery:
    """Balances, profiles and the history of records."""

    balances: list[SourceBalanceType] = strawberry.field(resolver=_balances)
    suspended: Connection[SuspendedType] = strawberry.field(
        resolver=_suspended, description="Records in suspense that a filter chooses."
    )
    suspense_chosen: list[ReasonCountType] = strawberry.field(
        resolver=_chosen_counts, description="How many records in suspense a filter chooses, per reason."
    )
    suspense_history: list[SuspenseChangeType] = strawberry.field(resolver=_history)
    source_versions: list[SourceVersionType] = strawberry.field(resolver=_versions)
    source_difference: str = strawberry.field(
        resolver=_diff, description="How one version of a profile differs from another, as a unified diff."
    )
    profile_faults: list[str] = strawberry.field(
        resolver=_validate, description="What is wrong with a profile, each fault with its path; [] if it is good."
    )
    source_check: SourceCheckType = strawberry.field(resolver=_check)


@strawberry.type
class MediationMutation:
    """Work on suspense, sources and files."""

    correct_suspense = strawberry.mutation(
        resolver=_correct, graphql_type=outcome("CorrectSuspenseResult", SuspenseCountType)
    )
    release_suspense = strawberry.mutation(
        resolver=_release,
        graphql_type=outcome("ReleaseSuspenseResult", ReleasedType),
        description="Let records take their way again, with their corrections; a preview unless preview is false.",
    )
    discard_suspense = strawberry.mutation(
        resolver=_discard, graphql_type=outcome("DiscardSuspenseResult", SuspenseCountType)
    )
    put_source = strawberry.mutation(resolver=_put, graphql_type=outcome("PutSourceResult", SourceType))
    roll_back_source = strawberry.mutation(
        resolver=_roll_back, graphql_type=outcome("RollBackSourceResult", SourceType)
    )
    withdraw_file = strawberry.mutation(resolver=_withdraw, graphql_type=outcome("WithdrawFileResult", WithdrawalType))
    sweep_sessions = strawberry.mutation(resolver=_sweep, graphql_type=outcome("SweepSessionsResult", SweepType))
