"""The operations of the WSDL about files of orders for banks."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, DateTime, Integer, ServiceBase, Unicode

from api.soap.mandates import SchemeOfDebit
from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.ids import OrderFileId
from domain.payments.debit import OrderFile
from domain.payments.orders import Scheme
from domain.ports.page import PAGE_MAX, PageRequest
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


class BankOrders(ServiceBase):  # type: ignore[misc]  # spyne has no types
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

    @operation("ListOrderFiles", Integer(ge=1, le=PAGE_MAX), Unicode, returns=OrderFilePage, result="page")
    async def list_order_files(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return the files that were written, by key, without their content."""
        page = await ctx.udc.ask(list_order_files, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return OrderFilePage(count=len(page.items), file=[_file(one) for one in page.items], next=following)

    @operation("TakeOrderFile", needed(Integer), returns=OrderFileModel, result="file")
    async def take_order_file(ctx: Any, file: int) -> Any:
        """Return a file's content to be given to the bank; who took it first, and when, is kept."""
        found = await ctx.udc.ask(take_order_file, OrderFileId(file), clock=ctx.udc.wiring.clock)
        shown = _file(found)
        shown.content = [found.content]
        return shown


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
