"""``POST /rest/v1/provisioning/callbacks/{operator}/{element}``: what a network element answers later, by itself.

It has no token of ours: it signs its body with the secret of its element, as our webhooks to it are signed. An answer
that comes again is taken again, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.provisioning import CALLBACKS
from api.rest.bodies import strict_json
from api.routes import SMALL, Operation
from api.wiring import Wiring
from domain.access.actor import system
from domain.ids import OperatorId
from domain.provisioning.machine import Answer, Said
from domain.refusal import BadValue, NotAllowed
from domain.usecases.tend_orders import Signed, check_signature, take_answer

STATES: Final = {"done": Said.DONE, "accepted": Said.ACCEPTED, "failed": Said.FAILED, "busy": Said.FAILED}
TEXT_MAX: Final = 500
_TAKES: Final = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "description": "The id of the request that is answered."},
        "state": {"enum": [*STATES], "description": "busy: it failed, and may be tried again."},
        "reason": {"type": ["string", "null"]},
        "reference": {"type": ["string", "null"], "description": "The element's own."},
    },
}
_ANSWERS: Final = {
    "type": "object",
    "properties": {
        "order": {"type": "integer"},
        "state": {"type": "string", "description": "Of the order."},
        "heed": {"enum": ["taken", "again", "late", "contradiction", "unknown"]},
    },
}


class TakeAnswers:
    """The endpoint."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Take one answer."""
        wiring, element = self._wiring, request.path_params["element"]
        number = request.path_params["operator"]
        if not (number.isascii() and number.isdigit() and 0 < len(number) < 10):
            raise NotAllowed("the answer is not signed by a network element of this operator, or is too old")
        actor = system(OperatorId(int(number)), f"network element {element[:60]}")
        body = await request.body()
        came = Signed(element=element, headers=dict(request.headers), body=body)
        await check_signature(came, actor=actor, begin=wiring.begin, clock=wiring.clock, vault=wiring.vault)
        key, said = _read(strict_json(body))
        order, heed = await take_answer(key, said, element, actor=actor, begin=wiring.begin, clock=wiring.clock)
        return JSONResponse({"order": int(order.id), "state": order.state.value, "heed": heed.value})


def _read(value: Any) -> tuple[str, Answer]:
    """Return the request that is answered, and the answer. Refuses with: BadValue."""
    if not isinstance(value, Mapping):
        raise BadValue("an answer is a JSON object")
    texts: dict[str, str | None] = {}
    for name in ("id", "state", "reason", "reference"):
        text = value.get(name)
        if text is not None and not (isinstance(text, str) and len(text) <= TEXT_MAX):
            raise BadValue("is a text of at most {most} characters", most=TEXT_MAX, field=name)
        texts[name] = text
    if texts["id"] is None or not texts["id"].isprintable():
        raise BadValue("say which request is answered", field="id")
    if texts["state"] not in STATES:
        raise BadValue("a state is one of {states}", states=", ".join(STATES), field="state")
    said = STATES[texts["state"]]
    return texts["id"], Answer(
        said=said,
        reason=texts["reason"],
        reference=texts["reference"],
        lasting=texts["state"] == "failed",
    )


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    return [
        Operation(
            method="POST",
            path=CALLBACKS + "/{operator}/{element}",
            endpoint=TakeAnswers(wiring),
            name="answerProvisioning",
            summary="A network element's answer to a request, signed with the element's secret (Standard Webhooks).",
            public=True,
            body_max=SMALL,
            takes={"application/json": _TAKES},
            answers={"200": ("application/json", _ANSWERS)},
            refuses=(400, 403, 404, 422),
        )
    ]
