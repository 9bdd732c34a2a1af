"""Statements and ageing as CSV: a header in a person's language, amounts with a point, days as ISO 8601."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from domain.collection.neutral import amount
from domain.ledger.ageing import BUCKETS, Ageing
from domain.usecases.ledger_reports import AccountStatement, AgeBy, AgedReceivables
from integrations.ledger.words import LEDGER_WORDS
from integrations.printing.words import words

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def said_in(language: str) -> Mapping[str, str]:
    """Return the words of a language; English where it is not known."""
    return LEDGER_WORDS[words(language).language.code]


def statement_csv(statement: AccountStatement, language: str) -> bytes:
    """Return a row for each movement, between one that opens and one that closes each currency."""
    said = said_in(language)
    rows: list[Sequence[str]] = []
    for part in statement.parts:
        code = part.currency
        rows.append((part.since.isoformat(), said["opening"], "", "", amount(part.opening_minor, code), code))
        for row in part.rows:
            one = row.movement
            rows.append(
                (
                    one.booked_on.isoformat(),
                    said[one.kind.value],
                    one.document or one.text,
                    amount(one.amount_minor, code),
                    amount(row.balance_minor, code),
                    code,
                )
            )
        rows.append((part.until.isoformat(), said["closing"], "", "", amount(part.closing_minor, code), code))
    return table([said[name] for name in ("day", "what", "document", "amount", "balance", "currency")], rows)


def ageing_csv(aged: AgedReceivables, language: str) -> bytes:
    """Return a row for each customer, group or reseller, and one for the total of each currency."""
    said = said_in(language)
    first = {AgeBy.CUSTOMER: "number", AgeBy.GROUP: "group", AgeBy.RESELLER: "reseller"}[aged.by]
    rows = [(row.code, row.name, *_amounts(row.ageing)) for row in aged.rows]
    rows += [(said["total"], "", *_amounts(total)) for total in aged.totals]
    heads = [first, "name", "currency", *BUCKETS, "credit", "total"]
    return table([said[name] for name in heads], rows)


def _amounts(one: Ageing) -> tuple[str, ...]:
    sums = (*(getattr(one, name) for name in BUCKETS), one.credit, one.total)
    return (one.currency, *(amount(each, one.currency) for each in sums))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return CSV in UTF-8 with a mark, which spreadsheets need; a text that one would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    number = cell.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{cell}" if cell.startswith(_FORMULAS) and not number else cell
