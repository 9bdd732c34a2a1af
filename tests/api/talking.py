"""A client of graphql-transport-ws for the tests: the library ``websockets`` and the protocol's own messages."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.api.conftest import House

PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 30.0


class Talk:
    """One socket that is acknowledged."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = itertools.count(1)
        self._kept: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def heard(self, key: str | None = None) -> dict[str, Any]:
        """Return the next message, of a subscription where it is named; others are kept for later."""
        for place, one in enumerate(self._kept):
            if key in (None, one.get("id")):
                return self._kept.pop(place)
        while True:
            async with asyncio.timeout(SECONDS):
                one = json.loads(await self.socket.recv())
            if key in (None, one.get("id")):
                return dict(one)
            self._kept.append(one)

    async def subscribe(self, query: str, **variables: Any) -> str:
        key = str(next(self._ids))
        await self.say(type="subscribe", id=key, payload={"query": query, "variables": variables or None})
        return key

    async def data(self, key: str) -> dict[str, Any]:
        """Return the data of a subscription's next result."""
        message = await self.heard(key)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return dict(message["payload"]["data"])

    async def silent(self, seconds: float = 0.3) -> bool:
        """Tell whether nothing comes."""
        try:
            async with asyncio.timeout(seconds):
                self._kept.append(json.loads(await self.socket.recv()))
        except TimeoutError:
            return not self._kept
        return False


def address(house: House) -> str:
    return str(house.http.base_url).rstrip("/").replace("http://", "ws://") + "/graphql"


@asynccontextmanager
async def talking(house: House, client: str, scope: str | None = None) -> AsyncIterator[Talk]:
    """Open a socket as a client."""
    token = await house.token(client, scope)
    async with connect(address(house), subprotocols=[PROTOCOL], proxy=None) as socket:
        talk = Talk(socket)
        await talk.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await talk.heard() == {"type": "connection_ack"}
        yield talk
