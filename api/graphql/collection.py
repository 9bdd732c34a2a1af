"""Collection: its rules and the law's, what was done and what holds it up, and cases with agencies."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

import api.graphql.order_words  # noqa: F401  (names Bar in the schema)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.payments import major
from api.graphql.refusals import outcome
from domain.collection.deciding import Why
from domain.collection.limits import LegalLimit, LimitKind, ReferenceRate
from domain.collection.planning import Plan
from domain.collection.progress import (
    Agency,
    Case,
    CaseFormat,
    CaseState,
    DoneStep,
    Hold,
    HoldKind,
    Letter,
    LetterState,
    Message,
    MessageKind,
)
from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind
from domain.customers.customer import Customer, CustomerKind
from domain.ids import CollectionCaseId, CollectionHoldId, CollectionRuleId, CustomerId, InvoiceId, OperatorId
from domain.provisioning.order import Bar
from domain.usecases.hand_over import (
    HandOver,
    TakeReceipt,
    WithdrawCase,
    get_collection_case,
    hand_over,
    list_collection_cases,
    take_collection_receipt,
    withdraw_collection_case,
)
from domain.usecases.manage_collection import (
    HoldCollection,
    PutAgency,
    hold_collection,
    list_collection_agencies,
    list_collection_holds,
    list_collection_rules,
    list_collection_steps,
    list_legal_limits,
    list_reference_rates,
    put_collection_agency,
    put_collection_rule,
    put_legal_limit,
    put_reference_rate,
    release_collection,
)
from domain.usecases.run_collection import RunCollection, run_collection
from domain.usecases.send_collection import list_letters

ID = strawberry.ID

for one, name, said in (
    (StepKind, "CollectionStepKind", "What a step does."),
    (Channel, "CollectionChannel", "How the payer is told."),
    (LimitKind, "LegalLimitKind", "What the law limits."),
    (HoldKind, "CollectionHoldKind", "Why nothing is done."),
    (CaseState, "CollectionCaseState", "Where a case stands."),
    (CaseFormat, "CollectionCaseFormat", "How a case is written for an agency."),
    (MessageKind, "CollectionMessageKind", "What is told to or by the agency."),
    (LetterState, "CollectionLetterState", "Whether a letter is on its way."),
    (Why, "CollectionIdleReason", "Why nothing is done about an invoice."),
):
    strawberry.enum(one, name=name, description=said)


@strawberry.type(name="CollectionStep", description="A step of a rule, so many days after the due date.")
class StepType:
    """``domain.collection.rules.CollectionStep``."""

    kind: StepKind
    days: int
    fee: Decimal
    compensation: Decimal
    interest: bool
    channel: Channel
    bars: list[Bar]

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, CollectionStep)


def _customer_kind(root: strawberry.Parent[Any]) -> CustomerKind | None:
    found: CustomerKind | None = root.customer_kind
    return found


def _group(root: strawberry.Parent[CollectionRule]) -> str | None:
    return root.member_group


@strawberry.type(name="CollectionRule", description="Which steps follow a due date, of invoices issued from a day on.")
class RuleType:
    """``domain.collection.rules.CollectionRule``."""

    name: str
    currency: str
    valid_from: date
    country: str | None
    customer_kind: CustomerKind | None = strawberry.field(resolver=_customer_kind)
    group: str | None = strawberry.field(resolver=_group)
    steps: list[StepType]
    fees_agreed: bool
    minimum: Decimal
    pay_days: int
    agency: str | None
    active: bool
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, CollectionRule)


@strawberry.type(
    name="LegalLimit", description="What the law allows from a day on; version 0: it came with the program."
)
class LimitType:
    """``domain.collection.limits.LegalLimit``."""

    country: str
    kind: LimitKind
    customer_kind: CustomerKind | None = strawberry.field(resolver=_customer_kind)
    valid_from: date
    most: Decimal
    currency: str
    law: str
    source: str
    first_days: int
    between_days: int
    count: int | None
    agreed: bool
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, LegalLimit)


@strawberry.type(name="ReferenceRate", description="The rate that a country's late interest starts from.")
class RateType:
    """``domain.collection.limits.ReferenceRate``."""

    country: str
    valid_from: date
    percent: Decimal
    source: str
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, ReferenceRate)


@strawberry.type(name="CollectionAgency", description="Where cases are handed over to.")
class AgencyType:
    """``domain.collection.progress.Agency``; its secrets are references."""

    name: str
    format: CaseFormat
    address: str
    host_keys: list[str]
    active: bool
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Agency)


def _whose(root: strawberry.Parent[Any]) -> strawberry.ID:
    return strawberry.ID(global_id("Customer", root.customer))


def _about(root: strawberry.Parent[Any]) -> strawberry.ID | None:
    return None if root.invoice is None else strawberry.ID(global_id("Invoice", root.invoice))


def _amount(name: str) -> Any:
    def resolve(root: strawberry.Parent[Any]) -> Decimal:
        return major(getattr(root, name), root.currency)

    return resolve


@strawberry.type(name="TakenStep", description="A step that was taken for an invoice, and what it claimed.")
class TakenStepType:
    """``domain.collection.progress.DoneStep``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = strawberry.field(resolver=_whose)
    invoice: strawberry.ID | None = strawberry.field(resolver=_about)
    kind: StepKind
    done_on: date
    currency: str
    open: Decimal = strawberry.field(resolver=_amount("open_minor"))
    fee: Decimal = strawberry.field(resolver=_amount("fee_minor"))
    compensation: Decimal = strawberry.field(resolver=_amount("compensation_minor"))
    interest: Decimal = strawberry.field(resolver=_amount("interest_minor"))
    interest_until: date | None
    ended_at: datetime | None

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, DoneStep)


@strawberry.type(name="CollectionHold", description="Nothing is done about an invoice, or any of a customer's.")
class HoldType:
    """``domain.collection.progress.Hold``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = strawberry.field(resolver=_whose)
    invoice: strawberry.ID | None = strawberry.field(resolver=_about)
    kind: HoldKind
    until: date | None
    amount: Decimal | None
    reason: str
    made_at: datetime
    client: str
    ended_at: datetime | None
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Hold)


@strawberry.type(name="CollectionLetter", description="What a payer was told on a day; its PDF is had over REST.")
class LetterType:
    """``domain.collection.progress.Letter``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = strawberry.field(resolver=_whose)
    kind: StepKind
    channel: Channel
    made_on: date
    state: LetterState
    sent_at: datetime | None
    fault: str | None

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Letter)


def _content(root: strawberry.Parent[Message]) -> str:
    return json.dumps(root.content, ensure_ascii=False)


@strawberry.type(name="CollectionMessage", description="A message of a case.")
class MessageType:
    """``domain.collection.progress.Message``."""

    number: int
    kind: MessageKind
    at: datetime
    sent_at: datetime | None
    content: str = strawberry.field(resolver=_content, description="JSON, as the agency gets it.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Message)


@strawberry.type(name="CollectionCase", description="What was handed over of a customer to an agency.")
class CaseType:
    """``domain.collection.progress.Case``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = strawberry.field(resolver=_whose)
    agency: str
    currency: str
    opened_on: date
    claimed: Decimal = strawberry.field(
        resolver=_amount("claimed_minor"), description="What is left of it, as the agency was last told."
    )
    state: CaseState
    reference: str | None = strawberry.field(description="The agency's own.")
    closed_at: datetime | None
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Case)


@strawberry.type(name="CollectionCaseDetail", description="A case with its messages.")
class CaseDetailType:
    """What ``get_collection_case`` answers."""

    case: CaseType
    messages: list[MessageType]


@strawberry.type(name="PlannedStep", description="What is, or would be, done about an invoice; or why nothing is.")
class PlannedStepType:
    """A decision, with what it costs."""

    customer: strawberry.ID
    customer_number: str
    invoice: strawberry.ID
    number: str
    currency: str
    open: Decimal
    step: StepKind | None
    fee: Decimal
    compensation: Decimal
    interest: Decimal
    interest_unknown_from: date | None = strawberry.field(description="Nobody has entered this half-year's rate.")
    why: Why | None = strawberry.field(description="Why nothing is done.")
    since: date | None = strawberry.field(description="From when on something may be.")


@strawberry.type(name="CollectionRun", description="What a run did, or would do.")
class CollectionRunType:
    """``CollectionRun``."""

    on: date
    dry_run: bool
    customers: int
    steps: int
    letters: int
    planned: list[PlannedStepType]


@strawberry.input(name="CollectionStepInput")
class StepInput:
    """``CollectionStep``."""

    kind: StepKind
    days: int
    fee: Decimal = Decimal(0)
    compensation: Decimal = Decimal(0)
    interest: bool = False
    channel: Channel = Channel.LETTER
    bars: list[Bar] = strawberry.field(default_factory=list)


@strawberry.input(description="A new rule, or with version the whole of the one with this name and first day.")
class PutCollectionRuleInput:
    """``CollectionRule``."""

    name: str
    currency: str
    valid_from: date
    steps: list[StepInput]
    country: str | None = None
    customer_kind: CustomerKind | None = None
    group: str | None = None
    fees_agreed: bool = strawberry.field(default=False, description="The customers' terms say that reminders cost.")
    minimum: Decimal = Decimal(0)
    pay_days: int = 10
    agency: str | None = None
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What the law allows from a day on.")
class PutLegalLimitInput:
    """``LegalLimit``."""

    country: str
    kind: LimitKind
    valid_from: date
    most: Decimal
    currency: str
    law: str
    source: str = ""
    customer_kind: CustomerKind | None = None
    first_days: int = 0
    between_days: int = 0
    count: int | None = None
    agreed: bool = False
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A country's reference rate from 1 January or 1 July on, per cent.")
class PutReferenceRateInput:
    """``ReferenceRate``."""

    country: str
    valid_from: date
    percent: Decimal
    source: str = ""
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(name="CollectionSecretInput")
class SecretInput:
    """A secret by name: a reference."""

    name: str
    reference: str


@strawberry.input(
    description="Where an agency fetches cases: an address as of a feed, secrets as env:NAME or file:NAME."
)
class PutCollectionAgencyInput:
    """``PutAgency``."""

    name: str
    format: CaseFormat
    address: str
    host_keys: list[str] = strawberry.field(default_factory=list)
    credentials: list[SecretInput] = strawberry.field(default_factory=list)
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A promise to pay by a day, or that nothing is to be done, and why.")
class HoldCollectionInput:
    """``HoldCollection``."""

    customer: ID
    kind: HoldKind
    invoice: ID | None = strawberry.field(default=None, description="null: any of the customer's.")
    until: date | None = None
    amount: Decimal | None = None
    reason: str = ""
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Take the steps that are due today; with dryRun only say which, on any day.")
class RunCollectionInput:
    """``RunCollection``."""

    dry_run: bool = False
    on: date | None = None
    customers: list[ID] | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Hand all that is overdue of a customer over, now.")
class HandOverInput:
    """``HandOver``."""

    customer: ID
    agency: str
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Call a case back.")
class WithdrawCollectionCaseInput:
    """``WithdrawCase``."""

    case: ID
    version: int
    reason: str
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What the agency answers about a case.")
class TakeCollectionReceiptInput:
    """``TakeReceipt``."""

    case: ID
    status: str
    reference: str | None = None
    text: str = ""
    idempotency_key: str | None = kept_key()


def planned(customer: Customer, plan: Plan) -> list[PlannedStepType]:
    """Return what a run decided about a customer's invoices, the steps first."""
    rows = [(one.decision, one) for one in plan.taken] + [(one, None) for one in plan.idle]
    shown = []
    for decision, taken in rows:
        overdue = decision.overdue
        code = overdue.currency
        shown.append(
            PlannedStepType(
                customer=strawberry.ID(global_id("Customer", customer.id)),
                customer_number=customer.number,
                invoice=strawberry.ID(global_id("Invoice", overdue.invoice)),
                number=overdue.number,
                currency=code,
                open=major(overdue.open_minor, code),
                step=taken.step.kind if taken else None,
                fee=major(taken.fee_minor if taken else 0, code),
                compensation=major(taken.compensation_minor if taken else 0, code),
                interest=major(taken.interest.amount_minor if taken else 0, code),
                interest_unknown_from=taken.interest.unknown_from if taken else None,
                why=decision.why,
                since=decision.since,
            )
        )
    return shown


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_collection_rules)


async def _limits(info: Info) -> Any:
    return await info.context.ask(list_legal_limits)


async def _rates(info: Info) -> Any:
    return await info.context.ask(list_reference_rates)


async def _agencies(info: Info) -> Any:
    return await info.context.ask(list_collection_agencies)


async def _steps(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(
        list_collection_steps, request(first, read_number(after, "TakenStep")), customer=whose
    )
    return connect(page, "TakenStep", after=after)


async def _holds(info: Info, customer: ID) -> Any:
    return await info.context.ask(list_collection_holds, CustomerId(key_of(customer, "Customer", "customer")))


async def _letters(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, state: LetterState | None = None
) -> Any:
    page = await info.context.ask(list_letters, request(first, read_number(after, "CollectionLetter")), state=state)
    return connect(page, "CollectionLetter", after=after)


async def _cases(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, state: CaseState | None = None
) -> Any:
    asked = request(first, read_number(after, "CollectionCase"))
    page = await info.context.ask(list_collection_cases, asked, state=state)
    return connect(page, "CollectionCase", after=after)


async def _case(info: Info, id: ID) -> Any:  # noqa: A002  (its name in the API)
    key = CollectionCaseId(key_of(id, "CollectionCase", "id"))
    case, messages = await info.context.ask(get_collection_case, key)
    return CaseDetailType(case=case, messages=list(messages))


async def _put_rule(info: Info, input: PutCollectionRuleInput) -> Any:  # noqa: A002  (its name in the API)
    steps = tuple(
        CollectionStep(
            kind=step.kind,
            days=step.days,
            fee=step.fee,
            compensation=step.compensation,
            interest=step.interest,
            channel=step.channel,
            bars=tuple(step.bars),
        )
        for step in input.steps
    )
    same = (
        "name", "currency", "valid_from", "country", "customer_kind", "fees_agreed", "minimum", "pay_days", "agency",
        "active", "version",
    )  # fmt: skip
    rule = CollectionRule(
        id=CollectionRuleId(0),
        operator=OperatorId(0),
        steps=steps,
        member_group=input.group,
        **{name: getattr(input, name) for name in same},
    )
    return await info.context.ask(put_collection_rule, rule, clock=info.context.wiring.clock)


async def _put_limit(info: Info, input: PutLegalLimitInput) -> Any:  # noqa: A002  (its name in the API)
    same = (
        "country", "kind", "valid_from", "most", "currency", "law", "source", "customer_kind", "first_days",
        "between_days", "count", "agreed", "version",
    )  # fmt: skip
    return await info.context.ask(put_legal_limit, LegalLimit(**{name: getattr(input, name) for name in same}))


async def _put_rate(info: Info, input: PutReferenceRateInput) -> Any:  # noqa: A002  (its name in the API)
    same = ("country", "valid_from", "percent", "source", "version")
    return await info.context.ask(put_reference_rate, ReferenceRate(**{name: getattr(input, name) for name in same}))


async def _put_agency(info: Info, input: PutCollectionAgencyInput) -> Any:  # noqa: A002  (its name in the API)
    cmd = PutAgency(
        name=input.name,
        format=input.format,
        address=input.address,
        host_keys=tuple(input.host_keys),
        credentials=tuple((one.name, one.reference) for one in input.credentials),
        active=input.active,
        version=input.version,
    )
    return await info.context.ask(put_collection_agency, cmd, transports=info.context.wiring.transports)


async def _hold(info: Info, input: HoldCollectionInput) -> Any:  # noqa: A002  (its name in the API)
    cmd = HoldCollection(
        customer=CustomerId(key_of(input.customer, "Customer", "customer")),
        kind=input.kind,
        invoice=None if input.invoice is None else InvoiceId(key_of(input.invoice, "Invoice", "invoice")),
        until=input.until,
        amount=input.amount,
        reason=input.reason,
    )
    return await info.context.ask(hold_collection, cmd, clock=info.context.wiring.clock)


async def _release(info: Info, hold: ID, version: int) -> Any:
    key = CollectionHoldId(key_of(hold, "CollectionHold", "hold"))
    return await info.context.ask(release_collection, key, version, clock=info.context.wiring.clock)


async def _run(info: Info, input: RunCollectionInput) -> Any:  # noqa: A002  (its name in the API)
    shown: list[PlannedStepType] = []
    customers = None
    if input.customers is not None:
        customers = tuple(CustomerId(key_of(one, "Customer", "customers")) for one in input.customers)
    cmd = RunCollection(on=input.on, dry_run=input.dry_run, customers=customers)
    done = await info.context.ask(
        run_collection,
        cmd,
        clock=info.context.wiring.clock,
        done=lambda customer, plan: shown.extend(planned(customer, plan)),
    )
    return CollectionRunType(
        on=done.on,
        dry_run=done.dry_run,
        customers=done.customers,
        steps=done.steps,
        letters=done.letters,
        planned=shown[:PLANNED_MAX],
    )


async def _hand_over(info: Info, input: HandOverInput) -> Any:  # noqa: A002  (its name in the API)
    cmd = HandOver(customer=CustomerId(key_of(input.customer, "Customer", "customer")), agency=input.agency)
    return await info.context.ask(hand_over, cmd, clock=info.context.wiring.clock)


async def _withdraw(info: Info, input: WithdrawCollectionCaseInput) -> Any:  # noqa: A002  (its name in the API)
    key = CollectionCaseId(key_of(input.case, "CollectionCase", "case"))
    cmd = WithdrawCase(case=key, version=input.version, reason=input.reason)
    return await info.context.ask(withdraw_collection_case, cmd, clock=info.context.wiring.clock)


async def _receipt(info: Info, input: TakeCollectionReceiptInput) -> Any:  # noqa: A002  (its name in the API)
    key = CollectionCaseId(key_of(input.case, "CollectionCase", "case"))
    cmd = TakeReceipt(case=key, status=input.status, reference=input.reference, text=input.text)
    return await info.context.ask(take_collection_receipt, cmd, clock=info.context.wiring.clock)


PLANNED_MAX = 1_000


@strawberry.type
class CollectionQuery:
    """What collection follows, and what it has done."""

    collection_rules: list[RuleType] = strawberry.field(resolver=_rules)
    legal_limits: list[LimitType] = strawberry.field(
        resolver=_limits, description="What the law allows; of two rows of one day the later one holds."
    )
    reference_rates: list[RateType] = strawberry.field(resolver=_rates)
    collection_agencies: list[AgencyType] = strawberry.field(resolver=_agencies)
    collection_steps: Connection[TakenStepType] = strawberry.field(
        resolver=_steps, description="The steps that were taken, of a customer or of all."
    )
    collection_holds: list[HoldType] = strawberry.field(resolver=_holds)
    collection_letters: Connection[LetterType] = strawberry.field(resolver=_letters)
    collection_cases: Connection[CaseType] = strawberry.field(resolver=_cases)
    collection_case: CaseDetailType | None = strawberry.field(resolver=_case)


@strawberry.type
class CollectionMutation:
    """Collection."""

    put_collection_rule = strawberry.mutation(
        resolver=_put_rule,
        graphql_type=outcome("PutCollectionRuleResult", RuleType),
        description="More than the law allows is refused, with the law's name.",
    )
    put_legal_limit = strawberry.mutation(resolver=_put_limit, graphql_type=outcome("PutLegalLimitResult", LimitType))
    put_reference_rate = strawberry.mutation(
        resolver=_put_rate, graphql_type=outcome("PutReferenceRateResult", RateType)
    )
    put_collection_agency = strawberry.mutation(
        resolver=_put_agency, graphql_type=outcome("PutCollectionAgencyResult", AgencyType)
    )
    hold_collection = strawberry.mutation(resolver=_hold, graphql_type=outcome("HoldCollectionResult", HoldType))
    release_collection = strawberry.mutation(
        resolver=_release, graphql_type=outcome("ReleaseCollectionResult", HoldType)
    )
    run_collection = strawberry.mutation(
        resolver=_run,
        graphql_type=outcome("RunCollectionResult", CollectionRunType),
        description="Run again, it takes no step twice. Tells of 1000 invoices at most.",
    )
    hand_over_to_collection = strawberry.mutation(resolver=_hand_over, graphql_type=outcome("HandOverResult", CaseType))
    withdraw_collection_case = strawberry.mutation(
        resolver=_withdraw, graphql_type=outcome("WithdrawCollectionCaseResult", CaseType)
    )
    take_collection_receipt = strawberry.mutation(
        resolver=_receipt, graphql_type=outcome("TakeCollectionReceiptResult", CaseType)
    )
