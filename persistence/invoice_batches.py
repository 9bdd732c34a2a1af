"""What other systems were given of the invoices, in PostgreSQL and in memory.

Keys of invoices are drawn before they are committed, so that one may appear below others that were given already. A
batch therefore holds its documents' keys, and the next one looks back to where one made a day later has looked.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NoReturn

from domain.access.actor import Actor
from domain.ids import InvoiceBatchId, InvoiceId
from domain.invoicing.fetched import SETTLED, InvoiceBatch
from domain.invoicing.invoice import Invoice
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import possible

_LOCK: Final = 0x696E7662
# $1 operator, $2 consumer, $3 reseller (0: the operator), $4 a day, $5 sellers (null: the operator), $6 how many.
_NEW: Final = """
with settled as (
    -- Everything up to there was looked at again a day after it was given, by a batch that went beyond it.
    select coalesce(max(b.upto), 0) as upto from invoice_batch b
     where b.operator = $1 and b.consumer = $2 and coalesce(b.reseller, 0) = $3
       and exists (select from invoice_batch l where l.operator = b.operator and l.consumer = b.consumer
           and coalesce(l.reseller, 0) = $3 and l.id > b.id and l.made_at >= b.made_at + $4
           and l.invoices[cardinality(l.invoices)] >= b.upto)),
given as (
    select unnest(b.invoices) as id from invoice_batch b, settled s
     where b.operator = $1 and b.consumer = $2 and coalesce(b.reseller, 0) = $3 and b.upto > s.upto)
select i.id from invoice i, settled s
 where i.operator = $1 and i.id > s.upto and not exists (select from given g where g.id = i.id)
   and case when $5::bigint[] is null then i.seller is null else i.seller = any ($5::bigint[]) end
 order by i.id limit $6
"""


class InvoiceBatchStore:
    """Keeps ``domain.ports.disputes.InvoiceBatches``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)
        self._reseller = actor.reseller
        self._sellers = None if actor.reseller is None else list(actor.resellers)

    async def hold(self, consumer: str) -> None:
        """Let no other unit make a batch for this consumer until this one ends."""
        place = zlib.crc32(f"{self._operator} {self._reseller or 0} {consumer}".encode()) - 2**31
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", _LOCK, place)

    async def last(self, consumer: str) -> InvoiceBatch | None:
        """Return the last batch of a consumer, acknowledged or not."""
        row = await self._connection.fetchrow(
            "select * from invoice_batch where operator = $1 and consumer = $2 and coalesce(reseller, 0) = $3"
            " order by id desc limit 1",
            *(self._operator, consumer, self._reseller or 0),
        )
        return None if row is None else _of(row)

    async def make(self, consumer: str, *, most: int, at: datetime) -> InvoiceBatch | None:
        """Make the next batch, the oldest documents first; None where nothing is new."""
        rows = await self._connection.fetch(
            _NEW, self._operator, consumer, self._reseller or 0, SETTLED, self._sellers, most
        )
        if not rows:
            return None
        keys = [row["id"] for row in rows]
        before = await self.last(consumer)
        after = 0 if before is None else before.upto
        row = await self._connection.fetchrow(
            "insert into invoice_batch (operator, consumer, reseller, after, upto, invoices, made_at)"
            " values ($1, $2, $3, $4, $5, $6, $7) returning *",
            *(self._operator, consumer, self._reseller, after, max(after, keys[-1]), keys, at),
        )
        return _of(row)

    async def get(self, key: InvoiceBatchId) -> InvoiceBatch:
        """Return one. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from invoice_batch where operator = $1 and id = any ($2::bigint[])"
            " and coalesce(reseller, 0) = $3 for update",
            *(self._operator, possible([key]), self._reseller or 0),
        )
        return _of(rows[0]) if rows else _missing(key)

    async def acknowledge(self, key: InvoiceBatchId, *, at: datetime) -> InvoiceBatch:
        """Say that the other system has it for good. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            "update invoice_batch set acknowledged_at = $3 where operator = $1 and id = $2 returning *",
            *(self._operator, key, at),
        )
        return _of(row) if row is not None else _missing(key)


class MemoryInvoiceBatches:
    """The same, in memory, where units follow one another and keys are committed in their order."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _mine(self) -> list[InvoiceBatch]:
        return [one for one in self._draft.seen("invoice_batch") if one.reseller == self._draft.actor.reseller]

    async def hold(self, consumer: str) -> None:
        """Units follow one another."""

    async def last(self, consumer: str) -> InvoiceBatch | None:
        """Return the last batch of a consumer, acknowledged or not."""
        return next((one for one in reversed(self._mine()) if one.consumer == consumer), None)

    async def make(self, consumer: str, *, most: int, at: datetime) -> InvoiceBatch | None:
        """Make the next batch, the oldest documents first; None where nothing is new."""
        actor, before = self._draft.actor, await self.last(consumer)
        after = 0 if before is None else before.upto
        mine: list[Invoice] = [
            one
            for one in self._draft.seen("invoice")
            if (one.sold_by is None if actor.reseller is None else one.sold_by in actor.resellers) and one.id > after
        ]
        keys = tuple(InvoiceId(one.id) for one in mine[:most])
        if not keys:
            return None
        made = InvoiceBatch(
            id=InvoiceBatchId(self._draft.draw("invoice_batch")),
            operator=actor.operator,
            consumer=consumer,
            reseller=actor.reseller,
            invoices=keys,
            after=after,
            upto=keys[-1],
            made_at=at,
        )
        self._draft.table("invoice_batch")[made.id] = made
        return made

    async def get(self, key: InvoiceBatchId) -> InvoiceBatch:
        """Return one. Refuses with: NotFound."""
        return next((one for one in self._mine() if one.id == key), None) or _missing(key)

    async def acknowledge(self, key: InvoiceBatchId, *, at: datetime) -> InvoiceBatch:
        """Say that the other system has it for good. Refuses with: NotFound."""
        kept = replace(await self.get(key), acknowledged_at=at)
        self._draft.table("invoice_batch")[key] = kept
        return kept


def _of(row: Mapping[str, Any]) -> InvoiceBatch:
    fields = dict(row)
    return InvoiceBatch(**fields | {"invoices": tuple(fields["invoices"])})


def _missing(key: object) -> NoReturn:
    raise NotFound("no batch of invoices {key}", key=key, field="batch")
