"""Which pages may call from a browser (Fetch Standard § 3.2): those whose origin a portal was given, as that portal.

Nothing is sent along by a browser itself here: there are no cookies, so credentials are never allowed. An origin that
nobody registered gets no header, and its preflight no answer but the usual one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Scope

from api.auth.bearer import CACHE_SECONDS, Remembered
from domain.access.actor import Actor
from domain.ports.credentials import Credentials

OPEN: Final = ("/oauth/", "/graphql", "/rest/", "/.well-known/")
ORIGIN_MAX: Final = 300
METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
ASKED: Final = "authorization, content-type, accept-language, idempotency-key, tollwright-on-behalf-of"
SHOWN: Final = "x-request-id, retry-after, content-disposition"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that calls: its origin, and the portals that it is one of."""

    origin: str
    portals: frozenset[str]

    def mark(self, headers: MutableHeaders, actor: Actor | None) -> None:
        """Let the page read an answer: as one of its portals, or where nobody has said yet who he is."""
        headers.add_vary_header("origin")
        if self.portals and (actor is None or actor.client in self.portals or not actor.client):
            headers["access-control-allow-origin"] = self.origin
            headers["access-control-expose-headers"] = SHOWN


class Cors:
    """Knows the origins of portals."""

    def __init__(self, credentials: Credentials, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._credentials = credentials
        self._known: Remembered[frozenset[str]] = Remembered(lambda: CACHE_SECONDS, monotonic)

    async def page(self, scope: Scope) -> Page | None:
        """Return the page that a request comes from; None where it is none's, or nothing of a browser's."""
        if not scope["path"].startswith(OPEN):
            return None
        given = Headers(scope=scope).getlist("origin")
        if len(given) != 1 or not given[0].isascii() or len(given[0]) > ORIGIN_MAX:
            return None
        origin = given[0]
        # What nobody registered is not remembered, so that a flood of made-up origins drives nothing out.
        return Page(origin, await self._known.get(origin, lambda: self._credentials.portals_of(origin), bool))

    @staticmethod
    def preflight(scope: Scope, page: Page | None) -> Response | None:
        """Return the answer to a preflight of a page that may call; None for everything else."""
        asked = "access-control-request-method" in Headers(scope=scope)
        if page is None or not page.portals or scope["method"] != "OPTIONS" or not asked:
            return None
        told = {
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": ASKED,
            "access-control-max-age": "600",
        }
        return Response(status_code=204, headers=told)
