"""The customer: its fields, the checks on them, and who pays for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.identity_numbers import (
    check_endpoint,
    check_language,
    compact_organisation,
    compact_person,
    compact_vat,
)
from domain.ids import CustomerId, OperatorId, ResellerId
from domain.operators import Address
from domain.refusal import BadValue

NAME_MAX = 200
TREE_DEPTH_MAX = 32
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")


class CustomerKind(StrEnum):
    """A natural person or a legal one."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Delivery(StrEnum):
    """How the invoice reaches its payer."""

    PDF = "pdf"
    EMAIL = "email"
    PRINT = "print"
    PEPPOL = "peppol"


class CallSpecification(StrEnum):
    """How much of the calls stands on the invoice. The subscriber may always ask for a bill that is not itemised."""

    NONE = "none"
    SUMMARY = "summary"
    ITEMISED = "itemised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer. ``number`` is the operator's own; ``endpoint`` the Peppol participant as ``scheme:id``.

    ``through_parent``: the invoice goes to the parent's payer. ``price_list`` is the default of its contracts.
    """

    id: CustomerId
    operator: OperatorId
    number: str
    kind: CustomerKind
    name: str
    address: Address
    identity_number: str | None = None
    vat_id: str | None = None
    parent: CustomerId | None = None
    through_parent: bool = False
    reseller: ResellerId | None = None
    email: str | None = None
    phone: str | None = None
    language: str = "sv"
    payment_terms_days: int | None = None
    delivery: Delivery = Delivery.PDF
    endpoint: str | None = None
    call_specification: CallSpecification = CallSpecification.ITEMISED
    mask_digits: int = 0
    price_list: str | None = None
    version: int = 1


def check(customer: Customer) -> Customer:
    """Return the customer with its numbers in compact form. Refuses with: BadValue, naming the field."""
    if not customer.name.strip() or len(customer.name) > NAME_MAX:
        raise BadValue(f"a name has 1 to {NAME_MAX} characters", field="name")
    if not customer.number.strip() or len(customer.number) > 40:
        raise BadValue("a customer number has 1 to 40 characters", field="number")
    if customer.email is not None and not _EMAIL.fullmatch(customer.email):
        raise BadValue(f"{customer.email!r} is not an e-mail address", field="email")
    if not 0 <= customer.mask_digits <= 4:
        raise BadValue("between 0 and 4 digits can be masked", field="maskDigits")
    if customer.payment_terms_days is not None and not 0 <= customer.payment_terms_days <= 365:
        raise BadValue("payment terms are 0 to 365 days", field="paymentTermsDays")
    if customer.through_parent and customer.parent is None:
        raise BadValue("billed through its parent, but it has none", field="throughParent")
    if not re.fullmatch(r"[A-Z]{2}", customer.address.country):
        raise BadValue("a country is two capital letters such as SE (ISO 3166-1)", field="address.country")
    check_language(customer.language)
    if customer.endpoint is not None:
        check_endpoint(customer.endpoint)
    identity, vat = customer.identity_number, customer.vat_id
    return replace(
        customer,
        identity_number=identity and compact_identity(customer.kind, customer.address.country, identity),
        vat_id=vat and compact_vat(vat),
    )


def compact_identity(kind: CustomerKind, country: str, number: str) -> str:
    """Check and compact the identity number of a person or an organisation. Refuses with: BadValue.

    >>> compact_identity(CustomerKind.ORGANISATION, "SE", "556703-7485")
    '5567037485'
    """
    if kind is CustomerKind.PERSON:
        return compact_person(country, number)
    return compact_organisation(country, number)


def payer(customer: CustomerId, tree: Mapping[CustomerId, Customer]) -> CustomerId:
    """Return who pays for the customer: itself, or the nearest one above that is not billed through its parent.

    Refuses with: BadValue where the tree has a cycle.
    """
    for _ in range(TREE_DEPTH_MAX):
        node = tree[customer]
        if not node.through_parent or node.parent is None:
            return customer
        customer = node.parent
    raise BadValue(f"the customer tree above {customer} has a cycle or is deeper than {TREE_DEPTH_MAX}", field="parent")
