"""The operations of the WSDL about those whom the operator owes, and the invoices that he writes for them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.invoices import InvoiceLineModel, InvoiceVat, shown_line
from api.soap.models import Address, Model, _enum, many, needed
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from api.soap.showing import address as shown_address
from api.soap.showing import plain
from domain.ids import ResellerId
from domain.operators import Address as Place
from domain.period import Period
from domain.ports.page import PAGE_MAX, PageRequest
from domain.selfbilling.document import Answer, SelfBilled
from domain.selfbilling.supplier import Supplier
from domain.usecases.put_supplier import PutSupplier, list_suppliers, put_supplier
from domain.usecases.self_bill import (
    AnswerSelfBilled,
    CreditSelfBilled,
    SelfBill,
    answer_self_billed,
    credit_self_billed,
    list_self_billed,
    self_bill,
)

PAGE: Final = 100
SupplierAnswer = _enum(Answer, "SupplierAnswer")


class SupplierModel(Model):
    """Whom the operator owes, by an agreement that he writes the invoices; in a change, the whole of him."""

    __type_name__ = "Supplier"

    code = needed(Unicode)
    name = needed(Unicode)
    organisationNumber = needed(Unicode)
    vatId = Unicode
    address = needed(Address)
    agreedOn = needed(Date)
    validFrom = needed(Date)
    validTo = Date
    trunk = many(Unicode)
    reseller = Unicode
    currency = Unicode
    vatPercent = XsDecimal
    account = Unicode
    termsDays = Integer
    language = Unicode
    bankgiro = Unicode
    iban = Unicode
    email = Unicode
    endpoint = Unicode
    version = Integer


class SupplierList(Model):
    """The operator's suppliers, by code."""

    count = needed(Integer)
    supplier = many(SupplierModel)


class SelfBilledModel(Model):
    """An invoice or credit note that the operator wrote for a supplier; without a number it is of a dry run."""

    __type_name__ = "SelfBilled"

    number = Unicode
    kind = needed(Unicode)
    supplier = needed(Unicode)
    periodStart = needed(Date)
    periodEnd = needed(Date)
    issuedOn = needed(Date)
    dueOn = needed(Date)
    currency = needed(Unicode)
    net = needed(XsDecimal)
    vatTotal = needed(XsDecimal)
    total = needed(XsDecimal)
    original = Unicode
    released = needed(Boolean)
    answer = SupplierAnswer
    answeredAt = DateTime
    remark = Unicode
    line = many(InvoiceLineModel)
    vat = many(InvoiceVat)


class SelfBilledPage(Model):
    """A page of documents."""

    count = needed(Integer)
    document = many(SelfBilledModel)
    next = Unicode


class UnbilledSupplier(Model):
    """Why a supplier's document was not made, and what to do."""

    supplier = needed(Unicode)
    reason = needed(Unicode)
    detail = needed(Unicode)


class SelfBillingModel(Model):
    """What came of a run."""

    __type_name__ = "SelfBilling"

    document = many(SelfBilledModel)
    unbilled = many(UnbilledSupplier)


class SelfBilling(ServiceBase):
    """Self-billing."""

    __service_name__ = "Billing"

    @operation("PutSupplier", needed(SupplierModel), returns=SupplierModel, result="supplier")
    async def put_supplier(ctx: Any, supplier: Any) -> Any:
        """Keep a new supplier, or with a version the whole of a changed one."""
        codes = await codes_of(ctx.udc)
        place = supplier.address
        said = {
            "currency": supplier.currency,
            "vat_percent": supplier.vatPercent,
            "account": supplier.account,
            "terms_days": supplier.termsDays,
            "language": supplier.language,
        }
        cmd = PutSupplier(
            code=supplier.code,
            name=supplier.name,
            organisation_number=supplier.organisationNumber,
            vat_id=supplier.vatId,
            address=Place(place.street, place.postcode, place.city, place.country, place.street2),
            agreed_on=supplier.agreedOn,
            valid_from=supplier.validFrom,
            valid_to=supplier.validTo,
            trunks=tuple(supplier.trunk or ()),
            reseller=key_named(codes, supplier.reseller),
            bankgiro=supplier.bankgiro,
            iban=supplier.iban,
            email=supplier.email,
            endpoint=supplier.endpoint,
            version=supplier.version,
            **{name: value for name, value in said.items() if value is not None},
        )
        return _supplier(await ctx.udc.ask(put_supplier, cmd), codes)

    @operation("ListSuppliers", returns=SupplierList, result="suppliers")
    async def list_suppliers(ctx: Any) -> Any:
        """Return the suppliers whose invoices the operator writes."""
        found, codes = await ctx.udc.ask(list_suppliers), await codes_of(ctx.udc)
        return SupplierList(count=len(found), supplier=[_supplier(one, codes) for one in found])

    @operation(
        "SelfBill", needed(Date), needed(Date), many(Unicode), Date, Boolean, returns=SelfBillingModel, result="run"
    )
    async def self_bill(
        ctx: Any,
        start: date,
        end: date,
        supplier: list[str] | None,
        issuedOn: date | None,
        dryRun: bool | None,
    ) -> Any:
        """Write what suppliers are owed for the days from start until end; again, only what is new since."""
        cmd = SelfBill(
            period=Period(start, end),
            suppliers=tuple(supplier) if supplier else None,
            issued_on=issuedOn,
            dry_run=bool(dryRun),
        )
        made = await ctx.udc.ask(self_bill, cmd, clock=ctx.udc.wiring.clock)
        return SelfBillingModel(
            document=[_document(one) for one in made.documents],
            unbilled=[
                UnbilledSupplier(supplier=one.supplier, reason=one.reason, detail=one.detail) for one in made.unbilled
            ],
        )

    @operation(
        "ListSelfBilled",
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Integer(ge=0),
        returns=SelfBilledPage,
        result="page",
    )
    async def list_self_billed(ctx: Any, supplier: str | None, first: int | None, after: int | None) -> Any:
        """Return documents, of one supplier or of all."""
        page = await ctx.udc.ask(list_self_billed, PageRequest(first or PAGE, after or None), supplier=supplier)
        following = str(page.items[-1].id) if page.more else None
        return SelfBilledPage(count=len(page.items), document=[_document(one) for one in page.items], next=following)

    @operation(
        "CreditSelfBilled", needed(Unicode), XsDecimal, Boolean, Unicode, returns=SelfBilledModel, result="document"
    )
    async def credit_self_billed(
        ctx: Any,
        number: str,
        amount: Decimal | None,
        again: bool | None,
        text: str | None,
    ) -> Any:
        """Take back an amount of a document, or all of it; again: what it was for is owed again."""
        cmd = CreditSelfBilled(number=number, amount=amount, again=bool(again), text=text or "")
        return _document(await ctx.udc.ask(credit_self_billed, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "AnswerSelfBilled", needed(Unicode), needed(SupplierAnswer), Unicode, returns=SelfBilledModel, result="document"
    )
    async def answer_self_billed(ctx: Any, number: str, answer: Any, remark: str | None) -> Any:
        """Keep whether the supplier takes a document as his invoice; a rejection says why."""
        cmd = AnswerSelfBilled(number=number, answer=Answer(str(answer)), remark=remark or "")
        return _document(await ctx.udc.ask(answer_self_billed, cmd, clock=ctx.udc.wiring.clock))


def _supplier(one: Supplier, codes: dict[ResellerId, str]) -> SupplierModel:
    return SupplierModel(
        code=one.code,
        name=one.name,
        organisationNumber=one.organisation_number,
        vatId=one.vat_id,
        address=shown_address(one.address),
        agreedOn=one.agreed_on,
        validFrom=one.valid_from,
        validTo=one.valid_to,
        trunk=list(one.trunks),
        reseller=None if one.reseller is None else codes.get(one.reseller),
        currency=one.currency,
        vatPercent=plain(one.vat_percent),
        account=one.account,
        termsDays=one.terms_days,
        language=one.language,
        bankgiro=one.bankgiro,
        iban=one.iban,
        email=one.email,
        endpoint=one.endpoint,
        version=one.version,
    )


def _document(one: SelfBilled) -> SelfBilledModel:
    invoice = one.invoice
    return SelfBilledModel(
        number=invoice.number or None,
        kind=invoice.kind.value,
        supplier=invoice.payer.number,
        periodStart=invoice.period.start,
        periodEnd=invoice.period.end,
        issuedOn=invoice.issued_on,
        dueOn=invoice.due_on,
        currency=invoice.currency,
        net=plain(invoice.net),
        vatTotal=plain(invoice.vat_total),
        total=plain(invoice.total),
        original=invoice.original,
        released=one.released,
        answer=None if one.answer is None else one.answer.value,
        answeredAt=one.answered_at,
        remark=one.remark or None,
        line=[shown_line(line) for line in invoice.lines],
        vat=[
            InvoiceVat(
                category=each.treatment.category,
                percent=plain(each.treatment.percent),
                taxable=plain(each.taxable),
                tax=plain(each.tax),
                words=each.treatment.words,
            )
            for each in invoice.vat
        ],
    )
