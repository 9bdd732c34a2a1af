"""``/rest/v1/bulk/{kind}``: sheets of customers, contracts, subscriptions and numbers, in and out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api.catalogues import perhaps, told
from api.rest.bodies import media_type
from api.rest.cdr import FORMS, blocks
from api.rest.refusals import Malformed
from api.routes import Operation
from api.wiring import Wiring
from domain.access.actor import allow
from domain.bulk.run import BYTES_MAX, FAULTS_MAX, BulkFault, BulkImport, BulkMode, BulkState
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.export_bulk import export_bulk
from domain.usecases.import_bulk import ACTIONS, TakeSheet, take_sheet
from domain.usecases.list_bulk import get_bulk_import, list_bulk_faults
from integrations.sheets.writing import FORMS as SHEETS

QUERY: Final = ("name", "mode", "preview")


class TakeBulk:
    """``POST``: 202 with the import, and where to see how far it is."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take a sheet."""
        wiring, actor = self._wiring, request.state.actor
        kind = _kind(request)
        allow(actor, ACTIONS[kind], "take_sheet")
        if media_type(request) in FORMS:
            sentence = "send the sheet itself as the body, as text/csv or as a workbook; not a form"
            raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
        unknown = set(request.query_params) - set(QUERY)
        if unknown:
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", f"{min(unknown)!r} is not one of {', '.join(QUERY)}")
        mode = request.query_params.get("mode", BulkMode.ALL.value)
        if mode not in [one.value for one in BulkMode]:
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", f"mode {mode[:40]!r} is neither all nor valid")
        cmd = TakeSheet(
            kind=kind,
            name=request.query_params.get("name", f"{kind.value}.csv"),
            content=await _whole(request),
            mode=BulkMode(mode),
            preview=request.query_params.get("preview", "0") not in {"0", "false"},
        )
        kept = await take_sheet(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        return JSONResponse(shown(kept), HTTPStatus.ACCEPTED, {"Location": f"/rest/v1/bulk/imports/{kept.id}"})


class BulkImportOf:
    """``GET``: an import with its faults."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Show one import, and up to 10,000 faults."""
        text = request.path_params["import"]
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise NotFound("there is no such import")
        key, asked = BulkImportId(int(text)), {"actor": request.state.actor, "begin": self._wiring.begin}
        run = await get_bulk_import(key, **asked)
        faults: list[BulkFault] = []
        more = True
        while more and len(faults) < FAULTS_MAX:
            page = await list_bulk_faults(key, PageRequest(PAGE_MAX, len(faults) or None), **asked)
            faults += page.items
            more = page.more
        found = [{"row": one.row, "field": one.field, "code": one.code, "message": told(one.message)} for one in faults]
        return JSONResponse(shown(run) | {"faults": found})


class ExportBulk:
    """``GET``: everything the caller may see of a kind, as a sheet."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Stream a sheet."""
        kind, _, form = request.path_params["sheet"].rpartition(".")
        if form not in SHEETS or kind not in [one.value for one in SheetKind]:
            raise NotFound("there is no such sheet: customers, contracts, subscriptions or numbers, as csv or xlsx")
        media, written = SHEETS[form]
        rows = export_bulk(
            SheetKind(kind), actor=request.state.actor, begin=self._wiring.begin, clock=self._wiring.clock
        )
        body = written(rows)
        first = await anext(body)  # a refusal is an answer, as long as nothing was sent
        disposition = {"Content-Disposition": f'attachment; filename="{kind}.{form}"'}
        return StreamingResponse(_from(first, body), headers=disposition, media_type=media)


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


def shown(run: BulkImport) -> dict[str, Any]:
    """Return an import as JSON shows it."""
    return {
        "id": run.id,
        "kind": run.kind.value,
        "name": run.name,
        "mode": run.mode.value,
        "preview": run.preview,
        "state": run.state.value,
        "rows": run.rows,
        "seen": run.seen,
        "created": run.created,
        "unchanged": run.unchanged,
        "faulty": run.faulty,
        "fault": perhaps(run.fault),
        "created_at": run.created_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
    }


async def _whole(request: Request) -> bytes:
    kept = bytearray()
    async for block in blocks(request):
        kept += block
        if len(kept) > BYTES_MAX:
            raise Malformed(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "limit_exceeded", f"a sheet has at most {BYTES_MAX >> 20} MB"
            )
    return bytes(kept)


def _kind(request: Request) -> SheetKind:
    try:
        return SheetKind(request.path_params["kind"])
    except ValueError:
        raise NotFound("there is no such kind of sheet: customers, contracts, subscriptions or numbers") from None


NUMBER: Final = {"type": "integer"}
TEXT: Final = {"type": "string"}
_IMPORT: Final = {
    "type": "object",
    "properties": {
        "id": NUMBER,
        "kind": {"enum": [one.value for one in SheetKind]},
        "name": TEXT,
        "mode": {"enum": [one.value for one in BulkMode]},
        "preview": {"type": "boolean"},
        "state": {"enum": [one.value for one in BulkState]},
        "rows": {"type": ["integer", "null"]},
        **dict.fromkeys(("seen", "created", "unchanged", "faulty"), NUMBER),
        "fault": {"type": ["string", "null"]},
        "created_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
_FAULTS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"row": NUMBER, "field": {"type": ["string", "null"]}, "code": TEXT, "message": TEXT},
    },
}


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    sheet = {"type": "string", "format": "binary"}
    with_faults = {**_IMPORT, "properties": {**_IMPORT["properties"], "faults": _FAULTS}}  # type: ignore[dict-item]  # a JSON schema
    return [
        Operation(
            method="POST",
            path="/rest/v1/bulk/{kind}",
            endpoint=TakeBulk(wiring),
            name="importSheet",
            summary="Bring a sheet (CSV or XLSX) of customers, contracts, lines or numbers; a worker takes it in.",
            body_max=None,
            takes={"text/csv": sheet, "application/octet-stream": sheet},
            query=(
                {"name": "mode", "schema": {"enum": [one.value for one in BulkMode]}},
                {"name": "preview", "schema": {"type": "boolean"}, "description": "Find every fault, keep nothing."},
                {"name": "name", "schema": TEXT},
            ),
            answers={"202": ("application/json", _IMPORT)},
            refuses=(400, 404, 408, 413, 415, 422),
        ),
        Operation(
            method="GET",
            path="/rest/v1/bulk/imports/{import}",
            endpoint=BulkImportOf(wiring),
            name="bulkImport",
            summary="How far an import is, and what is wrong with its rows.",
            answers={"200": ("application/json", with_faults)},
            refuses=(404,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/bulk/sheets/{sheet}",
            endpoint=ExportBulk(wiring),
            name="exportSheet",
            summary="Everything one may see of a kind as a sheet: customers.csv, contracts.xlsx, ...",
            answers={"200": ("text/csv", sheet)},
            refuses=(404,),
        ),
    ]
