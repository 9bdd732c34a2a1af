"""A thin client of the API for measuring: requests of prepared bytes at an even pace over connections that are kept.

It runs on the machine that is measured, so it does as little as it can: it writes what was made before, looks for the
end of the answer and the clock, and reads the answers afterwards.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HEAD_ENDS: Final = b"\r\n\r\n"


class _Line(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[float, bytes]] | None = None
        self._parts = bytearray()
        self._length = -1
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the server."""
        self._transport: Any = transport  # uvloop's is no asyncio.Transport, and does the same
        self.open = True

    def ask(self, request: bytes) -> asyncio.Future[tuple[float, bytes]]:
        """Send a request; the future gives when its answer was complete, and the answer."""
        self._parts.clear()
        self._length = -1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Gather the answer until it is as long as it says."""
        self._parts += data
        if self._length < 0:
            end = self._parts.find(HEAD_ENDS)
            if end < 0:
                return
            head = bytes(self._parts[:end]).lower()
            at = head.index(b"content-length:") + len(b"content-length:")
            self._length = end + len(HEAD_ENDS) + int(head[at:].split(b"\r\n", 1)[0])
        if len(self._parts) >= self._length and self._answer is not None:
            self._answer.set_result((time.perf_counter(), bytes(self._parts)))
            self._answer = None

    def connection_lost(self, fault: Exception | None) -> None:
        """Tell who waits, if anybody does."""
        self.open = False
        if self._answer is not None:
            self._answer.set_exception(fault or ConnectionResetError("the server closed a connection"))
            self._answer = None

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class Client:
    """Asks one server, over as many connections as there are requests at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._idle: list[_Line] = []
        self._authorization = ""

    def believe(self, token: str) -> None:
        """Send this access token from now on."""
        self._authorization = f"authorization: Bearer {token}\r\n"

    def request(self, path: str, body: bytes, kind: str = "application/json") -> bytes:
        """Return the bytes of a POST."""
        head = f"POST {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\n{self._authorization}"
        return f"{head}content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    def question(self, query: str, variables: dict[str, Any] | None = None) -> bytes:
        """Return the bytes of a question to GraphQL."""
        return self.request("/graphql", json.dumps({"query": query, "variables": variables or {}}).encode())

    async def ask(self, request: bytes) -> tuple[float, bytes]:
        """Send a request; return the seconds it took and the answer, head and all."""
        began = time.perf_counter()
        line = await self._line()
        try:
            ended, answer = await line.ask(request)
        except ConnectionError:  # kept open here for longer than there
            line = await self._line(new=True)
            ended, answer = await line.ask(request)
        self._idle.append(line)
        return ended - began, answer

    async def _line(self, *, new: bool = False) -> _Line:
        while self._idle and not new:
            line = self._idle.pop()
            if line.open:
                return line
        _, line = await asyncio.get_running_loop().create_connection(_Line, self.host, self.port)
        return line

    async def paced(self, requests: Sequence[bytes], per_second: float) -> list[tuple[float, bytes]]:
        """Begin each request at its moment, whether the one before is answered or not; return all answers.

        Garbage is not collected meanwhile: the pauses would be the client's own.
        """
        gc.collect()
        gc.disable()
        try:
            began, tasks = time.perf_counter(), []
            for place, one in enumerate(requests):
                await asyncio.sleep(max(0.0, began + place / per_second - time.perf_counter()))
                tasks.append(asyncio.create_task(self.ask(one)))
            return list(await asyncio.gather(*tasks))
        finally:
            gc.enable()

    def close(self) -> None:
        """Hang up."""
        for line in self._idle:
            line.close()


def body_of(answer: bytes) -> Any:
    """Return what an answer's JSON holds."""
    return json.loads(answer[answer.index(HEAD_ENDS) + len(HEAD_ENDS) :])


def percentile(times: Sequence[float], share: float) -> float:
    """Return the smallest time that this share of all is not above."""
    return sorted(times)[math.ceil(len(times) * share) - 1]


def core_seconds(pids: Sequence[int]) -> float:
    """Return how long processes have been on a core; those that have ended count nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100  # USER_HZ, which Linux tells everybody
