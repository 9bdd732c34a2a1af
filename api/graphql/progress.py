"""How far imports are, told as their chunks are committed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

import strawberry

from api.graphql.context import Info
from api.graphql.following import heard
from api.graphql.ids import global_id, key_of
from api.graphql.intake import FileType
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.access.actor import Action, allow
from domain.ids import FileId
from domain.mediation.files import CdrFile, FileState
from domain.ports.news import FILE
from domain.usecases.list_files import files_by_ids, get_file

ID = strawberry.ID
REMEMBERED_MAX: Final = 1000


def _id(root: strawberry.Parent[CdrFile]) -> ID:
    return ID(global_id("File", root.id))


def _file(root: strawberry.Parent[CdrFile]) -> Any:
    return root


@strawberry.type(
    name="ImportProgress",
    description="How far a file is: what its committed chunks came to. records, events and rejects as in File.",
)
class ImportProgressType:
    """``domain.mediation.files.CdrFile``, while it grows."""

    file_id: ID = strawberry.field(resolver=_id)
    file: FileType = strawberry.field(resolver=_file)
    name: str
    state: FileState
    position: BigInt = strawberry.field(description="Bytes done, of the unpacked content.")
    size: BigInt = strawberry.field(description="Bytes of the file as it came, packed where it came packed.")
    chunks: int
    records: BigInt
    events: BigInt
    rated: BigInt
    unrated: BigInt
    duplicates: BigInt
    rejects: BigInt

    is_type_of = shows(CdrFile)


async def _progress(info: Info, file: ID | None = None) -> AsyncGenerator[Any, None]:
    allow(info.context.actor, Action.IMPORT_CDR, "list_files")
    watched = _all(info) if file is None else _one(info, FileId(key_of(file, "File", "file")))
    async with contextlib.aclosing(watched):
        async for found in watched:
            yield found


async def _one(info: Info, key: FileId) -> AsyncGenerator[CdrFile, None]:
    """Yield a file as it is now, and then whenever it moves on; end with it."""
    last = None
    async with heard(info, FILE) as keys:
        async for moved in keys:
            if moved in {None, key} and (now := await info.context.ask(get_file, key)) != last:
                yield now
                last = now
                if not _going_on(now):
                    return


async def _all(info: Info) -> AsyncGenerator[CdrFile, None]:
    last: dict[FileId, CdrFile] = {}  # as they were told, the latest at the end
    async with heard(info, FILE) as keys:
        async for key in keys:
            wanted = [one.id for one in last.values() if _going_on(one)] if key is None else [FileId(key)]
            found = await info.context.ask(files_by_ids, wanted)
            for one in found.values():
                if last.pop(one.id, None) != one:
                    yield one
                last[one.id] = one
            while len(last) > REMEMBERED_MAX:
                del last[next(iter(last))]


def _going_on(file: CdrFile) -> bool:
    return file.state not in {FileState.DONE, FileState.EMPTY, FileState.REFUSED}


@strawberry.type
class ProgressSubscription:
    """Imports as they go on."""

    import_progress: AsyncGenerator[ImportProgressType, None] = strawberry.subscription(
        resolver=_progress,
        description="A file each time a chunk of it is committed; of one file from now to its end, or of all.",
    )
