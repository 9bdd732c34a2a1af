"""Rating for another system: its customers in, priced lines out."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.catalogues import sentence
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.inputs import given
from api.graphql.invoices import InvoiceBucketType
from api.graphql.once import kept_key
from api.graphql.party_changes import NumberAssignmentInput
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.priced import charged
from domain.basis.batch import BasisBatch, BasisLine
from domain.basis.fee import BasisKind
from domain.contracts.subscription import NumberAssignment, SubscriptionKind
from domain.customers.customer import CustomerKind
from domain.usecases.sync_customers import (
    ExternalCustomer,
    ExternalLine,
    SyncCustomers,
    Synced,
    SyncOutcome,
    sync_customers,
)
from domain.usecases.take_basis import BasisPage, acknowledge_basis, read_basis, take_basis

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(BasisKind, description=(BasisKind.__doc__ or "").strip())
strawberry.enum(SyncOutcome, description=(SyncOutcome.__doc__ or "").strip())


def _code(root: strawberry.Parent[Synced]) -> str | None:
    return root.refusal.code.upper() if root.refusal is not None else None


def _message(root: strawberry.Parent[Synced]) -> str | None:
    return sentence(root.refusal) if root.refusal is not None else None


def _field(root: strawberry.Parent[Synced]) -> str | None:
    return root.refusal.field if root.refusal is not None else None


@strawberry.type(name="SyncedCustomer", description="What became of a customer; code, message and field of a refusal.")
class SyncedCustomerType:
    """``domain.usecases.sync_customers.Synced``."""

    key: str
    outcome: SyncOutcome
    code: str | None = strawberry.field(resolver=_code)
    message: str | None = strawberry.field(resolver=_message)
    field: str | None = strawberry.field(resolver=_field)


@strawberry.type(name="CustomersSynced", description="What became of each, in their order.")
class CustomersSyncedType:
    """All of them."""

    customers: list[SyncedCustomerType]


@strawberry.input(description="A line as the other system knows it; numbers are all that it has.")
class ExternalLineInput:
    """``ExternalLine``."""

    key: str
    kind: SubscriptionKind | None = None
    label: str | None = None
    price_list: str | None = None
    numbers: list[NumberAssignmentInput] | None = None


@strawberry.input(description="A customer as the other system knows it; lines that are not named stay as they are.")
class ExternalCustomerInput:
    """``ExternalCustomer``."""

    key: str
    name: str
    kind: CustomerKind | None = None
    price_list: str | None = None
    lines: list[ExternalLineInput] | None = None


def _batch_id(root: strawberry.Parent[BasisBatch]) -> ID:
    return ID(global_id("BasisBatch", root.id))


@strawberry.type(name="BasisBatch", description="What was priced since the batch before; acknowledge it by its id.")
class BasisBatchType:
    """``domain.basis.batch.BasisBatch``."""

    id: ID = strawberry.field(resolver=_batch_id)
    made_at: datetime
    acknowledged_at: datetime | None
    lines: BigInt = strawberry.field(description="How many it has.")

    is_type_of = shows(BasisBatch)


def _told(name: str) -> Any:
    def resolve(root: strawberry.Parent[BasisLine]) -> Any:
        return charged(root.fee)[name] or None

    return resolve


def _number(name: str) -> Any:
    def resolve(root: strawberry.Parent[BasisLine]) -> Any:
        text = charged(root.fee)[name]
        return Decimal(text) if text else None

    return resolve


def _until(root: strawberry.Parent[BasisLine]) -> date | None:
    return None if root.fee is None else root.fee.period.end


def _bucket(root: strawberry.Parent[BasisLine]) -> Any:
    return None if root.fee is None else root.fee.bucket


@strawberry.type(
    name="BasisLine",
    description="The exact sum of one line's events of a kind in a month; or what a bill run charged beside usage, an"
    " amount without VAT; or what became of a bucket.",
)
class BasisLineType:
    """``domain.basis.batch.BasisLine``."""

    position: int
    customer_key: str
    subscription_key: str
    period_start: date
    mode: str
    direction: str
    group: str
    currency: str
    events: BigInt
    used: BigInt
    amount: Decimal
    kind: BasisKind
    customer_number: str = strawberry.field(description="Whose it is.")
    payer_number: str = strawberry.field(description="Who pays for it.")
    text: str | None = strawberry.field(resolver=_told("text"), graphql_type=str | None)
    label: str | None = strawberry.field(resolver=_told("label"), graphql_type=str | None)
    contract_number: str | None = strawberry.field(resolver=_told("contract_number"), graphql_type=str | None)
    quantity: Decimal | None = strawberry.field(resolver=_number("quantity"), graphql_type=Decimal | None)
    unit: str | None = strawberry.field(
        resolver=_told("unit"), graphql_type=str | None, description="UN/ECE Recommendation 20."
    )
    unit_price: Decimal | None = strawberry.field(resolver=_number("unit_price"), graphql_type=Decimal | None)
    period_end: date | None = strawberry.field(resolver=_until)
    vat_category: str | None = strawberry.field(
        resolver=_told("vat_category"), graphql_type=str | None, description="UNCL 5305; null: for you to decide."
    )
    vat_percent: Decimal | None = strawberry.field(resolver=_number("vat_percent"), graphql_type=Decimal | None)
    account: str | None = strawberry.field(resolver=_told("account"), graphql_type=str | None)
    run: str | None = strawberry.field(
        resolver=_told("run"), graphql_type=str | None, description="The bill run, as later corrections name it."
    )
    corrects: str | None = strawberry.field(
        resolver=_told("corrects"), graphql_type=str | None, description="The invoice or run whose lines it corrects."
    )
    bucket: InvoiceBucketType | None = strawberry.field(resolver=_bucket)


@strawberry.type(name="BasisPage", description="Lines of a batch; with more, ask behind the last position.")
class BasisPageType:
    """``domain.usecases.take_basis.BasisPage``."""

    batch: BasisBatchType
    lines: list[BasisLineType]
    more: bool

    is_type_of = shows(BasisPage)


@strawberry.input
class SyncCustomersInput:
    """``SyncCustomers``."""

    customers: list[ExternalCustomerInput]
    idempotency_key: str | None = kept_key()


def _external(asked: ExternalCustomerInput) -> ExternalCustomer:
    fields = given(asked)
    fields["lines"] = tuple(_line(line) for line in asked.lines or ())
    return ExternalCustomer(**fields)


def _line(asked: ExternalLineInput) -> ExternalLine:
    fields = given(asked)
    fields["numbers"] = tuple(NumberAssignment(**given(one)) for one in asked.numbers or ())
    return ExternalLine(**fields)


async def _sync(info: Info, asked: Annotated[SyncCustomersInput, _AS_INPUT]) -> Any:
    cmd = SyncCustomers(customers=tuple(_external(one) for one in asked.customers))
    done = await info.context.ask(sync_customers, cmd, clock=info.context.wiring.clock)
    return CustomersSyncedType(customers=list(done))


async def _take(info: Info) -> Any:
    return await info.context.ask(take_basis, clock=info.context.wiring.clock)


async def _acknowledge(info: Info, batch: ID) -> Any:
    key = key_of(batch, "BasisBatch", "batch")
    return await info.context.ask(acknowledge_basis, key, clock=info.context.wiring.clock)


async def _read(info: Info, batch: ID, first: int = 1000, after: int = 0) -> Any:
    return await info.context.ask(read_basis, key_of(batch, "BasisBatch", "batch"), first=first, after=after)


@strawberry.type
class BasisQuery:
    """What another system is given."""

    basis_lines: BasisPageType | None = strawberry.field(
        resolver=_read, description="Lines of a batch behind a position."
    )


@strawberry.type
class BasisMutation:
    """What another system says and takes."""

    sync_customers = strawberry.mutation(
        resolver=_sync,
        graphql_type=outcome("SyncCustomersResult", CustomersSyncedType),
        description="Makes or changes customers by the other system's keys, each by itself; the same again is nothing.",
    )
    take_basis = strawberry.mutation(
        resolver=_take,
        graphql_type=outcome("TakeBasisResult", BasisBatchType),
        description="What was rated since the last batch, and what bill runs charged whom another system invoices;"
        " until that is acknowledged the same again.",
    )
    acknowledge_basis = strawberry.mutation(
        resolver=_acknowledge,
        graphql_type=outcome("AcknowledgeBasisResult", BasisBatchType),
        description="The other system has the batch for good.",
    )
