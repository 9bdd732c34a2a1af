"""``tollwright bench``: the benchmarks, each beside the physical limit of this machine where there is one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Annotated, Final, Protocol, cast

import typer

from api.cli import DONE
from domain.refusal import NotFound

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# name -> (module, what it measures)
BENCHES: Final = {
    "rating": ("benchmarks.rating", "kernel events/s on one core, a quote's latency, compiling, CSV rated to Parquet"),
    "readers": ("benchmarks.readers", "rows/s of each CDR format beside a bare parse"),
    "billing": ("benchmarks.billing", "invoices/s of a bill run"),
    "einvoice": ("benchmarks.einvoice", "documents written, checked and printed a second of CPU time, by format"),
    "ledger": ("benchmarks.ledger", "a file of 100,000 payments to booked ones; camt details beside a bare parse"),
    "credit": ("benchmarks.credit", "calls authorised a second in process and over REST, and how soon a limit bars"),
    "api": ("benchmarks.api", "answers at 50 requests/s with a million customers: by id, search, a page, balances"),
    "trail": ("benchmarks.trail", "what the audit trail costs a request, with it and without in turns"),
    "bulk": ("benchmarks.bulk", "a sheet of 100,000 lines with a number each, from bytes to committed ones"),
    "catalogue": (
        "benchmarks.catalogue",
        "400,000 prefixes imported, read and compiled; a draft of one list published",
    ),
    "ingest": ("benchmarks.ingest", "file to committed rows beside a raw COPY, memory, a file of ten lines"),
}
ALIASES: Final = {"kernel": "rating"}


class Bench(Protocol):
    """A module of ``benchmarks``."""

    run: Callable[..., object]


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help=f"One of {', '.join(BENCHES)}; all where none is named.")] = None,
    rows: Annotated[int | None, typer.Option(help="Of ingest: how many CDRs the file has.", min=1000)] = None,
    rounds: Annotated[int | None, typer.Option(help="Of ingest: import and raw COPY in turns.", min=1, max=12)] = None,
    customers: Annotated[int | None, typer.Option(help="Of api and billing: how many there are.", min=1000)] = None,
    events: Annotated[int | None, typer.Option(help="Of billing: rated events of each customer.", min=1)] = None,
) -> int:
    """Measure and print, one line per figure."""
    chosen = [ALIASES.get(name, name)] if name else list(BENCHES)
    for one in chosen:
        if one not in BENCHES:
            raise NotFound(f"no benchmark {one!r}: there is {', '.join(BENCHES)}")
        module = cast("Bench", importlib.import_module(BENCHES[one][0]))
        print(f"{one}: {BENCHES[one][1]}", flush=True)
        options = {"rows": rows} if one == "ingest" and rows else {}
        options |= {"rounds": rounds} if one == "ingest" and rounds else {}
        options |= {"customers": customers} if one in {"api", "billing"} and customers else {}
        options |= {"events": events} if one == "billing" and events else {}
        module.run(_tell, **options)
    return DONE


def _tell(line: str) -> None:
    print(line, flush=True)
