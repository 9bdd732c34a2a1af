"""The invoice as it is kept for good: who sells, who pays, what for, VAT, and what is to be paid.

Amounts are exact decimals in the invoice's currency, from the payer's side: what he owes is positive, what he gets back
negative. A credit note's are therefore negative; a format that writes them positive turns the sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.buckets.statement import BucketEntry
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.ids import (
    BillRunId,
    ChargeId,
    ContractId,
    CustomerId,
    InvoiceId,
    OperatorId,
    ResellerId,
    ServiceId,
    SubscriptionId,
)
from domain.invoicing.bill_run import BillKind, FeeKey
from domain.invoicing.vat import HomeRate, VatSum, VatTreatment, sums
from domain.money import round_to
from domain.operators import Address
from domain.period import Period

LINES_MAX = 100_000

# ISO 4217: minor units that are not two.
_NONE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final = {**dict.fromkeys(_NONE.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
# Currencies whose minor units are not a hundredth.
NOT_HUNDREDTHS: Final = tuple(sorted(_DECIMALS))


class DocumentKind(StrEnum):
    """What the document is. A credit note names what it credits."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class CreditScope(StrEnum):
    """What a credit note takes back of an invoice: all that was left, a part, or all for it to be issued anew."""

    WHOLE = "whole"
    PART = "part"
    REISSUE = "reissue"


class LineKind(StrEnum):
    """What a line is for."""

    USAGE = "usage"
    PERIODIC = "periodic"
    ONE_TIME = "one_time"
    MANUAL = "manual"
    CORRECTION = "correction"
    DISCOUNT = "discount"
    REMINDER_FEE = "reminder_fee"
    INTEREST = "interest"


class Unit(StrEnum):
    """Units of quantity, by their UN/ECE Recommendation 20 code."""

    PIECE = "C62"
    MINUTE = "MIN"
    MEGABYTE = "4L"
    MONTH = "MON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The seller or the payer, as he was on the day of issue. ``endpoint`` is the Peppol participant ``scheme:id``."""

    name: str
    address: Address
    kind: CustomerKind = CustomerKind.ORGANISATION
    number: str | None = None
    identity_number: str | None = None
    vat_id: str | None = None
    email: str | None = None
    phone: str | None = None
    endpoint: str | None = None
    attention: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How the invoice is to be paid. ``bankgiro`` is digits; ``reference`` is empty until the invoice is issued."""

    terms_days: int
    bankgiro: str | None = None
    iban: str | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a seller's documents look: a colour such as #0A5566, the SHA-256 of a picture, and a note at the foot."""

    accent: str | None = None
    logo: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. ``quantity * unit_price`` is ``net`` within the price's eight decimals.

    ``customer`` is whose line it is: the payer's own or that of somebody billed through him. ``period`` is what
    the line pays for. A usage line carries its ``events``, their ``used`` seconds, messages or kB and
    ``amount_micro``, the exact sum it was rounded from. A fee line
    carries the fee it charges, so that it is billed once. ``corrects`` is the number of the invoice that a line gives
    back of, ``corrects_line`` the position there, where it is of one line.
    """

    position: int
    kind: LineKind
    customer: CustomerId
    customer_name: str
    text: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    net: Decimal
    vat: VatTreatment
    period: Period
    account: str
    contract: ContractId | None = None
    contract_number: str | None = None
    service: ServiceId | None = None
    subscription: SubscriptionId | None = None
    label: str | None = None
    mode: str | None = None
    group: str | None = None
    events: int | None = None
    used: int | None = None
    amount_micro: int | None = None
    fee: FeeKey | None = None
    corrects: str | None = None
    corrects_line: int | None = None
    charge: ChargeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLine:
    """What became of one bucket of an owner in the invoice's period; see ``BucketEntry``. ``label`` names the owner."""

    customer: CustomerId
    label: str
    entry: BucketEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice or a credit note. ``number`` is empty and ``id`` 0 until it is issued; after that nothing changes.

    ``sold_by`` is the reseller who sells in his own name; None: the operator, in whose ledger it is.
    ``total`` is net + VAT + ``rounding``. ``original`` is the number of the invoice that a credit note credits.
    ``recipient`` is whom it is sent to where that is not the payer himself; the references are the payer's own words
    (BT-10, BT-13, BT-19 of EN 16931). ``buckets`` tells what became of allowances in the period.
    ``credit`` tells of a credit note that was decided upon (None: of an invoice, or one that a bill run came to) how
    much it takes back. ``replaces`` is the number of the invoice that this one was issued anew for. ``home``: what the
    currency is worth in that of the seller's country, where that is another. ``self_billed``: the seller is a supplier
    of the operator, who is the payer and has written it (``domain.selfbilling``). ``bill_kind``: of a period, or the
    last one, one in between or on demand, as which it is titled.
    """

    id: InvoiceId
    operator: OperatorId
    run: BillRunId | None
    kind: DocumentKind
    number: str
    customer: CustomerId
    reseller: ResellerId | None
    currency: str
    period: Period
    issued_on: date
    due_on: date
    seller: Party
    payer: Party
    payment: Payment
    lines: tuple[Line, ...]
    vat: tuple[VatSum, ...]
    net: Decimal
    vat_total: Decimal
    rounding: Decimal
    total: Decimal
    language: str = "sv"
    delivery: Delivery = Delivery.PDF
    call_specification: CallSpecification = CallSpecification.ITEMISED
    mask_digits: int = 0
    original: str | None = None
    recipient: Party | None = None
    buyer_reference: str | None = None
    order_reference: str | None = None
    cost_centre: str | None = None
    sold_by: ResellerId | None = None
    look: Look | None = None
    buckets: tuple[BucketLine, ...] = ()
    credit: CreditScope | None = None
    replaces: str | None = None
    home: HomeRate | None = None
    self_billed: bool = False
    bill_kind: BillKind = BillKind.REGULAR

    @property
    def vat_at_home(self) -> Decimal | None:
        """The VAT in the currency of the seller's country, half up; None where that is the invoice's own."""
        return (
            None if self.home is None else round_to(self.vat_total * self.home.factor, decimals_of(self.home.currency))
        )

    @property
    def customers(self) -> tuple[CustomerId, ...]:
        """Whose lines stand on it, the payer's own first."""
        return tuple(sorted({line.customer for line in self.lines}, key=lambda key: (key != self.customer, key)))

    def subtotal(self, customer: CustomerId) -> Decimal:
        """Return the net of one customer's lines."""
        return sum((line.net for line in self.lines if line.customer == customer), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a set of lines comes to."""

    vat: tuple[VatSum, ...]
    net: Decimal
    vat_total: Decimal
    rounding: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One event on a call specification; ``number`` is already masked as the customer chose."""

    customer: CustomerId
    subscription: SubscriptionId
    label: str
    start: datetime
    mode: str
    direction: str
    number: str
    destination: str
    used: int
    amount_micro: int


def decimals_of(currency: str) -> int:
    """Return how many decimals the currency's amounts have on a document.

    >>> decimals_of("SEK"), decimals_of("ISK")
    (2, 0)
    """
    return _DECIMALS.get(currency, 2)


def settle(lines: Iterable[tuple[VatTreatment, Decimal]], *, decimals: int = 2, whole: bool = False) -> Totals:
    """Sum up: VAT once per category, and where ``whole`` is agreed the rounding of what is paid to whole units.

    1 to 49 öre are dropped and 50 to 99 raised (SFS 1970:1029); the same for a credit, mirrored.
    """
    pairs = list(lines)
    vat = sums(pairs, decimals=decimals)
    net = sum((amount for _, amount in pairs), Decimal(0))
    vat_total = sum((each.tax for each in vat), Decimal(0))
    exact = net + vat_total
    rounding = round_to(exact, 0) - exact if whole else Decimal(0)
    return Totals(vat=vat, net=net, vat_total=vat_total, rounding=rounding, total=exact + rounding)


def check(invoice: Invoice) -> Invoice:
    """Assert what always holds of an invoice; a broken one is a bug, and nothing of it is kept."""
    totals = settle(((line.vat, line.net) for line in invoice.lines), decimals=decimals_of(invoice.currency))
    assert invoice.lines, "an invoice has lines"
    assert len(invoice.lines) <= LINES_MAX
    assert [line.position for line in invoice.lines] == list(range(1, len(invoice.lines) + 1))
    assert invoice.vat == totals.vat, "VAT per category is that of the lines"
    assert (invoice.net, invoice.vat_total) == (totals.net, totals.vat_total)
    assert invoice.net + invoice.vat_total + invoice.rounding == invoice.total
    # A credit note's also closes what VAT, rounded on each note of a part, left open.
    assert invoice.credit is not None or abs(invoice.rounding) <= Decimal("0.5")
    assert invoice.due_on >= invoice.issued_on
    return invoice


def numbered(invoice: Invoice, *, id: InvoiceId, number: str, reference: str) -> Invoice:  # noqa: A002  (its name)
    """Return the invoice as issued."""
    assert not invoice.number, "an issued invoice is never numbered again"
    return replace(invoice, id=id, number=number, payment=replace(invoice.payment, reference=reference))


def placed(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines numbered in their order, and number these themselves: for lines that nobody else holds yet.

    Copying a line of so many fields takes longer than making it, and a run makes millions.
    """
    for index, line in enumerate(lines, 1):
        object.__setattr__(line, "position", index)
    return tuple(lines)


def positioned(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines numbered in their order."""
    return tuple(replace(line, position=index) for index, line in enumerate(lines, 1))
