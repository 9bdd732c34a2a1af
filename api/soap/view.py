"""``/soap``: SOAP 1.1 by ``text/xml``, SOAP 1.2 by ``application/soap+xml``; ``/soap?wsdl`` describes both."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.auth.bearer import Bearer
from api.auth.gate import access
from api.auth.tokens import TokenRefused
from api.catalogues import told
from api.rest.bodies import media_type
from api.rest.refusals import Malformed
from api.soap.codec import codec
from api.soap.faults import envelope
from api.soap.reading import Unacceptable, check
from api.soap.security import Security
from api.soap.service import Call
from api.soap.wsdl import wsdl
from api.wiring import Wiring
from domain.saying import Said

# The same for an unknown client, a wrong secret and a nonce that was shown before.
NOT_AUTHENTICATED: Final = Said("the Security header's UsernameToken does not let you in")
VERSIONS: Final = {"text/xml": "1.1", "application/soap+xml": "1.2"}


class SoapView:
    """Both endpoints."""

    def __init__(self, wiring: Wiring, bearer: Bearer) -> None:
        self._wiring = wiring
        anywhere = bool(wiring.settings.soap_password_anywhere)
        self._security = Security(bearer, wiring.vault, anywhere=anywhere)
        self._codecs = {version: codec(version) for version in VERSIONS.values()}

    @cached_property
    def _wsdl(self) -> bytes:
        return wsdl(self._codecs, f"{self._wiring.settings.address}/soap")

    async def describe(self, request: Request) -> Response:
        """Answer ``GET /soap?wsdl``."""
        if request.url.query.lower() != "wsdl":
            raise Malformed(HTTPStatus.BAD_REQUEST, "malformed", "POST an envelope, or GET /soap?wsdl")
        return Response(self._wsdl, media_type="text/xml")

    async def __call__(self, request: Request) -> Response:
        """Answer one envelope."""
        media = media_type(request)
        if media not in VERSIONS:
            if request.state.actor is None:
                raise TokenRefused("neither a token nor an envelope")
            sentence = "send text/xml for SOAP 1.1 or application/soap+xml for SOAP 1.2"
            raise Malformed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", sentence)
        version = VERSIONS[media]
        kind = f"{media}; charset=utf-8"
        body = await request.body()
        try:
            body, security = check(body, version)
        except Unacceptable as no:
            return Response(envelope(version, no.code, no.message), HTTPStatus.BAD_REQUEST, media_type=kind)
        if request.state.actor is None:
            if security is None:
                raise TokenRefused("neither a token nor a Security header")
            try:
                await request.app.welcome(request.scope, await self._security.actor(security, request))
            except TokenRefused as no:
                access.info("token refused: %s", no)
                challenge = {"WWW-Authenticate": 'Bearer realm="tollwright"'}
                fault = envelope(version, "Client", told(NOT_AUTHENTICATED))
                return Response(fault, HTTPStatus.UNAUTHORIZED, challenge, media_type=kind)
        text, fault = await self._codecs[version].answer(body, Call(self._wiring, request.state.actor))
        return Response(text, _status(version, fault), media_type=kind)


def _status(version: str, fault: object) -> int:
    """SOAP 1.1 answers every fault with 500 (its § 6.2); SOAP 1.2 the sender's with 400 (part 2, § 7.5.2.2)."""
    if fault is None:
        return HTTPStatus.OK.value
    code = str(getattr(fault, "faultcode", ""))
    of_sender = version == "1.2" and (code.startswith("Client") or ":Client" in code)
    return HTTPStatus.BAD_REQUEST.value if of_sender else HTTPStatus.INTERNAL_SERVER_ERROR.value
