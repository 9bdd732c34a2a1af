"""The operator (tenant) and what every document of his starts from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.access.editions import Edition
from domain.countries import check_country
from domain.identity_numbers import check_endpoint, check_language, compact_organisation, compact_vat
from domain.ids import OperatorId
from domain.money import currency
from domain.refusal import BadValue

OCR_LEVELS = ("soft", "check", "length", "fixed")
VAT_IDS_MAX = 40
LANGUAGES_MAX = 20
SHORT_NUMBERS_MAX = 100
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_PREFIX = re.compile(r"[0-9]{0,5}", re.ASCII)
_SHORT = re.compile(r"[0-9]{2,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address. ``country`` is ISO 3166-1 alpha-2."""

    street: str
    postcode: str
    city: str
    country: str
    street2: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """How numbers are dialled where the operator is. None: as phonenumbers knows it of his country.

    ``short`` are numbers that are dialled as they are, such as 112 and 90222.
    """

    national_prefix: str | None = None
    international_prefix: str | None = None
    short: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A tenant: the seller on its invoices, with its own zone, currency and number plan.

    ``bankgiro`` is digits only; ``endpoint`` is the Peppol participant as ``scheme:id`` (0007 is the Swedish
    organisation number). ``ocr_level`` is the bank agreement's: ``soft``, ``check``, ``length`` or ``fixed``.
    ``languages`` are those he writes in, ``language`` the one where nothing else is said; ``vat_ids`` are those of
    other countries in which he is registered, by country.
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
    edition: Edition = Edition.RETAIL
    languages: tuple[str, ...] = ()
    vat_ids: Mapping[str, str] = field(default_factory=dict)
    number_plan: NumberPlan = NumberPlan()
    version: int = 1

    def vat_id_in(self, country: str) -> str:
        """Return the VAT id he has in a country; his own where he is not registered there."""
        return self.vat_ids.get(country, self.vat_id)


def check(operator: Operator) -> Operator:
    """Return the operator with its identity numbers in compact form. Refuses with: BadValue, naming the field."""
    _check_settings(operator)
    if not _CODE.fullmatch(operator.code):
        raise BadValue("a code has 1 to 40 letters, digits, hyphens or underscores", field="code")
    if not operator.name.strip() or len(operator.name) > 200:
        raise BadValue("a name has 1 to 200 characters", field="name")
    check_country(operator.country, field="country")
    if operator.address.country != operator.country:
        raise BadValue("the address is in the operator's own country", field="address.country")
    try:
        ZoneInfo(operator.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValue(
            "{zone!r} is not a time zone such as Europe/Stockholm (IANA)", zone=operator.zone, field="zone"
        ) from None
    if operator.bankgiro is not None and not re.fullmatch(r"[0-9]{7,8}", operator.bankgiro, re.ASCII):
        raise BadValue("a bankgiro number is 7 or 8 digits", field="bankgiro")
    if not 0 <= operator.payment_terms_days <= 365:
        raise BadValue("payment terms are 0 to 365 days", field="paymentTermsDays")
    if operator.ocr_level not in OCR_LEVELS:
        raise BadValue("an OCR level is one of {listed}", listed=", ".join(OCR_LEVELS), field="ocrLevel")
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
        vat_ids={
            country: compact_vat(vat_id, field=f"vatIds.{country}") for country, vat_id in operator.vat_ids.items()
        },
    )


def _check_settings(operator: Operator) -> None:
    for place, language in enumerate(operator.languages):
        check_language(language, field=f"languages.{place}")
    if len(operator.languages) > LANGUAGES_MAX or len(set(operator.languages)) != len(operator.languages):
        raise BadValue("there are at most {most} languages, each once", most=LANGUAGES_MAX, field="languages")
    if operator.languages and operator.language not in operator.languages:
        raise BadValue("the documents' own language is one of the languages", field="languages")
    if len(operator.vat_ids) > VAT_IDS_MAX:
        raise BadValue("there are at most {most} further VAT ids", most=VAT_IDS_MAX, field="vatIds")
    for country, vat_id in operator.vat_ids.items():
        # Greece's VAT ids begin with EL, and Northern Ireland's with XI.
        known = {"GR": "EL"}.get(country, country)
        check_country(country, field="vatIds")
        if not vat_id.upper().replace(" ", "").startswith(known):
            raise BadValue("a VAT id begins with the country it is of", field=f"vatIds.{country}")
        if country == operator.country:
            raise BadValue("the VAT id of the operator's own country is vatId", field=f"vatIds.{country}")
    plan = operator.number_plan
    for name in ("national_prefix", "international_prefix"):
        if not _PREFIX.fullmatch(getattr(plan, name) or ""):
            raise BadValue(
                "a dialling prefix has up to five digits",
                field="numberPlan." + {"national_prefix": "nationalPrefix"}.get(name, "internationalPrefix"),
            )
    if len(plan.short or ()) > SHORT_NUMBERS_MAX:
        raise BadValue("there are at most {most} short numbers", most=SHORT_NUMBERS_MAX, field="numberPlan.short")
    for place, number in enumerate(plan.short or ()):
        if not _SHORT.fullmatch(number):
            raise BadValue("a short number has 2 to 12 digits", field=f"numberPlan.short.{place}")
