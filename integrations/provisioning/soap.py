"""SOAP 1.1 and 1.2 by zeep, over an operator's WSDL; everything it would fetch or send goes through our own HTTP.

The WSDL is kept with the element and may import nothing, so that reading it reaches nowhere. It says the operations;
the address is the element's own, whatever the WSDL says (attacks H1 to H4).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Error, Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsdl import Document

from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http
from domain.provisioning.element import NetworkElement
from domain.provisioning.machine import Answer, Said
from domain.provisioning.request import NetworkRequest
from domain.provisioning.template import filled_arguments, read_answer
from domain.refusal import BadValue

CLIENTS_MAX: Final = 32
# Faults that say the request is wrong, by the last part of their code: SOAP 1.1's and 1.2's.
_LASTING: Final = frozenset({"client", "sender", "versionmismatch", "mustunderstand"})
# Whatever zeep and lxml say of a WSDL or arguments that do not fit.
_WRONG: Final = (Error, etree.LxmlError, ValueError, TypeError, AttributeError, KeyError, LookupError, RecursionError)


class _Response:
    """What zeep wants of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self.content = body
        self.encoding = "utf-8"
        self.text = body.decode("utf-8", "replace")


class _Closed(Transport):
    """A transport that reaches nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # zeep's own

    def load(self, url: str) -> bytes:
        """Refuse what a WSDL imports."""
        del url
        raise BadValue("a WSDL stands by itself here: put what it imports into it", field="wsdl")


class _Opened(_Closed):
    """The same with a way to the element, for one request."""

    def __init__(self, http: Http, element: NetworkElement, headers: Mapping[str, str], loop: Any) -> None:
        super().__init__()
        self._http = http
        self._element = element
        self._headers = headers
        self._loop = loop

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _Response:
        """Send an envelope to the element's own address."""
        del address
        told = {name.lower(): str(value) for name, value in headers.items()}
        element = self._element
        asked = self._http.ask(
            "POST",
            element.address or "",
            headers=told | dict(self._headers),
            body=message,
            ca=element.ca,
            seconds=float(element.request_seconds),
        )
        reply = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        return _Response(reply.status, reply.headers, reply.body)


@lru_cache(CLIENTS_MAX)
def _document(digest: bytes, wsdl: str) -> Any:
    """Return a WSDL, read once. Refuses with: BadValue."""
    del digest
    try:
        settings = Settings(strict=True, forbid_dtd=True)
        closed: Any = _Closed()  # zeep's own annotation wants the class
        return Document(io.BytesIO(wsdl.encode()), closed, settings=settings)
    except BadValue:
        raise
    except _WRONG as wrong:
        raise BadValue("the WSDL cannot be read: {why}", why=_short(wrong), field="wsdl") from None


def _read(element: NetworkElement) -> Any:
    wsdl = element.wsdl or ""
    return _document(hashlib.sha256(wsdl.encode()).digest(), wsdl)


def _operations(document: Any) -> dict[str, tuple[str, str]]:
    """Return each operation's service and port, the first that has it and speaks SOAP."""
    found: dict[str, tuple[str, str]] = {}
    for service in document.services.values():
        for port in service.ports.values():
            for name in getattr(port.binding, "_operations", {}):
                found.setdefault(name, (service.name, port.name))
    return found


async def check(element: NetworkElement) -> None:
    """Look at a WSDL and the operations that templates name. Refuses with: BadValue."""
    known = await asyncio.to_thread(lambda: _operations(_read(element)))
    for index, template in enumerate(element.templates):
        if template.operation not in known:
            raise BadValue(
                "the WSDL has no operation {name}; it has {known}",
                name=str(template.operation)[:100],
                known=", ".join(sorted(known))[:500] or "none",
                field=f"templates.{index}.operation",
            )


async def send(http: Http, element: NetworkElement, headers: Mapping[str, str], request: NetworkRequest) -> Answer:
    """Call the operation of the request's template. Raises TransportFault; refuses with: BadValue."""
    template = element.template(request.kind)
    if template is None or template.operation is None:
        raise BadValue("no template says how", field="templates")
    arguments = filled_arguments(template.body, request.values())
    told = {**headers, "idempotency-key": request.id}
    transport = _Opened(http, element, told, asyncio.get_running_loop())
    try:
        value = await asyncio.to_thread(_call, transport, element, template.operation, arguments)
    except Fault as fault:
        code = str(fault.code or "").rpartition(":")[2].partition(".")[0].lower()
        said = _short(fault.message or "a fault")
        return Answer(said=Said.FAILED, reason=f"the network answered with a fault: {said}", lasting=code in _LASTING)
    return read_answer(template.answer, 200, value)


def _call(transport: _Opened, element: NetworkElement, operation: str, arguments: dict[str, Any]) -> Any:
    """Call in a thread, since zeep waits. Raises Fault, TransportFault; refuses with: BadValue."""
    document = _read(element)
    place = _operations(document).get(operation)
    if place is None:
        raise BadValue("the WSDL has no operation {name}", name=operation, field="templates")
    sent = False
    try:
        client: Any = Client(document, transport=transport, settings=Settings(strict=False, forbid_dtd=True))  # type: ignore[no-untyped-call]  # zeep's
        proxy = client.bind(*place)
        client.create_message(proxy, operation, **arguments)  # what does not fit is told before anything is sent
        sent = True
        value = getattr(proxy, operation)(**arguments)
    except (Fault, TransportFault, BadValue):
        raise
    except _WRONG as wrong:
        if sent:
            raise TransportFault(f"the network's answer cannot be read: {_short(wrong)}") from None
        raise BadValue("the arguments do not fit: {why}", why=_short(wrong), field="templates") from None
    plain = serialize_object(value, target_cls=dict)  # type: ignore[no-untyped-call]  # zeep's
    return plain if isinstance(plain, dict | list) else {"result": plain}


def _short(wrong: object) -> str:
    return " ".join(str(wrong).split())[:200] or type(wrong).__name__
