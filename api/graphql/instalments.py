"""Instalment plans: open invoices that a customer pays in parts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, owned
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import (
    CustomerId,
    InstalmentPlanId,
    InvoiceId,
)
from domain.payments.amounts import major_of
from domain.payments.instalments import InstalmentPlan, PlanState
from domain.usecases.agree_instalments import (
    AgreeInstalments,
    WantedPart,
    agree_instalments,
    end_instalments,
    list_instalments,
)

ID = strawberry.ID

strawberry.enum(PlanState, name="InstalmentPlanState", description="Of an instalment plan.")


@strawberry.type(name="Instalment", description="A part of a plan.")
class InstalmentType:
    """One part of a plan."""

    due_on: date
    amount: Decimal


def _parts(root: strawberry.Parent[InstalmentPlan]) -> list[InstalmentType]:
    return [
        InstalmentType(due_on=part.due_on, amount=major_of(part.amount_minor, root.currency)) for part in root.parts
    ]


def _invoices(root: strawberry.Parent[InstalmentPlan]) -> list[strawberry.ID]:
    return [strawberry.ID(global_id("Invoice", key)) for key in root.invoices]


@strawberry.type(name="InstalmentPlan", description="Open invoices that a customer pays in parts.")
class InstalmentPlanType:
    """``domain.payments.instalments.InstalmentPlan``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    invoices: list[strawberry.ID] = strawberry.field(resolver=_invoices)
    currency: str
    parts: list[InstalmentType] = strawberry.field(resolver=_parts)
    state: PlanState
    made_at: datetime
    client: str
    version: int

    is_type_of = shows(InstalmentPlan)


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


async def _plans(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "InstalmentPlan"))
    return connect(await info.context.ask(list_instalments, asked, customer=whose), "InstalmentPlan", after=after)


async def _agree(info: Info, input: InstalmentsInput) -> Any:
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


@strawberry.type
class InstalmentQuery:
    """What was agreed."""

    instalment_plans: Connection[InstalmentPlanType] = strawberry.field(resolver=_plans)


@strawberry.type
class InstalmentMutation:
    """Agreeing, and ending it."""

    agree_instalments = strawberry.mutation(
        resolver=_agree, graphql_type=outcome("AgreeInstalmentsResult", InstalmentPlanType)
    )
    end_instalments = strawberry.mutation(
        resolver=_end_plan, graphql_type=outcome("EndInstalmentsResult", InstalmentPlanType)
    )
