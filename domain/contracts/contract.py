"""A contract, its services and its states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.contracts.service import check_fee
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, ServiceId
from domain.refusal import BadValue, WrongState

SERVICES_MAX = 500


class ContractState(StrEnum):
    """Draft → active ⇄ suspended → ended."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


NEXT_STATES: dict[ContractState, frozenset[ContractState]] = {
    ContractState.DRAFT: frozenset({ContractState.ACTIVE, ContractState.ENDED}),
    ContractState.ACTIVE: frozenset({ContractState.SUSPENDED, ContractState.ENDED}),
    ContractState.SUSPENDED: frozenset({ContractState.ACTIVE, ContractState.ENDED}),
    ContractState.ENDED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractService:
    """A service on a contract, ``[start, end)``. A fee of None is the service's own."""

    service: ServiceId
    start: date
    end: date | None = None
    quantity: int = 1
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract, ``[start, end)``. ``price_list`` names the retail list of its usage; None: the customer's default."""

    id: ContractId
    operator: OperatorId
    customer: CustomerId
    number: str
    start: date
    end: date | None = None
    state: ContractState = ContractState.DRAFT
    price_list: str | None = None
    reseller: ResellerId | None = None
    services: tuple[ContractService, ...] = ()
    version: int = 1


def check(contract: Contract) -> Contract:
    """Return the contract. Refuses with: BadValue, naming the field."""
    if not contract.number.strip() or len(contract.number) > 40:
        raise BadValue("a contract number has 1 to 40 characters", field="number")
    if contract.end is not None and contract.end <= contract.start:
        raise BadValue("a contract must end after it starts", field="end")
    if len(contract.services) > SERVICES_MAX:
        raise BadValue(f"a contract holds at most {SERVICES_MAX} services", field="services")
    for index, line in enumerate(contract.services):
        if line.quantity < 1 or line.quantity > 1_000_000:
            raise BadValue("a quantity is 1 to 1000000", field=f"services.{index}.quantity")
        if line.end is not None and line.end <= line.start:
            raise BadValue("a service must end after it starts", field=f"services.{index}.end")
        for field, fee in (("oneTimeFee", line.one_time_fee), ("periodicFee", line.periodic_fee)):
            if fee is not None:
                check_fee(fee, field=f"services.{index}.{field}")
    return contract


def check_step(before: ContractState, after: ContractState) -> None:
    """Check a change of state. Refuses with: WrongState, naming what is possible."""
    if before is not after and after not in NEXT_STATES[before]:
        possible = ", ".join(sorted(NEXT_STATES[before])) or "nothing more"
        raise WrongState(f"a contract that is {before} cannot become {after}; possible: {possible}", field="state")
