"""``POST /rest/v1/payments/{name}``: a payment file, booked and applied before the answer, whole or not at all."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.garbage import collecting_seldom
from api.wiring import Wiring
from domain.usecases.take_payment_file import take_payment_file

PAYMENTS_MAX: Final = 64 << 20
_SHOWN: Final = ("new", "records", "duplicates", "states", "reasons", "booked", "debits", "mandates")
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
        "debits": _COUNTS,
        "mandates": _COUNTS,
    },
}


class TakePayments:
    """The endpoint."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take one file in: 201; 200 where it was before."""
        data = await request.body()
        wiring = self._wiring
        with collecting_seldom():
            done = await take_payment_file(
                request.path_params["name"],
                data,
                request.query_params.get("format", "auto"),
                actor=request.state.actor,
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                read=wiring.read_payments,
                looked_at="looked_at" in request.query_params,
            )
        shown = {name: getattr(done, name) for name in _SHOWN}
        told = {"id": done.file.id, "name": done.file.name, "format": done.file.format, **shown}
        return JSONResponse(told, status_code=201 if done.new else 200)
