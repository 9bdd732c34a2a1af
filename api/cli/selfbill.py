"""``tollwright selfbill``: the invoices that the operator writes for those whom he owes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.selfbilling.document import SelfBilled

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[str, typer.Argument(help="The document's number, such as SB1-00001.")]


@app.callback()
def main() -> None:
    """Write invoices for those whom the operator owes (self-billing)."""


@app.command()
def run(
    period: Annotated[str, typer.Option(help="A month such as 2026-10, or days such as 2026-10-01..2026-11-01.")],
    supplier: Annotated[list[str] | None, typer.Option(help="A supplier's code; may be repeated.")] = None,
    issued_on: Annotated[str | None, typer.Option(help="The documents' date; otherwise today.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything, keep nothing.")] = False,
    operator: Operator = None,
) -> int:
    """Write what suppliers are owed; again, only what is new.

    Prints a JSON line per document. Ends with 1 where one could not be made.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from datetime import date

        from api.cli.bill import _period as read_period
        from domain.usecases.self_bill import SelfBill, self_bill

        try:
            on = None if issued_on is None else date.fromisoformat(issued_on)
        except ValueError:
            raise BadValue("a day is written as 2026-10-31", field="--issued-on") from None
        cmd = SelfBill(
            period=read_period(period),
            suppliers=tuple(supplier) if supplier else None,
            issued_on=on,
            dry_run=dry_run,
        )
        made = await self_bill(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        for one in made.documents:
            print(json.dumps(_row(one), ensure_ascii=False))
        for doubt in made.unbilled:
            row = {"supplier": doubt.supplier, "unbilled": doubt.reason, "detail": doubt.detail}
            print(json.dumps(row, ensure_ascii=False))
        return ATTENTION if made.unbilled else DONE

    return run_with(operator, work)


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Option(help="A supplier's code; otherwise all.")] = None,
    operator: Operator = None,
) -> int:
    """List the documents."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PageRequest
        from domain.usecases.self_bill import list_self_billed

        after, more = None, True
        while more:
            page = await list_self_billed(PageRequest(200, after), actor=actor, begin=wiring.begin, supplier=supplier)
            for one in page.items:
                print(json.dumps(_row(one), ensure_ascii=False))
                after = one.id
            more = page.more
        return DONE

    return run_with(operator, work)


@app.command()
def export(
    number: Number,
    format_: Annotated[str, typer.Option("--format", help="pdf, xml (Peppol), json or csv.")] = "pdf",
    out: Annotated[Path | None, typer.Option(help="A file; otherwise the number and format, here.")] = None,
    operator: Operator = None,
) -> int:
    """Write one as a file."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.print_self_billed import print_self_billed

        _, content = await print_self_billed(
            number, suffix=format_, actor=actor, begin=wiring.begin, documents=wiring.documents
        )
        place = out or Path(f"{number}.{format_}")
        place.write_bytes(content)
        print(json.dumps({"number": number, "file": str(place), "bytes": len(content)}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _row(one: SelfBilled) -> dict[str, Any]:
    invoice = one.invoice
    return {
        "supplier": invoice.payer.number,
        "number": invoice.number or None,
        "kind": invoice.kind.value,
        "period": str(invoice.period),
        "currency": invoice.currency,
        "net": f"{invoice.net:f}",
        "vat": f"{invoice.vat_total:f}",
        "total": f"{invoice.total:f}",
        "lines": len(invoice.lines),
        "answer": None if one.answer is None else one.answer.value,
        "released": one.released,
    }
