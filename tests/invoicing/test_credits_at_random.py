"""Random invoices, with lines that lower others, credited at random: no note gives more than there is, and all ties."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from domain.ids import InvoiceId
from domain.invoicing.crediting import LineCredit, Wanted, credit
from domain.invoicing.invoice import Invoice, check, decimals_of, numbered, settle
from domain.invoicing.lines import unit_price
from domain.invoicing.vat import REVERSE_CHARGE, VatTreatment
from domain.refusal import BadValue, WrongState
from tests.invoicing.made import issued

ON = date(2026, 12, 1)
RATES = (*(VatTreatment("S", Decimal(rate)) for rate in (25, 12, 6)), VatTreatment("E", Decimal(0)), REVERSE_CHARGE)


def invoice_of(r: random.Random) -> Invoice:
    """Return an invoice of one to six lines in up to three categories of VAT, of which something is to be paid."""
    base, currency = issued(), r.choice(("SEK", "SEK", "EUR", "ISK"))
    places, rates = decimals_of(currency), r.sample(RATES, r.choice((1, 1, 2, 3)))
    while True:
        lines = []
        for position in range(1, r.randrange(2, 8)):
            net = Decimal(r.choice((r.randrange(1, 300), r.randrange(1, 10**6)))).scaleb(-places) * r.choice(
                (1,) * 6 + (-1,)
            )
            quantity = Decimal(r.choice(("1", "3", "2.5", "12.57"))).copy_sign(net)
            price, vat, account = unit_price(net, quantity), r.choice(rates), r.choice(("3041", "3042"))
            lines.append(
                replace(
                    base.lines[0],
                    position=position,
                    net=net,
                    quantity=quantity,
                    unit_price=price,
                    vat=vat,
                    account=account,
                    fee=None,
                )
            )
        whole = currency == "SEK" and r.random() < 0.6
        totals = settle(((line.vat, line.net) for line in lines), decimals=places, whole=whole)
        if totals.total > 0:
            made = replace(base, currency=currency, lines=tuple(lines), vat=totals.vat, net=totals.net)
            return check(replace(made, vat_total=totals.vat_total, rounding=totals.rounding, total=totals.total))


def wanted_of(r: random.Random, invoice: Invoice, left: Decimal) -> Wanted:
    """Ask for all, an amount, or some lines by amount, by quantity or as they are."""
    places = decimals_of(invoice.currency)
    how = r.random()
    if how < 0.05:
        return Wanted(on=ON)
    if how < 0.5:
        most = min(int(left.scaleb(places)) + 2, r.choice((200, 10**9)))
        return Wanted(on=ON, amount=Decimal(r.randrange(1, most)).scaleb(-places))
    lines = []
    for line in r.sample(invoice.lines, r.randrange(1, len(invoice.lines) + 1)):
        amount = Decimal(r.randrange(1, int(abs(line.net).scaleb(places)) + 2)).scaleb(-places)
        quantity = Decimal(r.choice(("1", "0.5", "0.01")))
        lines.append(
            r.choice(
                (
                    LineCredit(position=line.position),
                    LineCredit(position=line.position, amount=amount),
                    LineCredit(position=line.position, quantity=quantity),
                )
            )
        )
    return Wanted(on=ON, lines=tuple(lines))


def nets_of(*documents: Invoice) -> dict[VatTreatment, Decimal]:
    sums: dict[VatTreatment, Decimal] = defaultdict(Decimal)
    for one in documents:
        for line in one.lines:
            sums[line.vat] += line.net
    return sums


@pytest.mark.parametrize("seed", range(0, 400, 100))
def test_credits_at_random_never_pass_what_was_charged(seed: int) -> None:
    closed = 0
    for one in range(seed, seed + 100):
        r = random.Random(one)
        invoice, notes = invoice_of(r), list[Invoice]()
        places = decimals_of(invoice.currency)
        unit = Decimal(1).scaleb(-places)
        for _ in range(40):
            left = invoice.total + sum(note.total for note in notes)
            wanted = wanted_of(r, invoice, left)
            try:
                note = credit(invoice, wanted, notes)
            except WrongState:
                break
            except BadValue:
                assert wanted.lines or wanted.amount is not None, "all that is left can be credited"
                continue
            notes.append(numbered(note, id=InvoiceId(2 + len(notes)), number=f"K{len(notes)}", reference=""))
            _ties(invoice, notes, wanted, places)
        if invoice.total + sum(note.total for note in notes):
            continue
        closed += 1
        # What rounding alone has left, of the invoice or of net and VAT on each note, is all there is left.
        slack = abs(invoice.rounding) + 2 * unit * (len(notes) + 2) * len(invoice.vat)
        gross = sum(net * (100 + vat.percent) / 100 for vat, net in nets_of(invoice, *notes).items())
        assert abs(gross) <= slack, (one, gross, slack)
    assert closed > 60


def _ties(invoice: Invoice, notes: list[Invoice], wanted: Wanted, places: int) -> None:
    note = notes[-1]
    left = invoice.total + sum(one.total for one in notes)
    assert left >= 0
    assert note.total <= 0
    assert note.original == invoice.number
    assert note.net + note.vat_total + note.rounding == note.total
    for each in note.vat:
        exact = Fraction(each.taxable) * Fraction(each.treatment.percent) / 100
        assert abs(Fraction(each.tax) - exact) <= Fraction(1, 2 * 10**places)
    before, after = nets_of(invoice), nets_of(invoice, *notes)
    assert all(0 <= after[vat] <= net or net <= after[vat] <= 0 for vat, net in before.items())
    if wanted.amount is not None:
        assert note.total == -wanted.amount or left == 0
