"""A line of the basis as another system reads it, whichever way it asks."""

from __future__ import annotations

from typing import Any, Final

from domain.basis.batch import BasisLine
from domain.basis.fee import BasisFee, run_named
from domain.buckets.statement import BUCKET_COUNTS
from domain.invoicing.invoice import BucketLine

_SAME: Final = (
    "position", "customer_key", "subscription_key", "mode", "direction", "group", "currency", "events", "used",
)  # fmt: skip
# What only some lines have is empty text in the others.
CHARGED: Final = (
    "text", "label", "contract_number", "quantity", "unit", "unit_price", "period_end", "vat_category", "vat_percent",
    "account", "run", "corrects",
)  # fmt: skip
COLUMNS: Final = (*_SAME, "period_start", "amount", "kind", "customer_number", "payer_number", *CHARGED, "bucket")


def row_of(line: BasisLine) -> dict[str, Any]:
    """Return a line by ``COLUMNS``: days and exact amounts as text."""
    found: dict[str, Any] = {name: getattr(line, name) for name in _SAME}
    return found | {
        "period_start": line.period_start.isoformat(),
        "amount": f"{line.amount:f}",
        "kind": line.kind.value,
        "customer_number": line.customer_number,
        "payer_number": line.payer_number,
        **charged(line.fee),
        "bucket": "" if line.fee is None or line.fee.bucket is None else counts(line.fee.bucket),
    }


def charged(fee: BasisFee | None) -> dict[str, str]:
    """Return what a bill run charged by ``CHARGED``."""
    empty = dict.fromkeys(CHARGED, "")
    if fee is None:
        return empty
    told = {"period_end": fee.period.end.isoformat(), "run": run_named(fee.run)}
    if (line := fee.line) is None:
        assert fee.bucket is not None, "it is a line or a bucket's"
        return empty | told | {"text": fee.bucket.entry.bucket, "label": fee.bucket.label}
    vat = {"vat_category": line.vat.category, "vat_percent": f"{line.vat.percent:f}"} if fee.taxed else {}
    return {
        **empty,
        **told,
        **vat,
        "text": line.text,
        "label": line.label or "",
        "contract_number": line.contract_number or "",
        "quantity": f"{line.quantity:f}",
        "unit": line.unit.value,
        "unit_price": f"{line.unit_price:f}",
        "account": line.account,
        "corrects": line.corrects or "",
    }


def counts(one: BucketLine) -> dict[str, str]:
    """Return what became of a bucket by name, with its unit."""
    found = {name: f"{getattr(one.entry, name):f}" for name in BUCKET_COUNTS}
    return {"unit": one.entry.unit, "currency": one.entry.currency or "", **found}


def cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for CSV: a bucket's counts as ``name=value``, and no text that a spreadsheet would run."""
    bucket = row["bucket"]
    flat = row | {"bucket": bucket and " ".join(f"{name}={value}" for name, value in bucket.items() if value)}
    return flat | {name: guarded(flat[name]) for name in ("text", "label")}


def guarded(text: str) -> str:
    """Return a text with a ' in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
