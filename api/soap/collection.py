"""The operations of the WSDL about collection: the daily run, what holds it up, and cases with agencies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.collection_rules import ChannelOfCollection, KindOfCollectionStep
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import numbers_of
from api.soap.service import operation
from api.soap.showing import plain
from domain.collection.deciding import Why
from domain.collection.planning import Plan
from domain.collection.progress import (
    Case,
    CaseState,
    DoneStep,
    Hold,
    HoldKind,
    Letter,
    LetterState,
    Message,
    MessageKind,
)
from domain.customers.customer import Customer
from domain.ids import CollectionCaseId, CollectionHoldId, InvoiceId
from domain.payments.amounts import major_of
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_customer import get_customer
from domain.usecases.get_invoice import get_invoice
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
    hold_collection,
    list_collection_holds,
    list_collection_steps,
    release_collection,
)
from domain.usecases.run_collection import RunCollection, run_collection
from domain.usecases.send_collection import list_letters

PAGE: Final = 200
PLANNED_MAX: Final = 1_000
StateOfLetter = _enum(LetterState, "StateOfCollectionLetter")
KindOfHold = _enum(HoldKind, "KindOfCollectionHold")
StateOfCase = _enum(CaseState, "StateOfCollectionCase")
KindOfMessage = _enum(MessageKind, "KindOfCollectionMessage")
IdleReason = _enum(Why, "CollectionIdleReason")


class PlannedStepModel(Model):
    """What is, or would be, done about an invoice and what it costs; or why nothing is, and until when."""

    __type_name__ = "PlannedStep"

    customerNumber = needed(Unicode)
    invoiceNumber = needed(Unicode)
    currency = needed(Unicode)
    open = needed(XsDecimal)
    step = KindOfCollectionStep
    fee = needed(XsDecimal)
    compensation = needed(XsDecimal)
    interest = needed(XsDecimal)
    why = IdleReason
    since = Date


class CollectionRunModel(Model):
    """What a run did, or would do."""

    __type_name__ = "CollectionRun"

    on = needed(Date)
    dryRun = needed(Boolean)
    customers = needed(Integer)
    steps = needed(Integer)
    letters = needed(Integer)
    planned = many(PlannedStepModel)


class CollectionHoldModel(Model):
    """Nothing is done about an invoice, or (absent) any of a customer's."""

    __type_name__ = "CollectionHold"

    id = needed(Integer)
    kind = needed(KindOfHold)
    until = Date
    amount = XsDecimal
    reason = needed(Unicode)
    endedAt = DateTime
    version = needed(Integer)


class CollectionHoldList(Model):
    """A customer's holds, by key."""

    hold = many(CollectionHoldModel)


class TakenStepModel(Model):
    """A step that was taken for an invoice, and what it claimed."""

    __type_name__ = "TakenStep"

    id = needed(Integer)
    customerNumber = needed(Unicode)
    kind = needed(KindOfCollectionStep)
    doneOn = needed(Date)
    currency = needed(Unicode)
    open = needed(XsDecimal)
    fee = needed(XsDecimal)
    compensation = needed(XsDecimal)
    interest = needed(XsDecimal)
    interestUntil = Date
    endedAt = DateTime


class TakenStepPage(Model):
    """A page of steps; next asks for the following page."""

    count = needed(Integer)
    step = many(TakenStepModel)
    next = Unicode


class CollectionLetterModel(Model):
    """What a payer was told on a day."""

    __type_name__ = "CollectionLetter"

    id = needed(Integer)
    customerNumber = needed(Unicode)
    kind = needed(KindOfCollectionStep)
    channel = needed(ChannelOfCollection)
    madeOn = needed(Date)
    state = needed(StateOfLetter)
    sentAt = DateTime
    fault = Unicode


class CollectionLetterPage(Model):
    """A page of letters; next asks for the following page."""

    count = needed(Integer)
    letter = many(CollectionLetterModel)
    next = Unicode


class CollectionCaseModel(Model):
    """What was handed over of a customer; claimed is left of it, as the agency was last told."""

    __type_name__ = "CollectionCase"

    id = needed(Integer)
    agency = needed(Unicode)
    currency = needed(Unicode)
    openedOn = needed(Date)
    claimed = needed(XsDecimal)
    state = needed(StateOfCase)
    reference = Unicode
    version = needed(Integer)


class CollectionCasePage(Model):
    """A page of cases; next asks for the following page."""

    count = needed(Integer)
    case = many(CollectionCaseModel)
    next = Unicode


class CollectionMessageModel(Model):
    """A message of a case; content is JSON, as the agency gets it."""

    __type_name__ = "CollectionMessage"

    number = needed(Integer)
    kind = needed(KindOfMessage)
    at = needed(DateTime)
    sentAt = DateTime
    content = needed(Unicode)


class CollectionCaseDetailModel(Model):
    """A case with its messages."""

    __type_name__ = "CollectionCaseDetail"

    case = needed(CollectionCaseModel)
    message = many(CollectionMessageModel)


def _planned(customer: Customer, plan: Plan) -> list[PlannedStepModel]:
    shown = []
    for decision, taken in [(one.decision, one) for one in plan.taken] + [(one, None) for one in plan.idle]:
        overdue = decision.overdue
        code = overdue.currency
        shown.append(
            PlannedStepModel(
                customerNumber=customer.number,
                invoiceNumber=overdue.number,
                currency=code,
                open=major_of(overdue.open_minor, code),
                step=taken.step.kind.value if taken else None,
                fee=major_of(taken.fee_minor if taken else 0, code),
                compensation=major_of(taken.compensation_minor if taken else 0, code),
                interest=major_of(taken.interest.amount_minor if taken else 0, code),
                why=decision.why.value if decision.why else None,
                since=decision.since,
            )
        )
    return shown


def _case(one: Case) -> CollectionCaseModel:
    return CollectionCaseModel(
        id=one.id,
        agency=one.agency,
        currency=one.currency,
        openedOn=one.opened_on,
        claimed=major_of(one.claimed_minor, one.currency),
        state=one.state.value,
        reference=one.reference,
        version=one.version,
    )


def _message(one: Message) -> CollectionMessageModel:
    return CollectionMessageModel(
        number=one.number,
        kind=one.kind.value,
        at=one.at,
        sentAt=one.sent_at,
        content=json.dumps(one.content, ensure_ascii=False),
    )


def _hold(one: Hold) -> CollectionHoldModel:
    return CollectionHoldModel(
        id=one.id,
        kind=one.kind.value,
        until=one.until,
        amount=plain(one.amount),
        reason=one.reason,
        endedAt=one.ended_at,
        version=one.version,
    )


async def _taken(ctx: Any, steps: Sequence[DoneStep]) -> list[TakenStepModel]:
    numbers = await numbers_of(ctx, [one.customer for one in steps])
    return [
        TakenStepModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            kind=one.kind.value,
            doneOn=one.done_on,
            currency=one.currency,
            open=plain(major_of(one.open_minor, one.currency)),
            fee=plain(major_of(one.fee_minor, one.currency)),
            compensation=plain(major_of(one.compensation_minor, one.currency)),
            interest=plain(major_of(one.interest_minor, one.currency)),
            interestUntil=one.interest_until,
            endedAt=one.ended_at,
        )
        for one in steps
    ]


async def _letters(ctx: Any, letters: Sequence[Letter]) -> list[CollectionLetterModel]:
    numbers = await numbers_of(ctx, [one.customer for one in letters])
    return [
        CollectionLetterModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            kind=one.kind.value,
            channel=one.channel.value,
            madeOn=one.made_on,
            state=one.state.value,
            sentAt=one.sent_at,
            fault=one.fault,
        )
        for one in letters
    ]


class CollectionDesk(ServiceBase):
    """Collection as other systems drive it."""

    __service_name__ = "Billing"

    @operation("RunCollection", Boolean, Date, returns=CollectionRunModel, result="run")
    async def run_collection(ctx: Any, dryRun: bool | None, on: date | None) -> Any:
        """Take the steps that are due today; with dryRun only say which, on any day. 1000 invoices at most are told."""
        shown: list[PlannedStepModel] = []
        done = await ctx.udc.ask(
            run_collection,
            RunCollection(on=on, dry_run=bool(dryRun)),
            clock=ctx.udc.wiring.clock,
            done=lambda customer, plan: shown.extend(_planned(customer, plan)),
        )
        return CollectionRunModel(
            on=done.on,
            dryRun=done.dry_run,
            customers=done.customers,
            steps=done.steps,
            letters=done.letters,
            planned=shown[:PLANNED_MAX],
        )

    @operation(
        "HoldCollection",
        needed(Unicode),
        needed(KindOfHold),
        Unicode,
        Date,
        Unicode,
        XsDecimal,
        returns=CollectionHoldModel,
        result="hold",
    )
    async def hold_collection(
        ctx: Any,
        customerNumber: str,
        kind: str,
        invoiceNumber: str | None,
        until: date | None,
        reason: str | None,
        amount: Decimal | None,
    ) -> Any:
        """Hold collection of an invoice, or (absent) any of a customer's: a promise to pay, or a stop and why."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        invoice = None if invoiceNumber is None else InvoiceId((await ctx.udc.ask(get_invoice, invoiceNumber)).id)
        cmd = HoldCollection(
            customer=customer.id,
            kind=HoldKind(str(kind)),
            invoice=invoice,
            until=until,
            amount=amount,
            reason=reason or "",
        )
        return _hold(await ctx.udc.ask(hold_collection, cmd, clock=ctx.udc.wiring.clock))

    @operation("ReleaseCollection", needed(Integer), needed(Integer), returns=CollectionHoldModel, result="hold")
    async def release_collection(ctx: Any, hold: int, version: int) -> Any:
        """End a hold."""
        key = CollectionHoldId(hold)
        return _hold(await ctx.udc.ask(release_collection, key, version, clock=ctx.udc.wiring.clock))

    @operation("ListCollectionHolds", needed(Unicode), returns=CollectionHoldList, result="holds")
    async def list_holds(ctx: Any, customerNumber: str) -> Any:
        """Return a customer's holds; those that are over too."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        return CollectionHoldList(hold=[_hold(one) for one in await ctx.udc.ask(list_collection_holds, customer.id)])

    @operation(
        "ListCollectionSteps",
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=TakenStepPage,
        result="page",
    )
    async def list_steps(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return the steps that were taken, of a customer or of all."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(list_collection_steps, PageRequest(first or PAGE, key_after(after)), customer=customer)
        following = str(page.items[-1].id) if page.more else None
        return TakenStepPage(count=len(page.items), step=await _taken(ctx, page.items), next=following)

    @operation(
        "ListCollectionLetters",
        StateOfLetter,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=CollectionLetterPage,
        result="page",
    )
    async def list_letters(ctx: Any, state: str | None, first: int | None, after: str | None) -> Any:
        """Return letters, in a state or all."""
        wanted = None if state is None else LetterState(str(state))
        page = await ctx.udc.ask(list_letters, PageRequest(first or PAGE, key_after(after)), state=wanted)
        following = str(page.items[-1].id) if page.more else None
        return CollectionLetterPage(count=len(page.items), letter=await _letters(ctx, page.items), next=following)

    @operation("ListCollectionCases", StateOfCase, Unicode, returns=CollectionCasePage, result="page")
    async def list_collection_cases(ctx: Any, state: str | None, after: str | None) -> Any:
        """Return cases by their id, 200 at most; after is the last page's next."""
        request = PageRequest(PAGE, key_after(after))
        wanted = None if state is None else CaseState(str(state))
        page = await ctx.udc.ask(list_collection_cases, request, state=wanted)
        following = str(page.items[-1].id) if page.more else None
        return CollectionCasePage(count=len(page.items), case=[_case(one) for one in page.items], next=following)

    @operation("GetCollectionCase", needed(Integer), returns=CollectionCaseDetailModel, result="detail")
    async def get_collection_case(ctx: Any, id: int) -> Any:
        """Return a case with its messages."""
        case, messages = await ctx.udc.ask(get_collection_case, CollectionCaseId(id))
        return CollectionCaseDetailModel(case=_case(case), message=[_message(one) for one in messages])

    @operation("HandOverToCollection", needed(Unicode), needed(Unicode), returns=CollectionCaseModel, result="case")
    async def hand_over_to_collection(ctx: Any, customerNumber: str, agency: str) -> Any:
        """Hand all that is overdue of a customer over to an agency."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        cmd = HandOver(customer=customer.id, agency=agency)
        return _case(await ctx.udc.ask(hand_over, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "WithdrawCollectionCase",
        needed(Integer),
        needed(Integer),
        needed(Unicode),
        returns=CollectionCaseModel,
        result="case",
    )
    async def withdraw_collection_case(ctx: Any, id: int, version: int, reason: str) -> Any:
        """Call a case back from its agency."""
        cmd = WithdrawCase(case=CollectionCaseId(id), version=version, reason=reason)
        return _case(await ctx.udc.ask(withdraw_collection_case, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "TakeCollectionReceipt",
        needed(Integer),
        needed(Unicode),
        Unicode,
        Unicode,
        returns=CollectionCaseModel,
        result="case",
    )
    async def take_collection_receipt(
        ctx: Any,
        id: int,
        status: str,
        reference: str | None,
        text: str | None,
    ) -> Any:
        """Keep what an agency answers about a case."""
        cmd = TakeReceipt(case=CollectionCaseId(id), status=status, reference=reference, text=text or "")
        return _case(await ctx.udc.ask(take_collection_receipt, cmd, clock=ctx.udc.wiring.clock))
