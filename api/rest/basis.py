"""What was priced for another system, over REST: a batch is taken, read as JSON or CSV, and acknowledged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.priced import COLUMNS, cells, row_of
from api.rest.files import path_key
from api.rest.invoices import named
from api.routes import SMALL, Operation
from api.wiring import Wiring
from domain.access.actor import Action, Actor
from domain.basis.batch import BasisBatch, BasisLine
from domain.buckets.statement import BUCKET_COUNTS
from domain.usecases.take_basis import BasisPage, acknowledge_basis, read_basis, take_basis

PER_PAGE: Final = 5000
NUMBER: Final = {"type": "integer"}
TEXT: Final = {"type": "string"}
BATCH: Final = {
    "type": "object",
    "properties": {
        "id": NUMBER,
        "made_at": {"type": "string", "format": "date-time"},
        "acknowledged_at": {"type": ["string", "null"], "format": "date-time"},
        "lines": NUMBER,
    },
}
BUCKET: Final = {
    "type": "object",
    "properties": dict.fromkeys(("unit", "currency", *BUCKET_COUNTS), TEXT),
}
LINES: Final = {
    "type": "object",
    "properties": {
        "batch": BATCH,
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: NUMBER if name in {"position", "events", "used"} else TEXT for name in COLUMNS}
                | {"bucket": {"anyOf": [{"const": ""}, BUCKET]}},
            },
        },
    },
}


class TakeBasis:
    """Answers the batch that waits, or a new one of everything rated since."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take the basis."""
        wiring = self._wiring
        batch = await take_basis(actor=request.state.actor, begin=wiring.begin, clock=wiring.clock)
        return JSONResponse(shown(batch))


class AcknowledgeBasis:
    """Hears that the other system has a batch for good."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Acknowledge."""
        key, wiring = path_key(request, "batch"), self._wiring
        done = await acknowledge_basis(key, actor=request.state.actor, begin=wiring.begin, clock=wiring.clock)
        return JSONResponse(shown(done))


class BasisLines:
    """Answers all lines of a batch, as they are read, page by page."""

    def __init__(self, wiring: Wiring, suffix: str) -> None:
        self._wiring = wiring
        self._suffix = suffix

    async def __call__(self, request: Request) -> Response:
        """Answer the lines."""
        key, actor = path_key(request, "batch"), request.state.actor
        first = await read_basis(key, first=PER_PAGE, actor=actor, begin=self._wiring.begin)
        pages = self._pages(first, actor)
        body, media = (as_csv(pages), "text/csv") if self._suffix == "csv" else (as_json(pages), "application/json")
        return StreamingResponse(body, media_type=media, headers=named(f"basis-{key}.{self._suffix}"))

    async def _pages(self, page: BasisPage, actor: Actor) -> AsyncIterator[BasisPage]:
        yield page
        while page.more:
            after = page.lines[-1].position
            page = await read_basis(page.batch.id, first=PER_PAGE, after=after, actor=actor, begin=self._wiring.begin)
            yield page


async def as_csv(pages: AsyncIterator[BasisPage]) -> AsyncIterator[bytes]:
    """Yield the lines as CSV (RFC 4180), heads first."""
    yield (",".join(COLUMNS) + "\r\n").encode()
    async for page in pages:
        yield _rows(page.lines)


async def as_json(pages: AsyncIterator[BasisPage]) -> AsyncIterator[bytes]:
    """Yield one JSON document: the batch, and its lines."""
    between = ""
    async for page in pages:
        if not between:
            yield f'{{"batch": {json.dumps(shown(page.batch))}, "lines": ['.encode()
        texts = [json.dumps(row_of(line), ensure_ascii=False) for line in page.lines]
        yield (between + ",\n".join(texts)).encode()
        between = ",\n"
    yield b"]}\n"


def shown(batch: BasisBatch) -> dict[str, Any]:
    """Return a batch as JSON shows it."""
    done = batch.acknowledged_at
    return {
        "id": batch.id,
        "made_at": batch.made_at.isoformat(),
        "acknowledged_at": None if done is None else done.isoformat(),
        "lines": batch.lines,
    }


def _rows(lines: Sequence[BasisLine]) -> bytes:
    out = io.StringIO()
    csv.DictWriter(out, COLUMNS).writerows(cells(row_of(line)) for line in lines)
    return out.getvalue().encode()


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    return [
        Operation(
            method="POST",
            path="/rest/v1/basis",
            endpoint=TakeBasis(wiring),
            name="takeBasis",
            summary="What was rated and what bill runs charged since the last batch; until acknowledged, again.",
            action=Action.READ_BASIS,
            body_max=SMALL,  # nothing is read of it; clients that always send one may
            answers={"200": ("application/json", BATCH)},
        ),
        *(
            Operation(
                method="GET",
                path=f"/rest/v1/basis/{{id}}.{suffix}",
                endpoint=BasisLines(wiring, suffix),
                name=f"basisLines{suffix.capitalize()}",
                summary=f"The lines of a batch as {suffix.upper()}.",
                action=Action.READ_BASIS,
                answers={"200": (media, schema)},
                refuses=(404,),
            )
            for suffix, media, schema in (("json", "application/json", LINES), ("csv", "text/csv", TEXT))
        ),
        Operation(
            method="POST",
            path="/rest/v1/basis/{id}/acknowledgement",
            endpoint=AcknowledgeBasis(wiring),
            name="acknowledgeBasis",
            summary="Say that a batch is there for good.",
            action=Action.READ_BASIS,
            body_max=SMALL,  # nothing is read of it; clients that always send one may
            answers={"200": ("application/json", BATCH)},
            refuses=(404,),
        ),
    ]
