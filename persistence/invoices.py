"""Issued invoices in PostgreSQL: written once by COPY, read whole with their lines, never changed."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NoReturn

from domain.access.actor import Actor
from domain.ids import BillRunId, CustomerId, InvoiceId, ResellerId
from domain.invoicing.calls import masked
from domain.invoicing.invoice import CallRow, DocumentKind, Invoice, Line, LineKind
from domain.invoicing.series import default_prefix, name_of, yearly_name, yearly_number
from domain.ports.invoices import Chosen
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.copy_text import text_row
from persistence.engine import Transaction
from persistence.inserting import insert_rows, may_copy
from persistence.invoice_rows import (
    INVOICE_COLUMNS,
    LINE_COLUMNS,
    from_row,
    line_cells,
    line_from_row,
    line_to_row,
    to_row,
)
from persistence.violations import possible

FIRST_NUMBER: Final = 100_001
CALLS_PER_BLOCK: Final = 2_000
_DIRECTIONS: Final = ("out", "in")

_CALLS: Final = """
select u.customer, u.subscription, u.start, u.mode, u.direction,
       case u.direction when 0 then u.b else u.a end as number, coalesce(d.name, '') as destination, u.used,
       u.retail_micro
  from usage u left join destination d on d.operator = u.operator and d.id = u.destination
 where u.operator = $1 and u.customer = any ($2::bigint[]) and u.start < $3 and u.chunk <= $4 and u.retail_micro <> 0
   and not exists (select from billed_through b where b.operator = u.operator and b.customer = u.customer
       and b.run < $5 and (b.superseded_by is null or b.superseded_by >= $5)
       and u.start < b.period_end and u.chunk <= b.horizon and (b.since is null or u.start >= b.since))
   -- Of what was rated again before it was billed the last version counts; a correction of an invoice is no call.
   and u.version % 2 = 1
   and not exists (select from usage r where r.operator = u.operator and r.start = u.start and r.source = u.source
       and r.key = u.key and r.version = u.version + 1 and r.chunk <= $4)
   and (u.version = 1 or not exists (select from usage p join billed_through b on b.operator = p.operator
       and b.customer = p.customer and b.run < $5 and p.start < b.period_end and p.chunk <= b.horizon
       and (b.since is null or p.start >= b.since)
       where p.operator = u.operator and p.start = u.start and p.source = u.source and p.key = u.key
         and p.version < u.version and p.customer = u.customer))
   -- Where others have paid for the customer, too: the calls of the days that this payer pays for.
   and (not exists (select from bill_run_stay s where s.operator = u.operator and s.run = $5
       and s.customer = u.customer)
     or exists (select from bill_run_stay s where s.operator = u.operator and s.run = $5 and s.customer = u.customer
       and s.payer = $6 and (s.since is null or u.start >= s.since::timestamp at time zone $7)
       and (s.until is null or u.start < s.until::timestamp at time zone $7)))
 order by u.customer, u.subscription, u.start, u.source, u.key, u.version
"""


class InvoiceStore:
    """Keeps ``domain.ports.invoices.Invoices``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)
        self._ready: dict[CustomerId, tuple[Sequence[Line], list[str]]] = {}

    async def _where(self, condition: str, *arguments: Any) -> list[Invoice]:
        """Return the invoices of a condition with their lines, in two statements whatever their number."""
        connection = self._transaction.connection
        rows = await connection.fetch(
            f"select * from invoice where operator = $1 and {condition}",  # noqa: S608  (this module's own words)
            self._operator,
            *arguments,
        )
        lines: dict[int, list[Line]] = defaultdict(list)
        if rows:
            found = await connection.fetch(
                "select l.* from invoice_line l"
                " join unnest($2::bigint[], $3::bigint[]) as i (customer, id)"
                " on l.customer = i.customer and l.invoice = i.id"
                " where l.operator = $1 order by l.customer, l.invoice, l.position",
                *(self._operator, [row["customer"] for row in rows], [row["id"] for row in rows]),
            )
            for line in found:
                lines[line["invoice"]].append(line_from_row(line))
        return [from_row(row, lines[row["id"]]) for row in rows]

    async def get(self, key: InvoiceId) -> Invoice:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or _missing(key)

    async def by_number(self, number: str, kind: DocumentKind = DocumentKind.INVOICE) -> Invoice:
        """Return the one with this number. Refuses with: NotFound."""
        found = await self._where("kind = $2 and number = $3", kind.value, number)
        return found[0] if found else _missing(number)

    async def by_numbers(self, numbers: Sequence[str]) -> Mapping[str, Invoice]:
        """Return the invoices that have these numbers and may be seen."""
        found = await self._where("kind = 'invoice' and number = any ($2::text[])", list(numbers))
        return {one.number: one for one in found}

    async def many(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Invoice]:
        """Return those that exist and may be seen."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._where("id = any ($2::bigint[]) order by id", wanted)}

    async def page(
        self,
        request: PageRequest,
        *,
        customer: CustomerId | None = None,
        run: BillRunId | None = None,
        doubles: Sequence[CustomerId] = (),
        chosen: Chosen | None = None,
    ) -> Page[Invoice]:
        """List by key; of a customer, with those of doubles that were merged into it."""
        only = chosen or Chosen()
        found = await self._where(
            "id > $2 and ($3::bigint[] is null or customer = any ($3)) and ($4::bigint is null or run = $4)"
            " and ($5::text is null or kind = $5) and ($6::date is null or issued_on >= $6)"
            f" and ($7::date is null or issued_on < $7) order by id limit {request.first + 1}",
            *(request.after or 0, None if customer is None else [customer, *doubles], run),
            *(only.kind and only.kind.value, only.since, only.until),
        )
        return Page.of(found, request)

    async def received(self, request: PageRequest, buyers: Mapping[CustomerId, date]) -> Page[Invoice]:
        """List by key those of payers whose periods end after a day, each payer's own."""
        found = await self._where(
            "id > $2 and customer = any ($3::bigint[]) and period_end > (select since from"  # noqa: S608  (a number)
            " unnest($3::bigint[], $4::date[]) as b (customer, since) where b.customer = invoice.customer)"
            f" order by id limit {request.first + 1}",
            *(request.after or 0, list(buyers.keys()), list(buyers.values())),
        )
        return Page.of(found, request)

    async def of_customers(
        self, keys: Sequence[CustomerId], *, first: int = 50
    ) -> Mapping[CustomerId, Sequence[Invoice]]:
        """Return the latest ``first`` invoices of each payer, by key."""
        found = await self._where(
            "id in (select i.id from unnest($2::bigint[]) as c (id) cross join lateral (select id from invoice"
            " where operator = $1 and customer = c.id order by id desc limit $3) i) order by id",
            *(possible(keys), first),
        )
        each: dict[CustomerId, list[Invoice]] = {key: [] for key in keys}
        for invoice in found:
            each[invoice.customer].append(invoice)
        return each

    async def credited(self, number: str) -> Sequence[Invoice]:
        """Return the credit notes that name this invoice."""
        return await self._where("kind = 'credit_note' and original = $2 order by id", number)

    async def credit_notes(self, numbers: Sequence[str]) -> Mapping[str, Sequence[Invoice]]:
        """Return the credit notes that name each invoice, by its number."""
        found = await self._where("kind = 'credit_note' and original = any ($2::text[]) order by id", list(numbers))
        return {number: [one for one in found if one.original == number] for number in numbers}

    async def correcting(self, number: str) -> Sequence[Invoice]:
        """Return the documents with a line that corrects this invoice, by key."""
        return await self._where(
            "id in (select l.invoice from invoice_line l where l.operator = $1 and l.corrects = $2) order by id", number
        )

    async def calls(self, invoice: Invoice) -> AsyncIterator[Sequence[CallRow]]:
        """Yield the events behind its usage lines in blocks, by customer, subscription, start; free ones left out."""
        connection = self._transaction.connection
        row = await connection.fetchrow(
            # One that was issued anew shows the calls of the one that billed them.
            "with recursive first as (select i.*, 0 as depth from invoice i where i.operator = $1 and i.id = $2"
            " union all select i.*, f.depth + 1 from first f join invoice i on i.operator = $1 and i.kind = 'invoice'"
            " and i.number = f.replaces where f.depth < 100)"
            " select i.run, i.customer, i.usage_until, i.horizon, o.zone from first i"
            " join operator o on o.id = i.operator order by i.depth desc limit 1",
            *(self._operator, invoice.id),
        )
        if row is None or row["horizon"] is None:
            return
        labels = {line.subscription: line.label or "" for line in invoice.lines if line.subscription}
        customers = sorted({line.customer for line in invoice.lines if line.kind is LineKind.USAGE})
        block: list[CallRow] = []
        seen = (row["usage_until"], row["horizon"], row["run"])
        arguments = (self._operator, customers, *seen, row["customer"], row["zone"])
        async for each in connection.cursor(_CALLS, *arguments, prefetch=CALLS_PER_BLOCK):
            block.append(
                CallRow(
                    customer=each["customer"],
                    subscription=each["subscription"],
                    label=labels.get(each["subscription"], ""),
                    start=each["start"],
                    mode=each["mode"],
                    direction=_DIRECTIONS[each["direction"]],
                    number=masked(each["number"], invoice.mask_digits),
                    destination=each["destination"],
                    used=each["used"],
                    amount_micro=each["retail_micro"],
                )
            )
            if len(block) == CALLS_PER_BLOCK:
                yield block
                block = []
        if block:
            yield block

    async def draw(
        self, kind: DocumentKind, count: int, *, seller: ResellerId | None = None, on: date | None = None
    ) -> tuple[Sequence[InvoiceId], Sequence[str]]:
        """Draw keys and numbers of the seller's series, whose row stays locked until the unit ends."""
        if count == 0:
            return [], []
        connection = self._transaction.connection
        row = await connection.fetchrow(
            "insert into series as s (operator, name, next, prefix) values ($1, $2, $3::bigint + $4, $5)"
            # The row of a yearly series is locked alike, and stays as it is: its years count.
            " on conflict (operator, name) do update set next = s.next + case when s.yearly then 0 else $4 end"
            " returning next, prefix, yearly",
            *(self._operator, name_of(kind.value, seller), FIRST_NUMBER, count, default_prefix(seller)),
        )
        following, prefix = row["next"], row["prefix"]
        year = (on or datetime.now(UTC).date()).year
        if row["yearly"]:
            following = await connection.fetchval(
                "insert into series as s (operator, name, next, prefix) values ($1, $2, 1 + $3::bigint, $4)"
                " on conflict (operator, name) do update set next = s.next + $3 returning next",
                # Its own prefix is never shown; it only differs from that of every other seller.
                *(self._operator, yearly_name(kind.value, seller, year), count, f"Y{seller or 0}-"),
            )
        drawn = await connection.fetch(
            "select nextval(pg_get_serial_sequence('invoice', 'id')) as id from generate_series(1, $1::int)", count
        )
        places = range(following - count, following)
        numbers = [yearly_number(prefix, year, one) if row["yearly"] else f"{prefix}{one}" for one in places]
        return sorted(InvoiceId(row["id"]) for row in drawn), numbers

    async def prepare(self, drafts: Sequence[Invoice]) -> None:
        """Make ready what can be written of invoices before they have numbers."""
        if await may_copy(self._transaction.connection):
            self._ready = {draft.customer: (draft.lines, _texts(draft.lines)) for draft in drafts}

    async def issue(self, invoices: Sequence[Invoice]) -> None:
        """Keep numbered invoices with their lines."""
        if not invoices:
            return
        connection = self._transaction.connection
        seen = await self._seen_usage(invoices)
        rows = [to_row(invoice, *seen.get(invoice.run or 0, (None, None))) for invoice in invoices]
        await insert_rows(connection, "invoice", INVOICE_COLUMNS, rows)
        if await may_copy(connection):
            source = io.BytesIO("".join(self._written(invoices)).encode())
            await connection.copy_to_table("invoice_line", source=source, columns=LINE_COLUMNS, format="text")
        else:
            lines = [line_to_row(invoice, line) for invoice in invoices for line in invoice.lines]
            await insert_rows(connection, "invoice_line", LINE_COLUMNS, lines)

    def _written(self, invoices: Sequence[Invoice]) -> Iterator[str]:
        """Yield the rows of lines as COPY reads them."""
        for invoice in invoices:
            lines, texts = self._ready.get(invoice.customer, (None, []))
            if lines is not invoice.lines:
                texts = _texts(invoice.lines)
            key = text_row((invoice.operator, invoice.customer, invoice.id))
            for text in texts:
                yield f"{key}\t{text}\n"

    async def _seen_usage(self, invoices: Sequence[Invoice]) -> dict[int, tuple[Any, Any]]:
        """Return, for each run, the instant its usage ends at and its horizon."""
        runs = sorted({invoice.run for invoice in invoices if invoice.run})
        found = await self._transaction.connection.fetch(
            "select r.id, r.period_end::timestamp at time zone o.zone as until, r.horizon from bill_run r"
            " join operator o on o.id = r.operator where r.operator = $1 and r.id = any ($2::bigint[])",
            *(self._operator, runs),
        )
        return {row["id"]: (row["until"], row["horizon"]) for row in found}


def _texts(lines: Sequence[Line]) -> list[str]:
    """Return what stands in lines' rows behind their invoice's key, as COPY reads it."""
    return [text_row(line_cells(line)) for line in lines]


def _missing(key: object) -> NoReturn:
    raise NotFound("no invoice {key}", key=key)
