"""Credit notes: of what is left of an invoice, of an amount, or of lines; each names it (Swedish VAT act 17:22).

The fees on a credited invoice stay billed: a credit is a decision about this invoice, and the next run does not charge
them anew. Only where the invoice is issued anew the note takes its fees back, for the new one to charge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.ids import InvoiceId
from domain.invoicing.invoice import (
    CreditScope,
    DocumentKind,
    Invoice,
    Line,
    LineKind,
    Unit,
    check,
    positioned,
    settle,
)
from domain.invoicing.invoice import decimals_of as decimals
from domain.invoicing.lefts import Left, left_of, spread
from domain.invoicing.lines import unit_price
from domain.invoicing.vat import VatTreatment
from domain.invoicing.words import words
from domain.money import round_to
from domain.refusal import BadValue, WrongState

TEXT_MAX: Final = 200
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCredit:
    """A line to credit, by its position: a quantity of it, a net amount of it, or with neither what is left of it."""

    position: int
    quantity: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to credit: ``lines``, or an ``amount`` with VAT, or with neither all that is left. ``text`` says why."""

    on: date
    amount: Decimal | None = None
    lines: Sequence[LineCredit] = ()
    text: str = ""
    reissue: bool = False


def credit(invoice: Invoice, wanted: Wanted, others: Sequence[Invoice] = ()) -> Invoice:
    """Return the credit note, not yet numbered; ``others`` are the documents that give back of the invoice already.

    Refuses with: WrongState (a credit note itself, nothing left), BadValue (more than is left, a day before the
    invoice's, a line that it does not have).
    """
    if invoice.kind is not DocumentKind.INVOICE:
        raise WrongState(
            "{number} is a credit note; only an invoice can be credited", number=invoice.number, field="invoice"
        )
    if wanted.on < invoice.issued_on:
        raise BadValue(
            "invoice {number} is of {day}; it cannot be credited before",
            number=invoice.number,
            day=invoice.issued_on,
            field="issuedOn",
        )
    if len(wanted.text) > TEXT_MAX:
        raise BadValue("the text has at most {most} characters", most=TEXT_MAX, field="text")
    left = left_of(invoice, others)
    # One that comes to nothing has nothing to give back, but can be issued anew, once.
    if left.nothing and not (wanted.reissue and not others):
        raise WrongState("invoice {number} was credited before", number=invoice.number, field="invoice")
    if wanted.lines and wanted.amount is not None:
        raise BadValue("give lines or an amount, not both", field="amount")
    lines = _wanted_lines(invoice, left, wanted)
    if lines is None or left.after(lines).nothing:
        return _whole(invoice, left, wanted)
    if wanted.lines:
        _check_sum(invoice, left, lines, len(others))
        _check_rates(invoice, left, lines)
    return _note(invoice, lines, CreditScope.PART, wanted.on, most=left.total, exact=wanted.amount)


def _wanted_lines(invoice: Invoice, left: Left, wanted: Wanted) -> list[Line] | None:
    """Return the lines of a part; None where all that is left is wanted."""
    if wanted.lines:
        return _by_lines(invoice, left, wanted)
    if wanted.amount is None or wanted.amount == left.total:
        return None
    return _by_amount(invoice, left, wanted.amount, wanted.text)


def _whole(invoice: Invoice, left: Left, wanted: Wanted) -> Invoice:
    """Take back all that is left: line by line, less what was given back of no line in particular."""
    said = words(invoice.language)
    scope = CreditScope.REISSUE if wanted.reissue else CreditScope.WHOLE
    lines = []
    for line in invoice.lines:
        net = left.nets[line.position]
        if not net and line.net:
            continue
        whole = net == line.net
        mirrored = replace(
            line,
            kind=LineKind.CORRECTION,
            text=wanted.text or said.credit.format(number=invoice.number, text=line.text),
            quantity=-line.quantity if whole else Decimal(-1 if net > 0 else 1),
            unit=line.unit if whole else Unit.PIECE,
            unit_price=line.unit_price if whole else abs(net),
            net=-net,
            events=None,
            used=None,
            amount_micro=None,
            fee=line.fee if scope is CreditScope.REISSUE else None,
            corrects=invoice.number,
            corrects_line=line.position,
        )
        lines.append(mirrored)
    for (vat, account), net in left.loose.items():
        if net:
            text = said.credited.format(number=invoice.number)
            lines.append(replace(_loose(invoice, net, text), vat=vat, account=account))
    return _note(invoice, lines, scope, wanted.on, most=left.total, exact=left.total)


def _by_lines(invoice: Invoice, left: Left, wanted: Wanted) -> list[Line]:
    known = {line.position: line for line in invoice.lines}
    said = words(invoice.language)
    found: list[Line] = []
    for index, one in enumerate(wanted.lines):
        field = f"lines.{index}"
        line = known.get(one.position)
        if line is None:
            raise BadValue(
                "invoice {number} has no line {position}",
                number=invoice.number,
                position=one.position,
                field=f"{field}.position",
            )
        if any(each.corrects_line == one.position for each in found):
            raise BadValue("line {position} stands there twice", position=one.position, field=f"{field}.position")
        net, quantity = _share(line, one, left.net_of(line), decimals(invoice.currency), field)
        sign = -1 if net > 0 else 1
        found.append(
            replace(
                line,
                kind=LineKind.CORRECTION,
                text=wanted.text or said.credit.format(number=invoice.number, text=line.text),
                quantity=sign * (quantity or Decimal(1)),
                unit=line.unit if quantity else Unit.PIECE,
                unit_price=unit_price(abs(net), quantity) if quantity else abs(net),
                net=-net,
                events=None,
                used=None,
                amount_micro=None,
                fee=None,
                corrects=invoice.number,
                corrects_line=line.position,
            )
        )
    return found


def _check_rates(invoice: Invoice, left: Left, lines: Sequence[Line]) -> None:
    """Refuse lines that take more back of a category of VAT than is left of it, or that raise what is left."""
    before: defaultdict[VatTreatment, Decimal] = defaultdict(Decimal)
    given: defaultdict[VatTreatment, Decimal] = defaultdict(Decimal)
    for (vat, _), net in left.groups().items():
        before[vat] += net
    for line in lines:
        given[line.vat] -= line.net
    for vat, net in given.items():
        low, high = sorted((_ZERO, before[vat]))
        if not low <= net <= high:
            raise BadValue(
                "of invoice {number} {left} {currency} before VAT is left to credit at {percent:f} % VAT ({category});"
                " lines that lower others are credited with those",
                number=invoice.number,
                left=before[vat],
                currency=invoice.currency,
                percent=vat.percent,
                category=vat.category,
                field="lines",
            )


def _check_sum(invoice: Invoice, left: Left, lines: Sequence[Line], before: int) -> None:
    """Refuse lines that together give nothing back, or more than is left: others of the invoice lower what it comes to.

    What rounding alone explains, of the invoice and of VAT by category here and on the notes ``before``, is no more
    than is left.
    """
    places = decimals(invoice.currency)
    given = -settle(((line.vat, line.net) for line in lines), decimals=places).total
    if given <= 0:
        raise BadValue("these lines come to nothing that is to be paid", field="lines")
    rounded = abs(invoice.rounding) + (before + 2) * len(invoice.vat) * Decimal("0.5").scaleb(-places)
    if given > left.total + rounded:
        raise BadValue(
            "of invoice {number} {left} {currency} is left to credit",
            number=invoice.number,
            left=left.total,
            currency=invoice.currency,
            field="lines",
        )


def _share(line: Line, one: LineCredit, left: Decimal, places: int, field: str) -> tuple[Decimal, Decimal | None]:
    """Return the net to take back of a line, with its sign there, and how much of it that is, where that was said."""
    if not left:
        raise BadValue("nothing is left of line {position}", position=line.position, field=f"{field}.position")
    if one.quantity is not None and one.amount is not None:
        raise BadValue("give a quantity or an amount, not both", field=f"{field}.amount")
    if one.amount is not None:
        _amount(one.amount, places, f"{field}.amount")
        if one.amount > abs(left):
            raise BadValue(
                "of line {position} {left} is left to credit",
                position=line.position,
                left=abs(left),
                field=f"{field}.amount",
            )
        return (one.amount if left > 0 else -one.amount), None
    if one.quantity is None:
        return left, abs(line.quantity) if left == line.net else None
    # How much is left follows from the net that is, in the decimals that the line's own quantity has.
    exponent = line.quantity.as_tuple().exponent
    assert isinstance(exponent, int)
    most = round_to(abs(line.quantity * left / line.net), max(0, -exponent))
    if not 0 < one.quantity <= most:
        raise BadValue(
            "of line {position} a quantity of more than 0 and up to {left} can be credited",
            position=line.position,
            left=most,
            field=f"{field}.quantity",
        )
    if one.quantity == most:
        return left, one.quantity
    net = round_to(line.net * one.quantity / abs(line.quantity), places)
    if not net:
        raise BadValue("a quantity of {quantity} comes to nothing", quantity=one.quantity, field=f"{field}.quantity")
    return (min(net, left) if left > 0 else max(net, left)), one.quantity


def _by_amount(invoice: Invoice, left: Left, amount: Decimal, text: str) -> list[Line]:
    """Spread an amount with VAT over what is left, by VAT category and account."""
    places = decimals(invoice.currency)
    _amount(amount, places, "amount")
    if amount > left.total:
        raise BadValue(
            "of invoice {number} {left} {currency} is left to credit",
            number=invoice.number,
            left=left.total,
            currency=invoice.currency,
            field="amount",
        )
    groups = left.groups()
    rates = {vat: _ZERO for vat, _ in groups}
    for (vat, _), net in groups.items():
        rates[vat] += net
    gross = {vat: net + round_to(net * vat.percent / 100, places) for vat, net in rates.items() if net > 0}
    said = words(invoice.language).reduction.format(number=invoice.number)
    lines = []
    for vat, part in spread(amount, gross, places).items():
        mine = {key: net for key, net in groups.items() if key[0] == vat and net > 0}
        net = min(round_to(part * 100 / (100 + vat.percent), places), rates[vat])
        for key, share in spread(net, mine, places).items():
            if share:
                lines.append(replace(_loose(invoice, -share, text or said), vat=key[0], account=key[1]))
    if not lines:
        raise BadValue("{amount:f} comes to nothing", amount=amount, field="amount")
    return lines


def _loose(invoice: Invoice, net: Decimal, text: str) -> Line:
    """Return a line of a credit note that is of no line of the invoice in particular."""
    return Line(
        position=0,
        kind=LineKind.CORRECTION,
        customer=invoice.customer,
        customer_name=invoice.payer.name,
        text=text,
        quantity=Decimal(-1 if net < 0 else 1),
        unit=Unit.PIECE,
        unit_price=abs(net),
        net=net,
        vat=invoice.lines[0].vat,
        period=invoice.period,
        account=invoice.lines[0].account,
        corrects=invoice.number,
    )


def _note(
    invoice: Invoice, lines: Sequence[Line], scope: CreditScope, on: date, *, most: Decimal, exact: Decimal | None
) -> Invoice:
    """Return the credit note of lines; ``exact`` is what it must come to, and it never comes to more than ``most``.

    VAT is rounded on each document, so that notes of parts may be a unit of the last decimal off the invoice: that,
    and the invoice's own rounding once nothing is left, stands as rounding.
    """
    totals = settle(((line.vat, line.net) for line in lines), decimals=decimals(invoice.currency))
    total = -exact if exact is not None else max(totals.total, -most) if most > 0 else totals.total
    return check(
        replace(
            invoice,
            id=InvoiceId(0),
            run=None,
            kind=DocumentKind.CREDIT_NOTE,
            number="",
            issued_on=on,
            due_on=on,
            payment=replace(invoice.payment, reference=""),
            lines=positioned(lines),
            vat=totals.vat,
            net=totals.net,
            vat_total=totals.vat_total,
            rounding=total - totals.total,
            total=total,
            original=invoice.number,
            buckets=(),
            credit=scope,
            replaces=None,
        )
    )


def _amount(amount: Decimal, places: int, field: str) -> None:
    if amount <= 0 or amount != round(amount, places):
        raise BadValue("an amount to credit is more than 0, with at most {places} decimals", places=places, field=field)
