"""The committed descriptions of the APIs, made from the code: the same text on every run and machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from api.app import routes
from api.auth.bearer import Bearer
from api.auth.tokens import Tokens, make_key
from api.graphql.schema import make_schema
from api.rest.metrics import Requests
from api.rest.openapi import text
from api.settings import Settings
from api.soap.codec import codec
from api.soap.wsdl import wsdl
from api.wiring import in_memory


def graphql_schema() -> str:
    """Return ``schema.graphql``."""
    return make_schema().as_str() + "\n"


def wsdl_document() -> str:
    """Return ``wsdl/tollwright.wsdl``, with the default address."""
    codecs = {version: codec(version) for version in ("1.1", "1.2")}
    return wsdl(codecs, f"{Settings().address}/soap").decode()


def openapi_document() -> str:
    """Return ``docs/openapi.json``, of the routes of an installation in memory."""
    with tempfile.TemporaryDirectory() as folder:
        wiring = in_memory(Settings(data_dir=Path(folder)))
        tokens = Tokens.of(wiring.settings.address, [make_key(wiring.clock.now())], wiring.clock)
        bearer = Bearer(tokens, wiring.credentials)
        return text(routes(wiring, bearer, Requests()).operations)
