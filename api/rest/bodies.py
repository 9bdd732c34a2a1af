"""JSON that no two readers can understand differently: one value, no key twice, no NaN, not deep (attack L3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request

from api.rest.refusals import Malformed
from domain.saying import Said

DEPTH_MAX: Final = 64
# Linear on text that has been parsed: every string of it is closed.
_BRACKETS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def strict_json(body: bytes, *, parse_float: Callable[[str], object] | None = None) -> Any:
    """Read a JSON text. Raises Malformed, 400.

    >>> strict_json(b'{"a": 1}')
    {'a': 1}
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=parse_float
        )
    except RecursionError:
        raise _wrong("the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise _wrong("the JSON is not UTF-8") from None
    except ValueError as fault:
        raise _wrong(f"the JSON cannot be read: {fault}") from None
    if _depth(body) > DEPTH_MAX:
        raise _wrong(f"the JSON is nested more than {DEPTH_MAX} deep")
    return value


async def json_body(request: Request, *, parse_float: Callable[[str], object] | None = None) -> Any:
    """Read a request's JSON body. Raises Malformed: 415 for another content type, 400 for what cannot be read."""
    if media_type(request) != "application/json":
        raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", Said("send application/json"))
    return strict_json(await request.body(), parse_float=parse_float)


def media_type(request: Request) -> str:
    """Return the Content-Type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object")
        found[key] = value
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(body):
        match body[found.start()]:
            case 0x5B | 0x7B:
                depth += 1
                deepest = max(deepest, depth)
            case 0x5D | 0x7D:
                depth -= 1
    return deepest


def _wrong(message: str) -> Malformed:
    return Malformed(HTTPStatus.BAD_REQUEST, "malformed", message)
