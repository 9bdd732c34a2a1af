"""``tollwright basis``: what was priced for another system, given exactly once."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
FORMATS = ("json", "csv")
PER_PAGE = 5000


@app.callback()
def main() -> None:
    """Give another system what was priced since the last time."""


@app.command()
def take(
    format_: Annotated[str, typer.Option("--format", help="json or csv.")] = "json", operator: OperatorOption = None
) -> int:
    """Print the lines of the batch that waits, or of a new one.

    Its number stands on stderr. Until it is acknowledged, the same batch comes again.
    """
    from api.cli.reach import run_with

    if format_ not in FORMATS:
        raise BadValue("a format is one of {names}", names=", ".join(FORMATS), field="--format")
    return run_with(operator, lambda wiring, actor: _take(wiring, actor, format_))


@app.command()
def acknowledge(
    batch: Annotated[int, typer.Argument(help="The batch's number, as `basis take` says it.")],
    operator: OperatorOption = None,
) -> int:
    """Say that the other system has a batch for good."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _acknowledge(wiring, actor, batch))


async def _take(wiring: Wiring, actor: Actor, format_: str) -> int:
    from api.priced import COLUMNS, cells, row_of
    from domain.usecases.take_basis import read_basis, take_basis

    batch = await take_basis(actor=actor, begin=wiring.begin, clock=wiring.clock)
    writer: Any = None
    after, more = 0, True
    while more:
        page = await read_basis(batch.id, first=PER_PAGE, after=after, actor=actor, begin=wiring.begin)
        for line in page.lines:
            row = row_of(line)
            if format_ == "json":
                print(json.dumps(row, ensure_ascii=False))
                continue
            if writer is None:
                writer = csv.DictWriter(sys.stdout, COLUMNS)
                writer.writeheader()
            writer.writerow(cells(row))
        after, more = (page.lines[-1].position, page.more) if page.lines else (after, False)
    complain(f"batch {batch.id} has {batch.lines} lines; tollwright basis acknowledge {batch.id} when they are kept")
    return DONE


async def _acknowledge(wiring: Wiring, actor: Actor, batch: int) -> int:
    from domain.usecases.take_basis import acknowledge_basis

    done = await acknowledge_basis(batch, actor=actor, begin=wiring.begin, clock=wiring.clock)
    assert done.acknowledged_at is not None
    print(json.dumps({"batch": done.id, "acknowledged_at": done.acknowledged_at.isoformat(), "lines": done.lines}))
    return DONE
