"""The operations of the WSDL about issued invoices: whole, fetched once, credited, issued anew, disputed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import models, showing
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import DisputeId, InvoiceBatchId
from domain.invoicing.crediting import LineCredit
from domain.invoicing.disputes import Dispute, DisputeState
from domain.invoicing.fetched import MOST
from domain.invoicing.invoice import DocumentKind, Invoice, decimals_of
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.dispute_invoice import (
    DecideDispute,
    DisputeInvoice,
    decide_dispute,
    dispute_invoice,
    list_disputes,
)
from domain.usecases.fetch_invoices import (
    Fetched,
    FetchInvoices,
    acknowledge_invoices,
    fetch_invoices,
    read_invoice_batch,
)
from domain.usecases.get_customer import get_customer
from domain.usecases.get_invoice import get_invoice
from domain.usecases.list_invoices import invoices_by_ids
from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice

PAGE: Final = 200
StateOfDispute = _enum(DisputeState, "DisputeState")


class InvoicePartyModel(Model):
    """Seller or payer as he was on the day of issue."""

    __type_name__ = "InvoiceParty"

    name = needed(Unicode)
    number = Unicode
    identityNumber = Unicode
    vatId = Unicode
    endpoint = Unicode
    email = Unicode
    address = needed(models.Address)


class InvoiceLineModel(Model):
    """One line; quantity times unitPrice is net, within the price's eight decimals."""

    __type_name__ = "InvoiceLine"

    position = needed(Integer)
    kind = needed(Unicode)
    text = needed(Unicode)
    customerName = needed(Unicode)
    contractNumber = Unicode
    label = Unicode
    quantity = needed(XsDecimal)
    unit = needed(Unicode)
    unitPrice = needed(XsDecimal)
    net = needed(XsDecimal)
    vatCategory = needed(Unicode)
    vatPercent = needed(XsDecimal)
    periodStart = needed(Date)
    periodEnd = needed(Date)
    account = needed(Unicode)
    corrects = Unicode
    correctsLine = Integer


class InvoiceVat(Model):
    """VAT of one category and rate."""

    category = needed(Unicode)
    percent = needed(XsDecimal)
    taxable = needed(XsDecimal)
    tax = needed(XsDecimal)
    words = Unicode


class InvoiceDetail(Model):
    """An issued invoice or credit note with its lines; amounts of a credit note are negative."""

    invoice = needed(models.Invoice)
    customerNumber = Unicode
    original = Unicode
    replaces = Unicode
    credit = Unicode
    language = needed(Unicode)
    bankgiro = Unicode
    iban = Unicode
    buyerReference = Unicode
    orderReference = Unicode
    costCentre = Unicode
    seller = needed(InvoicePartyModel)
    payer = needed(InvoicePartyModel)
    line = many(InvoiceLineModel)
    vat = many(InvoiceVat)
    billKind = Unicode


class InvoiceBatchModel(Model):
    """Documents that are new to a consumer; without a marker nothing is."""

    __type_name__ = "InvoiceBatch"

    marker = Integer
    madeAt = DateTime
    count = needed(Integer)
    document = many(InvoiceDetail)


class BatchAcknowledged(Model):
    """The other system has the batch for good."""

    marker = needed(Integer)
    consumer = needed(Unicode)
    acknowledgedAt = needed(DateTime)


class CreditedLine(Model):
    """A line by its position: a quantity of it, a net amount, or what is left of it."""

    position = needed(Integer)
    quantity = XsDecimal
    amount = XsDecimal


class InvoiceReissued(Model):
    """The credit note, and the invoice that stands for the first one."""

    creditNote = needed(InvoiceDetail)
    invoice = needed(InvoiceDetail)


class DisputeModel(Model):
    """What a payer disputes of an invoice."""

    __type_name__ = "InvoiceDispute"

    id = needed(Integer)
    invoiceNumber = needed(Unicode)
    amount = needed(XsDecimal)
    currency = needed(Unicode)
    line = many(Integer)
    reason = needed(Unicode)
    state = needed(StateOfDispute)
    openedAt = needed(DateTime)
    decidedAt = DateTime
    decision = Unicode
    creditNote = Unicode
    version = needed(Integer)


class DisputePage(Model):
    """A page of disputes; ``next`` asks for those behind."""

    count = needed(Integer)
    dispute = many(DisputeModel)
    next = Unicode


class Invoices(ServiceBase):
    """Issued invoices."""

    __service_name__ = "Billing"

    @operation("GetInvoice", needed(Unicode), models.KindOfDocument, returns=InvoiceDetail, result="document")
    async def get_invoice(ctx: Any, invoiceNumber: str, kind: str | None) -> Any:
        """Return an invoice with its lines, or a credit note where kind says so."""
        return shown(await ctx.udc.ask(get_invoice, invoiceNumber, kind=_series(kind)))

    @operation(
        "FetchInvoices",
        needed(Unicode),
        Integer(ge=1, le=MOST),
        Integer(ge=1),
        returns=InvoiceBatchModel,
        result="batch",
    )
    async def fetch_invoices(ctx: Any, consumer: str, most: int | None, marker: int | None) -> Any:
        """Return what is new to a consumer; the same again until it is acknowledged, by its marker or by itself."""
        cmd = FetchInvoices(
            consumer=consumer, most=most or 100, marker=None if marker is None else InvoiceBatchId(marker)
        )
        return _batch(await ctx.udc.ask(fetch_invoices, cmd, clock=ctx.udc.wiring.clock))

    @operation("ReadInvoiceBatch", needed(Integer), returns=InvoiceBatchModel, result="batch")
    async def read_invoice_batch(ctx: Any, marker: int) -> Any:
        """Return a batch that was given before."""
        return _batch(await ctx.udc.ask(read_invoice_batch, InvoiceBatchId(marker)))

    @operation("AcknowledgeInvoices", needed(Integer), returns=BatchAcknowledged, result="acknowledged")
    async def acknowledge_invoices(ctx: Any, marker: int) -> Any:
        """Say that the caller has a batch for good; said again, nothing changes."""
        done = await ctx.udc.ask(acknowledge_invoices, InvoiceBatchId(marker), clock=ctx.udc.wiring.clock)
        return BatchAcknowledged(marker=done.id, consumer=done.consumer, acknowledgedAt=done.acknowledged_at)

    @operation(
        "CreditInvoice",
        needed(Unicode),
        XsDecimal,
        many(CreditedLine),
        Unicode,
        Date,
        Integer(ge=1),
        returns=InvoiceDetail,
        result="document",
    )
    async def credit_invoice(
        ctx: Any,
        invoiceNumber: str,
        amount: Decimal | None,
        line: list[Any] | None,
        text: str | None,
        issuedOn: date | None,
        dispute: int | None,
    ) -> Any:
        """Issue a credit note of lines, of an amount with VAT, or of all that is left, and return it."""
        found = await ctx.udc.ask(get_invoice, invoiceNumber)
        lines = (LineCredit(position=one.position, quantity=one.quantity, amount=one.amount) for one in line or ())
        cmd = CreditInvoice(
            invoice=found.id,
            amount=amount,
            lines=tuple(lines),
            text=text or "",
            issued_on=issuedOn,
            dispute=None if dispute is None else DisputeId(dispute),
        )
        return shown(await ctx.udc.ask(credit_invoice, cmd, clock=ctx.udc.wiring.clock))

    @operation("ReissueInvoice", needed(Unicode), Unicode, Unicode, Date, returns=InvoiceReissued, result="reissued")
    async def reissue_invoice(
        ctx: Any,
        invoiceNumber: str,
        customerNumber: str | None,
        text: str | None,
        issuedOn: date | None,
    ) -> Any:
        """Credit what is left of an invoice and issue it anew, to its payer as he is now or to another customer."""
        found = await ctx.udc.ask(get_invoice, invoiceNumber)
        to = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        cmd = ReissueInvoice(invoice=found.id, customer=to, text=text or "", issued_on=issuedOn)
        done = await ctx.udc.ask(reissue_invoice, cmd, clock=ctx.udc.wiring.clock)
        return InvoiceReissued(creditNote=shown(done.credit_note), invoice=shown(done.invoice))

    @operation(
        "DisputeInvoice",
        needed(Unicode),
        needed(Unicode),
        XsDecimal,
        many(Integer),
        returns=DisputeModel,
        result="dispute",
    )
    async def dispute_invoice(
        ctx: Any,
        invoiceNumber: str,
        reason: str,
        amount: Decimal | None,
        line: list[int] | None,
    ) -> Any:
        """Hold lines, an amount with VAT, or the whole of an invoice until what is disputed is decided."""
        found = await ctx.udc.ask(get_invoice, invoiceNumber)
        cmd = DisputeInvoice(invoice=found.id, reason=reason, amount=amount, lines=tuple(line or ()))
        done = await ctx.udc.ask(dispute_invoice, cmd, clock=ctx.udc.wiring.clock)
        return _dispute(done, found.number)

    @operation(
        "DecideDispute", needed(Integer), needed(Integer), Unicode, Boolean, returns=DisputeModel, result="dispute"
    )
    async def decide_dispute(
        ctx: Any,
        dispute: int,
        version: int,
        decision: str | None,
        withdrawn: bool | None,
    ) -> Any:
        """Reject a dispute, or with withdrawn end it because the payer does; to credit it, credit the invoice."""
        cmd = DecideDispute(
            dispute=DisputeId(dispute), version=version, decision=decision or "", withdrawn=bool(withdrawn)
        )
        done = await ctx.udc.ask(decide_dispute, cmd, clock=ctx.udc.wiring.clock)
        named = await ctx.udc.ask(invoices_by_ids, [done.invoice])
        return _dispute(done, named[done.invoice].number)

    @operation(
        "ListDisputes",
        StateOfDispute,
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=DisputePage,
        result="page",
    )
    async def list_disputes(
        ctx: Any,
        state: str | None,
        customerNumber: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return disputes, in a state and of a payer."""
        payer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(
            list_disputes,
            PageRequest(first or PAGE, key_after(after)),
            state=None if state is None else DisputeState(str(state)),
            customer=payer,
        )
        named = await ctx.udc.ask(invoices_by_ids, [one.invoice for one in page.items])
        found = [_dispute(one, named[one.invoice].number) for one in page.items]
        return DisputePage(count=len(found), dispute=found, next=str(page.items[-1].id) if page.more else None)


def shown(one: Invoice) -> InvoiceDetail:
    """Show a document with its lines."""
    return InvoiceDetail(
        invoice=showing.invoice(one),
        customerNumber=one.payer.number,
        original=one.original,
        replaces=one.replaces,
        credit=one.credit and one.credit.value,
        language=one.language,
        bankgiro=one.payment.bankgiro,
        iban=one.payment.iban,
        buyerReference=one.buyer_reference,
        orderReference=one.order_reference,
        costCentre=one.cost_centre,
        seller=_party(one.seller),
        payer=_party(one.payer),
        line=[shown_line(line) for line in one.lines],
        vat=[
            InvoiceVat(
                category=each.treatment.category,
                percent=plain(each.treatment.percent),
                taxable=plain(each.taxable),
                tax=plain(each.tax),
                words=each.treatment.words,
            )
            for each in one.vat
        ],
        billKind=one.bill_kind.value,
    )


def _party(one: Any) -> InvoicePartyModel:
    place = one.address
    return InvoicePartyModel(
        name=one.name,
        number=one.number,
        identityNumber=one.identity_number,
        vatId=one.vat_id,
        endpoint=one.endpoint,
        email=one.email,
        address=models.Address(
            street=place.street,
            street2=place.street2,
            postcode=place.postcode,
            city=place.city,
            country=place.country,
        ),
    )


def shown_line(one: Any) -> InvoiceLineModel:
    """Return a document's line."""
    return InvoiceLineModel(
        position=one.position,
        kind=one.kind.value,
        text=one.text,
        customerName=one.customer_name,
        contractNumber=one.contract_number,
        label=one.label,
        quantity=plain(one.quantity),
        unit=one.unit.value,
        unitPrice=plain(one.unit_price),
        net=plain(one.net),
        vatCategory=one.vat.category,
        vatPercent=plain(one.vat.percent),
        periodStart=one.period.start,
        periodEnd=one.period.end,
        account=one.account,
        corrects=one.corrects,
        correctsLine=one.corrects_line,
    )


def _batch(found: Fetched) -> InvoiceBatchModel:
    batch = found.batch
    return InvoiceBatchModel(
        marker=None if batch is None else batch.id,
        madeAt=None if batch is None else batch.made_at,
        count=len(found.invoices),
        document=[shown(one) for one in found.invoices],
    )


def _dispute(one: Dispute, number: str) -> DisputeModel:
    return DisputeModel(
        id=one.id,
        invoiceNumber=number,
        amount=plain(Decimal(one.amount_minor).scaleb(-decimals_of(one.currency))),
        currency=one.currency,
        line=list(one.lines),
        reason=one.reason,
        state=one.state.value,
        openedAt=one.opened_at,
        decidedAt=one.decided_at,
        decision=one.decision or None,
        creditNote=one.credit_note,
        version=one.version,
    )


def _series(kind: str | None) -> DocumentKind:
    return DocumentKind(str(kind)) if kind is not None else DocumentKind.INVOICE
