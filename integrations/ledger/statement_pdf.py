"""A statement of account as PDF: the seller's letter, every movement with the balance after it, and how old it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.invoicing.assembly import payer_of, recipient_of, seller_of
from domain.invoicing.invoice import decimals_of
from domain.ledger.ageing import BUCKETS
from domain.ledger.statement import Statement
from domain.usecases.ledger_reports import AccountStatement
from integrations.ledger.tables import said_in
from integrations.printing.faces import BOLD
from integrations.printing.letter import DRAWING, Letter
from integrations.printing.sheet import GREY, LEFT, RIGHT, Brand, Column, Sheet
from integrations.printing.words import words

_ROWS: Final = (
    Column(LEFT, 112),
    Column(112, 250),
    Column(250, 382),
    Column(382, 464, at_right=True),
    Column(464, RIGHT, at_right=True),
)
_AGES: Final = tuple(Column(LEFT + index * 71.3, LEFT + (index + 1) * 71.3, at_right=True) for index in range(7))


def draw_statement(statement: AccountStatement, *, brand: Brand | None = None) -> bytes:
    """Return the PDF."""
    with DRAWING:
        return _Printer(statement, brand or Brand()).draw()


class _Printer:
    def __init__(self, statement: AccountStatement, brand: Brand) -> None:
        self.statement = statement
        customer = statement.customer
        self.said = words(customer.language)
        self.own = said_in(customer.language)
        seller = seller_of(statement.operator, statement.operator.country)
        title = self.own["statement"]
        self.sheet = Sheet(brand, title=f"{title} {customer.number}", author=seller.name, language=customer.language)
        self.letter = Letter(self.sheet, self.said, seller, title, customer.number)

    def draw(self) -> bytes:
        statement, own = self.statement, self.own
        facts = [
            (self.said["customer"], statement.customer.number),
            (own["since"], self.said.day(statement.since)),
            (own["until"], self.said.day(statement.until)),
            (own["day"], self.said.day(statement.made_on)),
        ]
        self.letter.head(facts, recipient_of(statement.customer) or payer_of(statement.customer))
        for part in statement.parts:
            self.part(part)
        return self.sheet.close()

    def money(self, minor: int, currency: str) -> str:
        decimals = decimals_of(currency)
        return self.said.money(Decimal(minor).scaleb(-decimals), decimals)

    def part(self, part: Statement) -> None:
        sheet, own, code = self.sheet, self.own, part.currency
        self.columns(code)
        self.row(self.said.day(part.since), own["opening"], "", "", self.money(part.opening_minor, code), bold=True)
        for each in part.rows:
            one = each.movement
            self.row(
                self.said.day(one.booked_on),
                own[one.kind.value],
                one.document or own.get(one.text, ""),
                self.money(one.amount_minor, code),
                self.money(each.balance_minor, code),
                currency=code,
            )
        sheet.rule(sheet.y - 5)
        sheet.y -= 6
        self.row(self.said.day(part.until), own["closing"], "", "", self.money(part.closing_minor, code), bold=True)
        sheet.y -= 26
        if sheet.y - 40 < sheet.bottom:
            sheet.turn()
            sheet.y -= 20
        names = (*BUCKETS, "credit", "total")
        sheet.row(_AGES, [own[name] for name in names], size=7.5, colour=GREY)
        sheet.y -= 13
        sheet.row(_AGES, [self.money(getattr(part.ageing, name), code) for name in names], size=8.5)
        sheet.y -= 12

    def columns(self, currency: str) -> None:
        own = self.own
        self.sheet.y -= 22
        heads = (own["day"], own["what"], own["document"], f"{own['amount']} {currency}", own["balance"])
        self.sheet.row(_ROWS, heads, size=7.5, colour=GREY)
        self.sheet.rule(self.sheet.y - 5)
        self.sheet.y -= 4

    def row(self, *cells: str, bold: bool = False, currency: str = "") -> None:
        if self.sheet.down(13.5):
            self.columns(currency)
            self.sheet.y -= 13.5
        if bold:
            self.sheet.row(_ROWS, cells, size=8.5, face=BOLD)
        else:
            self.sheet.row(_ROWS, cells, size=8.5)
