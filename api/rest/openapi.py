"""The OpenAPI 3.1 document, assembled from the table of routes, so that it cannot say anything else than the router."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from api.rest.refusals import PROBLEM, phrase
from api.routes import Operation
from domain.access.actor import Action
from domain.commands import KEY_MAX

VERSION: Final = "1"
_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The stable word a program may rely on."},
        "field": {"type": "string", "description": "The argument it concerns."},
        "id": {"type": "string", "description": "The id of an error on our side."},
    },
}
KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": KEY_MAX},
    "description": "Sent again, the same answer again: 409 while the first is running, 422 with another request.",
}
SCHEMAS: Final[dict[str, dict[str, Any]]] = {"Problem": PROBLEM_SCHEMA}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        if one.documented:
            shown = _PARAMETER.sub(r"{\1}", one.path)
            paths.setdefault(shown, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tollwright",
            "version": VERSION,
            "description": "CDR files in, invoices out. Everything else is GraphQL at /graphql and SOAP at /soap.",
        },
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": "/oauth/token",
                            "scopes": {action.value: action.name.capitalize().replace("_", " ") for action in Action},
                        }
                    },
                },
                "basic": {"type": "http", "scheme": "basic", "description": "Client id and secret."},
            },
        },
    }


def text(operations: Sequence[Operation]) -> str:
    """Return the document as the committed file has it."""
    return json.dumps(document(operations), indent=2, ensure_ascii=False) + "\n"


def _operation(one: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(one.path)
    ]
    parameters += [{"in": "query", **each} for each in one.query]
    if one.keyed:
        parameters.append(KEY)
    if parameters:
        shown["parameters"] = parameters
    if one.takes:
        shown["requestBody"] = {
            "required": True,
            "content": {media: {"schema": dict(schema)} for media, schema in one.takes.items()},
        }
    shown["responses"] = {
        status: {"description": _phrase(status), "content": {media: {"schema": dict(schema)}}}
        for status, (media, schema) in one.answers.items()
    } | {str(status): _problem(status) for status in (*one.refuses, *(() if one.public else (401, 403)))}
    if not one.public:
        shown["security"] = [{"oauth2": [one.action.value] if one.action else []}]
    return shown


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _phrase(str(status)), "content": {PROBLEM: {"schema": schema}}}


def _phrase(status: str) -> str:
    return phrase(HTTPStatus(int(status)))
