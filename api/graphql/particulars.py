"""What customers have beside their own row, in GraphQL: contacts, recipients, fields of one's own, dated places."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.inputs import AddressInput
from domain.customers.contact import Contact, ContactRole, Recipient
from domain.operators import Address

if TYPE_CHECKING:
    from api.graphql.parties import AddressType, CustomerType

strawberry.enum(ContactRole, description=(ContactRole.__doc__ or "").strip())

Place = Annotated["AddressType", strawberry.lazy("api.graphql.parties")]
Who = Annotated["CustomerType", strawberry.lazy("api.graphql.parties")]


@strawberry.type(name="OwnField", description="A field of the operator's own: its name, and its value as text.")
class OwnFieldType:
    """One of ``domain.fields.definition.Fields``."""

    name: str
    value: str = strawberry.field(description="In the one form of its kind: 12.5, 2026-03-01, true.")


def own_fields() -> Any:
    """Return the field that shows the operator's own fields of a thing."""
    return strawberry.field(resolver=_own_fields, description="The operator's own fields that are filled in, by name.")


def _own_fields(root: strawberry.Parent[Any]) -> list[OwnFieldType]:
    return [OwnFieldType(name=name, value=value) for name, value in root.fields]


@strawberry.type(name="Contact", description="Somebody at a customer.")
class ContactType:
    """``domain.customers.contact.Contact``."""

    name: str
    roles: list[ContactRole]
    email: str | None
    phone: str | None


@strawberry.type(name="InvoiceRecipient", description="Who gets a payer's invoices; null: the customer's own.")
class RecipientType:
    """``domain.customers.contact.Recipient``."""

    name: str | None
    attention: str | None
    address: Place | None
    email: str | None
    endpoint: str | None


async def _parent(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.customers.load(root.parent) if root.parent is not None else None


async def _through(root: strawberry.Parent[Any], info: Info) -> Any:
    through = root.billed_through
    return await info.context.load.customers.load(through) if through is not None else None


@strawberry.type(name="CustomerPlace", description="Where a customer stands in the tree from a day until another.")
class PlaceType:
    """``domain.customers.place.Place``."""

    valid_from: date | None = strawberry.field(description="null: since ever.")
    valid_to: date | None = strawberry.field(description="The first day on which it does not hold; null: none.")
    parent: Who | None = strawberry.field(resolver=_parent)
    through_parent: bool
    billed_through: Who | None = strawberry.field(resolver=_through)


@strawberry.input(description="A field of the operator's own; a value of null empties it.")
class OwnFieldInput:
    """One of ``domain.fields.definition.FieldChanges``."""

    name: str
    value: str | None = None

    def domain(self) -> tuple[str, str | None]:
        """Return the change."""
        return self.name, self.value


@strawberry.input(description="Somebody at a customer, with an e-mail address or a telephone number.")
class ContactInput:
    """``Contact``."""

    name: str
    roles: list[ContactRole] | None = None
    email: str | None = None
    phone: str | None = None

    def domain(self) -> Contact:
        """Return the contact."""
        roles = (ContactRole.OTHER,) if self.roles is None else tuple(self.roles)
        return Contact(name=self.name, roles=roles, email=self.email, phone=self.phone)


@strawberry.input(description="Who gets a payer's invoices; what is left out is the customer's own.")
class RecipientInput:
    """``Recipient``."""

    name: str | None = None
    attention: str | None = None
    address: AddressInput | None = None
    email: str | None = None
    endpoint: str | None = None

    def domain(self) -> Recipient:
        """Return the recipient."""
        place = self.address
        return Recipient(
            name=self.name,
            attention=self.attention,
            address=None if place is None else Address(**dataclasses.asdict(place)),
            email=self.email,
            endpoint=self.endpoint,
        )
