"""Whom the operator owes, and the invoices that he writes for them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import read_number
from api.graphql.inputs import AddressInput, command
from api.graphql.invoices import InvoiceLineType, InvoicePartyType, PeriodType, VatSumType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.once import kept_key
from api.graphql.parties import AddressType, ResellerType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.invoicing.invoice import DocumentKind
from domain.period import Period
from domain.selfbilling.document import Answer, SelfBilled, Unbilled
from domain.selfbilling.supplier import Supplier
from domain.usecases.put_supplier import PutSupplier, list_suppliers, put_supplier
from domain.usecases.self_bill import (
    AnswerSelfBilled,
    CreditSelfBilled,
    SelfBill,
    SelfBilling,
    answer_self_billed,
    credit_self_billed,
    list_self_billed,
    self_bill,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(Answer, name="SupplierAnswer", description=(Answer.__doc__ or "").strip())


async def _reseller(root: strawberry.Parent[Supplier], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="Supplier", description="Whom the operator owes, by an agreement that he writes the invoices.")
class SupplierType:
    """``domain.selfbilling.supplier.Supplier``."""

    code: str
    name: str
    organisation_number: str
    vat_id: str | None
    address: AddressType
    agreed_on: date
    valid_from: date
    valid_to: date | None
    trunks: list[str] = strawberry.field(description="He is owed what calls over them cost.")
    reseller: ResellerType | None = strawberry.field(
        resolver=_reseller, description="He is owed what commission statements say of it."
    )
    currency: str
    vat_percent: Decimal
    account: str
    terms_days: int
    language: str
    bankgiro: str | None
    iban: str | None
    email: str | None
    endpoint: str | None
    version: int

    is_type_of = shows(Supplier)


def _of_invoice(name: str, description: str | None = None) -> Any:
    def resolve(root: strawberry.Parent[SelfBilled]) -> Any:
        return getattr(root.invoice, name)

    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(name="SelfBilled", description="An invoice or credit note that the operator wrote for a supplier.")
class SelfBilledType:
    """``domain.selfbilling.document.SelfBilled``."""

    number: str = _of_invoice("number", "Empty: a dry run.")
    kind: DocumentKind = _of_invoice("kind")
    period: PeriodType = _of_invoice("period")
    issued_on: date = _of_invoice("issued_on")
    due_on: date = _of_invoice("due_on")
    currency: str = _of_invoice("currency")
    net: Decimal = _of_invoice("net", "What the operator owes is positive.")
    vat_total: Decimal = _of_invoice("vat_total")
    total: Decimal = _of_invoice("total")
    original: str | None = _of_invoice("original")
    seller: InvoicePartyType = _of_invoice("seller", "The supplier.")
    payer: InvoicePartyType = _of_invoice("payer", "The operator; its number is the supplier's code.")
    lines: list[InvoiceLineType] = _of_invoice("lines")
    vat: list[VatSumType] = _of_invoice("vat")
    released: bool = strawberry.field(description="It was taken back, and what stood on it is owed again.")
    answer: Answer | None = strawberry.field(description="null: the supplier has not said yet.")
    answered_at: datetime | None
    remark: str

    is_type_of = shows(SelfBilled)


@strawberry.type(name="Unbilled", description="Why a supplier's document was not made, and what to do.")
class UnbilledType:
    """``domain.selfbilling.document.Unbilled``."""

    supplier: str
    reason: str
    detail: str

    is_type_of = shows(Unbilled)


@strawberry.type(name="SelfBilling", description="What came of a run.")
class SelfBillingType:
    """``domain.usecases.self_bill.SelfBilling``."""

    documents: list[SelfBilledType]
    unbilled: list[UnbilledType]

    is_type_of = shows(SelfBilling)


@strawberry.input(description="A new supplier, or with version the whole of a changed one.")
class PutSupplierInput:
    """``PutSupplier``."""

    code: str
    name: str
    organisation_number: str
    address: AddressInput
    agreed_on: date
    valid_from: date
    valid_to: date | None = None
    vat_id: str | None = None
    trunks: list[str] | None = None
    reseller: ID | None = None
    currency: str | None = None
    vat_percent: Decimal | None = None
    account: str | None = None
    terms_days: int | None = None
    language: str | None = None
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    endpoint: str | None = None
    version: int | None = None
    idempotency_key: str | None = None


@strawberry.input(description="The days from start until end; suppliers by code, null: all.")
class SelfBillInput:
    """``SelfBill``."""

    start: date
    end: date
    suppliers: list[str] | None = None
    issued_on: date | None = None
    dry_run: bool | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="An amount with VAT, or all; again: what it was for is owed again.")
class CreditSelfBilledInput:
    """``CreditSelfBilled``."""

    number: str
    amount: Decimal | None = None
    again: bool | None = None
    text: str | None = None
    issued_on: date | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A rejection says why.")
class AnswerSelfBilledInput:
    """``AnswerSelfBilled``."""

    number: str
    answer: Answer
    remark: str | None = None
    idempotency_key: str | None = kept_key()


async def _suppliers(info: Info) -> Any:
    return await info.context.ask(list_suppliers)


async def _documents(
    info: Info, supplier: str | None = None, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    asked = request(first, read_number(after, "SelfBilled"))
    return connect(await info.context.ask(list_self_billed, asked, supplier=supplier), "SelfBilled", after=after)


async def _put(info: Info, asked: Annotated[PutSupplierInput, _AS_INPUT]) -> Any:
    return await info.context.ask(put_supplier, command(PutSupplier, asked, {"reseller": "Reseller"}))


async def _run(info: Info, asked: Annotated[SelfBillInput, _AS_INPUT]) -> Any:
    cmd = SelfBill(
        period=Period(asked.start, asked.end),
        suppliers=None if asked.suppliers is None else tuple(asked.suppliers),
        issued_on=asked.issued_on,
        dry_run=bool(asked.dry_run),
    )
    return await info.context.ask(self_bill, cmd, clock=info.context.wiring.clock)


async def _credit(info: Info, asked: Annotated[CreditSelfBilledInput, _AS_INPUT]) -> Any:
    cmd = command(CreditSelfBilled, asked, {})
    return await info.context.ask(credit_self_billed, cmd, clock=info.context.wiring.clock)


async def _answer(info: Info, asked: Annotated[AnswerSelfBilledInput, _AS_INPUT]) -> Any:
    cmd = command(AnswerSelfBilled, asked, {})
    return await info.context.ask(answer_self_billed, cmd, clock=info.context.wiring.clock)


@strawberry.type
class SelfBillingQuery:
    """Self-billing."""

    suppliers: list[SupplierType] = strawberry.field(resolver=_suppliers, description="By code.")
    self_billed: Connection[SelfBilledType] = strawberry.field(
        resolver=_documents, description="Of one supplier by his code, or of all."
    )


@strawberry.type
class SelfBillingMutation:
    """Self-billing."""

    put_supplier = strawberry.mutation(resolver=_put, graphql_type=outcome("PutSupplierResult", SupplierType))
    self_bill = strawberry.mutation(
        resolver=_run,
        graphql_type=outcome("SelfBillResult", SelfBillingType),
        description="Writes what suppliers are owed; again, only what is new since.",
    )
    credit_self_billed = strawberry.mutation(
        resolver=_credit, graphql_type=outcome("CreditSelfBilledResult", SelfBilledType)
    )
    answer_self_billed = strawberry.mutation(
        resolver=_answer,
        graphql_type=outcome("AnswerSelfBilledResult", SelfBilledType),
        description="Whether the supplier takes it as his invoice.",
    )
