"""``tollwright source``: what a profile reads of a file, line by line, and what to change; the shipped profiles."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from api.cli.mediate import check as check_packing
from api.cli.mediate import naming, open_file, profile_of
from domain.refusal import BadValue, NotFound, Refusal

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.mediation.profile import Profile

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def check(
    profile: Annotated[str, typer.Argument(help="A shipped profile's name or the path of a TOML profile.")],
    file: Annotated[Path, typer.Argument(help="A file of records, plain or packed; - is standard input.")],
    records: Annotated[int, typer.Option(min=0, help="How many records to show.")] = 100,
) -> int:
    """Show what the profile reads, and what to change."""
    known = profile_of(profile)
    with open_file(file) as opened, naming(file):
        check_packing(opened)
        head = _head(opened)
        attention = _advise(head, known)
        try:
            attention |= _show(opened, known, records)
        except Refusal as no:
            complain(f"{file}: {no.message}")
            return WRONG
    return ATTENTION if attention else DONE


def _head(opened: Any) -> bytes:
    from integrations.cdr import advice, containers

    parts, size = [], 0
    for block in containers.blocks(opened):
        parts.append(block)
        size += len(block)
        if size >= advice.HEAD_BYTES:
            break
    return b"".join(parts)[: advice.HEAD_BYTES]


def _advise(head: bytes, known: Profile) -> bool:
    """Print what to change; return whether the file is misread without it."""
    from integrations.cdr import advice

    found = advice.advise(head, known)
    for one in found:
        print(json.dumps({"change": one.key, "to": one.value, "because": one.because}, ensure_ascii=False))
    misread = ("reader", "map.", "file.columns", "file.header", "file.delimiter", "time.")
    return any(one.key.startswith(misread) for one in found)


def _show(opened: Any, known: Profile, records: int) -> bool:
    """Print the first records as they are read, before they are joined; return whether any was rejected."""
    from domain.mediation.checking import lines_of
    from domain.mediation.normalise import normalise
    from integrations.cdr import containers, registry

    rejected, shown, counted = False, 0, 0
    reader = registry.reader(known)
    for piece in reader.decode(containers.blocks(opened), known, records_max=max(1, min(records, 50_000))):
        counted += piece.count
        normal = normalise(piece, known, now_us=time.time_ns() // 1000)
        rejected |= bool(piece.rejects.height or normal.rejects.height)
        for line in lines_of(piece, normal, known)[: max(0, records - shown)]:
            print(json.dumps(line, ensure_ascii=False))
            shown += 1
        if shown >= records:
            break
    if not counted:
        complain("the file is empty")
    elif shown >= records:
        print(f"shown: the first {shown} records; --records shows more", file=sys.stderr)
    return rejected or not counted


@app.command("list")
def list_profiles(
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """List the profiles and the operator's own sources.

    A source is told with the version of its profile.
    """
    from integrations.cdr import registry

    for name in registry.names():
        print(json.dumps({"name": name, "reader": registry.profile(name).format}))
    return _own(operator)


def _own(operator: str | None) -> int:
    """List the operator's sources, where there is a database already."""
    from api import settings
    from api.cli.reach import run_with

    known = settings.read()
    if known.database_url is None and not any(known.data_dir.glob("postgres-*")):
        return DONE

    async def each(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.list_files import list_sources

        for one in await list_sources(actor=actor, begin=wiring.begin):
            reader = wiring.formats.profile(one.profile).format
            print(json.dumps({"name": one.name, "reader": reader, "source": one.id, "version": one.version}))
        return DONE

    try:
        return run_with(operator, each)
    except NotFound:
        return DONE  # there is no operator yet


@app.command()
def put(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    profile: Annotated[str, typer.Argument(help="A shipped profile's name or the path of a TOML profile.")],
    note: Annotated[str | None, typer.Option(help="Why, for who looks at the versions later.")] = None,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Keep a source, or a new version of its profile."""
    from api.cli.reach import run_with

    text = Path(profile).read_text(encoding="utf-8") if Path(profile).is_file() else profile

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.put_source import PutSource, put_source

        cmd = PutSource(name=name, profile=text, note=note)
        kept = await put_source(cmd, actor=actor, begin=wiring.begin, formats=wiring.formats)
        print(json.dumps({"name": kept.name, "source": kept.id, "version": kept.version}))
        return DONE

    return run_with(operator, work)


@app.command()
def versions(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    diff: Annotated[tuple[int, int] | None, typer.Option(help="Two versions: print how the second differs.")] = None,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """List the profiles that a source had, or compare two of them.

    The latest stands first.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.source_versions import compare_source_versions, list_source_versions

        if diff is not None:
            print(await compare_source_versions(name, *diff, actor=actor, begin=wiring.begin), end="")
            return DONE
        for one in await list_source_versions(name, actor=actor, begin=wiring.begin):
            told = {"version": one.version, "client": one.client, "note": one.note, "at": one.created_at.isoformat()}
            print(json.dumps({**told, "profile": one.profile}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command("roll-back")
def roll_back(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    version: Annotated[int, typer.Argument(help="The version whose profile comes back, as a new version.")],
    note: Annotated[str | None, typer.Option(help="Why, for who looks at the versions later.")] = None,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Go back to an earlier profile of a source."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.source_versions import RollBackSource, roll_back_source

        cmd = RollBackSource(name=name, version=version, note=note)
        kept = await roll_back_source(cmd, actor=actor, begin=wiring.begin, formats=wiring.formats)
        print(json.dumps({"name": kept.name, "source": kept.id, "version": kept.version}))
        return DONE

    return run_with(operator, work)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A source's name, or a shipped profile's.")],
    shipped: Annotated[
        bool, typer.Option("--shipped", help="The shipped profile, though a source has its name.")
    ] = False,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Print a profile's TOML: of a source, or a shipped one.

    An own profile starts from a shipped one.
    """
    from api import settings
    from api.cli.reach import run_with
    from integrations.cdr import registry

    text = name

    async def own(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.source_versions import get_source

        nonlocal text
        text = (await get_source(name, actor=actor, begin=wiring.begin)).profile
        return DONE

    known = settings.read()
    there = known.database_url is not None or any(known.data_dir.glob("postgres-*"))
    if not shipped and there:
        try:
            run_with(operator, own)
        except NotFound:  # no such source, or no operator yet: a shipped one
            pass
        except BadValue:
            if name not in registry.names():  # whose source, of several operators
                raise
    # A source may go by a shipped profile's name alone.
    print(text if "=" in text else registry.text_of(text), end="")
    return DONE
