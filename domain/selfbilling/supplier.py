"""Whom the operator owes, and the agreement that the operator writes the invoices."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.countries import check_country
from domain.identity_numbers import check_endpoint, check_language, compact_organisation, compact_vat
from domain.ids import OperatorId, ResellerId, SupplierId
from domain.money import currency
from domain.operators import Address
from domain.period import Period
from domain.refusal import BadValue

NAME_MAX: Final = 200
TRUNKS_MAX: Final = 200
TERMS_MAX: Final = 365
SUPPLIERS_MAX: Final = 2000
_NEW: Final = SupplierId(0)
_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[0-9]{4,8}", re.ASCII)
_BANKGIRO: Final = re.compile(r"[0-9]{7,8}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """He is owed what calls over ``trunks`` cost, and what commission statements say of ``reseller``.

    The agreement of ``agreed_on`` holds for what was supplied in ``[valid_from, valid_to)``. ``vat_percent`` is his
    rate of ordinary domestic supply; he has a ``vat_id`` unless that is 0. ``account`` is the cost's.
    """

    id: SupplierId = _NEW
    operator: OperatorId
    code: str
    name: str
    organisation_number: str
    address: Address
    agreed_on: date
    valid_from: date
    valid_to: date | None = None
    vat_id: str | None = None
    trunks: tuple[str, ...] = ()
    reseller: ResellerId | None = None
    currency: str = "SEK"
    vat_percent: Decimal = Decimal(25)
    account: str = "4041"
    terms_days: int = 30
    language: str = "sv"
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    endpoint: str | None = None
    version: int = 0

    def agreed(self, period: Period) -> Period | None:
        """Return the days of a period that the agreement holds for; None: none."""
        return period.overlap(self.valid_from, self.valid_to)


def check(one: Supplier) -> Supplier:
    """Return the supplier with its identity numbers in compact form. Refuses with: BadValue, naming the field."""
    if not _CODE.fullmatch(one.code):
        raise BadValue("a code has 1 to 40 letters, digits, dots, hyphens or underscores", field="code")
    if not one.name.strip() or len(one.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    place = one.address
    check_country(place.country, field="address.country")
    if not all(part.strip() for part in (place.street, place.postcode, place.city)):
        raise BadValue("a supplier's address has a street, a postcode and a city", field="address")
    if not one.trunks and one.reseller is None:
        raise BadValue(
            "name the trunks whose calls he is paid for, or the reseller who gets commissions", field="trunks"
        )
    if len(one.trunks) > TRUNKS_MAX or len(set(one.trunks)) != len(one.trunks) or not all(map(str.strip, one.trunks)):
        raise BadValue("there are at most {most} trunks, each once and by its name", most=TRUNKS_MAX, field="trunks")
    if one.valid_to is not None and one.valid_to <= one.valid_from:
        raise BadValue("an agreement ends after it begins", field="validTo")
    if one.agreed_on > one.valid_from:
        raise BadValue("an agreement is made before what it holds for (art. 224)", field="agreedOn")
    _check_money(one)
    check_language(one.language)
    if one.endpoint is not None:
        check_endpoint(one.endpoint)
    vat_id = None if one.vat_id is None else compact_vat(one.vat_id)
    number = compact_organisation(place.country, one.organisation_number, field="organisationNumber")
    return replace(one, currency=currency(one.currency), organisation_number=number, vat_id=vat_id)


def _check_money(one: Supplier) -> None:
    if not (one.vat_percent.is_finite() and 0 <= one.vat_percent <= 100):
        raise BadValue("a VAT rate is 0 to 100 per cent", field="vatPercent")
    if one.vat_percent and one.vat_id is None:
        raise BadValue("who charges VAT has a VAT id, which his invoices name", field="vatId")
    if not _ACCOUNT.fullmatch(one.account):
        raise BadValue("an account has 4 to 8 digits", field="account")
    if not 0 <= one.terms_days <= TERMS_MAX:
        raise BadValue("payment terms are 0 to 365 days", field="termsDays")
    if one.bankgiro is not None and not _BANKGIRO.fullmatch(one.bankgiro):
        raise BadValue("a bankgiro number is 7 or 8 digits", field="bankgiro")
