"""``POST /rest/v1/payments/{name}``: a payment file, booked and applied before the answer, whole or not at all."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.wiring import Wiring
from domain.usecases.import_payments import ImportPayments, import_payments

PAYMENTS_MAX: Final = 64 << 20
_COUNTS: Final = {"type": "object", "additionalProperties": {"type": "integer"}}
PAYMENTS: dict[str, Any] = {
    "type": "object",
    "description": "records = the sum of states + duplicates.",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "format": {"type": "string"},
        "new": {"type": "boolean", "description": "False: taken in before, and nothing changed."},
        "records": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "states": _COUNTS,
        "reasons": _COUNTS,
        "booked": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


class TakePayments:
    """The endpoint."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take one file in: 201; 200 where it was before."""
        data = await request.body()
        # A large file takes seconds to read: in a thread, so that others are answered meanwhile.
        found = await asyncio.to_thread(self._wiring.read_payments, data, request.query_params.get("format", "auto"))
        cmd = ImportPayments(
            name=request.path_params["name"],
            data=data,
            read=lambda _: found,
            looked_at="looked_at" in request.query_params,
        )
        done = await import_payments(cmd, actor=request.state.actor, begin=self._wiring.begin, clock=self._wiring.clock)
        shown = {name: getattr(done, name) for name in ("new", "records", "duplicates", "states", "reasons", "booked")}
        told = {"id": done.file.id, "name": done.file.name, "format": done.file.format, **shown}
        return JSONResponse(told, status_code=201 if done.new else 200)
