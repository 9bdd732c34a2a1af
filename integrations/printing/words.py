"""The words and number forms of a printed invoice, per language; English where a language is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.invoicing.invoice import Unit

NBSP: Final = "\u00a0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is printed in one language. ``say`` holds words by an English key."""

    decimal: str
    group: str
    say: Mapping[str, str]
    units: Mapping[Unit, str]

    def __getitem__(self, key: str) -> str:
        return self.say[key]

    def number(self, value: Decimal, decimals_min: int = 0, decimals_max: int = 8) -> str:
        """Write a number with the language's marks, as many decimals as it has within the bounds."""
        text = f"{value:.{decimals_max}f}"
        whole, _, part = text.partition(".")
        part = part.rstrip("0").ljust(decimals_min, "0")
        sign, digits = ("\u2212", whole[1:]) if whole.startswith("-") else ("", whole)
        grouped = f"{int(digits):,}".replace(",", self.group)
        zero = not int(digits) and not part.strip("0")
        return ("" if zero else sign) + (f"{grouped}{self.decimal}{part}" if part else grouped)

    def money(self, value: Decimal, decimals: int = 2) -> str:
        """Write an amount with the decimals of its currency.

        >>> words("sv").money(Decimal("0.5")), words("en").money(Decimal("1234.5"))
        ('0,50', '1,234.50')
        """
        return self.number(value, decimals, decimals)


_SWEDISH: Final = Words(
    decimal=",",
    group=NBSP,
    say={
        "invoice": "Faktura",
        "credit_note": "Kreditfaktura",
        "number": "Fakturanummer",
        "date": "Fakturadatum",
        "due": "Förfallodatum",
        "customer": "Kundnummer",
        "period": "Period",
        "terms": "Betalningsvillkor",
        "days": "dagar",
        "reference": "OCR-nummer",
        "bankgiro": "Bankgiro",
        "iban": "IBAN",
        "to_pay": "Att betala",
        "to_get": "Att få tillbaka",
        "credits": "Krediterar faktura",
        "buyer_vat": "Er momsreg.nr",
        "buyer_reference": "Er referens",
        "order_reference": "Ert ordernummer",
        "cost_centre": "Kostnadsställe",
        "summary": "Sammanställning",
        "specification": "Specifikation",
        "description": "Beskrivning",
        "count": "St",
        "quantity": "Antal",
        "price": "À-pris",
        "vat": "Moms",
        "amount": "Belopp",
        "net": "Summa exkl. moms",
        "vat_of": "Moms {percent} % på {taxable}",
        "rounding": "Öresavrundning",
        "subtotal": "Delsumma",
        "without_vat": "Belopp exkl. moms i {currency}",
        "fees": "Abonnemang och avgifter",
        "usage": "Samtal och trafik",
        "corrections": "Korrigeringar",
        "events": "{count} st",
        "slip": "Inbetalning",
        "payee": "Betalningsmottagare",
        "payer": "Avsändare",
        "scan": "Skanna och betala",
        "calls": "Samtalsspecifikation",
        "calls_note": "Avgiftsfria samtal visas inte. Belopp exkl. moms i {currency}. Tider i {zone}.",
        "contract": "Avtal {number}",
        "day": "Datum",
        "time": "Tid",
        "to_number": "Nummer",
        "destination": "Destination",
        "length": "Längd",
        "in": "mottaget",
        "page": "Sida",
        "of": "av",
        "organisation": "Org.nr",
        "vat_id": "Momsreg.nr",
        "f_tax": "Godkänd för F-skatt",
        "late": "Efter förfallodagen debiteras dröjsmålsränta enligt räntelagen.",
        "buckets": "Potter under perioden",
        "bucket": "Pott",
        "rolled_over": "Från förra",
        "granted": "Tilldelat",
        "received": "Mottaget",
        "used": "Använt",
        "given": "Bortgivet",
        "expired": "Förfallet",
        "left": "Kvar",
    },
    units={Unit.PIECE: "st", Unit.MINUTE: "min", Unit.MEGABYTE: "MB", Unit.MONTH: "mån"},
)

_ENGLISH: Final = Words(
    decimal=".",
    group=",",
    say={
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "number": "Invoice number",
        "date": "Invoice date",
        "due": "Due date",
        "customer": "Customer number",
        "period": "Period",
        "terms": "Terms of payment",
        "days": "days",
        "reference": "Payment reference",
        "bankgiro": "Bankgiro",
        "iban": "IBAN",
        "to_pay": "To pay",
        "to_get": "To your credit",
        "credits": "Credits invoice",
        "buyer_vat": "Your VAT id",
        "buyer_reference": "Your reference",
        "order_reference": "Your order",
        "cost_centre": "Cost centre",
        "summary": "Summary",
        "specification": "Specification",
        "description": "Description",
        "count": "No.",
        "quantity": "Quantity",
        "price": "Unit price",
        "vat": "VAT",
        "amount": "Amount",
        "net": "Total excl. VAT",
        "vat_of": "VAT {percent} % on {taxable}",
        "rounding": "Rounding",
        "subtotal": "Subtotal",
        "without_vat": "Amounts excl. VAT in {currency}",
        "fees": "Subscriptions and fees",
        "usage": "Calls and traffic",
        "corrections": "Corrections",
        "events": "{count} events",
        "slip": "Payment",
        "payee": "Payee",
        "payer": "Payer",
        "scan": "Scan to pay",
        "calls": "Call specification",
        "calls_note": "Calls free of charge are not shown. Amounts excl. VAT in {currency}. Times in {zone}.",
        "contract": "Contract {number}",
        "day": "Date",
        "time": "Time",
        "to_number": "Number",
        "destination": "Destination",
        "length": "Length",
        "in": "received",
        "page": "Page",
        "of": "of",
        "organisation": "Company reg. no.",
        "vat_id": "VAT id",
        "f_tax": "Approved for Swedish F-tax",
        "late": "Interest is charged on late payment.",
        "buckets": "Allowances in the period",
        "bucket": "Allowance",
        "rolled_over": "Brought over",
        "granted": "Granted",
        "received": "Received",
        "used": "Used",
        "given": "Given away",
        "expired": "Expired",
        "left": "Left",
    },
    units={Unit.PIECE: "pcs", Unit.MINUTE: "min", Unit.MEGABYTE: "MB", Unit.MONTH: "months"},
)

_LANGUAGES: Final = {"sv": _SWEDISH, "en": _ENGLISH}


def words(language: str) -> Words:
    """Return the words of a language (ISO 639-1)."""
    return _LANGUAGES.get(language, _ENGLISH)


def length(used: int, mode: str, said: Words) -> str:
    """Write how long, how many or how much an event was.

    >>> length(3725, "voice", words("sv")), length(61, "voice", words("sv")), length(1, "sms", words("sv"))
    ('1:02:05', '1:01', '1 st')
    """
    if mode in {"sms", "mms"}:
        return f"{used} {said.units[Unit.PIECE]}"
    if mode == "data":
        return f"{said.number(Decimal(used) / 1000, 2, 2)} MB"
    minutes, seconds = divmod(used, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def grouped_bankgiro(digits: str) -> str:
    """Write a bankgiro number as it is read: ``5050-1055``, ``505-1055``.

    >>> grouped_bankgiro("50501055"), grouped_bankgiro("5051055")
    ('5050-1055', '505-1055')
    """
    return f"{digits[:-4]}-{digits[-4:]}"


def grouped_organisation(number: str, country: str) -> str:
    """Write a Swedish organisation number with its hyphen, another as it is."""
    return f"{number[:6]}-{number[6:]}" if country == "SE" and len(number) == 10 else number
