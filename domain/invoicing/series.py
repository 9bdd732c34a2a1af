"""Number series: one per kind of document and seller, unbroken (ML 2023:200 17:24; one series per seller).

A number is the prefix, which ends with a hyphen, and digits; so no two series of an operator come to the same number. A
series goes forward only. One that is ``yearly`` begins with 1 in each year of issue: 2026-000001; each year is a series
of its own then, as unbroken as the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import ResellerId
from domain.invoicing.references import OcrLevel, fik, kid_mod10, kid_mod11, ocr, rf, viite
from domain.refusal import BadValue

NEXT_MAX = 10**12
_PREFIX = re.compile(r"([A-Z0-9]{1,11}-)?", re.ASCII)


class SeriesKind(StrEnum):
    """What is numbered. Customers and contracts have one series, and no prefix."""

    CUSTOMER = "customer"
    CONTRACT = "contract"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


OF_DOCUMENTS = frozenset({SeriesKind.INVOICE, SeriesKind.CREDIT_NOTE})


class ReferenceForm(StrEnum):
    """Which payment reference is made of a number. ``usual``: that of the seller's country and his bank agreement."""

    USUAL = "usual"
    OCR_SOFT = "ocr_soft"
    OCR_CHECK = "ocr_check"
    OCR_LENGTH = "ocr_length"
    OCR_FIXED = "ocr_fixed"
    KID_MOD10 = "kid_mod10"
    KID_MOD11 = "kid_mod11"
    VIITE = "viite"
    RF = "rf"
    FIK_71 = "fik_71"
    FIK_75 = "fik_75"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSeries:
    """A series and the number it gives next. ``reseller``: the seller whose it is; None: the operator.

    ``yearly``: it begins anew in each year, and ``next`` is not counted on. ``reference_length`` is what ``ocr_fixed``
    is agreed with the bank as.
    """

    kind: SeriesKind
    reseller: ResellerId | None = None
    prefix: str = ""
    next: int
    yearly: bool = False
    reference: ReferenceForm = ReferenceForm.USUAL
    reference_length: int | None = None

    @property
    def name(self) -> str:
        """Return the name it is kept under."""
        return name_of(self.kind, self.reseller)


def name_of(kind: str, reseller: ResellerId | None) -> str:
    """Return the name of a seller's series.

    >>> name_of("invoice", None), name_of("invoice", ResellerId(7))
    ('invoice', 'invoice/7')
    """
    return str(kind) if reseller is None else f"{kind}/{reseller}"


def default_prefix(reseller: ResellerId | None) -> str:
    """Return the prefix of a seller's documents until another is chosen.

    >>> default_prefix(None), default_prefix(ResellerId(7))
    ('', 'R7-')
    """
    return "" if reseller is None else f"R{reseller}-"


def read_name(name: str) -> tuple[SeriesKind, ResellerId | None] | None:
    """Return the kind and seller of a name; None where it is another series."""
    kind, slash, seller = name.partition("/")
    if kind not in SeriesKind.__members__.values():
        return None
    return SeriesKind(kind), ResellerId(int(seller)) if slash else None


def check(series: NumberSeries, before: NumberSeries) -> NumberSeries:
    """Return a changed series. Refuses with: BadValue (a prefix that is none, a number that was given already)."""
    if not _PREFIX.fullmatch(series.prefix):
        raise BadValue(
            "a prefix has up to 11 capital letters and digits, and a hyphen at its end, such as 2026-", field="prefix"
        )
    if series.prefix and series.kind not in OF_DOCUMENTS:
        raise BadValue("only invoices and credit notes have a prefix", field="prefix")
    if not before.next <= series.next < NEXT_MAX:
        raise BadValue(
            "a series goes forward only: from {next} up to {most}", next=before.next, most=NEXT_MAX - 1, field="next"
        )
    if series.kind not in OF_DOCUMENTS and (series.yearly or series.reference is not ReferenceForm.USUAL):
        raise BadValue("only invoices and credit notes have years and references", field="yearly")
    fixed = series.reference is ReferenceForm.OCR_FIXED
    if fixed != (series.reference_length is not None):
        raise BadValue("a reference of fixed length, and no other, needs the agreed length", field="referenceLength")
    if series.kind in OF_DOCUMENTS:
        referred(next_number(series), series)
    return series


def yearly_name(kind: str, reseller: ResellerId | None, year: int) -> str:
    """Return the name that a year of a seller's series is kept under.

    >>> yearly_name("invoice", ResellerId(7), 2026)
    'invoice@2026/7'
    """
    return name_of(f"{kind}@{year}", reseller)


def yearly_number(prefix: str, year: int, count: int) -> str:
    """Return a number of a year.

    >>> yearly_number("R7-", 2026, 1)
    'R7-2026-000001'
    """
    return f"{prefix}{year}-{count:06d}"


def next_number(series: NumberSeries) -> str:
    """Return a number of the series such as the next one."""
    return yearly_number(series.prefix, 2026, 1) if series.yearly else f"{series.prefix}{series.next}"


def referred(number: str, series: NumberSeries) -> str | None:
    """Return the payment reference of a number; None: the usual one. Refuses with: BadValue (it does not fit)."""
    digits = "".join(number.split("-")[-2:]) if series.yearly else counted(number)
    match series.reference:
        case ReferenceForm.USUAL:
            return None
        case ReferenceForm.KID_MOD10:
            return kid_mod10(digits)
        case ReferenceForm.KID_MOD11:
            return kid_mod11(digits)
        case ReferenceForm.VIITE:
            return viite(digits)
        case ReferenceForm.RF:
            return rf(number.replace("-", ""))
        case ReferenceForm.FIK_71 | ReferenceForm.FIK_75:
            return fik(digits, kind=series.reference.value.removeprefix("fik_"))
    return ocr(digits, OcrLevel(series.reference.value.removeprefix("ocr_")), length=series.reference_length)


def counted(number: str) -> str:
    """Return the digits of a number behind its prefix, which payment references are made of.

    >>> counted("2026-100001"), counted("100001")
    ('100001', '100001')
    """
    return number.rpartition("-")[2]
