"""``GET /rest/v1/customers/{id}/export``: everything that is kept of a customer, as a ZIP of JSON files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.persons import blocks, file_name, person_file
from api.rest.files import path_key
from api.rest.invoices import named
from api.wiring import Wiring
from domain.ids import CustomerId
from domain.usecases.get_customer import get_customer
from integrations.persons.archive import MEDIA_TYPE


class PersonExport:
    """Answers the archive of one customer."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the archive; it is made before the first byte leaves, so that a refusal is one."""
        key, actor = CustomerId(path_key(request, "customer")), request.state.actor
        customer = await get_customer(key, actor=actor, begin=self._wiring.begin)
        file = await person_file(key, wiring=self._wiring, actor=actor)
        return StreamingResponse(blocks(file), media_type=MEDIA_TYPE, headers=named(file_name(customer)))
