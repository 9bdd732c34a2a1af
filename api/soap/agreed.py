"""Terms and discounts as types of the WSDL, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from api.soap.models import Address as AddressModel
from api.soap.models import Discount, Terms, _enum
from domain.contracts import terms as agreed
from domain.contracts.changes import ChangeKind, ChangeState
from domain.ids import ServiceId
from domain.operators import Address
from domain.quotes.quote import QuoteState
from domain.usecases.get_service import services_by_codes

KindOfChange = _enum(ChangeKind, "ContractChangeKind")
StateOfChange = _enum(ChangeState, "ContractChangeState")
StateOfQuote = _enum(QuoteState, "QuoteState")


_FIELDS = {
    "bindingMonths": "binding_months",
    "bindingFrom": "binding_from",
    "bindingShare": "binding_share",
    "noticeMonths": "notice_months",
    "renewalMonths": "renewal_months",
    "intervalMonths": "interval_months",
    "anniversary": "anniversary",
    "paysSuspended": "pays_suspended",
    "conditions": "conditions",
    "signatory": "signatory",
    "signedOn": "signed_on",
    "seller": "seller",
}


def terms_of(given: Any) -> agreed.Terms:
    """Return terms as the domain's; None: as they are without any."""
    if given is None:
        return agreed.Terms()
    found = {ours: getattr(given, theirs) for theirs, ours in _FIELDS.items()}
    more = {name: value for name, value in found.items() if value is not None}
    if given.renewal is not None:
        more["renewal"] = agreed.Renewal(str(given.renewal))
    if given.site is not None:
        more["site"] = address(given.site)
    return agreed.Terms(**more)


def _address(one: Address) -> AddressModel:
    return AddressModel(
        street=one.street, street2=one.street2, postcode=one.postcode, city=one.city, country=one.country
    )


def _plain(value: Decimal | None) -> Decimal | None:
    """Return a decimal whose text has no exponent, since ``xs:decimal`` has none."""
    return None if value is None else Decimal(format(value, "f"))


def address(given: Any) -> Address:
    """Return an address as the domain's."""
    return Address(
        street=given.street, street2=given.street2, postcode=given.postcode, city=given.city, country=given.country
    )


async def discounts_of(call: Any, given: Any) -> tuple[agreed.Discount, ...]:
    """Return discounts as the domain's. Refuses with: NotFound (a service)."""
    codes = [one.serviceCode for one in given or () if one.serviceCode is not None]
    known = await call.ask(services_by_codes, codes) if codes else {}
    return tuple(
        agreed.Discount(
            on=agreed.DiscountOn(str(one.on)) if one.on is not None else agreed.DiscountOn.PERIODIC,
            start=one.start,
            end=one.end,
            percent=one.percent,
            amount=one.amount,
            service=None if one.serviceCode is None else known[one.serviceCode].id,
            text=one.text,
        )
        for one in given or ()
    )


def shown_terms(one: agreed.Terms) -> Terms:
    """Show terms."""
    found = {theirs: getattr(one, ours) for theirs, ours in _FIELDS.items()}
    found["bindingShare"] = _plain(one.binding_share)
    return Terms(
        **found,
        renewal=one.renewal.value,
        site=None if one.site is None else _address(one.site),
    )


def shown_discounts(discounts: Sequence[agreed.Discount], codes: Mapping[ServiceId, str]) -> list[Discount]:
    """Show discounts; ``codes`` are those of their services."""
    return [
        Discount(
            on=one.on.value,
            start=one.start,
            end=one.end,
            percent=_plain(one.percent),
            amount=_plain(one.amount),
            serviceCode=None if one.service is None else codes.get(one.service),
            text=one.text,
        )
        for one in discounts
    ]
