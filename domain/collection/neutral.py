"""A case as an agency gets it, in no agency's own form: JSON values, amounts as decimal texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.access.frozen import freeze
from domain.collection.interest import Accrued
from domain.collection.progress import DoneStep
from domain.customers.customer import Customer
from domain.invoicing.invoice import Invoice, decimals_of
from domain.operators import Operator
from domain.payments.claim import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """An invoice of a case: what is left of it, what was paid and when, what was claimed and reminded of."""

    invoice: Invoice
    principal_minor: int
    disputed_minor: int
    paid: Sequence[tuple[date, int]]
    claims: Sequence[tuple[Claim, int]]
    steps: Sequence[DoneStep]
    accrued: Accrued
    interest_since: date


def case_content(
    number: int, operator: Operator, customer: Customer, invoices: Sequence[HandedOver], *, on: date, currency: str
) -> dict[str, Any]:
    """Return a new case as the agency gets it."""
    shown = [_invoice(one, currency) for one in invoices]
    total = sum(
        one.principal_minor + sum(left for _, left in one.claims) + one.accrued.amount_minor for one in invoices
    )
    return {
        "case": number,
        "date": on.isoformat(),
        "currency": currency,
        "creditor": {
            "name": operator.name,
            "organisation_number": operator.organisation_number,
            "bankgiro": operator.bankgiro,
            "iban": operator.iban,
        },
        "debtor": {
            "number": customer.number,
            "name": customer.name,
            "kind": customer.kind.value,
            "identity_number": customer.identity_number,
            "address": freeze(customer.address),
            "email": customer.email,
            "phone": customer.phone,
            "language": customer.language,
        },
        "invoices": shown,
        "total": amount(total, currency),
        "disputed": amount(sum(one.disputed_minor for one in invoices), currency),
    }


def _invoice(one: HandedOver, currency: str) -> dict[str, Any]:
    invoice = one.invoice
    return {
        "number": invoice.number,
        "date": invoice.issued_on.isoformat(),
        "due": invoice.due_on.isoformat(),
        "period": {"start": invoice.period.start.isoformat(), "end": invoice.period.end.isoformat()},
        "reference": invoice.payment.reference,
        "total": f"{invoice.total:f}",
        "principal_left": amount(one.principal_minor, currency),
        "disputed": amount(one.disputed_minor, currency),
        "payments": [{"date": day.isoformat(), "amount": amount(paid, currency)} for day, paid in one.paid],
        "interest": {
            "from": one.interest_since.isoformat(),
            "lines": [
                {
                    "from": line.start.isoformat(),
                    "to": line.end.isoformat(),
                    "principal": amount(line.principal_minor, currency),
                    "percent": f"{line.percent:f}",
                    "amount": amount(line.amount_minor, currency),
                }
                for line in one.accrued.lines
            ],
            "amount": amount(one.accrued.amount_minor, currency),
        },
        "claims": [
            {"kind": claim.kind.value, "date": claim.claimed_on.isoformat(), "amount": amount(left, currency)}
            for claim, left in one.claims
        ],
        "reminders": [{"date": step.done_on.isoformat(), "kind": step.kind.value} for step in one.steps],
        "copy": f"{invoice.number}.pdf",
    }


def correction(number: int, *, on: date, currency: str, what: Mapping[str, Any]) -> dict[str, Any]:
    """Return a later message of a case."""
    return {"case": number, "date": on.isoformat(), "currency": currency, **what}


def amount(minor: int, currency: str) -> str:
    """Return an amount as text, with the currency's decimals.

    >>> amount(24900, "SEK"), amount(5, "ISK")
    ('249.00', '5')
    """
    return f"{Decimal(minor).scaleb(-decimals_of(currency)):f}"
