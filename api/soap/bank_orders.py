"""The operations of the WSDL about files of orders for banks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.mandates import SchemeOfDebit
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import invoice_named, numbers_of
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import OrderFileId
from domain.payments.amounts import major_of
from domain.payments.debit import DebitOrder, DebitState, OrderFile
from domain.payments.orders import Scheme
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.write_orders import (
    TakeOrderFile,
    WriteDebits,
    WriteRefunds,
    Written,
    list_debits,
    list_order_files,
    take_order_file,
    write_debits,
    write_refunds,
)

PAGE: Final = 200
StateOfDebit = _enum(DebitState, "DebitState")


class OrderFileModel(Model):
    """A file of orders for a bank; its content where it is taken."""

    __type_name__ = "OrderFile"

    id = needed(Integer)
    format = needed(Unicode)
    number = needed(Integer)
    name = needed(Unicode)
    orders = needed(Integer)
    madeAt = needed(DateTime)
    takenAt = DateTime
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


class DebitOrderModel(Model):
    """An order to take what is open of an invoice; ``attempt`` counts from 1."""

    __type_name__ = "DebitOrder"

    id = needed(Integer)
    customerNumber = needed(Unicode)
    mandate = needed(Integer)
    file = needed(Integer)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    dueOn = needed(Date)
    attempt = needed(Integer)
    state = needed(StateOfDebit)
    reason = Unicode
    payment = Integer


class DebitOrderPage(Model):
    """Orders by key."""

    count = needed(Integer)
    debit = many(DebitOrderModel)
    next = Unicode


class BankOrders(ServiceBase):
    """Direct debits and refunds, as files for banks."""

    __service_name__ = "Billing"

    @operation("WriteDebits", needed(SchemeOfDebit), Date, Boolean, returns=WrittenModel, result="written")
    async def write_debits(ctx: Any, scheme: str, on: date | None, older: bool | None) -> Any:
        """Write the direct debits of due invoices of payers with a mandate; what is on its way is not ordered again."""
        cmd = WriteDebits(scheme=Scheme(str(scheme)), on=on, older=bool(older))
        wiring = ctx.udc.wiring
        return _written(await ctx.udc.ask(write_debits, cmd, wiring.write_payments, clock=wiring.clock))

    @operation("WriteRefunds", Date, Boolean, returns=WrittenModel, result="written")
    async def write_refunds(ctx: Any, on: date | None, older: bool | None) -> Any:
        """Write all refunds that wait."""
        wiring = ctx.udc.wiring
        cmd = WriteRefunds(on=on, older=bool(older))
        return _written(await ctx.udc.ask(write_refunds, cmd, wiring.write_payments, clock=wiring.clock))

    @operation(
        "ListDebitOrders",
        StateOfDebit,
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=DebitOrderPage,
        result="page",
    )
    async def list_debits(
        ctx: Any, state: str | None, invoice: str | None, first: int | None, after: str | None
    ) -> Any:
        """Return orders by key, in a state and of an invoice by its number."""
        page = await ctx.udc.ask(
            list_debits,
            PageRequest(first or PAGE, key_after(after)),
            state=None if state is None else DebitState(str(state)),
            invoice=None if invoice is None else await invoice_named(ctx, invoice, "invoice"),
        )
        following = str(page.items[-1].id) if page.more else None
        return DebitOrderPage(count=len(page.items), debit=await _debits(ctx, page.items), next=following)

    @operation("ListOrderFiles", Integer(ge=1, le=PAGE_MAX), Unicode, returns=OrderFilePage, result="page")
    async def list_order_files(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return the files that were written, by key, without their content."""
        page = await ctx.udc.ask(list_order_files, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return OrderFilePage(count=len(page.items), file=[_file(one) for one in page.items], next=following)

    @operation("TakeOrderFile", needed(Integer), returns=OrderFileModel, result="file")
    async def take_order_file(ctx: Any, file: int) -> Any:
        """Return a file's content to be given to the bank; who took it first, and when, is kept."""
        found = await ctx.udc.ask(take_order_file, TakeOrderFile(file=OrderFileId(file)), clock=ctx.udc.wiring.clock)
        shown = _file(found)
        shown.content = [found.content]
        return shown


async def _debits(ctx: Any, debits: Sequence[DebitOrder]) -> list[DebitOrderModel]:
    numbers = await numbers_of(ctx, [one.customer for one in debits])
    return [
        DebitOrderModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            mandate=one.mandate,
            file=one.file,
            currency=one.currency,
            amount=plain(major_of(one.amount_minor, one.currency)),
            dueOn=one.due_on,
            attempt=one.attempt,
            state=one.state.value,
            reason=one.reason,
            payment=one.payment,
        )
        for one in debits
    ]


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
