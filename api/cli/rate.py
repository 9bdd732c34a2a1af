"""``tollwright rate``: the rating-only edition. A tariff document and events or CDR files in, their cost out."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from domain.refusal import BadValue, Unreadable

if TYPE_CHECKING:
    from domain.catalogue.tariff import Tariff
    from domain.rating.answered import Answered, Chunk
    from domain.rating.requests import Directory, Request
    from domain.rating.streaming import RateRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)
DOCUMENT_MAX_BYTES: Final = 1 << 30
LINE_MAX_BYTES: Final = 1 << 20
Sink = Any  # a callable that takes Answered


@app.command()
def rate(  # noqa: PLR0917  (typer makes options of them)
    tariff: Annotated[Path | None, typer.Option(help="The tariff document; - is standard input.")] = None,
    events: Annotated[
        Path | None, typer.Option(help="Events as JSON Lines, or FILE.csv; - is standard input (JSON Lines).")
    ] = None,
    cdr: Annotated[Path | None, typer.Option(help="A CDR file, read as --source says.")] = None,
    source: Annotated[str | None, typer.Option(help="A source profile's name, or a TOML file.")] = None,
    vector: Annotated[Path | None, typer.Option(help="A file of vectors to check.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write FILE.jsonl, .csv or .parquet.")] = None,
) -> int:
    """Rate events with a tariff document; no database."""
    if vector is not None:
        if tariff or events or cdr or source or out:
            raise BadValue("--vector stands alone")
        return check(vector)
    if tariff is None or (events is None) == (cdr is None):
        raise BadValue("give --tariff T with --events E, or with --cdr FILE --source PROFILE, or --vector V alone")
    if (cdr is None) != (source is None):
        raise BadValue("--cdr and --source go together")
    if str(tariff) == "-" and str(events) == "-":
        raise BadValue("only one of --tariff and --events can be standard input")
    _spare(out, tariff, events, cdr)
    document = read_document(tariff)
    if document is None:
        return WRONG
    chunks = event_chunks(events) if events is not None else cdr_chunks(cdr, source)
    return run(document, chunks, out)


def _spare(out: Path | None, *inputs: Path | None) -> None:
    """Refuses with: BadValue (what is to be read would be written over)."""
    if (
        out is not None
        and out.exists()
        and any(one is not None and one.exists() and one.samefile(out) for one in inputs)
    ):
        raise BadValue(f"--out {out} is a file that is read; write to another one")


def check(path: Path) -> int:
    """Rate a file of vectors and name every difference."""
    from domain.catalogue.document import parse_json
    from domain.rating.vectors import check_vectors

    with _named(path):
        checked = check_vectors(parse_json(read_bytes(path)))
    for difference in checked.differences:
        print(difference)
    complain(f"{path}: {checked.vectors} vectors, {checked.events} events, {len(checked.differences)} differences")
    return ATTENTION if checked.differences or not checked.vectors else DONE


def read_document(path: Path) -> Tariff | None:
    """Read a tariff document; its faults go to stderr, one line each, and there is none."""
    from domain.catalogue.document import BadTariff, parse_json, read_tariff

    try:
        with _named(path):
            return read_tariff(parse_json(read_bytes(path)))
    except BadTariff as wrong:
        for fault in wrong.faults:
            complain(f"{path}: {fault}")
        return None


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes. Refuses with: Unreadable."""
    with _opened(path) as file:
        found = file.read(DOCUMENT_MAX_BYTES + 1)
    if len(found) > DOCUMENT_MAX_BYTES:
        raise Unreadable(f"{path}: is larger than {DOCUMENT_MAX_BYTES} bytes")
    return found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        with path.open("rb") as file:
            yield file
    except OSError as wrong:
        raise Unreadable(f"{path}: {wrong.strerror or wrong}") from None


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name before a refusal's sentence."""
    try:
        yield
    except Unreadable as no:
        raise Unreadable(no.message if no.message.startswith(str(path)) else f"{path}: {no.message}") from None


Chunks = Callable[["RateRun", Callable[[int], None]], Iterator["Chunk"]]


def event_chunks(path: Path) -> tuple[Chunks, int]:
    """Return what reads events as JSON Lines or CSV chunk by chunk, and the bytes there are to read (0 unknown)."""
    with _opened(path):
        pass  # a missing file is said before anything is compiled

    def chunks(run: RateRun, moved: Callable[[int], None]) -> Iterator[Chunk]:
        from domain.rating.requests import Directory
        from domain.rating.streaming import CHUNK_MAX

        if path.suffix.lower() == ".csv":
            yield from _table_chunks(path, run, moved)
            return
        directory = Directory.of(run.book)
        with _opened(path) as file:
            rows: list[Request] = []
            for number, line in enumerate(_lines(file), 1):
                moved(len(line))
                if line.strip():
                    rows.append(_request(line, number))
                if len(rows) == CHUNK_MAX:
                    yield _chunk(run, directory, rows)
                    rows = []
            if rows:
                yield _chunk(run, directory, rows)

    return chunks, path.stat().st_size if path.is_file() else 0


def _table_chunks(path: Path, run: RateRun, moved: Callable[[int], None]) -> Iterator[Chunk]:
    from api.cli.ahead import ahead
    from api.cli.event_csv import tables
    from domain.rating.event_table import EventTables

    made, read = EventTables(run.book), 0
    with _named(path), _opened(path) as file:
        for frame, wrong, position in ahead(tables(file)):
            moved(position - read)
            read = position
            yield made.chunk(frame, wrong)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one longer than an event can be, its beginning, which is then a bad event."""
    while line := file.readline(LINE_MAX_BYTES):
        yield line
        while len(line) == LINE_MAX_BYTES and not line.endswith(b"\n"):
            line = file.readline(LINE_MAX_BYTES)


def _chunk(run: RateRun, directory: Directory, rows: list[Request]) -> Chunk:
    import polars as pl

    from domain.rating.answered import Chunk
    from domain.rating.requests import to_events

    reasons = {place: row.bad for place, row in enumerate(rows) if row.bad is not None}
    return Chunk(to_events(run.book, directory, rows), pl.Series("id", [r.id for r in rows], pl.String), reasons)


def _request(line: bytes, number: int) -> Request:
    from domain.catalogue.document import parse_json
    from domain.rating.requests import Request, read_event

    try:
        return read_event(parse_json(line))
    except Unreadable as wrong:
        return Request(id="", bad=f"line {number}: {wrong.message}")


def cdr_chunks(path: Path | None, source: str | None) -> tuple[Chunks, int]:
    """Return what reads a CDR file by its profile chunk by chunk, and the bytes there are to read."""
    from api.cli.mediate import check as check_packed
    from api.cli.mediate import profile_of

    assert path is not None
    assert source is not None
    profile = profile_of(source)
    with _named(path), _opened(path) as file:
        if str(path) != "-":
            check_packed(file)

    def chunks(run: RateRun, moved: Callable[[int], None]) -> Iterator[Chunk]:
        import time

        from api.cli.ahead import ahead
        from domain.rating.answered import Chunk
        from domain.rating.columns import event_ids, from_frame
        from domain.rating.numbers import number_index, parties_of
        from domain.usecases.mediate import mediate
        from integrations.cdr import containers, registry

        index, rejected = number_index(run.book), 0
        with _named(path), _opened(path) as file:
            reader, read = registry.reader(profile), 0
            for batch in ahead(mediate(containers.blocks(file), profile, reader, now_us=time.time_ns() // 1000)):
                moved(batch.position - read)
                read, rejected = batch.position, rejected + batch.rejects.height
                frame = batch.events
                yield Chunk(from_frame(run.book, frame, parties_of(index, frame)), event_ids(frame))
        if rejected:
            complain(f"{path}: {rejected} records rejected; tollwright mediate says why")
            raise _Attention

    return chunks, 0


class _Attention(Exception):  # noqa: N818  (not an error: everything was rated, and something is worth a look)
    """The source is read to its end, and had rejects."""


def run(tariff: Tariff, source: tuple[Chunks, int], out: Path | None) -> int:
    """Rate everything a source yields and write it; returns the exit code."""
    from api.cli.spool import spooling
    from domain.rating.streaming import RateRun

    with spooling() as spool:
        return stream(RateRun(tariff, spool), source, out)


def stream(rating: RateRun, source: tuple[Chunks, int], out: Path | None) -> int:
    """Rate what a source yields by a compiled tariff and write it; returns the exit code."""
    chunks, size = source
    events = unrated = 0
    attention = False
    with contextlib.ExitStack() as stack:
        moved = stack.enter_context(_progress(size))
        write = stack.enter_context(_sink(rating, out))
        try:
            for chunk in chunks(rating, moved):
                events += len(chunk.events)
                for answered in rating.feed(chunk):
                    unrated += answered.rated.unrated
                    write(answered)
        except _Attention:
            attention = True
        for answered in rating.finish():
            unrated += answered.rated.unrated
            write(answered)
    complain(f"{events} events, {events - unrated} rated, {unrated} unrated")
    return ATTENTION if attention or unrated or not events else DONE


@contextlib.contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr where that is a terminal; yields what is called with each number of bytes read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rating", total=size or None)
        yield lambda more: progress.update(task, advance=more)


@contextlib.contextmanager
def _sink(run: RateRun, out: Path | None) -> Iterator[Sink]:
    """Open where answers go; yields what writes them."""
    suffix = ".jsonl" if out is None else out.suffix.lower()
    if suffix not in {".jsonl", ".csv", ".parquet"}:
        raise BadValue(f"{out}: the name must end in .jsonl, .csv or .parquet")
    try:
        file = sys.stdout.buffer if out is None else out.open("wb")
    except OSError as wrong:
        raise Unreadable(f"{out}: {wrong.strerror or wrong}") from None
    with contextlib.ExitStack() as stack:
        if out is not None:
            stack.enter_context(file)
        if suffix == ".jsonl":
            yield lambda answered: _write_lines(run, file, answered)
            file.flush()
        elif suffix == ".csv":
            yield _csv_writer(run, file)
        else:
            with contextlib.closing(_ParquetWriter(run, file)) as writer:
                yield writer.write


def _write_lines(run: RateRun, file: BinaryIO, answered: Answered) -> None:
    from domain.rating.answers import Answers

    chunk = answered.chunk
    reasons = [chunk.reasons.get(place) for place in range(len(chunk.ids))]
    answers = Answers(run.book, run.parties, answered.rated).all(chunk.ids.to_list(), reasons)
    file.write("".join(f"{json.dumps(answer, ensure_ascii=False)}\n" for answer in answers).encode())


def nothing(run: RateRun) -> Answered:
    """Return the answer to no events, for the columns of a file that holds none."""
    from domain.rating.answered import Answered
    from domain.rating.rate import rate as rate_events
    from domain.rating.requests import Directory

    chunk = _chunk(run, Directory.of(run.book), [])
    return Answered(chunk, rate_events(run.book, run.parties, chunk.events))


def _csv_writer(run: RateRun, file: BinaryIO) -> Sink:
    import polars as pl

    from domain.rating.tables import Tables

    first, tables = True, Tables(run.book, run.parties)

    def write(answered: Answered) -> None:
        nonlocal first
        frame = pl.from_arrow(tables.make(answered))
        assert isinstance(frame, pl.DataFrame)
        frame.write_csv(file, include_header=first)
        first = False

    return write


class _ParquetWriter:
    """Writes chunks as row groups; the file is complete when it is closed."""

    def __init__(self, run: RateRun, file: BinaryIO) -> None:
        from domain.rating.tables import Tables

        self.run, self.file = run, file
        self.tables = Tables(run.book, run.parties)
        self.writer: Any = None

    def write(self, answered: Answered) -> None:
        table = self.tables.make(answered)
        if self.writer is None:
            self.writer = self._opened(table.schema)
        self.writer.write_table(table)

    def _opened(self, schema: Any) -> Any:
        """Return a writer that does not look for repetitions and extremes where there are none to find."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        named = [column.name for column in schema if pa.types.is_dictionary(column.type)]
        counted = [column.name for column in schema if pa.types.is_integer(column.type)]
        return pq.ParquetWriter(
            self.file,
            schema,
            compression="zstd",
            use_dictionary=named,
            column_encoding={"id": "DELTA_BYTE_ARRAY"} | dict.fromkeys(counted, "DELTA_BINARY_PACKED"),
            write_statistics=False,
            store_schema=False,  # texts are texts for whoever reads it
        )

    def close(self) -> None:
        """End the file; where there was no event it holds the columns alone."""
        if self.writer is None:
            self.write(nothing(self.run))
        self.writer.close()
