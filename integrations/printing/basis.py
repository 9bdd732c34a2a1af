"""The invoice as plain data: JSON (RFC 8259) with exact decimals as text, and CSV (RFC 4180) with a row per line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.invoicing.invoice import Invoice, Line, Party
from domain.telling.language import Language
from integrations.printing.heads import HEADS

COLUMNS: Final = (
    "kind", "number", "issued_on", "due_on", "reference", "customer_number", "customer", "currency", "position",
    "line_kind", "line_customer", "contract", "label", "text", "period_start", "period_end", "quantity", "unit",
    "unit_price", "net", "vat_category", "vat_percent", "account", "events", "used",
)  # fmt: skip
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def encode(invoice: Invoice) -> str:
    """Write one invoice as one line of JSON."""
    return json.dumps(as_data(invoice), ensure_ascii=False, default=_plain)


def as_data(invoice: Invoice) -> dict[str, Any]:
    """Return an invoice as mappings, lists, texts and numbers."""
    return {
        "id": invoice.id,
        "run": invoice.run,
        "kind": invoice.kind.value,
        "number": invoice.number,
        "original": invoice.original,
        "credit": invoice.credit,
        "replaces": invoice.replaces,
        "bill_kind": invoice.bill_kind.value,
        "currency": invoice.currency,
        "period": {"start": invoice.period.start, "end": invoice.period.end},
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
        "seller": _party(invoice.seller),
        "payer": _party(invoice.payer),
        "payment": asdict(invoice.payment),
        "lines": [_line(line) for line in invoice.lines],
        "vat": [
            {
                "category": each.treatment.category,
                "percent": each.treatment.percent,
                "taxable": each.taxable,
                "tax": each.tax,
            }
            for each in invoice.vat
        ],
        "net": invoice.net,
        "vat_total": invoice.vat_total,
        "vat_at_home": None if invoice.home is None else {"amount": invoice.vat_at_home, **asdict(invoice.home)},
        "rounding": invoice.rounding,
        "total": invoice.total,
        "language": invoice.language,
        "delivery": invoice.delivery.value,
        "buckets": [{"customer": one.customer, "label": one.label, **asdict(one.entry)} for one in invoice.buckets],
    }


def rows(invoices: Iterable[Invoice], language: Language | None = None) -> Iterator[str]:
    """Yield the CSV: heads first, then a row per invoice line. A text that a spreadsheet would run gets a ``'``.

    With a language, heads, days and numbers are as its readers write them, with the semicolons that their spreadsheets
    expect where the comma is the decimal mark.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if language is not None and language.point == "," else ",")
    writer.writerow(COLUMNS if language is None else HEADS[language.code])
    for invoice in invoices:
        for line in invoice.lines:
            writer.writerow([_cell(value, language) for value in _row(invoice, line)])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    if rest := out.getvalue():
        yield rest


def _row(invoice: Invoice, line: Line) -> tuple[Any, ...]:
    return (
        invoice.kind.value, invoice.number, invoice.issued_on, invoice.due_on, invoice.payment.reference,
        invoice.payer.number, invoice.payer.name, invoice.currency, line.position, line.kind.value, line.customer_name,
        line.contract_number, line.label, line.text, line.period.start, line.period.end, line.quantity, line.unit.value,
        line.unit_price, line.net, line.vat.category, line.vat.percent, line.account, line.events, line.used,
    )  # fmt: skip


def _cell(value: Any, language: Language | None) -> Any:
    if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA):
        return f"'{value}"
    if language is not None and isinstance(value, date):
        return language.day(value)
    if language is not None and isinstance(value, Decimal):
        return language.number(value).replace(language.group, "")
    return _plain(value) if isinstance(value, Decimal | date) else value


def _party(party: Party) -> dict[str, Any]:
    return asdict(party)


def _line(line: Line) -> dict[str, Any]:
    return {
        "position": line.position,
        "kind": line.kind.value,
        "customer": line.customer,
        "customer_name": line.customer_name,
        "contract": line.contract_number,
        "subscription": line.subscription,
        "label": line.label,
        "text": line.text,
        "mode": line.mode,
        "group": line.group,
        "period": {"start": line.period.start, "end": line.period.end},
        "quantity": line.quantity,
        "unit": line.unit.value,
        "unit_price": line.unit_price,
        "net": line.net,
        "vat": {"category": line.vat.category, "percent": line.vat.percent},
        "account": line.account,
        "events": line.events,
        "used": line.used,
        "amount_micro": line.amount_micro,
        "corrects": line.corrects,
        "corrects_line": line.corrects_line,
    }


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
