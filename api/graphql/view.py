"""``POST /graphql``: one operation per request as JSON, and nothing else: no GET, no form, no batch, no IDE.

A form or text/plain can be sent by a page of any site, so neither is read (attack G8). An operation that was not
executed at all is answered with 400, one that was executed with 200, whatever its fields answered.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError

from api.auth.tokens import TokenRefused
from api.graphql.context import Context
from api.graphql.once import settle
from api.graphql.refusals import coded
from api.graphql.registered import Documents
from api.graphql.unnamed import check_unnamed, nobody
from api.rest.bodies import json_body
from api.rest.refusals import Malformed
from api.wiring import Wiring

FORM: Final = 'send an object such as {"query": "{ operator { name } }"}'
_PARTS: Final[dict[str, tuple[type, ...]]] = {
    "query": (str,),
    "variables": (dict, type(None)),
    "operationName": (str, type(None)),
    "extensions": (dict, type(None)),
}


class GraphQLView:
    """The endpoint."""

    def __init__(self, schema: strawberry.Schema, wiring: Wiring) -> None:
        self._schema = schema
        self._wiring = wiring
        self._documents = Documents(wiring)

    async def __call__(self, request: Request) -> Response:
        """Answer one operation."""
        if (caller := request.state.actor) is None:
            asked = await _of_nobody(request)
            document = asked["query"]
            caller = nobody(request)
        else:
            asked = _checked(await json_body(request))
            document = await self._documents.of(asked, caller)
        context = Context(self._wiring, caller)
        context.accept_language = request.headers.get("accept-language")
        try:
            result = await self._schema.execute(
                document,
                variable_values=asked.get("variables"),
                operation_name=asked.get("operationName"),
                context_value=context,
            )
        except CannotGetOperationTypeError:
            raise _wrong("the document holds no operation of this name") from None
        await settle(context, result)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [coded(error).formatted for error in result.errors]
        executed = result.data is not None or any(error.path for error in result.errors or ())
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        status = HTTPStatus.OK if executed else HTTPStatus.BAD_REQUEST
        return Response(text, status.value, media_type="application/json")


async def _of_nobody(request: Request) -> dict[str, Any]:
    """Return what is asked without a token. Raises TokenRefused for what needs one, also for what cannot be read."""
    try:
        asked = _checked(await json_body(request))
    except Malformed as wrong:
        if wrong.status in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}:
            raise
        raise TokenRefused("no token") from None
    if not isinstance(asked.get("query"), str):
        raise TokenRefused("no token, and no document")
    check_unnamed(asked["query"])
    return asked


def _checked(body: object) -> dict[str, Any]:
    if isinstance(body, list):
        raise _wrong("one operation per request; batches are not answered")
    if not isinstance(body, dict):
        raise _wrong(FORM)
    if not body.keys() & {"query", "extensions"}:
        raise _wrong(FORM)
    for name, value in body.items():
        if name not in _PARTS:
            raise _wrong(f"{name[:80]!r} is no part of a GraphQL request")
        if not isinstance(value, _PARTS[name]):
            raise _wrong(f"{name} is not of its kind")
    return body


def _wrong(message: str) -> Malformed:
    return Malformed(HTTPStatus.BAD_REQUEST, "malformed", message)
