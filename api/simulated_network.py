"""A simulated network element on HTTP, for demos and tests: signed webhooks, REST and SOAP, and its own callbacks.

``/webhook`` takes what ``docs/provisioning.md`` says of a webhook; ``/rest/orders`` has words of its own, as a vendor's
interface would; ``/soap`` is SOAP 1.1 with its WSDL at ``/soap?wsdl``. ``/lines`` shows what the network has,
``/requests`` what it was asked, and ``/elements/{kind}.json`` what to give ``tollwright network put``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.soap.simulated import SimulatedSoap
from domain.ports.clock import Clock
from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http
from domain.webhooks.signature import signed, verified
from integrations.provisioning.simulated import CODES, Asked, Behaviour, Callback, Reaction, SimulatedElement, listed

LOG: Final = logging.getLogger("tollwright.simulated")
TRIES_MAX: Final = 5
KINDS: Final = ("webhook", "rest", "soap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the element is, and how it signs. ``secret`` None: it looks at no signature, and calls nobody back."""

    address: str
    secret: str | None = None


class SimulatedNetwork:
    """The application around one element."""

    def __init__(self, behaviour: Behaviour, *, seed: int, place: Place, http: Http, clock: Clock) -> None:
        self.element = SimulatedElement(behaviour, seed)
        self._place = place
        self._http = http
        self._clock = clock
        self._callbacks: set[asyncio.Task[None]] = set()
        self._soap = SimulatedSoap(f"{place.address}/soap")
        self.app = Starlette(
            routes=[
                Route("/webhook", self._webhook, methods=["POST"]),
                Route("/rest/orders", self._rest, methods=["POST"]),
                Route("/soap", self._envelope, methods=["GET", "POST"]),
                Route("/lines", self._lines),
                Route("/requests", self._requests),
                Route("/elements/{kind}.json", self._document),
            ]
        )

    async def settled(self) -> None:
        """Wait until every callback that is on its way has come or was given up."""
        while self._callbacks:
            await asyncio.gather(*self._callbacks)

    async def _take(self, asked: Asked) -> Reaction:
        """Do what is asked, in the element's own time, and let its callbacks follow."""
        reaction = self.element.take(asked)
        for one in reaction.callbacks:
            task = asyncio.create_task(self._call_back(asked.callback or "", one))
            self._callbacks.add(task)
            task.add_done_callback(self._callbacks.discard)
        await asyncio.sleep(reaction.seconds)
        return reaction

    async def _call_back(self, url: str, one: Callback) -> None:
        """Send an answer until it is taken."""
        if self._place.secret is None:
            return
        told = {"id": one.request, "state": one.state, "reason": one.reason, "reference": one.reference}
        body = json.dumps(told).encode()
        for attempt in range(TRIES_MAX):
            await asyncio.sleep(one.seconds * (attempt + 1))
            headers = signed(
                [self._place.secret], identity=one.request, seconds=int(self._clock.now().timestamp()), body=body
            )
            try:
                answer = await self._http.ask(
                    "POST", url, headers=headers | {"content-type": "application/json"}, body=body
                )
            except TransportFault as fault:
                LOG.warning("callback of %s: %s", one.request, fault.message)
                continue
            if answer.good:
                return
            LOG.warning("callback of %s: %s %s", one.request, answer.status, answer.body[:200])

    async def _webhook(self, request: Request) -> Response:
        body = await request.body()
        if self._place.secret and not verified(
            self._place.secret, request.headers, body, now=int(self._clock.now().timestamp())
        ):
            return JSONResponse({"reason": "the signature is wrong"}, 401)
        order = json.loads(body)
        reaction = await self._take(
            Asked(
                request=order["id"],
                kind=order["kind"],
                subscription=str(order["subscription"]["id"]),
                numbers=_ported(order) or tuple(order["subscription"]["numbers"]),
                bars=tuple(order["bars"]),
                undoes=order["undoes"],
                callback=order["callback"],
            )
        )
        if reaction.state is None:
            return _lost()
        told = {"state": reaction.state, "reason": reaction.reason, "reference": reaction.reference}
        return JSONResponse(told, 202 if reaction.state == "accepted" else 200)

    async def _rest(self, request: Request) -> Response:
        order = await request.json()
        reaction = await self._take(
            Asked(
                request=order["txn"],
                kind=order["action"],
                subscription=str(order["line"]),
                numbers=listed(order.get("numbers")),
                bars=listed(order.get("bars")),
                undoes=order.get("undoes") or None,
                callback=order.get("callback") or None,
            )
        )
        if reaction.state is None:
            return _lost()
        code = CODES[reaction.state]
        return JSONResponse({"result": {"code": code, "text": reaction.reason, "ref": reaction.reference}})

    async def _envelope(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(self._soap.wsdl, media_type="text/xml")
        answer = await self._soap.answer(await request.body(), self._take)
        return _lost() if answer is None else Response(answer.body, answer.status, media_type="text/xml")

    async def _lines(self, request: Request) -> Response:
        del request
        return JSONResponse(self.element.told())

    async def _requests(self, request: Request) -> Response:
        del request
        return JSONResponse(self.element.log)

    async def _document(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        return JSONResponse(self.document(kind)) if kind in KINDS else Response(status_code=404)

    def document(self, kind: str) -> dict[str, Any]:
        """Return what ``tollwright network put`` takes for this element, asked by one of the kinds."""
        element: dict[str, Any] = {"name": f"simulated-{kind}", "kind": kind}
        if self._place.secret:
            element["credentials"] = {"secret": self._place.secret}
        if kind == "webhook":
            return element | {"address": f"{self._place.address}/webhook"}
        rule = {"done": ["0"], "accepted": ["1"], "passing": ["7"]}
        names = {"undoes": "{{undoes}}", "callback": "{{callback}}", "bars": "{{bars}}", "numbers": "{{numbers}}"}
        if kind == "rest":
            body = {"txn": "{{request}}", "action": "{{kind}}", "line": "{{subscription.id}}"} | names
            paths = {"statePath": "result.code", "reasonPath": "result.text", "referencePath": "result.ref"}
            template = {"path": "/rest/orders", "body": json.dumps(body), "answer": rule | paths}
            return element | {"address": self._place.address, "templates": [template]}
        body = {"request": "{{request}}", "action": "{{kind}}", "line": "{{subscription.id}}"} | names
        paths = {"statePath": "code", "reasonPath": "text", "referencePath": "reference"}
        template = {"operation": "Provision", "body": json.dumps(body), "answer": rule | paths}
        wsdl = self._soap.wsdl.decode()
        return element | {"address": f"{self._place.address}/soap", "wsdl": wsdl, "templates": [template]}


def _lost() -> Response:
    """Return what looks like an answer that was lost on its way."""
    return Response(status_code=504)


def _ported(order: dict[str, Any]) -> tuple[str, ...]:
    number = order["parameters"].get("number")
    return (number,) if number and order["kind"] in {"port_in", "port_out"} else ()
