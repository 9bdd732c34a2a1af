"""``GET /rest/v1/invoices/{id}.pdf``, ``.xml``, ``.json``, ``.csv``, and ``quotes/{id}.pdf``: made anew each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from api.rest.files import path_key
from api.rest.parts import answer
from api.wiring import Wiring
from domain.ids import InvoiceId, QuoteId
from domain.invoicing.invoice import Invoice
from domain.usecases.print_invoice import print_invoice, write_data, write_einvoice
from domain.usecases.print_quote import print_quote

# The media types of an invoice's documents, by the end of their names.
MEDIA: Final = {
    "pdf": "application/pdf",
    "xml": "application/xml",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
Make = Callable[..., Awaitable[tuple[Invoice, bytes]]]


class InvoiceDocument:
    """Answers one kind of document."""

    def __init__(self, wiring: Wiring, suffix: str) -> None:
        self._wiring = wiring
        self._suffix = suffix
        self._make: Make = {"pdf": print_invoice, "xml": write_einvoice}.get(suffix, write_data)
        self._more = {} if suffix in {"pdf", "xml"} else {"suffix": suffix}

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        key = InvoiceId(path_key(request, "invoice"))
        more: dict[str, Any] = {"documents": self._wiring.documents, **self._more}
        invoice, content = await self._make(key, actor=request.state.actor, begin=self._wiring.begin, **more)
        return answer(request, content, media=MEDIA[self._suffix], headers=named(f"{invoice.number}.{self._suffix}"))


class QuoteDocument:
    """Answers the PDF of a quote."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        wiring = self._wiring
        quote, content = await print_quote(
            QuoteId(path_key(request, "quote")),
            actor=request.state.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            documents=wiring.documents,
        )
        return Response(content, media_type="application/pdf", headers=named(f"{quote.number}.pdf"))


def named(name: str) -> dict[str, str]:
    """Return the header that names a download, whatever letters it has (RFC 6266, attack F11).

    >>> named('a"b.pdf')["Content-Disposition"]
    "attachment; filename*=UTF-8''a%22b.pdf"
    """
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
