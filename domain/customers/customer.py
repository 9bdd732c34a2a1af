"""The customer: its fields, the checks on them, and who pays for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.countries import check_country
from domain.customers.contact import CONTACTS_MAX, Contact, Recipient, check_contact, check_email, check_recipient
from domain.fields.definition import Fields
from domain.identity_numbers import (
    check_endpoint,
    check_language,
    compact_organisation,
    compact_person,
    compact_vat,
)
from domain.ids import CustomerId, OperatorId, ResellerId
from domain.operators import Address
from domain.refusal import BadValue, WrongState

NAME_MAX = 200
TREE_DEPTH_MAX = 1000  # far beyond any real tree; it only ends a walk that would not end
REFERENCE_MAX = 100
BILLING_DAY_MAX = 28  # every month has it
CREDIT_LIMIT_MAX = Decimal(10) ** 12


class CustomerKind(StrEnum):
    """A natural person or a legal one."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Delivery(StrEnum):
    """How the invoice reaches its payer. ``PDF``: he fetches it; ``ERP``: another system of the operator's sends it."""

    PDF = "pdf"
    EMAIL = "email"
    PRINT = "print"
    PEPPOL = "peppol"
    FINVOICE = "finvoice"
    OIOUBL = "oioubl"
    ERP = "erp"


class CallSpecification(StrEnum):
    """How much of the calls stands on the invoice. The subscriber may always ask for a bill that is not itemised."""

    NONE = "none"
    SUMMARY = "summary"
    ITEMISED = "itemised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer. ``number`` is the operator's own; ``endpoint`` the Peppol participant as ``scheme:id``.

    ``through_parent``: the invoice goes to the parent's payer; ``billed_through``: to the payer of this one, any number
    of levels above. ``parent`` and both are what holds today; ``domain.customers.place`` has what held and will hold.
    ``price_list`` is the default of its contracts. ``credit_limit`` is in the operator's currency.

    ``billing_day`` (1 to 28) is the day of the month on which its billing periods begin; None: the first.
    ``direct_debit``: it pays so, and is not billed without a mandate.
    ``buyer_reference`` (BT-10), ``order_reference`` (BT-13) and ``cost_centre`` (BT-19) stand on its invoices.
    ``merged_into``: it was a double, and that one goes on in its place. ``closed_at``: nothing is agreed with it any
    more. ``erased_at``: what the law does not keep of the person was erased.
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
    billed_through: CustomerId | None = None
    recipient: Recipient | None = None
    contacts: tuple[Contact, ...] = ()
    credit_limit: Decimal | None = None
    buyer_reference: str | None = None
    order_reference: str | None = None
    cost_centre: str | None = None
    billing_day: int | None = None
    direct_debit: bool = False
    fields: Fields = ()
    merged_into: CustomerId | None = None
    closed_at: datetime | None = None
    erased_at: datetime | None = None

    @property
    def pays_through(self) -> CustomerId | None:
        """To whose payer the invoice goes; None: it pays itself."""
        return self.billed_through or (self.parent if self.through_parent else None)


def check(customer: Customer) -> Customer:
    """Return the customer with its numbers in compact form. Refuses with: BadValue, naming the field."""
    if not customer.name.strip() or len(customer.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if not customer.number.strip() or len(customer.number) > 40:
        raise BadValue("a customer number has 1 to 40 characters", field="number")
    if customer.email is not None:
        check_email(customer.email, field="email")
    if not 0 <= customer.mask_digits <= 4:
        raise BadValue("between 0 and 4 digits can be masked", field="maskDigits")
    if customer.payment_terms_days is not None and not 0 <= customer.payment_terms_days <= 365:
        raise BadValue("payment terms are 0 to 365 days", field="paymentTermsDays")
    if customer.through_parent and customer.parent is None:
        raise BadValue("billed through its parent, but it has none", field="throughParent")
    if customer.billed_through is not None and customer.through_parent:
        raise BadValue("billed either through its parent or through the one named", field="billedThrough")
    if customer.billed_through is not None and customer.parent is None:
        raise BadValue("billed through one above, but there is none", field="billedThrough")
    check_country(customer.address.country, field="address.country")
    check_language(customer.language)
    if customer.endpoint is not None:
        check_endpoint(customer.endpoint)
    if customer.billing_day is not None and not 1 <= customer.billing_day <= BILLING_DAY_MAX:
        raise BadValue("a billing day is 1 to {most}", most=BILLING_DAY_MAX, field="billingDay")
    _check_particulars(customer)
    identity, vat = customer.identity_number, customer.vat_id
    return replace(
        customer,
        identity_number=identity and compact_identity(customer.kind, customer.address.country, identity),
        vat_id=vat and compact_vat(vat),
    )


def _check_particulars(customer: Customer) -> None:
    if customer.recipient is not None:
        check_recipient(customer.recipient)
    if len(customer.contacts) > CONTACTS_MAX:
        raise BadValue("a customer has at most {most} contacts", most=CONTACTS_MAX, field="contacts")
    for index, contact in enumerate(customer.contacts):
        check_contact(contact, field=f"contacts.{index}")
    limit = customer.credit_limit
    if limit is not None and not (limit.is_finite() and 0 <= limit <= CREDIT_LIMIT_MAX):
        raise BadValue("a credit limit is an amount from 0 to {most}", most="10¹²", field="creditLimit")
    if limit is not None and round(limit, 2) != limit:
        raise BadValue("a credit limit has at most two decimals", field="creditLimit")
    for field, text in (
        ("buyerReference", customer.buyer_reference),
        ("orderReference", customer.order_reference),
        ("costCentre", customer.cost_centre),
    ):
        if text is not None and not 1 <= len(text.strip()) <= REFERENCE_MAX:
            raise BadValue("a reference has 1 to {most} characters", most=REFERENCE_MAX, field=field)


def compact_identity(kind: CustomerKind, country: str, number: str) -> str:
    """Check and compact the identity number of a person or an organisation. Refuses with: BadValue.

    >>> compact_identity(CustomerKind.ORGANISATION, "SE", "556703-7485")
    '5567037485'
    """
    if kind is CustomerKind.PERSON:
        return compact_person(country, number)
    return compact_organisation(country, number)


def payer(customer: CustomerId, tree: Mapping[CustomerId, Customer]) -> CustomerId:
    """Return who pays for the customer: itself, or the nearest one above that pays itself.

    Refuses with: BadValue where the tree has a cycle.
    """
    for _ in range(TREE_DEPTH_MAX):
        above = tree[customer].pays_through
        if above is None:
            return customer
        customer = above
    raise BadValue(
        "the customer tree above {customer} has a cycle or is deeper than {tree_depth_max}",
        customer=customer,
        tree_depth_max=TREE_DEPTH_MAX,
        field="parent",
    )


def check_open(customer: Customer, *, field: str = "customer") -> Customer:
    """Return a customer with whom something can be agreed. Refuses with: WrongState, saying why it cannot."""
    if customer.merged_into is not None:
        raise WrongState(
            "customer {number} was merged into another, see mergedInto; use that one",
            number=customer.number,
            field=field,
        )
    if customer.erased_at is not None:
        raise WrongState("customer {number} was erased", number=customer.number, field=field)
    if customer.closed_at is not None:
        raise WrongState("customer {number} is closed", number=customer.number, field=field)
    return customer
