"""The table of routes: what is public, what the OpenAPI document says, and what is committed of it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.app import routes
from api.artefacts import graphql_schema, openapi_document, wsdl_document
from api.auth.bearer import Bearer
from api.auth.tokens import Tokens, make_key
from api.cli import schema
from api.rest.metrics import Requests
from api.rest.openapi import document
from api.routes import Operation, Table
from tests.api.conftest import NOW, House

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/oauth/token"),
    ("GET", "/oauth/jwks"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/openid-configuration"),
    # These look themselves at a client's proof, a code, or where a browser may be led.
    ("GET", "/oauth/authorize"),
    ("GET", "/oauth/callback"),
    ("POST", "/oauth/introspect"),
    ("POST", "/oauth/revoke"),
    ("GET", "/oauth/logout"),
    ("POST", "/oauth/logout"),
    ("GET", "/rest/v1/openapi.json"),
}
# It asks for a token itself unless this machine asks (test_rest).
BY_ITSELF = {("GET", "/metrics")}
# A network element's answers: signed, not by a token of ours (tests/provisioning/test_callbacks.py).
SIGNED = {("POST", "/rest/v1/provisioning/callbacks/{operator}/{element}")}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@pytest.fixture
def table(house: House) -> Table:
    wiring = house.wiring
    tokens = Tokens.of(wiring.settings.address, [make_key(NOW)], wiring.clock)
    return routes(wiring, Bearer(tokens, wiring.credentials), Requests())


def _path(operation: Operation) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", operation.path)


async def test_nothing_else_answers_without_a_token(house: House, table: Table) -> None:
    public = {(one.method, one.path) for one in table.operations if one.public}
    assert public == PUBLIC | BY_ITSELF | SIGNED
    for operation in table.operations:
        for method in METHODS:
            answer = await house.http.request(method, _path(operation))
            pair = ("GET" if method == "HEAD" else method, operation.path)
            if pair in PUBLIC:
                assert answer.status_code in {200, 400}, pair
            elif pair in SIGNED:
                assert answer.status_code == 403, pair
            elif any(path == operation.path for _, path in PUBLIC | BY_ITSELF | SIGNED) and pair not in BY_ITSELF:
                assert answer.status_code == 405, pair
            else:
                assert answer.status_code == 401, pair


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer x", "Basic b3BlcmF0b3I6eA==", "bearer x.y.z"])
async def test_a_wrong_token_is_no_token(house: House, table: Table, token: str) -> None:
    for operation in table.operations:
        if not operation.public:
            headers = {"Authorization": token}
            answer = await house.http.request(operation.method, _path(operation), headers=headers)
            assert answer.status_code == 401, operation.path


async def test_a_public_route_reads_no_token(house: House) -> None:
    for method, path in PUBLIC:
        answer = await house.http.request(method, path, headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code in {200, 400}, path


async def test_two_authorization_headers_are_one_too_many(house: House) -> None:
    token = f"Bearer {await house.token('operator')}".encode()
    answer = await house.http.get("/rest/v1/files", headers=[(b"authorization", token), (b"authorization", token)])
    assert answer.status_code == 401


def test_the_document_names_every_route_and_no_other(table: Table) -> None:
    described = {
        (method.upper(), path) for path, methods in document(table.operations)["paths"].items() for method in methods
    }
    served = {(one.method, re.sub(r"\{(\w+):\w+\}", r"{\1}", one.path)) for one in table.operations if one.documented}
    assert described == served
    left_out = {one.path for one in table.operations if not one.documented}
    assert left_out == {"/graphql", "/soap", "/rest/v1/openapi.json"}


def test_the_document_is_whole(table: Table) -> None:
    """Every reference leads somewhere, every parameter of a path is declared, and ids are used once."""
    found: dict[str, Any] = document(table.operations)
    names = [one["operationId"] for methods in found["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))
    for path, methods in found["paths"].items():
        for one in methods.values():
            declared = {each["name"] for each in one.get("parameters", ()) if each["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))
            assert one["responses"]
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', openapi_document()):
        assert reference in found["components"]["schemas"]


async def test_the_served_document_is_the_committed_one(house: House) -> None:
    served = (await house.http.get("/rest/v1/openapi.json")).text
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert re.sub(r"\s", "", served) == re.sub(r"\s", "", committed)


@pytest.mark.parametrize(
    ("name", "make", "path"),
    [
        ("graphql", graphql_schema, "schema.graphql"),
        ("wsdl", wsdl_document, "wsdl/tollwright.wsdl"),
        ("openapi", openapi_document, "docs/openapi.json"),
    ],
)
def test_what_is_committed_is_current(name: str, make: Any, path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == make(), f"run: tollwright schema {name} --write"


def test_the_command_says_when_something_is_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schema, "ROOT", tmp_path)
    assert schema.graphql(check=True) == 1
    assert schema.graphql(write=True) == 0
    assert schema.graphql(check=True) == 0
    (tmp_path / "schema.graphql").write_text("old", encoding="utf-8")
    assert schema.graphql(check=True) == 1


def test_the_same_text_on_every_run() -> None:
    command = [sys.executable, "-c", "from api.artefacts import *; print(wsdl_document() + graphql_schema())"]
    texts = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}, cwd=ROOT, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_a_path_stands_once_for_a_method(table: Table) -> None:
    with pytest.raises(AssertionError, match="twice"):
        Table([table.operations[0], replace(table.operations[0], name="again")])
