"""``GET /rest/v1/self-billed/{number}.pdf``, ``.xml``, ``.json``, ``.csv``: what was written for suppliers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.rest.invoices import MEDIA, named
from api.rest.parts import answer
from api.routes import Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.usecases.print_self_billed import print_self_billed


class SelfBilledDocument:
    """Answers one kind of document."""

    def __init__(self, wiring: Wiring, suffix: str) -> None:
        self._wiring = wiring
        self._suffix = suffix

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        wiring, number = self._wiring, request.path_params["number"]
        _, content = await print_self_billed(
            number, suffix=self._suffix, actor=request.state.actor, begin=wiring.begin, documents=wiring.documents
        )
        return answer(request, content, media=MEDIA[self._suffix], headers=named(f"{number}.{self._suffix}"))


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    return [
        Operation(
            method="GET",
            path=f"/rest/v1/self-billed/{{number}}.{suffix}",
            endpoint=SelfBilledDocument(wiring, suffix),
            name=f"getSelfBilled{suffix.capitalize()}",
            summary=f"The {suffix.upper()} of an invoice that the operator wrote for a supplier.",
            action=Action.READ_COSTS,
            answers={"200": (media.partition(";")[0], {"type": "string", "format": "binary"})},
            refuses=(404, 422),
        )
        for suffix, media in MEDIA.items()
    ]
