"""Stores of number series, the stock of numbers, and orders about numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import CustomerId, NumberOrderId, NumberReservationId, NumberSeriesId, ResellerId, SubscriptionId
from domain.numbers.ordering import NumberOrder, OrderKind, OrderStep
from domain.numbers.series import NumberKind, NumberSeries
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.ports.page import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFilter:
    """Which numbers of the stock are wanted; ``prefix`` begins, ``suffix`` ends, ``contains`` is within the E.164 form.

    ``of_resellers``: those given to these alone; None: any that may be seen. ``given``: whether given to a reseller.
    """

    status: NumberStatus | None = None
    kind: NumberKind | None = None
    series: NumberSeriesId | None = None
    prefix: str | None = None
    suffix: str | None = None
    contains: str | None = None
    number_class: str | None = None
    of_resellers: tuple[ResellerId, ...] | None = None
    given: bool | None = None


class Numbers(Protocol):
    """The operator's series and his stock of numbers, as far as the actor may see them."""

    async def add_series(self, series: NumberSeries) -> NumberSeries:
        """Keep a new one and fill the stock. Refuses with: Conflict (name taken), Overlap (it is in the stock)."""
        ...

    async def series(self, keys: Sequence[NumberSeriesId]) -> Mapping[NumberSeriesId, NumberSeries]:
        """Return those that exist and may be seen."""
        ...

    async def series_page(self, request: PageRequest) -> Page[NumberSeries]:
        """List by key."""
        ...

    async def claim_series(self, key: NumberSeriesId) -> NumberSeries:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep_series(self, series: NumberSeries) -> NumberSeries:
        """Write a changed one, and its numbers' time of rest from here on. Refuses with: Stale, Conflict (name)."""
        ...

    async def counts(self, series: NumberSeriesId, now: datetime) -> Mapping[NumberStatus, int]:
        """Return how many numbers of a series have which status."""
        ...

    async def find(self, wanted: NumberFilter, request: PageRequest, now: datetime) -> Page[StockNumber]:
        """List numbers of the stock by their digits; the request's ``after`` is a number."""
        ...

    async def many(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock and may be seen."""
        ...

    async def standing(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock, whoever sees them: what is told of them is the caller's to guard."""
        ...

    async def claim(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that may be seen, locked until the unit ends, in the order of their digits."""
        ...

    async def claim_free(self, wanted: NumberFilter, count: int, now: datetime) -> Sequence[StockNumber]:
        """Return free numbers that nobody else is claiming, locked, by their digits; fewer where there are no more."""
        ...

    async def give(self, first: str, last: str, reseller: ResellerId | None, now: datetime) -> tuple[int, int]:
        """Give the free numbers from first to last that may be seen; return how many, and how many are not free."""
        ...

    async def keep(self, numbers: Sequence[StockNumber]) -> Sequence[StockNumber]:
        """Write changed ones, or new ones that were ported in (version 0)."""
        ...

    async def add_reservation(self, reservation: Reservation) -> Reservation:
        """Keep a new one."""
        ...

    async def reservation(self, key: NumberReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        ...


class NumberOrders(Protocol):
    """Orders about numbers of customers the actor may see."""

    async def add(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Keep a new one with its first step. Refuses with: Conflict (one is open for the number)."""
        ...

    async def many(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, NumberOrder]:
        """Return those that exist and may be seen."""
        ...

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
        ...

    async def claim(self, key: NumberOrderId) -> NumberOrder:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Write a changed one with its step. Refuses with: Stale."""
        ...

    async def steps(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, Sequence[OrderStep]]:
        """Return what happened to each, in the order of recording."""
        ...
