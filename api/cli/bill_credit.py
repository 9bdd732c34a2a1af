"""``tollwright bill credit`` and ``tollwright bill reissue``: what becomes of an issued invoice."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.invoicing.invoice import Invoice

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[str, typer.Argument(help="The invoice's number.")]
IssuedOn = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The document's date; today unless given.")
]


def credit(  # noqa: PLR0917  (typer declares options so)
    number: Number,
    amount: Annotated[str | None, typer.Option(help="An amount with VAT; all that is left unless given.")] = None,
    line: Annotated[
        list[str] | None, typer.Option(help="A line: 3, 3:quantity=2 or 3:amount=10.00; may be repeated.")
    ] = None,
    text: Annotated[str, typer.Option(help="Why, as it stands on the credit note.")] = "",
    issued_on: IssuedOn = None,
    operator: Operator = None,
) -> int:
    """Credit an invoice: all that is left, an amount, or lines.

    Prints the credit note.
    """
    from api.cli.reach import run_with
    from domain.invoicing.crediting import LineCredit
    from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
    from domain.usecases.get_invoice import get_invoice

    lines = tuple(LineCredit(**_line(one)) for one in line or ())

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_invoice(number, actor=actor, begin=wiring.begin)
        cmd = CreditInvoice(
            invoice=found.id,
            amount=None if amount is None else _decimal(amount, "--amount"),
            lines=lines,
            text=text,
            issued_on=_day(issued_on),
        )
        note = await credit_invoice(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps(data(note), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def reissue(
    number: Number,
    customer: Annotated[str | None, typer.Option(help="The customer number of who should have got it.")] = None,
    text: Annotated[str, typer.Option(help="Why, as it stands on the credit note.")] = "",
    issued_on: IssuedOn = None,
    operator: Operator = None,
) -> int:
    """Credit an invoice and issue it anew.

    It goes to its payer as he is now, or to another customer. Prints the credit note and the new invoice.
    """
    from api.cli.reach import run_with
    from domain.usecases.get_customer import get_customer
    from domain.usecases.get_invoice import get_invoice
    from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_invoice(number, actor=actor, begin=wiring.begin)
        to = None if customer is None else (await get_customer(customer, actor=actor, begin=wiring.begin)).id
        cmd = ReissueInvoice(invoice=found.id, customer=to, text=text, issued_on=_day(issued_on))
        done = await reissue_invoice(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        for one in (done.credit_note, done.invoice):
            print(json.dumps(data(one), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def data(invoice: Invoice) -> dict[str, Any]:
    """Return what a line of output tells of a document."""
    return {
        "invoice": invoice.number,
        "kind": invoice.kind.value,
        "original": invoice.original,
        "replaces": invoice.replaces,
        "customer": invoice.payer.number,
        "net": f"{invoice.net:f}",
        "vat": f"{invoice.vat_total:f}",
        "rounding": f"{invoice.rounding:f}",
        "total": f"{invoice.total:f}",
        "currency": invoice.currency,
        "reference": invoice.payment.reference,
    }


def _line(text: str) -> dict[str, Any]:
    position, _, share = text.partition(":")
    name, _, value = share.partition("=")
    if not (position.isascii() and position.isdigit() and len(position) < 10) or name not in {"", "quantity", "amount"}:
        raise BadValue(f"{text!r} is not a line such as 3, 3:quantity=2 or 3:amount=10.00", field="--line")
    found: dict[str, Any] = {"position": int(position)}
    return found | ({name: _decimal(value, "--line")} if name else {})


def _decimal(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise BadValue(f"{text!r} is not an amount such as 125.00", field=option)
    return value


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None
