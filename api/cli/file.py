"""``tollwright file``: CDR files that are in, their balances, withdrawing one, and sessions whose time is out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, complain

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.mediation.files import CdrFile

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
COUNTS = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated")


@app.callback()
def main() -> None:
    """Look after CDR files that are in."""


@app.command("list")
def list_all(operator: Operator = None) -> int:
    """Print every file with its balance, as JSON Lines."""
    from api.cli.reach import run_with

    return run_with(operator, _list)


@app.command()
def balance(operator: Operator = None) -> int:
    """Print where the records of each source's files went.

    Ends with 1 where a balance does not hold.
    """
    from api.cli.reach import run_with

    return run_with(operator, _balance)


@app.command()
def withdraw(
    file: Annotated[int, typer.Argument(help="The file's id.")],
    *,
    why: Annotated[str, typer.Option(help="Why, for the history.")],
    corrections: Annotated[
        bool, typer.Option("--corrections", help="Also what is invoiced; it goes to the next invoices.")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only count what would be taken back.")] = False,
    redo: Annotated[
        bool, typer.Option("--redo/--no-redo", help="Charge what other files counted as its duplicates.")
    ] = True,
    operator: Operator = None,
) -> int:
    """Take back what a file has brought.

    Other files bring what they counted as its duplicates. Its bytes may then be imported again, by another profile.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _withdraw(wiring, actor, file, why, corrections, preview, redo))


@app.command()
def sweep(
    source: Annotated[str | None, typer.Option(help="Only of the source of this name.")] = None,
    operator: Operator = None,
) -> int:
    """Tell of sessions whose time is out.

    What was used is an event flagged incomplete.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _sweep(wiring, actor, source))


async def _list(wiring: Wiring, actor: Actor) -> int:
    from domain.ports.page import PAGE_MAX, PageRequest
    from domain.usecases.list_files import list_files, list_sources

    names = {one.id: one.name for one in await list_sources(actor=actor, begin=wiring.begin)}
    after, more = None, True
    while more:
        page = await list_files(PageRequest(first=PAGE_MAX, after=after), actor=actor, begin=wiring.begin)
        for one in page.items:
            print(json.dumps({**_told(one), "source": names[one.source]}, ensure_ascii=False))
        more = page.more
        after = page.items[-1].id if page.items else None
    return DONE


async def _balance(wiring: Wiring, actor: Actor) -> int:
    from domain.usecases.list_files import list_sources
    from domain.usecases.source_versions import list_balances

    names = {one.id: one.name for one in await list_sources(actor=actor, begin=wiring.begin)}
    held = True
    for one in await list_balances(actor=actor, begin=wiring.begin):
        told: dict[str, Any] = {"source": names[one.source], **one.counts, "ignored": dict(one.ignored)}
        print(
            json.dumps(
                {**told, "suspense": one.suspense, "unbalanced": one.unbalanced, "holds": one.holds()},
                ensure_ascii=False,
            )
        )
        held &= one.holds()
    if not held:
        complain("a balance does not hold: this is a fault of the program; tell us")
    return DONE if held else ATTENTION


async def _withdraw(  # noqa: PLR0917  (the options, in their order)
    wiring: Wiring, actor: Actor, file: int, why: str, corrections: bool, preview: bool, redo: bool
) -> int:
    from domain.ids import FileId
    from domain.usecases.redo_duplicates import withdraw_and_redo
    from domain.usecases.withdraw_file import WithdrawFile, withdraw_file

    cmd = WithdrawFile(file=FileId(file), why=why, corrections=corrections, preview=preview)
    around = {name: getattr(wiring, name) for name in ("begin", "clock", "formats", "raters")}
    if redo:
        done = await withdraw_and_redo(cmd, actor=actor, blobs=wiring.blobs, **around)
    else:
        done = await withdraw_file(cmd, actor=actor, **around)
    redone = [{"id": one.file.id, "rated": one.rated, "unrated": one.unrated} for one in done.redone if not one.fault]
    told: dict[str, Any] = {"events": done.events, "billed": done.billed, "suspended": done.suspended}
    print(json.dumps({**_told(done.file), **told, "preview": preview, "redone": redone}, ensure_ascii=False))
    for each in done.redone:
        if each.fault:
            complain(f"{each.file.name} (file {each.file.id}) has {each.file.duplicates} duplicates: {each.fault}")
        elif each.unrated:
            complain(f"{each.file.name} (file {each.file.id}): {each.unrated} records not rated")
    for one in done.overlapping if preview or not redo else ():
        complain(
            f"{one.name} (file {one.id}) has {one.duplicates} duplicates, perhaps of this file: charged nowhere"
            f" {'then' if preview else 'now'} unless it is read again, which file withdraw does without --no-redo"
        )
    left = [one for one in done.redone if one.fault or one.unrated]
    return ATTENTION if left or (done.overlapping and (preview or not redo)) else DONE


async def _sweep(wiring: Wiring, actor: Actor, source: str | None) -> int:
    from domain.usecases.sweep_sessions import sweep_sessions

    done = await sweep_sessions(
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
        formats=wiring.formats,
        source=source,
    )
    print(json.dumps({"events": done.events, "rejects": done.rejects, "forgotten": done.forgotten}), file=sys.stdout)
    return ATTENTION if done.rejects else DONE


def _told(file: CdrFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "file": file.name,
        "state": file.state.value,
        "profile_version": file.profile_version,
        **{name: getattr(file, name) for name in COUNTS},
        "ignored": dict(file.ignored),
    }
