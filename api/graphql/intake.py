"""CDR files with their balances, sources, and the records that are not rated."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node, identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.graphql.wording import in_words
from domain.ids import FileId
from domain.mediation.files import CdrFile, FileState, Source, Suspended, SuspenseKind
from domain.refusal import BadValue, LimitExceeded
from domain.usecases.import_cdr import ImportCdr, import_cdr
from domain.usecases.list_files import get_file, list_files, list_sources
from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense

ID = strawberry.ID
CONTENT_BYTES_MAX: Final = 1_000_000

for _enum in (FileState, SuspenseKind):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


@strawberry.type(name="Source", description="A switch that CDR files come from.")
class SourceType(Node):
    """``domain.mediation.files.Source``."""

    name: str
    profile: str
    version: int

    is_type_of = shows(Source)


@strawberry.type(name="ReasonCount", description="How many records a reason holds.")
class ReasonCountType:
    """One reason."""

    reason: str
    count: BigInt


def _ignored(root: strawberry.Parent[CdrFile]) -> list[ReasonCountType]:
    return [ReasonCountType(reason=reason, count=BigInt(count)) for reason, count in sorted(root.ignored.items())]


async def _source(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.sources.load(root.source)


def _balances(root: strawberry.Parent[CdrFile]) -> bool:
    return root.balances()


def _sha256(root: strawberry.Parent[CdrFile]) -> str:
    return root.sha256.hex()


@strawberry.type(
    name="File",
    description="records = events + merged + pending + duplicates + rejects + ignored; events = rated + unrated.",
)
class FileType(Node):
    """``domain.mediation.files.CdrFile``."""

    name: str
    source: SourceType = strawberry.field(resolver=_source)
    sha256: str = strawberry.field(resolver=_sha256)
    size: BigInt
    state: FileState
    received_at: datetime
    finished_at: datetime | None
    profile_version: int | None
    chunks: int
    records: BigInt
    events: BigInt
    merged: BigInt
    pending: BigInt
    duplicates: BigInt
    rejects: BigInt
    ignored: list[ReasonCountType] = strawberry.field(resolver=_ignored)
    rated: BigInt
    unrated: BigInt
    balances: bool = strawberry.field(resolver=_balances, description="Whether every record ended in one place.")

    is_type_of = shows(CdrFile)


async def _file(root: strawberry.Parent[Suspended], info: Info) -> Any:
    return await info.context.load.files.load(root.file)


@strawberry.type(name="Suspended", description="A record that is not rated, with its one reason and its raw line.")
class SuspendedType(Node):
    """``domain.mediation.files.Suspended``."""

    id: strawberry.ID = identified()
    kind: SuspenseKind
    source: SourceType = strawberry.field(resolver=_source)
    file: FileType = strawberry.field(resolver=_file)
    record: BigInt
    byte_offset: BigInt
    reason: str
    detail: str = strawberry.field(resolver=in_words("detail"))
    raw: str
    start: datetime | None
    created_at: datetime

    is_type_of = shows(Suspended)


@strawberry.input(description="A small file, base64. A large one goes by REST: PUT /rest/v1/cdr/{source}/{name}.")
class ImportCdrFileInput:
    """``ImportCdr``."""

    source: str
    name: str
    content: str
    idempotency_key: str | None = kept_key()


@strawberry.type(name="ImportedFile", description="The file; again: its content was here already, nothing changed.")
class ImportedFile:
    """What an import came to."""

    file: FileType
    again: bool
    reasons: list[ReasonCountType] = strawberry.field(
        default_factory=list, description="Why how many records went to suspense by this call."
    )


async def _files(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_files, request(first, read_number(after, "File")))
    return connect(page, "File", after=after)


async def _one(info: Info, id: ID) -> Any:
    return await info.context.ask(get_file, FileId(key_of(id, "File", "id")))


async def _sources(info: Info) -> Any:
    return await info.context.ask(list_sources)


async def _suspense(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    reason: str | None = None,
    file: ID | None = None,
) -> Any:
    chosen = None if file is None else FileId(key_of(file, "File", "file"))
    query = ListSuspense(page=request(first, read_number(after, "Suspended")), reason=reason, file=chosen)
    return connect(await info.context.ask(list_suspense, query), "Suspended", after=after)


async def _counts(info: Info) -> list[ReasonCountType]:
    counts = await info.context.ask(count_suspense)
    return [ReasonCountType(reason=reason, count=BigInt(count)) for reason, count in sorted(counts.items())]


async def _import(info: Info, asked: Annotated[ImportCdrFileInput, strawberry.argument(name="input")]) -> Any:
    try:
        content = base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("the content is not base64", field="content") from None
    if len(content) > CONTENT_BYTES_MAX:
        raise LimitExceeded(
            "at most {content_bytes_max} bytes here; send it by PUT /rest/v1/cdr/{{source}}/{{name}}",
            content_bytes_max=CONTENT_BYTES_MAX,
            field="content",
        )

    async def blocks() -> AsyncIterator[bytes]:
        yield content

    wiring = info.context.wiring
    done = await info.context.ask(
        import_cdr,
        ImportCdr(source=asked.source, name=asked.name, content=blocks(), size_max=CONTENT_BYTES_MAX),
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )
    reasons = [ReasonCountType(reason=reason, count=BigInt(n)) for reason, n in sorted(done.reasons.items())]
    return ImportedFile(file=done.file, again=done.again, reasons=reasons)


@strawberry.type
class IntakeQuery:
    """What was taken in."""

    files: Connection[FileType] = strawberry.field(resolver=_files)
    file: FileType | None = strawberry.field(resolver=_one)
    sources: list[SourceType] = strawberry.field(resolver=_sources)
    suspense: Connection[SuspendedType] = strawberry.field(
        resolver=_suspense, description="Records that are not rated: rejects, and events without a price."
    )
    suspense_counts: list[ReasonCountType] = strawberry.field(resolver=_counts)


@strawberry.type
class IntakeMutation:
    """Taking in."""

    import_cdr_file = strawberry.mutation(resolver=_import, graphql_type=outcome("ImportCdrFileResult", ImportedFile))
