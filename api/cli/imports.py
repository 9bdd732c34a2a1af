"""``tollwright import``: CDR files, payment files and tariffs into the database, exactly once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from domain.refusal import BadValue, LimitExceeded, NotFound, Unreadable

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ids import FileId
    from domain.mediation.duplicates import Seen
    from domain.mediation.files import CdrFile
    from domain.usecases.import_cdr import Imported

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
BLOCK_BYTES: Final = 1 << 20
STANDARD_INPUT: Final = "-"


@app.callback()
def main() -> None:
    """Load CDR files, payment files and tariffs into the database, exactly once."""


@app.command()
def cdr(
    files: Annotated[list[Path], typer.Argument(help="CDR files, plain or packed; - is standard input.")],
    source: Annotated[str, typer.Option(help="A source's name, a shipped profile's name, or a TOML profile's path.")],
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Import CDR files: rated, each event once. A file that is in already changes nothing."""
    from api.cli.reach import run_with

    text = _profile_text(source)
    return run_with(operator, lambda wiring, actor: _import(files, source, text, wiring, actor))


async def _import(files: list[Path], source: str, text: str | None, wiring: Wiring, actor: Actor) -> int:
    from domain.mediation.duplicates import Seen

    # One file alone is read while it comes; several are read one after the other, since they share what they left out.
    passed = Seen() if len(files) > 1 else None
    name = source if text is None else await _put(text, wiring, actor)
    attention, unread, read = False, False, 0
    new: list[FileId] = []
    for path in files:
        try:
            with _named(path) as (shown, real):
                done = await _one(real, shown, name, wiring, actor, passed=passed)
        except (Unreadable, LimitExceeded) as no:
            # What the other files hold is not lost for one that cannot be read.
            complain(f"{path}: {no.message}")
            unread = True
            continue
        print(json.dumps(_told(done, name), ensure_ascii=False))
        read += 1
        if not done.again:
            new.append(done.file.id)
        attention |= _needs_attention(done, shown)
    if read:
        print(json.dumps(await _together(new, wiring, actor)), file=sys.stderr)
    if unread:
        return WRONG
    return ATTENTION if attention else DONE


async def _together(keys: list[FileId], wiring: Wiring, actor: Actor) -> dict[str, object]:
    """Return the balance of files as they stand now: one may have brought what another waited for."""
    from domain.mediation.events import Balance

    total, sums = Balance(), {"rated": 0, "unrated": 0}
    async with wiring.begin(actor) as unit:
        files = (await unit.files.many(keys)).values()
    for one in files:
        counts = {
            name: getattr(one, name) for name in ("records", "events", "merged", "pending", "duplicates", "rejects")
        }
        total += Balance(**counts, ignored=dict(one.ignored))
        sums = {"rated": sums["rated"] + one.rated, "unrated": sums["unrated"] + one.unrated}
    return {**total.as_dict(), **sums}


@contextlib.contextmanager
def _named(path: Path) -> Iterator[tuple[str, Path]]:
    """Give the name to show and the file to read; standard input by way of a temporary file."""
    if str(path) != STANDARD_INPUT:
        if path.is_dir():
            raise Unreadable("is a directory")
        yield path.name, path
        return
    with tempfile.NamedTemporaryFile(prefix="tollwright-") as spooled:
        while block := sys.stdin.buffer.read(BLOCK_BYTES):
            spooled.write(block)
        spooled.flush()
        yield "stdin", Path(spooled.name)


def _profile_text(source: str) -> str | None:
    """Return the text of the profile's file that ``source`` names; None where it names a source."""
    path = Path(source)
    if path.suffix != ".toml" and not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as wrong:
        raise NotFound(f"{path}: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not UTF-8 text") from None
    if "=" not in text:
        raise BadValue(f"{path}: not a profile")
    return text


async def _put(text: str, wiring: Wiring, actor: Actor) -> str:
    """Keep the source that a profile's text describes, under the name that it gives itself."""
    from domain.usecases.put_source import PutSource, put_source

    cmd = PutSource(name=wiring.formats.profile(text).name, profile=text)
    return (await put_source(cmd, actor=actor, begin=wiring.begin, formats=wiring.formats)).name


async def _one(path: Path, name: str, source: str, wiring: Wiring, actor: Actor, *, passed: Seen | None) -> Imported:
    from api.garbage import collecting_seldom
    from domain.usecases.import_cdr import ImportCdr, import_cdr, shown_name

    with _bar(name) as progress, collecting_seldom():
        return await import_cdr(
            # It was opened here by a person: what may not stand in a name is left out of it.
            ImportCdr(
                source=source, name=shown_name(name), content=_blocks(path), size_max=wiring.settings.upload_max_bytes
            ),
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            blobs=wiring.blobs,
            formats=wiring.formats,
            raters=wiring.raters,
            progress=progress,
            passed=passed,
        )


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
                yield block
    except OSError as wrong:
        raise Unreadable(str(wrong.strerror)) from None


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Any]:
    """Show how far an import is, where somebody is looking."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[events]} events"))
    with Progress(*columns, TransferSpeedColumn(), TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task(name, total=None, events=0)

        def advance(file: CdrFile) -> None:
            # A packed file is longer inside than outside: its bar has no end.
            total = file.size if file.position <= file.size else None
            bars.update(task, completed=file.position, total=total, events=file.events)

        yield advance


def _told(done: Imported, source: str) -> dict[str, object]:
    """Return a file's line: what is known of it, all counts since its first byte."""
    file = done.file
    counts = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated")
    return {
        "file": file.name,
        "id": file.id,
        "source": source,
        "sha256": file.sha256.hex(),
        "state": file.state.value,
        "again": done.again,
        **{name: getattr(file, name) for name in counts},
        "ignored": dict(file.ignored),
        "warnings": dict(file.warnings),
        "reasons": dict(sorted(done.reasons.items())),
    }


def _needs_attention(done: Imported, shown: str) -> bool:
    """Say on stderr what a person should look at; a file that was in already has been told of."""
    file = done.file
    if done.again:
        known = "" if shown == file.name else f" as {file.name}"
        complain(f"{shown}: in already{known}; nothing to do")
        return file.records == 0
    if file.records == 0:
        complain(f"{file.name}: the file is empty")
        return True
    for count, what in ((file.rejects, "rejected"), (file.unrated, "not rated")):
        if count:
            records = "record" if count == 1 else "records"
            complain(f"{file.name}: {count} {records} {what}; tollwright suspense list --file {file.id}")
    for name, count in sorted(file.warnings.items()):
        complain(f"{file.name}: {count} {_warning(name)}")
    return bool(file.rejects or file.unrated)


def _warning(name: str) -> str:
    from domain.mediation.events import FLAGS

    level, _, reason = name.partition(".")
    if level == "flag":
        return f"rated events are flagged {reason}: {FLAGS.get(reason, reason)}"
    return f"rated events have no {level} price ({reason})"


@app.command()
def payments(
    files: Annotated[list[Path], typer.Argument(help="Payment files; - is standard input.")],
    format_: Annotated[
        str, typer.Option("--format", help="The files' format, or auto to know it by its content.")
    ] = "auto",
    looked_at: Annotated[
        bool, typer.Option("--looked-at", help="Take a file in that a person had to look at first, now that one has.")
    ] = False,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Book payment files and apply them to what they name.

    Each file is taken whole or not at all.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _take_payments(files, format_, looked_at, wiring, actor))


async def _take_payments(files: list[Path], format_: str, looked_at: bool, wiring: Wiring, actor: Actor) -> int:
    from api.cli.mediate import naming, open_file
    from api.garbage import collecting_seldom
    from domain.refusal import Conflict, WrongState
    from domain.usecases.take_payment_file import take_payment_file
    from integrations.payments import formats

    attention = False
    for path in files:
        with open_file(path) as opened, naming(path):
            opened.seek(0)
            data = opened.read(formats.BYTES_MAX + 1)
        try:
            with collecting_seldom():
                done = await take_payment_file(
                    path.name,
                    data,
                    format_,
                    actor=actor,
                    begin=wiring.begin,
                    clock=wiring.clock,
                    blobs=wiring.blobs,
                    read=wiring.read_payments,
                    looked_at=looked_at,
                )
        except (WrongState, Conflict) as no:
            complain(f"{path}: {no.message} (--looked-at)")
            attention = True
            continue
        told = dataclasses.asdict(done) | {"file": done.file.name, "id": done.file.id, "format": done.file.format}
        print(json.dumps(told, ensure_ascii=False))
        if not done.new:
            complain(f"{path}: taken in before as {done.file.name}; nothing changed")
        attention |= bool({"unallocated", "held"} & done.states.keys())
    return ATTENTION if attention else DONE


@app.command()
def tariff(
    document: Annotated[Path, typer.Argument(help="A tariff document; - is standard input.")],
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Make the operator's catalogue the one of a tariff document."""
    from api.cli.reach import run_with
    from domain.catalogue.document import parse_json

    try:
        text = sys.stdin.buffer.read() if str(document) == STANDARD_INPUT else document.read_bytes()
    except OSError as wrong:
        raise NotFound(f"{document}: {wrong.strerror}") from None
    try:
        parsed = parse_json(text)
    except Unreadable as no:
        raise Unreadable(f"{document}: {no.message}") from None
    return run_with(operator, lambda wiring, actor: _publish(parsed, wiring, actor))


async def _publish(document: object, wiring: Wiring, actor: Actor) -> int:
    from domain.catalogue.document import BadTariff
    from domain.usecases.import_tariff import ImportTariff, import_tariff

    cmd = ImportTariff(document=document)
    try:
        done = await import_tariff(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
    except BadTariff as wrong:
        for fault in wrong.faults:
            complain(str(fault))
        return WRONG
    if done.parties_left:
        complain(
            f"{done.parties_left} parties are left out: who is rated by which list stands on customers and contracts"
        )
    print(json.dumps(dataclasses.asdict(done)))
    return DONE
