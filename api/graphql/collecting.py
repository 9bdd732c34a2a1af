"""Collection as it goes: the steps taken, letters, what holds them up, and running it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql import collection_rules  # noqa: F401  (names StepKind and Channel in the schema)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.once import kept_key
from api.graphql.payments import amount_of
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.collection.deciding import Why
from domain.collection.planning import Plan
from domain.collection.progress import (
    DoneStep,
    Hold,
    HoldKind,
    Letter,
    LetterState,
)
from domain.collection.rules import Channel, StepKind
from domain.customers.customer import Customer
from domain.ids import CollectionHoldId, CustomerId, InvoiceId
from domain.payments.amounts import major_of
from domain.usecases.manage_collection import (
    HoldCollection,
    hold_collection,
    list_collection_holds,
    list_collection_steps,
    release_collection,
)
from domain.usecases.run_collection import RunCollection, run_collection
from domain.usecases.send_collection import list_letters

ID = strawberry.ID

strawberry.enum(HoldKind, name="CollectionHoldKind", description="Why nothing is done.")
strawberry.enum(LetterState, name="CollectionLetterState", description="Whether a letter is on its way.")
strawberry.enum(Why, name="CollectionIdleReason", description="Why nothing is done about an invoice.")


@strawberry.type(name="TakenStep", description="A step that was taken for an invoice, and what it claimed.")
class TakenStepType:
    """``domain.collection.progress.DoneStep``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    invoice: strawberry.ID | None = keyed("Invoice", "invoice")
    kind: StepKind
    done_on: date
    currency: str
    open: Decimal = strawberry.field(resolver=amount_of("open_minor"))
    fee: Decimal = strawberry.field(resolver=amount_of("fee_minor"))
    compensation: Decimal = strawberry.field(resolver=amount_of("compensation_minor"))
    interest: Decimal = strawberry.field(resolver=amount_of("interest_minor"))
    interest_until: date | None
    ended_at: datetime | None

    is_type_of = shows(DoneStep)


@strawberry.type(name="CollectionHold", description="Nothing is done about an invoice, or any of a customer's.")
class HoldType:
    """``domain.collection.progress.Hold``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    invoice: strawberry.ID | None = keyed("Invoice", "invoice")
    kind: HoldKind
    until: date | None
    amount: Decimal | None
    reason: str
    made_at: datetime
    client: str
    ended_at: datetime | None
    version: int

    is_type_of = shows(Hold)


@strawberry.type(name="CollectionLetter", description="What a payer was told on a day; its PDF is had over REST.")
class LetterType:
    """``domain.collection.progress.Letter``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    kind: StepKind
    channel: Channel
    made_on: date
    state: LetterState
    sent_at: datetime | None
    fault: str | None

    is_type_of = shows(Letter)


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
                open=major_of(overdue.open_minor, code),
                step=taken.step.kind if taken else None,
                fee=major_of(taken.fee_minor if taken else 0, code),
                compensation=major_of(taken.compensation_minor if taken else 0, code),
                interest=major_of(taken.interest.amount_minor if taken else 0, code),
                interest_unknown_from=taken.interest.unknown_from if taken else None,
                why=decision.why,
                since=decision.since,
            )
        )
    return shown


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


async def _hold(info: Info, input: HoldCollectionInput) -> Any:
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


async def _run(info: Info, input: RunCollectionInput) -> Any:
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


PLANNED_MAX = 1_000


@strawberry.type
class CollectingQuery:
    """What was done."""

    collection_steps: Connection[TakenStepType] = strawberry.field(
        resolver=_steps, description="The steps that were taken, of a customer or of all."
    )
    collection_holds: list[HoldType] = strawberry.field(resolver=_holds)
    collection_letters: Connection[LetterType] = strawberry.field(resolver=_letters)


@strawberry.type
class CollectingMutation:
    """Holding collection up, and running it."""

    hold_collection = strawberry.mutation(resolver=_hold, graphql_type=outcome("HoldCollectionResult", HoldType))
    release_collection = strawberry.mutation(
        resolver=_release, graphql_type=outcome("ReleaseCollectionResult", HoldType)
    )
    run_collection = strawberry.mutation(
        resolver=_run,
        graphql_type=outcome("RunCollectionResult", CollectionRunType),
        description="Run again, it takes no step twice. Tells of 1000 invoices at most.",
    )
