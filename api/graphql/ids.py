"""Global ids and cursors: opaque to clients, checked when they come back (attacks G7, A9).

A global id is base64url of ``Kind:key``. A cursor is base64url of ``kind:key`` after which the next page begins; one
made for another list, or edited, is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from domain.refusal import BadValue, NotFound

_TEXT: Final = re.compile(r"[A-Za-z]{1,30}:[0-9A-Za-z.*_-]{1,80}", re.ASCII)
_KEY: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_CURSOR: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
CHARACTERS_MAX: Final = 200


def global_id(kind: str, key: object) -> str:
    """Return the global id of a thing.

    >>> global_id("Customer", 12)
    'Q3VzdG9tZXI6MTI'
    """
    return _encode(f"{kind}:{key}")


def read_id(text: str) -> tuple[str, str]:
    """Return kind and key of a global id. Refuses with: NotFound (it never was one of ours)."""
    parts = _decode(text)
    if parts is None:
        raise NotFound("there is nothing with this id")
    return parts


def key_of(text: str, kind: str, field: str) -> int:
    """Return the key in a global id of ``kind``. Refuses with: NotFound, as for a thing that is not there."""
    parts = _decode(text)
    if parts is None or parts[0] != kind or not _KEY.fullmatch(parts[1]) or int(parts[1]) >= 2**63:
        raise NotFound("there is no {kind} with this id", kind=kind, field=field)
    return int(parts[1])


def cursor(kind: str, key: object) -> str:
    """Return the cursor behind a thing in a list of its kind."""
    return _encode(f"after{kind}:{key}")


def read_cursor(text: str | None, kind: str) -> str | None:
    """Return the key in a cursor. Refuses with: BadValue where it was not made for this kind of list."""
    if text is None:
        return None
    parts = _decode(text)
    if parts is None or parts[0] != f"after{kind}":
        raise BadValue("this cursor does not belong to this list; take endCursor of a page of it", field="after")
    return parts[1]


def read_number(text: str | None, kind: str) -> int | None:
    """Return the integer key in a cursor. Refuses with: BadValue."""
    key = read_cursor(text, kind)
    if key is None:
        return None
    if not _CURSOR.fullmatch(key) or int(key) >= 2**63:
        raise BadValue("this cursor does not belong to this list; take endCursor of a page of it", field="after")
    return int(key)


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> tuple[str, str] | None:
    if not 0 < len(text) <= CHARACTERS_MAX:
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    # One spelling only: what decodes to the same bytes by other characters is not ours.
    if not _TEXT.fullmatch(plain) or _encode(plain) != text:
        return None
    kind, _, key = plain.partition(":")
    return kind, key
