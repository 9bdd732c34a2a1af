"""The table every route stands in once: the router, the gate and the OpenAPI document are all made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send

from api.auth.gate import Admission
from domain.access.actor import Action

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

SMALL: Final = 16_384
DOCUMENT: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path, and everything that is said of it.

    ``public``: it answers without a token; ``public_query``: only with exactly this query string. ``basic``: a
    client may also name itself by HTTP Basic. ``unnamed_max``: somebody may come without a token, with a body of this
    size; what he asks, the endpoint looks at. ``body_max`` is the size of body it accepts; None: it counts by itself.
    ``answers``: status to media type and schema; ``takes``: media type to schema. ``documented``: whether the OpenAPI
    document names it (GraphQL and SOAP describe themselves).
    ``keyed``: it takes the header Idempotency-Key.
    """

    method: str
    path: str
    endpoint: Endpoint
    name: str
    summary: str
    public: bool = False
    public_query: str | None = None
    action: Action | None = None
    basic: bool = False
    unnamed_max: int | None = None
    body_max: int | None = 0
    takes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    query: Sequence[Mapping[str, Any]] = ()
    answers: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    refuses: Sequence[int] = ()
    documented: bool = True
    keyed: bool = False

    def opens_to(self, query: str) -> bool:
        """Tell whether a request with this query string needs no token."""
        return self.public or (self.public_query is not None and query.lower() == self.public_query)


class Table:
    """The operations of one application."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = tuple(operations)
        self._by_path: dict[str, dict[str, Operation]] = {}
        for one in self.operations:
            methods = self._by_path.setdefault(one.path, {})
            assert one.method not in methods, f"{one.method} {one.path} stands twice"
            methods[one.method] = one
        # One starlette route per path, so that another method is answered with 405 and what is allowed.
        self._routes = {
            path: Route(path, _dispatch(methods), methods=list(methods)) for path, methods in self._by_path.items()
        }

        # A path without parts, where no pattern before it takes it, is known at once: there are a hundred to try.
        self._plain = {
            path: route
            for path, route in self._routes.items()
            if "{" not in path and next(one for one in self._routes.values() if one.path_regex.match(path)) is route
        }

    def router(self, lifespan: Any = None) -> Router:
        """Return the router."""
        return _Direct(self._routes.values(), self._plain, lifespan)

    def admission(self, scope: Scope) -> Admission:
        """Tell the gate what a request may do without a token and how large it may be; unknown paths are closed."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = scope["path"]
        likely = {path: self._plain[path]} if path in self._plain else self._routes
        for pattern, route in likely.items():
            match, _ = route.matches(scope)
            if match is not Match.NONE:
                operation = self._by_path[pattern].get(method)
                if operation is None:
                    # Its body is not read: the answer is 405, however long it is.
                    return Admission(pattern, any(one.public for one in self._by_path[pattern].values()), None)
                query = scope["query_string"].decode("latin-1")
                return Admission(
                    pattern,
                    operation.opens_to(query),
                    operation.body_max,
                    basic=operation.basic,
                    unnamed_max=operation.unnamed_max,
                )
        return Admission("none", False, None)


class _Direct(Router):
    """A router that looks a path without parts up instead of trying every route."""

    def __init__(self, routes: Iterable[Route], plain: Mapping[str, Route], lifespan: Any) -> None:
        super().__init__(list(routes), redirect_slashes=False, lifespan=lifespan)
        self._plain = plain

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and (route := self._plain.get(scope["path"])) is not None:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope["router"] = self
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        await super().app(scope, receive, send)


def _dispatch(methods: Mapping[str, Operation]) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method].endpoint(request)

    return answer
