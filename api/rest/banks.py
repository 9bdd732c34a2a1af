"""Files for banks over REST: what is due is written into one, and a program that talks to the bank takes it.

Mandates as a program keeps them, where customers let themselves be debited in a portal. Amounts are texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.graphql.ids import cursor, read_number
from api.rest.bodies import json_body
from api.rest.files import first_of, path_key
from api.rest.invoices import named
from api.rest.refusals import Malformed
from api.routes import SMALL, Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.ids import CustomerId, MandateId, OrderFileId
from domain.payments.amounts import major_of
from domain.payments.debit import OrderFile
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Scheme
from domain.ports.page import PageRequest
from domain.refusal import BadValue
from domain.usecases.manage_mandates import AddMandate, EndMandate, add_mandate, end_mandate, list_mandates
from domain.usecases.write_orders import (
    TakeOrderFile,
    WriteDebits,
    WriteRefunds,
    Written,
    list_order_files,
    take_order_file,
    write_debits,
    write_refunds,
)

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_DAY: Final[dict[str, Any]] = {"type": "string", "format": "date"}
_TRUTH: Final[dict[str, Any]] = {"type": "boolean"}
_WHOLE: Final[dict[str, Any]] = {"type": "integer"}
_SCHEME: Final[dict[str, Any]] = {"enum": [one.value for one in Scheme]}
_WRITE: Final[dict[str, Any]] = {
    "on": {**_DAY, "description": "The day on which the bank is asked; today."},
    "older": {**_TRUTH, "description": "In the older of the format's two versions."},
}
_MANDATE: Final[dict[str, Any]] = {
    "customer": _WHOLE,
    "scheme": _SCHEME,
    "payer_number": _TEXT,
    "account": _TEXT,
    "identity": _TEXT,
    "bic": _TEXT,
    "notify": _TRUTH,
    "signed_on": _DAY,
    "signature": _TEXT,
    "active": {**_TRUTH, "description": "It stands already; else Autogiro's is asked for in the next file."},
}
_END: Final[dict[str, Any]] = {"version": _WHOLE, "reason": _TEXT}
ORDER_FILE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": _WHOLE,
        "format": _TEXT,
        "number": _WHOLE,
        "name": _TEXT,
        "orders": _WHOLE,
        "currency": {"type": ["string", "null"]},
        "total": {"type": ["string", "null"]},
        "sha256": _TEXT,
        "made_at": {"type": "string", "format": "date-time"},
        "taken_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
WRITTEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "file": {**ORDER_FILE, "type": ["object", "null"], "description": "null: there was nothing to write."},
        "debits": _WHOLE,
        "requests": _WHOLE,
        "refunds": _WHOLE,
    },
}
MANDATE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": _WHOLE,
        "customer": _WHOLE,
        "scheme": _SCHEME,
        "payer_number": _TEXT,
        "state": {"enum": [one.value for one in MandateState]},
        "blocked": _TRUTH,
        "active_from": {"type": ["string", "null"], "format": "date"},
        "ended_on": {"type": ["string", "null"], "format": "date"},
        "reason": {"type": ["string", "null"]},
        "version": _WHOLE,
    },
}


class BankDesk:
    """The endpoints."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._around: dict[str, Any] = {"begin": wiring.begin, "clock": wiring.clock}

    async def debits(self, request: Request) -> Response:
        """Write direct debits: 201; 200 where nothing is due."""
        given = await _fields(request, {"scheme": _SCHEME, **_WRITE}, ("scheme",))
        cmd = WriteDebits(scheme=Scheme(given.pop("scheme")), **given)
        write = self._wiring.write_payments
        return _written(await write_debits(cmd, write, actor=request.state.actor, **self._around))

    async def refunds(self, request: Request) -> Response:
        """Write refunds: 201; 200 where none waits."""
        cmd = WriteRefunds(**await _fields(request, _WRITE, ()))
        write = self._wiring.write_payments
        return _written(await write_refunds(cmd, write, actor=request.state.actor, **self._around))

    async def files(self, request: Request) -> Response:
        """List files, without their content."""
        asked = PageRequest(first_of(request), read_number(request.query_params.get("after"), "OrderFile"))
        page = await list_order_files(asked, actor=request.state.actor, begin=self._wiring.begin)
        following = cursor("OrderFile", page.items[-1].id) if page.more else None
        return JSONResponse({"files": [_file(one) for one in page.items], "next": following})

    async def file(self, request: Request) -> Response:
        """Answer a file's bytes; who takes it stands in the trail."""
        key = OrderFileId(path_key(request, "order file"))
        file = await take_order_file(TakeOrderFile(file=key), actor=request.state.actor, **self._around)
        return Response(file.content, media_type="application/octet-stream", headers=named(file.name))

    async def mandates(self, request: Request) -> Response:
        """List mandates, of a customer and in a state."""
        state, customer = request.query_params.get("state"), _number(request, "customer")
        if state is not None and state not in [one.value for one in MandateState]:
            raise BadValue(
                "{value} is none of {choices}", value=state[:40], choices=", ".join(MandateState), field="state"
            )
        page = await list_mandates(
            PageRequest(first_of(request), read_number(request.query_params.get("after"), "Mandate")),
            actor=request.state.actor,
            begin=self._wiring.begin,
            customer=None if customer is None else CustomerId(customer),
            state=None if state is None else MandateState(state),
        )
        following = cursor("Mandate", page.items[-1].id) if page.more else None
        return JSONResponse({"mandates": [_mandate(one) for one in page.items], "next": following})

    async def add(self, request: Request) -> Response:
        """Keep a mandate: 201."""
        given = await _fields(request, _MANDATE, ("customer", "scheme", "payer_number"))
        cmd = AddMandate(customer=CustomerId(given.pop("customer")), scheme=Scheme(given.pop("scheme")), **given)
        kept = await add_mandate(cmd, actor=request.state.actor, **self._around)
        return JSONResponse(_mandate(kept), status_code=HTTPStatus.CREATED)

    async def end(self, request: Request) -> Response:
        """End one."""
        key = MandateId(path_key(request, "mandate"))
        cmd = EndMandate(mandate=key, **await _fields(request, _END, ("version",)))
        return JSONResponse(_mandate(await end_mandate(cmd, actor=request.state.actor, **self._around)))


async def _fields(request: Request, known: Mapping[str, Mapping[str, Any]], needed: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a request, each as its schema has it. Refuses with: BadValue; raises Malformed."""
    body = await json_body(request) if known is not _WRITE or await request.body() else {}
    if not isinstance(body, dict):
        raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "send a JSON object")
    for key in body:
        if key not in known:
            raise BadValue("{key!r} is no part of it", key=key[:80], field=key[:80])
    for key in needed:
        if body.get(key) is None:
            raise BadValue("is required", field=key)
    return {key: _read(value, known[key], key) for key, value in body.items() if value is not None}


def _read(value: Any, schema: Mapping[str, Any], field: str) -> Any:
    """Return a value as its schema has it. Refuses with: BadValue."""
    if schema is _WHOLE:
        if type(value) is not int or not 0 <= value < 2**63:
            raise BadValue("must be a whole number", field=field)
        return value
    if schema.get("type") == "boolean":
        if not isinstance(value, bool):
            raise BadValue("must be true or false", field=field)
        return value
    if not isinstance(value, str):
        raise BadValue("must be a text", field=field)
    if "enum" in schema:
        _one_of(value, schema["enum"], field)
    return _day(value, field) if schema.get("format") == "date" else value


def _one_of(value: str, words: Sequence[str], field: str) -> None:
    if value not in words:
        raise BadValue("{value} is none of {choices}", value=value[:40], choices=", ".join(words), field=field)


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadValue("{text!r} is not a day such as 2026-03-01", text=text[:40], field=field) from None


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadValue("must be a whole number", field=name)
    return int(text)


def _written(done: Written) -> Response:
    told = {
        "file": None if done.file is None else _file(done.file),
        "debits": done.debits,
        "requests": done.requests,
        "refunds": done.refunds,
    }
    return JSONResponse(told, status_code=HTTPStatus.OK if done.file is None else HTTPStatus.CREATED)


def _file(one: OrderFile) -> dict[str, Any]:
    return {
        "id": int(one.id),
        "format": one.format,
        "number": one.number,
        "name": one.name,
        "orders": one.orders,
        "currency": one.currency,
        "total": None if one.currency is None else f"{major_of(one.total_minor, one.currency):f}",
        "sha256": one.sha256.hex(),
        "made_at": one.made_at.isoformat(),
        "taken_at": None if one.taken_at is None else one.taken_at.isoformat(),
    }


def _mandate(one: Mandate) -> dict[str, Any]:
    return {
        "id": int(one.id),
        "customer": int(one.customer),
        "scheme": one.scheme.value,
        "payer_number": one.payer_number,
        "state": one.state.value,
        "blocked": one.blocked,
        "active_from": None if one.active_from is None else one.active_from.isoformat(),
        "ended_on": None if one.ended_on is None else one.ended_on.isoformat(),
        "reason": one.reason,
        "version": one.version,
    }


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    desk = BankDesk(wiring)
    first = {"name": "first", "schema": _WHOLE}
    after = {"name": "after", "schema": _TEXT, "description": "The last page's next."}

    def taken(fields: Mapping[str, Any], *needed: str) -> dict[str, Any]:
        return {"application/json": {"type": "object", "required": list(needed), "properties": fields}}

    def listed(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        rows = {"type": "array", "items": schema}
        return {"type": "object", "properties": {name: rows, "next": {"type": ["string", "null"]}}}

    write: dict[str, Any] = {
        "action": Action.WRITE_PAYMENTS,
        "body_max": SMALL,
        "refuses": (400, 404, 409, 413, 415, 422),
    }
    both = dict.fromkeys(("200", "201"), ("application/json", WRITTEN))
    return [
        Operation(
            method="POST",
            path="/rest/v1/debits",
            endpoint=desk.debits,
            name="writeDebits",
            summary="Write what is due of payers with a mandate into a file; what is on its way is not ordered again.",
            takes=taken({"scheme": _SCHEME, **_WRITE}, "scheme"),
            answers=both,
            **write,
        ),
        Operation(
            method="POST",
            path="/rest/v1/refund-files",
            endpoint=desk.refunds,
            name="writeRefunds",
            summary="Write all refunds that wait into a file.",
            takes=taken(_WRITE),
            answers=both,
            **{**write, "action": Action.PAY_OUT},
        ),
        Operation(
            method="GET",
            path="/rest/v1/order-files",
            endpoint=desk.files,
            name="listOrderFiles",
            summary="The files that were written for banks, without their content.",
            action=Action.READ_PAYMENTS,
            query=(first, after),
            answers={"200": ("application/json", listed("files", ORDER_FILE))},
            refuses=(422,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/order-files/{id}",
            endpoint=desk.file,
            name="takeOrderFile",
            summary="A file for the bank; who took it first, and when, is kept.",
            action=Action.WRITE_PAYMENTS,
            answers={"200": ("application/octet-stream", {"type": "string", "format": "binary"})},
            refuses=(404,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/mandates",
            endpoint=desk.mandates,
            name="listMandates",
            summary="Mandates, of a customer and in a state.",
            action=Action.READ_PAYMENTS,
            query=({"name": "customer", "schema": _WHOLE}, {"name": "state", "schema": _TEXT}, first, after),
            answers={"200": ("application/json", listed("mandates", MANDATE))},
            refuses=(422,),
        ),
        Operation(
            method="POST",
            path="/rest/v1/mandates",
            endpoint=desk.add,
            name="addMandate",
            summary="Keep a customer's mandate.",
            takes=taken(_MANDATE, "customer", "scheme", "payer_number"),
            answers={"201": ("application/json", MANDATE)},
            **write,
        ),
        Operation(
            method="POST",
            path="/rest/v1/mandates/{id}/end",
            endpoint=desk.end,
            name="endMandate",
            summary="End a mandate at the version that was read.",
            takes=taken(_END, "version"),
            answers={"200": ("application/json", MANDATE)},
            **write,
        ),
    ]
