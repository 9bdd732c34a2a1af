"""``POST /rest/v1/rate``: events rated with a tariff document or one's own catalogue; nothing is kept.

The answer is what ``tollwright rate`` prints, JSON Lines.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from api.rest.bodies import json_body
from api.rest.refusals import Malformed
from api.wiring import Wiring
from domain.access.actor import Action, allow
from domain.catalogue.reading import instant
from domain.rating.vectors import rate_document
from domain.refusal import BadValue, LimitExceeded
from domain.usecases.rate_events import EVENTS_MAX, rate_events

BODY_MAX: Final = 20_000_000
AT_ONCE_MAX: Final = 2
LINES: Final = "application/jsonl"


class RateEvents:
    """The endpoint. At most two are rated at once, so that nobody's tariff keeps the others waiting."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def __call__(self, request: Request) -> Response:
        """Rate the events of one request."""
        actor = request.state.actor
        allow(actor, Action.READ_PRICES, "rate_events")
        tariff, events, as_of = _parts(await json_body(request))
        async with self._turn:
            if tariff is None:
                begin, raters = self._wiring.begin, self._wiring.raters
                answers = await rate_events(events, actor=actor, begin=begin, raters=raters, believed_at=as_of)
            else:
                answers = await asyncio.to_thread(rate_document, tariff, events)
        text = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
        return Response(text, media_type=LINES)


def _parts(body: Any) -> tuple[object | None, Sequence[object], datetime | None]:
    """Return the tariff, None for the operator's own, the events, and as of when the catalogue is believed."""
    if not isinstance(body, dict) or not {"events"} <= set(body) <= {"tariff", "events", "as_of"}:
        raise _wrong()
    if "tariff" in body and "as_of" in body:
        raise BadValue("as_of asks your own catalogue; a tariff document knows one state only", field="as_of")
    if not isinstance(body["events"], list) or ("tariff" in body and not isinstance(body["tariff"], dict)):
        raise _wrong()
    if len(body["events"]) > EVENTS_MAX:
        raise LimitExceeded("at most {events_max} events at a time", events_max=EVENTS_MAX, field="events")
    try:
        as_of = instant(body["as_of"]) if "as_of" in body else None
    except ValueError as wrong:
        raise BadValue(str(wrong), field="as_of") from None
    return body.get("tariff"), body["events"], as_of


def _wrong() -> Malformed:
    sentence = 'send {"tariff": {...}, "events": [...]}, or {"events": [...]} for your own catalogue'
    return Malformed(HTTPStatus.BAD_REQUEST, "malformed", sentence)
