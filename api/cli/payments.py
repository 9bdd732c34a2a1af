"""``tollwright payments``: what a bank's payment file says, and files for banks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import ATTENTION, DONE, complain, payments_desk
from api.cli.mediate import naming, open_file

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def payments() -> None:
    """Payment files of banks and clearing houses."""


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A payment file; - is standard input.")],
    format_: Annotated[
        str,
        typer.Option("--format", help="The file's format, or auto to know it by its content; see payments formats."),
    ] = "auto",
) -> int:
    """Print a payment file's records; nothing is posted.

    A record is a line; what the file says of itself comes last, on stderr.

    The format's own counts and sums are checked: a file that does not hold prints nothing and ends with 2; one that a
    person must look at (a test file, sums that differ, a date to come) ends with 1.
    """
    from datetime import UTC, datetime

    from domain.payments.looking import misgivings
    from integrations.payments import formats

    with open_file(file) as opened, naming(file):
        opened.seek(0)
        found = formats.read(opened.read(formats.BYTES_MAX + 1), format_)
    attention = misgivings(found, datetime.now(UTC).date())
    for record in found.records:
        print(json.dumps(record.as_dict(), ensure_ascii=False))
    sys.stdout.flush()
    for reason in attention:
        complain(f"{file}: {reason}")
    print(json.dumps(found.as_dict() | {"attention": list(attention)}, ensure_ascii=False), file=sys.stderr)
    return ATTENTION if attention else DONE


@app.command()
def formats(
    written: Annotated[bool, typer.Option("--written", help="The formats that are written instead.")] = False,
) -> int:
    """List the formats that are read."""
    from domain.payments.record import FORMATS
    from integrations.payments.writing import WRITTEN

    print("\n".join(WRITTEN if written else FORMATS))
    return DONE


@app.command()
def write(
    orders: Annotated[Path, typer.Argument(help="What is asked, as JSON (docs/payments.md); - is stdin.")],
    format_: Annotated[str, typer.Option("--format", help="The file's format; see payments formats --written.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write; - is standard output.")] = Path("-"),
) -> int:
    """Write a file for a bank; nothing is kept or posted.

    Direct debits of an operator's own invoices are made by the server, which numbers their files: see payments
    debits. This writes one file from what it is told.
    """
    from api.order_files import read_batch
    from integrations.payments.writing import write as write_file

    with open_file(orders) as opened, naming(orders):
        opened.seek(0)
        batch = read_batch(opened.read())
    data = write_file(format_, batch)
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        out.write_bytes(data)
    return DONE


for command in payments_desk.COMMANDS:
    app.command()(command)
