"""The header ``Idempotency-Key`` on what changes something over REST: the answer that was given comes again (B5 to B8).

As the IETF's draft has it (draft-ietf-httpapi-idempotency-key-header-07): 422 where the key came with another request,
409 while the first is being carried out, 400 where it is no key. A body is hashed as it is read and never kept, so that
a file may be of any size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from api.catalogues import sentence
from api.keeping import claim
from api.rest.refusals import Malformed
from api.routes import Endpoint, Operation
from api.wiring import Wiring
from domain.ports.keeping import Kept, OtherContent
from domain.refusal import BadValue

HEADER: Final = "idempotency-key"
# What takes no key, and why.
WITHOUT_KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("rate", "priceCall", "explainCall", "authorizeCall"), "it reckons, and changes nothing"),
    "answerProvisioning": "an element's answer is known by its signature and its moment",
}
_TOLD: Final = ("content-type", "location")


class _Hashed:
    """A request's body as it is read, and its SHA-256."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._digest = hashlib.sha256()
        self._over = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._digest.update(message.get("body", b""))
        self._over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def whole(self) -> str:
        """Return the hash, once everything that is left has been read."""
        while not self._over:
            await self()
        return self._digest.hexdigest()


class Once:
    """An endpoint that answers a request again as it was answered under its key."""

    def __init__(self, endpoint: Endpoint, wiring: Wiring) -> None:
        self._endpoint = endpoint
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer."""
        keys = request.headers.getlist(HEADER)
        actor = getattr(request.state, "actor", None)
        if not keys or actor is None:
            return await self._endpoint(request)
        if len(keys) > 1:
            raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "the header Idempotency-Key is given twice")
        asked = f"{request.method} {request.url.path}?{request.url.query} {request.headers.get('content-type', '')}"
        try:
            found = await claim(self._wiring, actor, keys[0], asked.encode())
        except BadValue as no:
            raise Malformed(HTTPStatus.BAD_REQUEST, no.code, sentence(no)) from None
        body = _Hashed(request.receive)
        if isinstance(found, Kept):
            known = json.loads(found.answer)
            if await body.whole() != known["body_sha256"]:
                raise OtherContent
            return Response(known["body"], known["status"], known["headers"])
        try:
            with found.running():
                answer = await self._endpoint(Request(request.scope, body))
        except Exception:
            await found.drop(None)
            raise
        await found.finish(_kept(answer, await body.whole()))
        return answer


def _kept(answer: Response, digest: str) -> str:
    headers: dict[str, Any] = {name: answer.headers[name] for name in _TOLD if name in answer.headers}
    body = bytes(answer.body).decode()
    return json.dumps({"status": answer.status_code, "headers": headers, "body": body, "body_sha256": digest})


def repeatable(operations: Iterable[Operation], wiring: Wiring) -> list[Operation]:
    """Return the routes; what changes something takes a key."""
    return [
        one
        if one.method == "GET" or one.name in WITHOUT_KEY
        else replace(one, endpoint=Once(one.endpoint, wiring), keyed=True)
        for one in operations
    ]
