"""Which document a request asks for: the one it sends, or one that is registered and named by its SHA-256.

    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ecf4…"}}, "variables": {…}}

Where the setting ``graphql_documents`` is ``only``, no other document is executed, whoever sends it. Nothing is
registered by being asked for. What is asked without a token has a form of its own (``api.graphql.unnamed``).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from api.rest.refusals import Malformed
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.access.document import digest, read_sha256
from domain.ids import OperatorId
from domain.usecases.register_document import find_document

CACHED_MAX: Final = 1000
CACHED_SECONDS: Final = 30.0  # what was forgotten is executed no longer than this
OFF: Final = "off"
ONLY: Final = "only"


class Documents:
    """Finds the document of a request."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._mode = wiring.settings.graphql_documents
        self._known: OrderedDict[tuple[OperatorId, bytes], tuple[float, str]] = OrderedDict()

    async def of(self, asked: Mapping[str, Any], actor: Actor) -> str:
        """Return the document to execute. Raises Malformed; refuses with: BadValue (no SHA-256)."""
        sent = asked.get("query")
        named = self._named(asked)
        if sent is not None and named is not None and digest(sent) != named:
            raise _wrong("persisted_query_mismatch", "the document is not the one of this SHA-256")
        if sent is not None and self._mode != ONLY:
            return str(sent)
        sha256 = named if named is not None else digest(str(sent))
        found = await self._find(sha256, actor)
        if found is None and sent is not None:
            raise _wrong("not_registered", "none but registered documents are executed here")
        if found is None:
            raise _wrong("persisted_query_not_found", "no document of this SHA-256 is registered")
        return found

    def _named(self, asked: Mapping[str, Any]) -> bytes | None:
        given = (asked.get("extensions") or {}).get("persistedQuery")
        if given is None or self._mode == OFF:
            if asked.get("query") is None:
                raise _wrong("malformed", 'send an object such as {"query": "{ operator { name } }"}')
            return None
        if not isinstance(given, dict) or given.get("version") != 1 or not isinstance(given.get("sha256Hash"), str):
            raise _wrong("malformed", 'a persisted query is {"version": 1, "sha256Hash": 64 digits}')
        return read_sha256(given["sha256Hash"], field="extensions.persistedQuery.sha256Hash")

    async def _find(self, sha256: bytes, actor: Actor) -> str | None:
        place, now = (actor.operator, sha256), time.monotonic()
        known = self._known.get(place)
        if known is not None and now - known[0] < CACHED_SECONDS:
            return known[1]
        found = await find_document(sha256, actor=actor, begin=self._wiring.begin)
        if found is None:
            self._known.pop(place, None)
            return None
        self._known[place] = (now, found.document)
        self._known.move_to_end(place)
        if len(self._known) > CACHED_MAX:
            self._known.popitem(last=False)
        return found.document


def _wrong(code: str, message: str) -> Malformed:
    return Malformed(HTTPStatus.BAD_REQUEST, code, message)
