"""The operations of the WSDL about payments: taking files in, applying them, and what is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.garbage import collecting_seldom
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import CustomerId, InvoiceId, PaymentId
from domain.payments.amounts import major_of, minor_of
from domain.payments.payment import Payment, PaymentState
from domain.payments.record import Kind
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.get_customer import get_customer
from domain.usecases.list_payments import get_payment, items_named, list_open_items, list_payments
from domain.usecases.load_batches import customers_by_ids
from domain.usecases.take_payment_file import take_payment_file

PAGE: Final = 200
KindOfPayment = _enum(Kind, "PaymentKind")
StateOfPayment = _enum(PaymentState, "PaymentState")


class PaymentModel(Model):
    """A record of a payment file; ``customerNumber`` where it is a customer's.

    ``paid``: what moved at the bank, where it was exchanged (one unit of it is worth ``rate``) or charged for.
    """

    __type_name__ = "PaymentRecord"

    id = needed(Integer)
    kind = needed(KindOfPayment)
    state = needed(StateOfPayment)
    reason = Unicode
    amount = needed(XsDecimal)
    currency = needed(Unicode)
    bookedOn = needed(Date)
    customerNumber = Unicode
    reference = many(Unicode)
    payer = Unicode
    bankReference = Unicode
    text = many(Unicode)
    paid = XsDecimal
    paidCurrency = Unicode
    rate = XsDecimal


class PaymentPage(Model):
    """Payments by key; ``next`` asks for those behind them."""

    count = needed(Integer)
    payment = many(PaymentModel)
    next = Unicode


class CountedModel(Model):
    """How many there are of something."""

    __type_name__ = "PaymentCount"

    name = needed(Unicode)
    count = needed(Integer)


class ImportedModel(Model):
    """What became of a payment file; ``new`` false: it was taken in before, and nothing changed."""

    __type_name__ = "PaymentsImported"

    id = needed(Integer)
    name = needed(Unicode)
    format = needed(Unicode)
    new = needed(Boolean)
    records = needed(Integer)
    duplicates = needed(Integer)
    state = many(CountedModel)
    reason = many(CountedModel)


class PartModel(Model):
    """An invoice, by its number, and how much of the payment it gets; without an amount as much as can be."""

    __type_name__ = "PaymentPart"

    invoice = needed(Unicode)
    amount = XsDecimal


class OpenItemModel(Model):
    """An invoice or credit note with what is open of it."""

    __type_name__ = "OpenItem"

    kind = needed(Unicode)
    number = needed(Unicode)
    reference = needed(Unicode)
    currency = needed(Unicode)
    issuedOn = needed(Date)
    dueOn = needed(Date)
    total = needed(XsDecimal)
    open = needed(XsDecimal)


class OpenItemList(Model):
    """What is open of a customer, by due date."""

    item = many(OpenItemModel)


class Payments(ServiceBase):
    """Payments."""

    __service_name__ = "Billing"

    @operation(
        "ListPayments",
        StateOfPayment,
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=PaymentPage,
        result="page",
    )
    async def list_payments(
        ctx: Any,
        state: str | None,
        customerNumber: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return payments by key, in a state and of a customer; unallocated and held ones wait for somebody."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(
            list_payments,
            PageRequest(first or PAGE, key_after(after)),
            state=None if state is None else PaymentState(str(state)),
            customer=customer,
        )
        following = str(page.items[-1].id) if page.more else None
        return PaymentPage(count=len(page.items), payment=await payments_shown(ctx, page.items), next=following)

    @operation(
        "ImportPaymentFile",
        needed(Unicode),
        needed(ByteArray),
        Unicode,
        Boolean,
        returns=ImportedModel,
        result="imported",
    )
    async def import_payment_file(
        ctx: Any,
        name: str,
        content: Any,
        format: str | None,
        lookedAt: bool | None,
    ) -> Any:
        """Take a payment file in: booked and applied, whole or not at all. The same again changes nothing."""
        wiring = ctx.udc.wiring
        with collecting_seldom():
            done = await ctx.udc.ask(
                take_payment_file,
                name,
                b"".join(content),
                format or "auto",
                clock=wiring.clock,
                blobs=wiring.blobs,
                read=wiring.read_payments,
                looked_at=bool(lookedAt),
            )
        return ImportedModel(
            id=done.file.id,
            name=done.file.name,
            format=done.file.format,
            new=done.new,
            records=done.records,
            duplicates=done.duplicates,
            state=[CountedModel(name=word, count=count) for word, count in done.states.items()],
            reason=[CountedModel(name=word, count=count) for word, count in done.reasons.items()],
        )

    @operation("AllocatePayment", needed(Integer), many(PartModel), Unicode, returns=PaymentModel, result="payment")
    async def allocate_payment(ctx: Any, payment: int, part: Any, customerNumber: str | None) -> Any:
        """Apply a payment to invoices; what is left, or with no part all of it, is credit of the customer."""
        of, _ = await ctx.udc.ask(get_payment, PaymentId(payment))
        wanted = [
            Part(
                invoice=await invoice_named(ctx, one.invoice, f"part.{index}.invoice"),
                amount_minor=None if one.amount is None else minor_of(one.amount, of.currency, f"part.{index}.amount"),
            )
            for index, one in enumerate(part or [])
        ]
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        cmd = AllocatePayment(payment=PaymentId(payment), parts=wanted, customer=customer)
        done = await ctx.udc.ask(allocate_payment, cmd, clock=ctx.udc.wiring.clock)
        return (await payments_shown(ctx, [done]))[0]

    @operation("ReleasePayment", needed(Integer), returns=PaymentModel, result="payment")
    async def release_payment(ctx: Any, payment: int) -> Any:
        """Undo all that a payment was applied to: its invoices are open again, the money is nobody's yet."""
        done = await ctx.udc.ask(release_payment, PaymentId(payment), clock=ctx.udc.wiring.clock)
        return (await payments_shown(ctx, [done]))[0]

    @operation("ListOpenItems", needed(Unicode), Date, returns=OpenItemList, result="items")
    async def list_open_items(ctx: Any, customerNumber: str, on: date | None) -> Any:
        """Return what is open of a customer by due date, now or when a day ended."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        found = await ctx.udc.ask(list_open_items, customer.id, on=on)
        return OpenItemList(
            item=[
                OpenItemModel(
                    kind=one.kind,
                    number=one.number,
                    reference=one.reference,
                    currency=one.currency,
                    issuedOn=one.issued_on,
                    dueOn=one.due_on,
                    total=plain(major_of(one.total_minor, one.currency)),
                    open=plain(major_of(one.open_minor, one.currency)),
                )
                for one in found
            ]
        )


async def invoice_named(ctx: Any, number: str, field: str) -> InvoiceId:
    """Return the invoice or credit note of a number. Refuses with: NotFound."""
    found = await ctx.udc.ask(items_named, [number])
    if number not in found:
        raise NotFound("no invoice {invoice}", invoice=number, field=field)
    key: InvoiceId = found[number].invoice
    return key


async def numbers_of(ctx: Any, keys: Sequence[CustomerId | None]) -> dict[CustomerId, str]:
    """Return the numbers of customers by their keys."""
    found = await ctx.udc.ask(customers_by_ids, sorted({key for key in keys if key is not None}))
    return {key: one.number for key, one in found.items()}


async def payments_shown(ctx: Any, payments: Sequence[Payment]) -> list[PaymentModel]:
    """Return payments as the WSDL shows them, with their customers' numbers."""
    numbers = await numbers_of(ctx, [one.customer for one in payments])
    return [
        PaymentModel(
            id=one.id,
            kind=one.kind.value,
            state=one.state.value,
            reason=one.reason and one.reason.value,
            amount=plain(major_of(one.amount_minor, one.currency)),
            currency=one.currency,
            bookedOn=one.booked_on,
            customerNumber=None if one.customer is None else numbers.get(one.customer),
            reference=[reference["ref"] for reference in one.record["references"]],
            payer=one.record["payer"].get("name"),
            bankReference=one.record.get("bank_ref"),
            text=list(one.record["text"]),
            paid=None if one.paid_minor is None else plain(major_of(one.paid_minor, one.bank_currency)),
            paidCurrency=one.paid_currency,
            rate=None if one.rate is None else plain(one.rate),
        )
        for one in payments
    ]
