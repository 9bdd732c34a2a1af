"""Carry out what is due: planned changes of contracts, contracts whose end has come, quotes that have lapsed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.changes import ChangeKind, ChangeState
from domain.ids import ContractChangeId
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.quotes.quote import QuoteState
from domain.refusal import Refusal
from domain.usecases.fit_contract import day_in, done, midnight
from domain.usecases.plan_change import carry_out
from domain.usecases.step_subscription import end_subscriptions

PER_UNIT: Final = 200
CHANGES_MAX: Final = 100_000  # of one call; the rest is for the next


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """How many changes were done, and failed, how many contracts ended by themselves, and quotes lapsed."""

    done: int
    failed: int
    ended: int
    lapsed: int


@operation(Action.WRITE_CONTRACTS)
async def carry_out_changes(*, actor: Actor, begin: Begin, clock: Clock) -> CarriedOut:
    """Do everything whose day has come in the operator's zone. One that can no longer be done fails with its reason.

    Any number may run at once; each change is done by one. Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        today = day_in(await unit.operators.own(), clock.now())
    made = failed = 0
    for _ in range(CHANGES_MAX):
        outcome = await _next(today, actor, begin, clock)
        if outcome is None:
            break
        made += outcome
        failed += not outcome
    ended = await _ended(today, actor, begin, clock)
    return CarriedOut(made, failed, ended, await _lapsed(today, actor, begin))


async def rehearse_changes(unit: Unit, until: date, *, clock: Clock) -> None:
    """Do every change that is planned before a day, in a unit that will be undone: what a dry run looks at.

    What cannot be done fails here as it will then.
    """
    for _ in range(CHANGES_MAX):
        change = await unit.contract_changes.due(date.fromordinal(until.toordinal() - 1))
        if change is None:
            return
        try:
            async with unit.attempt():
                await carry_out(unit, change, await unit.contracts.claim(change.contract), clock.now())
        except Refusal as no:
            failed = replace(change, state=ChangeState.FAILED, done_at=clock.now(), fault=no.message)
            await unit.contract_changes.keep(failed, None)


async def _next(today: date, actor: Actor, begin: Begin, clock: Clock) -> bool | None:
    """Do the next change; tell whether it could be done, None where there was none."""
    claimed: ContractChangeId | None = None
    try:
        async with begin(actor) as unit:
            change = await unit.contract_changes.due(today)
            if change is None:
                return None
            claimed = change.id
            contract = await unit.contracts.claim(change.contract)
            await carry_out(unit, change, contract, clock.now())
            return True
    except Refusal as no:
        assert claimed is not None
        fault = no.message
    async with begin(actor) as unit:
        change = await unit.contract_changes.claim(claimed)
        if change.state is ChangeState.PLANNED:
            await unit.contract_changes.keep(
                replace(change, state=ChangeState.FAILED, done_at=clock.now(), fault=fault), None
            )
            detail = {"change": change.id, "kind": change.kind.value, "fault": fault, "customer": change.owner}
            await unit.audit.write("misplan_contract", f"contract:{change.contract}", detail)
    return False


async def _ended(today: date, actor: Actor, begin: Begin, clock: Clock) -> int:
    """End the contracts whose last day has passed."""
    count = 0
    while True:
        async with begin(actor) as unit:
            page = await unit.contracts.over(today, first=PER_UNIT)
            for one in page:
                assert one.end is not None
                kept = await unit.contracts.keep(one.closed())
                change = done(ChangeKind.END, kept, actor=actor, at=clock.now(), on=one.end, changed=("state",))
                await unit.contract_changes.add(change, kept)
                over = midnight(await unit.operators.own(), one.end)
                await end_subscriptions(unit, kept.id, at=over, now=clock.now(), reason="the contract ended")
                detail = {"version": kept.version, "changed": ["state"], "on": one.end.isoformat()}
                await unit.audit.write("end_contract", f"contract:{kept.id}", {**detail, "customer": kept.customer})
        count += len(page)
        if len(page) < PER_UNIT:
            return count


async def _lapsed(today: date, actor: Actor, begin: Begin) -> int:
    count = 0
    while True:
        async with begin(actor) as unit:
            page = await unit.quotes.lapsed(today, first=PER_UNIT)
            for one in page:
                kept = await unit.quotes.keep(replace(one, state=QuoteState.EXPIRED))
                detail = {"version": kept.version, "changed": ["state"], "customer": kept.customer}
                await unit.audit.write("expire_quote", f"quote:{kept.id}", detail)
        count += len(page)
        if len(page) < PER_UNIT:
            return count
