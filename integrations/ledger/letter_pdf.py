"""A letter of collection as PDF and as text: what is not paid, what is added and why, and how to pay it by when."""

from __future__ import annotations

import textwrap
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.collection.progress import Letter
from domain.collection.rules import StepKind
from domain.customers.customer import Customer
from domain.invoicing.assembly import payer_of, recipient_of, seller_of
from domain.invoicing.invoice import decimals_of
from domain.operators import Operator
from integrations.ledger.tables import said_in
from integrations.printing.faces import BOLD
from integrations.printing.letter import DRAWING
from integrations.printing.letter import Letter as Head
from integrations.printing.sheet import GREY, LEFT, RIGHT, Brand, Column, Sheet
from integrations.printing.words import grouped_bankgiro, words

_ROWS: Final = (
    Column(LEFT, 160),
    Column(160, 240),
    Column(240, 320, at_right=True),
    Column(320, 390, at_right=True),
    Column(390, 460, at_right=True),
    Column(460, RIGHT, at_right=True),
)
_AMOUNTS: Final = ("open_minor", "earlier_minor", "fee_minor", "compensation_minor", "interest_minor")
_TEXT_WIDTH: Final = 100  # characters of 9 points


def draw_letter(letter: Letter, customer: Customer, operator: Operator, *, brand: Brand | None = None) -> bytes:
    """Return the PDF."""
    with DRAWING:
        return _Printer(letter, customer, operator, brand or Brand()).draw()


def letter_text(letter: Letter, operator: Operator) -> tuple[str, str, str]:
    """Return a letter's subject, its text for a mail, and its text for a phone."""
    language = str(letter.content["language"])
    own, said = said_in(language), words(language)
    rows, code = letter.content["rows"], letter.currency
    total = f"{_money(said, _total(letter), code)}"
    numbers = ", ".join(str(row["number"]) for row in rows)
    lines = [
        own[f"{letter.kind.value}_text"],
        "",
        *(
            f"{own['invoice']} {row['number']}: {_money(said, _sum(row), code)} {code}"
            f" ({own['due']} {said.day(date.fromisoformat(row['due_on']))})"
            for row in rows
        ),
        "",
        f"{own['to_pay']}: {total} {code}",
        f"{own['pay_by']}: {said.day(date.fromisoformat(letter.content['pay_by']))}",
        f"{said['reference']}: {letter.content['reference']}",
        *([f"{said['bankgiro']}: {grouped_bankgiro(operator.bankgiro)}"] if operator.bankgiro else []),
        *([f"{said['iban']}: {operator.iban}"] if operator.iban else []),
        "",
        operator.name,
    ]
    short = own["sms_text"].format(
        seller=operator.name, number=numbers, amount=total, currency=code, reference=letter.content["reference"]
    )
    return f"{own[letter.kind.value]} {numbers}", "\n".join(lines), short


def _sum(row: dict[str, Any]) -> int:
    return sum(int(row[name]) for name in _AMOUNTS)


def _total(letter: Letter) -> int:
    return sum(_sum(row) for row in letter.content["rows"])


def _money(said: Any, minor: int, currency: str) -> str:
    decimals = decimals_of(currency)
    return str(said.money(Decimal(minor).scaleb(-decimals), decimals))


class _Printer:
    def __init__(self, letter: Letter, customer: Customer, operator: Operator, brand: Brand) -> None:
        self.letter = letter
        self.customer = customer
        self.operator = operator
        language = str(letter.content["language"])
        self.said, self.own = words(language), said_in(language)
        seller = seller_of(operator, operator.country)
        title = self.own[letter.kind.value]
        self.sheet = Sheet(brand, title=f"{title} {letter.id}", author=seller.name, language=language)
        self.head = Head(self.sheet, self.said, seller, title, str(letter.id))

    def money(self, minor: int) -> str:
        return _money(self.said, minor, self.letter.currency)

    def draw(self) -> bytes:
        letter, own, said = self.letter, self.own, self.said
        pay_by = date.fromisoformat(letter.content["pay_by"])
        facts = [
            (own["letter"], str(letter.id)),
            (own["day"], said.day(letter.made_on)),
            (said["customer"], self.customer.number),
            (own["pay_by"], said.day(pay_by)),
        ]
        self.head.head(facts, recipient_of(self.customer) or payer_of(self.customer))
        self.sheet.y -= 10
        self.paragraph(own[f"{letter.kind.value}_text"])
        self.table()
        self.paying(said.day(pay_by))
        return self.sheet.close()

    def paragraph(self, text: str, *, size: float = 9) -> None:
        for line in textwrap.wrap(text, _TEXT_WIDTH):
            self.sheet.down(13)
            self.sheet.text(LEFT, self.sheet.y, line, size=size)

    def table(self) -> None:
        sheet, own = self.sheet, self.own
        sheet.y -= 22
        fee = "collection_fee" if self.letter.kind is StepKind.DEMAND else "fee"
        heads = [own[name] for name in ("invoice", "due", "open", fee, "interest", "total")]
        sheet.row(_ROWS, heads, size=7.5, colour=GREY)
        sheet.rule(sheet.y - 5)
        sheet.y -= 4
        for row in self.letter.content["rows"]:
            sheet.down(13.5)
            fees = int(row["fee_minor"]) + int(row["compensation_minor"])
            cells = (
                str(row["number"]),
                self.said.day(date.fromisoformat(row["due_on"])),
                self.money(row["open_minor"]),
                self.money(fees) if fees else "",
                self.money(row["interest_minor"]) if row["interest_minor"] else "",
                self.money(_sum(row)),
            )
            sheet.row(_ROWS, cells, size=8.5)
            for note in self.notes(row):
                sheet.down(10.5)
                sheet.text(LEFT + 10, sheet.y, note, size=7, colour=GREY)

    def notes(self, row: dict[str, Any]) -> list[str]:
        own, said = self.own, self.said
        found = []
        if row["earlier_minor"]:
            found.append(f"{own['claim']}: {self.money(row['earlier_minor'])}")
        if row["compensation_minor"]:
            found.append(f"{own['compensation']}: {self.money(row['compensation_minor'])}")
        for line in row["interest"]:
            start, end = date.fromisoformat(line["start"]), date.fromisoformat(line["end"])
            found.append(
                own["interest_line"].format(
                    percent=said.number(Decimal(line["percent"])),
                    principal=self.money(line["principal_minor"]),
                    days=(end - start).days,
                    start=said.day(start),
                    end=said.day(end),
                )
            )
        if row["disputed_minor"]:
            found.append(own["disputed_text"].format(amount=self.money(row["disputed_minor"])))
        return found

    def paying(self, pay_by: str) -> None:
        sheet, own, said = self.sheet, self.own, self.said
        sheet.rule(sheet.y - 7)
        sheet.y -= 24
        code = self.letter.currency
        facts = [
            (own["to_pay"], f"{self.money(_total(self.letter))} {code}"),
            (own["pay_by"], pay_by),
            (said["reference"], str(self.letter.content["reference"])),
            (said["bankgiro"], grouped_bankgiro(self.operator.bankgiro) if self.operator.bankgiro else ""),
            (said["iban"], self.operator.iban or ""),
        ]
        for label, value in facts:
            if value:
                sheet.down(16)
                sheet.text(LEFT, sheet.y, label, size=8.5, colour=GREY)
                sheet.text(LEFT + 150, sheet.y, value, size=10.5, face=BOLD)
