"""What a call would cost and why, and why a stored event costs what it costs, over REST.

The answer's ``explanation`` has the form of ``tollwright explain --format json`` (docs/explanation.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.catalogues.explaining import in_words
from api.languages import told_in
from api.rest.bodies import json_body
from api.rest.refusals import Malformed
from api.routes import SMALL, Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.ids import SubscriptionId
from domain.period import utc
from domain.rating.explanation import Explanation
from domain.rating.rated_event import Charge, EventRef
from domain.refusal import BadValue, NotFound
from domain.telling.data import data
from domain.telling.language import Language
from domain.telling.text import text
from domain.usecases.explain_call import explain_call
from domain.usecases.explain_held import explain_held
from domain.usecases.explain_usage import explain_usage
from domain.usecases.find_event import find_event
from domain.usecases.get_subscription import owner_of_number
from domain.usecases.price_call import PriceCall, Quote, price_call

_TEXTS: Final = ("number", "mode", "direction", "trunk", "visited", "calling")
_TIMES: Final = {"at": "at", "as_of": "believed_at"}
_KEYS: Final = {*_TEXTS, *_TIMES, "subscription", "used"}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
CALL: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A call from the subscription, or from a number of ours; 60 units of voice now, if nothing is said.",
    "required": ["number"],
    "properties": {
        "subscription": {"type": "integer"},
        "calling": {**_TEXT, "description": "A number of the subscription, instead of its id."},
        "number": {**_TEXT, "description": "Whom it calls, E.164 (direction in: who calls it)."},
        "at": _TIME,
        "used": {"type": "integer", "minimum": 0, "description": "Seconds, messages or kB."},
        "mode": _TEXT,
        "direction": {"enum": ["out", "in"]},
        "trunk": _TEXT,
        "visited": _TEXT,
        "as_of": {**_TIME, "description": "By the catalogue as it was believed then."},
    },
}
_LEVELS: Final = ("retail", "wholesale", "cost")


class PriceOneCall:
    """What a call would cost."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer with the price on each level that the caller may see."""
        cmd = await read_call(request, self._wiring)
        wiring, actor = self._wiring, request.state.actor
        quote = await price_call(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
        return JSONResponse(shown_quote(quote))


class ExplainOneCall:
    """Why it would cost that."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer with the explanation."""
        cmd = await read_call(request, self._wiring)
        wiring, actor = self._wiring, request.state.actor
        language = await _language(request, wiring)
        explained = await explain_call(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
        return JSONResponse(shown_explanation(explained, language))


class ExplainEvent:
    """Why a stored event costs what it costs, or is not rated."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer with the explanation of the event that the path names."""
        wiring, actor, name = self._wiring, request.state.actor, request.path_params["event"]
        language = await _language(request, wiring)
        as_of = _time("as_of", request.query_params["as_of"]) if "as_of" in request.query_params else None
        around: dict[str, Any] = {"actor": actor, "begin": wiring.begin}
        ref = await _found(name, around)
        more: dict[str, Any] = {**around, "raters": wiring.raters, "believed_at": as_of}
        if ref is None:
            explained = await explain_held(name, **more)
        else:
            explained = (await explain_usage(ref, **more)).explanation
        return JSONResponse(shown_explanation(explained, language))


async def _found(name: str, around: Mapping[str, Any]) -> EventRef | None:
    """Return the rated event that a name means; None where it can only be one in suspense that the caller may see."""
    if name.isascii() and name.isdigit():
        return None
    try:
        return await find_event(name, **around)
    except NotFound:
        if "/" not in name or not around["actor"].may(Action.IMPORT_CDR):
            raise
    return None


async def _language(request: Request, wiring: Wiring) -> Language:
    asked, header = request.query_params.get("language"), request.headers.get("accept-language")
    return await told_in(asked, header, wiring=wiring, actor=request.state.actor)


async def read_call(request: Request, wiring: Wiring) -> PriceCall:
    """Read a call. Refuses with: BadValue, NotFound; raises Malformed."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", 'send an object such as {"number": "46701234567"}')
    for key in body:
        if key not in _KEYS:
            raise BadValue("{key!r} is no part of a call", key=key[:80], field="call")
    given: dict[str, Any] = {key: value for key, value in body.items() if value is not None}
    for key in _TEXTS:
        if not isinstance(given.get(key, ""), str):
            raise BadValue("must be a text", field=key)
    for key in ("used", "subscription"):
        if type(given.get(key, 0)) is not int:
            raise BadValue("must be a whole number", field=key)
    fields = {key: value for key, value in given.items() if key in {"mode", "direction", "trunk", "visited", "used"}}
    fields |= {field: _time(key, given[key]) for key, field in _TIMES.items() if key in given}
    calling, subscription = given.get("calling"), given.get("subscription")
    if (calling is None) == (subscription is None):
        raise BadValue("give subscription or calling", field="subscription")
    if "number" not in given:
        raise BadValue("is required", field="number")
    if calling is not None:
        at = fields.get("at") or wiring.clock.now()
        owner = await owner_of_number(calling, at, actor=request.state.actor, begin=wiring.begin)
        subscription = owner.id
    if not 0 < int(subscription or 0) < 2**63:
        raise NotFound("no subscription {subscription}", subscription=subscription, field="subscription")
    return PriceCall(subscription=SubscriptionId(int(subscription or 0)), number=given["number"], **fields)


def _time(key: str, value: object) -> datetime:
    try:
        return utc(datetime.fromisoformat(str(value)), field=key)
    except (ValueError, OverflowError):
        raise BadValue(
            "{value!r} is not an instant such as 2026-03-02T08:00:00Z", value=str(value)[:40], field=key
        ) from None


def shown_quote(quote: Quote) -> dict[str, Any]:
    """Return a quote as JSON data; a level that there is not, or that the caller may not see, is null."""
    return {
        "at": quote.at.isoformat(),
        "destination": quote.destination,
        "billed": quote.billed,
        "unrated": quote.reason,
        "retail": _charge(quote.retail),
        "wholesale": [_charge(one) for one in quote.wholesale] or None,
        "cost": _charge(quote.cost),
    }


def _charge(one: Charge | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"amount": f"{one.amount.value:f}", "currency": one.amount.currency, "price_list": one.price_list}


def shown_explanation(explained: Explanation, language: Language) -> dict[str, Any]:
    """Return an explanation as data and as text."""
    explained = in_words(explained, language)
    told = {"language": language.code, "text": text(explained, language)}
    return {"explanation": data(explained, language), **told}


def operations(wiring: Wiring) -> Sequence[Operation]:
    """Return the routes."""
    charge = {"type": ["object", "null"], "properties": {"amount": _TEXT, "currency": _TEXT, "price_list": _TEXT}}
    quote = {
        "type": "object",
        "properties": {
            "at": _TIME,
            "destination": {"type": ["string", "null"]},
            "billed": {"type": "integer"},
            "unrated": {"type": ["string", "null"], "description": "Why there is no retail price."},
            **dict.fromkeys(_LEVELS, charge),
            "wholesale": {"type": ["array", "null"], "items": charge},
        },
    }
    explanation = {
        "type": "object",
        "properties": {"explanation": {"type": "object"}, "language": _TEXT, "text": _TEXT},
    }
    language = {"name": "language", "schema": _TEXT, "description": "en, sv, nb, da, fi or de."}
    as_of = {"name": "as_of", "schema": _TIME, "description": "By the catalogue as it was believed then."}
    called: dict[str, Any] = {
        "method": "POST",
        "action": Action.READ_PRICES,
        "body_max": SMALL,
        "takes": {"application/json": CALL},
        "refuses": (400, 404, 413, 415, 422),
    }
    return (
        Operation(
            path="/rest/v1/price-call",
            endpoint=PriceOneCall(wiring),
            name="priceCall",
            summary="What a call would cost, on the levels that the caller may see; nothing is stored.",
            answers={"200": ("application/json", quote)},
            **called,
        ),
        Operation(
            path="/rest/v1/explain-call",
            endpoint=ExplainOneCall(wiring),
            name="explainCall",
            summary="Why a call would cost that, as data and as text.",
            query=(language,),
            answers={"200": ("application/json", explanation)},
            **called,
        ),
        Operation(
            method="GET",
            path="/rest/v1/explanations/{event:path}",
            endpoint=ExplainEvent(wiring),
            name="explainEvent",
            summary="Why a stored event costs what it costs, or is not rated: its id, source/ref/leg/start/offset, or"
            " the number of a record in suspense.",
            action=Action.READ_USAGE,
            query=(language, as_of),
            answers={"200": ("application/json", explanation)},
            refuses=(404, 422),
        ),
    )
