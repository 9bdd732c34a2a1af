"""``PUT /rest/v1/cdr/{source}/{name}``: a CDR file, streamed into the store of files; a worker imports it.

The body is the file's bytes as they are, packed or not; nothing of it is held in memory. It is kept for good, and its
import promised, before the answer. ``?wait`` imports it before answering. The same content again changes nothing and
says so.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth.gate import check_pace, next_block
from api.rest.bodies import media_type
from api.rest.files import shown
from api.rest.refusals import Malformed
from api.wiring import Wiring
from domain.access.actor import Action, Actor, allow
from domain.mediation.files import CdrFile
from domain.refusal import BadValue
from domain.usecases.import_cdr import ImportCdr, import_cdr
from domain.usecases.take_cdr import take_cdr

FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class UploadCdr:
    """The endpoint."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take one file: 202, and where its progress is told. With ``?wait``: 201 when it is in. 200: it was before."""
        wiring, actor = self._wiring, request.state.actor
        allow(actor, Action.IMPORT_CDR, "take_cdr")
        if media_type(request) in FORMS:
            sentence = "send the file itself as the body, as application/octet-stream; not a form"
            raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
        size_max = wiring.settings.upload_max_bytes
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > size_max:
            # Before a byte of it is read, so that a client that asks first (Expect: 100-continue) sends nothing.
            raise Malformed(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "limit_exceeded", f"a file has at most {size_max} bytes"
            )
        cmd = ImportCdr(
            source=request.path_params["source"],
            name=request.path_params["name"],
            content=blocks(request),
            size_max=size_max,
        )
        try:
            return await self._taken(cmd, actor, waits=waits(request))
        except BadValue as no:
            if no.field != "name":
                raise
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", no.message) from None

    async def _taken(self, cmd: ImportCdr, actor: Actor, *, waits: bool) -> Response:
        wiring = self._wiring
        if waits:
            done = await import_cdr(
                cmd,
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                formats=wiring.formats,
                raters=wiring.raters,
            )
            return _answer(done.file, cmd.source, HTTPStatus.CREATED, again=done.again)
        taken = await take_cdr(
            cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, blobs=wiring.blobs, formats=wiring.formats
        )
        return _answer(taken.file, cmd.source, HTTPStatus.ACCEPTED, again=taken.again)


def waits(request: Request) -> bool:
    """Tell whether the caller waits for the import: ``?wait``, but not ``?wait=0`` or ``false``."""
    return request.query_params.get("wait", "false").lower() not in {"0", "false"}


def _answer(file: CdrFile, source: str, status: HTTPStatus, *, again: bool) -> Response:
    body: dict[str, Any] = {**shown(file, source), "again": again}
    headers = {"Location": f"/rest/v1/files/{file.id}"}
    return JSONResponse(body, HTTPStatus.OK if again else status, headers)


async def blocks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises Malformed, 408, where it comes too slowly or breaks off."""
    began, taken, more = time.monotonic(), 0, True
    while more:
        message = await next_block(request.receive)
        if message["type"] == "http.disconnect":
            raise Malformed(HTTPStatus.BAD_REQUEST, "broken_off", "the body broke off")
        block = message.get("body", b"")
        more = message.get("more_body", False)
        taken += len(block)
        check_pace(taken, time.monotonic() - began)
        if block:
            yield block
