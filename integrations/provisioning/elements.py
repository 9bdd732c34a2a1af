"""Asking network elements: whichever way one is asked, what is known then is an answer, and never an exception."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from domain.ports.clock import Clock
from domain.ports.transports import TransportFault, Unreached
from domain.ports.webhooks import Answer as Reply
from domain.ports.webhooks import Http
from domain.provisioning.element import ElementKind, NetworkElement
from domain.provisioning.machine import Answer, Said
from domain.provisioning.request import NetworkRequest
from domain.provisioning.template import (
    JSON,
    Rule,
    filled,
    filled_header,
    filled_path,
    read_answer,
)
from domain.refusal import BadValue
from domain.webhooks.signature import read_secret, signed

# What an element that is asked by webhook, or that answers later by itself, says in JSON.
WORDS: Final = Rule(
    state_path="state",
    done=("done",),
    accepted=("accepted",),
    passing=("busy",),
    reason_path="reason",
    reference_path="reference",
)
UNASKED: Final = "the network cannot be asked for this"
UNREACHED: Final = "the network cannot be reached"
SILENT: Final = "the network did not answer"


@dataclass(frozen=True, slots=True)
class KnownElements:
    """Keeps ``domain.ports.provisioning.Network``. The clock's time stands in signatures."""

    http: Http
    clock: Clock

    async def check(self, element: NetworkElement) -> None:
        """Look at an element before it is kept: its address, its WSDL. Refuses with: BadValue."""
        if element.address is not None:
            if urlsplit(element.address).query and element.kind is ElementKind.REST:
                raise BadValue("a query belongs to the templates' paths", field="address")
            await self.http.check(element.address, field="address")
        if element.wsdl is not None:
            from integrations.provisioning import soap  # noqa: PLC0415  (zeep takes a moment to load)

            await soap.check(element)

    async def send(self, element: NetworkElement, secrets: Mapping[str, str], request: NetworkRequest) -> Answer:
        """Send a request, once, and return what is known of it then."""
        try:
            if element.kind is ElementKind.WEBHOOK:
                return await self._webhook(element, secrets, request)
            if element.kind is ElementKind.REST:
                return await self._rest(element, secrets, request)
            from integrations.provisioning import soap  # noqa: PLC0415  (zeep takes a moment to load)

            return await soap.send(self.http, element, _authorized(secrets), request)
        except TransportFault as fault:
            return no_answer(fault)
        except BadValue as wrong:
            return Answer(said=Said.FAILED, reason=UNASKED, detail=wrong.message, lasting=True)

    async def _webhook(self, element: NetworkElement, secrets: Mapping[str, str], request: NetworkRequest) -> Answer:
        secret = secrets.get("secret", "")
        read_secret(secret)
        body = json.dumps(request.document(), ensure_ascii=False).encode()
        headers = signed([secret], identity=request.id, seconds=int(self.clock.now().timestamp()), body=body)
        headers |= {"content-type": JSON, "idempotency-key": request.id, **_authorized(secrets)}
        reply = await self._ask(element, "POST", element.address or "", headers, body)
        value = _json(reply)
        rule = WORDS if isinstance(value, Mapping) and "state" in value else Rule(reason_path="reason")
        return _sure(read_answer(rule, reply.status, value), value, reply)

    async def _rest(self, element: NetworkElement, secrets: Mapping[str, str], request: NetworkRequest) -> Answer:
        template = element.template(request.kind)
        if template is None:
            return Answer(said=Said.FAILED, reason=UNASKED, detail="no template says how", lasting=True)
        values = request.values()
        headers = {"content-type": template.content_type, "idempotency-key": request.id, **_authorized(secrets)}
        headers |= {name.lower(): filled_header(text, values) for name, text in template.headers}
        url = (element.address or "").rstrip("/") + filled_path(template.path, values)
        body = filled(template.body, values, template.content_type).encode()
        if template.method == "GET" or not body:
            del headers["content-type"]
        reply = await self._ask(element, template.method, url, headers, body)
        value = _json(reply)
        return _sure(read_answer(template.answer, reply.status, value), value, reply)

    async def _ask(
        self, element: NetworkElement, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        return await self.http.ask(
            method, url, headers=headers, body=body, ca=element.ca, seconds=float(element.request_seconds)
        )


def no_answer(fault: TransportFault) -> Answer:
    """Return what is known where no answer came: what was sent may have been done, unless nothing could be sent."""
    unsure = not fault.lasting and not isinstance(fault, Unreached)
    reason = SILENT if unsure else UNREACHED
    return Answer(said=Said.FAILED, reason=reason, detail=fault.message, lasting=fault.lasting, uncertain=unsure)


def _sure(answer: Answer, value: Any, reply: Reply) -> Answer:
    """Return an answer as it is; one of a gateway before the element leaves it open whether the element did it."""
    unsure = reply.status in {502, 504} or (answer.said is Said.FAILED and reply.good and value is None)
    if not unsure:
        return answer
    return Answer(
        said=Said.FAILED, reason=answer.reason, reference=answer.reference, lasting=answer.lasting, uncertain=True
    )


def _authorized(secrets: Mapping[str, str]) -> dict[str, str]:
    if token := secrets.get("token"):
        return {"authorization": f"Bearer {token}"}
    if "user" in secrets:
        pair = f"{secrets['user']}:{secrets.get('password', '')}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _json(reply: Reply) -> Any:
    """Return the answer's JSON; None where it is none."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
