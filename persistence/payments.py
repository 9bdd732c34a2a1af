"""Payment files, payments and allocations in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import asyncpg

from domain.access.actor import Actor
from domain.ids import (
    AllocationId,
    ClaimId,
    CustomerId,
    InvoiceId,
    OperatorId,
    PaymentFileId,
    PaymentId,
    SettlementId,
)
from domain.invoicing.invoice import DocumentKind, decimals_of
from domain.ledger.entry import minor
from domain.payments.naming import names_of
from domain.payments.open_items import Document, by_name, items_of
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason, StoredFile
from domain.payments.record import Kind
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.inserting import insert_rows
from persistence.locks import PAYMENTS
from persistence.violations import possible

_FILE: Final = ("operator", "name", "format", "key", "sha256", "imported_at", "client", "told")
_PAYMENT: Final = (
    "operator", "id", "file", "position", "identity", "kind", "state", "reason", "amount_minor", "currency",
    "booked_on", "record", "names", "customer", "entry", "original", "paid_minor", "paid_currency", "rate",
)  # fmt: skip
_ALLOCATION: Final = (
    "operator", "id", "payment", "invoice", "customer", "amount_minor", "made_at", "client", "booked_on",
    "settlement", "claim",
)  # fmt: skip
_DOCUMENT: Final = "id, kind, number, original, reference, customer, currency, issued_on, due_on, total"
_TWINS: Final = " union ".join(
    f"""
select w.position from unnest($2::int[], $3::bigint[], $4::text[], $5::date[], $6::text[], $7::jsonb[], $9::text[])
       as w (position, amount, currency, booked_on, format, names, kind)
 where exists (select from payment p join payment_file f on f.operator = p.operator and f.id = p.file
     where p.operator = $1 and p.{amount} = w.amount and p.{currency} = w.currency and f.format <> w.format
       and p.booked_on between w.booked_on - $8::int and w.booked_on + $8::int
       and p.state in ('allocated', 'credit', 'unallocated', 'returned') and p.kind = w.kind
       and p.names && (select array_agg(n) from jsonb_array_elements_text(w.names) n))"""  # noqa: S608  (our own words)
    for amount, currency in (("amount_minor", "currency"), ("paid_minor", "paid_currency"))
)
# What the details of each deposit, serial or entry of a file come to, as the bank booked them.
_IN_DETAIL: Final = """
with sums as (
    select f.format, p.booked_on, coalesce(p.paid_currency, p.currency) as currency,
           sum(case when p.kind = 'payment' then 1 else -1 end * coalesce(p.paid_minor, p.amount_minor)) as amount
      from payment p join payment_file f on f.operator = p.operator and f.id = p.file
     where p.operator = $1 and p.kind in ('payment', 'deduction', 'return')
       and p.booked_on between (select min(d) from unnest($4::date[]) d) - $6::int
                           and (select max(d) from unnest($4::date[]) d) + $6::int
     group by p.file, f.format, p.booked_on, 3,
           coalesce(p.record ->> 'deposit_serial', p.record ->> 'statement_serial', p.record ->> 'entry_no'))
select distinct w.position from unnest($2::int[], $3::bigint[], $4::date[], $5::text[], $7::text[])
       as w (position, amount, booked_on, currency, format)
  join sums s on s.amount = w.amount and s.currency = w.currency and s.format <> w.format
   and s.booked_on between w.booked_on - $6::int and w.booked_on + $6::int
"""
_ORIGINALS: Final = """
select * from payment where operator = $1 and kind = 'payment'
   and (paid_minor is null and amount_minor = $2 and currency = $3 or paid_minor = $2 and paid_currency = $3)
   and state in ('allocated', 'credit', 'unallocated') and names && $4::text[] and booked_on <= $5
 order by cardinality(array(select unnest(names) intersect select unnest($4::text[]))) desc, booked_on desc, id desc
"""


class PaymentStore:
    """Keeps ``domain.ports.payments.Payments``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def lock(self) -> None:
        """Wait until no other unit applies payments of this operator; held until the unit ends."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", PAYMENTS, self._operator)

    async def file_like(self, *, sha256: bytes, key: str) -> StoredFile | None:
        """Return the file that was taken in with these bytes or under this key."""
        row = await self._connection.fetchrow(
            "select * from payment_file where operator = $1 and (sha256 = $2 or key = $3) order by id limit 1",
            *(self._operator, sha256, key),
        )
        return None if row is None else _file(row)

    async def keep_file(self, file: StoredFile) -> StoredFile:
        """Keep a new file. Refuses with: Conflict."""
        places = ", ".join(f"${place}" for place in range(1, len(_FILE) + 1))
        values = [*(getattr(file, name) for name in _FILE[:-1]), json.dumps(file.told, ensure_ascii=False)]
        try:
            row = await self._connection.fetchrow(
                f"insert into payment_file ({', '.join(_FILE)}) values ({places}) returning *",  # noqa: S608  (our own words)
                *values,
            )
        except asyncpg.UniqueViolationError:
            raise Conflict("{name} was taken in before", name=file.name) from None
        return _file(row)

    async def known(self, identities: Sequence[str]) -> frozenset[str]:
        """Return those of the identities that were taken in before."""
        rows = await self._connection.fetch(
            "select identity from payment where operator = $1 and identity = any ($2::text[])",
            *(self._operator, list(identities)),
        )
        return frozenset(row["identity"] for row in rows)

    async def twins(self, payments: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of those that another format told too."""
        wanted = [(one, sorted(names_of(one.record))) for one in payments]
        wanted = [(one, names) for one, names in wanted if names]
        if not wanted:
            return frozenset()
        rows = await self._connection.fetch(
            _TWINS,
            self._operator,
            [one.position for one, _ in wanted],
            [one.bank_minor for one, _ in wanted],
            [one.bank_currency for one, _ in wanted],
            [one.booked_on for one, _ in wanted],
            [one.identity.partition(":")[0] for one, _ in wanted],
            [json.dumps(names) for _, names in wanted],
            days,
            [one.kind.value for one, _ in wanted],
        )
        return frozenset(row["position"] for row in rows)

    async def told_in_detail(self, lumps: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of lump sums that the details of another format's file come to."""
        if not lumps:
            return frozenset()
        rows = await self._connection.fetch(
            _IN_DETAIL,
            self._operator,
            [one.position for one in lumps],
            [one.amount_minor for one in lumps],
            [one.booked_on for one in lumps],
            [one.currency for one in lumps],
            days,
            [one.identity.partition(":")[0] for one in lumps],
        )
        return frozenset(row["position"] for row in rows)

    async def untied(self, since: dt.date, until: dt.date) -> Sequence[Payment]:
        """Return the lump sums that no detail has been found of, booked between two days."""
        rows = await self._connection.fetch(
            "select * from payment where operator = $1 and kind = 'lump_sum' and reason = 'lump_sum'"
            " and booked_on between $2 and $3 order by id",
            *(self._operator, since, until),
        )
        return [_payment(row) for row in rows]

    async def _draw(self, table: str, count: int) -> list[int]:
        rows = await self._connection.fetch(
            "select nextval(pg_get_serial_sequence($1, 'id')) as id from generate_series(1, $2::int)", table, count
        )
        return sorted(row["id"] for row in rows)

    async def keep(self, payments: Sequence[Payment]) -> Sequence[Payment]:
        """Keep new payments."""
        kept = [
            replace(one, id=PaymentId(key))
            for one, key in zip(payments, await self._draw("payment", len(payments)), strict=True)
        ]
        await insert_rows(self._connection, "payment", _PAYMENT, [_payment_row(one) for one in kept])
        return kept

    async def get(self, key: PaymentId) -> Payment:
        """Return one. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from payment where operator = $1 and id = any ($2::bigint[])", self._operator, possible([key])
        )
        if not rows:
            raise NotFound("no payment {key}", key=key, field="payment")
        return _payment(rows[0])

    async def change(self, payment: Payment) -> Payment:
        """Write a payment's state, reason, customer, entry, original, and what it was exchanged to."""
        await self._connection.execute(
            "update payment set state = $3, reason = $4, customer = $5, entry = $6, original = $7, amount_minor = $8,"
            " currency = $9, paid_minor = $10, paid_currency = $11, rate = $12 where operator = $1 and id = $2",
            *(self._operator, payment.id, payment.state.value, payment.reason and payment.reason.value),
            *(payment.customer, payment.entry, payment.original, payment.amount_minor, payment.currency),
            *(payment.paid_minor, payment.paid_currency, payment.rate),
        )
        return payment

    async def page(
        self, request: PageRequest, *, state: PaymentState | None = None, customer: CustomerId | None = None
    ) -> Page[Payment]:
        """List by key, in a state and of a customer; None: any."""
        rows = await self._connection.fetch(
            "select * from payment where operator = $1 and id > $2 and ($3::text is null or state = $3)"
            " and ($4::bigint is null or customer = $4) order by id limit $5",
            *(self._operator, request.after or 0, state and state.value, customer, request.first + 1),
        )
        return Page.of([_payment(row) for row in rows], request)

    async def originals(self, payment: Payment) -> Sequence[Payment]:
        """Return the payments that a return may take back, the likeliest first."""
        names = sorted(names_of(payment.record))
        rows = await self._connection.fetch(
            _ORIGINALS, self._operator, payment.bank_minor, payment.bank_currency, names, payment.booked_on
        )
        return [_payment(row) for row in rows]

    async def allocate(self, allocations: Sequence[Allocation]) -> Sequence[Allocation]:
        """Keep new allocations."""
        keys = await self._draw("allocation", len(allocations))
        kept = [replace(one, id=AllocationId(key)) for one, key in zip(allocations, keys, strict=True)]
        rows = [tuple(getattr(one, name) for name in _ALLOCATION) for one in kept]
        await insert_rows(self._connection, "allocation", _ALLOCATION, rows)
        return kept

    async def allocations(self, payments: Sequence[PaymentId]) -> Mapping[PaymentId, Sequence[Allocation]]:
        """Return all allocations of payments, undone ones too, by key."""
        found: dict[PaymentId, list[Allocation]] = {key: [] for key in payments}
        rows = await self._connection.fetch(
            "select * from allocation where operator = $1 and payment = any ($2::bigint[]) order by id",
            *(self._operator, possible(payments)),
        )
        for row in rows:
            found[row["payment"]].append(_allocation(row))
        return found

    async def allocation(self, key: AllocationId) -> Allocation:
        """Return one. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from allocation where operator = $1 and id = any ($2::bigint[])", self._operator, possible([key])
        )
        if not rows:
            raise NotFound("no allocation {key}", key=key, field="allocation")
        return _allocation(rows[0])

    async def settled(self, settlements: Sequence[SettlementId]) -> Mapping[SettlementId, Sequence[Allocation]]:
        """Return all allocations of settlements, undone ones too, by key."""
        found: dict[SettlementId, list[Allocation]] = {key: [] for key in settlements}
        rows = await self._connection.fetch(
            "select * from allocation where operator = $1 and settlement = any ($2::bigint[]) order by id",
            *(self._operator, possible(settlements)),
        )
        for row in rows:
            found[row["settlement"]].append(_allocation(row))
        return found

    async def applied_to(self, claims: Sequence[ClaimId]) -> Mapping[ClaimId, int]:
        """Return what is applied to claims, in minor units."""
        rows = await self._connection.fetch(
            "select claim, sum(amount_minor)::bigint as applied from allocation"
            " where operator = $1 and claim = any ($2::bigint[]) and undone_at is null group by claim",
            *(self._operator, possible(claims)),
        )
        found = {row["claim"]: row["applied"] for row in rows}
        return {key: found.get(key, 0) for key in claims}

    async def left_of(self, customer: CustomerId) -> Sequence[tuple[Payment, int]]:
        """Return a customer's payments of which something is left, by key, with how much."""
        rows = await self._connection.fetch(
            "select p.*, p.amount_minor - coalesce((select sum(a.amount_minor) from allocation a"
            " where a.operator = p.operator and a.payment = p.id and a.undone_at is null), 0)::bigint"
            " - coalesce((select sum(r.amount_minor) from refund r where r.operator = p.operator and r.payment = p.id"
            " and r.state in ('requested', 'sent', 'paid')), 0)::bigint as rest"
            " from payment p where p.operator = $1 and p.customer = any ($2::bigint[]) and p.state = 'credit'"
            " and p.kind = 'payment' order by p.id",
            *(self._operator, possible([customer])),
        )
        return [(_payment(row), row["rest"]) for row in rows]

    async def undo(self, keys: Sequence[AllocationId], *, at: dt.datetime, client: str, on: dt.date) -> None:
        """Undo allocations that are not undone."""
        await self._connection.execute(
            "update allocation set undone_at = $3, undone_by = $4, undone_on = $5"
            " where operator = $1 and id = any ($2::bigint[]) and undone_at is null",
            *(self._operator, list(keys), at, client, on),
        )

    async def items_named(self, names: Sequence[str]) -> Mapping[str, OpenItem]:
        """Return the documents whose payment reference or number is one of the names, by that name."""
        rows = await self._connection.fetch(
            "select coalesce(original, number) as number from invoice"
            " where operator = $1 and reference = any ($2::text[]) and seller is null union"
            " select coalesce(original, number) from invoice"
            " where operator = $1 and number = any ($2::text[]) and seller is null",
            *(self._operator, list(names)),
        )
        return by_name(names, (await self._of_groups([row["number"] for row in rows])).values())

    async def items(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, OpenItem]:
        """Return documents with what is open of them."""
        rows = await self._connection.fetch(
            "select coalesce(original, number) as number from invoice where operator = $1 and id = any ($2::bigint[])"
            " and seller is null",
            *(self._operator, possible(keys)),
        )
        found = await self._of_groups([row["number"] for row in rows])
        return {key: found[key] for key in keys if key in found}

    async def open_items(self, customer: CustomerId, *, on: dt.date | None = None) -> Sequence[OpenItem]:
        """Return a customer's documents that are open, by due date; ``on`` a day: as they were when it ended."""
        rows = await self._connection.fetch(
            "select distinct coalesce(original, number) as number from invoice"
            " where operator = $1 and customer = any ($2::bigint[]) and seller is null"
            " and ($3::date is null or issued_on <= $3)",
            *(self._operator, possible([customer]), on),
        )
        found = await self._of_groups([row["number"] for row in rows], on=on)
        opened = [item for item in found.values() if item.open_minor]
        return sorted(opened, key=lambda item: (item.due_on, item.invoice))

    async def open_of_amount(self, amount: int, currency: str) -> Sequence[OpenItem]:
        """Return invoices of which exactly an amount is open, two at most."""
        rows = await self._connection.fetch(
            "select number from invoice i where operator = $1 and kind = 'invoice' and currency = $2 and total = $3"
            " and seller is null and not exists (select from allocation a where a.operator = i.operator"
            " and a.invoice = i.id and a.undone_at is null) order by id desc limit 50",
            *(self._operator, currency, Decimal(amount).scaleb(-decimals_of(currency))),
        )
        found = (await self._of_groups([row["number"] for row in rows])).values()
        return sorted((one for one in found if one.open_minor == amount), key=lambda one: one.invoice)[:2]

    async def next_file_number(self, format_: str) -> int:
        """Return the number of the next file of orders of a format."""
        found: int = await self._connection.fetchval(
            "select coalesce(max(number), 0) + 1 from order_file where operator = $1 and format = $2",
            *(self._operator, format_),
        )
        return found

    async def open_of(
        self, customers: Sequence[CustomerId], *, due_by: dt.date | None = None
    ) -> Mapping[CustomerId, Sequence[OpenItem]]:
        """Return what is open of customers' documents now, each by due date; ``due_by``: due by a day alone."""
        rows = await self._connection.fetch(
            "select distinct coalesce(original, number) as number from invoice"
            " where operator = $1 and customer = any ($2::bigint[]) and seller is null",
            *(self._operator, possible(customers)),
        )
        found: dict[CustomerId, list[OpenItem]] = {key: [] for key in customers}
        items = (await self._of_groups([row["number"] for row in rows])).values()
        for item in sorted(items, key=lambda one: (one.due_on, one.invoice)):
            if item.open_minor and item.customer in found and (due_by is None or item.due_on <= due_by):
                found[item.customer].append(item)
        return found

    async def _of_groups(self, numbers: Sequence[str], *, on: dt.date | None = None) -> dict[InvoiceId, OpenItem]:
        """Return the invoices of these numbers and the credit notes that name them."""
        rows = await self._connection.fetch(
            f"select {_DOCUMENT} from invoice where operator = $1 and kind = 'invoice' and number = any ($2::text[])"  # noqa: S608  (our own words)
            " and ($3::date is null or issued_on <= $3)"
            f" union all select {_DOCUMENT} from invoice where operator = $1 and kind = 'credit_note'"
            " and original = any ($2::text[]) and ($3::date is null or issued_on <= $3)",
            *(self._operator, list(numbers), on),
        )
        documents = [_document(row) for row in rows]
        sums = await self._connection.fetch(
            "select a.invoice, sum(a.amount_minor)::bigint as applied from allocation a"
            " where a.operator = $1 and a.invoice = any ($2::bigint[])"
            " and ($3::date is null and a.undone_at is null"
            "      or a.booked_on <= $3 and (a.undone_at is null or a.undone_on > $3)) group by a.invoice",
            *(self._operator, [document.invoice for document in documents], on),
        )
        return items_of(documents, {row["invoice"]: row["applied"] for row in sums})

    async def customers_numbered(self, numbers: Sequence[str]) -> Mapping[str, CustomerId]:
        """Return the customers who have these numbers and are no doubles, by number."""
        rows = await self._connection.fetch(
            "select id, number from customer where operator = $1 and number = any ($2::text[]) and merged_into is null",
            *(self._operator, list(numbers)),
        )
        return {row["number"]: row["id"] for row in rows}

    async def files(self, request: PageRequest) -> Page[StoredFile]:
        """List files by key."""
        rows = await self._connection.fetch(
            "select * from payment_file where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([_file(row) for row in rows], request)

    async def file(self, key: PaymentFileId) -> StoredFile:
        """Return one file. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from payment_file where operator = $1 and id = any ($2::bigint[])",
            *(self._operator, possible([key])),
        )
        if not rows:
            raise NotFound("no payment file {key}", key=key, field="file")
        return _file(rows[0])


def _file(row: Mapping[str, Any]) -> StoredFile:
    return StoredFile(
        id=PaymentFileId(row["id"]),
        operator=OperatorId(row["operator"]),
        told=json.loads(row["told"]),
        **{name: row[name] for name in _FILE[1:-1]},
    )


def _payment_row(one: Payment) -> tuple[Any, ...]:
    plain = {name: getattr(one, name) for name in _PAYMENT if name != "names"}
    plain |= {"kind": one.kind.value, "state": one.state.value, "reason": one.reason.value if one.reason else None}
    plain |= {"record": json.dumps(one.record, ensure_ascii=False), "names": sorted(names_of(one.record))}
    return tuple(plain[name] for name in _PAYMENT)


def _payment(row: Mapping[str, Any]) -> Payment:
    return Payment(
        id=PaymentId(row["id"]),
        operator=OperatorId(row["operator"]),
        file=PaymentFileId(row["file"]),
        kind=Kind(row["kind"]),
        state=PaymentState(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        record=json.loads(row["record"]),
        **{name: row[name] for name in ("position", "identity", "amount_minor", "currency", "booked_on")},
        **{name: row[name] for name in ("customer", "entry", "original", "paid_minor", "paid_currency", "rate")},
    )


def _allocation(row: Mapping[str, Any]) -> Allocation:
    return Allocation(**{name: row[name] for name in (*_ALLOCATION, "undone_at", "undone_by", "undone_on")})


def _document(row: Mapping[str, Any]) -> Document:
    plain = ("number", "original", "reference", "customer", "currency", "issued_on", "due_on")
    return Document(
        invoice=InvoiceId(row["id"]),
        kind=DocumentKind(row["kind"]),
        total_minor=minor(row["total"], row["currency"]),
        **{name: row[name] for name in plain},
    )
