"""The operations of the WSDL about lines: subscriptions, the numbers they hold, their SIM cards."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.soap import showing
from api.soap.models import KindOfIdentifier, KindOfSubscription, Line, Model, OwnField, _enum, many, needed
from api.soap.particulars import changes
from api.soap.service import Call, operation
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.stepping import Step, dated
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.ids import SubscriptionId
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.change_subscription import ChangeSubscription, change_subscription
from domain.usecases.get_contract import get_contract
from domain.usecases.get_subscription import get_subscription
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers
from domain.usecases.step_subscription import StepSubscription, step_subscription, subscription_histories
from domain.usecases.swap_sim import SwapSim, swap_sim
from domain.usecases.transfer_number import TransferNumber, transfer_number

StepOfLine = _enum(Step, "SubscriptionStep")


class NewNumber(Model):
    """A number, or what else a line is known by, from ``validFrom`` until ``validTo``."""

    number = needed(Unicode)
    validFrom = needed(DateTime)
    validTo = DateTime
    kind = KindOfIdentifier


class LineStateChange(Model):
    """A line is in the state from ``since`` on."""

    state = needed(Unicode)
    since = needed(DateTime)
    reason = Unicode
    recordedAt = DateTime
    client = Unicode


class LineHistory(Model):
    """A line's states in the order of time."""

    change = many(LineStateChange)


class Lines(ServiceBase):
    """Subscriptions and what they are known by."""

    __service_name__ = "Billing"

    @operation("GetSubscription", needed(Integer(ge=1)), returns=Line, result="subscription")
    async def get_subscription(ctx: Any, id: int) -> Any:
        """Return a line."""
        return _line(ctx.udc, await ctx.udc.ask(get_subscription, SubscriptionId(id)))

    @operation("GetSubscriptionHistory", needed(Integer(ge=1)), returns=LineHistory, result="history")
    async def get_history(ctx: Any, id: int) -> Any:
        """Return a line's states in the order of time."""
        one = await ctx.udc.ask(get_subscription, SubscriptionId(id))
        changes = (await ctx.udc.ask(subscription_histories, [one.id]))[one.id]
        return LineHistory(
            change=[
                LineStateChange(
                    state=each.state.value,
                    since=each.since,
                    reason=each.reason,
                    recordedAt=each.recorded_at,
                    client=each.client,
                )
                for each in dated(changes)
            ]
        )

    @operation(
        "AddSubscription",
        *(needed(Unicode), needed(KindOfSubscription), Unicode, many(NewNumber), Boolean, Unicode),
        returns=Line,
        result="subscription",
    )
    async def add_subscription(
        ctx: Any,
        contractNumber: str,
        kind: Any,
        label: str | None,
        number: Any,
        pending: bool | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Add a line to a contract: active at once, or pending until it is activated."""
        agreed = await ctx.udc.ask(get_contract, contractNumber)
        cmd = AddSubscription(
            contract=agreed.id,
            kind=SubscriptionKind(str(kind)),
            label=label or "",
            numbers=_assignments(number),
            pending=bool(pending),
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await timed(ctx.udc, add_subscription, cmd))

    @operation(
        "AssignNumbers",
        *(needed(Integer(ge=1)), many(NewNumber), Integer),
        returns=Line,
        result="subscription",
    )
    async def assign_numbers(ctx: Any, id: int, number: Any, version: int | None) -> Any:
        """Assign numbers, and what else a line is known by."""
        cmd = AssignNumbers(subscription=SubscriptionId(id), numbers=_assignments(number), version=version)
        return _line(ctx.udc, await timed(ctx.udc, assign_numbers, cmd))

    @operation(
        "ReleaseNumbers",
        *(needed(Integer(ge=1)), many(Unicode), needed(DateTime), Integer),
        returns=Line,
        result="subscription",
    )
    async def release_numbers(ctx: Any, id: int, number: Any, at: Any, version: int | None) -> Any:
        """End assignments at an instant."""
        cmd = ReleaseNumbers(subscription=SubscriptionId(id), numbers=tuple(number or ()), at=at, version=version)
        return _line(ctx.udc, await ctx.udc.ask(release_numbers, cmd))

    @operation(
        "StepSubscription",
        *(needed(Integer(ge=1)), needed(StepOfLine), DateTime, Unicode, Integer, Unicode),
        returns=Line,
        result="subscription",
    )
    async def step_subscription(
        ctx: Any,
        id: int,
        step: Any,
        at: Any,
        reason: str | None,
        version: int | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Activate, suspend, resume or end a line; only an end may lie ahead."""
        cmd = StepSubscription(
            subscription=SubscriptionId(id),
            step=Step(str(step)),
            at=at,
            reason=reason,
            version=version,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await timed(ctx.udc, step_subscription, cmd))

    @operation(
        "ChangeSubscription",
        *(needed(Integer(ge=1)), needed(Integer), Unicode, many(OwnField)),
        returns=Line,
        result="subscription",
    )
    async def change_subscription(
        ctx: Any,
        id: int,
        version: int,
        label: str | None,
        field: list[Any] | None,
    ) -> Any:
        """Give a line another label, and write the operator's own fields; what is left out stays."""
        named = {} if label is None else {"label": label}
        cmd = ChangeSubscription(subscription=SubscriptionId(id), version=version, fields=changes(field), **named)
        return _line(ctx.udc, await ctx.udc.ask(change_subscription, cmd))

    @operation(
        "SwapSim",
        *(needed(Integer(ge=1)), Unicode, Unicode, DateTime, Integer, Unicode),
        returns=Line,
        result="subscription",
    )
    async def swap_sim(
        ctx: Any,
        id: int,
        iccid: str | None,
        imsi: str | None,
        at: Any,
        version: int | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Change a line's card; the numbers stay."""
        cmd = SwapSim(
            subscription=SubscriptionId(id),
            iccid=iccid,
            imsi=imsi,
            at=at,
            version=version,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await timed(ctx.udc, swap_sim, cmd))

    @operation(
        "TransferNumber",
        *(needed(Unicode), needed(Integer(ge=1)), needed(Integer(ge=1)), needed(DateTime), Unicode),
        returns=Line,
        result="subscription",
    )
    async def transfer_number(
        ctx: Any,
        number: str,
        source: int,
        target: int,
        at: Any,
        idempotencyKey: str | None,
    ) -> Any:
        """Move a number from one line to another at an instant."""
        cmd = TransferNumber(
            number=number,
            source=SubscriptionId(source),
            target=SubscriptionId(target),
            at=at,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await timed(ctx.udc, transfer_number, cmd))


async def timed(call: Call, usecase: Any, *arguments: Any) -> Any:
    """Call a use case that needs the time."""
    return await call.ask(usecase, *arguments, clock=call.wiring.clock)


def _line(call: Call, one: Subscription) -> Any:
    return showing.line(one, call.wiring.clock.now())


def _assignments(numbers: Any) -> tuple[NumberAssignment, ...]:
    return tuple(
        NumberAssignment(
            number=one.number,
            valid_from=one.validFrom,
            valid_to=one.validTo,
            kind=IdentifierKind.NUMBER if one.kind is None else IdentifierKind(str(one.kind)),
        )
        for one in numbers or ()
    )
