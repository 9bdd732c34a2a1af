"""Limits, exposures and what is set aside, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from domain.contracts.subscription import Subscription, SubscriptionState
from domain.credit.account import Account
from domain.credit.kinds import KINDS, PRICED_ROWS, Home, Kind, country_code, is_abroad, is_premium
from domain.credit.limit import CreditLimit, CreditOverride
from domain.credit.reservation import Reservation
from domain.ids import CreditLimitId, CreditOverrideId, CreditReservationId, CustomerId, SubscriptionId
from domain.invoicing.disputes import DisputeState
from domain.ledger.entry import OWN
from domain.operators import Operator
from domain.ports.credit import CreditBar, CreditStanding, Watching
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft, page_of
from persistence.memory_catalogue import MemoryCatalogue
from persistence.memory_intake import MemoryIntake
from persistence.memory_invoices import marks_of, micro_of, usage_rows

Place = tuple[CustomerId, SubscriptionId | None]


class MemoryCredit:
    """Keeps ``domain.ports.credit.Credit``. A unit has everything for itself, so nothing is locked."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    @property
    def _kept(self) -> dict[Place, Account]:
        return self._draft.table("credit_account")

    def _customer_seen(self, key: CustomerId | None) -> bool:
        if key is None:
            return True
        row = self._draft.table("customer").get(key)
        return row is not None and self._draft.sees(row)

    def _mine(self, name: str) -> list[Any]:
        """Return the rows of a table that are the operator's, of customers that may be seen, by key."""
        rows = self._draft.table(name)
        own = [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]
        return [one for one in own if self._customer_seen(one.customer)]

    def _accounts(self) -> list[Account]:
        own = [one for one in self._kept.values() if one.operator == self._draft.actor.operator]
        found = [one for one in own if self._customer_seen(one.customer)]
        return sorted(found, key=lambda one: (one.customer, one.subscription or 0))

    async def _home(self) -> Home:
        operator: Operator = self._draft.table("operator")[self._draft.actor.operator]
        tariff = await MemoryCatalogue(self._draft).tariff()
        premium = {one.id for one in tariff.destinations.values() if is_premium(one.name, one.groups)}
        return Home(country_code(operator.country), frozenset(premium))

    async def watching(self) -> Watching | None:
        """Tell whether anybody is watched."""
        own = {one.customer for one in self._accounts()}
        return Watching(await self._home(), sorted(own)) if own else None

    async def move(self, sums: pl.DataFrame) -> Sequence[CustomerId]:
        """Add to what is unbilled; return of whom somebody must look."""
        looked: set[CustomerId] = set()
        for row in sums.iter_rows(named=True):
            place = (row["customer"], row["subscription"] or None)
            before = self._kept.get(place)
            if before is None or before.operator != self._draft.actor.operator:
                continue
            unbilled = {kind: before.unbilled.get(kind, 0) + row[kind.value] for kind in KINDS}
            self._kept[place] = after = replace(before, unbilled=unbilled)
            here = {kind: unbilled[kind] + after.reserved.get(kind, 0) for kind in KINDS}
            passed = any(here[kind] >= mark for kind, mark in after.marks.items())
            if passed or (after.told and row[Kind.ALL.value] < 0):
                looked.add(after.customer)
        return sorted(looked)

    async def live_of(self, subscriptions: Collection[int]) -> Sequence[Reservation]:
        """Return what is set aside for lines."""
        wanted = set(subscriptions)
        return [one for one in self._mine("credit_reservation") if one.live and one.subscription in wanted]

    async def fence(self) -> None:
        """Hold off nobody: nobody else is there."""

    async def open(self, customer: CustomerId, lines: Collection[SubscriptionId]) -> bool:
        """Begin to watch a customer and lines of his."""
        places: list[Place] = [(customer, None), *((customer, line) for line in lines)]
        new = [place for place in places if place not in self._kept]
        for of, line in new:
            self._kept[of, line] = Account(operator=self._draft.actor.operator, customer=of, subscription=line)
        return bool(new)

    async def missing(self, *, first: int) -> Mapping[CustomerId, Sequence[SubscriptionId]]:
        """Return customers whom a limit covers and who are not watched yet."""
        own: list[CreditLimit] = self._mine("credit_limit")
        found: dict[CustomerId, list[SubscriptionId]] = {}
        lines: list[Subscription] = self._draft.seen("subscription")
        for customer in self._draft.seen("customer"):
            if customer.merged_into is not None:
                continue
            groups = self._groups(customer.id, None)
            mine = [
                one
                for one in own
                if one.customer == customer.id or (one.customer is None and (one.group is None or one.group in groups))
            ]
            wanted = {one.subscription for one in mine if one.subscription is not None}
            if any(one.each_line for one in mine):
                wanted |= {
                    one.id for one in lines if one.customer == customer.id and one.state is not SubscriptionState.ENDED
                }
            lacking = sorted(line for line in wanted if (customer.id, line) not in self._kept)
            if mine and (lacking or (customer.id, None) not in self._kept):
                found[customer.id] = lacking
        return dict(list(found.items())[:first])

    async def watched(self, *, after: int, first: int) -> Sequence[CustomerId]:
        """Return customers who are watched, by key."""
        own = [one.customer for one in self._accounts() if one.subscription is None and one.customer > after]
        return own[:first]

    async def accounts(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return what is kept of those that are watched."""
        own = self._accounts()
        return {key: [one for one in own if one.customer == key] for key in customers}

    async def claim(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return the same."""
        return await self.accounts(customers)

    async def unbilled(self, customers: Sequence[CustomerId]) -> pl.DataFrame:
        """Return the usage of customers that no bill run has billed."""
        home, marks = await self._home(), marks_of(self._draft)
        tariff = await MemoryCatalogue(self._draft).tariff()
        names = {name: one.id for name, one in tariff.destinations.items()}
        rows, whose = [], self._with_doubles(customers)
        for row in usage_rows(self._draft):
            event = row.event
            if event.customer not in whose or any(mark.covers(event) for mark in marks):
                continue
            rows.append(
                (
                    whose[event.customer],
                    event.subscription,
                    is_abroad(event.b or "", home.code, outward=event.direction == "out"),
                    names.get(event.destination) in home.premium,
                    event.visited is not None,
                    event.mode == "data",
                    micro_of(event),
                    event.retail.rate,
                )
            )
        return pl.DataFrame(rows, schema=PRICED_ROWS, orient="row")

    def _with_doubles(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, CustomerId]:
        """Return for whom customers count: each for himself, and who was merged into one for that one."""
        rows = self._draft.seen("customer")
        return {one.id: one.merged_into for one in rows if one.merged_into in customers} | {
            key: key for key in customers
        }

    async def put_unbilled(self, customers: Sequence[CustomerId], sums: pl.DataFrame) -> None:
        """Write what is unbilled of watched customers."""
        for place, one in self._kept.items():
            if one.customer in customers:
                self._kept[place] = replace(one, unbilled={})
        await self.move(sums)

    async def keep(self, account: Account) -> None:
        """Write an account's marks and what was told."""
        place = (account.customer, account.subscription)
        self._kept[place] = replace(self._kept[place], marks=account.marks, told=account.told)

    async def owed(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what customers owe, less their credit and what they dispute."""
        found: dict[CustomerId, dict[str, int]] = {key: {} for key in customers}
        whose = self._with_doubles(customers)
        for posted in self._draft.table(f"ledger of {self._draft.actor.operator}").values():
            for posting in posted.entry.postings:
                if posted.entry.customer in whose and posting.account in OWN:
                    sums = found[whose[posted.entry.customer]]
                    sums[posting.currency] = sums.get(posting.currency, 0) + posting.amount_minor
        for one in self._draft.table("invoice_dispute").values():
            if one.customer in whose and one.state is DisputeState.OPEN:
                sums = found[whose[one.customer]]
                sums[one.currency] = sums.get(one.currency, 0) - one.amount_minor
        return found

    async def limits(self, customers: Sequence[CustomerId]) -> Sequence[CreditLimit]:
        """Return the limits of these customers, of groups and of the operator."""
        return [one for one in self._mine("credit_limit") if one.customer is None or one.customer in customers]

    async def limit(self, key: CreditLimitId) -> CreditLimit:
        """Return one. Refuses with: NotFound."""
        for one in self._mine("credit_limit"):
            if one.id == key:
                return one  # type: ignore[no-any-return]  # the table holds limits
        raise NotFound("no such limit", field="limit")

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[CreditLimit]:
        """List by key."""
        rows = [one for one in self._mine("credit_limit") if customer in {None, one.customer}]
        return page_of(rows, request, lambda one: one.id)

    async def put(self, limit: CreditLimit) -> CreditLimit:
        """Keep a new one or a changed one. Refuses with: Conflict."""
        subject = (limit.customer, limit.subscription, limit.group, limit.each_line, limit.kind)
        rows = self._draft.table("credit_limit")
        for one in rows.values():
            same = (one.customer, one.subscription, one.group, one.each_line, one.kind) == subject
            if same and one.operator == limit.operator and one.id != limit.id:
                raise Conflict("there is a limit of this kind already; change that one, or remove it", field="kind")
        told = replace(limit, warn_at=tuple(sorted(limit.warn_at)))
        if limit.id:
            kept = replace(told, version=limit.version + 1)
        else:
            kept = replace(told, id=CreditLimitId(self._draft.draw("credit_limit")))
        rows[kept.id] = kept
        return kept

    async def remove(self, limit: CreditLimit) -> None:
        """Forget one."""
        del self._draft.table("credit_limit")[limit.id]

    async def overrides(self, customers: Sequence[CustomerId]) -> Sequence[CreditOverride]:
        """Return what was set by hand and not ended, by key."""
        own = self._mine("credit_override")
        return [one for one in own if one.customer in customers and one.ended_at is None]

    async def override(self, key: CreditOverrideId) -> CreditOverride:
        """Return one. Refuses with: NotFound."""
        for one in self._mine("credit_override"):
            if one.id == key:
                return one  # type: ignore[no-any-return]  # the table holds overrides
        raise NotFound("no such override", field="override")

    async def put_override(self, one: CreditOverride) -> CreditOverride:
        """Keep a new one, or the end of one."""
        kept = one if one.id else replace(one, id=CreditOverrideId(self._draft.draw("credit_override")))
        self._draft.table("credit_override")[kept.id] = kept
        return kept

    async def groups(self, customer: CustomerId, at: datetime) -> frozenset[str]:
        """Return the groups that a customer is in."""
        return self._groups(customer, at)

    def _groups(self, customer: CustomerId, at: datetime | None) -> frozenset[str]:
        return frozenset(
            one.name
            for one in self._draft.table("customer_group").values()
            if one.customer == customer
            and (at is None or (one.valid_from <= at and (one.valid_to is None or one.valid_to > at)))
        )

    async def bars(self, customer: CustomerId) -> Sequence[CreditBar]:
        """Return those of a customer's lines."""
        rows = [one for one in self._draft.table("credit_bar").values() if one.customer == customer]
        return sorted(rows, key=lambda one: (one.subscription, one.bar))

    async def add_bar(self, one: CreditBar) -> None:
        """Keep one."""
        self._draft.table("credit_bar")[one.subscription, one.bar] = one

    async def drop_bar(self, one: CreditBar) -> None:
        """Forget one."""
        del self._draft.table("credit_bar")[one.subscription, one.bar]

    async def standing(
        self, subscription: SubscriptionId, *, at: datetime, lock: bool = False
    ) -> CreditStanding | None:
        """Return how a line stands; None: it is not there."""
        del lock
        line: Subscription | None = self._draft.table("subscription").get(subscription)
        if line is None or not self._draft.sees(line):
            return None
        operator: Operator = self._draft.table("operator")[self._draft.actor.operator]
        barrings = self._draft.table("subscription_barring").values()
        own = [one for one in self._accounts() if one.customer == line.customer]
        return CreditStanding(
            customer=line.customer,
            contract=line.contract,
            subscription=line.id,
            reseller=line.reseller,
            state=line.state,
            ended_at=line.ended_at,
            currency=operator.currency,
            home=Home(country_code(operator.country), frozenset()),
            accounts={one.subscription: one for one in own if one.subscription in {None, subscription}},
            limits=await self.limits([line.customer]),
            overrides=await self.overrides([line.customer]),
            groups=self._groups(line.customer, at),
            owed=(await self.owed([line.customer]))[line.customer],
            own_number=min((one.number for one in line.numbers if line.holds(one.number, at)), default=""),
            bars=frozenset(one.bar for one in barrings if one.subscription == subscription and one.until is None),
            live=[
                one
                for one in self._mine("credit_reservation")
                if one.live and one.customer == line.customer and (one.expires_at <= at or one.draws or one.reference)
            ],
            revision=await MemoryIntake(self._draft).revision(),
        )

    async def reservation(self, key: CreditReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        for one in self._draft.seen("credit_reservation"):
            if one.id == key:
                return one  # type: ignore[no-any-return]  # the table holds reservations
        raise NotFound("no such reservation", field="reservation")

    async def reservations(
        self, request: PageRequest, *, customer: CustomerId | None = None, live: bool = False
    ) -> Page[Reservation]:
        """List by key."""
        rows = [
            one
            for one in self._draft.seen("credit_reservation")
            if customer in {None, one.customer} and (one.live or not live)
        ]
        return page_of(rows, request, lambda one: one.id)

    async def due(self, at: datetime, *, first: int, customer: CustomerId | None = None) -> Sequence[Reservation]:
        """Return what is set aside and over its time."""
        rows = [
            one
            for one in self._mine("credit_reservation")
            if one.live and one.expires_at <= at and customer in {None, one.customer}
        ]
        return sorted(rows, key=lambda one: (one.customer, one.id))[:first]

    async def reserve(self, one: Reservation) -> Reservation:
        """Keep a new one, and set aside what it takes."""
        kept = replace(one, id=CreditReservationId(self._draft.draw("credit_reservation")))
        self._draft.table("credit_reservation")[kept.id] = kept
        self._aside(kept, 1)
        return kept

    async def change(self, before: Reservation, after: Reservation) -> Reservation:
        """Write a changed one, and set aside what it takes now."""
        kept = replace(after, version=before.version + 1)
        self._draft.table("credit_reservation")[kept.id] = kept
        self._aside(before, -1)
        self._aside(kept, 1)
        return kept

    def _aside(self, one: Reservation, sign: int) -> None:
        if not one.live:
            return
        for line in (None, one.subscription):
            account = self._kept.get((one.customer, line))
            if account is not None:
                more = dict.fromkeys(one.kinds, one.amount * sign)
                reserved = {kind: account.reserved.get(kind, 0) + more.get(kind, 0) for kind in KINDS}
                self._kept[one.customer, line] = replace(account, reserved=reserved)
