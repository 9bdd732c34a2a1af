"""What customers have beside their own row, in SOAP: contacts, recipients, fields of one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from api.soap import models
from domain.customers.contact import Contact, ContactRole, Recipient
from domain.fields.definition import FieldChanges, Fields
from domain.operators import Address
from domain.usecases.get_customer import get_customer


def recipient(one: Recipient | None) -> models.Recipient | None:
    """Show who gets the invoices."""
    if one is None:
        return None
    place = one.address
    return models.Recipient(
        name=one.name,
        attention=one.attention,
        address=None
        if place is None
        else models.Address(
            street=place.street,
            street2=place.street2,
            postcode=place.postcode,
            city=place.city,
            country=place.country,
        ),
        email=one.email,
        endpoint=one.endpoint,
    )


def contact(one: Contact) -> models.Contact:
    """Show a contact."""
    return models.Contact(name=one.name, role=[role.value for role in one.roles], email=one.email, phone=one.phone)


def own_fields(fields: Fields) -> list[models.OwnField]:
    """Show fields of the operator's own."""
    return [models.OwnField(name=name, value=value) for name, value in fields]


def changes(fields: list[Any] | None) -> FieldChanges:
    """Read fields of the operator's own; one without a value is emptied."""
    return tuple((one.name, one.value) for one in fields or ())


async def read(given: dict[str, Any], ask: Callable[..., Awaitable[Any]]) -> dict[str, Any]:
    """Return what was given of a customer as its commands take it; other customers are named by their numbers."""
    fields = dict(given)
    for name, field in (("parent_number", "parent"), ("billed_through_number", "billed_through")):
        if name in fields:
            number = fields.pop(name)
            fields[field] = None if number is None else (await ask(get_customer, number)).id
    if fields.get("recipient") is not None:
        fields["recipient"] = _recipient(fields["recipient"])
    if "contact" in fields:
        fields["contacts"] = tuple(_contact(one) for one in fields.pop("contact") or ())
    if "field" in fields:
        fields["fields"] = changes(fields.pop("field"))
    return fields


def _recipient(one: Any) -> Recipient:
    place = one.address if one else None
    return Recipient(
        address=None
        if place is None
        else Address(place.street, place.postcode, place.city, place.country, place.street2),
        **{name: getattr(one, name) if one else None for name in ("name", "attention", "email", "endpoint")},
    )


def _contact(one: Any) -> Contact:
    roles = tuple(ContactRole(str(role)) for role in one.role or ()) or (ContactRole.OTHER,)
    return Contact(name=one.name, roles=roles, email=one.email, phone=one.phone)
