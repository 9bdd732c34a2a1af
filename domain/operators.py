"""The operator (tenant) and what every document of his starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.identity_numbers import check_endpoint, check_language, compact_organisation, compact_vat
from domain.ids import OperatorId
from domain.money import currency
from domain.refusal import BadValue

OCR_LEVELS = ("soft", "check", "length", "fixed")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. ``country`` is ISO 3166-1 alpha-2."""

    street: str
    postcode: str
    city: str
    country: str
    street2: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A tenant: the seller on its invoices, with its own zone, currency and number plan.

    ``bankgiro`` is digits only; ``endpoint`` is the Peppol participant as ``scheme:id`` (0007 is the Swedish
    organisation number). ``ocr_level`` is the bank agreement's: ``soft``, ``check``, ``length`` or ``fixed``.
    """

    id: OperatorId
    code: str
    name: str
    organisation_number: str
    vat_id: str
    address: Address
    zone: str = "Europe/Stockholm"
    currency: str = "SEK"
    country: str = "SE"
    language: str = "sv"
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    phone: str | None = None
    endpoint: str | None = None
    payment_terms_days: int = 30
    rounds_to_krona: bool = True
    ocr_level: str = "length"


def check(operator: Operator) -> Operator:
    """Return the operator with its identity numbers in compact form. Refuses with: BadValue, naming the field."""
    if not _CODE.fullmatch(operator.code):
        raise BadValue("a code has 1 to 40 letters, digits, hyphens or underscores", field="code")
    if not operator.name.strip() or len(operator.name) > 200:
        raise BadValue("a name has 1 to 200 characters", field="name")
    if not re.fullmatch(r"[A-Z]{2}", operator.country, re.ASCII):
        raise BadValue("a country is two capital letters such as SE (ISO 3166-1)", field="country")
    if operator.address.country != operator.country:
        raise BadValue("the address is in the operator's own country", field="address.country")
    try:
        ZoneInfo(operator.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValue(f"{operator.zone!r} is not a time zone such as Europe/Stockholm (IANA)", field="zone") from None
    if operator.bankgiro is not None and not re.fullmatch(r"[0-9]{7,8}", operator.bankgiro, re.ASCII):
        raise BadValue("a bankgiro number is 7 or 8 digits", field="bankgiro")
    if not 0 <= operator.payment_terms_days <= 365:
        raise BadValue("payment terms are 0 to 365 days", field="paymentTermsDays")
    if operator.ocr_level not in OCR_LEVELS:
        raise BadValue(f"an OCR level is one of {', '.join(OCR_LEVELS)}", field="ocrLevel")
    check_language(operator.language)
    if operator.endpoint is not None:
        check_endpoint(operator.endpoint)
    return replace(
        operator,
        currency=currency(operator.currency),
        organisation_number=compact_organisation(
            operator.country, operator.organisation_number, field="organisationNumber"
        ),
        vat_id=compact_vat(operator.vat_id),
    )
