"""``tollwright print``: batches for a printhouse, and what it says became of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import Unreadable

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.delivery.printing import PrintBatch
    from domain.delivery.receipts import Receipt
    from domain.ids import InvoiceId

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[int, typer.Argument(help="The batch's id, as `print list` prints it.", min=1)]


@app.callback()
def main() -> None:
    """Make batches for a printhouse, drop them, and read its receipts."""


@app.command()
def batch(  # noqa: PLR0917  (options, which are named)
    run: Annotated[int | None, typer.Option(help="Only of this bill run.", min=1)] = None,
    invoice: Annotated[list[str] | None, typer.Option(help="Only this invoice, by number (repeatable).")] = None,
    again: Annotated[bool, typer.Option(help="Also what was in a batch before; with --invoice.")] = False,
    simplex: Annotated[bool, typer.Option(help="Print on one side of the paper.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many documents.", min=1)] = 5000,
    out: Annotated[Path | None, typer.Option(help="Write the batch's files to this folder.")] = None,
    drop: Annotated[str | None, typer.Option(help="Put it where this channel says.")] = None,
    operator: Operator = None,
) -> int:
    """Make a batch of the documents that wait to be printed.

    A document is in one batch; into another it goes with --again alone.
    Prints the batch as a JSON line.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.print_batch import MakePrintBatch, drop_print_batch, make_print_batch, read_print_batch

        keys = await numbered(invoice or (), wiring, actor)
        cmd = MakePrintBatch(
            run=BillRunId(run) if run else None, invoices=keys, again=again, duplex=not simplex, limit=limit
        )
        made = await make_print_batch(
            cmd,
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            documents=wiring.documents,
            blobs=wiring.blobs,
        )
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for kind, _ in made.files:
                _, content = await read_print_batch(made.id, kind, actor=actor, begin=wiring.begin, blobs=wiring.blobs)
                (out / f"{made.name}.{kind}").write_bytes(content)
        if drop is not None:
            made = await drop_print_batch(
                made.id,
                drop,
                version=made.version,
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                transports=wiring.transports,
                vault=wiring.vault,
            )
        print(json.dumps(told(made), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command(name="list")
def list_them(operator: Operator = None) -> int:
    """Print the batches as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.print_batch import list_print_batches

        after = None
        while True:
            page = await list_print_batches(PageRequest(PAGE_MAX, after), actor=actor, begin=wiring.begin)
            for one in page.items:
                print(json.dumps(told(one), ensure_ascii=False))
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def drop(
    batch: Number, channel: Annotated[str, typer.Argument(help="The channel's code.")], operator: Operator = None
) -> int:
    """Put a batch's files where a channel says."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import PrintBatchId
        from domain.ports.page import PageRequest
        from domain.usecases.print_batch import drop_print_batch, list_print_batches

        found = await list_print_batches(PageRequest(1, batch - 1), actor=actor, begin=wiring.begin)
        version = found.items[0].version if found.items else 1
        made = await drop_print_batch(
            PrintBatchId(batch),
            channel,
            version=version,
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            blobs=wiring.blobs,
            transports=wiring.transports,
            vault=wiring.vault,
        )
        print(json.dumps(told(made), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def receipt(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV, XML or JSON Lines; - is stdin")],
    batch: Annotated[int | None, typer.Option(help="All of it is about this batch.", min=1)] = None,
    operator: Operator = None,
) -> int:
    """Read a printhouse's receipts, a state per document.

    Accepted, delivered or rejected, in a table, in XML or as JSON Lines.
    Ends with 1 where a document was rejected, or nobody knows one.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import PrintBatchId
        from domain.usecases.print_batch import take_print_receipt

        odd = False
        for name in files:
            done = await take_print_receipt(
                PrintBatchId(batch) if batch else None,
                read_receipts(name),
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
            )
            row = {"file": name, "moved": done.moved, "known": done.known}
            print(json.dumps(row | {"rejected": done.rejected, "unknown": done.unknown}, ensure_ascii=False))
            odd |= bool(done.rejected or done.unknown)
        return ATTENTION if odd else DONE

    return run_with(operator, work)


async def numbered(numbers: Sequence[str], wiring: Wiring, actor: Actor) -> tuple[InvoiceId, ...]:
    """Return the keys of documents by their numbers; an invoice before a credit note. Refuses with: NotFound."""
    from domain.invoicing.invoice import DocumentKind
    from domain.refusal import NotFound
    from domain.usecases.get_invoice import get_invoice

    keys = []
    for number in numbers:
        try:
            one = await get_invoice(number, actor=actor, begin=wiring.begin)
        except NotFound:
            one = await get_invoice(number, actor=actor, begin=wiring.begin, kind=DocumentKind.CREDIT_NOTE)
        keys.append(one.id)
    return tuple(keys)


def read_receipts(name: str) -> list[Receipt]:
    """Read a receipt file. Refuses with: Unreadable, BadValue, LimitExceeded, each naming the file."""
    from domain.refusal import BadValue, LimitExceeded
    from integrations.printing.receipts import SIZE_MAX, read

    try:
        if name == "-":
            data = sys.stdin.buffer.read(SIZE_MAX + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(SIZE_MAX + 1)
    except OSError as fault:
        raise Unreadable(f"{name}: cannot be read: {fault.strerror or fault}") from None
    try:
        return read(data)
    except (Unreadable, BadValue, LimitExceeded) as no:
        raise type(no)(f"{name}: {no.message}") from None


def told(one: PrintBatch) -> dict[str, Any]:
    """Return a batch as the command line prints it."""
    return {
        "id": one.id,
        "number": one.number,
        "name": one.name,
        "state": one.state.value,
        "documents": one.documents,
        "pages": one.pages,
        "sheets": one.sheets,
        "totals": {currency: str(amount) for currency, amount in one.totals},
        "sha256": one.digest.hex(),
        "accepted": one.accepted,
        "rejected": one.rejected,
        "made_at": one.made_at.isoformat(),
        "dropped_to": one.dropped_to,
    }
