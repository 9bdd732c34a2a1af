"""Number series, the stock of numbers and orders about them in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from domain.contracts.subscription import NumberAssignment, Subscription
from domain.ids import CustomerId, NumberOrderId, NumberReservationId, NumberSeriesId, ResellerId, SubscriptionId
from domain.numbers.ordering import NumberOrder, OrderKind, OrderState, OrderStep
from domain.numbers.series import NumberSeries
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.numbers.stock import follow as followed
from domain.ports.numbers import NumberFilter
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists

_CLOSED = {OrderState.DONE, OrderState.LOST, OrderState.CEASED, OrderState.REJECTED, OrderState.CANCELLED}


def follow(draft: Draft, numbers: Iterable[str]) -> None:
    """Let the stock follow the assignments of numbers, as ``number_follow`` does in PostgreSQL."""
    operator = draft.actor.operator
    for number in numbers:
        key = (operator, number)
        one: StockNumber | None = draft.table("number_stock").get(key)
        if one is None:
            continue
        subscriptions: Iterable[Subscription] = draft.table("subscription").values()
        held: list[NumberAssignment] = [
            each for row in subscriptions if row.operator == operator for each in row.numbers if each.number == number
        ]
        last = max(held, key=lambda each: each.valid_from, default=None)
        begins, ends = (None, None) if last is None else (last.valid_from, last.valid_to)
        draft.table("number_stock")[key] = followed(one, begins, ends, held=last is not None)


class MemoryNumbers:
    """Keeps ``domain.ports.numbers.Numbers``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    async def add_series(self, series: NumberSeries) -> NumberSeries:
        """Keep a new one and fill the stock. Refuses with: Conflict (name taken), Overlap, NotFound (reseller)."""
        if not self._draft.sees(series) or (
            series.reseller is not None and not exists(self._draft, "reseller", series.reseller, self._operator)
        ):
            raise NotFound("no such reseller, or not yours", field="reseller")
        self._check_name(series)
        stock = self._draft.table("number_stock")
        numbers = [str(digits) for digits in range(int(series.first_number), int(series.last_number) + 1)]
        if any((self._operator, number) in stock for number in numbers):
            raise Overlap("a number of the series is in the stock already", field="firstNumber")
        kept = replace(series, id=NumberSeriesId(self._draft.draw("number_series")))
        self._draft.table("number_series")[kept.id] = kept
        for number in numbers:
            stock[self._operator, number] = StockNumber(
                operator=self._operator,
                number=number,
                kind=kept.kind,
                series=kept.id,
                reseller=kept.reseller,
                quarantine_days=kept.quarantine_days,
            )
        follow(self._draft, numbers)
        return kept

    def _check_name(self, series: NumberSeries) -> None:
        for other in self._draft.table("number_series").values():
            if (other.operator, other.name) == (self._operator, series.name) and other.id != series.id:
                raise Conflict("the name {name} is taken", name=series.name, field="name")

    async def series(self, keys: Sequence[NumberSeriesId]) -> Mapping[NumberSeriesId, NumberSeries]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("number_series", lambda one: one.id in wanted)}

    async def series_page(self, request: PageRequest) -> Page[NumberSeries]:
        """List by key."""
        return page_of(self._draft.seen("number_series"), request, lambda one: one.id)

    async def claim_series(self, key: NumberSeriesId) -> NumberSeries:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        if key not in (found := await self.series([key])):
            raise NotFound("no number series {key}", key=key, field="series")
        return found[key]

    async def keep_series(self, series: NumberSeries) -> NumberSeries:
        """Write a changed one, and its numbers' time of rest from here on. Refuses with: Stale, Conflict (name)."""
        stored = (await self.series([series.id])).get(series.id)
        if stored is None or stored.version != series.version:
            raise Stale("the series was changed by somebody else; read it again", field="version")
        self._check_name(series)
        kept = replace(series, version=series.version + 1)
        self._draft.table("number_series")[kept.id] = kept
        stock = self._draft.table("number_stock")
        for key, one in stock.items():
            if one.series == kept.id:
                stock[key] = replace(one, quarantine_days=kept.quarantine_days)
        return kept

    async def counts(self, series: NumberSeriesId, now: datetime) -> Mapping[NumberStatus, int]:
        """Return how many numbers of a series have which status."""
        return Counter(one.status_at(now) for one in self._draft.seen("number_stock", lambda one: one.series == series))

    async def find(self, wanted: NumberFilter, request: PageRequest, now: datetime) -> Page[StockNumber]:
        """List numbers of the stock by their digits; the request's ``after`` is a number."""
        after = "" if request.after is None else str(request.after)
        rows = [one for one in self._wanted(wanted, now) if one.number > after]
        return Page.of(rows[: request.first + 1], request)

    def _wanted(self, wanted: NumberFilter, now: datetime) -> list[StockNumber]:
        def fits(one: StockNumber) -> bool:
            return (
                wanted.status in {None, one.status_at(now)}
                and wanted.kind in {None, one.kind}
                and wanted.series in {None, one.series}
                and wanted.number_class in {None, one.number_class}
                and one.number.startswith(wanted.prefix or "")
                and one.number.endswith(wanted.suffix or "")
                and (wanted.contains or "") in one.number
                and wanted.given in {None, one.reseller is not None}
                and (wanted.of_resellers is None or one.reseller in wanted.of_resellers)
            )

        return self._draft.seen("number_stock", fits)

    async def many(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock and may be seen."""
        return {key: one for key, one in (await self.standing(numbers)).items() if self._draft.sees(one)}

    async def standing(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock, whoever sees them."""
        stock = self._draft.table("number_stock")
        keys = [(self._operator, number) for number in numbers]
        return {key[1]: stock[key] for key in keys if key in stock}

    async def claim(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that may be seen; the unit has everything locked."""
        return await self.many(sorted(numbers))

    async def claim_free(self, wanted: NumberFilter, count: int, now: datetime) -> Sequence[StockNumber]:
        """Return free numbers, by their digits; fewer where there are no more."""
        return self._wanted(replace(wanted, status=NumberStatus.FREE), now)[:count]

    async def give(self, first: str, last: str, reseller: ResellerId | None, now: datetime) -> tuple[int, int]:
        """Give the free numbers from first to last that may be seen; return how many, and how many are not free."""
        there: list[StockNumber] = self._draft.seen(
            "number_stock", lambda one: len(one.number) == len(first) and first <= one.number <= last
        )
        free = [one for one in there if one.status_at(now) is NumberStatus.FREE]
        await self.keep([replace(one, reseller=reseller) for one in free])
        return len(free), len(there) - len(free)

    async def keep(self, numbers: Sequence[StockNumber]) -> Sequence[StockNumber]:
        """Write changed ones, or new ones that were ported in (version 0)."""
        kept = [replace(one, version=one.version + 1) for one in numbers]
        for one in kept:
            if not self._draft.sees(one):
                raise NotFound("no such reseller, or not yours", field="reseller")
            self._draft.table("number_stock")[self._operator, one.number] = one
        return kept

    async def add_reservation(self, reservation: Reservation) -> Reservation:
        """Keep a new one. Refuses with: NotFound (customer)."""
        customer = reservation.customer
        if customer is not None and not exists(self._draft, "customer", customer, self._operator):
            raise NotFound("no such customer", field="customer")
        kept = replace(reservation, id=NumberReservationId(self._draft.draw("number_reservation")))
        self._draft.table("number_reservation")[kept.id] = kept
        return kept

    async def reservation(self, key: NumberReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        found: list[Reservation] = self._draft.seen("number_reservation", lambda one: one.id == key)
        if not found:
            raise NotFound("no reservation {key}", key=key, field="reservation")
        return found[0]


class MemoryNumberOrders:
    """Keeps ``domain.ports.numbers.NumberOrders``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Keep a new one with its first step. Refuses with: Conflict (one is open for the number)."""
        if not self._draft.sees(order):
            raise NotFound("no such reseller, or not yours", field="reseller")
        if not exists(self._draft, "subscription", order.subscription, order.operator):
            raise NotFound("no such subscription", field="subscription")
        chosen = order.kind is OrderKind.PRESELECTION
        for other in self._draft.table("number_order").values():
            same = (other.operator, other.number) == (order.operator, order.number)
            if same and (other.kind is OrderKind.PRESELECTION) is chosen and other.state not in _CLOSED:
                raise Conflict("an order for {number} is open", number=order.number, field="number")
        kept = replace(order, id=NumberOrderId(self._draft.draw("number_order")))
        self._draft.table("number_order")[kept.id] = kept
        self._record(kept, step)
        return kept

    def _record(self, order: NumberOrder, step: OrderStep) -> None:
        recorded = replace(step, recorded_at=datetime.now(UTC), client=self._draft.actor.client)
        self._draft.table("number_order_step")[self._draft.draw("number_order_step")] = (order.id, recorded)

    async def many(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, NumberOrder]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("number_order", lambda one: one.id in wanted)}

    async def page(
        self,
        request: PageRequest,
        *,
        kinds: Sequence[OrderKind],
        number: str | None = None,
        state: str | None = None,
        subscription: SubscriptionId | None = None,
        customer: CustomerId | None = None,
    ) -> Page[NumberOrder]:
        """List by key."""
        rows = self._draft.seen(
            "number_order",
            lambda one: (
                one.kind in kinds
                and number in {None, one.number}
                and state in {None, one.state.value}
                and subscription in {None, one.subscription}
                and customer in {None, one.customer}
            ),
        )
        return page_of(rows, request, lambda one: one.id)

    async def claim(self, key: NumberOrderId) -> NumberOrder:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        if key not in (found := await self.many([key])):
            raise NotFound("no order {key}", key=key, field="order")
        return found[key]

    async def keep(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Write a changed one with its step. Refuses with: Stale."""
        stored = (await self.many([order.id])).get(order.id)
        if stored is None or stored.version != order.version:
            raise Stale("the order was changed by somebody else; read it again", field="version")
        kept = replace(order, version=order.version + 1)
        self._draft.table("number_order")[kept.id] = kept
        self._record(kept, step)
        return kept

    async def steps(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, Sequence[OrderStep]]:
        """Return what happened to each, in the order of recording."""
        seen = await self.many(keys)
        told = self._draft.table("number_order_step")
        return {key: [step for _, (of, step) in sorted(told.items()) if of == key and of in seen] for key in keys}
