"""The operator (tenant) and what every document of his starts from."""

from __future__ import annotations

from dataclasses import dataclass

from domain.ids import OperatorId


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
