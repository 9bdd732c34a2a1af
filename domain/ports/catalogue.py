"""The store of price lists, rates and destinations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.catalogue.tariff import Bucket, Plan, PriceList, Rate, Tariff
from domain.ids import ResellerId
from domain.ports.page import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """How many rows of the catalogue began and ended; nothing began and nothing ended: it was the same already."""

    began: int = 0
    ended: int = 0


class Catalogue(Protocol):
    """The operator's catalogue. Rates are never changed in place: a new version ends the one before."""

    async def revision(self) -> int:
        """Return a number that grows with every change of the catalogue; what is compiled is kept under it."""
        ...

    async def tariff(self, *, as_of: datetime | None = None) -> Tariff:
        """Return the whole catalogue without parties, as it was believed at ``as_of`` (None: now)."""
        ...

    async def renewed(self, before: Tariff, since: datetime) -> Tariff:
        """Return what ``tariff`` returns now; what has not changed after ``since`` is that of ``before``.

        ``before`` is what was believed at ``since`` or later.
        """
        ...

    async def outline(self) -> Tariff:
        """Return the present catalogue without prefixes, rates, ported numbers, rings and buckets: quick, and small."""
        ...

    async def buckets(self) -> Sequence[Bucket]:
        """Return the present buckets, in the order of the document."""
        ...

    async def plans(self) -> Mapping[str, Plan]:
        """Return the present plans, by name."""
        ...

    async def part(self, price_lists: Collection[str]) -> Tariff:
        """Return the outline with rings and buckets, and with the present rates of the named lists."""
        ...

    async def rates_to(self, price_lists: Collection[str], names: Collection[str]) -> Mapping[str, Sequence[Rate]]:
        """Return the present rates of lists whose ``to`` is one of the names."""
        ...

    async def amend(self, before: Tariff, after: Tariff, *, recorded_at: datetime) -> Changed:
        """Make of the catalogue what turns ``before`` into ``after``; what both leave out or have alike stays.

        ``before`` is what ``tariff`` or ``part`` gave in this unit, while the catalogue is held.
        """
        ...

    async def publish(self, tariff: Tariff, *, recorded_at: datetime) -> Changed:
        """Make the operator's destinations, bands, holidays, zones, lists, rates and trunks those of the document.

        What is the same stays untouched with its key; what differs ends at ``recorded_at`` and begins anew. Parties are
        not of the catalogue.
        """
        ...

    async def lists(self, request: PageRequest) -> Page[PriceList]:
        """List the price lists the actor may use by key, without their rates."""
        ...

    async def unseen(self) -> frozenset[str]:
        """Return the lists of suppliers' prices, where the actor may not see them; else none."""
        ...

    async def lists_by_name(self, names: Sequence[str]) -> Mapping[str, PriceList]:
        """Return those that exist and the actor may use, without their rates."""
        ...

    async def lists_in_use(self) -> frozenset[str]:
        """Return the names of the lists that a customer, a contract or a reseller of the operator has."""
        ...

    async def named(self, name: str, *, field: str) -> PriceList:
        """Return the list with this name, without its rates, where the actor may use it.

        The operator's actor may use every list; a reseller's one that belongs to his subtree, that somebody in his
        subtree buys at, or that one of his customers or contracts has. Nobody takes the list away until the unit ends.
        Refuses with: NotFound, naming ``field``.
        """
        ...

    async def owner(self, name: str) -> ResellerId | None:
        """Return whose own the list of this name is; None: the operator's, or there is none."""
        ...

    async def owners(self, names: Sequence[str]) -> Mapping[str, ResellerId | None]:
        """Return whose own each of these lists is; None: the operator's."""
        ...

    async def hold(self) -> None:
        """Let no other unit change the catalogue, or name a list of it, until this one ends."""
        ...

    async def rates(self, price_list: str, request: PageRequest) -> Page[Rate]:
        """List the present rates of one list by key. Refuses with: NotFound (list)."""
        ...

    async def rates_of(self, price_lists: Sequence[str], *, first: int) -> Mapping[str, Page[Rate]]:
        """Return the first ``first`` present rates of each list that may be seen, at once."""
        ...

    async def add_list(
        self, price_list: PriceList, *, recorded_at: datetime, reseller: ResellerId | None = None
    ) -> PriceList:
        """Keep a new list with its rates, as a reseller's own where one is named. Refuses with: Conflict (name)."""
        ...

    async def put_rates(
        self, price_list: str, put: Sequence[Rate], *, valid_from: datetime, recorded_at: datetime
    ) -> Sequence[Rate]:
        """Let each rate hold from ``valid_from`` on, ending the versions with the same selector there.

        Refuses with: NotFound (list).
        """
        ...
