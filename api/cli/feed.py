"""``tollwright feed``: where files are fetched; setting up, trying and polling."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, complain
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
NameArgument = Annotated[str, typer.Argument(help="The feed's name.")]
DOCUMENT_BYTES_MAX = 1 << 20


@app.callback()
def main() -> None:
    """Set up feeds, see what they can reach, and poll them. Secrets go in and are never printed."""


@app.command(name="list")
def list_all(operator: OperatorOption = None) -> int:
    """Print the feeds as JSON Lines, with how they stand.

    Ends with 1 where one fails.
    """
    from api.cli.reach import run_with

    return run_with(operator, _list)


@app.command()
def show(name: NameArgument, operator: OperatorOption = None) -> int:
    """Print one feed as JSON."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _show(wiring, actor, name))


@app.command()
def put(
    document: Annotated[str, typer.Argument(help="A TOML or JSON file, or - for stdin (docs/feeds.md).")],
    version: Annotated[int | None, typer.Option(help="Refuse unless it is still this version; 0: unless new.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Set up a feed, or change one as a whole.

    Credentials that are left out stay as they are.
    """
    from api.cli.reach import run_with

    fields = _document(document)
    if version is not None:
        fields["version"] = version
    return run_with(operator, lambda wiring, actor: _put(wiring, actor, fields))


@app.command()
def remove(name: NameArgument, operator: OperatorOption = None) -> int:
    """Forget a feed with its secrets and its log.

    Files that were taken stay.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _remove(wiring, actor, name))


@app.command(name="test")
def try_out(name: NameArgument, operator: OperatorOption = None) -> int:
    """Connect as the feed would and print what it would take.

    Ends with 1 where it cannot. Nothing is fetched or changed.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _test(wiring, actor, name))


@app.command()
def poll(
    name: NameArgument,
    again: Annotated[bool, typer.Option("--again", help="Try once more what could not be read.")] = False,
    operator: OperatorOption = None,
) -> int:
    """Poll a feed now, in this process, and print the run.

    Ends with 1 where it failed or a file was held.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _poll(wiring, actor, name, again=again))


@app.command()
def runs(
    name: NameArgument,
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    operator: OperatorOption = None,
) -> int:
    """Print a feed's last runs as JSON Lines, the newest first."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _runs(wiring, actor, name, last))


def _print(fields: dict[str, Any]) -> None:
    print(json.dumps(fields, ensure_ascii=False))


def _document(path: str) -> dict[str, Any]:
    """Read a feed's fields. Refuses with: BadValue."""
    text = sys.stdin.read(DOCUMENT_BYTES_MAX) if path == "-" else Path(path).read_text(encoding="utf-8")
    try:
        fields = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as wrong:
        raise BadValue(f"is neither TOML nor JSON: {wrong}", field=path) from None
    return dict(fields)


async def _list(wiring: Wiring, actor: Actor) -> int:
    from api.feed_fields import shown
    from domain.usecases.list_feeds import list_feeds

    feeds = await list_feeds(actor=actor, begin=wiring.begin)
    for one in feeds:
        _print(shown(one))
    return ATTENTION if any(one.standing.failures for one in feeds) else DONE


async def _show(wiring: Wiring, actor: Actor, name: str) -> int:
    from api.feed_fields import shown
    from domain.usecases.list_feeds import get_feed

    _print(shown(await get_feed(name, actor=actor, begin=wiring.begin)))
    return DONE


async def _put(wiring: Wiring, actor: Actor, fields: dict[str, Any]) -> int:
    from api.feed_fields import command
    from domain.usecases.list_feeds import get_feed
    from domain.usecases.put_feed import put_feed

    if "version" not in fields:
        try:
            now = await get_feed(str(fields.get("name", "")), actor=actor, begin=wiring.begin)
        except NotFound:
            pass
        else:
            fields["version"] = now.feed.version
    kept = await put_feed(
        command(fields),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        formats=wiring.formats,
        transports=wiring.transports,
        vault=wiring.vault,
    )
    return await _show(wiring, actor, kept.name)


async def _remove(wiring: Wiring, actor: Actor, name: str) -> int:
    from domain.usecases.list_feeds import get_feed, remove_feed

    now = await get_feed(name, actor=actor, begin=wiring.begin)
    await remove_feed(name, now.feed.version, actor=actor, begin=wiring.begin)
    return DONE


async def _test(wiring: Wiring, actor: Actor, name: str) -> int:
    from domain.usecases.try_feed import try_feed

    tried = await try_feed(
        name,
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        formats=wiring.formats,
        transports=wiring.transports,
        vault=wiring.vault,
    )
    for one in tried.files:
        modified = one.modified.isoformat() if one.modified else None
        _print({"name": one.name, "size": one.size, "modified": modified, "verdict": one.verdict, "seen": one.seen})
    if not tried.reached:
        complain(f"{name}: {tried.fault}")
        return ATTENTION
    complain(f"{name}: reached; {tried.found} names, {tried.wanted} wanted, {tried.unsafe} that are none of a file")
    return DONE


async def _poll(wiring: Wiring, actor: Actor, name: str, *, again: bool) -> int:
    import os
    import socket

    from api.feed_fields import shown_run
    from api.feeding import poll as poll_now
    from domain.feeds.run import RunState

    run = await poll_now(wiring, actor, name, by=f"command line on {socket.gethostname()}, {os.getpid()}", again=again)
    _print(shown_run(run))
    return DONE if run.state is RunState.DONE and not run.held else ATTENTION


async def _runs(wiring: Wiring, actor: Actor, name: str, last: int) -> int:
    from api.feed_fields import shown_run
    from domain.ports.page import PageRequest
    from domain.usecases.list_feeds import list_feed_runs

    for run in (await list_feed_runs(name, PageRequest(last), actor=actor, begin=wiring.begin)).items:
        _print(shown_run(run))
    return DONE
