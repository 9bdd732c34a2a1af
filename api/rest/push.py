"""``POST /rest/v1/cdr/{source}``: call records as they happen, answered when they are in the database for good.

One record or several per request, as FreeSWITCH posts them or as JSON. Requests that come at the same time are
committed together. A request that comes again brings duplicates, which change nothing; one that is not answered, or
answered with 503, is to be sent again.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.rest.bodies import media_type
from api.rest.refusals import Malformed, problem
from api.streams.groups import AGAIN_SECONDS, Busy, Groups
from api.wiring import Wiring
from domain.access.actor import Action, Actor, allow
from domain.refusal import NotFound
from integrations.cdr import pushed

BODY_MAX: Final = 8 << 20
_READER_SECONDS: Final = 5.0
_READERS_MAX: Final = 10_000
PUSHED: Final = {
    "type": "object",
    "properties": {
        "file": {"type": "integer", "description": "The file that the records were committed as, with others."},
        "records": {"type": "integer", "description": "How many records the request had."},
    },
}


class PushRecords:
    """The endpoint."""

    def __init__(self, wiring: Wiring, groups: Groups | None = None) -> None:
        self._wiring = wiring
        self.groups = groups or Groups(wiring, suffix=".json")
        self._readers: dict[tuple[int, str], tuple[float, str]] = {}

    async def __call__(self, request: Request) -> Response:
        """Take the records of one request. 200 once they are committed, 503 where too many wait."""
        actor: Actor = request.state.actor
        allow(actor, Action.IMPORT_CDR, "import_cdr")
        kind, source = media_type(request), request.path_params["source"]
        if not pushed.takes(kind):
            sentence = "send JSON, XML, or FreeSWITCH's form with the field cdr"
            raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
        body = pushed.unwrapped(await request.body(), kind)
        lines = pushed.lines(body, await self._reader(source, actor))
        try:
            done = await self.groups.put(actor, source, b"".join(lines))
        except Busy:
            sentence = "more records wait to be committed than may; send it again"
            again = {"Retry-After": str(AGAIN_SECONDS)}
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence, headers=again)
        return JSONResponse({"file": int(done.file.id), "records": len(lines)})

    async def _reader(self, source: str, actor: Actor) -> str:
        """Return the reader of a source's profile, looked up again every few seconds. Refuses with: NotFound."""
        key, now = (int(actor.operator), source), time.monotonic()
        if (hit := self._readers.get(key)) is not None and now - hit[0] < _READER_SECONDS:
            return hit[1]
        async with self._wiring.begin(actor) as unit:
            try:
                profile = (await unit.sources.by_name(source)).profile
            except NotFound:
                profile = source  # a shipped profile becomes a source on its first use
        reader = self._wiring.formats.profile(profile).format
        if len(self._readers) >= _READERS_MAX:
            self._readers.clear()
        self._readers[key] = (now, reader)
        return reader
