"""What is open over all customers, and where the books differ, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.collection.interest import Step
from domain.ids import CustomerId, InvoiceId, ResellerId
from domain.invoicing.invoice import NOT_HUNDREDTHS, decimals_of
from domain.ledger.ageing import OpenAmount
from domain.ledger.entry import BAS
from domain.ledger.tying import Difference, Rule
from persistence.engine import Transaction
from persistence.violations import possible

# A currency's minor units in one, as SQL: our own words.
_SCALE: Final = (
    "case "
    + " ".join(f"when {{0}} = '{code}' then {10 ** decimals_of(code)}" for code in NOT_HUNDREDTHS)
    + " else 100 end"
)
_MINOR: Final = f"(i.total * {_SCALE.format('i.currency')})::bigint"

# What was applied by the end of a day ($2; null: up to now), by the days of the ledger entries that went with it.
_IN_FORCE: Final = """($2::date is null and a.undone_at is null
       or a.booked_on <= $2 and (a.undone_on is null or a.undone_on > $2))"""
# An invoice and the credit notes that name it stand together, as domain.payments.open_items says; a claim stands alone.
_OPEN: Final = f"""
with applied as (
    select a.invoice, sum(a.amount_minor)::bigint as applied from allocation a
     where a.operator = $1 and a.invoice is not null and {_IN_FORCE} group by a.invoice),
documents as (
    select coalesce(i.original, i.number) as name, i.customer, i.currency,
           sum({_MINOR} - coalesce(a.applied, 0))::bigint as open_minor,
           coalesce(min(i.due_on) filter (where i.kind = 'invoice'), min(i.due_on)) as due_on,
           min(i.id) filter (where i.kind = 'invoice') as invoice
      from invoice i left join applied a on a.invoice = i.id
     where i.operator = $1 and i.seller is null and ($2::date is null or i.issued_on <= $2)
       and ($3::bigint[] is null or i.customer = any ($3))
     group by 1, 2, 3),
claims as (
    select c.kind, c.text as name, c.customer, c.currency, c.due_on, c.invoice,
           c.amount_minor - coalesce((select sum(a.amount_minor) from allocation a
               where a.operator = c.operator and a.claim = c.id and {_IN_FORCE}), 0)::bigint as open_minor
      from claim c
     where c.operator = $1 and ($3::bigint[] is null or c.customer = any ($3)) and c.entry is not null
       and ($2::date is null and c.withdrawn_on is null
            or c.claimed_on <= $2 and (c.withdrawn_on is null or c.withdrawn_on > $2)))
select case when open_minor > 0 then 'invoice' else 'credit_note' end as kind, name, customer, currency, open_minor,
       due_on, invoice from documents where open_minor <> 0
union all
select kind, name, customer, currency, open_minor, due_on, invoice from claims where open_minor <> 0
 order by customer, due_on, name, kind"""  # noqa: S608  (our own words)
_HISTORY: Final = f"""
with members as (
    select i.id as invoice, m.id, m.issued_on, m.total, m.currency from invoice i
      join invoice m on m.operator = i.operator and (m.id = i.id or m.kind = 'credit_note' and m.original = i.number)
     where i.operator = $1 and i.id = any ($2::bigint[]))
select invoice, issued_on as day, (i.total * {_SCALE.format("i.currency")})::bigint as change from members i
union all
select m.invoice, a.booked_on, -sum(a.amount_minor)::bigint from members m
  join allocation a on a.operator = $1 and a.invoice = m.id group by 1, 2
union all
select m.invoice, a.undone_on, sum(a.amount_minor)::bigint from members m
  join allocation a on a.operator = $1 and a.invoice = m.id and a.undone_on is not null group by 1, 2"""  # noqa: S608  (our own words)

_BALANCE: Final = """
select 'all postings' as what, currency, sum(amount_minor)::bigint as ledger, 0::bigint as books
  from ledger_posting where operator = $1 group by currency having sum(amount_minor) <> 0"""
_UNBOOKED: Final = f"""
with booked as (
    select e.key, e.customer, p.currency, sum(p.amount_minor)::bigint as amount
      from ledger_entry e
      join ledger_posting p on p.operator = e.operator and p.entry = e.id and p.account = '{BAS.receivable}'
     where e.operator = $1 and (e.key like 'invoice:%' or e.key like 'credit\\_note:%') group by 1, 2, 3),
documents as (
    select i.kind || ':' || i.number as key, i.customer, i.currency, {_MINOR} as amount from invoice i
     where i.operator = $1 and i.seller is null and i.total <> 0)
select coalesce(d.key, b.key) as what, coalesce(d.currency, b.currency) as currency, coalesce(b.amount, 0) as ledger,
       coalesce(d.amount, 0) as books
  from documents d full join booked b on b.key = d.key and b.currency = d.currency and b.customer = d.customer
 where coalesce(b.amount, 0) <> coalesce(d.amount, 0) order by 1 limit $2"""  # noqa: S608  (our own words)
_SIGNED: Final = "case when y.kind = 'payment' then y.amount_minor else -y.amount_minor end"
_PAYMENTS: Final = f"""
with booked as (
    select e.key, p.currency, sum(p.amount_minor)::bigint as amount from ledger_entry e
      join ledger_posting p on p.operator = e.operator and p.entry = e.id and p.account = '{BAS.bank}'
     where e.operator = $1 and e.key like 'payment:%' group by 1, 2),
told as (select y.id, y.entry as key, coalesce(y.paid_currency, y.currency) as currency,
                case when y.kind = 'payment' then 1 else -1 end * coalesce(y.paid_minor, y.amount_minor) as amount
           from payment y where y.operator = $1 and y.entry is not null)
select coalesce('payment:' || t.id, b.key) as what, coalesce(t.currency, b.currency) as currency,
       coalesce(b.amount, 0) as ledger, coalesce(t.amount, 0) as books
  from told t full join booked b on b.key = t.key and b.currency = t.currency
 where coalesce(b.amount, 0) <> coalesce(t.amount, 0) order by 1 limit $2"""  # noqa: S608  (our own words)
_UNALLOCATED: Final = f"""
with booked as (select currency, sum(amount_minor)::bigint as amount from ledger_posting
                 where operator = $1 and account = '{BAS.unallocated}' group by 1),
told as (select y.currency, -sum({_SIGNED})::bigint as amount from payment y
          where y.operator = $1 and y.entry is not null and y.state = 'unallocated' group by 1)
select 'account {BAS.unallocated}' as what, coalesce(t.currency, b.currency) as currency,
       coalesce(b.amount, 0) as ledger, coalesce(t.amount, 0) as books
  from told t full join booked b on b.currency = t.currency
 where coalesce(b.amount, 0) <> coalesce(t.amount, 0)"""  # noqa: S608  (our own words)
_ON_THE_WAY: Final = """
with booked as (select currency, sum(amount_minor)::bigint as amount from ledger_posting
                 where operator = $1 and account = $2 group by 1),
told as (select currency, {sign}sum(amount_minor)::bigint as amount from {table}
          where operator = $1 and state = any ('{states}') group by 1)
select 'account ' || $2::text as what, coalesce(t.currency, b.currency) as currency, coalesce(b.amount, 0) as ledger,
       coalesce(t.amount, 0) as books
  from told t full join booked b on b.currency = t.currency
 where coalesce(b.amount, 0) <> coalesce(t.amount, 0)"""
_IN_TRANSIT: Final = _ON_THE_WAY.format(sign="", table="debit_order", states="{sent}")
_PAYOUTS: Final = _ON_THE_WAY.format(sign="-", table="refund", states="{requested,sent}")
# Of a document or a claim no more is applied than it comes to, and of a payment no more than it is.
_BEYOND: Final = f"""
with applied as (select invoice, sum(amount_minor)::bigint as applied from allocation
                  where operator = $1 and undone_at is null and invoice is not null group by invoice)
select i.kind || ':' || i.number as what, i.currency, {_MINOR} as ledger, a.applied as books
  from applied a join invoice i on i.operator = $1 and i.id = a.invoice
 where a.applied not between least({_MINOR}, 0) and greatest({_MINOR}, 0)
union all
select 'claim:' || c.id, c.currency, c.amount_minor, sum(a.amount_minor)::bigint from claim c
  join allocation a on a.operator = c.operator and a.claim = c.id and a.undone_at is null
 where c.operator = $1 group by c.id, c.currency, c.amount_minor
having sum(a.amount_minor) not between 0 and c.amount_minor
union all
select 'payment:' || y.id, y.currency, y.amount_minor, sum(a.amount_minor)::bigint from payment y
  join allocation a on a.operator = y.operator and a.payment = y.id and a.undone_at is null
 where y.operator = $1 and y.kind = 'payment' group by y.id, y.currency, y.amount_minor
having sum(a.amount_minor) > y.amount_minor order by 1 limit $2"""  # noqa: S608  (our own words)
_STANDING: Final = """
    select e.customer, p.currency, sum(p.amount_minor)::bigint as amount from ledger_entry e
      join ledger_posting p on p.operator = e.operator and p.entry = e.id and p.account = any ($3::text[])
     where e.operator = $1 group by 1, 2"""
_COMPARED: Final = """
select 'customer ' || coalesce(s.customer, b.customer)::text as what, coalesce(s.currency, b.currency) as currency,
       coalesce(s.amount, 0) as ledger, coalesce(b.amount, 0) as books
  from standing s full join books b on b.customer = s.customer and b.currency = s.currency
 where coalesce(s.amount, 0) <> coalesce(b.amount, 0) order by 1 limit $2"""
_CUSTOMERS: Final = f"""
with standing as ({_STANDING}),
told (customer, currency, amount) as (
    select i.customer, i.currency, sum({_MINOR}) from invoice i where i.operator = $1 and i.seller is null group by 1, 2
    union all
    select c.customer, c.currency, sum(c.amount_minor) from claim c
     where c.operator = $1 and c.entry is not null and c.withdrawn_at is null group by 1, 2
    union all
    select a.customer, coalesce(i.currency, c.currency), -sum(a.amount_minor) from allocation a
      left join invoice i on i.operator = a.operator and i.id = a.invoice
      left join claim c on c.operator = a.operator and c.id = a.claim
     where a.operator = $1 and a.undone_at is null group by 1, 2),
books as (select customer, currency, sum(amount)::bigint as amount from told group by 1, 2) {_COMPARED}"""  # noqa: S608  (our own words)
_CREDITS: Final = f"""
with standing as ({_STANDING}),
rests (customer, currency, amount) as (
    select y.customer, y.currency, -({_SIGNED}) + coalesce((select sum(a.amount_minor) from allocation a
               where a.operator = y.operator and a.payment = y.id and a.undone_at is null), 0)
           + coalesce((select sum(r.amount_minor) from refund r where r.operator = y.operator and r.payment = y.id
               and r.state in ('requested', 'sent', 'paid')), 0)
      from payment y where y.operator = $1 and y.entry is not null and y.customer is not null
       and y.state in ('allocated', 'credit')
    union all
    select r.customer, r.currency, r.amount_minor from refund r
      join payment y on y.operator = r.operator and y.id = r.payment and y.state = 'returned'
     where r.operator = $1 and r.state in ('requested', 'sent', 'paid')
    union all
    select e.customer, p.currency, p.amount_minor from ledger_entry e
      join ledger_posting p on p.operator = e.operator and p.entry = e.id and p.account = any ($3::text[])
     where e.operator = $1 and e.key like 'topup:%' and e.customer is not null),
books as (select customer, currency, sum(amount)::bigint as amount from rests group by 1, 2) {_COMPARED}"""  # noqa: S608  (our own words)


class ReceivableStore:
    """Keeps ``domain.ports.receivables.Receivables``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    async def open_amounts(
        self, *, on: date | None = None, customers: Sequence[CustomerId] | None = None
    ) -> Sequence[OpenAmount]:
        """Return what is open of invoices and claims, now or when a day ended, by customer and due date."""
        rows = await self._transaction.connection.fetch(
            _OPEN, self._operator, on, None if customers is None else possible(customers)
        )
        return [OpenAmount(**row) for row in rows]

    async def history(self, invoices: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Step]]:
        """Return how what is left of invoices came about, by day."""
        found: dict[InvoiceId, list[Step]] = {key: [] for key in invoices}
        for row in await self._transaction.connection.fetch(_HISTORY, self._operator, possible(invoices)):
            found[row["invoice"]].append(Step(row["day"], row["change"]))
        return {key: sorted(steps) for key, steps in found.items()}

    async def groups(self, *, at: datetime) -> Mapping[CustomerId, Sequence[str]]:
        """Return the groups that customers are in at an instant."""
        rows = await self._transaction.connection.fetch(
            "select customer, array_agg(distinct name::text order by name::text) as names from customer_group"
            " where operator = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2) group by customer",
            *(self._operator, at),
        )
        return {row["customer"]: row["names"] for row in rows}

    async def owners(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, ResellerId | None]:
        """Return the reseller whose customers these are, or who is invoiced as one of them."""
        rows = await self._transaction.connection.fetch(
            "select c.id, coalesce((select r.id from reseller_at(now()) r where r.operator = c.operator"
            " and r.customer = c.id order by r.id limit 1), c.reseller) as reseller"
            " from customer c where c.operator = $1 and c.id = any ($2::bigint[])",
            *(self._operator, possible(keys)),
        )
        return {row["id"]: row["reseller"] for row in rows}

    async def differences(self, *, first: int = 100) -> Sequence[Difference]:
        """Return where the ledger says something else than invoices, payments and what they were applied to."""
        found: list[Difference] = []
        asked: tuple[tuple[Rule, str, tuple[Any, ...]], ...] = (
            (Rule.BALANCE, _BALANCE, ()),
            (Rule.DOCUMENT, _UNBOOKED, (first,)),
            (Rule.PAYMENT, _PAYMENTS, (first,)),
            (Rule.UNALLOCATED, _UNALLOCATED, ()),
            (Rule.IN_TRANSIT, _IN_TRANSIT, (BAS.in_transit,)),
            (Rule.PAYOUTS, _PAYOUTS, (BAS.payouts,)),
            (Rule.APPLIED, _BEYOND, (first,)),
            (Rule.CUSTOMER, _CUSTOMERS, (first, [BAS.receivable, BAS.in_transit])),
            (Rule.CREDIT, _CREDITS, (first, [BAS.credit])),
        )
        for rule, query, more in asked:
            rows = await self._transaction.connection.fetch(query, self._operator, *more)
            found += [
                Difference(
                    rule=rule,
                    what=row["what"],
                    currency=row["currency"],
                    ledger_minor=row["ledger"],
                    books_minor=row["books"],
                )
                for row in rows
            ]
        return found[:first]
