"""Customers and resellers in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

from domain.customers.customer import TREE_DEPTH_MAX, Customer
from domain.customers.searching import TERM_MAX, terms, wanted
from domain.fields.definition import Aggregate
from domain.ids import CustomerId, OperatorId, ResellerId
from domain.ports.page import Page, PageRequest
from domain.refusal import BadValue, Conflict, NotFound, Stale
from domain.resellers.reseller import Reseller, Term, as_of
from persistence.memory import Draft, page_of


class MemoryCustomers:
    """Keeps ``domain.ports.customers.Customers``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def get(self, key: CustomerId) -> Customer:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or _missing(key)

    async def many(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._draft.seen("customer", lambda one: one.id in wanted)}

    async def by_number(self, number: str) -> Customer:
        """Return the one with this customer number. Refuses with: NotFound."""
        found: list[Customer] = self._draft.seen("customer", lambda one: one.number == number)
        return found[0] if found else _missing(number)

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        parent: CustomerId | None = None,
        country: str | None = None,
    ) -> Page[Customer]:
        """List by key, or with a text by the word that was found."""
        rows = self._draft.seen("customer", lambda one: parent is None or one.parent == parent)
        if text is None or not text.strip():
            return page_of(rows, request, lambda one: one.id)
        meant = wanted(text, country)
        ranked = []
        for one in rows:
            held = self._terms(one)
            for words in meant:
                hits = [[term for term in held if term.startswith(word)] for word in words.words]
                if all(hits):
                    ranked.append((min(hits[0]), one.id, one))
                    break
        ranked.sort()
        keys = [one.id for _, _, one in ranked]
        start = 0
        if request.after is not None:
            if request.after not in keys:
                raise BadValue("what the page before ended with is not found any more; begin again", field="after")
            start = keys.index(CustomerId(request.after)) + 1
        return Page.of([one for _, _, one in ranked[start : start + request.first + 1]], request)

    def _terms(self, one: Customer) -> frozenset[str]:
        """Return every word that a customer is found by."""
        draft = self._draft
        searchable = frozenset(
            each.name
            for each in draft.table("field_definition").values()
            if each.operator == one.operator and each.aggregate is Aggregate.CUSTOMER and each.searchable
        )
        found = set(terms(one, searchable))
        for table in ("contract", "invoice", "subscription"):
            for row in draft.table(table).values():
                if row.customer == one.id:
                    numbers = row.numbers if table == "subscription" else (row,)
                    found.update(each.number.lower()[:TERM_MAX] for each in numbers)
        return frozenset(found)

    async def children(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Customer]]:
        """Return the direct sub-customers of each."""
        rows: list[Customer] = self._draft.seen("customer")
        return {key: [one for one in rows if one.parent == key] for key in keys}

    async def above(self, key: CustomerId) -> Sequence[Customer]:
        """Return the customer and those above it, nearest first."""
        rows = self._draft.table("customer")
        found: list[Customer] = []
        here: CustomerId | None = key
        while here in rows and self._draft.sees(rows[here]) and len(found) < TREE_DEPTH_MAX:
            found.append(rows[here])
            here = found[-1].parent
        return found

    async def hold_tree(self) -> None:
        """Let no other unit move a customer in the tree; the unit has everything locked."""

    async def add(self, customer: Customer) -> Customer:
        """Keep a new one and return it with its key. Refuses with: Conflict (number taken)."""
        self._check(customer)
        kept = replace(customer, id=CustomerId(self._draft.draw("customer")))
        self._draft.table("customer")[kept.id] = kept
        return kept

    async def claim(self, key: CustomerId) -> Customer:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def keep(self, customer: Customer) -> Customer:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        stored = (await self.many([customer.id])).get(customer.id)
        if stored is None or stored.version != customer.version:
            raise Stale(
                "customer {number} was changed by somebody else; read it again", number=customer.number, field="version"
            )
        self._check(customer)
        kept = replace(customer, version=customer.version + 1)
        self._draft.table("customer")[kept.id] = kept
        return kept

    async def next_number(self) -> str:
        """Draw the next customer number of the operator's series."""
        return next_number(self._draft, "customer")

    def _check(self, customer: Customer) -> None:
        operator = customer.operator
        for other in self._draft.table("customer").values():
            if other.operator == operator and other.number == customer.number and other.id != customer.id:
                raise Conflict("customer number {number} is taken", number=customer.number, field="number")
        if not exists(self._draft, "customer", customer.parent, operator):
            raise NotFound("no customer {parent}", parent=customer.parent, field="parent")
        if not exists(self._draft, "customer", customer.billed_through, operator):
            raise NotFound(
                "no customer {billed_through}", billed_through=customer.billed_through, field="billedThrough"
            )
        if not exists(self._draft, "reseller", customer.reseller, operator):
            raise NotFound("no reseller {reseller}", reseller=customer.reseller, field="reseller")
        if not self._draft.sees(customer):
            raise NotFound("no such reseller, or not yours", field="reseller")


class MemoryResellers:
    """Keeps ``domain.ports.customers.Resellers``. A row is the reseller before the first of his terms."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _sees(self, reseller: Reseller) -> bool:
        actor = self._draft.actor
        return reseller.operator == actor.operator and (self._draft.bulk or actor.reaches(reseller.id))

    async def tree(self) -> Mapping[ResellerId, Reseller]:
        """Return every reseller of the operator that the actor may see; whom the topmost buys from is not told."""
        present = as_of(await self.base(), await self.terms(), datetime.now(UTC))
        own = self._draft.actor.reseller
        return {
            key: one
            if one.parent in present
            else replace(one, parent=None, customer=None if key == own else one.customer)
            for key, one in present.items()
        }

    async def base(self) -> Mapping[ResellerId, Reseller]:
        """Return the resellers as they are before the first of their terms."""
        rows = self._draft.table("reseller")
        return {key: rows[key] for key in sorted(rows) if self._sees(rows[key])}

    async def terms(self) -> Sequence[Term]:
        """Return every term of the resellers that may be seen, by reseller and time."""
        seen = await self.base()
        rows = self._draft.table("reseller_term")
        return [rows[key] for key in sorted(rows) if key[0] in seen]

    async def hold_tree(self) -> None:
        """Let no other unit change who buys from whom; the unit has everything locked."""

    async def put_term(self, term: Term) -> None:
        """Keep a term, in the place of one of the same instant. Refuses with: NotFound (customer)."""
        if not exists(self._draft, "customer", term.customer, self._draft.actor.operator):
            raise NotFound("no customer {key}", key=term.customer, field="customer")
        self._draft.table("reseller_term")[term.reseller, term.valid_from] = term

    async def drop_terms(self, reseller: ResellerId, since: datetime) -> int:
        """Take back the terms of a reseller that begin at or after an instant; return how many there were."""
        rows = self._draft.table("reseller_term")
        gone = [key for key in rows if key[0] == reseller and key[1] >= since]
        for key in gone:
            del rows[key]
        return len(gone)

    async def add(self, reseller: Reseller) -> Reseller:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        rows = self._draft.table("reseller")
        if any(other.operator == reseller.operator and other.code == reseller.code for other in rows.values()):
            raise Conflict("the reseller code {code} is taken", code=reseller.code, field="code")
        if not exists(self._draft, "reseller", reseller.parent, reseller.operator):
            raise NotFound("no reseller {parent}", parent=reseller.parent, field="parent")
        kept = replace(reseller, id=ResellerId(self._draft.draw("reseller")))
        if reseller.operator != self._draft.actor.operator or not self._draft.actor.reaches(reseller.parent):
            raise NotFound("no such reseller, or not yours", field="reseller")
        rows[kept.id] = kept
        if (actor := self._draft.actor).reseller is not None:
            self._draft.actor = replace(actor, resellers=(*actor.resellers, kept.id))
        return kept

    async def keep(self, reseller: Reseller) -> Reseller:
        """Write name, code and seller where the stored version is its own. Refuses with: Stale, Conflict (code)."""
        stored = (await self.base()).get(reseller.id)
        if stored is None or stored.version != reseller.version:
            raise Stale("the reseller was changed by somebody else; read it again", field="version")
        others = (one for one in self._draft.table("reseller").values() if one.id != reseller.id)
        if any(other.operator == reseller.operator and other.code == reseller.code for other in others):
            raise Conflict("the reseller code {code} is taken", code=reseller.code, field="code")
        kept = replace(reseller, version=reseller.version + 1)
        base = replace(kept, parent=stored.parent, price_list=stored.price_list, customer=stored.customer)
        self._draft.table("reseller")[reseller.id] = base
        return kept

    async def put_logo(self, sha256: str, content: bytes) -> None:
        """Keep a picture under its content."""
        self._draft.table("logo")[self._draft.actor.operator, sha256] = content

    async def logo(self, sha256: str) -> bytes | None:
        """Return a picture; None where there is none."""
        found: bytes | None = self._draft.table("logo").get((self._draft.actor.operator, sha256))
        return found


def exists(draft: Draft, table: str, key: int | None, operator: OperatorId) -> bool:
    """Tell whether a foreign key holds: nothing is named, or a row of the same operator."""
    return key is None or (key in draft.table(table) and draft.table(table)[key].operator == operator)


def next_number(draft: Draft, table: str) -> str:
    """Draw the next number of a series of the operator, past those somebody has chosen by hand."""
    operator = draft.actor.operator
    taken = {row.number for row in draft.table(table).values() if row.operator == operator}
    series = draft.table("series")
    while (drawn := str(series[operator, table])) in taken:
        series[operator, table] += 1
    series[operator, table] += 1
    return drawn


def _missing(key: object) -> NoReturn:
    raise NotFound("no customer {key}", key=key, field="customer")
