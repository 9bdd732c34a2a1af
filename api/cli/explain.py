"""``tollwright explain``: why an event costs what it costs, a stored one or one of a file with a tariff document."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None)
FORMATS: Final = ("text", "json")


@app.command()
def explain(
    stored: Annotated[
        str | None, typer.Argument(metavar="EVENT", help="A stored event: its id, or source/ref/leg/start/offset.")
    ] = None,
    tariff: Annotated[Path | None, typer.Option(help="A tariff document; no database.")] = None,
    event: Annotated[Path | None, typer.Option(help="A file with one event as JSON; - is standard input.")] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Say why an event costs what it costs."""
    if form not in FORMATS:
        raise BadValue(f"--format {form}: must be text or json")
    if stored is not None and (tariff or event):
        raise BadValue("give EVENT alone, or --tariff T --event E")
    if stored is not None:
        return of_database(stored, form, operator)
    if tariff is None or event is None:
        raise BadValue("give EVENT, or --tariff T --event E")
    return of_document(tariff, event, form)


def of_database(stored: str, form: str, operator: str | None) -> int:
    """Explain a stored event, by the catalogue and the lists that it was rated with."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _stored(stored, form, wiring, actor))


async def _stored(name: str, form: str, wiring: Wiring, actor: Actor) -> int:
    from domain.rating.telling import text
    from domain.usecases.explain_usage import explain_usage
    from domain.usecases.find_event import find_event

    ref = await find_event(_plain(name), actor=actor, begin=wiring.begin)
    said = await explain_usage(ref, actor=actor, begin=wiring.begin, raters=wiring.raters)
    if form == "text":
        print(text(said.explanation))
    else:
        print(json.dumps(asdict(said.explanation), default=_written, ensure_ascii=False))
    return DONE


def _plain(name: str) -> str:
    """Return the id in a global one, as GraphQL's lists of usage give them; anything else as it is."""
    from api.graphql.ids import read_id

    try:
        kind, key = read_id(name)
    except NotFound:
        return name
    return key if kind == "Usage" else name


def of_document(tariff: Path, event: Path, form: str) -> int:
    """Explain one event of a file with a tariff document."""
    from api.cli.rate import read_bytes, read_document
    from domain.catalogue.document import parse_json
    from domain.rating.book import compile_book
    from domain.rating.explain import Explainer
    from domain.rating.requests import Directory, asked, read_event
    from domain.rating.telling import text

    document = read_document(tariff)
    if document is None:
        return WRONG
    request = read_event(parse_json(read_bytes(event)))
    if request.bad is not None:
        complain(f"{event}: bad_event: {request.bad}")
        return ATTENTION
    directory = Directory.of(compile_book(document))
    explained = Explainer(document).explain(asked(request, directory, tuple(document.parties)))
    if form == "text":
        print(text(explained))
    else:
        print(json.dumps(asdict(explained), default=_written, ensure_ascii=False))
    rated = explained.status == "rated" and all(level.status == "rated" for level in explained.levels)
    return DONE if rated else ATTENTION


def _written(value: object) -> str:
    """Write what JSON has no form for."""
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
