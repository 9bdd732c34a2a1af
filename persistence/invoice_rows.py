"""Invoices and their lines as rows of PostgreSQL, and back."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.buckets.statement import BUCKET_COUNTS, BucketEntry
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.invoicing.bill_run import BillKind, FeeKey
from domain.invoicing.invoice import (
    BucketLine,
    CreditScope,
    DocumentKind,
    Invoice,
    Line,
    LineKind,
    Look,
    Party,
    Payment,
    Unit,
    decimals_of,
)
from domain.invoicing.vat import HomeRate, VatTreatment, sums
from domain.operators import Address
from domain.period import Period

INVOICE_COLUMNS: Final = (
    "operator", "customer", "id", "kind", "number", "reseller", "run", "usage_until", "horizon", "currency",
    "period_start", "period_end", "issued_on", "due_on", "reference", "net", "vat", "rounding", "total", "original",
    "document", "seller", "credit", "replaces",
)  # fmt: skip
LINE_COLUMNS: Final = (
    "operator", "customer", "invoice", "position", "kind", "line_customer", "customer_name", "text", "quantity",
    "unit", "unit_price", "net", "vat_category", "vat_percent", "vat_reason", "vat_words", "period_start",
    "period_end", "account", "contract", "contract_number", "service", "subscription", "label", "mode", "group_name",
    "events", "used", "amount_micro", "fee_held_from", "fee_start", "fee_one_time", "corrects",
    "corrects_line", "charge", "vat_country",
)  # fmt: skip


def to_row(invoice: Invoice, until: Any, horizon: Any) -> tuple[Any, ...]:
    """Make the row of an invoice, in the order of its columns."""
    assert invoice.number, "only what is issued is kept"
    document = {
        "seller": _party(invoice.seller),
        "payer": _party(invoice.payer),
        "terms_days": invoice.payment.terms_days,
        "bankgiro": invoice.payment.bankgiro,
        "iban": invoice.payment.iban,
        "language": invoice.language,
        "delivery": invoice.delivery.value,
        "call_specification": invoice.call_specification.value,
        "mask_digits": invoice.mask_digits,
    }
    if invoice.recipient is not None:
        document["recipient"] = _party(invoice.recipient)
    own = {"buyer_reference", "order_reference", "cost_centre"}
    document |= {name: value for name in own if (value := getattr(invoice, name)) is not None}
    if invoice.look is not None:
        document["look"] = {"accent": invoice.look.accent, "logo": invoice.look.logo, "note": invoice.look.note}
    if invoice.home is not None:
        home = invoice.home
        document["home"] = [home.currency, f"{home.factor:f}", home.day.isoformat(), home.source]
    if invoice.bill_kind is not BillKind.REGULAR:
        document["bill_kind"] = invoice.bill_kind.value
    if invoice.buckets:
        document["buckets"] = [bucket_cells(one) for one in invoice.buckets]
    return (
        invoice.operator, invoice.customer, invoice.id, invoice.kind.value, invoice.number, invoice.reseller,
        invoice.run, until, horizon, invoice.currency, invoice.period.start, invoice.period.end, invoice.issued_on,
        invoice.due_on, invoice.payment.reference, invoice.net, invoice.vat_total, invoice.rounding, invoice.total,
        invoice.original,
        json.dumps(document, ensure_ascii=False), invoice.sold_by, invoice.credit and invoice.credit.value,
        invoice.replaces,
    )  # fmt: skip


def line_to_row(invoice: Invoice, line: Line) -> tuple[Any, ...]:
    """Make the row of a line, in the order of its columns."""
    return (invoice.operator, invoice.customer, invoice.id, *line_cells(line))


def line_cells(line: Line) -> tuple[Any, ...]:
    """Make what stands in a line's row behind its invoice's key."""
    fee = line.fee
    return (
        line.position, line.kind.value, line.customer,
        line.customer_name, line.text, line.quantity, line.unit.value, line.unit_price, line.net, line.vat.category,
        line.vat.percent, line.vat.reason, line.vat.words, line.period.start, line.period.end, line.account,
        line.contract, line.contract_number, line.service, line.subscription, line.label, line.mode, line.group,
        line.events, line.used, line.amount_micro, fee.held_from if fee else None, fee.fee_start if fee else None,
        fee.one_time if fee else None, line.corrects, line.corrects_line, line.charge,
        line.vat.country,
    )  # fmt: skip


def from_row(row: Mapping[str, Any], lines: Sequence[Line]) -> Invoice:
    """Make the invoice of a row and its lines. VAT per category is computed from the lines, as it was when issued."""
    document = json.loads(row["document"])
    return Invoice(
        id=row["id"],
        operator=row["operator"],
        run=row["run"],
        kind=DocumentKind(row["kind"]),
        number=row["number"],
        customer=row["customer"],
        reseller=row["reseller"],
        currency=row["currency"],
        period=Period(row["period_start"], row["period_end"]),
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        seller=_party_of(document["seller"]),
        payer=_party_of(document["payer"]),
        payment=Payment(
            terms_days=document["terms_days"],
            bankgiro=document["bankgiro"],
            iban=document["iban"],
            reference=row["reference"],
        ),
        lines=tuple(lines),
        vat=sums(((line.vat, line.net) for line in lines), decimals=decimals_of(row["currency"])),
        net=row["net"],
        vat_total=row["vat"],
        rounding=row["rounding"],
        total=row["total"],
        language=document["language"],
        delivery=Delivery(document["delivery"]),
        call_specification=CallSpecification(document["call_specification"]),
        mask_digits=document["mask_digits"],
        recipient=_party_of(document["recipient"]) if document.get("recipient") else None,
        buyer_reference=document.get("buyer_reference"),
        order_reference=document.get("order_reference"),
        cost_centre=document.get("cost_centre"),
        original=row["original"],
        sold_by=row["seller"],
        look=Look(**document["look"]) if document.get("look") else None,
        buckets=tuple(bucket_of_cells(one) for one in document.get("buckets", ())),
        credit=CreditScope(row["credit"]) if row["credit"] else None,
        replaces=row["replaces"],
        home=_home_of(document.get("home")),
        bill_kind=BillKind(document.get("bill_kind", BillKind.REGULAR)),
    )


def _home_of(kept: Sequence[str] | None) -> HomeRate | None:
    if kept is None:
        return None
    currency, factor, day, source = kept
    return HomeRate(currency, Decimal(factor), date.fromisoformat(day), source)


def line_from_row(row: Mapping[str, Any]) -> Line:
    """Make the line of a row."""
    fee = None
    if row["fee_start"] is not None:
        fee = FeeKey(
            row["contract"],
            row["service"],
            row["fee_held_from"],
            row["fee_start"],
            row["fee_one_time"],
            row["subscription"] or 0,
        )
    same = (
        "position", "customer_name", "text", "quantity", "unit_price", "net", "account", "contract",
        "contract_number", "service", "subscription", "label", "mode", "events", "used", "amount_micro", "corrects",
        "corrects_line", "charge",
    )  # fmt: skip
    return Line(
        kind=LineKind(row["kind"]),
        customer=row["line_customer"],
        unit=Unit(row["unit"]),
        vat=VatTreatment(
            row["vat_category"], row["vat_percent"], row["vat_reason"], row["vat_words"], row["vat_country"]
        ),
        period=Period(row["period_start"], row["period_end"]),
        group=row["group_name"],
        fee=fee,
        **{name: row[name] for name in same},
    )


def bucket_cells(one: BucketLine) -> dict[str, Any]:
    """Return what became of a bucket as it is kept."""
    entry = one.entry
    counts = {name: str(getattr(entry, name)) for name in BUCKET_COUNTS}
    names = {"bucket": entry.bucket, "owner": entry.owner, "unit": entry.unit, "currency": entry.currency}
    return {"customer": one.customer, "label": one.label, **names, **counts}


def bucket_of_cells(kept: Mapping[str, Any]) -> BucketLine:
    """Make what became of a bucket of what is kept."""
    fields = dict(kept)
    customer, label = fields.pop("customer"), fields.pop("label")
    fields |= {name: Decimal(fields[name]) for name in BUCKET_COUNTS}
    return BucketLine(customer=customer, label=label, entry=BucketEntry(**fields))


@functools.lru_cache(maxsize=256)
def _party(party: Party) -> dict[str, Any]:
    place = party.address
    return {
        "name": party.name,
        "address": {
            "street": place.street,
            "postcode": place.postcode,
            "city": place.city,
            "country": place.country,
            "street2": place.street2,
        },
        "kind": party.kind.value,
        "number": party.number,
        "identity_number": party.identity_number,
        "vat_id": party.vat_id,
        "email": party.email,
        "phone": party.phone,
        "endpoint": party.endpoint,
        **({"attention": party.attention} if party.attention else {}),
    }


def _party_of(kept: Mapping[str, Any]) -> Party:
    fields = dict(kept)
    return Party(address=Address(**fields.pop("address")), kind=CustomerKind(fields.pop("kind")), **fields)
