"""Dated changes of a contract: what they do to it, as one pure function for today, for days to come and for looking.

A change whose day has come is carried out; one of a later day is *planned* and carried out then. Looking ahead, and
billing ahead, apply the planned ones without keeping anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.lines import unpacked
from domain.contracts.service import Service
from domain.contracts.terms import Ending
from domain.ids import ContractChangeId, ContractId, CustomerId, OperatorId, ServiceId, SubscriptionId
from domain.operators import Address
from domain.refusal import BadValue, NotFound, WrongState


class ChangeKind(StrEnum):
    """What a change is."""

    CREATE = "create"
    CHANGE = "change"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"
    ADD_SERVICE = "add_service"
    END_SERVICE = "end_service"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    MOVE = "move"
    TAKEOVER = "takeover"
    CANCEL = "cancel"


class ChangeState(StrEnum):
    """Planned → done, cancelled, or failed with the reason."""

    PLANNED = "planned"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


STEPS: Mapping[ChangeKind, ContractState] = {
    ChangeKind.ACTIVATE: ContractState.ACTIVE,
    ChangeKind.SUSPEND: ContractState.SUSPENDED,
    ChangeKind.RESUME: ContractState.ACTIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """Names a service that a contract holds; start and subscription where it holds it several times."""

    service: ServiceId
    start: date | None = None
    subscription: SubscriptionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChange:
    """A change of a contract from the day ``effective`` on. ``id`` 0: not kept yet.

    ``gone`` is the service that goes and ``new`` the one that comes, of an upgrade both. ``site``: where it moves to.
    ``customer``: who takes it over, under ``number`` (None: drawn). ``version``: the contract's after it was recorded.
    ``end_before``: the end that notice has moved. ``changed``: fields, in the APIs' words. ``fault``: why it failed.
    """

    id: ContractChangeId
    operator: OperatorId
    owner: CustomerId
    contract: ContractId
    kind: ChangeKind
    effective: date
    state: ChangeState
    recorded_at: datetime
    client: str
    done_at: datetime | None = None
    version: int = 0
    changed: tuple[str, ...] = ()
    reason: str | None = None
    gone: HeldLine | None = None
    new: ContractService | None = None
    site: Address | None = None
    customer: CustomerId | None = None
    number: str | None = None
    ending: Ending | None = None
    end_before: date | None = None
    fault: str | None = None
    successor: ContractId | None = None


def applied(contract: Contract, change: ContractChange, services: Mapping[ServiceId, Service]) -> Contract:
    """Return the contract after a change. Who takes it over gets a contract of his own; here the old one ends.

    Refuses with: WrongState, BadValue, NotFound (the service that goes).
    """
    day = change.effective
    if contract.state is ContractState.ENDED and change.kind is not ChangeKind.END:
        raise WrongState("the contract has ended", field="contract")
    match change.kind:
        case ChangeKind.ACTIVATE | ChangeKind.SUSPEND | ChangeKind.RESUME:
            _within(contract, day)
            return contract.stepped(STEPS[change.kind], day)
        case ChangeKind.END:
            assert change.ending is not None
            return replace(contract.stepped(ContractState.ENDED, day), end=day, ending=change.ending)
        case ChangeKind.MOVE:
            _within(contract, day)
            return contract.agreed(replace(contract.terms, site=change.site), contract.price_list, day)
        case ChangeKind.TAKEOVER:
            _within(contract, day)
            if day <= contract.start:
                raise BadValue("a contract is taken over after its first day, {day}", day=contract.start, field="on")
            return replace(contract.stepped(ContractState.ENDED, day), end=day, ending=None)
        case ChangeKind.ADD_SERVICE | ChangeKind.END_SERVICE | ChangeKind.UPGRADE | ChangeKind.DOWNGRADE:
            _within(contract, day)
            return _exchanged(contract, change, services)
        case _:
            return contract


def projected(
    contract: Contract, planned: Iterable[ContractChange], services: Mapping[ServiceId, Service], until: date
) -> Contract:
    """Return the contract with what is planned before ``until``; what can no longer be done is left out."""
    for change in sorted(planned, key=lambda one: (one.effective, one.id)):
        if change.effective >= until:
            break
        try:
            contract = applied(contract, change, services)
        except (BadValue, WrongState, NotFound):
            continue
    return contract


def kind_of(
    gone: ContractService | None, new: ContractService | None, services: Mapping[ServiceId, Service]
) -> ChangeKind:
    """Tell what an exchange of services is: an upgrade costs as much per month or more, a downgrade less."""
    if gone is None:
        return ChangeKind.ADD_SERVICE
    if new is None:
        return ChangeKind.END_SERVICE
    return ChangeKind.UPGRADE if monthly(new, services) >= monthly(gone, services) else ChangeKind.DOWNGRADE


def monthly(line: ContractService, services: Mapping[ServiceId, Service]) -> Decimal:
    """Return what a line costs per month, before discounts."""
    service = services[line.service]
    fee = service.fees_on(line.start)[1] if line.periodic_fee is None else line.periodic_fee
    return fee * line.quantity / service.interval_months


def held(contract: Contract, wanted: HeldLine, day: date) -> ContractService:
    """Return the line that is named, held on a day. Refuses with: NotFound, BadValue (it is held several times)."""
    found = [
        line
        for line in contract.services
        if line.service == wanted.service
        and line.holds_on(day)
        and wanted.start in {None, line.start}
        and wanted.subscription in {None, line.subscription}
    ]
    if not found:
        raise NotFound("the contract does not hold this service on {day}", day=day, field="held.service")
    if len(found) > 1:
        raise BadValue("the contract holds it several times; give its start or subscription", field="held.service")
    if found[0].bundle is not None:
        raise BadValue("it belongs to a bundle; change that", field="held.service")
    return found[0]


def _exchanged(contract: Contract, change: ContractChange, services: Mapping[ServiceId, Service]) -> Contract:
    day, lines = change.effective, list(contract.services)
    gone = None
    if change.gone is not None:
        gone = held(contract, change.gone, day)
        lines.remove(gone)
        if gone.start < day:
            lines.append(replace(gone, end=day))
    price_list = contract.price_list
    if change.new is not None:
        new = replace(change.new, start=day)
        if gone is not None:
            new = replace(new, end=new.end or gone.end, subscription=new.subscription or gone.subscription)
        lines.append(new)
        replaced = services[gone.service].price_list if gone is not None else None
        if price_list in {None, replaced}:
            price_list = services[new.service].price_list or price_list
    order = sorted(lines, key=lambda line: (line.start, line.service, line.subscription or 0))
    changed = contract.agreed(contract.terms, price_list, day)
    return replace(changed, services=unpacked(order, services, contract.services))


def _within(contract: Contract, day: date) -> None:
    if contract.end is not None and day >= contract.end:
        raise WrongState("the contract ends on {day}", day=contract.end, field="on")
    if day < contract.start and contract.state is not ContractState.DRAFT:
        raise BadValue("the contract starts on {day}", day=contract.start, field="on")
