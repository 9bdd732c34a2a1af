"""Give a contract prices of its own that deviate from the list it is rated by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.catalogue.proposing import check_in_place, check_rates
from domain.catalogue.tariff import Rate
from domain.commands import answered, check_texts, remember
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import Contract, ContractState
from domain.ids import ContractId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale, WrongState
from domain.usecases.fit_contract import day_in, done, listed, own_list
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceContract:
    """Rates, or adjustments of those of the list, that hold for one contract from ``valid_from`` on."""

    contract: ContractId
    version: int
    rates: tuple[Rate, ...]
    valid_from: datetime
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS, Action.WRITE_PRICES)
@four_eyes(ApprovalKind.PRICES)
async def price_contract(cmd: PriceContract, *, actor: Actor, begin: Begin, clock: Clock) -> Contract:
    """Put the rates into the contract's own price list, which inherits the one it had; rating takes them from there.

    Refuses with: NotAllowed (it needs prices:write, too), NotFound (contract), Stale, WrongState (it has ended),
    BadValue (also a destination, band or zone that does not exist, two rates that are equal, or no list they could
    deviate from), Conflict (idempotency key).
    """
    check_texts(cmd)
    start = utc(cmd.valid_from, field="validFrom")
    if not cmd.rates:
        raise BadValue("say at least one rate", field="rates")
    rates = tuple(replace(rate, valid_from=start, id=0, recorded_at=None) for rate in cmd.rates)
    check_rates(rates)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.contracts.get(ContractId(known))
        contract = await unit.contracts.claim(cmd.contract)
        if contract.version != cmd.version:
            raise Stale(
                "the contract is at version {version}; read it again", version=contract.version, field="version"
            )
        if contract.state is ContractState.ENDED:
            raise WrongState("the contract has ended", field="contract")
        at = clock.now()
        await agreed(unit, actor, ApprovalKind.PRICES, cmd, now=at)
        priced = await _put(unit, contract, rates, start, at)
        kept = await unit.contracts.keep(priced)
        on = day_in(await unit.operators.own(), at)
        change = done(ChangeKind.CHANGE, kept, actor=actor, at=at, on=on, changed=["priceList"])
        await unit.contract_changes.add(change, kept)
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": kept.version, "changed": ["priceList"], "customer": kept.customer}
        more = {"rates": len(rates), "valid_from": start.isoformat()}
        await unit.audit.write("change_contract", f"contract:{kept.id}", {**detail, **more})
    return kept


async def _put(unit: Unit, contract: Contract, rates: Sequence[Rate], start: datetime, at: datetime) -> Contract:
    name = own_list(contract)
    await unit.catalogue.hold()
    if contract.price_list != name:
        contract = await listed(unit, contract, name, at)
    outline = await unit.catalogue.outline()
    check_in_place(outline, replace(outline.price_lists[name], rates=tuple(rates)))
    await unit.catalogue.put_rates(name, rates, valid_from=start, recorded_at=at)
    return contract
