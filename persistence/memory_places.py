"""The dated tree of customers and notes about them, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.customers.customer import TREE_DEPTH_MAX, Customer
from domain.customers.note import Note
from domain.customers.place import Place, own_place, place_on
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest
from persistence.memory import Draft, page_of
from persistence.memory_invoices import FOR_EVER


def placed(draft: Draft, on: date) -> dict[CustomerId, Customer]:
    """Return the customers that may be seen, each as it stands in the tree on a day."""
    dated = draft.table("customer_place")
    found = {}
    for one in draft.seen("customer"):
        place = place_on(dated.get(one.id) or [own_place(one)], on)
        found[one.id] = replace(
            one, parent=place.parent, through_parent=place.through_parent, billed_through=place.billed_through
        )
    return found


class MemoryPlaces:
    """Keeps ``domain.ports.places.Places``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _rows(self) -> dict[CustomerId, tuple[Place, ...]]:
        seen = {one.id for one in self._draft.seen("customer")}
        return {key: places for key, places in self._draft.table("customer_place").items() if key in seen}

    async def of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Place]]:
        """Return the dated places of each in order."""
        rows = self._rows()
        return {key: list(rows.get(key, ())) for key in keys}

    async def put(self, customer: CustomerId, places: Sequence[Place]) -> None:
        """Write all places of a customer in the place of those there are."""
        self._draft.table("customer_place")[customer] = tuple(places)

    async def above(self, key: CustomerId, on: date) -> Sequence[CustomerId]:
        """Return the customer and those above it on a day, nearest first."""
        tree = placed(self._draft, on)
        found: list[CustomerId] = []
        here: CustomerId | None = key
        while here in tree and len(found) <= TREE_DEPTH_MAX:
            found.append(here)
            here = tree[here].parent
        return found

    async def below(self, key: CustomerId, on: date) -> Mapping[CustomerId, tuple[int, CustomerId | None]]:
        """Return everybody below a customer on a day, with how many levels and through whom it is billed."""
        tree = placed(self._draft, on)
        found: dict[CustomerId, tuple[int, CustomerId | None]] = {key: (0, None)}
        level, depth = [key], 0
        while level and depth < TREE_DEPTH_MAX:
            depth += 1
            under = sorted(one.id for one in tree.values() if one.parent in level)
            found.update({one: (depth, tree[one].billed_through) for one in under})
            level = under
        return found

    async def days(self, since: date) -> Sequence[date]:
        """Return the days after one on which anybody is moved."""
        starts = {place.valid_from for places in self._rows().values() for place in places}
        return sorted(start for start in starts if start is not None and start > since)

    async def due(self, on: date, *, first: int) -> Sequence[CustomerId]:
        """Return customers whose own row does not say what holds on a day."""
        tree, rows = placed(self._draft, on), self._draft.table("customer")
        return sorted(key for key in self._rows() if tree[key] != rows[key])[:first]

    async def invoiced_until(self, key: CustomerId) -> date | None:
        """Return the end of the last period that was billed to the customer or for it."""
        ends = [
            invoice.period.end
            for invoice in self._draft.table("invoice").values()
            if key in {invoice.customer, *invoice.customers}
        ]
        zone = next(iter(self._draft.table("operator").values())).zone
        for mark in self._draft.table("billed_through").values():
            if mark.customer == key and mark.period_end != FOR_EVER:
                last = mark.period_end.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)
                ends.append(last.date() + timedelta(days=1))
        return max(ends, default=None)


class MemoryNotes:
    """Keeps ``domain.ports.places.Notes``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def page(self, customer: CustomerId, request: PageRequest) -> Page[Note]:
        """List a customer's by key."""
        owner = self._draft.table("customer").get(customer)
        if owner is None or not self._draft.sees(owner):
            return Page([], more=False)
        rows = [one for one in self._draft.table("customer_note").values() if one.customer == customer]
        return page_of(rows, request, lambda one: one.id)

    async def add(self, note: Note) -> Note:
        """Keep a new one."""
        kept = replace(note, id=self._draft.draw("customer_note"))
        self._draft.table("customer_note")[kept.id] = kept
        return kept
