"""Direct debits, refunds, write-offs and agreements about paying."""

from __future__ import annotations

import base64
import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.payments import PaymentType, major
from api.graphql.refusals import outcome
from domain.ids import (
    ClaimId,
    CustomerId,
    InstalmentPlanId,
    InvoiceId,
    MandateId,
    OrderFileId,
    PaymentId,
    RefundId,
    SettlementId,
)
from domain.payments.amounts import minor_of
from domain.payments.claim import ClaimKind
from domain.payments.debit import DebitOrder, DebitState, OrderFile
from domain.payments.handing_on import Target
from domain.payments.instalments import InstalmentPlan, PlanState
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Creditor, Scheme
from domain.payments.refund import Refund, RefundState
from domain.payments.rules import KeptRules, Order, Rules
from domain.payments.settlement import Settlement, SettlementKind
from domain.payments.suggesting import Because, Suggestion
from domain.usecases.agree_instalments import (
    AgreeInstalments,
    WantedPart,
    agree_instalments,
    end_instalments,
    get_payment_rules,
    list_instalments,
    put_payment_rules,
)
from domain.usecases.hand_on_payments import PutTarget, list_targets, put_target
from domain.usecases.list_payments import get_payment, list_claims
from domain.usecases.manage_mandates import (
    AddMandate,
    EndMandate,
    add_mandate,
    end_mandate,
    list_mandates,
    unblock_mandate,
)
from domain.usecases.refund_credit import RefundCredit, end_refund_by_hand, list_refunds, refund_credit
from domain.usecases.settle_items import (
    OffsetCredit,
    WriteOff,
    list_settlements,
    offset_credit,
    undo_settlement,
    write_off,
)
from domain.usecases.work_payments import DecideDuplicate, apply_credit, decide_duplicate, suggest_payment
from domain.usecases.write_orders import (
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

strawberry.enum(Scheme, name="DebitScheme", description="By which arrangement a payer lets us take what he owes.")
strawberry.enum(MandateState, description="SENT: asked for in a file. REFUSED: it never began.")
strawberry.enum(DebitState, description="SENT: on its way. RETURNED: paid, and taken back later.")
strawberry.enum(RefundState, description="SENT: in a file. PAID: the bank's statement says so, or a person.")
strawberry.enum(PlanState, name="InstalmentPlanState", description="Of an instalment plan.")
strawberry.enum(SettlementKind, description="What closed a document without a payment in.")
strawberry.enum(Because, name="SuggestedBecause", description="Why an invoice is suggested.")
strawberry.enum(
    Order, name="PaymentOrder", description="What a payment pays first of an invoice, its fees and interest."
)


_OF_CLAIM = ("kind", "currency", "claimed_on", "due_on", "text", "withdrawn_on")


def _global(kind: str, name: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> strawberry.ID | None:
        key = getattr(root, name)
        return None if key is None else strawberry.ID(global_id(kind, key))

    return strawberry.field(resolver=resolve)


def _owner() -> Any:
    def resolve(root: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(global_id("Customer", root.customer))

    return strawberry.field(resolver=resolve)


def _amount(root: strawberry.Parent[Any]) -> Decimal:
    return major(root.amount_minor, root.currency)


@strawberry.type(name="Mandate", description="A customer lets us take what he owes from his account.")
class MandateType:
    """``domain.payments.mandate.Mandate``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = _owner()
    scheme: Scheme
    payer_number: str
    account: str
    state: MandateState
    notify: bool
    origin: str = strawberry.field(description="api, or the format of the file that told of it.")
    signed_on: date | None
    signature: str | None
    requested_at: datetime
    active_from: date | None
    ended_on: date | None
    reason: str | None
    returns: int = strawberry.field(description="Debits that came back.")
    blocked: bool = strawberry.field(description="It stands, and is not debited.")
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Mandate)


@strawberry.type(name="DebitOrder", description="An order to take what is open of an invoice.")
class DebitOrderType:
    """``domain.payments.debit.DebitOrder``."""

    id: strawberry.ID = identified()
    file: strawberry.ID | None = _global("OrderFile", "file")
    mandate: strawberry.ID | None = _global("Mandate", "mandate")
    customer: strawberry.ID = _owner()
    invoice: strawberry.ID | None = _global("Invoice", "invoice")
    payment: strawberry.ID | None = _global("PaymentRecord", "payment")
    currency: str
    amount: Decimal = strawberry.field(resolver=_amount)
    due_on: date
    attempt: int
    state: DebitState
    reason: str | None

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, DebitOrder)


def _total(root: strawberry.Parent[OrderFile]) -> Decimal | None:
    return None if root.currency is None else major(root.total_minor, root.currency)


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

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, OrderFile)


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

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Written)


@strawberry.type(name="Refund", description="Money paid back to a customer.")
class RefundType:
    """``domain.payments.refund.Refund``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = _owner()
    payment: strawberry.ID | None = _global("PaymentRecord", "payment")
    credit_note: strawberry.ID | None = _global("Invoice", "invoice")
    file: strawberry.ID | None = _global("OrderFile", "file")
    currency: str
    amount: Decimal = strawberry.field(resolver=_amount)
    name: str
    account: str
    scheme: str
    state: RefundState
    text: str
    made_at: datetime
    client: str
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Refund)


@strawberry.type(name="Settlement", description="What closed documents without a payment in.")
class SettlementType:
    """``domain.payments.settlement.Settlement``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = _owner()
    kind: SettlementKind
    currency: str
    amount: Decimal = strawberry.field(resolver=_amount, description="0 where documents were set off.")
    booked_on: date
    text: str
    made_at: datetime
    client: str
    undone_at: datetime | None
    undone_by: str | None

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Settlement)


@strawberry.type(name="Claim", description="A fee or interest: a receivable beside the invoice that it is about.")
class ClaimType:
    """A claim with what is open of it."""

    id: strawberry.ID
    customer: strawberry.ID
    invoice: strawberry.ID | None
    kind: ClaimKind
    currency: str
    amount: Decimal
    open: Decimal
    claimed_on: date
    due_on: date
    text: str
    withdrawn_on: date | None


@strawberry.type(name="Instalment", description="A part of a plan.")
class InstalmentType:
    """One part of a plan."""

    due_on: date
    amount: Decimal


def _parts(root: strawberry.Parent[InstalmentPlan]) -> list[InstalmentType]:
    return [InstalmentType(due_on=part.due_on, amount=major(part.amount_minor, root.currency)) for part in root.parts]


def _invoices(root: strawberry.Parent[InstalmentPlan]) -> list[strawberry.ID]:
    return [strawberry.ID(global_id("Invoice", key)) for key in root.invoices]


@strawberry.type(name="InstalmentPlan", description="Open invoices that a customer pays in parts.")
class InstalmentPlanType:
    """``domain.payments.instalments.InstalmentPlan``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = _owner()
    invoices: list[strawberry.ID] = strawberry.field(resolver=_invoices)
    currency: str
    parts: list[InstalmentType] = strawberry.field(resolver=_parts)
    state: PlanState
    made_at: datetime
    client: str
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, InstalmentPlan)


@strawberry.type(name="PaymentSuggestion", description="An open invoice that a payment may be for; never applied.")
class SuggestionType:
    """``domain.payments.suggesting.Suggestion``."""

    invoice: strawberry.ID
    customer: strawberry.ID
    number: str
    open: Decimal
    score: int = strawberry.field(description="From 0 to 100.")
    because: Because


@strawberry.type(name="CurrencyAmount", description="An amount in a currency's own unit.")
class CurrencyAmountType:
    """An amount."""

    currency: str
    amount: Decimal


@strawberry.type(name="Creditor", description="Who the operator is to banks and clearing houses.")
class CreditorType:
    """``domain.payments.orders.Creditor``."""

    name: str
    bankgiro: str | None
    customer_no: str | None
    nets_sender: str | None
    nets_account: str | None
    cvr: str | None
    pbs_number: str | None
    debtor_group: str
    creditor_id: str | None
    iban: str | None
    bic: str | None


@strawberry.type(name="PaymentRules", description="How far payments apply themselves, and who the creditor is.")
class RulesType:
    """``domain.payments.rules.Rules``."""

    tolerance: list[CurrencyAmountType] = strawberry.field(description="How much a payment may miss an invoice by.")
    oldest_first: bool = strawberry.field(description="What names a customer alone pays his oldest invoice.")
    use_credit: bool = strawberry.field(description="What is paid too much pays the customer's next oldest invoice.")
    order: Order
    retries: int = strawberry.field(description="How often a rejected debit is tried again.")
    retry_days: int
    return_fee: list[CurrencyAmountType]
    block_after: int = strawberry.field(description="Returned debits after which a mandate is blocked; 0: never.")
    lead_days: int = strawberry.field(description="How many days before its due date an invoice is ordered.")
    vat_relief: bool = strawberry.field(description="The VAT of a bad debt is taken back.")
    creditor: CreditorType
    version: int


@strawberry.type(name="PaymentTargetCredential", description="A credential's name and reference.")
class TargetCredentialType:
    """A reference to a secret; never the secret."""

    name: str
    reference: str


def _references(root: strawberry.Parent[Target]) -> list[TargetCredentialType]:
    return [TargetCredentialType(name=name, reference=one) for name, one in sorted(root.credentials.items())]


@strawberry.type(name="PaymentTarget", description="A place that each payment file is handed on to, once.")
class TargetType:
    """``domain.payments.handing_on.Target``."""

    id: strawberry.ID = identified()
    name: str
    address: str
    host_keys: list[str]
    credentials: list[TargetCredentialType] = strawberry.field(resolver=_references)
    active: bool
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Target)


@strawberry.input(description="A credential: env:NAME or file:NAME.")
class TargetCredentialInput:
    """A reference to a secret."""

    name: str
    reference: str


@strawberry.input(description="A target as a whole; version 0: a new one.")
class PaymentTargetInput:
    """``PutTarget``."""

    name: str
    address: str
    host_keys: list[str] = strawberry.field(default_factory=list)
    ca: str | None = None
    credentials: list[TargetCredentialInput] = strawberry.field(default_factory=list)
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A mandate; active where it stands already. Autogiro's is else asked for in a file.")
class AddMandateInput:
    """``AddMandate``."""

    customer: ID
    scheme: Scheme
    payer_number: str
    account: str = ""
    identity: str = ""
    bic: str = ""
    notify: bool = False
    signed_on: date | None = None
    signature: str | None = None
    active: bool = False
    idempotency_key: str | None = kept_key()


@strawberry.input(description="All that is open of these, of one customer.")
class WriteOffInput:
    """``WriteOff``."""

    invoices: list[ID] = strawberry.field(default_factory=list)
    claims: list[ID] = strawberry.field(default_factory=list)
    text: str = ""
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What is left of a payment, or owed for a credit note; amount left out: all of it.")
class RefundInput:
    """``RefundCredit``."""

    account: str
    scheme: str = "IBAN"
    payment: ID | None = None
    credit_note: ID | None = None
    amount: Decimal | None = None
    name: str = ""
    bic: str = ""
    text: str = ""
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A part of a plan.")
class InstalmentInput:
    """``Instalment``."""

    due_on: date
    amount: Decimal


@strawberry.input(description="A plan; its parts come to what is open of the invoices.")
class InstalmentsInput:
    """``AgreeInstalments``."""

    customer: ID
    invoices: list[ID]
    parts: list[InstalmentInput]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="An amount in a currency's own unit.")
class CurrencyAmountInput:
    """An amount."""

    currency: str
    amount: Decimal


@strawberry.input(description="Who the operator is to banks and clearing houses.")
class CreditorInput:
    """``Creditor``."""

    name: str
    bankgiro: str | None = None
    customer_no: str | None = None
    nets_sender: str | None = None
    nets_account: str | None = None
    cvr: str | None = None
    pbs_number: str | None = None
    debtor_group: str = "00001"
    creditor_id: str | None = None
    iban: str | None = None
    bic: str | None = None


@strawberry.input(description="The rules as a whole, at the version that was read (0: there were none).")
class PaymentRulesInput:
    """``Rules``."""

    version: int
    creditor: CreditorInput
    tolerance: list[CurrencyAmountInput] = strawberry.field(default_factory=list)
    oldest_first: bool = False
    use_credit: bool = False
    order: Order = Order.COSTS_INTEREST_PRINCIPAL
    retries: int = 0
    retry_days: int = 7
    return_fee: list[CurrencyAmountInput] = strawberry.field(default_factory=list)
    block_after: int = 3
    lead_days: int = 5
    vat_relief: bool = False
    idempotency_key: str | None = kept_key()


async def _mandates(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    customer: ID | None = None,
    state: MandateState | None = None,
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "Mandate"))
    page = await info.context.ask(list_mandates, asked, customer=whose, state=state)
    return connect(page, "Mandate", after=after)


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


async def _refunds(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    customer: ID | None = None,
    state: RefundState | None = None,
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "Refund"))
    return connect(await info.context.ask(list_refunds, asked, customer=whose, state=state), "Refund", after=after)


async def _settlements(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "Settlement"))
    return connect(await info.context.ask(list_settlements, asked, customer=whose), "Settlement", after=after)


async def _plans(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "InstalmentPlan"))
    return connect(await info.context.ask(list_instalments, asked, customer=whose), "InstalmentPlan", after=after)


async def _claims(info: Info, customer: ID) -> list[ClaimType]:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    return [
        ClaimType(
            id=strawberry.ID(global_id("Claim", one.claim.id)),
            customer=customer,
            invoice=None if one.claim.invoice is None else strawberry.ID(global_id("Invoice", one.claim.invoice)),
            amount=major(one.claim.amount_minor, one.claim.currency),
            open=major(one.open_minor, one.claim.currency),
            **{name: getattr(one.claim, name) for name in _OF_CLAIM},
        )
        for one in await info.context.ask(list_claims, key)
    ]


async def _suggestions(info: Info, payment: ID) -> list[SuggestionType]:
    key = PaymentId(key_of(payment, "PaymentRecord", "payment"))
    of, _ = await info.context.ask(get_payment, key)
    found: list[Suggestion] = list(await info.context.ask(suggest_payment, key))
    return [
        SuggestionType(
            invoice=strawberry.ID(global_id("Invoice", one.invoice)),
            customer=strawberry.ID(global_id("Customer", one.customer)),
            number=one.number,
            open=major(one.open_minor, of.currency),
            score=one.score,
            because=one.because,
        )
        for one in found
    ]


def _amounts(told: Any) -> list[CurrencyAmountType]:
    return [CurrencyAmountType(currency=code, amount=major(amount, code)) for code, amount in sorted(told.items())]


def _shown(kept: KeptRules) -> RulesType:
    rules = kept.rules
    plain = ("oldest_first", "use_credit", "order", "retries", "retry_days", "block_after", "lead_days", "vat_relief")
    return RulesType(
        tolerance=_amounts(rules.tolerance),
        return_fee=_amounts(rules.return_fee),
        creditor=CreditorType(**{one.name: getattr(rules.creditor, one.name) for one in dataclasses.fields(Creditor)}),
        version=kept.version,
        **{name: getattr(rules, name) for name in plain},
    )


async def _rules(info: Info) -> RulesType:
    return _shown(await info.context.ask(get_payment_rules))


async def _set_rules(info: Info, input: PaymentRulesInput) -> Any:  # noqa: A002  (its name in the API)
    def sums(told: list[CurrencyAmountInput], field: str) -> dict[str, int]:
        return {one.currency: minor_of(one.amount, one.currency, field) for one in told}

    plain = ("oldest_first", "use_credit", "order", "retries", "retry_days", "block_after", "lead_days", "vat_relief")
    rules = Rules(
        tolerance=sums(input.tolerance, "tolerance"),
        return_fee=sums(input.return_fee, "returnFee"),
        creditor=Creditor(**{one.name: getattr(input.creditor, one.name) for one in dataclasses.fields(Creditor)}),
        **{name: getattr(input, name) for name in plain},
    )
    return _shown(await info.context.ask(put_payment_rules, rules, input.version))


async def _add(info: Info, input: AddMandateInput) -> Any:  # noqa: A002
    names = [one.name for one in dataclasses.fields(AddMandate) if one.name != "customer"]
    cmd = AddMandate(
        customer=CustomerId(key_of(input.customer, "Customer", "customer")),
        **{name: getattr(input, name) for name in names},
    )
    return await info.context.ask(add_mandate, cmd, clock=info.context.wiring.clock)


async def _end(info: Info, mandate: ID, version: int, reason: str = "") -> Any:
    cmd = EndMandate(mandate=MandateId(key_of(mandate, "Mandate", "mandate")), version=version, reason=reason)
    return await info.context.ask(end_mandate, cmd, clock=info.context.wiring.clock)


async def _unblock(info: Info, mandate: ID, version: int) -> Any:
    return await info.context.ask(unblock_mandate, MandateId(key_of(mandate, "Mandate", "mandate")), version)


async def _write_debits(info: Info, scheme: Scheme, on: date | None = None, older: bool = False) -> Any:
    wiring = info.context.wiring
    cmd = WriteDebits(scheme=scheme, on=on, older=older)
    return await info.context.ask(write_debits, cmd, wiring.write_payments, clock=wiring.clock)


async def _write_refunds(info: Info, on: date | None = None, older: bool = False) -> Any:
    wiring = info.context.wiring
    cmd = WriteRefunds(on=on, older=older)
    return await info.context.ask(write_refunds, cmd, wiring.write_payments, clock=wiring.clock)


async def _take(info: Info, file: ID) -> Any:
    key = OrderFileId(key_of(file, "OrderFile", "file"))
    found: Any = await info.context.ask(take_order_file, key, clock=info.context.wiring.clock)
    return OrderFileContentType(file=found, content=base64.b64encode(found.content).decode())


async def _offset(info: Info, credit_note: ID, invoice: ID, amount: Decimal | None = None) -> Any:
    note = InvoiceId(key_of(credit_note, "Invoice", "creditNote"))
    paid = InvoiceId(key_of(invoice, "Invoice", "invoice"))
    cmd = OffsetCredit(credit_note=note, invoice=paid, amount=amount)
    return await info.context.ask(offset_credit, cmd, clock=info.context.wiring.clock)


async def _write_off(info: Info, input: WriteOffInput) -> Any:  # noqa: A002
    cmd = WriteOff(
        invoices=tuple(
            InvoiceId(key_of(one, "Invoice", f"invoices.{index}")) for index, one in enumerate(input.invoices)
        ),
        claims=tuple(ClaimId(key_of(one, "Claim", f"claims.{index}")) for index, one in enumerate(input.claims)),
        text=input.text,
    )
    return await info.context.ask(write_off, cmd, clock=info.context.wiring.clock)


async def _undo(info: Info, settlement: ID) -> Any:
    key = SettlementId(key_of(settlement, "Settlement", "settlement"))
    return await info.context.ask(undo_settlement, key, clock=info.context.wiring.clock)


async def _refund(info: Info, input: RefundInput) -> Any:  # noqa: A002
    payment = None if input.payment is None else PaymentId(key_of(input.payment, "PaymentRecord", "payment"))
    note = None if input.credit_note is None else InvoiceId(key_of(input.credit_note, "Invoice", "creditNote"))
    plain = {name: getattr(input, name) for name in ("account", "scheme", "name", "bic", "text")}
    cmd = RefundCredit(payment=payment, credit_note=note, amount=input.amount, **plain)
    return await info.context.ask(refund_credit, cmd, clock=info.context.wiring.clock)


async def _end_refund(info: Info, refund: ID, version: int, state: RefundState) -> Any:
    key = RefundId(key_of(refund, "Refund", "refund"))
    return await info.context.ask(end_refund_by_hand, key, version, state, clock=info.context.wiring.clock)


async def _agree(info: Info, input: InstalmentsInput) -> Any:  # noqa: A002
    cmd = AgreeInstalments(
        customer=CustomerId(key_of(input.customer, "Customer", "customer")),
        invoices=tuple(
            InvoiceId(key_of(one, "Invoice", f"invoices.{index}")) for index, one in enumerate(input.invoices)
        ),
        parts=tuple(WantedPart(due_on=one.due_on, amount=one.amount) for one in input.parts),
    )
    return await info.context.ask(agree_instalments, cmd, clock=info.context.wiring.clock)


async def _end_plan(info: Info, plan: ID, version: int, state: PlanState) -> Any:
    key = InstalmentPlanId(key_of(plan, "InstalmentPlan", "plan"))
    return await info.context.ask(end_instalments, key, version, state)


async def _decide(info: Info, payment: ID, same: bool) -> Any:
    cmd = DecideDuplicate(payment=PaymentId(key_of(payment, "PaymentRecord", "payment")), same=same)
    return await info.context.ask(decide_duplicate, cmd)


@strawberry.type(name="CreditApplied", description="How much of a customer's credit was applied, in minor units.")
class CreditAppliedType:
    """What ``apply_credit`` answers."""

    amount_minor: int


async def _apply(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    used: int = await info.context.ask(apply_credit, key, clock=info.context.wiring.clock)
    return CreditAppliedType(amount_minor=used)


async def _targets(info: Info) -> list[TargetType]:
    found: Any = await info.context.ask(list_targets)
    return list(found)


async def _put_target(info: Info, input: PaymentTargetInput) -> Any:  # noqa: A002
    wiring = info.context.wiring
    cmd = PutTarget(
        name=input.name,
        address=input.address,
        host_keys=tuple(input.host_keys),
        ca=input.ca,
        credentials={one.name: one.reference for one in input.credentials},
        active=input.active,
        version=input.version,
    )
    return await info.context.ask(put_target, cmd, transports=wiring.transports, vault=wiring.vault)


@strawberry.type
class GiroQuery:
    """Mandates, debits, refunds, settlements, plans, and the rules."""

    mandates: Connection[MandateType] = strawberry.field(resolver=_mandates)
    debit_orders: Connection[DebitOrderType] = strawberry.field(resolver=_debits)
    order_files: Connection[OrderFileType] = strawberry.field(resolver=_files)
    refunds: Connection[RefundType] = strawberry.field(resolver=_refunds)
    claims: list[ClaimType] = strawberry.field(
        resolver=_claims, description="Of a customer; those withdrawn and those paid too, with nothing open."
    )
    settlements: Connection[SettlementType] = strawberry.field(resolver=_settlements)
    instalment_plans: Connection[InstalmentPlanType] = strawberry.field(resolver=_plans)
    payment_suggestions: list[SuggestionType] = strawberry.field(
        resolver=_suggestions, description="What a payment may be for, the likeliest first; nothing is applied."
    )
    payment_targets: list[TargetType] = strawberry.field(resolver=_targets)
    payment_rules: RulesType = strawberry.field(resolver=_rules)


@strawberry.type
class GiroMutation:
    """What closes an invoice beside a payment's reference."""

    add_mandate = strawberry.mutation(resolver=_add, graphql_type=outcome("AddMandateResult", MandateType))
    end_mandate = strawberry.mutation(resolver=_end, graphql_type=outcome("EndMandateResult", MandateType))
    unblock_mandate = strawberry.mutation(resolver=_unblock, graphql_type=outcome("UnblockMandateResult", MandateType))
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
    offset_credit = strawberry.mutation(
        resolver=_offset,
        graphql_type=outcome("OffsetCreditResult", SettlementType),
        description="Set what is open of a credit note off against an invoice; amount left out: as much as can be.",
    )
    write_off = strawberry.mutation(resolver=_write_off, graphql_type=outcome("WriteOffResult", SettlementType))
    undo_settlement = strawberry.mutation(resolver=_undo, graphql_type=outcome("UndoSettlementResult", SettlementType))
    refund_credit = strawberry.mutation(resolver=_refund, graphql_type=outcome("RefundCreditResult", RefundType))
    end_refund = strawberry.mutation(
        resolver=_end_refund,
        graphql_type=outcome("EndRefundResult", RefundType),
        description="CANCELLED of one that waits; PAID or FAILED of one that was sent.",
    )
    agree_instalments = strawberry.mutation(
        resolver=_agree, graphql_type=outcome("AgreeInstalmentsResult", InstalmentPlanType)
    )
    end_instalments = strawberry.mutation(
        resolver=_end_plan, graphql_type=outcome("EndInstalmentsResult", InstalmentPlanType)
    )
    decide_duplicate = strawberry.mutation(
        resolver=_decide,
        graphql_type=outcome("DecideDuplicateResult", PaymentType),
        description="A possible duplicate is the same as one before, or booked as money of its own.",
    )
    apply_credit = strawberry.mutation(resolver=_apply, graphql_type=outcome("ApplyCreditResult", CreditAppliedType))
    put_payment_target = strawberry.mutation(
        resolver=_put_target, graphql_type=outcome("PutPaymentTargetResult", TargetType)
    )
    set_payment_rules = strawberry.mutation(
        resolver=_set_rules, graphql_type=outcome("SetPaymentRulesResult", RulesType)
    )
