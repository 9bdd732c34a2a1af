"""Mandates: customers let us take what they owe from their accounts."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, owned
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import (
    CustomerId,
    MandateId,
)
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Scheme
from domain.usecases.manage_mandates import (
    AddMandate,
    EndMandate,
    add_mandate,
    end_mandate,
    list_mandates,
    unblock_mandate,
)

ID = strawberry.ID

strawberry.enum(Scheme, name="DebitScheme", description="By which arrangement a payer lets us take what he owes.")
strawberry.enum(MandateState, description="SENT: asked for in a file. REFUSED: it never began.")


@strawberry.type(name="Mandate", description="A customer lets us take what he owes from his account.")
class MandateType:
    """``domain.payments.mandate.Mandate``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
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

    is_type_of = shows(Mandate)


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


async def _add(info: Info, input: AddMandateInput) -> Any:
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


@strawberry.type
class MandateQuery:
    """Who lets himself be debited."""

    mandates: Connection[MandateType] = strawberry.field(resolver=_mandates)


@strawberry.type
class MandateMutation:
    """Keeping mandates."""

    add_mandate = strawberry.mutation(resolver=_add, graphql_type=outcome("AddMandateResult", MandateType))
    end_mandate = strawberry.mutation(resolver=_end, graphql_type=outcome("EndMandateResult", MandateType))
    unblock_mandate = strawberry.mutation(resolver=_unblock, graphql_type=outcome("UnblockMandateResult", MandateType))
