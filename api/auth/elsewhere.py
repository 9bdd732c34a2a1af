"""``GET /oauth/callback``: where an operator's own identity provider sends browsers back to."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth.session_endpoints import with_query
from api.rest.refusals import Malformed
from api.wiring import Wiring
from domain.refusal import BadValue
from domain.usecases.sign_in_elsewhere import Elsewhere, finish_elsewhere

PATH = "/oauth/callback"


def around(wiring: Wiring) -> Elsewhere:
    """Return what a sign-in at a provider needs."""
    return Elsewhere(
        callback=f"{wiring.settings.address}{PATH}",
        begin=wiring.begin,
        clock=wiring.clock,
        draw=secrets.token_urlsafe,
        credentials=wiring.credentials,
        vault=wiring.vault,
        oidc=wiring.oidc,
        lifetimes=wiring.settings.lifetimes,
    )


class Callback:
    """The endpoint."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Lead the browser on to the portal, with a code or with what was wrong."""
        asked = request.query_params
        address = request.client.host if request.client else None
        found = (asked.get("state", ""), asked.get("code"), asked.get("error"))
        try:
            back = await finish_elsewhere(*found, address=address, around=around(self._wiring))
        except BadValue:  # there is no portal to lead back to
            raise Malformed(
                HTTPStatus.BAD_REQUEST,
                "bad_value",
                "this sign-in is not known, or too old; begin again at the portal",
            ) from None
        uri = with_query(
            back.redirect_uri,
            code=back.code,
            error=back.error,
            error_description=back.description,
            state=back.state,
        )
        return RedirectResponse(uri, HTTPStatus.SEE_OTHER)
