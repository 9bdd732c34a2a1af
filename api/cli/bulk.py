"""``tollwright bulk``: sheets of customers, contracts, subscriptions and numbers, in and out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from domain.bulk.run import BulkMode
from domain.bulk.sheet import COLUMNS, WITH_FIELDS, SheetKind
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

KindArgument = Annotated[SheetKind, typer.Argument(help="What the rows are.")]
OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
SHOWN_MAX: Final = 1000


@app.callback()
def main() -> None:
    """Bring customers, contracts, lines and numbers as sheets, and take them out."""


@app.command()
def columns(kind: KindArgument) -> int:
    """Print the columns that a sheet may have."""
    for one in COLUMNS[kind]:
        print(f"{one.name:<18}{'needed  ' if one.needed else '        '}{one.words}".rstrip())
    if kind in WITH_FIELDS:
        print("field.NAME                a field of the operator's own")
    return DONE


@app.command(name="import")
def bring(
    kind: KindArgument,
    sheet: Annotated[Path, typer.Argument(help="CSV or XLSX; - is standard input.")],
    mode: Annotated[BulkMode, typer.Option(help="all: nothing where a row has a fault.")] = BulkMode.ALL,
    preview: Annotated[bool, typer.Option("--preview", help="Find every fault, and keep nothing.")] = False,
    operator: OperatorOption = None,
) -> int:
    """Bring a sheet. Faults are printed as JSON Lines, what became of it last.

    The same rows again change nothing. Ends with 1 where rows have faults, with 2 where nothing was taken.
    """
    from api.cli.reach import run_with

    name = "standard input" if str(sheet) == "-" else sheet.name
    try:
        content = sys.stdin.buffer.read() if str(sheet) == "-" else sheet.read_bytes()
    except OSError as trouble:
        raise BadValue(f"{sheet} cannot be read: {trouble.strerror}") from None
    return run_with(operator, lambda wiring, actor: _bring(wiring, actor, kind, name, content, mode, preview))


async def _bring(  # noqa: PLR0917  (what the command line gives)
    wiring: Wiring, actor: Actor, kind: SheetKind, name: str, content: bytes, mode: BulkMode, preview: bool
) -> int:
    from api.bulk import import_sheet
    from api.cli.bars import progress_bar
    from api.rest.bulk import shown
    from domain.bulk.run import BulkState
    from domain.ports.page import PageRequest
    from domain.usecases.import_bulk import TakeSheet, take_sheet
    from domain.usecases.list_bulk import list_bulk_faults

    cmd = TakeSheet(kind=kind, name=name, content=content, mode=mode, preview=preview)
    kept = await take_sheet(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, promise=False)
    with progress_bar(name, None) as step:
        done = await import_sheet(wiring, actor, kept.id, step)
    page = await list_bulk_faults(done.id, PageRequest(SHOWN_MAX), actor=actor, begin=wiring.begin)
    for one in page.items:
        fault = {"row": one.row, "field": one.field, "code": one.code, "message": one.message}
        print(json.dumps(fault, ensure_ascii=False))
    if page.more:
        complain(f"{done.faulty - len(page.items)} more; the API shows them as import {done.id}")
    print(json.dumps(shown(done), ensure_ascii=False))
    if done.fault is not None:
        complain(f"{name}: {done.fault}")
    if done.state is BulkState.REFUSED:
        return WRONG
    return ATTENTION if done.faulty else DONE


@app.command()
def export(
    kind: KindArgument,
    out: Annotated[Path | None, typer.Option(help="A file ending in .csv or .xlsx; CSV on stdout without.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Write everything of a kind as a sheet.

    It can be brought in elsewhere.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _export(wiring, actor, kind, out))


async def _export(wiring: Wiring, actor: Actor, kind: SheetKind, out: Path | None) -> int:
    from domain.usecases.export_bulk import export_bulk
    from integrations.sheets.writing import FORMS

    form = "csv" if out is None else out.suffix.lower().lstrip(".")
    if form not in FORMS:
        raise BadValue(f"{out} ends neither in .csv nor in .xlsx")
    _, written = FORMS[form]
    body = written(export_bulk(kind, actor=actor, begin=wiring.begin, clock=wiring.clock))
    if out is None:
        async for block in body:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return DONE
    try:
        with out.open("wb") as file:
            async for block in body:
                file.write(block)
    except OSError as trouble:
        raise BadValue(f"{out} cannot be written: {trouble.strerror}") from None
    return DONE
