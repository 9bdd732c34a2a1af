"""What giving notice of a contract would lead to, before it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.changes import ChangeKind, projected
from domain.contracts.ending import ended, notice
from domain.ids import ContractId, ServiceId, SubscriptionId
from domain.invoicing.fees import left_of_binding
from domain.invoicing.invoice import decimals_of
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.usecases.fit_contract import day_in, services_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewEnding:
    """Notice on a day (None: today), ending on another (None: as soon as that costs nothing)."""

    contract: ContractId
    noticed_on: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingFee:
    """What is left of the binding for one service of the contract."""

    service: ServiceId
    name: str
    subscription: SubscriptionId | None
    start: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingPreview:
    """When the contract can end at the earliest, from when on freely, and what ending on ``end`` costs without VAT."""

    contract: ContractId
    noticed_on: date
    earliest: date
    free_from: date
    bound_until: date | None
    end: date
    fees: tuple[RemainingFee, ...]
    total: Decimal
    currency: str


@operation(Action.READ_CONTRACTS)
async def preview_ending(cmd: PreviewEnding, *, actor: Actor, begin: Begin, clock: Clock) -> EndingPreview:
    """Tell what ending a contract leads to, with what is planned until then; nothing is changed.

    Refuses with: NotAllowed, NotFound, BadValue (before the notice is over).
    """
    async with begin(actor) as unit:
        contract = await unit.contracts.get(cmd.contract)
        operator = await unit.operators.own()
        # Whoever takes it over before then has what this one has.
        kinds = {ChangeKind.TAKEOVER, ChangeKind.END}
        planned = [one for one in await unit.contract_changes.planned_of(contract.id) if one.kind not in kinds]
        coming = [one.new.service for one in planned if one.new is not None]
        services = await services_of(unit, contract.services, *coming)
    on = cmd.noticed_on or day_in(operator, clock.now())
    told = notice(contract, on)
    closing = ended(contract, on, cmd.end)
    end = closing.end
    assert end is not None
    then = projected(contract, planned, services, end)
    closing = replace(closing, services=then.services)
    found = []
    for line in closing.services:
        service = services[line.service]
        amount = left_of_binding(closing, service, line, decimals=decimals_of(operator.currency))
        if amount:
            found.append(
                RemainingFee(
                    service=service.id,
                    name=service.name,
                    subscription=line.subscription,
                    start=line.start,
                    amount=amount,
                )
            )
    return EndingPreview(
        contract=contract.id,
        noticed_on=on,
        earliest=told.earliest,
        free_from=told.free_from,
        bound_until=told.bound_until,
        end=end,
        fees=tuple(found),
        total=sum((one.amount for one in found), Decimal(0)),
        currency=operator.currency,
    )
