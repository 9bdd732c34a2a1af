"""A journal as CSV (RFC 4180) and as JSON Lines, for ERPs that read no SIE."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Final

from domain.ledger.journal import Voucher

COLUMNS: Final = ("series", "voucher", "date", "text", "account", "debit", "credit", "currency")


def as_csv(vouchers: Iterable[Voucher], currency: str) -> str:
    """Write a row per posting; a posting has a debit or a credit, never less than zero."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for number, voucher in enumerate(vouchers, 1):
        head = (voucher.series, number, voucher.dated_on.isoformat(), voucher.text)
        for row in voucher.rows:
            debit, credit = (f"{row.amount:f}", "") if row.amount > 0 else ("", f"{-row.amount:f}")
            writer.writerow((*head, row.account, debit, credit, currency))
    return out.getvalue()


def as_json(vouchers: Iterable[Voucher], currency: str) -> Iterator[str]:
    """Yield a line per voucher; amounts are texts, debit positive."""
    for number, voucher in enumerate(vouchers, 1):
        yield json.dumps(
            {
                "series": voucher.series,
                "voucher": number,
                "date": voucher.dated_on.isoformat(),
                "text": voucher.text,
                "currency": currency,
                "rows": [{"account": row.account, "amount": f"{row.amount:f}"} for row in voucher.rows],
            },
            ensure_ascii=False,
        )
