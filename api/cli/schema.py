"""``tollwright schema graphql|wsdl|openapi``: print, write or check the committed descriptions of the APIs."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import ATTENTION, DONE, complain

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Print the GraphQL schema, the WSDL or the OpenAPI document.",
)

ROOT = Path(__file__).resolve().parents[2]
FILES = {"graphql": "schema.graphql", "wsdl": "wsdl/tollwright.wsdl", "openapi": "docs/openapi.json"}
DIFFERENCES_MAX = 20

Check = Annotated[bool, typer.Option("--check", help="Say whether the committed file is current; exit 1 when not.")]
Write = Annotated[bool, typer.Option("--write", help="Write the committed file.")]


@app.command()
def graphql(check: Check = False, write: Write = False) -> int:
    """Print the GraphQL schema."""
    from api.artefacts import graphql_schema

    return _done("graphql", graphql_schema(), check=check, write=write)


@app.command()
def wsdl(check: Check = False, write: Write = False) -> int:
    """Print the WSDL. Its address is the default one; a server's own says the configured one."""
    from api.artefacts import wsdl_document

    return _done("wsdl", wsdl_document(), check=check, write=write)


@app.command()
def openapi(check: Check = False, write: Write = False) -> int:
    """Print the OpenAPI document."""
    from api.artefacts import openapi_document

    return _done("openapi", openapi_document(), check=check, write=write)


def _done(name: str, text: str, *, check: bool, write: bool) -> int:
    path = ROOT / FILES[name]
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        complain(f"wrote {FILES[name]}")
        return DONE
    if not check:
        sys.stdout.write(text)
        return DONE
    kept = path.read_text(encoding="utf-8") if path.is_file() else ""
    if kept == text:
        return DONE
    changes = difflib.unified_diff(kept.splitlines(), text.splitlines(), FILES[name], "current", lineterm="", n=0)
    for line in list(changes)[:DIFFERENCES_MAX]:
        print(line)
    complain(f"{FILES[name]} is stale: run tollwright schema {name} --write")
    return ATTENTION
