"""Disputes, in PostgreSQL and in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn

from domain.access.actor import Actor
from domain.ids import CustomerId, DisputeId, InvoiceId
from domain.invoicing.disputes import Dispute, DisputeState, held_of
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.memory import Draft, page_of
from persistence.violations import possible

_NEW: Final = (
    "operator", "customer", "invoice", "reseller", "currency", "amount_minor", "lines", "reason", "opened_at",
    "opened_by",
)  # fmt: skip
_INSERT: Final = (
    f"insert into invoice_dispute ({', '.join(_NEW)})"  # noqa: S608  (our own words)
    f" values ({', '.join(f'${index}' for index in range(1, len(_NEW) + 1))}) returning *"
)


class DisputeStore:
    """Keeps ``domain.ports.disputes.Disputes``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, dispute: Dispute) -> Dispute:
        """Keep a new one and return it with its key."""
        row = await self._connection.fetchrow(
            _INSERT,
            *(dispute.operator, dispute.customer, dispute.invoice, dispute.reseller, dispute.currency),
            *(dispute.amount_minor, list(dispute.lines), dispute.reason, dispute.opened_at, dispute.opened_by),
        )
        return _of(row)

    async def claim(self, key: DisputeId) -> Dispute:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from invoice_dispute where operator = $1 and id = any ($2::bigint[]) for update",
            *(self._operator, possible([key])),
        )
        return _of(rows[0]) if rows else _missing(key)

    async def keep(self, dispute: Dispute) -> Dispute:
        """Write how it was decided, and return it with its new version."""
        row = await self._connection.fetchrow(
            "update invoice_dispute set state = $3, decided_at = $4, decided_by = $5, decision = $6, credit_note = $7,"
            " version = version + 1 where operator = $1 and id = $2 returning *",
            *(self._operator, dispute.id, dispute.state.value, dispute.decided_at, dispute.decided_by),
            *(dispute.decision, dispute.credit_note),
        )
        return _of(row)

    async def page(
        self, request: PageRequest, *, state: DisputeState | None = None, customer: CustomerId | None = None
    ) -> Page[Dispute]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from invoice_dispute where operator = $1 and id > $2 and ($3::text is null or state = $3)"
            " and ($4::bigint is null or customer = $4) order by id limit $5",
            *(self._operator, request.after or 0, state and state.value, customer, request.first + 1),
        )
        return Page.of([_of(row) for row in rows], request)

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispute]]:
        """Return the disputes of each invoice, by key."""
        rows = await self._connection.fetch(
            "select * from invoice_dispute where operator = $1 and invoice = any ($2::bigint[]) order by id",
            *(self._operator, possible(keys)),
        )
        return _grouped(keys, [_of(row) for row in rows])

    async def held(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, int]:
        """Return what open disputes hold of each invoice that has any, in minor units."""
        rows = await self._connection.fetch(
            "select invoice, sum(amount_minor)::bigint as held from invoice_dispute"
            " where operator = $1 and invoice = any ($2::bigint[]) and state = 'open' group by invoice",
            *(self._operator, possible(keys)),
        )
        return {row["invoice"]: row["held"] for row in rows}

    async def held_of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what open disputes hold of each customer's invoices, per currency in minor units."""
        rows = await self._connection.fetch(
            "select customer, currency, sum(amount_minor)::bigint as held from invoice_dispute"
            " where operator = $1 and customer = any ($2::bigint[]) and state = 'open' group by customer, currency",
            *(self._operator, possible(keys)),
        )
        found: dict[CustomerId, dict[str, int]] = {key: {} for key in keys}
        for row in rows:
            found[row["customer"]][row["currency"]] = row["held"]
        return found


class MemoryDisputes:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _seen(self) -> list[Dispute]:
        return self._draft.seen("invoice_dispute")

    async def add(self, dispute: Dispute) -> Dispute:
        """Keep a new one and return it with its key."""
        kept = replace(dispute, id=DisputeId(self._draft.draw("invoice_dispute")))
        self._draft.table("invoice_dispute")[kept.id] = kept
        return kept

    async def claim(self, key: DisputeId) -> Dispute:
        """Return one. Refuses with: NotFound."""
        return next((one for one in self._seen() if one.id == key), None) or _missing(key)

    async def keep(self, dispute: Dispute) -> Dispute:
        """Write how it was decided, and return it with its new version."""
        kept = replace(dispute, version=dispute.version + 1)
        self._draft.table("invoice_dispute")[kept.id] = kept
        return kept

    async def page(
        self, request: PageRequest, *, state: DisputeState | None = None, customer: CustomerId | None = None
    ) -> Page[Dispute]:
        """List by key."""
        rows = [one for one in self._seen() if state in {None, one.state} and customer in {None, one.customer}]
        return page_of(rows, request, lambda one: one.id)

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispute]]:
        """Return the disputes of each invoice, by key."""
        return _grouped(keys, [one for one in self._seen() if one.invoice in keys])

    async def held(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, int]:
        """Return what open disputes hold of each invoice that has any, in minor units."""
        return held_of(one for one in self._seen() if one.invoice in keys)

    async def held_of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what open disputes hold of each customer's invoices, per currency in minor units."""
        found: dict[CustomerId, dict[str, int]] = {key: {} for key in keys}
        for one in self._seen():
            if one.customer in found and one.state is DisputeState.OPEN:
                sums = found[one.customer]
                sums[one.currency] = sums.get(one.currency, 0) + one.amount_minor
        return found


def _grouped(keys: Sequence[InvoiceId], disputes: Sequence[Dispute]) -> dict[InvoiceId, list[Dispute]]:
    found: dict[InvoiceId, list[Dispute]] = defaultdict(list)
    for one in disputes:
        found[one.invoice].append(one)
    return {key: found[key] for key in keys}


def _of(row: Mapping[str, Any]) -> Dispute:
    fields = dict(row)
    return Dispute(**fields | {"lines": tuple(fields["lines"]), "state": DisputeState(fields["state"])})


def _missing(key: object) -> NoReturn:
    raise NotFound("no dispute {key}", key=key, field="dispute")
