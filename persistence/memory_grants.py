"""Grants, gifts and how balances moved, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from domain.buckets.grant import GiftRules, Given, Grant, GrantKind
from domain.ids import ContractId, CustomerId, GrantId, SubscriptionId
from domain.ports.grants import Crossing, Move
from domain.refusal import NotFound
from persistence.memory import Draft


class MemoryGrants:
    """Keeps ``domain.ports.grants.Grants``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _sees(self, customer: int) -> bool:
        row = self._draft.table("customer").get(customer)
        return row is not None and self._draft.sees(row)

    def _seen(self) -> list[Grant]:
        rows: list[Grant] = [one for _, one in sorted(self._draft.table("bucket_grant").items())]
        return [one for one in rows if self._sees(one.customer)]

    async def add(self, grant: Grant) -> Grant:
        """Keep a new one."""
        kept = replace(grant, id=GrantId(self._draft.draw("bucket_grant")))
        self._draft.table("bucket_grant")[kept.id] = kept
        return kept

    async def gift(self, key: GrantId) -> Sequence[Grant]:
        """Return a grant, and those of the same gift, by key."""
        return [one for one in self._seen() if key in {one.id, one.gift}]

    async def claim(self, key: GrantId) -> Grant:
        """Return one; the unit has everything to itself. Refuses with: NotFound."""
        for one in self._seen():
            if one.id == key:
                return one
        raise NotFound("no grant {key}", key=key, field="grant")

    async def keep(self, grant: Grant) -> Grant:
        """Write that one was withdrawn."""
        self._draft.table("bucket_grant")[grant.id] = grant
        return grant

    async def of(self, customer: CustomerId) -> Sequence[Grant]:
        """Return a customer's, by key."""
        return [one for one in self._seen() if one.customer == customer]

    async def give(self, given: Given) -> None:
        """Keep that something was given away; the giver's balance says so too (``Draws.put``)."""
        self._draft.table("bucket_given")[given.grant] = given

    def _given(self) -> list[Given]:
        rows: list[Given] = [one for _, one in sorted(self._draft.table("bucket_given").items())]
        return [one for one in rows if self._sees(one.customer)]

    async def given_by(self, giver: SubscriptionId, since: datetime) -> Sequence[Given]:
        """Return what a subscription gave since an instant."""
        return [one for one in self._given() if one.giver == giver and one.given_at >= since]

    async def given(self, customer: CustomerId) -> Sequence[Given]:
        """Return what a customer's subscriptions gave."""
        return [one for one in self._given() if one.customer == customer]

    async def received(self, customers: Sequence[CustomerId]) -> Sequence[GrantId]:
        """Return those of these customers' grants that are gifts."""
        return [one.id for one in self._seen() if one.customer in customers and one.kind is GrantKind.GIFT]

    async def rules(self) -> GiftRules | None:
        """Return the operator's rules; None: nobody gives."""
        found: GiftRules | None = self._draft.table("gift_rules").get(self._draft.actor.operator)
        return found

    async def put_rules(self, rules: GiftRules | None) -> None:
        """Put the operator's rules."""
        self._draft.table("gift_rules").pop(self._draft.actor.operator, None)
        if rules is not None:
            self._draft.table("gift_rules")[self._draft.actor.operator] = rules

    async def moves(self, customer: CustomerId, since: datetime, until: datetime, *, first: int) -> Sequence[Move]:
        """Return how balances moved in a time, the newest first."""
        rows = [
            one for key, one in sorted(self._draft.table("bucket_move").items(), reverse=True) if key[0] == customer
        ]
        found = [one for one in rows if since <= one.moved_at < until] if self._sees(customer) else []
        return sorted(found, key=lambda one: one.moved_at, reverse=True)[:first]

    async def crossings(
        self, customer: CustomerId, since: datetime, until: datetime, *, first: int
    ) -> Sequence[Crossing]:
        """Return the thresholds that were crossed in a time, the newest first."""
        kept = self._draft.table("bucket_crossing")
        rows = [one for key, one in sorted(kept.items(), reverse=True) if key[0] == customer]
        found = [one for one in rows if since <= one.crossed_at < until] if self._sees(customer) else []
        return sorted(found, key=lambda one: one.crossed_at, reverse=True)[:first]

    async def charges(
        self, contracts: Sequence[ContractId], since: date, until: date
    ) -> Mapping[ContractId, Sequence[Grant]]:
        """Return the grants with a price that are charged to each contract on days in ``[since, until)``, by day."""
        found: defaultdict[ContractId, list[Grant]] = defaultdict(list)
        rows = [one for one in self._seen() if one.price and one.withdrawn_at is None and one.day is not None]
        for one in sorted(rows, key=lambda one: (one.day, one.id)):
            if one.contract in contracts and one.contract is not None and one.day and since <= one.day < until:
                found[one.contract].append(one)
        return dict(found)
