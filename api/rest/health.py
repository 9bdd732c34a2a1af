"""``/healthz``: the process answers. ``/readyz``: it can work, that is, its database is there and has its schema."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.rest.refusals import problem
from domain.ports.standing import Standing


async def healthz(request: Request) -> Response:
    """Answer that the process is alive."""
    del request
    return JSONResponse({"status": "ok"})


class Readiness:
    """Answers ``GET /readyz``."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    async def __call__(self, request: Request) -> Response:
        """Answer 200 or 503 with the reason."""
        del request
        if trouble := await self._standing.trouble():
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", trouble, headers={"Retry-After": "5"})
        return JSONResponse({"status": "ready"})
