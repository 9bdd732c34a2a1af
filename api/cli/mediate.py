"""``tollwright mediate``: CDR files to normalised events, as JSON Lines, without a database."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, TextIO, cast

import typer

from api.cli import ATTENTION, DONE, complain
from domain.refusal import NotFound, Refusal, Unreadable

if TYPE_CHECKING:
    import polars as pl

    from domain.mediation.profile import Profile

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_TOLD_MAX: Final = 10
_SPOOL_BYTES: Final = 64 << 20
_WATCHED_BYTES: Final = 32 << 20


@app.command()
def mediate(
    files: Annotated[list[Path], typer.Argument(help="Files of records, plain or packed; - is standard input.")],
    source: Annotated[str, typer.Option(help="A shipped profile's name or the path of a TOML profile.")],
    rejects: Annotated[Path | None, typer.Option(help="Write the rejected records here, as JSON Lines.")] = None,
) -> int:
    """Read CDR files and print normalised events."""
    from domain.mediation.events import Balance
    from domain.usecases.mediate import Run, finish

    profile = profile_of(source)
    total, run, empty = Balance(), Run(), False
    with contextlib.ExitStack() as stack:
        opened = [(path, stack.enter_context(open_file(path))) for path in files]
        for path, file in opened:
            with naming(path):
                check(file)
                _probe(file, profile)
        out = stack.enter_context(rejects.open("w", encoding="utf-8")) if rejects else None
        for path, file in opened:
            with naming(path):
                balance = _one(path, file, profile, run, out)
            if balance.records == 0:
                complain(f"{path}: the file is empty")
                empty = True
            total += balance
        if (last := finish(profile, run)) is not None:
            sys.stdout.buffer.write(lines(last.events))
            sys.stdout.flush()
            _tell(files[-1], last.rejects, out, 0)
            total += last.balance
    total.check()
    print(json.dumps(total.as_dict()), file=sys.stderr)
    return ATTENTION if total.rejects or empty else DONE


def _probe(file: BinaryIO, profile: Profile) -> None:
    """Refuse a file of another format before anything is printed."""
    from integrations.cdr import containers, registry

    next(iter(registry.reader(profile).decode(containers.blocks(file), profile, records_max=1)), None)


@contextlib.contextmanager
def _progress(path: Path, file: BinaryIO) -> Iterator[Callable[[int], None]]:
    """Show how far a large file is read, where somebody watches."""
    from integrations.cdr import containers

    size = file.seek(0, 2)
    if not sys.stderr.isatty() or size < _WATCHED_BYTES or containers.kind(file) is not None:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(path.name, total=size)
        yield lambda position: bars.update(bar, completed=position)


def _one(path: Path, file: BinaryIO, profile: Profile, run: Any, out: TextIO | None) -> Any:
    """Print one file's events; return its balance."""
    import time

    from domain.mediation.events import Balance
    from domain.usecases.mediate import mediate as batches
    from integrations.cdr import containers, registry

    balance, told = Balance(), 0
    reader = registry.reader(profile)
    with _progress(path, file) as reached:
        blocks = containers.blocks(file)
        for batch in batches(blocks, profile, reader, now_us=time.time_ns() // 1000, run=run):
            sys.stdout.buffer.write(lines(batch.events))
            told = _tell(path, batch.rejects, out, told)
            balance += batch.balance
            reached(batch.position)
    sys.stdout.flush()
    if told > _TOLD_MAX:
        complain(f"{path}: {told - _TOLD_MAX} more records rejected; --rejects FILE keeps them all")
    return balance


def lines(events: pl.DataFrame) -> bytes:
    """Return events as JSON Lines: times in ISO 8601, UTC, with a fraction only where there is one."""
    import io

    import polars as pl

    text = io.BytesIO()
    times = [
        pl.from_epoch(pl.col(name), time_unit="us").dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ").alias(name)
        for name in ("start", "seized")
    ]
    events.with_columns(times).write_ndjson(text)
    return text.getvalue()


def _tell(path: Path, rejects: pl.DataFrame, out: TextIO | None, told: int) -> int:
    """Write rejects to the file, or the first few of them to stderr; return how many were told."""
    for line, offset, reason, detail, raw in rejects.iter_rows():
        reject = {"file": str(path), "line": line, "reason": reason, "detail": detail, "raw": raw, "offset": offset}
        if out is not None:
            print(json.dumps(reject, ensure_ascii=False), file=out)
            continue
        told += 1
        if told <= _TOLD_MAX:
            complain(f"{path}: record {line}: {reason}: {detail}")
    return told


def profile_of(source: str) -> Profile:
    """Return a shipped profile by name, or the operator's own by its path. Refuses with: NotFound, BadValue."""
    from integrations.cdr import registry

    path = Path(source)
    if source in registry.names() or not (path.suffix == ".toml" or (path.exists() and not path.is_dir())):
        return registry.profile(source)
    try:
        return registry.profile_of_text(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise NotFound(f"{path}: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not UTF-8 text") from None


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of records, or standard input by way of a temporary file. Refuses with: Unreadable."""
    if str(path) == "-":
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spooled:
            while block := sys.stdin.buffer.read(1 << 20):
                spooled.write(block)
            yield cast("BinaryIO", spooled)
        return
    try:
        file = path.open("rb")
    except OSError as wrong:
        raise Unreadable(f"{path}: {wrong.strerror}") from None
    with file:
        yield file


def check(file: BinaryIO) -> None:
    """Refuse a packed file that is cut, damaged or a bomb, before anything of it is printed."""
    from integrations.cdr import containers

    containers.check(file)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before a refusal's sentence."""
    try:
        yield
    except Refusal as no:
        raise type(no)(f"{path}: {no.message}", field=no.field) from None
    except IsADirectoryError:
        raise Unreadable(f"{path}: is a directory") from None
