"""``GET /rest/v1/customers/{id}/export``: everything that is kept of a customer, as a ZIP of JSON files.

The customer is named by its key, as in events, or by its number: ``number:100001``.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.persons import blocks, file_name, person_file
from api.rest.files import path_key
from api.rest.invoices import named
from api.wiring import Wiring
from domain.ids import CustomerId
from domain.usecases.get_customer import get_customer
from integrations.persons.archive import MEDIA_TYPE

NUMBER: Final = "number:"


def _number(request: Request) -> str | None:
    """Return the customer's number where the path names that, as ``number:100001``, and not its key."""
    text: str = request.path_params["id"]
    return text.removeprefix(NUMBER) if text.startswith(NUMBER) else None


class PersonExport:
    """Answers the archive of one customer."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the archive; it is made before the first byte leaves, so that a refusal is one."""
        actor = request.state.actor
        wanted = _number(request) or CustomerId(path_key(request, "customer"))
        customer = await get_customer(wanted, actor=actor, begin=self._wiring.begin)
        file = await person_file(customer.id, wiring=self._wiring, actor=actor)
        return StreamingResponse(blocks(file), media_type=MEDIA_TYPE, headers=named(file_name(customer)))
