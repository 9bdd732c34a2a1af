"""Change a contract as it is agreed, from today on or back in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import Contract, ContractService, ContractState, check, check_step
from domain.contracts.terms import Discount, Terms
from domain.ids import ContractId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, Stale, WrongState
from domain.usecases.fit_contract import day_in, discounted, done, fitted, midnight
from domain.usecases.four_eyes import discounts_given
from domain.usecases.step_subscription import end_subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeContract:
    """A change of the fields that are given. ``version`` is the one the caller has read.

    ``services``, ``terms`` and ``discounts`` replace all that there is.
    """

    contract: ContractId
    version: int
    state: Change[ContractState] = UNCHANGED
    start: Change[date] = UNCHANGED
    end: Change[date | None] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED
    services: Change[tuple[ContractService, ...]] = UNCHANGED
    terms: Change[Terms] = UNCHANGED
    discounts: Change[tuple[Discount, ...]] = UNCHANGED


_FIELDS: Final = ("state", "start", "end", "price_list", "services", "terms", "discounts")


@operation(Action.WRITE_CONTRACTS)
async def change_contract(cmd: ChangeContract, *, actor: Actor, begin: Begin, clock: Clock) -> Contract:
    """Change what is given and leave the rest; nothing given, or nothing different, changes nothing.

    Services and dates are as if they had always been so; a state, terms and a price list hold from today on.
    Refuses with: NotAllowed, NotFound (contract, service, price list), Stale, BadValue (also services that cannot
    stand together), WrongState, Overlap (discounts on usage).
    """
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        contract = await unit.contracts.claim(cmd.contract)
        if contract.version != cmd.version:
            raise Stale(
                "the contract is at version {version}; read it again", version=contract.version, field="version"
            )
        changed = check(replace(contract, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(contract, name)]
        if not different:
            return contract
        check_step(contract.state, changed.state)
        if changed.state is ContractState.ENDED and changed.end is None:
            raise BadValue("an ended contract needs the date of its end", field="end")
        if "price_list" in different and changed.price_list is not None:
            await unit.catalogue.named(changed.price_list, field="priceList")
        at = clock.now()
        seller = await unit.operators.own()
        today = day_in(seller, at)
        dated = _dated(contract, changed, changes, today)
        if "services" in different:
            dated = await fitted(unit, dated, contract)
        await discounts_given(unit, actor, changed.discounts, contract.discounts, now=at)
        dated = await discounted(unit, dated, contract.discounts, at)
        kept = await unit.contracts.keep(dated)
        fields = [camel(name) for name in different]
        await unit.contract_changes.add(
            done(ChangeKind.CHANGE, kept, actor=actor, at=at, on=today, changed=fields), kept
        )
        if "state" in different and kept.state is ContractState.ENDED and kept.end is not None:
            over = midnight(seller, kept.end)
            await end_subscriptions(unit, kept.id, at=over, now=at, reason="the contract ended")
        detail = {"version": kept.version, "changed": fields, "state": kept.state.value, "customer": kept.customer}
        await unit.audit.write("change_contract", f"contract:{contract.id}", detail)
    return kept


def _dated(contract: Contract, changed: Contract, changes: dict[str, Any], today: date) -> Contract:
    """Return the changed contract with its states and terms by day. Refuses with: WrongState, BadValue."""
    found = replace(
        contract, **{name: changes[name] for name in changes if name not in {"state", "terms", "price_list"}}
    )
    if "end" in changes and changes["end"] != contract.end:
        found = replace(found, ending=None)
    if contract.state is not ContractState.DRAFT and (
        changed.terms.interval_months,
        changed.terms.anniversary,
        changed.terms.anchor,
    ) != (contract.terms.interval_months, contract.terms.anniversary, contract.terms.anchor):
        raise WrongState("how often a contract is billed is changed only in a draft", field="terms.intervalMonths")
    if (changed.terms, changed.price_list) != (contract.terms, contract.price_list):
        found = found.agreed(changed.terms, changed.price_list, today)
    if changed.state is contract.state:
        return found
    if contract.state is ContractState.DRAFT and changed.state is ContractState.ACTIVE:
        return replace(found, state=changed.state, phases=())
    if changed.state is ContractState.ENDED:
        assert found.end is not None
        return found.closed()
    return found.stepped(changed.state, max(today, found.start))
