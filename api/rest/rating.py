"""``POST /rest/v1/rate``: events rated with a tariff document, as ``tollwright rate`` prints them; nothing is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from api.rest.bodies import json_body
from api.rest.refusals import Malformed
from domain.access.actor import Action, allow
from domain.rating.vectors import rate_document
from domain.refusal import LimitExceeded

EVENTS_MAX: Final = 10_000
BODY_MAX: Final = 20_000_000
AT_ONCE_MAX: Final = 2
LINES: Final = "application/jsonl"


class RateEvents:
    """The endpoint. At most two are rated at once, so that nobody's tariff keeps the others waiting."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def __call__(self, request: Request) -> Response:
        """Rate the events of one request."""
        allow(request.state.actor, Action.READ_PRICES)
        body = await json_body(request)
        tariff, events = _parts(body)
        async with self._turn:
            answers = await asyncio.to_thread(rate_document, tariff, events)
        text = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
        return Response(text, media_type=LINES)


def _parts(body: Any) -> tuple[object, Sequence[object]]:
    if not isinstance(body, dict) or set(body) != {"tariff", "events"} or not isinstance(body["events"], list):
        raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", 'send {"tariff": {...}, "events": [...]}')
    if len(body["events"]) > EVENTS_MAX:
        raise LimitExceeded(f"at most {EVENTS_MAX} events at a time", field="events")
    return body["tariff"], body["events"]
