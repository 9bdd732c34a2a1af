"""Mutations of a subscription's life: its steps, its card, its numbers' moves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.inputs import command
from api.graphql.once import kept_key
from api.graphql.particulars import OwnFieldInput
from api.graphql.parties import SubscriptionType
from api.graphql.refusals import outcome
from domain.contracts.stepping import Step
from domain.usecases.change_subscription import ChangeSubscription, change_subscription
from domain.usecases.step_subscription import StepSubscription, step_subscription
from domain.usecases.swap_sim import SwapSim, swap_sim
from domain.usecases.transfer_number import TransferNumber, transfer_number

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_KEY = "Sent again, the same answer again."
strawberry.enum(Step, name="SubscriptionStep", description=(Step.__doc__ or "").strip())


@strawberry.input
class StepSubscriptionInput:
    """``StepSubscription``; at left out is now."""

    subscription: ID
    step: Step
    at: datetime | None = None
    reason: str | None = None
    version: int | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Fields that are not named stay.")
class ChangeSubscriptionInput:
    """``ChangeSubscription``."""

    subscription: ID
    version: int
    label: strawberry.Maybe[str]
    fields: strawberry.Maybe[list[OwnFieldInput]]
    idempotency_key: str | None = kept_key()


@strawberry.input
class SwapSimInput:
    """``SwapSim``; at left out is now."""

    subscription: ID
    iccid: str | None = None
    imsi: str | None = None
    at: datetime | None = None
    version: int | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input
class TransferNumberInput:
    """``TransferNumber``."""

    number: str
    source: ID
    target: ID
    at: datetime
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


async def _step(info: Info, asked: Annotated[StepSubscriptionInput, _AS_INPUT]) -> Any:
    cmd = command(StepSubscription, asked, {"subscription": "Subscription"})
    return await info.context.ask(step_subscription, cmd, clock=info.context.wiring.clock)


async def _change(info: Info, asked: Annotated[ChangeSubscriptionInput, _AS_INPUT]) -> Any:
    cmd = command(ChangeSubscription, asked, {"subscription": "Subscription"})
    return await info.context.ask(change_subscription, cmd)


async def _swap(info: Info, asked: Annotated[SwapSimInput, _AS_INPUT]) -> Any:
    cmd = command(SwapSim, asked, {"subscription": "Subscription"})
    return await info.context.ask(swap_sim, cmd, clock=info.context.wiring.clock)


async def _transfer(info: Info, asked: Annotated[TransferNumberInput, _AS_INPUT]) -> Any:
    cmd = command(TransferNumber, asked, {"source": "Subscription", "target": "Subscription"})
    return await info.context.ask(transfer_number, cmd, clock=info.context.wiring.clock)


@strawberry.type
class LineMutation:
    """A subscription's life."""

    step_subscription = strawberry.mutation(
        resolver=_step,
        graphql_type=outcome("StepSubscriptionResult", SubscriptionType),
        description="Activate, suspend, resume or end a line; only an end may lie ahead.",
    )
    change_subscription = strawberry.mutation(
        resolver=_change,
        graphql_type=outcome("ChangeSubscriptionResult", SubscriptionType),
        description="Another label, and the operator's own fields.",
    )
    swap_sim = strawberry.mutation(
        resolver=_swap,
        graphql_type=outcome("SwapSimResult", SubscriptionType),
        description="Another card from a moment on; the numbers stay.",
    )
    transfer_number = strawberry.mutation(
        resolver=_transfer,
        graphql_type=outcome("TransferNumberResult", SubscriptionType),
        description="A number of source is target's from a moment on; answers with target.",
    )
