"""Contracts' changes and quotes in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain.contracts.changes import ChangeState, ContractChange
from domain.contracts.contract import Contract
from domain.ids import ContractChangeId, ContractId, CustomerId, OperatorId, QuoteId, ResellerId
from domain.ports.page import Page, PageRequest
from domain.quotes.quote import Quote, QuoteState
from domain.refusal import Conflict, NotFound, Stale
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists

FIRST_NUMBER = 1001


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change, whose it is to see, and the contract after it."""

    operator: OperatorId
    reseller: ResellerId | None
    change: ContractChange
    snapshot: Contract | None


class MemoryContractChanges:
    """Keeps ``domain.ports.contract_changes.ContractChanges``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _all(self) -> list[ContractChange]:
        return [row.change for row in self._draft.seen("contract_change")]

    def _planned(self) -> list[ContractChange]:
        found = [one for one in self._all() if one.state is ChangeState.PLANNED]
        return sorted(found, key=lambda one: (one.effective, one.id))

    async def add(self, change: ContractChange, snapshot: Contract | None) -> ContractChange:
        """Keep a new one, with the contract as it is after it where it is done."""
        kept = replace(change, id=ContractChangeId(self._draft.draw("contract_change")))
        owner = self._draft.table("customer")[change.owner]
        self._draft.table("contract_change")[kept.id] = ChangeRow(change.operator, owner.reseller, kept, snapshot)
        return kept

    async def keep(self, change: ContractChange, snapshot: Contract | None) -> None:
        """Write one whose state has changed."""
        rows = self._draft.table("contract_change")
        rows[change.id] = replace(rows[change.id], change=change, snapshot=snapshot or rows[change.id].snapshot)

    async def claim(self, key: ContractChangeId) -> ContractChange:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        for one in self._all():
            if one.id == key:
                return one
        raise NotFound("no change {key}", key=key, field="change")

    async def page(self, request: PageRequest, *, contract: ContractId) -> Page[ContractChange]:
        """List a contract's by key."""
        return page_of([one for one in self._all() if one.contract == contract], request, lambda one: one.id)

    async def planned(
        self, customers: Sequence[CustomerId], *, before: date
    ) -> Mapping[ContractId, Sequence[ContractChange]]:
        """Return what is planned before a day for contracts of the customers."""
        wanted, found = set(customers), dict[ContractId, list[ContractChange]]()
        for one in self._planned():
            if one.owner in wanted and one.effective < before:
                found.setdefault(one.contract, []).append(one)
        return found

    async def planned_of(self, contract: ContractId) -> Sequence[ContractChange]:
        """Return what is planned for a contract, by day."""
        return [one for one in self._planned() if one.contract == contract]

    async def due(self, day: date) -> ContractChange | None:
        """Return the first planned one whose day has come."""
        return next((one for one in self._planned() if one.effective <= day), None)

    async def known_at(self, contract: ContractId, at: datetime) -> Contract | None:
        """Return the contract as it had been recorded by an instant; None where nothing had."""
        found = [
            row
            for row in self._draft.seen("contract_change")
            if row.change.contract == contract
            and row.snapshot is not None
            and row.change.done_at is not None
            and row.change.done_at <= at
        ]
        return max(found, key=lambda row: (row.change.version, row.change.id)).snapshot if found else None


class MemoryQuotes:
    """Keeps ``domain.ports.contract_changes.Quotes``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def many(self, keys: Sequence[QuoteId]) -> Mapping[QuoteId, Quote]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("quote", lambda one: one.id in wanted)}

    async def by_number(self, number: str) -> Quote:
        """Return one. Refuses with: NotFound."""
        found: list[Quote] = self._draft.seen("quote", lambda one: one.number == number)
        if not found:
            raise NotFound("no quote {key}", key=number, field="quote")
        return found[0]

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Quote]:
        """List by key."""
        rows = self._draft.seen("quote", lambda one: customer in {None, one.customer})
        return page_of(rows, request, lambda one: one.id)

    async def add(self, quote: Quote) -> Quote:
        """Keep a new one. Refuses with: Conflict (number taken), NotFound (customer)."""
        self._check(quote)
        kept = replace(quote, id=QuoteId(self._draft.draw("quote")))
        self._draft.table("quote")[kept.id] = kept
        return kept

    async def claim(self, key: QuoteId) -> Quote:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        if key not in (found := await self.many([key])):
            raise NotFound("no quote {key}", key=key, field="quote")
        return found[key]

    async def keep(self, quote: Quote) -> Quote:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        stored = (await self.many([quote.id])).get(quote.id)
        if stored is None or stored.version != quote.version:
            raise Stale("quote {number} was changed by somebody else; read it again", number=quote.number,
                        field="version")  # fmt: skip
        self._check(quote)
        kept = replace(quote, version=quote.version + 1)
        self._draft.table("quote")[kept.id] = kept
        return kept

    async def lapsed(self, day: date, *, first: int) -> Sequence[Quote]:
        """Return sent quotes that were valid until before a day."""
        return self._draft.seen("quote", lambda one: one.state is QuoteState.SENT and one.valid_until < day)[:first]

    async def next_number(self) -> str:
        """Draw the next number of quotes."""
        taken = {
            one.number for one in self._draft.table("quote").values() if one.operator == self._draft.actor.operator
        }
        series, place = self._draft.table("series"), (self._draft.actor.operator, "quote")
        number = series.get(place, FIRST_NUMBER)
        while f"Q{number}" in taken:
            number += 1
        series[place] = number + 1
        return f"Q{number}"

    def _check(self, quote: Quote) -> None:
        for other in self._draft.table("quote").values():
            if other.operator == quote.operator and other.number == quote.number and other.id != quote.id:
                raise Conflict("the quote number {number} is taken", number=quote.number, field="number")
        if not exists(self._draft, "customer", quote.customer, quote.operator):
            raise NotFound("no customer {key}", key=quote.customer, field="customer")
