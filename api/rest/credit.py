"""Authorising calls over REST: how much may be used now, and setting it aside while the call goes on.

Amounts are texts, so that no reader makes a float of them; times are ISO 8601.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.rest.bodies import json_body
from api.rest.refusals import Malformed
from api.routes import SMALL, Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.credit.limit import shown
from domain.credit.reservation import Reservation
from domain.ids import CreditReservationId, SubscriptionId
from domain.refusal import BadValue, NotFound
from domain.usecases.authorise_call import Authorisation, AuthoriseCall, authorise_call
from domain.usecases.get_subscription import owner_of_number
from domain.usecases.reserve_call import (
    CommitReservation,
    ExtendReservation,
    ReserveCall,
    commit_reservation,
    extend_reservation,
    get_reservation,
    release_reservation,
    reserve_call,
)

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_WHOLE: Final[dict[str, Any]] = {"type": "integer", "minimum": 1}
_USE: Final[dict[str, Any]] = {
    "subscription": {"type": "integer"},
    "calling": {**_TEXT, "description": "A number of the subscription, instead of its id."},
    "number": {**_TEXT, "description": "Whom it calls, E.164 (direction in: who calls it); none for data."},
    "units": {**_WHOLE, "description": "Seconds, messages or kB that are wanted; none: as many as there are."},
    "mode": _TEXT,
    "direction": {"enum": ["out", "in"]},
    "visited": {**_TEXT, "description": "The country where it roams."},
}
_RESERVE: Final[dict[str, Any]] = {
    **_USE,
    "reference": {**_TEXT, "description": "The call's, as its record will have it."},
    "seconds": {**_WHOLE, "description": "How long it stays set aside."},
}
_NUMBERS: Final = frozenset({"subscription", "units", "seconds", "used"})
AUTHORISATION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "units": {"type": "integer"},
        "amount": _TEXT,
        "currency": _TEXT,
        "left": {"type": ["string", "null"]},
        "kind": {"type": ["string", "null"]},
        "destination": {"type": ["string", "null"]},
        "reason": {"type": ["string", "null"], "description": "Why nothing may be used."},
    },
}
RESERVATION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "subscription": {"type": "integer"},
        "reference": _TEXT,
        "state": {"enum": ["open", "committed", "settled", "released", "expired"]},
        "granted": {"type": "integer"},
        "used": {"type": ["integer", "null"]},
        "amount": _TEXT,
        "start": {"type": "string", "format": "date-time"},
        "expires_at": {"type": "string", "format": "date-time"},
        "version": {"type": "integer"},
    },
}


class CreditDesk:
    """The endpoints."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._around: dict[str, Any] = {"begin": wiring.begin, "clock": wiring.clock}

    async def authorise(self, request: Request) -> Response:
        """Say how much may be used now."""
        fields = await self._use(request, _USE)
        found = await authorise_call(
            AuthoriseCall(**fields), actor=request.state.actor, raters=self._wiring.raters, **self._around
        )
        return JSONResponse(shown_authorisation(found))

    async def reserve(self, request: Request) -> Response:
        """Set it aside: 201."""
        fields = await self._use(request, _RESERVE)
        kept, _ = await reserve_call(
            ReserveCall(**fields), actor=request.state.actor, raters=self._wiring.raters, **self._around
        )
        return JSONResponse(shown_reservation(kept), status_code=HTTPStatus.CREATED)

    async def one(self, request: Request) -> Response:
        """Return one."""
        kept = await get_reservation(_key(request), actor=request.state.actor, begin=self._wiring.begin)
        return JSONResponse(shown_reservation(kept))

    async def extend(self, request: Request) -> Response:
        """Set more aside."""
        cmd = ExtendReservation(reservation=_key(request), **await _fields(request, ("units", "seconds"), ("units",)))
        kept = await extend_reservation(cmd, actor=request.state.actor, raters=self._wiring.raters, **self._around)
        return JSONResponse(shown_reservation(kept))

    async def commit(self, request: Request) -> Response:
        """Say what was used."""
        cmd = CommitReservation(reservation=_key(request), **await _fields(request, ("used",), ("used",)))
        kept = await commit_reservation(cmd, actor=request.state.actor, raters=self._wiring.raters, **self._around)
        return JSONResponse(shown_reservation(kept))

    async def release(self, request: Request) -> Response:
        """Free it."""
        kept = await release_reservation(_key(request), actor=request.state.actor, **self._around)
        return JSONResponse(shown_reservation(kept))

    async def _use(self, request: Request, known: dict[str, Any]) -> dict[str, Any]:
        fields = await _fields(request, tuple(known), ())
        calling = fields.pop("calling", None)
        if (calling is None) == ("subscription" not in fields):
            raise BadValue("give subscription or calling", field="subscription")
        if calling is not None:
            owner = await owner_of_number(
                calling, self._wiring.clock.now(), actor=request.state.actor, begin=self._wiring.begin
            )
            fields["subscription"] = owner.id
        fields["subscription"] = SubscriptionId(fields["subscription"])
        return fields


async def _fields(request: Request, known: Sequence[str], needed: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a request. Refuses with: BadValue; raises Malformed."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "send a JSON object")
    for key in body:
        if key not in known:
            raise BadValue("{key!r} is no part of it", key=key[:80], field=key[:80])
    fields = {key: value for key, value in body.items() if value is not None}
    for key, value in fields.items():
        if key in _NUMBERS and type(value) is not int:
            raise BadValue("must be a whole number", field=key)
        if key not in _NUMBERS and not isinstance(value, str):
            raise BadValue("must be a text", field=key)
        if key == "subscription" and not 0 < value < 2**63:
            raise NotFound("no subscription {subscription}", subscription=value, field="subscription")
    for key in needed:
        if key not in fields:
            raise BadValue("is required", field=key)
    return fields


def _key(request: Request) -> CreditReservationId:
    text = request.path_params["id"]
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 19):
        raise NotFound("no such reservation", field="reservation")
    return CreditReservationId(int(text))


def shown_authorisation(found: Authorisation) -> dict[str, Any]:
    """Return an authorisation as JSON data."""
    return {
        "at": found.at.isoformat(),
        "units": found.units,
        "amount": f"{found.amount:f}",
        "currency": found.currency,
        "left": None if found.left is None else f"{found.left:f}",
        "kind": None if found.kind is None else found.kind.value,
        "destination": found.destination,
        "reason": found.reason,
    }


def shown_reservation(one: Reservation) -> dict[str, Any]:
    """Return a reservation as JSON data."""
    return {
        "id": int(one.id),
        "subscription": int(one.subscription),
        "reference": one.reference,
        "state": one.state.value,
        "granted": one.granted,
        "used": one.used,
        "amount": f"{shown(one.amount):f}",
        "start": one.start.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "version": one.version,
    }


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    desk = CreditDesk(wiring)

    def taken(fields: dict[str, Any], *needed: str) -> dict[str, Any]:
        return {"application/json": {"type": "object", "required": list(needed), "properties": fields}}

    one: dict[str, Any] = {
        "action": Action.AUTHORISE,
        "body_max": SMALL,
        "answers": {"200": ("application/json", RESERVATION)},
        "refuses": (400, 404, 409, 413, 415, 422),
    }
    path = "/rest/v1/reservations/{id}"
    return [
        Operation(
            method="POST",
            path="/rest/v1/authorize",
            endpoint=desk.authorise,
            name="authorizeCall",
            summary="How many seconds, messages or kB a line may use now; nothing is kept.",
            takes=taken(_USE),
            **{**one, "answers": {"200": ("application/json", AUTHORISATION)}},
        ),
        Operation(
            method="POST",
            path="/rest/v1/reservations",
            endpoint=desk.reserve,
            name="reserveCall",
            summary="Set aside what a call may use. The same reference again is the same reservation.",
            takes=taken(_RESERVE),
            **{**one, "answers": {"201": ("application/json", RESERVATION)}},
        ),
        Operation(
            method="GET",
            path=path,
            endpoint=desk.one,
            name="getReservation",
            summary="What is, or was, set aside for a call.",
            **{**one, "body_max": 0, "refuses": (404,)},
        ),
        Operation(
            method="POST",
            path=f"{path}/extend",
            endpoint=desk.extend,
            name="extendReservation",
            summary="Set more aside for a call that goes on.",
            takes=taken({"units": _WHOLE, "seconds": _WHOLE}, "units"),
            **one,
        ),
        Operation(
            method="POST",
            path=f"{path}/commit",
            endpoint=desk.commit,
            name="commitReservation",
            summary="The call is over and used so much; the rest is free.",
            takes=taken({"used": {"type": "integer", "minimum": 0}}, "used"),
            **one,
        ),
        Operation(
            method="POST",
            path=f"{path}/release",
            endpoint=desk.release,
            name="releaseReservation",
            summary="Nothing of it was used.",
            **{**one, "body_max": SMALL},
        ),
    ]
