"""What the operator owes a supplier, the document that says so, and what it is booked as.

The document is an invoice of the supplier to the operator, so that everything that shows and writes invoices can show
and write it. Amounts are the payer's, as on every invoice: what the operator owes is positive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import CustomerId, InvoiceId, ResellerId, SupplierId
from domain.invoicing.invoice import (
    DocumentKind,
    Invoice,
    Line,
    LineKind,
    Party,
    Payment,
    Unit,
    check,
    decimals_of,
    placed,
    settle,
)
from domain.invoicing.lines import measured, unit_price
from domain.invoicing.vat import HomeRate, VatTreatment, treat
from domain.invoicing.vat_rates import standard_rate
from domain.invoicing.words import words
from domain.ledger.entry import BAS, Entry, Posting, minor
from domain.money import MICRO, divide, round_to
from domain.operators import Operator
from domain.period import Period
from domain.selfbilling.supplier import Supplier

# BAS: what suppliers are owed, VAT that is got back, and both sides of VAT that the buyer accounts for himself.
PAYABLE: Final = "2440"
INPUT_VAT: Final = "2641"
INPUT_VAT_REVERSED: Final = "2645"
OUTPUT_VAT_REVERSED: Final = "2614"


class Answer(StrEnum):
    """What the supplier says of a document, which is his invoice only if he takes it (art. 224)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The exact sum of what events of one kind over one trunk cost. ``late``: they lie before the period.

    ``corrects``: the number of the document that had these events before they were rated again.
    """

    trunk: str
    mode: str
    direction: str
    group: str
    currency: str
    late: bool
    first: date
    events: int
    used: int
    amount_micro: int
    corrects: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """A line of a commission statement."""

    statement: int
    period: Period
    rule: str
    salesperson: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfBilled:
    """A document as it is kept. ``since`` None: it is a credit note; of others all of the four are known.

    It has seen the usage over ``trunks`` in ``[since, until)``, in chunks up to ``horizon``, whatever the agreement
    says now. ``statements`` are those whose commissions for ``reseller`` stand on it. ``released``: it was taken back,
    and what stands on it is owed again.
    """

    id: int = 0
    supplier: SupplierId
    invoice: Invoice
    trunks: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    horizon: int | None = None
    statements: tuple[int, ...] = ()
    reseller: ResellerId | None = None
    released: bool = False
    answer: Answer | None = None
    answered_at: datetime | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """All that a supplier is owed for a period, and what his VAT is told by. ``home`` as of an invoice."""

    supplier: Supplier
    period: Period
    issued_on: date
    owed: Sequence[Owed]
    commissions: Sequence[Commission] = ()
    home_currency: str | None = None
    home: HomeRate | None = None

    @property
    def currencies(self) -> set[str]:
        """In what he is owed."""
        return {one.currency for one in self.owed} | {one.currency for one in self.commissions}


@dataclass(frozen=True, slots=True)
class Unbilled:
    """Why a supplier's document is not made: a stable reason, and a sentence that says what to do."""

    supplier: str
    reason: str
    detail: str


def document_of(debt: Debt, buyer: Operator) -> Invoice | Unbilled | None:
    """Return the supplier's invoice, not yet numbered; None where he is owed nothing; or why it is not made.

    Refuses with: BadValue (VAT that cannot be decided).
    """
    supplier = debt.supplier
    foreign = sorted(debt.currencies - {supplier.currency})
    if foreign:
        return Unbilled(
            supplier.code,
            "currency",
            f"supplier {supplier.code} is owed in {', '.join(foreign)}, but his agreement is in {supplier.currency}:"
            " give his trunks a price list in that currency and rate the calls again, or change the agreement",
        )
    vat = _taxed(supplier, buyer, debt.period)
    if vat.percent and debt.home_currency not in {None, supplier.currency} and debt.home is None:
        return Unbilled(
            supplier.code,
            "exchange_rate",
            f"VAT is told in {debt.home_currency}, too, and what {supplier.currency} was worth on {debt.issued_on} is"
            " not known: import the exchange rates of that day",
        )
    lines = placed([*_usage(debt, vat), *_commissions(debt, vat)])
    if not any(line.net for line in lines):
        return None
    return check(_document(debt, buyer, lines))


def _taxed(supplier: Supplier, buyer: Operator, period: Period) -> VatTreatment:
    """Return the supplier's VAT for the last day of a period. Refuses with: BadValue."""
    return treat(
        seller_country=supplier.address.country,
        buyer_country=buyer.country,
        buyer_is_business=True,
        buyer_vat_id=buyer.vat_id,
        percent=supplier.vat_percent,
        on=period.end - timedelta(days=1),
    )


def _usage(debt: Debt, vat: VatTreatment) -> Iterator[Line]:
    decimals, said = decimals_of(debt.supplier.currency), words(debt.supplier.language)
    for one in debt.owed:
        net = Decimal(divide(one.amount_micro * 10**decimals, MICRO)).scaleb(-decimals)
        if not net:
            continue
        quantity, unit = measured(one.mode, used=one.used, events=one.events)
        quantity = -quantity if net < 0 else quantity
        text = said.modes.get(one.mode, one.mode) + (f": {one.group}" if one.group else "")
        text = f"{text}, {said.received}" if one.direction == "in" else text
        if one.corrects is not None:
            text = said.correction.format(text=text, number=one.corrects)
        elif one.late:
            text = f"{text} ({said.late})"
        start = min(one.first, debt.period.start)
        yield _line(
            debt,
            vat,
            kind=LineKind.USAGE if one.corrects is None else LineKind.CORRECTION,
            text=text,
            quantity=quantity,
            unit=unit,
            net=net,
            period=Period(start, debt.period.start) if one.late and start < debt.period.start else debt.period,
            label=one.trunk,
            usage=one,
        )


def _commissions(debt: Debt, vat: VatTreatment) -> Iterator[Line]:
    said = words(debt.supplier.language)
    for one in debt.commissions:
        net = round_to(one.amount, decimals_of(debt.supplier.currency))
        if net:
            yield _line(
                debt,
                vat,
                kind=LineKind.MANUAL,
                text=said.commission.format(rule=one.rule),
                quantity=Decimal(-1 if net < 0 else 1),
                unit=Unit.PIECE,
                net=net,
                period=one.period,
                label=one.salesperson or None,
            )


def _line(
    debt: Debt,
    vat: VatTreatment,
    *,
    kind: LineKind,
    text: str,
    quantity: Decimal,
    unit: Unit,
    net: Decimal,
    period: Period,
    label: str | None,
    usage: Owed | None = None,
) -> Line:
    return Line(
        position=0,
        kind=kind,
        customer=CustomerId(0),
        customer_name=debt.supplier.name,
        text=text,
        quantity=quantity,
        unit=unit,
        unit_price=unit_price(net, quantity),
        net=net,
        vat=vat,
        period=period,
        account=debt.supplier.account,
        label=label,
        mode=None if usage is None else usage.mode,
        group=None if usage is None else usage.group,
        events=None if usage is None else usage.events,
        used=None if usage is None else usage.used,
        amount_micro=None if usage is None else usage.amount_micro,
        corrects=None if usage is None else usage.corrects,
    )


def _document(debt: Debt, buyer: Operator, lines: Sequence[Line]) -> Invoice:
    supplier = debt.supplier
    totals = settle(((line.vat, line.net) for line in lines), decimals=decimals_of(supplier.currency))
    given_back = totals.total < 0
    return Invoice(
        id=InvoiceId(0),
        operator=supplier.operator,
        run=None,
        kind=DocumentKind.CREDIT_NOTE if given_back else DocumentKind.INVOICE,
        number="",
        customer=CustomerId(0),
        reseller=None,
        currency=supplier.currency,
        period=debt.period,
        issued_on=debt.issued_on,
        due_on=debt.issued_on + timedelta(days=supplier.terms_days),
        seller=Party(
            name=supplier.name,
            address=supplier.address,
            identity_number=supplier.organisation_number,
            vat_id=supplier.vat_id,
            email=supplier.email,
            endpoint=supplier.endpoint,
        ),
        payer=Party(
            name=buyer.name,
            address=buyer.address,
            number=supplier.code,
            identity_number=buyer.organisation_number,
            vat_id=buyer.vat_id_in(supplier.address.country),
            email=buyer.email,
            phone=buyer.phone,
            endpoint=buyer.endpoint,
        ),
        payment=Payment(terms_days=supplier.terms_days, bankgiro=supplier.bankgiro, iban=supplier.iban),
        lines=tuple(lines),
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
        language=supplier.language,
        original=next((line.corrects for line in lines if line.corrects), None) if given_back else None,
        home=debt.home if totals.vat_total else None,
        self_billed=True,
    )


def entry_of(invoice: Invoice, buyer: Operator) -> Entry:
    """Book an issued document: its lines' cost and VAT against what suppliers are owed.

    VAT that the buyer accounts for himself is owed and got back alike, at his country's rate.
    """
    assert invoice.number, "only what is issued is booked"
    assert invoice.self_billed
    currency, decimals = invoice.currency, decimals_of(invoice.currency)
    sums: dict[str, int] = defaultdict(int)
    sums[PAYABLE] -= minor(invoice.total, currency)
    for line in invoice.lines:
        sums[line.account] += minor(line.net, currency)
    for each in invoice.vat:
        if each.tax:
            sums[INPUT_VAT] += minor(each.tax, currency)
        elif invoice.seller.address.country != buyer.country:
            rate = standard_rate(buyer.country, invoice.period.end - timedelta(days=1)) or Decimal(25)
            own = minor(round_to(each.taxable * rate / 100, decimals), currency)
            sums[INPUT_VAT_REVERSED] += own
            sums[OUTPUT_VAT_REVERSED] -= own
    sums[BAS.rounding] += minor(invoice.rounding, currency)
    return Entry(
        key=f"self_billed:{invoice.number}",
        booked_on=invoice.issued_on,
        text=f"self-billed {invoice.kind} {invoice.number}",
        postings=tuple(Posting(account, currency, amount) for account, amount in sums.items() if amount),
    )
