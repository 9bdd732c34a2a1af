"""The gate every HTTP request passes: who calls, how much it may send, what every answer carries.

Nothing passes without a token but what its route declares public, so that a route that is forgotten is closed. The
network address is the peer's; forwarding headers are never read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth.bearer import Bearer
from api.auth.cors import Cors, Page
from api.auth.tokens import TokenRefused
from api.catalogues import speak, speak_to
from api.journal import Journal, note
from api.limiting import RateGate, TooMany
from api.limiting import answer as too_many
from api.rest.refusals import Malformed, problem, refused
from api.timing import CODE as TIMEOUT
from api.timing import TooLong, timed
from api.timing import answer as too_long
from domain.access.actor import Actor
from domain.access.doing import ACTIVITY, DOING
from domain.refusal import Refusal
from integrations.transports.addresses import Network
from persistence.away import DatabaseAway

BLOCK_SECONDS: Final = 20.0  # the longest wait for the next block of a body
PATIENCE_SECONDS: Final = 60.0  # a body that took longer must have come at RATE_MIN bytes a second at least
RATE_MIN: Final = 1000
HOPS_MAX: Final = 20
NOT_SIGNED_IN: Final = frozenset({400, 401, 403})
SIGNING_IN: Final = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/authorize")
BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BEHALF: Final = "tollwright-on-behalf-of"
BEHALF_MAX: Final = 200
QUERY_CHARACTERS_MAX: Final = 8192
QUERY_FIELDS_MAX: Final = 100
SECRETS_IN_QUERY: Final = frozenset(
    {"access_token", "token", "client_secret", "api_key", "apikey", "key", "password", "authorization"}
)
HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}

HSTS: Final = "max-age=31536000"

# What is answered without a word to the log of faults.
FORESEEN: Final = (Malformed, TooLong, TooMany, Refusal, TokenRefused, HTTPException, ClientDisconnect)

access = logging.getLogger("tollwright.access")
faults = logging.getLogger("tollwright.faults")

# (method, route, status, seconds) once an answer is complete.
Seen = Callable[[str, str, int, float], None]
# Who called, the route, and the status of the answer.
Counted = Callable[[Actor, str, int], None]


@dataclass(frozen=True, slots=True)
class Admission:
    """What a route says of itself: its path, whether it is public, and its largest body (None: it counts itself).

    ``basic``: whether a client may name itself by HTTP Basic instead of a token. ``unnamed_max``: whether somebody may
    come without naming himself at all, and with how large a body; the route looks itself at what he asks.
    """

    route: str
    public: bool
    body_max: int | None
    basic: bool = False
    unnamed_max: int | None = None


class Gate:
    """The outermost application."""

    def __init__(
        self,
        app: ASGIApp,
        bearer: Bearer,
        admission: Callable[[Scope], Admission],
        seen: Seen,
        *,
        sockets: Mapping[str, ASGIApp] = MappingProxyType({}),
        counted: Counted | None = None,
        journal: Journal | None = None,
        limits: RateGate | None = None,
        proxies: Sequence[Network] = (),
        seconds: int = 0,
    ) -> None:
        """``sockets``: who answers a WebSocket on a path; each asks for a token by itself. ``counted``: the meter.

        ``journal``: where it is told what was read and what was refused. ``limits``: how often who may ask.
        ``proxies``: whose X-Forwarded-For is believed; nobody else's is read. ``seconds``: how long a request may take.
        """
        self._cors = Cors(bearer.credentials)
        self._limits = limits
        self._proxies = tuple(proxies)
        self._seconds = seconds
        self._journal = journal
        self._counted = counted
        self._app = app
        self._bearer = bearer
        self._admission = admission
        self._seen = seen
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if self._proxies:
            scope["client"] = forwarded(scope, self._proxies)
        if scope["type"] == "http":
            if self._journal is None:
                await self._http(scope, receive, send)
                return
            with self._journal.request():
                await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        answers = self._sockets.get(scope["path"])
        try:
            _check_query(scope["query_string"])
            if self._limits is not None:
                await self._limits.knock(_address(scope))
        except (Malformed, TooMany):
            answers = None
        if answers is None:
            await send({"type": "websocket.close", "code": 1008})
            return
        await answers(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        speak(Headers(scope=scope).get("accept-language"))
        answer = _Answer(send, secure=scope.get("scheme") == "https")
        scope.setdefault("state", {})["attempt"] = partial(self._attempt, scope)
        scope["app"] = self  # starlette raises its 404 and 405 where there is one, and _trouble words them
        try:
            admitted = self._admission(scope)
            answer.route = admitted.route
            answer.page = await self._cors.page(scope)
            _check_query(scope["query_string"])
            unnamed = admitted.unnamed_max is not None and "authorization" not in Headers(scope=scope)
            if self._limits is not None:
                # The token endpoint counts by itself: who goes on with his session does not sign in.
                posted = scope["method"] == "POST" and admitted.route.startswith(SIGNING_IN[1:])
                # Whoever shows himself in a SOAP header does so in every request: nobody guesses 256 bits there.
                nameless = unnamed and admitted.route != "/soap"
                await self._limits.knock(_address(scope), signing_in=nameless or posted)
            if (response := self._cors.preflight(scope, answer.page)) is not None:
                await response(scope, receive, answer)
                return
            scope["state"]["actor"] = None if admitted.public or unnamed else await self._caller(scope, admitted)
            answer.actor = scope["state"]["actor"]
            speak_to(scope["state"]["actor"], Headers(scope=scope).get("accept-language"))
            if self._limits is not None and scope["state"]["actor"] is not None:
                answer.limit = await self._limits.pass_by(scope["state"]["actor"])
            _check_path(scope["path"], admitted.route)
            body_max = admitted.unnamed_max if unnamed else admitted.body_max
            async with timed(0 if body_max is None else self._seconds) as timer:
                answer.begins = timer.stop
                if body_max is not None:
                    receive = _Measured(receive, Headers(scope=scope), body_max, timer.start)
                if scope["method"] in BODILESS:
                    timer.start()
                await self._app(scope, receive, answer)
        except Exception as trouble:  # noqa: BLE001  (the last place before the server; every kind gets its answer)
            await self._trouble(trouble, answer, scope, receive)
        finally:
            self._done(scope, answer, time.perf_counter() - began)
            await self._missed(scope)

    async def _attempt(self, scope: Scope) -> None:
        """Count an attempt to sign in. Raises TooMany."""
        if self._limits is not None:
            await self._limits.attempt(_address(scope))

    async def welcome(self, scope: Scope, actor: Actor) -> None:
        """Let somebody pass whom a view has known by what he sends. Raises TooMany."""
        scope["state"]["actor"] = replace(actor, behalf=_behalf(Headers(scope=scope)))
        if self._limits is not None:
            await self._limits.pass_by(actor)

    async def _caller(self, scope: Scope, admitted: Admission) -> Actor:
        headers = Headers(scope=scope)
        given = headers.getlist("authorization")
        client = scope.get("client")
        address = client[0] if client else None
        known = self._bearer.client if admitted.basic else self._bearer.actor
        try:
            return await known(_only(given), address=address, behalf=_behalf(headers))
        except TokenRefused as no:
            no.basic = admitted.basic
            raise

    async def _trouble(self, trouble: Exception, answer: _Answer, scope: Scope, receive: Receive) -> None:
        self._note(trouble, answer, scope)
        if answer.status and not isinstance(trouble, FORESEEN):
            faults.error("error %s after the answer began", answer.request_id, exc_info=trouble)
            raise trouble
        if answer.status:
            return
        if isinstance(trouble, TooLong):
            response = too_long(trouble, answer.route, Headers(scope=scope).get("content-type", ""))
        elif isinstance(trouble, TooMany):
            response = too_many(trouble, answer.route, Headers(scope=scope).get("content-type", ""))
        else:
            response = answer_to(trouble, answer.request_id)
        await response(scope, receive, answer)

    def _note(self, trouble: Exception, answer: _Answer, scope: Scope) -> None:
        """Take note of what was refused, for the trail."""
        activity = ACTIVITY.get()
        if activity is None or self._journal is None:
            return
        if isinstance(trouble, TokenRefused):
            self._journal.refused(
                *(None, "authenticate", answer.route, "not_authenticated"),
                address=_address(scope),
                request=answer.request_id,
            )
        elif isinstance(trouble, Refusal):
            note(trouble, DOING.get() or answer.route)
        elif isinstance(trouble, Malformed):
            activity.of(DOING.get() or answer.route).refused = trouble.code
        elif isinstance(trouble, TooLong):
            activity.of(DOING.get() or answer.route).refused = TIMEOUT
        elif isinstance(trouble, TooMany):
            actor = scope["state"].get("actor")
            self._journal.refused(
                actor, "ask", answer.route, "rate_limited", address=_address(scope), request=answer.request_id
            )

    async def _missed(self, scope: Scope) -> None:
        """Count what was asked for and is not there; whoever asks for much of it is slowed down."""
        activity, caller = ACTIVITY.get(), scope["state"].get("actor")
        if self._limits is not None and activity is not None and activity.missing and caller is not None:
            await self._limits.missed(caller, activity.missing)

    def _done(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        if self._journal is not None and (activity := ACTIVITY.get()) is not None:
            caller = scope["state"].get("actor")
            if caller is not None:
                if answer.status >= HTTPStatus.BAD_REQUEST and not any(one.refused for one in activity.done.values()):
                    activity.of(DOING.get() or answer.route).refused = f"http_{answer.status}"
                self._journal.done(caller, activity, answer.request_id)
            elif answer.status in NOT_SIGNED_IN and answer.route.startswith(SIGNING_IN):
                self._journal.refused(
                    *(None, "authenticate", answer.route, "refused"),
                    address=_address(scope),
                    request=answer.request_id,
                )
        self._seen(scope["method"], answer.route, answer.status, seconds)
        if self._counted is not None and (caller := scope["state"].get("actor")) is not None:
            self._counted(caller, answer.route, answer.status)
        if access.isEnabledFor(logging.INFO):
            actor: Actor | None = scope["state"].get("actor")
            line = {
                "request": answer.request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": answer.status,
                "ms": round(seconds * 1000, 1),
                "client": actor.client if actor else None,
                "address": scope["client"][0] if scope.get("client") else None,
            }
            access.info("%s", json.dumps(line))


class _Answer:
    """The way back: adds the headers every answer carries and remembers the status."""

    def __init__(self, send: Send, *, secure: bool = False) -> None:
        self._send = send
        self.status = 0
        self.route = "none"
        self.limit: str | None = None
        self.page: Page | None = None
        self.actor: Actor | None = None
        self.secure = secure
        self.begins: Callable[[], None] = lambda: None
        self.request_id = secrets.token_hex(8)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begins()
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self.secure:
                headers.setdefault("strict-transport-security", HSTS)
            headers["x-request-id"] = self.request_id
            if self.limit is not None:
                headers["ratelimit"] = self.limit
            if self.page is not None:
                self.page.mark(headers, self.actor)
        await self._send(message)


class _Measured:
    """A request's body, cut off where it is larger or slower than its route accepts."""

    def __init__(self, receive: Receive, headers: Headers, bytes_max: int, whole: Callable[[], None]) -> None:
        """``whole``: told when all of it is there."""
        self._receive = receive
        self._whole = whole
        self._max = bytes_max
        self._taken = 0
        self._began = time.monotonic()
        self._complete = False
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > bytes_max:
            raise _too_large(bytes_max)

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        message = await next_block(self._receive)
        self._taken += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._complete:
            self._whole()
        if self._taken > self._max:
            raise _too_large(self._max)
        check_pace(self._taken, time.monotonic() - self._began)
        return message


def _behalf(headers: Headers) -> str | None:
    """Return on whose behalf the caller says he acts, for the trail alone. Raises Malformed."""
    given = headers.getlist(BEHALF)
    if not given:
        return None
    if len(given) > 1 or not given[0].strip() or len(given[0]) > BEHALF_MAX or not given[0].isprintable():
        raise Malformed(
            HTTPStatus.BAD_REQUEST, "malformed", "Tollwright-On-Behalf-Of has 1 to 200 printable characters"
        )
    return given[0].strip()


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def forwarded(scope: Scope, proxies: Sequence[Network]) -> tuple[str, int] | None:
    """Return who calls: behind proxies of ours, the last address in X-Forwarded-For that is none of theirs.

    A header that comes from anybody else is not read, and in one from a proxy only what proxies wrote (attack L2).
    """
    client = scope.get("client")
    if client is None or not _is_in(client[0], proxies):
        return client if client is None else (client[0], client[1])
    named = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    for one in reversed([each.strip() for each in named.split(",") if each.strip()][-HOPS_MAX:]):
        try:
            address = str(ipaddress.ip_address(one))
        except ValueError:
            break  # what stands left of it nobody vouches for
        if not _is_in(address, proxies):
            return address, 0
    return client[0], client[1]


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(place in one for one in networks)


def _only(given: list[str]) -> str:
    if len(given) != 1:
        raise TokenRefused("no token" if not given else "more than one token")
    return given[0]


async def next_block(receive: Receive) -> Message:
    """Return the next message of a body. Raises Malformed, 408, where it does not come."""
    try:
        async with asyncio.timeout(BLOCK_SECONDS):
            return await receive()
    except TimeoutError:
        raise _too_slow() from None


def check_pace(taken: int, seconds: float) -> None:
    """Raise Malformed, 408, for a body that trickles."""
    if seconds > PATIENCE_SECONDS and taken < RATE_MIN * seconds:
        raise _too_slow()


def answer_to(trouble: Exception, request_id: str) -> Response:
    """Return the answer to whatever went wrong; what nobody foresaw says nothing but its id."""
    match trouble:
        case TokenRefused():
            access.info("token refused: %s", trouble)
            # A switch that was told nothing asks first, and takes the scheme it knows.
            basic = 'Basic realm="tollwright", charset="UTF-8", ' if trouble.basic else ""
            challenge = {"WWW-Authenticate": f'{basic}Bearer realm="tollwright", error="invalid_token"'}
            sentence = "send a valid access token: Authorization: Bearer ..., from /oauth/token"
            return problem(HTTPStatus.UNAUTHORIZED, "not_authenticated", sentence, headers=challenge)
        case Refusal():
            return refused(trouble)
        case Malformed():
            more = {"Connection": "close"} if trouble.status in {408, 413} else None
            return problem(trouble.status, trouble.code, trouble.message, headers=more)
        case ClientDisconnect():
            return problem(HTTPStatus.BAD_REQUEST, "broken_off", "the body broke off")
        case HTTPException():
            headers = dict(trouble.headers) if trouble.headers else None
            return problem(HTTPStatus(trouble.status_code), "http", trouble.detail, headers=headers)
        case DatabaseAway():
            faults.error("error %s: %s", request_id, trouble)
            sentence = "the database cannot be reached at the moment; try again"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", sentence, headers={"Retry-After": "5"})
    faults.error("error %s", request_id, exc_info=trouble)
    sentence = "something went wrong on our side; tell us the id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", sentence, id=request_id)


def _check_path(path: str, route: str) -> None:
    """Refuse what no client writes who means a path of ours; a route that takes names looks at them itself."""
    wrong = any(part in {".", ".."} for part in path.split("/")) or not path.isprintable() or "\\" in path
    if wrong and ":path}" not in route:
        raise Malformed(HTTPStatus.BAD_REQUEST, "bad_path", "this is no path: keys are numbers")


def _check_query(query: bytes) -> None:
    if not query:
        return
    if len(query) > QUERY_CHARACTERS_MAX:
        raise Malformed(HTTPStatus.REQUEST_URI_TOO_LONG, "malformed", "the query string is too long")
    try:
        pairs: list[tuple[str, Any]] = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError:
        raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "the query string cannot be read") from None
    for name, count in Counter(name for name, _ in pairs).items():
        if name.lower() in SECRETS_IN_QUERY:
            raise Malformed(
                HTTPStatus.BAD_REQUEST, "secret_in_url", "no secret belongs in a URL; send the Authorization header"
            )
        if count > 1:
            raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", f"the parameter {name[:80]!r} is given twice")


def _too_large(bytes_max: int) -> Malformed:
    return Malformed(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "limit_exceeded", f"a body here has at most {bytes_max} bytes"
    )


def _too_slow() -> Malformed:
    return Malformed(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not come in time")
