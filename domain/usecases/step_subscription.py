"""Step a subscription: activate, fail, suspend, resume, end, keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.stepping import Step, stepped
from domain.contracts.subscription import StateChange, Subscription, SubscriptionState
from domain.ids import ContractId, SubscriptionId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue
from domain.usecases.assign_numbers import check_version

REASON_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSubscription:
    """A step that takes effect at ``at``: now where it is None; only an end may lie ahead."""

    subscription: SubscriptionId
    step: Step
    at: datetime | None = None
    reason: str | None = None
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def step_subscription(cmd: StepSubscription, *, actor: Actor, begin: Begin, clock: Clock) -> Subscription:
    """Take a step in a subscription's life.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (the step is not possible), BadValue (``at``, ``reason``),
    Conflict (idempotency key), Overlap (a number that an end taken back would have again is another's).
    """
    check_texts(cmd)
    if cmd.reason is not None and not 1 <= len(cmd.reason.strip()) <= REASON_MAX:
        raise BadValue("a reason has 1 to {most} characters", most=REASON_MAX, field="reason")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.subscriptions.claim(SubscriptionId(known))
        subscription = await unit.subscriptions.claim(cmd.subscription)
        check_version(subscription, cmd.version)
        now = clock.now()
        at = utc(cmd.at, field="at") if cmd.at is not None else now
        kept = await take_step(unit, subscription, cmd.step, at=at, now=now, reason=cmd.reason)
        await remember(unit.answers, cmd, kept.id)
    return kept


async def take_step(
    unit: Unit, subscription: Subscription, step: Step, *, at: datetime, now: datetime, reason: str | None = None
) -> Subscription:
    """Take a step within a unit that has claimed the subscription, with its line of history and of audit.

    Refuses with: WrongState, BadValue, Overlap.
    """
    changed, line = stepped(subscription, step, at=at, now=now, reason=reason)
    kept = await unit.subscriptions.keep(changed, line)
    detail = {
        "step": step.value,
        "state": kept.state_at(now).value,
        "at": line.since.isoformat(),
        "reason": reason,
        "contract": kept.contract,
        "customer": kept.customer,
        "version": kept.version,
        "changed": ["state"],
    }
    await unit.audit.write(f"{step.value}_subscription", f"subscription:{kept.id}", detail)
    return kept


async def end_subscriptions(
    unit: Unit, contract: ContractId, *, at: datetime, now: datetime, reason: str | None = None
) -> Sequence[Subscription]:
    """End every subscription of a contract that has not ended by then, within the unit that ends the contract.

    One that came into its state after ``at`` ends when it did so.
    """
    found = (await unit.subscriptions.of_contracts([contract])).get(contract, ())
    kept = []
    for one in found:
        if one.state_at(now) is SubscriptionState.ENDED or (one.ended_at is not None and one.ended_at <= at):
            continue
        claimed = await unit.subscriptions.claim(one.id)
        begun = claimed.state_since
        instant = at if begun is None else max(at, begun)
        kept.append(await take_step(unit, claimed, Step.END, at=instant, now=now, reason=reason))
    return kept


@operation(Action.READ_CONTRACTS)
async def subscription_histories(
    keys: Sequence[SubscriptionId], *, actor: Actor, begin: Begin
) -> dict[SubscriptionId, Sequence[StateChange]]:
    """Return what was recorded of subscriptions' states, in the order of recording. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return dict(await unit.subscriptions.history(keys))
