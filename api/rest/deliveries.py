"""``GET /rest/v1/print-batches/{id}.pdf`` (.xml, .csv), and ``POST /rest/v1/receipts``: what became of documents."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.rest.files import path_key
from api.rest.invoices import named
from api.wiring import Wiring
from domain.ids import PrintBatchId
from domain.usecases.print_batch import read_print_batch, take_print_receipt
from integrations.printing.receipts import read

RECEIPTS_MAX: Final = 50 << 20
MEDIA: Final = {"pdf": "application/pdf", "xml": "application/xml", "csv": "text/csv"}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
TAKEN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "moved": {"type": "integer", "description": "Documents that are in a new state."},
        "known": {"type": "integer", "description": "Rows that say nothing new."},
        "unknown": _TEXTS,
        "rejected": _TEXTS,
    },
}


class PrintBatchFile:
    """Answers one kind of file of a batch."""

    def __init__(self, wiring: Wiring, kind: str) -> None:
        self._wiring = wiring
        self._kind = kind

    async def __call__(self, request: Request) -> Response:
        """Answer the file."""
        key = PrintBatchId(path_key(request, "print batch"))
        batch, content = await read_print_batch(
            key, self._kind, actor=request.state.actor, begin=self._wiring.begin, blobs=self._wiring.blobs
        )
        return Response(content, media_type=MEDIA[self._kind], headers=named(f"{batch.name}.{self._kind}"))


class TakeReceipts:
    """Takes receipts as an access point calls back, or as a printhouse's file."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take receipts and answer what they came to."""
        receipts = await asyncio.to_thread(read, await request.body())
        done = await take_print_receipt(
            None, receipts, actor=request.state.actor, begin=self._wiring.begin, clock=self._wiring.clock
        )
        return JSONResponse(
            {"moved": done.moved, "known": done.known, "unknown": list(done.unknown), "rejected": list(done.rejected)}
        )
