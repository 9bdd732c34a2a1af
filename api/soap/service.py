"""The operations of the WSDL: each reads its arguments into a command, calls the use case and shows the outcome."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

from lxml import etree
from spyne import DateTime, Integer, ServiceBase, Unicode, rpc

from api.catalogues import accepts
from api.journal import refusing
from api.keeping import Turn
from api.languages import told_in
from api.naming import named
from api.soap import models, particulars, showing
from api.soap.faults import NAMESPACE
from api.soap.models import needed
from api.soap.once import KEY, once, takes_key
from api.soap.paging import key_after
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.commands import camel
from domain.contracts.contract import Contract, ContractState
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.invoicing.invoice import DocumentKind
from domain.operators import Address
from domain.period import utc
from domain.ports.page import PAGE_MAX, PageRequest
from domain.rating.rated_event import EventRef
from domain.refusal import BadValue, Refusal
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.explain_call import explain_call
from domain.usecases.explain_held import explain_held
from domain.usecases.explain_usage import explain_usage
from domain.usecases.find_event import find_event
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_invoice import get_invoice
from domain.usecases.get_subscription import owner_of_number
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.list_usage import ListUsage, list_usage
from domain.usecases.load_batches import customers_by_ids, services_by_ids, subscriptions_of_contracts
from domain.usecases.price_call import PriceCall, price_call
from domain.usecases.print_invoice import print_invoice, write_einvoice
from domain.usecases.receive_invoices import list_received_invoices

PAGE: Final = 200
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# Elements whose text is one of a closed list, and their fields in the commands.
_KINDS: Final[dict[str, Callable[[str], Any]]] = {
    "kind": CustomerKind,
    "delivery": Delivery,
    "callSpecification": CallSpecification,
    "state": ContractState,
}


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls an operation, and with what; spyne carries it as ``ctx.udc``."""

    wiring: Wiring
    actor: Actor
    answering: list[tuple[Turn, bool]] = field(default_factory=list)

    async def ask(self, usecase: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        """Call a use case as the caller."""
        with refusing(usecase.__name__):
            return await usecase(*arguments, actor=self.actor, begin=self.wiring.begin, **more)


def operation(name: str, *arguments: Any, returns: Any, result: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare an operation: its element, its response's element and the element inside that."""
    more = {
        "_returns": returns,
        "_operation_name": name,
        "_out_message_name": f"{{{NAMESPACE}}}{name}Response",
        "_out_variable_name": result,
        "_body_style": "wrapped",
    }

    def declare(function: Callable[..., Any]) -> Any:
        names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
        telling = _in_own_words(function, {*names, *(part for one in arguments for part in _members(one))})
        if not takes_key(name, names):
            return rpc(*arguments, _args=names, **more)(telling)
        return rpc(*arguments, Unicode, _args=(*names, KEY), **more)(once(name, telling))

    return declare


def _members(kind: Any) -> Collection[str]:
    """Return the elements of a complex type, and none of a plain one."""
    return list(getattr(kind, "_type_info", ()))


def _in_own_words(function: Callable[..., Any], elements: Collection[str]) -> Callable[..., Any]:
    """Return an operation whose refusals name the element that it has for the field."""

    @functools.wraps(function)
    async def telling(*arguments: Any) -> Any:
        try:
            return await function(*arguments)
        except Refusal as no:
            no.field = named(no.field, elements)
            raise

    return telling


class Billing(ServiceBase):
    """Customers, contracts, usage and invoices of the caller's operator, as far as the caller may see them."""

    __service_name__ = "Billing"

    @operation("GetCustomer", needed(Unicode), returns=models.Customer, result="customer")
    async def get_customer(ctx: Any, customerNumber: str) -> Any:
        """Return a customer."""
        return showing.customer(await ctx.udc.ask(get_customer, customerNumber))

    @operation(
        "CreateCustomer",
        needed(models.NewCustomer),
        Unicode,
        returns=models.Customer,
        result="customer",
    )
    async def create_customer(ctx: Any, customer: Any, idempotencyKey: str | None) -> Any:
        """Create a customer. Sent again under the same key, the same answer comes again."""
        fields = given(ctx.in_body_doc, "customer", customer)
        fields = {name: value for name, value in fields.items() if value is not None}
        fields = await particulars.read(fields, ctx.udc.ask)
        cmd = CreateCustomer(**fields, idempotency_key=idempotencyKey)
        return showing.customer(await ctx.udc.ask(create_customer, cmd))

    @operation(
        "ChangeCustomer",
        needed(Unicode),
        needed(Integer),
        needed(models.CustomerChange),
        returns=models.Customer,
        result="customer",
    )
    async def change_customer(ctx: Any, customerNumber: str, version: int, change: Any) -> Any:
        """Change a customer at the version that was read."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        read = await particulars.read(given(ctx.in_body_doc, "change", change), ctx.udc.ask)
        fields = filled(read, ChangeCustomer)
        cmd = ChangeCustomer(customer=found.id, version=version, **fields)
        return showing.customer(await ctx.udc.ask(change_customer, cmd))

    @operation("GetContract", needed(Unicode), returns=models.Contract, result="contract")
    async def get_contract(ctx: Any, contractNumber: str) -> Any:
        """Return a contract with its services and lines."""
        return await shown(ctx.udc, await ctx.udc.ask(get_contract, contractNumber))

    @operation(
        "ChangeContract",
        needed(Unicode),
        needed(Integer),
        needed(models.ContractChange),
        returns=models.Contract,
        result="contract",
    )
    async def change_contract(ctx: Any, contractNumber: str, version: int, change: Any) -> Any:
        """Change a contract at the version that was read."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        fields = filled(given(ctx.in_body_doc, "change", change), ChangeContract)
        cmd = ChangeContract(contract=found.id, version=version, **fields)
        return await shown(ctx.udc, await ctx.udc.ask(change_contract, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "PriceCall",
        needed(Unicode),
        needed(Unicode),
        DateTime,
        Integer(ge=0),
        Unicode,
        Unicode,
        returns=models.Quote,
        result="quote",
    )
    async def price_call(
        ctx: Any,
        callingNumber: str,
        calledNumber: str,
        at: datetime | None,
        used: int | None,
        mode: str | None,
        trunk: str | None,
    ) -> Any:
        """Return what a call from one of our numbers to another would cost, now where no time is given."""
        wiring = ctx.udc.wiring
        when = wiring.clock.now() if at is None else utc(at, field="at")
        owner = await ctx.udc.ask(owner_of_number, callingNumber, when)
        asked: dict[str, Any] = {"used": used, "mode": mode, "trunk": trunk}
        fields = {name: value for name, value in asked.items() if value is not None}
        cmd = PriceCall(subscription=owner.id, number=calledNumber, at=when, **fields)
        return showing.quote(await ctx.udc.ask(price_call, cmd, clock=wiring.clock, raters=wiring.raters))

    @operation(
        "ExplainCall",
        needed(Unicode),
        needed(Unicode),
        DateTime,
        Integer(ge=0),
        Unicode,
        Unicode,
        Unicode,
        DateTime,
        returns=models.Explanation,
        result="explanation",
    )
    async def explain_call(
        ctx: Any,
        callingNumber: str,
        calledNumber: str,
        at: datetime | None,
        used: int | None,
        mode: str | None,
        trunk: str | None,
        language: str | None,
        asOf: datetime | None,
    ) -> Any:
        """Return why a call from one of our numbers to another would cost what it would."""
        wiring = ctx.udc.wiring
        when = wiring.clock.now() if at is None else utc(at, field="at")
        owner = await ctx.udc.ask(owner_of_number, callingNumber, when)
        asked: dict[str, Any] = {"used": used, "mode": mode, "trunk": trunk, "believed_at": asOf}
        fields = {name: value for name, value in asked.items() if value is not None}
        cmd = PriceCall(subscription=owner.id, number=calledNumber, at=when, **fields)
        said = await told_in(language, accepts(), wiring=wiring, actor=ctx.udc.actor)
        explained = await ctx.udc.ask(explain_call, cmd, clock=wiring.clock, raters=wiring.raters)
        return showing.explanation(explained, said)

    @operation("ExplainEvent", needed(Unicode), Unicode, DateTime, returns=models.Explanation, result="explanation")
    async def explain_event(ctx: Any, event: str, language: str | None, asOf: datetime | None) -> Any:
        """Return why an event of ListUsage costs what it costs, or why a record in suspense is not rated."""
        wiring = ctx.udc.wiring
        said = await told_in(language, accepts(), wiring=wiring, actor=ctx.udc.actor)
        if event.isascii() and event.isdigit():
            explained = await ctx.udc.ask(explain_held, event, raters=wiring.raters, believed_at=asOf)
        else:
            ref = await ctx.udc.ask(find_event, event)
            found = await ctx.udc.ask(explain_usage, ref, raters=wiring.raters, believed_at=asOf)
            explained = found.explanation
        return showing.explanation(explained, said)

    @operation(
        "ListUsage",
        needed(DateTime),
        needed(DateTime),
        Unicode,
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=models.UsagePage,
        result="page",
    )
    async def list_usage(
        ctx: Any,
        since: datetime,
        until: datetime,
        customerNumber: str | None,
        contractNumber: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return rated events with since <= start < until, of a customer or contract, or of everybody."""
        owner = await ctx.udc.ask(get_customer, customerNumber) if customerNumber is not None else None
        agreed = await ctx.udc.ask(get_contract, contractNumber) if contractNumber is not None else None
        cmd = ListUsage(
            since=since,
            until=until,
            customer=owner.id if owner else None,
            contract=agreed.id if agreed else None,
            first=first or PAGE,
            after=EventRef.read(after) if after is not None else None,
        )
        page = await ctx.udc.ask(list_usage, cmd)
        following = str(page.items[-1].ref) if page.more else None
        return models.UsagePage(count=len(page.items), usage=[showing.usage(one) for one in page.items], next=following)

    @operation("ListInvoices", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=models.InvoicePage, result="page")
    async def list_invoices(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return invoices and credit notes of a payer, or of everybody."""
        payer = await ctx.udc.ask(get_customer, customerNumber) if customerNumber is not None else None
        query = ListInvoices(page=PageRequest(first or PAGE, key_after(after)), customer=payer.id if payer else None)
        page = await ctx.udc.ask(list_invoices, query)
        following = str(page.items[-1].id) if page.more else None
        return models.InvoicePage(
            count=len(page.items), invoice=[showing.invoice(one) for one in page.items], next=following
        )

    @operation("ListReceivedInvoices", Integer(ge=1, le=PAGE_MAX), Unicode, returns=models.InvoicePage, result="page")
    async def list_received_invoices(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return the invoices and credit notes that a reseller received for what he buys."""
        page = await ctx.udc.ask(list_received_invoices, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return models.InvoicePage(
            count=len(page.items), invoice=[showing.invoice(one) for one in page.items], next=following
        )

    @operation(
        "FetchInvoice",
        needed(Unicode),
        needed(models.FormOfInvoice),
        models.KindOfDocument,
        returns=models.Document,
        result="document",
    )
    async def fetch_invoice(ctx: Any, invoiceNumber: str, format: str, kind: str | None) -> Any:
        """Return the PDF or the Peppol XML of an invoice, or of a credit note where kind says so."""
        form = str(format)  # spyne's own values of enumerations compare with nothing
        series = DocumentKind(str(kind)) if kind is not None else DocumentKind.INVOICE
        found = await ctx.udc.ask(get_invoice, invoiceNumber, kind=series)
        make = print_invoice if form == "pdf" else write_einvoice
        _, content = await ctx.udc.ask(make, found.id, documents=ctx.udc.wiring.documents)
        media = "application/pdf" if form == "pdf" else "application/xml"
        return models.Document(name=f"{found.number}.{form}", mediaType=media, content=[content])


async def shown(call: Call, one: Contract) -> Any:
    """Show a contract with what it refers to."""
    owners = await call.ask(customers_by_ids, [one.customer])
    named = {line.service for line in one.services} | {each.service for each in one.discounts if each.service}
    services = await call.ask(services_by_ids, sorted(named))
    lines = await call.ask(subscriptions_of_contracts, [one.id])
    return showing.contract(
        one,
        owner=owners[one.customer],
        services=services,
        lines=lines.get(one.id, ()),
        now=call.wiring.clock.now(),
    )


def given(body: Any, name: str, value: Any) -> dict[str, Any]:
    """Return the fields that stand in an argument's XML; one that is nil is None. Names become the commands' own."""
    element = body.find(f"{{{NAMESPACE}}}{name}")
    found: dict[str, Any] = {}
    for child in element.iterchildren(tag=etree.Element):
        tag = etree.QName(child).localname
        nil = child.get(NIL) in {"1", "true"}
        found[_snake(tag)] = None if nil else _field(tag, getattr(value, tag), child.text)
    return found


def filled(fields: dict[str, Any], command: type) -> dict[str, Any]:
    """Return the fields. Refuses with: BadValue where one that cannot be empty is nil."""
    hints = get_type_hints(command)
    for name, value in fields.items():
        if value is None and type(None) not in get_args(hints[name]):
            raise BadValue("this cannot be empty", field=camel(name))
    return fields


def _field(tag: str, value: Any, text: str | None) -> Any:
    if isinstance(value, models.Address):
        return Address(
            street=value.street, street2=value.street2, postcode=value.postcode, city=value.city, country=value.country
        )
    if value is None:
        return ""  # an empty element is an empty text, not nothing
    # The schema has checked the text; spyne's own value of an enumeration is not comparable.
    return _KINDS[tag]((text or "").strip()) if tag in _KINDS else value


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
