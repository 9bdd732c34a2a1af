"""``GET /rest/v1/customers/{id}/statement.pdf`` and ``.csv``, the ageing as a table, and letters of collection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from api.rest.files import path_key
from api.rest.invoices import named
from api.routes import Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.ids import CollectionLetterId, CustomerId
from domain.refusal import BadValue
from domain.usecases.ledger_reports import AgeBy, AgeReceivables, StateAccount, age_receivables, state_account
from domain.usecases.send_collection import print_letter, write_reminder

_DAY: Final[dict[str, Any]] = {"type": "string", "format": "date"}
_FILE: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
CSV: Final = "text/csv; charset=utf-8"
PDF: Final = "application/pdf"
XML: Final = "application/xml"


class StatementDocument:
    """Answers a statement of account, as PDF or as CSV."""

    def __init__(self, wiring: Wiring, suffix: str) -> None:
        self._wiring = wiring
        self._suffix = suffix

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        wiring = self._wiring
        cmd = StateAccount(
            customer=CustomerId(path_key(request, "customer")),
            since=_day(request, "since"),
            until=_day(request, "until"),
        )
        told = await state_account(cmd, actor=request.state.actor, begin=wiring.begin, clock=wiring.clock)
        name = f"{told.customer.number}-{told.until}.{self._suffix}"
        if self._suffix == "pdf":
            content = await asyncio.to_thread(wiring.papers.statement_pdf, told)
            return Response(content, media_type=PDF, headers=named(name))
        language = request.query_params.get("language", told.customer.language)
        content = await asyncio.to_thread(wiring.papers.statement_csv, told, language=language)
        return Response(content, media_type=CSV, headers=named(name))


class AgeingTable:
    """Answers the ageing as CSV."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the table."""
        wiring = self._wiring
        by = request.query_params.get("by", AgeBy.CUSTOMER.value)
        if by not in AgeBy.__members__.values():
            raise BadValue("it is told by customer, group or reseller", field="by")
        cmd = AgeReceivables(on=_day(request, "on"), by=AgeBy(by))
        aged = await age_receivables(cmd, actor=request.state.actor, begin=wiring.begin, clock=wiring.clock)
        language = request.query_params.get("language", "en")
        content = await asyncio.to_thread(wiring.papers.ageing_csv, aged, language=language)
        return Response(content, media_type=CSV, headers=named(f"ageing-{aged.on}.csv"))


class LetterDocument:
    """Answers the PDF of a letter of collection."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        wiring = self._wiring
        key = CollectionLetterId(path_key(request, "letter"))
        letter, content = await print_letter(key, actor=request.state.actor, begin=wiring.begin, papers=wiring.papers)
        return Response(content, media_type=PDF, headers=named(f"{letter.kind.value}-{letter.id}.pdf"))


class ReminderDocument:
    """Answers what a letter of collection says of an invoice, as EHF's reminder."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, request: Request) -> Response:
        """Answer the document."""
        wiring = self._wiring
        letter, content = await write_reminder(
            CollectionLetterId(path_key(request, "letter")),
            number=request.query_params.get("invoice"),
            actor=request.state.actor,
            begin=wiring.begin,
            papers=wiring.papers,
            rules=wiring.rules,
        )
        return Response(content, media_type=XML, headers=named(f"{letter.kind.value}-{letter.id}.xml"))


def _day(request: Request, name: str) -> date | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadValue("{text!r} is not a day such as 2026-03-01", text=text[:40], field=name) from None


def operations(wiring: Wiring) -> Sequence[Operation]:
    """Return the routes of the ledger's documents."""
    days = ({"name": "since", "schema": _DAY}, {"name": "until", "schema": _DAY})
    language = {"name": "language", "schema": {"type": "string"}, "description": "Of the headers."}
    told = "A customer's statement of account between two days, as {}."
    return (
        *(
            Operation(
                method="GET",
                path=f"/rest/v1/customers/{{id}}/statement.{suffix}",
                endpoint=StatementDocument(wiring, suffix),
                name=f"statement{suffix.title()}",
                summary=told.format(suffix.upper()),
                action=Action.READ_PAYMENTS,
                query=(*days, *((language,) if suffix == "csv" else ())),
                answers={"200": (media, _FILE)},
                refuses=(400, 404, 413),
            )
            for suffix, media in (("pdf", PDF), ("csv", "text/csv"))
        ),
        Operation(
            method="GET",
            path="/rest/v1/ledger/ageing.csv",
            endpoint=AgeingTable(wiring),
            name="ageingCsv",
            summary="How old what is owed is, of each customer, group or reseller, as CSV.",
            action=Action.READ_PAYMENTS,
            query=(
                {"name": "on", "schema": _DAY},
                {"name": "by", "schema": {"enum": [one.value for one in AgeBy]}},
                language,
            ),
            answers={"200": ("text/csv", _FILE)},
            refuses=(400,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/collection/letters/{id}.pdf",
            endpoint=LetterDocument(wiring),
            name="collectionLetterPdf",
            summary="A letter of collection, as PDF.",
            action=Action.READ_PAYMENTS,
            answers={"200": (PDF, _FILE)},
            refuses=(404,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/collection/letters/{id}.xml",
            endpoint=ReminderDocument(wiring),
            name="collectionLetterXml",
            summary="What a letter of collection says of an invoice, as EHF's reminder (Norwegian sellers).",
            action=Action.READ_PAYMENTS,
            query=({"name": "invoice", "schema": {"type": "string"}, "description": "Of several, its number."},),
            answers={"200": (XML, _FILE)},
            refuses=(400, 404, 409),
        ),
    )
