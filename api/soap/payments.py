"""The operations of the WSDL about payments and what closes them; mandates, and files for banks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.graphql.payments import major
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import CustomerId, InvoiceId, MandateId, OrderFileId, PaymentId, SettlementId
from domain.payments.amounts import minor_of
from domain.payments.debit import OrderFile
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Scheme
from domain.payments.payment import Payment, PaymentState
from domain.payments.record import Kind
from domain.payments.refund import Refund, RefundState
from domain.payments.settlement import Settlement, SettlementKind
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.get_customer import get_customer
from domain.usecases.list_payments import get_payment, items_named, list_open_items, list_payments
from domain.usecases.load_batches import customers_by_ids
from domain.usecases.manage_mandates import AddMandate, EndMandate, add_mandate, end_mandate, list_mandates
from domain.usecases.refund_credit import RefundCredit, refund_credit
from domain.usecases.settle_items import OffsetCredit, WriteOff, offset_credit, undo_settlement, write_off
from domain.usecases.take_payment_file import take_payment_file
from domain.usecases.work_payments import DecideDuplicate, decide_duplicate
from domain.usecases.write_orders import (
    WriteDebits,
    WriteRefunds,
    Written,
    list_order_files,
    take_order_file,
    write_debits,
    write_refunds,
)

PAGE: Final = 200
KindOfPayment = _enum(Kind, "PaymentKind")
StateOfPayment = _enum(PaymentState, "PaymentState")
SchemeOfDebit = _enum(Scheme, "DebitScheme")
StateOfMandate = _enum(MandateState, "MandateState")
StateOfRefund = _enum(RefundState, "RefundState")
KindOfSettlement = _enum(SettlementKind, "SettlementKind")


class PaymentModel(Model):
    """A record of a payment file; ``customerNumber`` where it is a customer's."""

    __type_name__ = "PaymentRecord"

    id = needed(Integer)
    kind = needed(KindOfPayment)
    state = needed(StateOfPayment)
    reason = Unicode
    amount = needed(XsDecimal)
    currency = needed(Unicode)
    bookedOn = needed(Date)  # noqa: N815  (an element's name)
    customerNumber = Unicode  # noqa: N815
    reference = many(Unicode)
    payer = Unicode
    bankReference = Unicode  # noqa: N815
    text = many(Unicode)


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
    issuedOn = needed(Date)  # noqa: N815
    dueOn = needed(Date)  # noqa: N815
    total = needed(XsDecimal)
    open = needed(XsDecimal)


class OpenItemList(Model):
    """What is open of a customer, by due date."""

    item = many(OpenItemModel)


class MandateModel(Model):
    """A customer lets us take what he owes from his account."""

    __type_name__ = "Mandate"

    id = needed(Integer)
    customerNumber = needed(Unicode)  # noqa: N815
    scheme = needed(SchemeOfDebit)
    payerNumber = needed(Unicode)  # noqa: N815
    account = Unicode
    state = needed(StateOfMandate)
    signedOn = Date  # noqa: N815
    activeFrom = Date  # noqa: N815
    endedOn = Date  # noqa: N815
    reason = Unicode
    blocked = needed(Boolean)
    version = needed(Integer)


class MandatePage(Model):
    """Mandates by key."""

    count = needed(Integer)
    mandate = many(MandateModel)
    next = Unicode


class NewMandate(Model):
    """A mandate; active where it stands already."""

    customerNumber = needed(Unicode)  # noqa: N815
    scheme = needed(SchemeOfDebit)
    payerNumber = needed(Unicode)  # noqa: N815
    account = Unicode
    identity = Unicode
    bic = Unicode
    signedOn = Date  # noqa: N815
    signature = Unicode
    active = Boolean


class OrderFileModel(Model):
    """A file of orders for a bank; its content where it is taken."""

    __type_name__ = "OrderFile"

    id = needed(Integer)
    format = needed(Unicode)
    number = needed(Integer)
    name = needed(Unicode)
    orders = needed(Integer)
    madeAt = needed(DateTime)  # noqa: N815
    takenAt = DateTime  # noqa: N815
    content = ByteArray


class OrderFilePage(Model):
    """Files by key, without their content."""

    count = needed(Integer)
    file = many(OrderFileModel)
    next = Unicode


class WrittenModel(Model):
    """What was written; no file where there was nothing to write."""

    __type_name__ = "OrdersWritten"

    file = OrderFileModel
    debits = needed(Integer)
    requests = needed(Integer)
    refunds = needed(Integer)


class SettlementModel(Model):
    """What closed documents without a payment in."""

    __type_name__ = "Settlement"

    id = needed(Integer)
    kind = needed(KindOfSettlement)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    bookedOn = needed(Date)  # noqa: N815
    undoneOn = Date  # noqa: N815


class RefundModel(Model):
    """Money paid back."""

    __type_name__ = "Refund"

    id = needed(Integer)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    name = needed(Unicode)
    account = needed(Unicode)
    state = needed(StateOfRefund)


class NewRefund(Model):
    """What is left of a payment, or owed for a credit note by its number; without an amount all of it."""

    payment = Integer
    creditNote = Unicode  # noqa: N815
    amount = XsDecimal
    account = needed(Unicode)
    scheme = Unicode
    name = Unicode
    bic = Unicode
    text = Unicode


class Payments(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Payments and what goes to banks."""

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
        ctx: Any,  # noqa: N805
        state: str | None,
        customerNumber: str | None,  # noqa: N803
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
        return PaymentPage(count=len(page.items), payment=await _payments(ctx, page.items), next=following)

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
        ctx: Any,  # noqa: N805
        name: str,
        content: Any,
        format: str | None,  # noqa: A002  (an element's name)
        lookedAt: bool | None,  # noqa: N803
    ) -> Any:
        """Take a payment file in: booked and applied, whole or not at all. The same again changes nothing."""
        wiring = ctx.udc.wiring
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
    async def allocate_payment(ctx: Any, payment: int, part: Any, customerNumber: str | None) -> Any:  # noqa: N803, N805
        """Apply a payment to invoices; what is left, or with no part all of it, is credit of the customer."""
        of, _ = await ctx.udc.ask(get_payment, PaymentId(payment))
        wanted = [
            Part(
                invoice=await _invoice(ctx, one.invoice, f"part.{index}.invoice"),
                amount_minor=None if one.amount is None else minor_of(one.amount, of.currency, f"part.{index}.amount"),
            )
            for index, one in enumerate(part or [])
        ]
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        cmd = AllocatePayment(payment=PaymentId(payment), parts=wanted, customer=customer)
        done = await ctx.udc.ask(allocate_payment, cmd, clock=ctx.udc.wiring.clock)
        return (await _payments(ctx, [done]))[0]

    @operation("ReleasePayment", needed(Integer), returns=PaymentModel, result="payment")
    async def release_payment(ctx: Any, payment: int) -> Any:  # noqa: N805
        """Undo all that a payment was applied to: its invoices are open again, the money is nobody's yet."""
        done = await ctx.udc.ask(release_payment, PaymentId(payment), clock=ctx.udc.wiring.clock)
        return (await _payments(ctx, [done]))[0]

    @operation("DecideDuplicate", needed(Integer), needed(Boolean), returns=PaymentModel, result="payment")
    async def decide_duplicate(ctx: Any, payment: int, same: bool) -> Any:  # noqa: N805
        """Say of a possible duplicate that it is the same as one before, or money of its own, which is booked."""
        cmd = DecideDuplicate(payment=PaymentId(payment), same=same)
        return (await _payments(ctx, [await ctx.udc.ask(decide_duplicate, cmd)]))[0]

    @operation("ListOpenItems", needed(Unicode), Date, returns=OpenItemList, result="items")
    async def list_open_items(ctx: Any, customerNumber: str, on: date | None) -> Any:  # noqa: N803, N805
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
                    total=plain(major(one.total_minor, one.currency)),
                    open=plain(major(one.open_minor, one.currency)),
                )
                for one in found
            ]
        )

    @operation("WriteOff", needed(many(Unicode)), Unicode, returns=SettlementModel, result="settlement")
    async def write_off(ctx: Any, invoice: Any, text: str | None) -> Any:  # noqa: N805
        """Give up all that is open of invoices of one customer, by their numbers."""
        keys = [await _invoice(ctx, one, f"invoice.{index}") for index, one in enumerate(invoice or [])]
        cmd = WriteOff(invoices=tuple(keys), text=text or "")
        return _settlement(await ctx.udc.ask(write_off, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "OffsetCredit", needed(Unicode), needed(Unicode), XsDecimal, returns=SettlementModel, result="settlement"
    )
    async def offset_credit(ctx: Any, creditNote: str, invoice: str, amount: Decimal | None) -> Any:  # noqa: N803, N805
        """Set what is open of a credit note off against an invoice of the same customer."""
        note = await _invoice(ctx, creditNote, "creditNote")
        cmd = OffsetCredit(credit_note=note, invoice=await _invoice(ctx, invoice, "invoice"), amount=amount)
        return _settlement(await ctx.udc.ask(offset_credit, cmd, clock=ctx.udc.wiring.clock))

    @operation("UndoSettlement", needed(Integer), returns=SettlementModel, result="settlement")
    async def undo_settlement(ctx: Any, settlement: int) -> Any:  # noqa: N805
        """Undo a write-off or a set-off: all it closed is open again."""
        return _settlement(await ctx.udc.ask(undo_settlement, SettlementId(settlement), clock=ctx.udc.wiring.clock))

    @operation("RefundCredit", needed(NewRefund), returns=RefundModel, result="refund")
    async def refund_credit(ctx: Any, refund: Any) -> Any:  # noqa: N805
        """Ask for a refund; the next file of refunds takes it to the bank."""
        note = None if refund.creditNote is None else await _invoice(ctx, refund.creditNote, "creditNote")
        cmd = RefundCredit(
            payment=None if refund.payment is None else PaymentId(refund.payment),
            credit_note=note,
            amount=refund.amount,
            account=refund.account,
            scheme=refund.scheme or "IBAN",
            name=refund.name or "",
            bic=refund.bic or "",
            text=refund.text or "",
        )
        return _refund(await ctx.udc.ask(refund_credit, cmd, clock=ctx.udc.wiring.clock))

    @operation("AddMandate", needed(NewMandate), returns=MandateModel, result="mandate")
    async def add_mandate(ctx: Any, mandate: Any) -> Any:  # noqa: N805
        """Keep a customer's mandate; Autogiro's is asked for in the next file, where it does not stand already."""
        customer = await ctx.udc.ask(get_customer, mandate.customerNumber)
        cmd = AddMandate(
            customer=customer.id,
            scheme=Scheme(str(mandate.scheme)),
            payer_number=mandate.payerNumber,
            account=mandate.account or "",
            identity=mandate.identity or "",
            bic=mandate.bic or "",
            signed_on=mandate.signedOn,
            signature=mandate.signature,
            active=bool(mandate.active),
        )
        return (await _mandates(ctx, [await ctx.udc.ask(add_mandate, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation("EndMandate", needed(Integer), needed(Integer), Unicode, returns=MandateModel, result="mandate")
    async def end_mandate(ctx: Any, mandate: int, version: int, reason: str | None) -> Any:  # noqa: N805
        """End a mandate at the version that was read."""
        cmd = EndMandate(mandate=MandateId(mandate), version=version, reason=reason or "")
        return (await _mandates(ctx, [await ctx.udc.ask(end_mandate, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation(
        "ListMandates",
        Unicode,
        StateOfMandate,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=MandatePage,
        result="page",
    )
    async def list_mandates(
        ctx: Any,  # noqa: N805
        customerNumber: str | None,  # noqa: N803
        state: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return mandates by key, of a customer and in a state."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(
            list_mandates,
            PageRequest(first or PAGE, key_after(after)),
            customer=customer,
            state=None if state is None else MandateState(str(state)),
        )
        following = str(page.items[-1].id) if page.more else None
        return MandatePage(count=len(page.items), mandate=await _mandates(ctx, page.items), next=following)

    @operation("WriteDebits", needed(SchemeOfDebit), Date, Boolean, returns=WrittenModel, result="written")
    async def write_debits(ctx: Any, scheme: str, on: date | None, older: bool | None) -> Any:  # noqa: N805
        """Write the direct debits of due invoices of payers with a mandate; what is on its way is not ordered again."""
        cmd = WriteDebits(scheme=Scheme(str(scheme)), on=on, older=bool(older))
        wiring = ctx.udc.wiring
        return _written(await ctx.udc.ask(write_debits, cmd, wiring.write_payments, clock=wiring.clock))

    @operation("WriteRefunds", Date, Boolean, returns=WrittenModel, result="written")
    async def write_refunds(ctx: Any, on: date | None, older: bool | None) -> Any:  # noqa: N805
        """Write all refunds that wait."""
        wiring = ctx.udc.wiring
        cmd = WriteRefunds(on=on, older=bool(older))
        return _written(await ctx.udc.ask(write_refunds, cmd, wiring.write_payments, clock=wiring.clock))

    @operation("ListOrderFiles", Integer(ge=1, le=PAGE_MAX), Unicode, returns=OrderFilePage, result="page")
    async def list_order_files(ctx: Any, first: int | None, after: str | None) -> Any:  # noqa: N805
        """Return the files that were written, by key, without their content."""
        page = await ctx.udc.ask(list_order_files, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return OrderFilePage(count=len(page.items), file=[_file(one) for one in page.items], next=following)

    @operation("TakeOrderFile", needed(Integer), returns=OrderFileModel, result="file")
    async def take_order_file(ctx: Any, file: int) -> Any:  # noqa: N805
        """Return a file's content to be given to the bank; who took it first, and when, is kept."""
        found = await ctx.udc.ask(take_order_file, OrderFileId(file), clock=ctx.udc.wiring.clock)
        shown = _file(found)
        shown.content = [found.content]
        return shown


async def _invoice(ctx: Any, number: str, field: str) -> InvoiceId:
    """Return the invoice or credit note of a number. Refuses with: NotFound."""
    found = await ctx.udc.ask(items_named, [number])
    if number not in found:
        raise NotFound("no invoice {invoice}", invoice=number, field=field)
    key: InvoiceId = found[number].invoice
    return key


async def _numbers(ctx: Any, keys: Sequence[CustomerId | None]) -> dict[CustomerId, str]:
    found = await ctx.udc.ask(customers_by_ids, sorted({key for key in keys if key is not None}))
    return {key: one.number for key, one in found.items()}


async def _payments(ctx: Any, payments: Sequence[Payment]) -> list[PaymentModel]:
    numbers = await _numbers(ctx, [one.customer for one in payments])
    return [
        PaymentModel(
            id=one.id,
            kind=one.kind.value,
            state=one.state.value,
            reason=one.reason and one.reason.value,
            amount=plain(major(one.amount_minor, one.currency)),
            currency=one.currency,
            bookedOn=one.booked_on,
            customerNumber=None if one.customer is None else numbers.get(one.customer),
            reference=[reference["ref"] for reference in one.record["references"]],
            payer=one.record["payer"].get("name"),
            bankReference=one.record.get("bank_ref"),
            text=list(one.record["text"]),
        )
        for one in payments
    ]


async def _mandates(ctx: Any, mandates: Sequence[Mandate]) -> list[MandateModel]:
    numbers = await _numbers(ctx, [one.customer for one in mandates])
    return [
        MandateModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            scheme=one.scheme.value,
            payerNumber=one.payer_number,
            account=one.account or None,
            state=one.state.value,
            signedOn=one.signed_on,
            activeFrom=one.active_from,
            endedOn=one.ended_on,
            reason=one.reason,
            blocked=one.blocked,
            version=one.version,
        )
        for one in mandates
    ]


def _settlement(one: Settlement) -> SettlementModel:
    return SettlementModel(
        id=one.id,
        kind=one.kind.value,
        currency=one.currency,
        amount=plain(major(one.amount_minor, one.currency)),
        bookedOn=one.booked_on,
        undoneOn=one.undone_on,
    )


def _refund(one: Refund) -> RefundModel:
    return RefundModel(
        id=one.id,
        currency=one.currency,
        amount=plain(major(one.amount_minor, one.currency)),
        name=one.name,
        account=one.account,
        state=one.state.value,
    )


def _file(one: OrderFile) -> OrderFileModel:
    return OrderFileModel(
        id=one.id,
        format=one.format,
        number=one.number,
        name=one.name,
        orders=one.orders,
        madeAt=one.made_at,
        takenAt=one.taken_at,
    )


def _written(done: Written) -> WrittenModel:
    return WrittenModel(
        file=None if done.file is None else _file(done.file),
        debits=done.debits,
        requests=done.requests,
        refunds=done.refunds,
    )
