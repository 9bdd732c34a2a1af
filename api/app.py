"""The web application: the gate around one table of routes. GraphQL, SOAP and REST are built here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import strawberry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from api.auth import routes as oauth
from api.auth.bearer import Bearer
from api.auth.gate import Gate
from api.auth.tokens import Tokens, make_key
from api.graphql.schema import make_schema
from api.graphql.socket import GraphQLSockets
from api.graphql.unnamed import UNNAMED_MAX
from api.graphql.view import GraphQLView
from api.limiting import Defaults, RateGate
from api.lost_keys import tell_of_lost_keys
from api.metering import CallMeter
from api.rest import basis, bulk, credit, deliveries, ledger, pricing, provisioning, trail
from api.rest.cdr import UploadCdr
from api.rest.files import FILE, FileList
from api.rest.health import Readiness, healthz
from api.rest.invoices import MEDIA, InvoiceDocument, QuoteDocument
from api.rest.metrics import Datagrams, MetricsPage, Requests
from api.rest.once import repeatable
from api.rest.openapi import document
from api.rest.payments import PAYMENTS, PAYMENTS_MAX, TakePayments
from api.rest.persons import PersonExport
from api.rest.push import BODY_MAX as PUSH_MAX
from api.rest.push import PUSHED, PushRecords
from api.rest.rating import BODY_MAX, LINES, RateEvents
from api.routes import DOCUMENT, Endpoint, Operation, Table
from api.soap.view import SoapView
from api.wiring import Wiring
from domain.access.actor import Action
from domain.payments.record import FORMATS
from domain.ports.page import PAGE_MAX
from domain.refusal import BadValue
from domain.usecases.rate_events import EVENTS_MAX
from integrations.transports.addresses import Network, read_networks

OBJECT = {"type": "object"}
TEXT = {"type": "string"}


async def application(
    wiring: Wiring, *, radius: Callable[[], Mapping[str, int]] = dict, calls: CallMeter | None = None
) -> ASGIApp:
    """Return the application on a wiring. The first one on a database makes its signing key.

    ``radius`` tells what became of RADIUS datagrams in this process, for the metrics; ``calls`` puts what is
    answered on the operators' meters.
    """
    await tell_of_lost_keys(wiring)
    stored = await wiring.credentials.keys(lambda: make_key(wiring.clock.now()))
    tokens = Tokens.of(wiring.settings.address, stored, wiring.clock)
    tokens.lifetimes = wiring.settings.lifetimes
    bearer = Bearer(tokens, wiring.credentials, key_days=wiring.settings.signing_key_days)
    requests = Requests()
    requests.registry.register(Datagrams(radius))
    schema = make_schema()
    table = routes(wiring, bearer, requests, schema)
    sockets = GraphQLSockets(schema, wiring, bearer)
    requests.count_sockets(lambda: sockets.open)
    counted = calls.count if calls is not None else None
    places = {"/graphql": sockets}
    limits = RateGate(wiring.buckets, Defaults.of(wiring.settings), begin=wiring.begin, clock=wiring.clock)
    return Gate(
        table.router(),
        bearer,
        table.admission,
        requests.seen,
        sockets=places,
        counted=counted,
        journal=wiring.journal,
        limits=limits,
        proxies=_proxies(wiring),
        seconds=wiring.settings.request_seconds,
    )


def _proxies(wiring: Wiring) -> Sequence[Network]:
    """Return the proxies that are believed. Refuses with: BadValue (a setting that is none)."""
    try:
        return read_networks(wiring.settings.trusted_proxies or "")
    except ValueError as wrong:
        raise BadValue("{wrong}: networks are such as 10.0.0.0/8", wrong=wrong, field="trusted_proxies") from None


def routes(wiring: Wiring, bearer: Bearer, requests: Requests, schema: strawberry.Schema | None = None) -> Table:
    """Return the table of every route."""
    operations: list[Operation] = [
        *_standing(wiring, bearer, requests),
        *oauth.operations(wiring, bearer),
        _graphql(wiring, schema or make_schema()),
        *_soap(wiring, bearer),
        *repeatable(_rest(wiring), wiring),
    ]
    description = document(operations)
    operations.append(
        Operation(
            method="GET",
            path="/rest/v1/openapi.json",
            endpoint=_constant(description),
            name="openapi",
            summary="The OpenAPI document of REST.",
            public=True,
            documented=False,
        )
    )
    return Table(operations)


def _standing(wiring: Wiring, bearer: Bearer, requests: Requests) -> list[Operation]:
    return [
        Operation(
            method="GET",
            path="/healthz",
            endpoint=healthz,
            name="healthz",
            summary="Whether the process answers.",
            public=True,
            answers={"200": ("application/json", OBJECT)},
        ),
        Operation(
            method="GET",
            path="/readyz",
            endpoint=Readiness(wiring.standing),
            name="readyz",
            summary="Whether it can work: the database is there and has this release's schema.",
            public=True,
            answers={"200": ("application/json", OBJECT)},
            refuses=(503,),
        ),
        Operation(
            method="GET",
            path="/metrics",
            endpoint=MetricsPage(requests, wiring.standing, bearer),
            name="metrics",
            summary="Prometheus metrics: to this machine, or with the scope metrics:read.",
            # It asks for a token by itself, unless the request comes from this machine.
            public=True,
            answers={"200": ("text/plain", TEXT)},
            refuses=(401, 403),
        ),
    ]


def _graphql(wiring: Wiring, schema: strawberry.Schema) -> Operation:
    return Operation(
        method="POST",
        path="/graphql",
        endpoint=GraphQLView(schema, wiring),
        name="graphql",
        summary="GraphQL; the schema is schema.graphql.",
        unnamed_max=UNNAMED_MAX,
        body_max=DOCUMENT,
        documented=False,
    )


def _soap(wiring: Wiring, bearer: Bearer) -> list[Operation]:
    view = SoapView(wiring, bearer)
    return [
        Operation(
            method="GET",
            path="/soap",
            endpoint=view.describe,
            name="wsdl",
            summary="The WSDL, at /soap?wsdl.",
            public_query="wsdl",
            documented=False,
        ),
        Operation(
            method="POST",
            path="/soap",
            endpoint=view,
            name="soap",
            summary="SOAP 1.1 and 1.2; the operations are in the WSDL.",
            body_max=DOCUMENT,
            unnamed_max=DOCUMENT,  # who calls may stand in its Security header
            documented=False,
        ),
    ]


def _rest(wiring: Wiring) -> list[Operation]:
    files = FileList(wiring)
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
        *bulk.operations(wiring),
        *basis.operations(wiring),
        *credit.operations(wiring),
        *trail.operations(wiring),
        *ledger.operations(wiring),
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
        *pricing.operations(wiring),
        *provisioning.operations(wiring),
    ]


def _constant(body: object) -> Endpoint:
    async def answer(request: Request) -> Response:
        del request
        return JSONResponse(body)

    return answer
