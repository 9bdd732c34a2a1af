"""``/soap``: SOAP 1.1 by ``text/xml``, SOAP 1.2 by ``application/soap+xml``; ``/soap?wsdl`` describes both."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.rest.bodies import media_type
from api.rest.refusals import Malformed
from api.soap.codec import Codec
from api.soap.faults import envelope
from api.soap.reading import Unacceptable, check
from api.soap.service import Call
from api.soap.wsdl import wsdl
from api.wiring import Wiring

VERSIONS: Final = {"text/xml": "1.1", "application/soap+xml": "1.2"}


class SoapView:
    """Both endpoints."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._codecs = {version: Codec(version) for version in VERSIONS.values()}
        self._wsdl = wsdl(self._codecs, f"{wiring.settings.address}/soap")

    async def describe(self, request: Request) -> Response:
        """Answer ``GET /soap?wsdl``."""
        if request.url.query.lower() != "wsdl":
            raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "POST an envelope, or GET /soap?wsdl")
        return Response(self._wsdl, media_type="text/xml")

    async def __call__(self, request: Request) -> Response:
        """Answer one envelope."""
        media = media_type(request)
        if media not in VERSIONS:
            sentence = "send text/xml for SOAP 1.1 or application/soap+xml for SOAP 1.2"
            raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
        version = VERSIONS[media]
        kind = f"{media}; charset=utf-8"
        body = await request.body()
        try:
            check(body, version)
        except Unacceptable as no:
            return Response(envelope(version, no.code, no.message), HTTPStatus.BAD_REQUEST, media_type=kind)
        text, fault = await self._codecs[version].answer(body, Call(self._wiring, request.state.actor))
        return Response(text, _status(version, fault), media_type=kind)


def _status(version: str, fault: object) -> int:
    """SOAP 1.1 answers every fault with 500 (its § 6.2); SOAP 1.2 the sender's with 400 (part 2, § 7.5.2.2)."""
    if fault is None:
        return HTTPStatus.OK.value
    code = str(getattr(fault, "faultcode", ""))
    of_sender = version == "1.2" and (code.startswith("Client") or ":Client" in code)
    return HTTPStatus.BAD_REQUEST.value if of_sender else HTTPStatus.INTERNAL_SERVER_ERROR.value
