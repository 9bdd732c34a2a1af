"""``tollwright payments``: what a bank's payment file says, as neutral records; nothing is posted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import ATTENTION, DONE, complain
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
def formats() -> int:
    """List the formats that are read."""
    from domain.payments.record import FORMATS

    print("\n".join(FORMATS))
    return DONE
