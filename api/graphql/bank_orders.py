"""Orders for banks: direct debits, and the files that take them and refunds there."""

from __future__ import annotations

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql import mandates  # noqa: F401  (names Scheme in the schema)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.payments import amount
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import (
    InvoiceId,
    OrderFileId,
)
from domain.payments.amounts import major_of
from domain.payments.debit import DebitOrder, DebitState, OrderFile
from domain.payments.orders import Scheme
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

ID = strawberry.ID

strawberry.enum(DebitState, description="SENT: on its way. RETURNED: paid, and taken back later.")


@strawberry.type(name="DebitOrder", description="An order to take what is open of an invoice.")
class DebitOrderType:
    """``domain.payments.debit.DebitOrder``."""

    id: strawberry.ID = identified()
    file: strawberry.ID | None = keyed("OrderFile", "file")
    mandate: strawberry.ID | None = keyed("Mandate", "mandate")
    customer: strawberry.ID = owned()
    invoice: strawberry.ID | None = keyed("Invoice", "invoice")
    payment: strawberry.ID | None = keyed("PaymentRecord", "payment")
    currency: str
    amount: Decimal = strawberry.field(resolver=amount)
    due_on: date
    attempt: int
    state: DebitState
    reason: str | None

    is_type_of = shows(DebitOrder)


def _total(root: strawberry.Parent[OrderFile]) -> Decimal | None:
    return None if root.currency is None else major_of(root.total_minor, root.currency)


def _sha256(root: strawberry.Parent[OrderFile]) -> str:
    return root.sha256.hex()


@strawberry.type(name="OrderFile", description="A file of orders for a bank, written once. takeOrderFile tells it.")
class OrderFileType:
    """``domain.payments.debit.OrderFile``."""

    id: strawberry.ID = identified()
    format: str
    number: int
    name: str
    orders: int
    currency: str | None
    total: Decimal | None = strawberry.field(resolver=_total)
    sha256: str = strawberry.field(resolver=_sha256)
    made_at: datetime
    taken_at: datetime | None
    taken_by: str | None

    is_type_of = shows(OrderFile)


@strawberry.type(name="OrderFileContent", description="A file of orders with its content.")
class OrderFileContentType:
    """What ``take_order_file`` answers."""

    file: OrderFileType
    content: str = strawberry.field(description="base64.")


@strawberry.type(name="OrdersWritten", description="A file, null where there was nothing to write.")
class WrittenType:
    """``domain.usecases.write_orders.Written``."""

    file: OrderFileType | None
    debits: int
    requests: int = strawberry.field(description="About mandates.")
    refunds: int

    is_type_of = shows(Written)


async def _debits(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: DebitState | None = None,
    invoice: ID | None = None,
) -> Any:
    of = None if invoice is None else InvoiceId(key_of(invoice, "Invoice", "invoice"))
    asked = request(first, read_number(after, "DebitOrder"))
    return connect(await info.context.ask(list_debits, asked, state=state, invoice=of), "DebitOrder", after=after)


async def _files(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_order_files, request(first, read_number(after, "OrderFile")))
    return connect(page, "OrderFile", after=after)


async def _write_debits(info: Info, scheme: Scheme, on: date | None = None, older: bool = False) -> Any:
    wiring = info.context.wiring
    cmd = WriteDebits(scheme=scheme, on=on, older=older)
    return await info.context.ask(write_debits, cmd, wiring.write_payments, clock=wiring.clock)


async def _write_refunds(info: Info, on: date | None = None, older: bool = False) -> Any:
    wiring = info.context.wiring
    cmd = WriteRefunds(on=on, older=older)
    return await info.context.ask(write_refunds, cmd, wiring.write_payments, clock=wiring.clock)


async def _take(info: Info, file: ID) -> Any:
    cmd = TakeOrderFile(file=OrderFileId(key_of(file, "OrderFile", "file")))
    found: Any = await info.context.ask(take_order_file, cmd, clock=info.context.wiring.clock)
    return OrderFileContentType(file=found, content=base64.b64encode(found.content).decode())


@strawberry.type
class BankOrderQuery:
    """What banks were asked to do."""

    debit_orders: Connection[DebitOrderType] = strawberry.field(resolver=_debits)
    order_files: Connection[OrderFileType] = strawberry.field(resolver=_files)


@strawberry.type
class BankOrderMutation:
    """Writing files for banks."""

    write_debits = strawberry.mutation(
        resolver=_write_debits,
        graphql_type=outcome("WriteDebitsResult", WrittenType),
        description="Order what is due of payers with a mandate; what is on its way is not ordered again.",
    )
    write_refunds = strawberry.mutation(
        resolver=_write_refunds, graphql_type=outcome("WriteRefundsResult", WrittenType)
    )
    take_order_file = strawberry.mutation(
        resolver=_take, graphql_type=outcome("TakeOrderFileResult", OrderFileContentType)
    )
