"""Whom the operator owes, and the documents that he has written for them, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.access.frozen import freeze, thaw
from domain.ids import SupplierId
from domain.invoicing.invoice import CreditScope, DocumentKind, Invoice
from domain.period import Period
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale, WrongState
from domain.selfbilling.document import Answer, Commission, Owed, SelfBilled
from domain.selfbilling.supplier import Supplier
from persistence.engine import Transaction
from persistence.locks import CHUNKS, SUPPLIERS
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists
from persistence.memory_intake import usage_names
from persistence.memory_invoices import usage_rows
from persistence.usage import currencies_of
from persistence.violations import refusing

CHUNK_SECONDS: Final = 600
OWED_SECONDS: Final = 3600
FIRST_NUMBER: Final = 1
DOCUMENTS_MAX: Final = 100_000
_DIRECTIONS: Final = ("out", "in")
_COLUMNS: Final = (
    "supplier", "kind", "number", "issued_on", "period_start", "period_end", "currency", "net", "vat", "total",
    "original", "trunks", "since", "until", "horizon", "document",
)  # fmt: skip
_SHOWN: Final = (
    "select b.*, array(select s.statement from self_billed_statement s where s.operator = b.operator"
    " and s.document = b.id order by 1) as statements from self_billed b where b.operator = $1 and"
)

# $1 operator, $2 supplier, $3 trunks, $4 since, $5 start of the period, $6 until, $7 horizon, $8 zone, $9 rates,
# $10 their currencies.
_OWED: Final = """
select s.trunk, s.mode, s.direction, coalesce(d.groups[1], d.name, '') as group_name, r.currency, s.late,
       (min(s.first) at time zone $8)::date as first, sum(s.events)::bigint as events, sum(s.used)::bigint as used,
       sum(s.amount)::bigint as amount_micro, n.number as corrects
  from (
    select u.trunk, u.mode, u.direction, u.destination, u.cost_rate, u.start < $5 as late, min(u.start) as first,
           sum(case u.version % 2 when 1 then 1 else -1 end) as events, sum(u.used) as used,
           sum(u.cost_micro) as amount,
           -- The document that had the event before it was rated again.
           case when u.version > 1 then (
               select min(b.id) from usage p join self_billed b on b.operator = p.operator and b.supplier = $2
                  and not b.released and p.trunk = any (b.trunks) and p.start >= b.since and p.start < b.until
                  and p.chunk <= b.horizon
                where p.operator = u.operator and p.start = u.start and p.source = u.source and p.key = u.key
                  and p.version < u.version) end as billed_by
      from usage u
     where u.operator = $1 and u.trunk = any ($3::text[]) and u.start >= $4 and u.start < $6 and u.chunk <= $7
       and u.cost_micro is not null
       -- Whosever the document is: a trunk may have become another's since.
       and not exists (select from self_billed b where b.operator = u.operator and b.trunks && $3::text[]
           and not b.released and u.trunk = any (b.trunks) and u.start >= b.since and u.start < b.until
           and u.chunk <= b.horizon)
     group by u.trunk, u.mode, u.direction, u.destination, u.cost_rate, u.start < $5, billed_by
  ) s
  join unnest($9::bigint[], $10::text[]) as r (rate, currency) on r.rate = s.cost_rate
  left join destination d on d.operator = $1 and d.id = s.destination
  left join self_billed n on n.operator = $1 and n.id = s.billed_by
 -- What was credited as a whole was given back already, and nothing is owed for it anew.
 where n.number is null or not exists (select from self_billed c where c.operator = $1 and c.original = n.number
    and c.document ->> 'credit' = 'whole')
 group by s.trunk, s.mode, s.direction, coalesce(d.groups[1], d.name, ''), r.currency, s.late, n.number
having sum(s.amount) <> 0
 order by s.trunk, s.mode, s.direction, 4, r.currency, s.late, n.number
"""


class SelfBillingStore:
    """Keeps ``domain.ports.self_billing.SelfBilling``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def suppliers(self) -> Sequence[Supplier]:
        """Return them by code."""
        rows = await self._connection.fetch("select * from supplier where operator = $1 order by code", self._operator)
        return [_supplier_of(row) for row in rows]

    async def hold(self) -> None:
        """Let whoever keeps suppliers follow one another."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", SUPPLIERS, self._operator)

    async def put(self, supplier: Supplier) -> Supplier:
        """Keep a new one, or a changed one where the stored version is its own."""
        details = json.dumps(freeze(supplier), ensure_ascii=False)
        missing = {
            "supplier_operator_code_key": Conflict("the code {code} is taken", code=supplier.code, field="code"),
            "supplier_operator_reseller_fkey": NotFound("no reseller {key}", key=supplier.reseller, field="reseller"),
        }
        with refusing(missing):
            if not supplier.id:
                row = await self._connection.fetchrow(
                    "insert into supplier (operator, code, reseller, details) values ($1, $2, $3, $4) returning *",
                    *(self._operator, supplier.code, supplier.reseller, details),
                )
                return _supplier_of(row)
            row = await self._connection.fetchrow(
                "update supplier set reseller = $4, details = $5, version = version + 1"
                " where operator = $1 and id = $2 and version = $3 returning *",
                *(self._operator, supplier.id, supplier.version, supplier.reseller, details),
            )
        if row is None:
            raise _stale(supplier.code)
        return _supplier_of(row)

    async def claim(self, code: str) -> Supplier:
        """Return one, held until the unit ends. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            "select * from supplier where operator = $1 and code = $2 for update", self._operator, code
        )
        if row is None:
            raise _no_supplier(code)
        return _supplier_of(row)

    async def horizon(self) -> int:
        """Return the last chunk of usage."""
        # Everybody who commits a chunk holds this lock shared, from before its id is drawn.
        await self._connection.execute(f"set local lock_timeout = '{CHUNK_SECONDS}s'")
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", CHUNKS, self._operator)
        found = await self._connection.fetchval(
            "select coalesce(max(id), 0) from chunk where operator = $1", self._operator
        )
        return int(found)

    async def owed(
        self, supplier: Supplier, *, since: datetime, start: datetime, until: datetime, horizon: int, zone: str
    ) -> Sequence[Owed]:
        """Add up what calls over his trunks cost and no document has."""
        if not supplier.trunks:
            return []
        await self._connection.execute(f"set local statement_timeout = '{OWED_SECONDS}s'")
        currencies = await currencies_of(self._connection, self._operator)
        rows = await self._connection.fetch(
            _OWED,
            *(self._operator, supplier.id, list(supplier.trunks), since, start, until, horizon, zone),
            *(list(currencies), list(currencies.values())),
        )
        same = ("trunk", "mode", "currency", "late", "first", "events", "used", "amount_micro", "corrects")
        return [
            Owed(
                direction=_DIRECTIONS[row["direction"]],
                group=row["group_name"],
                **{name: row[name] for name in same},
            )
            for row in rows
        ]

    async def commissions(self, supplier: Supplier, *, since: date, until: date) -> Sequence[Commission]:
        """Return the lines of his reseller that no document has."""
        rows = await self._connection.fetch(
            "select l.statement, s.period_start, s.period_end, l.rule, l.salesperson, s.currency, l.commission"
            " from commission_line l join commission_statement s on s.operator = l.operator and s.id = l.statement"
            " where l.operator = $1 and l.reseller = $2 and s.period_start >= $3 and s.period_end <= $4"
            " and not exists (select from self_billed_statement b where b.operator = l.operator"
            " and b.reseller = l.reseller and b.statement = l.statement) order by l.statement, l.position",
            *(self._operator, supplier.reseller, since, until),
        )
        return [
            Commission(
                statement=row["statement"],
                period=Period(row["period_start"], row["period_end"]),
                rule=row["rule"],
                salesperson=row["salesperson"],
                currency=row["currency"],
                amount=row["commission"],
            )
            for row in rows
        ]

    async def draw(self, supplier: Supplier, kind: DocumentKind) -> str:
        """Draw the next number of the supplier's series."""
        following = await self._connection.fetchval(
            "insert into series as s (operator, name, next) values ($1, $2, $3::bigint + 1)"
            " on conflict (operator, name) do update set next = s.next + 1 returning next",
            *(self._operator, f"self_billed_{kind.value}/{supplier.id}", FIRST_NUMBER),
        )
        return numbered_as(supplier, kind, following - 1)

    async def issue(self, document: SelfBilled) -> SelfBilled:
        """Keep a numbered document."""
        invoice = document.invoice
        values = (
            document.supplier, invoice.kind.value, invoice.number, invoice.issued_on, invoice.period.start,
            invoice.period.end, invoice.currency, invoice.net, invoice.vat_total, invoice.total, invoice.original,
            list(document.trunks) if document.since else None, document.since, document.until, document.horizon,
            json.dumps(freeze(invoice), ensure_ascii=False),
        )  # fmt: skip
        places = ", ".join(f"${index}" for index in range(2, len(values) + 2))
        key = await self._connection.fetchval(
            f"insert into self_billed (operator, {', '.join(_COLUMNS)}) values ($1, {places}) returning id",  # noqa: S608  (our own words)
            *(self._operator, *values),
        )
        await self._connection.executemany(
            "insert into self_billed_statement (operator, supplier, statement, document, reseller)"
            " values ($1, $2, $3, $4, $5)",
            [(self._operator, document.supplier, one, key, document.reseller) for one in document.statements],
        )
        return replace(document, id=key)

    async def page(self, request: PageRequest, *, supplier: str | None = None) -> Page[SelfBilled]:
        """List documents by key."""
        rows = await self._connection.fetch(
            f"{_SHOWN} b.id > $2 and ($3::text is null or b.supplier ="  # noqa: S608  (our own words)
            " (select id from supplier where operator = $1 and code = $3)) order by b.id limit $4",
            *(self._operator, request.after or 0, supplier, request.first + 1),
        )
        return Page.of([_document_of(row) for row in rows], request)

    async def issued(self, since: date, until: date) -> Sequence[SelfBilled]:
        """Return the documents dated in days, by key."""
        rows = await self._connection.fetch(
            f"{_SHOWN} b.issued_on >= $2 and b.issued_on < $3 order by b.id limit $4",
            *(self._operator, since, until, DOCUMENTS_MAX),
        )
        return [_document_of(row) for row in rows]

    async def by_number(self, number: str, *, held: bool = True) -> SelfBilled:
        """Return one, held until the unit ends unless it is only looked at. Refuses with: NotFound."""
        row = await self._connection.fetchrow(f"{_SHOWN} b.number = $2", self._operator, number)
        if row is None:
            raise _no_document(number)
        if not held:
            return _document_of(row)
        # Whoever changes one holds its supplier, as who makes one does.
        await self._connection.execute(
            "select from supplier where operator = $1 and id = $2 for update", self._operator, row["supplier"]
        )
        row = await self._connection.fetchrow(f"{_SHOWN} b.number = $2", self._operator, number)
        return _document_of(row)

    async def correcting(self, document: SelfBilled) -> Sequence[SelfBilled]:
        """Return the documents with a line that corrects this one and were not taken back, by key."""
        rows = await self._connection.fetch(
            f"{_SHOWN} b.supplier = $2 and b.id > $3 and not b.released and exists (select from"
            " jsonb_array_elements(b.document -> 'lines') l where l ->> 'corrects' = $4) order by b.id",
            *(self._operator, document.supplier, document.id, document.invoice.number),
        )
        return [_document_of(row) for row in rows]

    async def release(self, document: SelfBilled) -> None:
        """Let what stands on a document be owed again. Refuses with: WrongState (a later one was made)."""
        later = await self._connection.fetchval(
            "select number from self_billed where operator = $1 and (supplier = $2 or trunks && $4::text[]) and id > $3"
            " and until is not null and not released order by id limit 1",
            *(self._operator, document.supplier, document.id, list(document.trunks)),
        )
        if later is not None:
            raise _not_last(document, later)
        await self._connection.execute(
            "update self_billed set released = true where operator = $1 and id = $2", self._operator, document.id
        )
        await self._connection.execute(
            "delete from self_billed_statement where operator = $1 and document = $2", self._operator, document.id
        )

    async def answer(self, document: SelfBilled, answer: Answer, *, at: datetime, remark: str) -> None:
        """Keep what the supplier says of a document."""
        await self._connection.execute(
            "update self_billed set answer = $3, answered_at = $4, remark = $5 where operator = $1 and id = $2",
            *(self._operator, document.id, answer.value, at, remark),
        )


def numbered_as(supplier: Supplier, kind: DocumentKind, count: int) -> str:
    """Return a number of a supplier's series: unbroken, and no other series comes to it."""
    return f"{'SBC' if kind is DocumentKind.CREDIT_NOTE else 'SB'}{supplier.id}-{count:05d}"


def _supplier_of(row: Mapping[str, Any]) -> Supplier:
    return replace(thaw(Supplier, json.loads(row["details"])), id=row["id"], version=row["version"])


def _document_of(row: Mapping[str, Any]) -> SelfBilled:
    same = ("id", "supplier", "since", "until", "horizon", "released", "answered_at", "remark")
    return SelfBilled(
        invoice=thaw(Invoice, json.loads(row["document"])),
        trunks=tuple(row["trunks"] or ()),
        statements=tuple(row["statements"]),
        answer=Answer(row["answer"]) if row["answer"] else None,
        **{name: row[name] for name in same},
    )


def _no_supplier(code: str) -> NotFound:
    return NotFound("no supplier {code}", code=code, field="supplier")


def _no_document(number: str) -> NotFound:
    return NotFound("no self-billed document {number}", number=number, field="number")


def _stale(code: str) -> Stale:
    return Stale("supplier {code} has changed since it was read", code=code, field="version")


def _not_last(document: SelfBilled, later: str) -> WrongState:
    return WrongState(
        "only a supplier's last document can be made anew, and {later} was made after {number}: credit an amount of it",
        later=later,
        number=document.invoice.number,
        field="again",
    )


class MemorySelfBilling:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    def _visible(self) -> bool:
        return self._draft.bulk or self._draft.actor.reseller is None

    def _suppliers(self) -> list[Supplier]:
        rows = self._draft.table("supplier").values() if self._visible() else ()
        return [one for one in rows if one.operator == self._operator]

    def _documents(self) -> list[SelfBilled]:
        rows = self._draft.table("self_billed") if self._visible() else {}
        return [rows[key] for key in sorted(rows) if rows[key].invoice.operator == self._operator]

    async def suppliers(self) -> Sequence[Supplier]:
        """Return them by code."""
        return sorted(self._suppliers(), key=lambda one: one.code)

    async def hold(self) -> None:
        """Nobody else is there: the unit has everything locked."""

    async def put(self, supplier: Supplier) -> Supplier:
        """Keep a new one, or a changed one where the stored version is its own."""
        others = {one.code: one for one in self._suppliers()}
        if not supplier.id and supplier.code in others:
            raise Conflict("the code {code} is taken", code=supplier.code, field="code")
        if not exists(self._draft, "reseller", supplier.reseller, self._operator):
            raise NotFound("no reseller {key}", key=supplier.reseller, field="reseller")
        rows = self._draft.table("supplier")
        if supplier.id and rows[supplier.id].version != supplier.version:
            raise _stale(supplier.code)
        kept = replace(
            supplier,
            id=supplier.id or SupplierId(self._draft.draw("supplier")),
            version=supplier.version + 1 if supplier.id else 1,
        )
        rows[kept.id] = kept
        return kept

    async def claim(self, code: str) -> Supplier:
        """Return one. Refuses with: NotFound."""
        for one in self._suppliers():
            if one.code == code:
                return one
        raise _no_supplier(code)

    async def horizon(self) -> int:
        """Return the last chunk of usage."""
        return max((row.event.chunk for row in usage_rows(self._draft)), default=0)

    async def owed(
        self, supplier: Supplier, *, since: datetime, start: datetime, until: datetime, horizon: int, zone: str
    ) -> Sequence[Owed]:
        """Add up what calls over his trunks cost and no document has."""
        made = [one for one in self._documents() if one.until and not one.released]
        mine = [one for one in made if one.supplier == supplier.id]
        whole = {one.invoice.original for one in self._documents() if one.invoice.credit is CreditScope.WHOLE}
        groups = usage_names(self._draft)[1]
        sums: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        own = [row.event for row in usage_rows(self._draft)]
        for event in own:
            if event.cost is None or event.trunk not in supplier.trunks or not since <= event.start < until:
                continue
            if event.chunk > horizon or any(_has(one, event) for one in made):
                continue
            before = [one for one in own if one.ref == event.ref and one.version < event.version]
            by = min((doc.id for doc in mine for one in before if _has(doc, one)), default=None)
            number = next((doc.invoice.number for doc in mine if doc.id == by), None)
            if number is not None and number in whole:
                continue  # given back already
            group = groups.get(event.destination, event.destination)
            place = (event.trunk, event.mode, event.direction, group, event.cost.amount.currency, event.start < start)
            sums[*place, number].append(event)
        found = [
            Owed(
                trunk=place[0],
                mode=place[1],
                direction=place[2],
                group=place[3],
                currency=place[4],
                late=place[5],
                first=min(one.start for one in each).astimezone(ZoneInfo(zone)).date(),
                events=sum(1 if one.version % 2 else -1 for one in each),
                used=sum(one.used for one in each),
                amount_micro=sum(int(one.cost.amount.value.scaleb(6)) for one in each),
                corrects=place[6],
            )
            for place, each in sorted(sums.items(), key=lambda one: (*one[0][:6], one[0][6] is None, one[0][6] or ""))
        ]
        return [one for one in found if one.amount_micro]

    async def commissions(self, supplier: Supplier, *, since: date, until: date) -> Sequence[Commission]:
        """Return the lines of his reseller that no document has."""
        done = {key for one in self._documents() if one.reseller == supplier.reseller for key in one.statements}
        rows = self._draft.table("commission_statement")
        return [
            Commission(
                statement=key,
                period=rows[key].period,
                rule=line.rule,
                salesperson=line.salesperson,
                currency=rows[key].currency,
                amount=line.commission,
            )
            for key in sorted(rows)
            if rows[key].operator == self._operator and key not in done
            and since <= rows[key].period.start and rows[key].period.end <= until
            for line in rows[key].lines
            if supplier.reseller is not None and line.reseller == supplier.reseller
        ]  # fmt: skip

    async def draw(self, supplier: Supplier, kind: DocumentKind) -> str:
        """Draw the next number of the supplier's series."""
        return numbered_as(supplier, kind, self._draft.draw(f"self_billed_{kind.value}/{supplier.id}"))

    async def issue(self, document: SelfBilled) -> SelfBilled:
        """Keep a numbered document."""
        kept = replace(document, id=self._draft.draw("self_billed"))
        self._draft.table("self_billed")[kept.id] = kept
        return kept

    async def page(self, request: PageRequest, *, supplier: str | None = None) -> Page[SelfBilled]:
        """List documents by key."""
        named = {one.id for one in self._suppliers() if supplier in {None, one.code}}
        return page_of((one for one in self._documents() if one.supplier in named), request, lambda one: one.id)

    async def issued(self, since: date, until: date) -> Sequence[SelfBilled]:
        """Return the documents dated in days, by key."""
        return [one for one in self._documents() if since <= one.invoice.issued_on < until]

    async def by_number(self, number: str, *, held: bool = True) -> SelfBilled:
        """Return one. Refuses with: NotFound."""
        del held
        for one in self._documents():
            if one.invoice.number == number:
                return one
        raise _no_document(number)

    async def correcting(self, document: SelfBilled) -> Sequence[SelfBilled]:
        """Return the documents with a line that corrects this one and were not taken back, by key."""
        number = document.invoice.number
        there = [one for one in self._documents() if not one.released]
        return [one for one in there if any(line.corrects == number for line in one.invoice.lines)]

    async def release(self, document: SelfBilled) -> None:
        """Let what stands on a document be owed again. Refuses with: WrongState (a later one was made)."""
        for one in self._documents():
            near = one.supplier == document.supplier or set(one.trunks) & set(document.trunks)
            if near and one.id > document.id and one.until and not one.released:
                raise _not_last(document, one.invoice.number)
        self._draft.table("self_billed")[document.id] = replace(document, released=True, statements=())

    async def answer(self, document: SelfBilled, answer: Answer, *, at: datetime, remark: str) -> None:
        """Keep what the supplier says of a document."""
        kept = replace(document, answer=answer, answered_at=at, remark=remark)
        self._draft.table("self_billed")[document.id] = kept


def _has(document: SelfBilled, event: Any) -> bool:
    """Tell whether an event, or an earlier version of it, stands on a document of its trunk's supplier."""
    assert document.since is not None
    assert document.until is not None
    assert document.horizon is not None
    seen = event.trunk in document.trunks and document.since <= event.start < document.until
    return bool(seen and event.chunk <= document.horizon)
