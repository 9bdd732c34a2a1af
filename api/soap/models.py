"""The types of the WSDL.

Elements that may be left out are ``minOccurs=0``; in a change, one that is left out stays as it is and one that is nil
is emptied, so changes are read from the XML itself (``service.given``). Amounts are ``xs:decimal``; instants carry an
offset.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from spyne import Boolean, ByteArray, ComplexModel, Date, DateTime, Enum, Integer, Unicode
from spyne import Decimal as XsDecimal

from api.soap.faults import NAMESPACE
from domain.contracts.contract import ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import SubscriptionKind, SubscriptionState
from domain.contracts.terms import DiscountOn, Renewal
from domain.customers.contact import ContactRole
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.invoicing.invoice import DocumentKind


def _enum(kind: type[StrEnum], name: str) -> Any:
    made = Enum(*(member.value for member in kind), type_name=name)
    made.__namespace__ = NAMESPACE
    return made


def many(kind: Any) -> Any:
    """Return a type whose element may come any number of times."""
    return kind.customize(min_occurs=0, max_occurs="unbounded")


def needed(kind: Any, **more: Any) -> Any:
    """Return a type whose element must be there."""
    return kind.customize(min_occurs=1, nillable=False, **more)


KindOfCustomer = _enum(CustomerKind, "CustomerKind")
RoleOfContact = _enum(ContactRole, "ContactRole")
KindOfDelivery = _enum(Delivery, "Delivery")
KindOfSpecification = _enum(CallSpecification, "CallSpecification")
StateOfContract = _enum(ContractState, "ContractState")
KindOfSubscription = _enum(SubscriptionKind, "SubscriptionKind")
StateOfSubscription = _enum(SubscriptionState, "SubscriptionState")
KindOfIdentifier = _enum(IdentifierKind, "IdentifierKind")
KindOfRenewal = _enum(Renewal, "Renewal")
ObjectOfDiscount = _enum(DiscountOn, "DiscountOn")
KindOfDocument = _enum(DocumentKind, "DocumentKind")
FormOfInvoice = Enum("pdf", "xml", type_name="InvoiceFormat")
FormOfInvoice.__namespace__ = NAMESPACE


class Model(ComplexModel):
    """A type of our namespace."""

    __namespace__ = NAMESPACE


class Address(Model):
    """A postal address; the country is ISO 3166-1 alpha-2."""

    street = needed(Unicode)
    street2 = Unicode
    postcode = needed(Unicode)
    city = needed(Unicode)
    country = needed(Unicode)


class Recipient(Model):
    """Who gets a payer's invoices; what is left out is the customer's own."""

    name = Unicode
    attention = Unicode
    address = Address
    email = Unicode
    endpoint = Unicode


class Contact(Model):
    """Somebody at a customer, with a role or several."""

    name = needed(Unicode)
    role = RoleOfContact.customize(min_occurs=0, max_occurs="unbounded")
    email = Unicode
    phone = Unicode


class OwnField(Model):
    """A field of the operator's own; without a value it is emptied."""

    name = needed(Unicode)
    value = Unicode


class Customer(Model):
    """A customer; ``parent`` and ``reseller`` are named by number and code."""

    number = needed(Unicode)
    kind = needed(KindOfCustomer)
    name = needed(Unicode)
    address = needed(Address)
    identityNumber = Unicode
    vatId = Unicode
    throughParent = needed(Boolean)
    email = Unicode
    phone = Unicode
    language = needed(Unicode)
    paymentTermsDays = Integer
    delivery = needed(KindOfDelivery)
    endpoint = Unicode
    callSpecification = needed(KindOfSpecification)
    maskDigits = needed(Integer)
    priceList = Unicode
    recipient = Recipient
    contact = Contact.customize(min_occurs=0, max_occurs="unbounded")
    creditLimit = XsDecimal
    buyerReference = Unicode
    orderReference = Unicode
    costCentre = Unicode
    billingDay = Integer
    directDebit = Boolean
    field = OwnField.customize(min_occurs=0, max_occurs="unbounded")
    closedAt = DateTime
    erasedAt = DateTime
    version = needed(Integer)


class NewCustomer(Model):
    """What a new customer is made of; without a number it is drawn."""

    number = Unicode
    kind = needed(KindOfCustomer)
    name = needed(Unicode)
    address = needed(Address)
    identityNumber = Unicode
    vatId = Unicode
    parentNumber = Unicode
    throughParent = Boolean
    email = Unicode
    phone = Unicode
    language = Unicode
    paymentTermsDays = Integer
    delivery = KindOfDelivery
    endpoint = Unicode
    callSpecification = KindOfSpecification
    maskDigits = Integer
    priceList = Unicode
    billedThroughNumber = Unicode
    recipient = Recipient
    contact = Contact.customize(min_occurs=0, max_occurs="unbounded")
    creditLimit = XsDecimal
    buyerReference = Unicode
    orderReference = Unicode
    costCentre = Unicode
    billingDay = Integer
    directDebit = Boolean
    field = OwnField.customize(min_occurs=0, max_occurs="unbounded")


class CustomerChange(Model):
    """What changes; an element that is left out stays, one that is nil is emptied."""

    kind = KindOfCustomer
    name = Unicode
    number = Unicode
    address = Address
    identityNumber = Unicode
    vatId = Unicode
    throughParent = Boolean
    email = Unicode
    phone = Unicode
    language = Unicode
    paymentTermsDays = Integer
    delivery = KindOfDelivery
    endpoint = Unicode
    callSpecification = KindOfSpecification
    maskDigits = Integer
    priceList = Unicode
    parentNumber = Unicode
    billedThroughNumber = Unicode
    recipient = Recipient
    contact = Contact.customize(min_occurs=0, max_occurs="unbounded")
    creditLimit = XsDecimal
    buyerReference = Unicode
    orderReference = Unicode
    costCentre = Unicode
    billingDay = Integer
    directDebit = Boolean
    field = OwnField.customize(min_occurs=0, max_occurs="unbounded")


class Terms(Model):
    """What was agreed besides services; what is left out is as it is without terms."""

    __type_name__ = "ContractTerms"

    bindingMonths = Integer
    bindingFrom = Date
    bindingShare = XsDecimal
    noticeMonths = Integer
    renewal = KindOfRenewal
    renewalMonths = Integer
    intervalMonths = Integer
    anniversary = Boolean
    paysSuspended = Boolean
    conditions = Unicode
    signatory = Unicode
    signedOn = Date
    seller = Unicode
    site = Address


class Discount(Model):
    """In [start, end): percent or amount off fees, or percent off usage; of one service, or of all."""

    on = ObjectOfDiscount
    start = needed(Date)
    end = Date
    percent = XsDecimal
    amount = XsDecimal
    serviceCode = Unicode
    text = Unicode


class ContractLine(Model):
    """A service on a contract; fees left out are the service's own."""

    serviceCode = needed(Unicode)
    start = needed(Date)
    end = Date
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal
    subscription = Integer
    bundleCode = Unicode


class NumberAssignment(Model):
    """A number from validFrom until validTo."""

    number = needed(Unicode)
    validFrom = needed(DateTime)
    validTo = DateTime
    kind = KindOfIdentifier


class Line(Model):
    """A line in the network. ``endedAt`` may lie ahead."""

    id = needed(Integer)
    kind = needed(KindOfSubscription)
    label = needed(Unicode)
    number = NumberAssignment.customize(min_occurs=0, max_occurs="unbounded")
    state = needed(StateOfSubscription)
    activatedAt = DateTime
    endedAt = DateTime
    version = needed(Integer)


class Contract(Model):
    """A contract with its services and lines."""

    number = needed(Unicode)
    customerNumber = needed(Unicode)
    start = needed(Date)
    end = Date
    state = needed(StateOfContract)
    priceList = Unicode
    service = ContractLine.customize(min_occurs=0, max_occurs="unbounded")
    subscription = Line.customize(min_occurs=0, max_occurs="unbounded")
    version = needed(Integer)
    terms = Terms
    discount = Discount.customize(min_occurs=0, max_occurs="unbounded")


class ContractChange(Model):
    """What changes; an element that is left out stays, one that is nil is emptied."""

    state = StateOfContract
    start = Date
    end = Date
    priceList = Unicode


class Charge(Model):
    """What one level pays for an event."""

    amount = needed(XsDecimal)
    currency = needed(Unicode)
    priceList = needed(Unicode)


class Usage(Model):
    """A rated event. ``event`` names it in a later call."""

    event = needed(Unicode)
    start = needed(DateTime)
    mode = needed(Unicode)
    direction = needed(Unicode)
    a = needed(Unicode)
    b = needed(Unicode)
    destination = needed(Unicode)
    used = needed(Integer)
    billed = needed(Integer)
    retail = needed(Charge)
    wholesale = Charge.customize(min_occurs=0, max_occurs="unbounded")
    cost = Charge


class Quote(Model):
    """What a call would cost; ``reason`` says why there is no retail price."""

    at = needed(DateTime)
    destination = Unicode
    billed = needed(Integer)
    reason = Unicode
    retail = Charge
    wholesale = Charge.customize(min_occurs=0, max_occurs="unbounded")
    cost = Charge


class Allowance(Model):
    """What a bucket has granted, given and left; ``ends`` is after ``until`` where it rolls over."""

    bucket = needed(Unicode)
    owner = needed(Unicode)
    unit = needed(Unicode)
    currency = Unicode
    since = needed(DateTime)
    until = needed(DateTime)
    ends = needed(DateTime)
    granted = needed(XsDecimal)
    used = needed(XsDecimal)
    lost = needed(XsDecimal)
    left = needed(XsDecimal)
    given = needed(XsDecimal)
    grant = Integer
    cap = XsDecimal
    usedByLine = XsDecimal


class Allowances(Model):
    """The buckets of who was asked for, in the order of drawing."""

    count = needed(Integer)
    allowance = Allowance.customize(min_occurs=0, max_occurs="unbounded")


class LevelExplained(Model):
    """One level of an explanation: ``status`` is rated, no_rate or overflow."""

    level = needed(Unicode)
    tier = Integer
    status = needed(Unicode)
    amount = XsDecimal
    currency = Unicode
    priceList = Unicode
    band = Unicode
    billed = needed(Integer)


class Explanation(Model):
    """Why an event costs what it costs: ``text`` for a person, ``data`` (JSON) for a program."""

    status = needed(Unicode)
    destination = Unicode
    prefix = Unicode
    level = LevelExplained.customize(min_occurs=0, max_occurs="unbounded")
    language = needed(Unicode)
    text = needed(Unicode)
    data = needed(Unicode)


class UsagePage(Model):
    """A page of events; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    usage = Usage.customize(min_occurs=0, max_occurs="unbounded")
    next = Unicode


class Invoice(Model):
    """An issued invoice or credit note, without its lines; the documents have them."""

    number = needed(Unicode)
    kind = needed(KindOfDocument)
    issuedOn = needed(Date)
    dueOn = needed(Date)
    periodStart = needed(Date)
    periodEnd = needed(Date)
    currency = needed(Unicode)
    net = needed(XsDecimal)
    vat = needed(XsDecimal)
    rounding = needed(XsDecimal)
    total = needed(XsDecimal)
    reference = needed(Unicode)


class InvoicePage(Model):
    """A page of invoices; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    invoice = Invoice.customize(min_occurs=0, max_occurs="unbounded")
    next = Unicode


class Document(Model):
    """A document of an invoice."""

    name = needed(Unicode)
    mediaType = needed(Unicode)
    content = needed(ByteArray)
