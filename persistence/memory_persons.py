"""What is done to a whole person, in memory: merging doubles, telling everything, erasing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from domain.contracts.contract import ContractState
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.operators import Address
from domain.payments.mandate import MandateState
from domain.ports.persons import Open, Retention, Trail
from persistence.basis_fees import given_until
from persistence.memory import Draft
from persistence.memory_merging import forget_written, hand_over_credit
from persistence.memory_provisioning import forget_orders
from persistence.merging import STAYS

RETENTION: Final = {
    "SE": Retention(years=7, source="Bokföringslagen (1999:1078) 7 kap. 2 §"),
    "**": Retention(years=10, source="no rule of the country is recorded: the longest that is usual"),
}
# Nobody else moves these here: what stays, what a whole customer is, and what has rules of its own.
_HELD: Final = STAYS | {
    "customer", "customer_group", "usage_past", "audit", "credit_limit", "credit_account", "bill_carried",
}  # fmt: skip
_VERSIONED: Final = frozenset({"contract", "charge", "mandate", "credit_reservation"})


class MemoryPersons:
    """Keeps ``domain.ports.persons.Persons``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _mine(self, table: str, customer: CustomerId) -> dict[Any, Any]:
        return {key: row for key, row in self._draft.table(table).items() if row.customer == customer}

    async def hand_over(self, double: CustomerId, survivor: CustomerId, *, at: datetime) -> Mapping[str, int]:
        """Give a customer's contracts, lines, numbers, buckets and groups to another."""
        lines = self._mine("subscription", double).values()
        contracts = self._mine("contract", double)
        numbers = sum(each.valid_to is None or each.valid_to > at for one in lines for each in one.numbers)
        for table in set(self._draft.state.tables) - _HELD:
            for key, row in list(self._draft.table(table).items()):
                if is_dataclass(row) and getattr(row, "customer", None) == double:
                    kept: Any = row
                    raised = {"version": kept.version + 1} if table in _VERSIONED else {}
                    del self._draft.table(table)[key]
                    self._draft.table(table)[_rekeyed(key, double, survivor)] = replace(
                        kept, customer=survivor, **raised
                    )
        changes = self._draft.table("contract_change")
        for key, change in list(changes.items()):
            if change.change.owner == double:
                changes[key] = replace(change, change=replace(change.change, owner=survivor))
        hand_over_credit(self._draft, double, survivor)
        carried = self._draft.table("bill_carried")
        if (left := carried.pop(double, None)) is not None:
            there = carried.get(survivor, left)
            carried[survivor] = replace(there, customer=survivor, since=min(there.since, left.since))
        groups = 0
        members = self._draft.table("customer_group")
        for one in list(self._mine("customer_group", double).values()):
            going = one.valid_to is None or one.valid_to > at
            held = any(other.name == one.name for other in self._mine("customer_group", survivor).values())
            if going and not held:
                new = replace(one, customer=survivor, valid_from=max(one.valid_from, at))
                members[new.operator, new.customer, new.name, new.valid_from] = new
                groups += 1
        return {"contracts": len(contracts), "subscriptions": len(lines), "numbers": numbers, "groups": groups}

    async def doubles(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[CustomerId]]:
        """Return which customers were merged into each, also over several steps."""
        rows: list[Customer] = self._draft.seen("customer")
        found: dict[CustomerId, list[CustomerId]] = {}
        for key in keys:
            merged: set[CustomerId] = set()
            while more := {one.id for one in rows if one.merged_into in {key, *merged}} - merged:
                merged |= more
            found[key] = sorted(merged)
        return found

    async def trail(self, targets: Sequence[str]) -> AsyncIterator[Sequence[Trail]]:
        """Yield the lines of audit about things in one block."""
        rows = [
            Trail(at=None, client=one.actor.client, action=one.action, target=one.target, detail=one.detail)
            for one in self._draft.table("audit").values()
            if one.operator == self._draft.actor.operator and one.target in set(targets)
        ]
        if rows:
            yield rows

    async def usage(self, customer: CustomerId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Yield a customer's rated events in one block, by time."""
        rows = [row.event for row in self._draft.table("usage").values() if row.event.customer == customer]
        if rows:
            yield [
                {
                    "start": one.start,
                    **{name: getattr(one, name) for name in ("mode", "direction", "a", "b", "visited")},
                    **{name: getattr(one, name) for name in ("destination", "used", "billed", "version")},
                    "charge": format(one.retail.amount.value, "f"),
                }
                for one in sorted(rows, key=lambda each: each.start)
            ]

    async def payments(self, customer: CustomerId) -> Sequence[Mapping[str, object]]:
        """Return the payments that were booked for a customer."""
        return [
            {"id": one.id, "booked_on": one.booked_on, "amount_minor": one.amount_minor, "currency": one.currency}
            for one in self._draft.table("payment").values()
            if one.customer == customer
        ]

    async def still_open(self, customer: CustomerId, *, at: datetime) -> Open:
        """Return what is not finished."""
        lines = self._mine("subscription", customer).values()
        held = [each for one in lines for each in one.numbers if each.valid_to is None or each.valid_to > at]
        running = {ContractState.ACTIVE, ContractState.SUSPENDED}
        contracts = [one for one in self._mine("contract", customer).values() if one.state in running]
        marks = [one for one in self._draft.table("billed_through").values() if one.customer == customer]
        given = given_until(self._draft, customer)
        unbilled = any(
            row.event.chunk > given and not any(mark.reaches(row.event) for mark in marks)
            for row in self._draft.table("usage").values()
            if row.event.customer == customer and row.event.retail.amount.value
        )
        return Open(contracts=len(contracts), numbers=len(held), unbilled_events=unbilled)

    async def retention(self, country: str, on: date) -> Retention:
        """Return the rule of a country on a day; the same on every day here."""
        del on
        return RETENTION.get(country, RETENTION["**"])

    async def erase(self, customer: CustomerId, *, name: str, at: datetime) -> Mapping[str, int]:
        """Anonymise a person in place and return how many rows of each kind were changed."""
        draft = self._draft
        events = 0
        for key, row in list(draft.table("usage").items()):
            if row.event.customer == customer:
                out = row.event.direction == "out"
                sides = {"a": "", "b": row.event.b[:-4]} if out else {"a": row.event.a[:-4], "b": ""}
                draft.table("usage")[key] = replace(row, event=replace(row.event, **sides, visited=None, trunk=None))
                events += 1
        notes = [key for key, one in draft.table("customer_note").items() if one.customer == customer]
        for key in notes:
            del draft.table("customer_note")[key]
        for key in self._mine("customer_group", customer):
            del draft.table("customer_group")[key]
        numbers = 0
        for key, line in self._mine("subscription", customer).items():
            numbers += len(line.numbers)
            draft.table("subscription")[key] = replace(line, label="", numbers=(), fields=())
        for key, one in self._mine("contract", customer).items():
            draft.table("contract")[key] = replace(one, fields=())
        forget_orders(draft, customer)
        forget_written(draft, customer)
        _forget_paying(draft, customer, name, at)
        person = draft.table("customer")[customer]
        draft.table("customer")[customer] = Customer(
            id=person.id,
            operator=person.operator,
            number=person.number,
            kind=person.kind,
            name=name,
            address=Address("", "", "", person.address.country),
            parent=person.parent,
            through_parent=person.through_parent,
            billed_through=person.billed_through,
            reseller=person.reseller,
            language=person.language,
            price_list=person.price_list,
            version=person.version + 1,
            erased_at=at,
            closed_at=person.closed_at or at,
        )
        return {"events": events, "notes": len(notes), "numbers": numbers}


def _forget_paying(draft: Draft, customer: CustomerId, name: str, at: datetime) -> None:
    """Empty what mandates, agencies and reasons say of a person who is erased."""

    def each(table: str, change: Callable[[Any], dict[str, Any]]) -> None:
        rows = draft.table(table)
        for key, row in list(rows.items()):
            if row.customer == customer:
                version = {"version": row.version + 1} if hasattr(row, "version") else {}
                rows[key] = replace(row, **{**version, **change(row)})

    nobody = {"account": "", "identity": "", "bic": "", "payer_number": "", "signature": None, "reason": "erased"}
    each(
        "mandate",
        lambda row: {
            **nobody,
            "state": row.state if row.state is MandateState.REFUSED else MandateState.CANCELLED,
            "ended_on": row.ended_on or at.date(),
        },
    )
    each(
        "collection_message",
        lambda row: {"content": {**row.content, "debtor": {"name": name}} if "debtor" in row.content else row.content},
    )
    each("collection_hold", lambda _: {"reason": ""})
    each("invoice_dispute", lambda _: {"reason": "", "decision": ""})
    each("credit_override", lambda _: {"reason": ""})
    each("credit_reservation", lambda row: {"number": row.number[:-4], "reference": "", "version": row.version})


def _rekeyed(key: Any, double: CustomerId, survivor: CustomerId) -> Any:
    """Return a key of several parts with the customer changed; what is one number is a key of its own."""
    return tuple(survivor if part == double else part for part in key) if isinstance(key, tuple) else key
