"""The routes of REST, by subject; those of a larger subject stand in its own module."""

from __future__ import annotations

from typing import Final

from api.rest import banks, basis, bulk, credit, deliveries, ledger, pricing, provisioning, self_billing, trail
from api.rest.cdr import UploadCdr
from api.rest.files import FILE, FileList
from api.rest.invoices import MEDIA, InvoiceDocument, QuoteDocument
from api.rest.payments import PAYMENTS, PAYMENTS_MAX, TakePayments
from api.rest.persons import PersonExport
from api.rest.push import BODY_MAX as PUSH_MAX
from api.rest.push import PUSHED, PushRecords
from api.rest.rating import BODY_MAX, LINES, RateEvents
from api.routes import Operation
from api.wiring import Wiring
from domain.access.actor import Action
from domain.payments.record import FORMATS
from domain.ports.page import PAGE_MAX
from domain.usecases.rate_events import EVENTS_MAX

OBJECT: Final = {"type": "object"}
TEXT: Final = {"type": "string"}


def operations(wiring: Wiring) -> list[Operation]:
    """Return every route below ``/rest/v1`` but its description."""
    return [
        *_cdr(wiring),
        *_files(wiring),
        *_documents(wiring),
        *_deliveries(wiring),
        *_payments(wiring),
        *_rating(wiring),
        *bulk.operations(wiring),
        *basis.operations(wiring),
        *banks.operations(wiring),
        *credit.operations(wiring),
        *trail.operations(wiring),
        *ledger.operations(wiring),
        *pricing.operations(wiring),
        *provisioning.operations(wiring),
        *self_billing.operations(wiring),
    ]


def _cdr(wiring: Wiring) -> list[Operation]:
    """Return the ways CDR files and records come in."""
    uploads = UploadCdr(wiring)
    return [
        *(
            Operation(
                method=method,
                path="/rest/v1/cdr/{source}/{name:path}",  # with slashes too, so that they are refused as names
                endpoint=uploads,
                name=f"importCdrFile{suffix}",
                summary="Take a CDR file, which a worker imports. The same content again changes nothing.",
                action=Action.IMPORT_CDR,
                body_max=None,
                takes={"application/octet-stream": {"type": "string", "format": "binary"}},
                query=({"name": "wait", "schema": TEXT, "description": "Answer when it is imported: 201."},),
                answers=dict.fromkeys(("200", "201", "202"), ("application/json", FILE)),
                refuses=(400, 404, 408, 409, 413, 415, 422),
            )
            for method, suffix in (("PUT", ""), ("POST", "ByPost"))
        ),
        Operation(
            method="POST",
            path="/rest/v1/cdr/{source}",
            endpoint=PushRecords(wiring),
            name="pushRecords",
            summary="Take call records as they happen; answered when they are in the database for good.",
            action=Action.IMPORT_CDR,
            basic=True,
            body_max=PUSH_MAX,
            takes={
                "application/json": {"oneOf": [OBJECT, {"type": "array", "items": OBJECT}]},
                "application/x-ndjson": TEXT,
                "application/x-www-form-urlencoded": {"type": "object", "properties": {"cdr": TEXT}},
                "text/xml": TEXT,
            },
            answers={"200": ("application/json", PUSHED)},
            refuses=(400, 404, 408, 409, 413, 415, 422, 503),
        ),
    ]


def _files(wiring: Wiring) -> list[Operation]:
    """Return how files that were taken in are looked at."""
    files = FileList(wiring)
    return [
        Operation(
            method="GET",
            path="/rest/v1/files",
            endpoint=files.page,
            name="listFiles",
            summary="The CDR files taken in, with their balances.",
            action=Action.IMPORT_CDR,
            query=(
                {"name": "first", "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_MAX}},
                {"name": "after", "schema": TEXT, "description": "next of the page before."},
            ),
            answers={
                "200": (
                    "application/json",
                    {"type": "object", "properties": {"files": {"type": "array", "items": FILE}, "next": TEXT}},
                )
            },
            refuses=(422,),
        ),
        Operation(
            method="GET",
            path="/rest/v1/files/{id}",
            endpoint=files.one,
            name="getFile",
            summary="One CDR file with its balance.",
            action=Action.IMPORT_CDR,
            answers={"200": ("application/json", FILE)},
            refuses=(404,),
        ),
    ]


def _documents(wiring: Wiring) -> list[Operation]:
    """Return invoices, quotes and persons as files."""
    return [
        *(
            Operation(
                method="GET",
                path=f"/rest/v1/invoices/{{id}}.{suffix}",
                endpoint=InvoiceDocument(wiring, suffix),
                name=f"getInvoice{suffix.capitalize()}",
                summary=f"The {suffix.upper()} of an issued invoice.",
                action=Action.READ_INVOICES,
                answers={"200": (media.partition(";")[0], {"type": "string", "format": "binary"})},
                refuses=(404, 422),
            )
            for suffix, media in MEDIA.items()
        ),
        Operation(
            method="GET",
            path="/rest/v1/quotes/{id}.pdf",
            endpoint=QuoteDocument(wiring),
            name="getQuotePdf",
            summary="The PDF of a quote, as its customer receives it.",
            action=Action.READ_CONTRACTS,
            answers={"200": ("application/pdf", {"type": "string", "format": "binary"})},
            refuses=(404, 422),
        ),
        Operation(
            method="GET",
            path="/rest/v1/customers/{id}/export",
            endpoint=PersonExport(wiring),
            name="exportPerson",
            summary="Everything that is kept of a customer, as a ZIP of JSON files.",
            action=Action.READ_CUSTOMERS,
            answers={"200": ("application/zip", {"type": "string", "format": "binary"})},
            refuses=(404,),
        ),
    ]


def _deliveries(wiring: Wiring) -> list[Operation]:
    """Return what printhouses get, and what they say of it."""
    return [
        *(
            Operation(
                method="GET",
                path=f"/rest/v1/print-batches/{{id}}.{kind}",
                endpoint=deliveries.PrintBatchFile(wiring, kind),
                name=f"getPrintBatch{kind.capitalize()}",
                summary=f"The {kind.upper()} of a batch for the printhouse.",
                action=Action.RUN_BILLS,
                answers={"200": (media, {"type": "string", "format": "binary"})},
                refuses=(404, 422),
            )
            for kind, media in deliveries.MEDIA.items()
        ),
        Operation(
            method="POST",
            path="/rest/v1/receipts",
            endpoint=deliveries.TakeReceipts(wiring),
            name="takeReceipts",
            summary="What became of documents: CSV, XML, JSON Lines or ApplicationResponse; again changes nothing.",
            action=Action.RUN_BILLS,
            body_max=deliveries.RECEIPTS_MAX,
            takes={"application/octet-stream": {"type": "string", "format": "binary"}},
            answers={"200": ("application/json", deliveries.TAKEN)},
            refuses=(413, 422),
        ),
    ]


def _payments(wiring: Wiring) -> list[Operation]:
    """Return how payment files come in."""
    return [
        Operation(
            method="POST",
            path="/rest/v1/payments/{name}",
            endpoint=TakePayments(wiring),
            name="importPayments",
            summary="Take a payment file in: booked and applied, whole or not at all. The same again changes nothing.",
            action=Action.WRITE_PAYMENTS,
            body_max=PAYMENTS_MAX,
            takes={"application/octet-stream": {"type": "string", "format": "binary"}},
            query=(
                {"name": "format", "schema": {"enum": ["auto", *FORMATS]}},
                {"name": "looked_at", "schema": TEXT, "description": "A person has looked at it: take it in."},
            ),
            answers=dict.fromkeys(("200", "201"), ("application/json", PAYMENTS)),
            refuses=(400, 408, 409, 413, 415, 422),
        ),
    ]


def _rating(wiring: Wiring) -> list[Operation]:
    """Return rating without anything stored."""
    return [
        Operation(
            method="POST",
            path="/rest/v1/rate",
            endpoint=RateEvents(wiring),
            name="rate",
            summary=f"Rate up to {EVENTS_MAX} events with a tariff document or the own catalogue; nothing is stored.",
            action=Action.READ_PRICES,
            body_max=BODY_MAX,
            takes={
                "application/json": {
                    "type": "object",
                    "required": ["events"],
                    "properties": {
                        "tariff": OBJECT,
                        "events": {"type": "array", "items": OBJECT},
                        "as_of": {"type": "string", "format": "date-time"},
                    },
                }
            },
            answers={"200": (LINES, TEXT)},
            refuses=(400, 413, 415, 422),
        ),
    ]
