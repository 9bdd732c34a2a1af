"""Services, contracts, subscriptions and numbers in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import NoReturn

from domain.contracts.contract import Contract, ContractState
from domain.contracts.identifiers import IdentifierKind, address_of, prefix
from domain.contracts.service import Service
from domain.contracts.subscription import NumberAssignment, StateChange, Subscription
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists, next_number
from persistence.memory_numbers import follow


class MemoryServices:
    """Keeps ``domain.ports.contracts.Services``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Service]:
        rows = self._draft.table("service")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def many(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist."""
        wanted = set(keys)
        return {one.id: one for one in self._own() if one.id in wanted}

    async def related(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist, with the parts of bundles and what they need."""
        found = dict(await self.many(keys))
        more = {part.service for one in found.values() for part in one.parts}
        more |= {need for one in found.values() for need in one.needs}
        return found | dict(await self.many(sorted(more - set(found))))

    async def by_codes(self, codes: Sequence[str]) -> Mapping[str, Service]:
        """Return those that exist, by code."""
        return {one.code: one for one in self._own() if one.code in set(codes)}

    async def claim(self, key: ServiceId) -> Service:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        if key not in (found := await self.many([key])):
            raise NotFound("no service {key}", key=key, field="service")
        return found[key]

    async def keep(self, service: Service) -> Service:
        """Write a changed one where the stored version is its own. Refuses with: Stale, Conflict (code taken)."""
        stored = (await self.many([service.id])).get(service.id)
        if stored is None or stored.version != service.version:
            raise Stale(
                "service {code} was changed by somebody else; read it again", code=service.code, field="version"
            )
        if any(one.code == service.code and one.id != service.id for one in self._own()):
            raise Conflict("the service code {code} is taken", code=service.code, field="code")
        kept = replace(service, version=service.version + 1)
        self._draft.table("service")[kept.id] = kept
        return kept

    async def by_code(self, code: str) -> Service:
        """Return one. Refuses with: NotFound."""
        for one in self._own():
            if one.code == code:
                return one
        raise NotFound("no service {code}", code=code, field="code")

    async def page(self, request: PageRequest) -> Page[Service]:
        """List by key."""
        return page_of(self._own(), request, lambda one: one.id)

    async def add(self, service: Service) -> Service:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        if any(one.code == service.code for one in self._own()):
            raise Conflict("the service code {code} is taken", code=service.code, field="code")
        kept = replace(service, id=ServiceId(self._draft.draw("service")))
        self._draft.table("service")[kept.id] = kept
        return kept


class MemoryContracts:
    """Keeps ``domain.ports.contracts.Contracts``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def get(self, key: ContractId) -> Contract:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or _missing(key)

    async def by_number(self, number: str) -> Contract:
        """Return the one with this contract number. Refuses with: NotFound."""
        found: list[Contract] = self._draft.seen("contract", lambda one: one.number == number)
        return found[0] if found else _missing(number)

    async def many(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Contract]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("contract", lambda one: one.id in wanted)}

    async def of_customers(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Contract]]:
        """Return the contracts of each customer, by key."""
        rows: list[Contract] = self._draft.seen("contract")
        return {key: [one for one in rows if one.customer == key] for key in keys}

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Contract]:
        """List by key."""
        rows = self._draft.seen("contract", lambda one: customer is None or one.customer == customer)
        return page_of(rows, request, lambda one: one.id)

    async def add(self, contract: Contract) -> Contract:
        """Keep a new one with its services. Refuses with: Conflict (number taken), NotFound (customer, service)."""
        self._check(contract)
        kept = replace(contract, id=ContractId(self._draft.draw("contract")))
        self._draft.table("contract")[kept.id] = kept
        return kept

    async def claim(self, key: ContractId) -> Contract:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def keep(self, contract: Contract) -> Contract:
        """Write a changed one and its services where the stored version is its own. Refuses with: Stale."""
        stored = (await self.many([contract.id])).get(contract.id)
        if stored is None or stored.version != contract.version:
            raise Stale(
                "contract {number} was changed by somebody else; read it again", number=contract.number, field="version"
            )
        self._check(contract)
        kept = replace(contract, version=contract.version + 1)
        self._draft.table("contract")[kept.id] = kept
        return kept

    async def over(self, day: date, *, first: int) -> Sequence[Contract]:
        """Return contracts whose end has come by a day though they are not ended."""
        return self._draft.seen(
            "contract",
            lambda one: one.end is not None and one.end <= day and one.state is not ContractState.ENDED,
        )[:first]

    async def next_number(self) -> str:
        """Draw the next contract number of the operator's series."""
        return next_number(self._draft, "contract")

    def _check(self, contract: Contract) -> None:
        operator = contract.operator
        for other in self._draft.table("contract").values():
            if other.operator == operator and other.number == contract.number and other.id != contract.id:
                raise Conflict("contract number {number} is taken", number=contract.number, field="number")
        if not exists(self._draft, "customer", contract.customer, operator):
            raise NotFound("no customer {customer}", customer=contract.customer, field="customer")
        if not all(exists(self._draft, "service", line.service, operator) for line in contract.services):
            raise NotFound("a service of the contract does not exist", field="services")
        lines = self._draft.table("subscription")
        for line in contract.services:
            if line.subscription is not None and (
                line.subscription not in lines or lines[line.subscription].customer != contract.customer
            ):
                raise NotFound("a subscription of the contract does not exist", field="services")
        if not self._draft.sees(contract):
            raise NotFound("no such reseller, or not yours", field="reseller")


class MemorySubscriptions:
    """Keeps ``domain.ports.contracts.Subscriptions``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def many(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Subscription]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("subscription", lambda one: one.id in wanted)}

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[Subscription]]:
        """Return the subscriptions of each contract with their numbers, by key."""
        rows: list[Subscription] = self._draft.seen("subscription")
        return {key: [one for one in rows if one.contract == key] for key in keys}

    async def page(
        self,
        request: PageRequest,
        *,
        customer: CustomerId | None = None,
        contract: ContractId | None = None,
        number: str | None = None,
    ) -> Page[Subscription]:
        """List by key; ``number``: those that have or had it."""
        rows = self._draft.seen(
            "subscription",
            lambda one: (
                customer in {None, one.customer}
                and contract in {None, one.contract}
                and (number is None or any(each.number == number for each in one.numbers))
            ),
        )
        return page_of(rows, request, lambda one: one.id)

    async def owner_of(self, number: str, at: datetime) -> Subscription:
        """Return whose number it is at an instant. Refuses with: NotFound."""
        address = address_of(number)
        owners: list[Subscription] = self._draft.seen(
            "subscription",
            lambda one: one.holds(number, at) or (address is not None and _routes(one, address, at)),
        )
        if not owners:
            raise NotFound(
                "nobody has the number {number} at {isoformat}", number=number, isoformat=at.isoformat(), field="number"
            )
        return owners[0]

    async def add(self, subscription: Subscription) -> Subscription:
        """Keep a new one with its numbers. Refuses with: Overlap (a number is another's at that time), NotFound."""
        self._check(subscription)
        kept = replace(subscription, id=SubscriptionId(self._draft.draw("subscription")), numbers=_sorted(subscription))
        self._draft.table("subscription")[kept.id] = kept
        follow(self._draft, {one.number for one in kept.numbers})
        if kept.state_since is not None:
            self._record(kept, StateChange(state=kept.state, since=kept.state_since))
        return kept

    async def claim(self, key: SubscriptionId) -> Subscription:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        if key not in (found := await self.many([key])):
            raise NotFound("no subscription {key}", key=key, field="subscription")
        return found[key]

    async def keep(self, subscription: Subscription, change: StateChange | None = None) -> Subscription:
        """Write a changed one, its numbers and the line of its history. Refuses with: Stale, Overlap."""
        stored = (await self.many([subscription.id])).get(subscription.id)
        if stored is None or stored.version != subscription.version:
            raise Stale("the subscription was changed by somebody else; read it again", field="version")
        self._check(subscription)
        kept = replace(subscription, version=subscription.version + 1, numbers=_sorted(subscription))
        self._draft.table("subscription")[kept.id] = kept
        follow(self._draft, {one.number for one in {*stored.numbers} ^ {*kept.numbers}})
        if change is not None:
            self._record(kept, change)
        return kept

    async def holders(self, numbers: Sequence[str]) -> Mapping[str, Sequence[tuple[SubscriptionId, NumberAssignment]]]:
        """Return who has or had each number, by time, as far as the actor may see them."""
        seen: list[Subscription] = self._draft.seen("subscription")
        return {
            number: sorted(
                ((one.id, each) for one in seen for each in one.numbers if each.number == number),
                key=lambda pair: pair[1].valid_from,
            )
            for number in numbers
        }

    async def history(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Sequence[StateChange]]:
        """Return what was recorded of each one's states, in the order of recording."""
        seen = await self.many(keys)
        told = self._draft.table("subscription_state")
        return {key: [change for _, (of, change) in sorted(told.items()) if of == key and of in seen] for key in keys}

    def _record(self, subscription: Subscription, change: StateChange) -> None:
        recorded = replace(change, recorded_at=datetime.now(UTC), client=self._draft.actor.client)
        self._draft.table("subscription_state")[self._draft.draw("subscription_state")] = (subscription.id, recorded)

    def _check(self, subscription: Subscription) -> None:
        contract = self._draft.table("contract").get(subscription.contract)
        owner = (subscription.operator, subscription.customer)
        if contract is None or (contract.operator, contract.customer) != owner:
            raise NotFound("no such contract", field="contract")
        if not self._draft.sees(subscription):
            raise NotFound("no such reseller, or not yours", field="reseller")
        others = [
            number
            for other in self._draft.table("subscription").values()
            if other.operator == subscription.operator and other.id != subscription.id
            for number in other.numbers
        ]
        for index, number in enumerate(subscription.numbers):
            if any(_overlap(number, other) for other in (*others, *subscription.numbers[:index])):
                raise Overlap(
                    "a number belongs to another subscription, or twice to this one, at that time", field="numbers"
                )


def _sorted(subscription: Subscription) -> tuple[NumberAssignment, ...]:
    return tuple(sorted(subscription.numbers, key=lambda one: (one.valid_from, one.number)))


def _routes(subscription: Subscription, address: str, at: datetime) -> bool:
    there = ip_address(address)
    return any(
        one.kind is IdentifierKind.IP and there in prefix(one.number) and subscription.holds(one.number, at)
        for one in subscription.numbers
    )


def _same(one: NumberAssignment, other: NumberAssignment) -> bool:
    if one.kind is IdentifierKind.IP and other.kind is IdentifierKind.IP:
        mine, theirs = prefix(one.number), prefix(other.number)
        return mine.version == theirs.version and mine.overlaps(theirs)
    return one.number == other.number


def _overlap(one: NumberAssignment, other: NumberAssignment) -> bool:
    return (
        _same(one, other)
        and (other.valid_to is None or one.valid_from < other.valid_to)
        and (one.valid_to is None or other.valid_from < one.valid_to)
    )


def _missing(key: object) -> NoReturn:
    raise NotFound("no contract {key}", key=key, field="contract")
