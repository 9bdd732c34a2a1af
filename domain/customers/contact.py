"""People at a customer, and where its invoices go instead of to itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.countries import check_country
from domain.identity_numbers import check_endpoint
from domain.operators import Address
from domain.refusal import BadValue

CONTACTS_MAX: Final = 50
LINE_MAX: Final = 200
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


class ContactRole(StrEnum):
    """What somebody at a customer is asked about."""

    INVOICE = "invoice"
    CONTRACT = "contract"
    TECHNICAL = "technical"
    PORTING = "porting"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody at a customer, with at least one role and one way to be reached."""

    name: str
    roles: tuple[ContactRole, ...] = (ContactRole.OTHER,)
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets a payer's invoices. What is None is the customer's own; ``endpoint`` is a Peppol participant."""

    name: str | None = None
    attention: str | None = None
    address: Address | None = None
    email: str | None = None
    endpoint: str | None = None


def check_email(email: str, *, field: str) -> None:
    """Check the form of an e-mail address. Refuses with: BadValue."""
    if not _EMAIL.fullmatch(email):
        raise BadValue("{value} is not an e-mail address", value=repr(email), field=field)


def check_contact(contact: Contact, *, field: str) -> None:
    """Check a contact. Refuses with: BadValue, naming its field below ``field``."""
    _line(contact.name, field=f"{field}.name")
    if not contact.roles or len(set(contact.roles)) != len(contact.roles):
        raise BadValue("a contact has at least one role, and each once", field=f"{field}.roles")
    if contact.email is None and contact.phone is None:
        raise BadValue("a contact has an e-mail address or a telephone number", field=f"{field}.email")
    if contact.email is not None:
        check_email(contact.email, field=f"{field}.email")
    if contact.phone is not None:
        _line(contact.phone, field=f"{field}.phone")


def check_recipient(recipient: Recipient) -> None:
    """Check who gets the invoice. Refuses with: BadValue, naming the field."""
    for name in ("name", "attention"):
        if (text := getattr(recipient, name)) is not None:
            _line(text, field=f"recipient.{name}")
    place = recipient.address
    if place is not None:
        check_country(place.country, field="recipient.address.country")
    if place is not None and not all(part.strip() for part in (place.street, place.postcode, place.city)):
        raise BadValue("an address has a street, a postcode and a city", field="recipient.address")
    if recipient.email is not None:
        check_email(recipient.email, field="recipient.email")
    if recipient.endpoint is not None:
        check_endpoint(recipient.endpoint, field="recipient.endpoint")


def _line(text: str, *, field: str) -> None:
    if not text.strip() or len(text) > LINE_MAX:
        raise BadValue("a line has 1 to {most} characters", most=LINE_MAX, field=field)
