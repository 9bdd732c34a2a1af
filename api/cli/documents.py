"""``tollwright documents``: documents of GraphQL that clients ask for by their SHA-256."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE
from domain.refusal import Unreadable

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.access.document import RegisteredDocument

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Register documents of GraphQL, list and forget them."""


@app.command()
def register(
    files: Annotated[list[Path], typer.Argument(help="Files of one document each; its name is the file's.")],
    operator: Operator = None,
) -> int:
    """Register documents and print their SHA-256."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.graphql.gatekeeping import check
        from api.graphql.schema import make_schema
        from domain.usecases.register_document import RegisterDocument, register_document

        schema = make_schema()._schema  # noqa: SLF001  (strawberry gives its core schema by no other name)
        for path in files:
            text = _read(path)
            check(text, schema)
            cmd = RegisterDocument(name=path.stem, document=text)
            _print(await register_document(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command(name="list")
def list_them(operator: Operator = None) -> int:
    """Print registered documents as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.register_document import list_documents

        for one in await list_documents(actor=actor, begin=wiring.begin):
            _print(one)
        return DONE

    return run_with(operator, work)


@app.command()
def forget(
    sha256: Annotated[str, typer.Argument(help="The document's SHA-256, 64 digits.")], operator: Operator = None
) -> int:
    """Forget a document."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.access.document import read_sha256
        from domain.usecases.register_document import forget_document

        _print(await forget_document(read_sha256(sha256, field="SHA256"), actor=actor, begin=wiring.begin))
        return DONE

    return run_with(operator, work)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise Unreadable("{path} cannot be read: {fault}", path=path, fault=fault) from None


def _print(one: RegisteredDocument) -> None:
    told = {"sha256": one.sha256_hex, "name": one.name, "registered_at": one.registered_at.isoformat()}
    print(json.dumps(told, ensure_ascii=False))
