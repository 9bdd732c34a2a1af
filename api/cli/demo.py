"""``tollwright demo files DIR``: what the demo is made of, as files to try other verbs on; no database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help=__doc__, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Generate the demo operator's files."""


@app.command()
def files(
    directory: Annotated[Path, typer.Argument(help="Where to write; made when it is not there.")],
    customers: Annotated[int, typer.Option(help="How many customers have a contract.")] = 300,
    calls: Annotated[int, typer.Option(help="How many calls are dialled in the month.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Another number makes another operator.")] = 46,
) -> int:
    """Write the month's files, profiles and tariff document.

    Prints one line for each CDR file.
    """
    from domain.demo.parties import parties
    from domain.demo.size import Size
    from domain.demo.world import make_world

    world = make_world(Size(customers=customers, calls=calls, seed=seed))
    directory.mkdir(parents=True, exist_ok=True)
    document = world.tariff | {"parties": parties(world.register)}
    tariff = json.dumps(document, ensure_ascii=False, indent=1)
    (directory / "tariff.json").write_text(tariff + "\n", encoding="utf-8")
    for source in world.sources:
        (directory / f"{source.name}.toml").write_text(source.profile, encoding="utf-8")
    written = 0
    for file in world.files():
        (directory / file.name).write_bytes(file.data)
        written += 1
        print(json.dumps({"file": file.name, "source": file.source, "records": file.truth.records}, ensure_ascii=False))
    print(f"{written} files, {len(world.sources)} profiles and tariff.json in {directory}", file=sys.stderr)
    return 0
