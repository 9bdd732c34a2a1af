"""Cases with collection agencies."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

import api.graphql.order_words  # noqa: F401  (names Bar in the schema)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, owned
from api.graphql.once import kept_key
from api.graphql.payments import amount_of
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.collection.progress import (
    Case,
    CaseState,
    Message,
    MessageKind,
)
from domain.ids import CollectionCaseId, CustomerId
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

ID = strawberry.ID

strawberry.enum(CaseState, name="CollectionCaseState", description="Where a case stands.")
strawberry.enum(MessageKind, name="CollectionMessageKind", description="What is told to or by the agency.")


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

    is_type_of = shows(Message)


@strawberry.type(name="CollectionCase", description="What was handed over of a customer to an agency.")
class CaseType:
    """``domain.collection.progress.Case``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    agency: str
    currency: str
    opened_on: date
    claimed: Decimal = strawberry.field(
        resolver=amount_of("claimed_minor"), description="What is left of it, as the agency was last told."
    )
    state: CaseState
    reference: str | None = strawberry.field(description="The agency's own.")
    closed_at: datetime | None
    version: int

    is_type_of = shows(Case)


@strawberry.type(name="CollectionCaseDetail", description="A case with its messages.")
class CaseDetailType:
    """What ``get_collection_case`` answers."""

    case: CaseType
    messages: list[MessageType]


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


async def _cases(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, state: CaseState | None = None
) -> Any:
    asked = request(first, read_number(after, "CollectionCase"))
    page = await info.context.ask(list_collection_cases, asked, state=state)
    return connect(page, "CollectionCase", after=after)


async def _case(info: Info, id: ID) -> Any:
    key = CollectionCaseId(key_of(id, "CollectionCase", "id"))
    case, messages = await info.context.ask(get_collection_case, key)
    return CaseDetailType(case=case, messages=list(messages))


async def _hand_over(info: Info, input: HandOverInput) -> Any:
    cmd = HandOver(customer=CustomerId(key_of(input.customer, "Customer", "customer")), agency=input.agency)
    return await info.context.ask(hand_over, cmd, clock=info.context.wiring.clock)


async def _withdraw(info: Info, input: WithdrawCollectionCaseInput) -> Any:
    key = CollectionCaseId(key_of(input.case, "CollectionCase", "case"))
    cmd = WithdrawCase(case=key, version=input.version, reason=input.reason)
    return await info.context.ask(withdraw_collection_case, cmd, clock=info.context.wiring.clock)


async def _receipt(info: Info, input: TakeCollectionReceiptInput) -> Any:
    key = CollectionCaseId(key_of(input.case, "CollectionCase", "case"))
    cmd = TakeReceipt(case=key, status=input.status, reference=input.reference, text=input.text)
    return await info.context.ask(take_collection_receipt, cmd, clock=info.context.wiring.clock)


@strawberry.type
class CollectionCaseQuery:
    """The cases."""

    collection_cases: Connection[CaseType] = strawberry.field(resolver=_cases)
    collection_case: CaseDetailType | None = strawberry.field(resolver=_case)


@strawberry.type
class CollectionCaseMutation:
    """Handing over, calling back, and what the agency answers."""

    hand_over_to_collection = strawberry.mutation(resolver=_hand_over, graphql_type=outcome("HandOverResult", CaseType))
    withdraw_collection_case = strawberry.mutation(
        resolver=_withdraw, graphql_type=outcome("WithdrawCollectionCaseResult", CaseType)
    )
    take_collection_receipt = strawberry.mutation(
        resolver=_receipt, graphql_type=outcome("TakeCollectionReceiptResult", CaseType)
    )
