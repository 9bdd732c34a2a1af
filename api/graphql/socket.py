"""``/graphql`` by WebSocket: subscriptions in the protocol graphql-transport-ws, and nothing else.

A caller says who he is in the handshake's Authorization header or, where he cannot set one (a browser), in the payload
of ``connection_init``. His token is looked at again before every message: a socket ends when the token does, when its
client is revoked, or when a scope is taken away that it lives on. What a client may open is limited, and one that does
not read what it asked for is dropped.

Close codes beside those of the protocol (4400, 4401, 4406, 4408, 4409, 4429): 4403 the token is not or no longer valid,
1008 a limit was passed, 1009 a message was too large, 1013 too many sockets or too slow: come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.types.execution import ExecutionResult, PreExecutionError

from api.auth.bearer import Bearer
from api.auth.cors import Cors
from api.auth.tokens import TokenRefused
from api.catalogues import speak, speak_to, told
from api.graphql.board import Board
from api.graphql.closing import Closing
from api.graphql.context import LiveContext
from api.graphql.refusals import coded, shown
from api.graphql.registered import Documents
from api.rest.refusals import Malformed
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ports.news import TooSlow
from domain.refusal import BadValue
from persistence.away import DatabaseAway

REASON_MAX: Final = 123
PROTOCOL: Final = "graphql-transport-ws"
SOCKETS_MAX: Final = 400  # of this process; the server takes 1000 connections of every kind
SOCKETS_PER_CLIENT: Final = 20
SUBSCRIPTIONS_MAX: Final = 10  # of one socket at a time
MESSAGE_MAX: Final = 100_000  # characters
MESSAGES_PER_MINUTE: Final = 300
INIT_SECONDS: Final = 10.0
SEND_SECONDS: Final = 30.0
WATCH_SECONDS: Final = 5.0
ID_MAX: Final = 100

_PARTS: Final[dict[str, tuple[type, ...]]] = {
    "query": (str,),
    "variables": (dict, type(None)),
    "operationName": (str, type(None)),
    "extensions": (dict, type(None)),
}


class _Gone(Exception):  # noqa: N818  (the other end has left)
    """The client closed the socket."""


class Session:
    """Who is at the other end, asked anew whenever it matters."""

    def __init__(self, bearer: Bearer, authorization: str, address: str | None) -> None:
        self._bearer = bearer
        self._authorization = authorization
        self._address = address

    async def actor(self) -> Actor:
        """Return the caller as he is now. Raises TokenRefused."""
        return await self._bearer.actor(self._authorization, address=self._address)


class GraphQLSockets:
    """The endpoint, and what is open at it."""

    def __init__(self, schema: strawberry.Schema, wiring: Wiring, bearer: Bearer) -> None:
        self.schema = schema
        self.wiring = wiring
        self.bearer = bearer
        self._cors = Cors(bearer.credentials)
        self.board = Board()
        self.documents = Documents(wiring)
        self.open = 0
        self.by_client: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one conversation, or refuse it in the handshake."""
        socket = WebSocket(scope, receive, send)
        headers = Headers(scope=scope)
        speak(headers.get("accept-language"))
        session = None
        page = await self._cors.page(scope)
        if not (_same_origin(headers, self.wiring.settings.address) or (page is not None and page.portals)):
            return await _refuse(socket, HTTPStatus.FORBIDDEN, "pages of other sites may not open sockets here")
        if PROTOCOL not in scope["subprotocols"]:
            await socket.accept()
            await socket.close(4406, f"the subprotocol is {PROTOCOL}")
            return None
        if given := headers.getlist("authorization"):
            session = self.session(", ".join(given), scope)
            try:
                await session.actor()
            except TokenRefused:
                return await _refuse(socket, HTTPStatus.UNAUTHORIZED, "send a valid access token, from /oauth/token")
        if self.open >= SOCKETS_MAX:
            return await _refuse(socket, HTTPStatus.SERVICE_UNAVAILABLE, "too many sockets are open; come again")
        self.open += 1
        try:
            await socket.accept(subprotocol=PROTOCOL)
            await Conversation(self, socket, session).hold()
        finally:
            self.open -= 1

    def session(self, authorization: str, scope: Scope) -> Session:
        """Return the session of an Authorization header's value."""
        client = scope.get("client")
        return Session(self.bearer, authorization, client[0] if client else None)

    @contextlib.contextmanager
    def counted(self, client: str) -> Any:
        """Count the socket of a client, or of a person at a portal. Raises Closing where he has too many."""
        if self.by_client[client] >= SOCKETS_PER_CLIENT:
            raise Closing(1013, f"a client has at most {SOCKETS_PER_CLIENT} sockets open")
        self.by_client[client] += 1
        try:
            yield
        finally:
            self.by_client[client] -= 1
            if not self.by_client[client]:
                del self.by_client[client]


class Conversation:
    """One accepted socket."""

    def __init__(self, house: GraphQLSockets, socket: WebSocket, session: Session | None) -> None:
        self._house = house
        self._socket = socket
        self._session = session
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._count = 0
        self._minute = 0.0

    async def hold(self) -> None:
        """Talk until either side ends it."""
        end: Closing | None = None
        try:
            actor = await self._begin()
            with self._house.counted(actor.caller):  # people at one portal are many
                await self._send({"type": "connection_ack"})
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._watch())
                    await self._listen(group)
        except* Closing as many:
            end = _first(many)
        except* (_Gone, WebSocketDisconnect):
            pass
        if end is not None:
            await self._close(end)

    async def _begin(self) -> Actor:
        """Wait for ``connection_init`` and return who is calling."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while True:
                    message = await self._receive()
                    if message["type"] == "connection_init":
                        break
                    if message["type"] == "subscribe":
                        raise Closing(4401, "Unauthorized")
                    await self._pleasantry(message)
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None
        authorization = _authorization(message.get("payload"))
        if authorization is not None:
            self._session = self._house.session(authorization, self._socket.scope)
        if self._session is None:
            raise Closing(4403, "send an access token in the payload of connection_init")
        return await self._actor()

    async def _actor(self) -> Actor:
        assert self._session is not None, "the conversation has begun"
        try:
            actor = await self._session.actor()
        except TokenRefused:
            raise Closing(4403, "the access token is not valid, or no longer") from None
        speak_to(actor, self._socket.headers.get("accept-language"))
        return actor

    async def _watch(self) -> None:
        """End the socket with its token."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self._actor()

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            message = await self._receive()
            match message["type"]:
                case "connection_init":
                    raise Closing(4429, "Too many initialisation requests")
                case "subscribe":
                    await self._subscribe(message, group)
                case "complete":
                    task = self._subscriptions.pop(_id(message), None)
                    if task is not None:
                        task.cancel()
                case _:
                    await self._pleasantry(message)

    async def _pleasantry(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case other:
                raise Closing(4400, f"no message is of the type {str(other)[:40]!r} here")

    async def _subscribe(self, message: Mapping[str, Any], group: asyncio.TaskGroup) -> None:
        key, payload = _id(message), message.get("payload")
        if not isinstance(payload, dict) or not payload.keys() & {"query", "extensions"}:
            raise Closing(4400, "the payload of subscribe has a query")
        for name, value in payload.items():
            if not isinstance(value, _PARTS.get(name, ())):
                raise Closing(4400, f"{name[:40]!r} is no part of a subscription, or not of its kind")
        if key in self._subscriptions:
            raise Closing(4409, f"Subscriber for {key[:60]} already exists")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            text = f"a socket has at most {SUBSCRIPTIONS_MAX} subscriptions"
            await self._send({"type": "error", "id": key, "payload": [_limit(text)]})
            return
        self._subscriptions[key] = group.create_task(self._serve(key, payload))

    async def _serve(self, key: str, payload: Mapping[str, Any]) -> None:
        """Run one subscription to its end."""
        try:
            context = LiveContext(self._house.wiring, await self._actor(), self._actor, self._house.board)
            try:
                document = await self._house.documents.of(payload, context.actor)
            except (Malformed, BadValue) as no:
                raise GraphQLError(no.message, extensions={"code": no.code.upper()}) from None
            stream = await self._house.schema.subscribe(
                document,
                variable_values=payload.get("variables"),
                operation_name=payload.get("operationName"),
                context_value=context,
            )
            await self._pass_on(key, stream)
        except (GraphQLError, DatabaseAway) as trouble:  # before there is a result: a text that cannot be parsed
            error = trouble if isinstance(trouble, GraphQLError) else GraphQLError("", original_error=trouble)
            await self._send({"type": "error", "id": key, "payload": [shown(error).formatted]})
        finally:
            if self._subscriptions.get(key) is asyncio.current_task():
                del self._subscriptions[key]

    async def _pass_on(self, key: str, stream: AsyncIterator[Any]) -> None:
        async with contextlib.aclosing(stream) as results:  # type: ignore[type-var]  # it is an async generator
            async for result in results:
                _end_of_stream(result)
                if isinstance(result, PreExecutionError):
                    await self._send({"type": "error", "id": key, "payload": _formatted(result)})
                    return
                payload: dict[str, Any] = {"data": result.data}
                if result.errors:
                    payload["errors"] = _formatted(result)
                await self._send({"type": "next", "id": key, "payload": payload})
        await self._send({"type": "complete", "id": key})

    async def _receive(self) -> dict[str, Any]:
        """Return the next message, which is an object with a type. Raises Closing for anything else."""
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise _Gone
        text = event.get("text")
        self._pace()
        if text is None:
            raise Closing(4400, "messages are text")
        if len(text) > MESSAGE_MAX:
            raise Closing(1009, f"a message has at most {MESSAGE_MAX} characters")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Closing(4400, "a message is JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closing(4400, "a message is an object with a type")
        return message

    def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._minute >= 60:
            self._minute, self._count = now, 0
        self._count += 1
        if self._count > MESSAGES_PER_MINUTE:
            raise Closing(1008, f"a socket may send {MESSAGES_PER_MINUTE} messages a minute")

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Send a message. Raises Closing where the client does not take it in time."""
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        try:
            async with asyncio.timeout(SEND_SECONDS), self._sending:
                await self._socket.send_text(text)
        except TimeoutError:
            raise Closing(1013, "too slow: what was sent is not being read") from None
        except RuntimeError:
            raise _Gone from None  # starlette's word for a socket that was closed meanwhile

    async def _close(self, end: Closing) -> None:
        with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect, OSError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.close(end.code, _short(told(end.reason)))


def _first(many: BaseExceptionGroup[Closing]) -> Closing:
    one: BaseException = many
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    assert isinstance(one, Closing)
    return one


def _id(message: Mapping[str, Any]) -> str:
    key = message.get("id")
    if not isinstance(key, str) or not 0 < len(key) <= ID_MAX:
        raise Closing(4400, f"an id is a text of 1 to {ID_MAX} characters")
    return key


def _authorization(payload: object) -> str | None:
    """Return the Authorization of ``connection_init``; a bare token stands under ``token``."""
    if payload is None:
        return None
    if not isinstance(payload, dict):
        raise Closing(4400, "the payload of connection_init is an object")
    for name in ("Authorization", "authorization"):
        if isinstance(value := payload.get(name), str):
            return value
    return f"Bearer {value}" if isinstance(value := payload.get("token"), str) else None


def _end_of_stream(result: ExecutionResult) -> None:
    """Raise what ends the whole socket, where a subscription came upon it."""
    for error in result.errors or ():
        original = getattr(error, "original_error", None)
        if isinstance(original, Closing):
            raise original
        if isinstance(original, TooSlow):
            raise Closing(1013, "too slow: more was told than could be sent")


def _formatted(result: Any) -> list[Any]:
    return [coded(error).formatted for error in result.errors or ()]


def _limit(text: str) -> Any:
    return GraphQLError(told(text), extensions={"code": "LIMIT_EXCEEDED"}).formatted


def _short(reason: str) -> str:
    """Return what fits in a close frame: 123 bytes (RFC 6455 § 5.5.1)."""
    return reason.encode()[:REASON_MAX].decode(errors="ignore")


def _same_origin(headers: Headers, address: str) -> bool:
    """Tell whether a browser's page of this very host asks, or no browser."""
    origin = headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc in {headers.get("host"), urlsplit(address).netloc}


async def _refuse(socket: WebSocket, status: HTTPStatus, sentence: str) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        body = {"title": told(sentence), "status": status.value}
        await socket.send_denial_response(JSONResponse(body, status.value))
    else:
        await socket.close(1008)
