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
from api.rest import table as rest
from api.rest.health import Readiness, healthz
from api.rest.metrics import Datagrams, MetricsPage, Requests
from api.rest.once import repeatable
from api.rest.openapi import document
from api.routes import DOCUMENT, Endpoint, Operation, Table
from api.soap.view import SoapView
from api.wiring import Wiring
from domain.refusal import BadValue
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
        *repeatable(rest.operations(wiring), wiring),
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


def _constant(body: object) -> Endpoint:
    async def answer(request: Request) -> Response:
        del request
        return JSONResponse(body)

    return answer
