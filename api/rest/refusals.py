"""A refusal as an answer of HTTP: problem details (RFC 9457). Mapped here once for every route that is not SOAP's."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse, Response

from api.catalogues import sentence, told
from domain.access.approval import NeedsApproval
from domain.ports.keeping import OtherContent
from domain.refusal import (
    BadValue,
    Conflict,
    LimitExceeded,
    NotAllowed,
    NotFound,
    Refusal,
    Unreadable,
    WrongState,
)

PROBLEM: Final = "application/problem+json"

# Of RFC 9110 § 15.5: Python before 3.13 has the words of its predecessors.
_PHRASES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}

# The nearest class above a refusal decides.
STATUS: Final[dict[type[Refusal], HTTPStatus]] = {
    BadValue: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    OtherContent: HTTPStatus.UNPROCESSABLE_ENTITY,
    WrongState: HTTPStatus.CONFLICT,
    NeedsApproval: HTTPStatus.CONFLICT,
    LimitExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unreadable: HTTPStatus.BAD_REQUEST,
}


class Malformed(Exception):  # noqa: N818  (an answer to the caller, not an error of ours)
    """The request is not what HTTP or JSON calls well-formed, or more than is accepted; never the business's no."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def status_of(refusal: Refusal) -> HTTPStatus:
    """Return the status of the nearest class above a refusal that has one."""
    return next((STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS), HTTPStatus.UNPROCESSABLE_ENTITY)


def phrase(status: HTTPStatus) -> str:
    """Return a status's words, the same under every Python."""
    return _PHRASES.get(status.value, status.phrase)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response:
    """Return problem details, ``detail`` in the caller's language; a program may rely on ``code``, the stable word."""
    body: dict[str, object] = {
        "type": f"urn:tollwright:problem:{code}",
        "title": phrase(status),
        "status": status.value,
        "detail": told(detail),
        "code": code,
    }
    if field is not None:
        body["field"] = field
    return JSONResponse(body | more, status.value, headers, PROBLEM)


def refused(refusal: Refusal) -> Response:
    """Return the answer to a refusal."""
    return problem(status_of(refusal), refusal.code, sentence(refusal), field=refusal.field)
