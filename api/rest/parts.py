"""Answers that have a tag and can be had in parts (RFC 9110 §§ 8.8.3, 13.1.2, 14)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


def tag_of(content: bytes) -> str:
    """Return the entity tag of a content, which is the same for the same bytes.

    >>> tag_of(b"")
    '"e3b0c44298fc1c149afbf4c8996fb924"'
    """
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def answer(request: Request, content: bytes, *, media: str, headers: Mapping[str, str]) -> Response:
    """Answer a content whole, the one part of it that is asked for, or that the caller has it already.

    Several parts at once are answered with the whole, as RFC 9110 § 14.2 lets a server.
    """
    tag = tag_of(content)
    more = {**headers, "ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if _named(request.headers.get("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=more)
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    given = request.headers.get("if-range")
    if found is None or (given is not None and given != tag) or found[0] == "bytes=-":
        return Response(content, media_type=media, headers=more)
    part = _part(found[1], found[2], len(content))
    if part is None:
        more["Content-Range"] = f"bytes */{len(content)}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=more)
    first, last = part
    more["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], status_code=HTTPStatus.PARTIAL_CONTENT, media_type=media, headers=more)


def _named(asked: str | None, tag: str) -> bool:
    if asked is None:
        return False
    return asked.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in asked.split(",")]


def _part(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a part; None where it is none of these bytes.

    >>> _part("0", "3", 10), _part("8", "", 10), _part("", "3", 10), _part("10", "", 10), _part("5", "2", 10)
    ((0, 3), (8, 9), (7, 9), None, None)
    """
    if not first:
        begin, end = max(size - int(last), 0), size - 1
    else:
        begin, end = int(first), min(int(last), size - 1) if last else size - 1
    return (begin, end) if begin <= end and begin < size else None
