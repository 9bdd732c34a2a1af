"""``GET /rest/v1/files``: the CDR files taken in, each with its balance."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.catalogues import perhaps
from api.graphql.ids import cursor, read_number
from api.wiring import Wiring
from domain.ids import FileId
from domain.mediation.files import CdrFile, FileState
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue, NotFound
from domain.usecases.list_files import get_file, list_files, sources_by_ids

FILE: dict[str, Any] = {
    "type": "object",
    "description": "records = events + merged + pending + duplicates + rejects + ignored; events = rated + unrated.",
    "properties": {
        "id": {"type": "integer"},
        "source": {"type": "string"},
        "name": {"type": "string"},
        "sha256": {"type": "string"},
        "size": {"type": "integer"},
        "state": {"enum": [state.value for state in FileState]},
        "position": {"type": "integer", "description": "Bytes of the unpacked content that are in so far."},
        "fault": {"type": ["string", "null"], "description": "Why it was refused."},
        "received_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
        "balance": {"type": "object"},
    },
}


def shown(file: CdrFile, source: str) -> dict[str, Any]:
    """Return a file with its balance, as interfaces of every kind print it."""
    return {
        "id": file.id,
        "source": source,
        "name": file.name,
        "sha256": file.sha256.hex(),
        "size": file.size,
        "state": file.state.value,
        "position": file.position,
        "fault": perhaps(file.fault),
        "received_at": file.received_at.isoformat(),
        "finished_at": file.finished_at.isoformat() if file.finished_at else None,
        "balance": {
            "records": file.records,
            "events": file.events,
            "merged": file.merged,
            "pending": file.pending,
            "duplicates": file.duplicates,
            "rejects": file.rejects,
            "ignored": dict(file.ignored),
            "rated": file.rated,
            "unrated": file.unrated,
        },
    }


class FileList:
    """Answers ``GET /rest/v1/files`` and ``/rest/v1/files/{id}``."""

    def __init__(self, wiring: Wiring) -> None:
        self._begin = wiring.begin

    async def page(self, request: Request) -> Response:
        """Answer a page of files; ``next`` is the cursor of the following one."""
        asked = PageRequest(first_of(request), read_number(request.query_params.get("after"), "File"))
        page = await list_files(asked, actor=request.state.actor, begin=self._begin)
        keys = list({file.source for file in page.items})
        sources = await sources_by_ids(keys, actor=request.state.actor, begin=self._begin)
        files = [shown(file, sources[file.source].name) for file in page.items]
        return JSONResponse({"files": files, "next": cursor("File", page.items[-1].id) if page.more else None})

    async def one(self, request: Request) -> Response:
        """Answer one file."""
        key = FileId(path_key(request, "file"))
        file = await get_file(key, actor=request.state.actor, begin=self._begin)
        sources = await sources_by_ids([file.source], actor=request.state.actor, begin=self._begin)
        return JSONResponse(shown(file, sources[file.source].name))


def path_key(request: Request, kind: str) -> int:
    """Return the key in a path. Refuses with: NotFound, as for a thing that is not there."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("there is no {kind} with this id", kind=kind)
    return int(text)


def first_of(request: Request) -> int:
    """Return how many items are asked for at a time. Refuses with: BadValue."""
    text = request.query_params.get("first", "50")
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BadValue("between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first")
    return int(text)
