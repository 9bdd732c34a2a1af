"""What bill runs charge to payers whom another system invoices, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.basis.fee import BasisFee, run_named
from domain.customers.customer import payer
from domain.ids import BillRunId, ContractId, CustomerId
from domain.invoicing.bill_run import BilledFee, BilledFees, BilledPart, BillRun, FeeKey
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import BucketLine, Line, Unit
from domain.invoicing.vat import VatTreatment
from domain.period import Period
from persistence.bill_run_statements import SPANS
from persistence.engine import Transaction
from persistence.inserting import insert_rows
from persistence.invoice_rows import bucket_cells, bucket_of_cells, line_from_row
from persistence.memory import Draft
from persistence.memory_invoices import FOR_EVER, Mark
from persistence.memory_stays import days_paid, midnight
from persistence.violations import possible

_SAME: Final = (
    "customer_name", "text", "quantity", "unit_price", "net", "account", "contract", "contract_number", "service",
    "subscription", "label", "mode", "events", "used", "amount_micro", "corrects", "charge",
)  # fmt: skip
_COLUMNS: Final = (
    "operator", "run", "payer", "customer", "kind", "currency", "period_start", "period_end", "unit", "group_name",
    "vat_category", "vat_percent", "vat_reason", "vat_words", "vat_country", "fee_held_from", "fee_start",
    "fee_one_time", "bucket", *_SAME,
)  # fmt: skip
_BOUGHT: Final = (
    "operator", "run", "buyer", "contract", "service", "held_from", "fee_start", "one_time", "subscription",
    "period_start", "period_end", "net",
)  # fmt: skip
# Told of a line whose VAT could not be decided: of an ordinary sale, and to nobody.
_UNDECIDED: Final = VatTreatment("S", Decimal(25))

# Who is invoiced elsewhere: $1 operator, $2 groups with billing rules of their own, $3 those of them, and '' for
# everybody else, that are. As a reseller's customer, what he uses stands beside what he buys.
WHOSE: Final = """
payer as (
    select c.id as customer, c.id as payer from customer c where c.operator = $1 and c.pays_through is null
    union all
    select c.id, p.payer from payer p join customer c on c.operator = $1 and c.pays_through = p.customer),
whose as (
    select p.customer, p.payer from payer p
     where coalesce((select min(g.name) from customer_group g where g.operator = $1 and g.customer = p.payer
               and g.name = any ($2::text[]) and g.valid_from <= $4 and (g.valid_to is null or g.valid_to > $4)), '')
           = any ($3::text[])
       and not exists (select from reseller_term t where t.operator = $1 and t.customer = p.customer))
"""
# $5 the run. Who was invoiced elsewhere and is no more, with marks of usage that was only counted.
_BACK: Final = (
    "with recursive"
    + WHOSE
    + """
select distinct b.customer from basis_counted n
  join billed_through b on b.operator = n.operator and b.customer = n.customer and b.run = n.run
   and coalesce(b.since, '-infinity') = n.since
 where n.operator = $1 and b.superseded_by is distinct from b.run and b.period_end < '9999-12-31'
   and not exists (select from whose w where w.customer = n.customer)
"""
)
# Those marks are as if they had never been, and hide no others; those of what batches gave are no such. $2 customers.
_UNHIDE: Final = """
update billed_through b set superseded_by = case when exists (select from basis_counted n where n.operator = b.operator
       and n.customer = b.customer and n.run = b.run and n.since = coalesce(b.since, '-infinity')
       and b.period_end < '9999-12-31') then b.run end
 where b.operator = $1 and b.customer = any ($2::bigint[])
"""
# As the marks: of whoever had several payers, since when this one pays. $2 payers, $3 their customers, $4 the run.
_COUNTED: Final = (
    SPANS
    + """
insert into basis_counted (operator, run, customer, since)
select $1, run, customer, coalesce(since, '-infinity') from span on conflict do nothing
"""
)
# What batches gave of them is billed for good. $5 the run, $6 for ever.
_GIVEN: Final = (
    "with recursive"  # noqa: S608  (our own words)
    + WHOSE
    + """,
given as (
    select s.customer, max(coalesce(s.until, (select max(horizon) from basis_batch where operator = $1))) as horizon
      from basis_stay s where s.operator = $1 and not exists (select from whose w where w.customer = s.customer)
     group by s.customer
    union all
    select c.id, e.horizon from (select max(horizon) as horizon from basis_batch where operator = $1 and everybody) e
      join customer c on c.operator = $1 where e.horizon is not null)
insert into billed_through (operator, customer, run, since, period_end, horizon)
select $1, g.customer, coalesce((select max(id) from bill_run where operator = $1 and id > 0 and id <> $5), $5), null,
       $6, max(g.horizon)
  from given g
 where not exists (select from billed_through b where b.operator = $1 and b.customer = g.customer
       and b.period_end = $6 and b.horizon >= g.horizon)
 group by g.customer
    on conflict (operator, customer, run, period_end) do update set horizon = excluded.horizon
"""
)


class BasisFeeStore:
    """Keeps ``domain.ports.basis_fees.BasisFees``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def any(self) -> bool:
        """Tell whether anything was ever charged so."""
        return bool(
            await self._connection.fetchval(
                "select exists (select from basis_fee where operator = $1)"
                " or exists (select from basis_bought where operator = $1)",
                self._operator,
            )
        )

    async def keep(
        self,
        run: BillRun,
        fees: Sequence[BasisFee],
        *,
        counted: Sequence[tuple[CustomerId, CustomerId]],
        bought: Mapping[CustomerId, Sequence[FeeCharge]],
    ) -> None:
        """Keep what a run charges, whose usage it has only counted, and what the lines of buyers add up."""
        rows = [(self._operator, *_row_of(one)) for one in fees]
        await insert_rows(self._connection, "basis_fee", _COLUMNS, rows)
        whose = ([payer for payer, _ in counted], [customer for _, customer in counted])
        await self._connection.execute(_COUNTED, self._operator, *whose, run.id)
        sums = [
            (
                self._operator, run.id, buyer, one.key.contract, one.key.service, one.key.held_from, one.key.fee_start,
                one.key.one_time, one.key.subscription, one.period.start, one.period.end, one.amount,
            )
            for buyer, each in bought.items()
            for one in each
        ]  # fmt: skip
        await insert_rows(self._connection, "basis_bought", _BOUGHT, sums)

    async def billed(self, contracts: Sequence[ContractId], since: date) -> Mapping[ContractId, BilledFees]:
        """Return what fees of contracts that begin on a day or later were charged."""
        rows = await self._connection.fetch(
            "select contract, service, fee_held_from, fee_start, fee_one_time, coalesce(subscription, 0), period_start,"
            " period_end, net, run from basis_fee where operator = $1 and contract = any ($2::bigint[])"
            " and fee_start >= $3 order by id",
            *(self._operator, list(contracts), since),
        )
        return _billed(tuple(row) for row in rows)

    async def bought(
        self, buyer: CustomerId, contracts: Sequence[ContractId], since: date
    ) -> Mapping[ContractId, BilledFees]:
        """Return what a reseller's customer was charged for the contracts of customers below him."""
        rows = await self._connection.fetch(
            "select contract, service, held_from, fee_start, one_time, subscription, period_start, period_end, net, run"
            " from basis_bought where operator = $1 and buyer = $2 and contract = any ($3::bigint[])"
            " and fee_start >= $4 order by id",
            *(self._operator, buyer, list(contracts), since),
        )
        return _billed(tuple(row) for row in rows)

    async def waiting(self) -> bool:
        """Tell whether anything is in no batch yet."""
        found = await self._connection.fetchval(
            "select exists (select from basis_fee where operator = $1 and batch is null)", self._operator
        )
        return bool(found)

    async def of_run(self, run: BillRunId, *, first: int, after: int) -> Sequence[BasisFee]:
        """Return the next of what a run charged, by key."""
        rows = await self._connection.fetch(
            "select * from basis_fee where operator = $1 and run = any ($2::bigint[]) and id > $3 order by id limit $4",
            *(self._operator, possible([run]), after, first),
        )
        return [fee_of(row) for row in rows]

    async def give_back(self, run: BillRun, elsewhere: Mapping[str, bool], *, at: datetime) -> None:
        """Let a run bill again the usage of those whom no other system invoices any more: all but what batches gave."""
        if not await self._connection.fetchval(
            "select exists (select from basis_counted where operator = $1)"
            " or exists (select from basis_batch where operator = $1)",
            self._operator,
        ):
            return
        asked = (self._operator, *groups_of(elsewhere), at)
        back = [row["customer"] for row in await self._connection.fetch(_BACK, *asked)]
        if back:
            await self._connection.execute(_UNHIDE, self._operator, back)
        await self._connection.execute(_GIVEN, *asked, run.id, FOR_EVER)


def groups_of(elsewhere: Mapping[str, bool]) -> tuple[list[str], list[str]]:
    """Return the groups with billing rules of their own, and those of them, or '', that another system invoices."""
    return [group for group in elsewhere if group], [group for group, basis in elsewhere.items() if basis]


def _billed(rows: Iterable[tuple[Any, ...]]) -> dict[ContractId, BilledFees]:
    found: dict[ContractId, dict[FeeKey, BilledFee]] = defaultdict(dict)
    for contract, service, held_from, fee_start, one_time, line, start, end, net, run in rows:
        key, number = FeeKey(contract, service, held_from, fee_start, one_time, line), run_named(run)
        before = found[contract].get(key, BilledFee(Decimal(0), ""))
        parts = (*before.parts, BilledPart(Period(start, end), net, number))
        found[contract][key] = BilledFee(before.net + net, number, parts)
    return dict(found)


def _row_of(one: BasisFee) -> tuple[Any, ...]:
    """Make the cells of a row behind the operator's, in the order of ``_COLUMNS``."""
    line = one.line
    if line is None:
        assert one.bucket is not None, "it is a line or a bucket's"
        entry = one.bucket.entry
        told = {
            "customer_name": "", "text": entry.bucket, "quantity": Decimal(1), "unit_price": Decimal(0),
            "net": Decimal(0), "account": "", "label": one.bucket.label,
        }  # fmt: skip
        return (
            one.run, one.payer, one.customer, one.kind.value, one.currency, one.period.start, one.period.end,
            Unit.PIECE.value, None, None, None, None, None, None, None, None, None,
            json.dumps(bucket_cells(one.bucket), ensure_ascii=False), *(told.get(name) for name in _SAME),
        )  # fmt: skip
    fee, vat = line.fee, line.vat
    taxed = (vat.category, vat.percent, vat.reason, vat.words, vat.country) if one.taxed else (None,) * 5
    keys = (fee.held_from, fee.fee_start, fee.one_time) if fee else (None,) * 3
    return (
        one.run, one.payer, one.customer, one.kind.value, one.currency, line.period.start, line.period.end,
        line.unit.value, line.group, *taxed, *keys, None, *(getattr(line, name) for name in _SAME),
    )  # fmt: skip


def fee_of(row: Mapping[str, Any]) -> BasisFee:
    """Make one of a row."""
    line: Line | None = None
    bucket: BucketLine | None = None
    taxed = row["vat_category"] is not None
    if row["bucket"] is not None:
        bucket = bucket_of_cells(json.loads(row["bucket"]))
    else:
        more = {"position": 0, "line_customer": row["customer"], "corrects_line": None}
        if not taxed:
            vat = _UNDECIDED
            more |= {
                "vat_category": vat.category, "vat_percent": vat.percent, "vat_reason": None, "vat_words": None,
                "vat_country": None,
            }  # fmt: skip
        line = line_from_row({**dict(row), **more})
    return BasisFee(
        id=row["id"],
        run=row["run"],
        payer=row["payer"],
        currency=row["currency"],
        period=Period(row["period_start"], row["period_end"]),
        line=line,
        bucket=bucket,
        taxed=taxed,
    )


@dataclass(frozen=True, slots=True)
class KeptFee:
    """A row of the memory: what was charged, and the batch that holds it."""

    fee: BasisFee
    batch: int | None = None


class MemoryBasisFees:
    """Keeps ``domain.ports.basis_fees.BasisFees`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[KeptFee]:
        rows = self._draft.table("basis_fee")
        return [rows[key] for key in sorted(rows) if key[0] == self._draft.actor.operator]

    async def any(self) -> bool:
        """Tell whether anything was ever charged so."""
        return bool(self._own() or self._draft.table("basis_bought"))

    async def keep(
        self,
        run: BillRun,
        fees: Sequence[BasisFee],
        *,
        counted: Sequence[tuple[CustomerId, CustomerId]],
        bought: Mapping[CustomerId, Sequence[FeeCharge]],
    ) -> None:
        """Keep what a run charges, whose usage it has only counted, and what the lines of buyers add up."""
        own = self._draft.actor.operator
        for one in fees:
            kept = replace(one, id=self._draft.draw("basis_fee"))
            self._draft.table("basis_fee")[own, kept.id] = KeptFee(kept)
        zone = self._draft.table("operator")[own].zone
        paid = days_paid(self._draft, run, [pays for pays, _ in counted])
        for pays, customer in counted:
            for first, _ in paid.get(pays, {}).get(customer, [(None, None)]):
                since = None if first is None else midnight(first, zone)
                self._draft.table("basis_counted")[own, customer, run.id, since] = True
        for buyer, each in bought.items():
            for fee in each:
                self._draft.table("basis_bought")[own, self._draft.draw("basis_bought")] = (run.id, buyer, fee)

    async def billed(self, contracts: Sequence[ContractId], since: date) -> Mapping[ContractId, BilledFees]:
        """Return what fees of contracts that begin on a day or later were charged."""
        lines = [(row.fee.run, row.fee.line) for row in self._own() if row.fee.line is not None]
        return _billed(
            _cells(line.fee, line.period, line.net, run)
            for run, line in lines
            if line.fee is not None and line.fee.contract in contracts and line.fee.fee_start >= since
        )

    async def bought(
        self, buyer: CustomerId, contracts: Sequence[ContractId], since: date
    ) -> Mapping[ContractId, BilledFees]:
        """Return what a reseller's customer was charged for the contracts of customers below him."""
        return _billed(
            _cells(fee.key, fee.period, fee.amount, run)
            for (own, _), (run, whose, fee) in sorted(self._draft.table("basis_bought").items(), key=lambda one: one[0])
            if own == self._draft.actor.operator and whose == buyer
            and fee.key.contract in contracts and fee.key.fee_start >= since
        )  # fmt: skip

    async def waiting(self) -> bool:
        """Tell whether anything is in no batch yet."""
        return any(row.batch is None for row in self._own())

    async def of_run(self, run: BillRunId, *, first: int, after: int) -> Sequence[BasisFee]:
        """Return the next of what a run charged, by key."""
        return [row.fee for row in self._own() if row.fee.run == run and row.fee.id > after][:first]

    async def give_back(self, run: BillRun, elsewhere: Mapping[str, bool], *, at: datetime) -> None:
        """Let a run bill again the usage of those whom no other system invoices any more: all but what batches gave."""
        own = self._draft.actor.operator
        whose = whose_usage(self._draft, elsewhere, at)
        marks = self._draft.table("billed_through")
        for of, customer, counted, since in list(self._draft.table("basis_counted")):
            if of == own and customer not in whose:
                mine = [key for key in marks if key[:2] == (customer, counted) and marks[key].since == since]
                for key in mine:
                    if key[2] != FOR_EVER:
                        del marks[key]
        batches = [one for one in self._draft.table("basis_batch").values() if one.operator == own]
        given: dict[CustomerId, int] = {}
        for (of, customer, _), stay in self._draft.table("basis_stay").items():
            if of == own and customer not in whose:
                until = stay.until if stay.until is not None else max(one.horizon for one in batches)
                given[customer] = max(until, given.get(customer, 0))
        everybody = max((one.horizon for one in batches if one.everybody), default=None)
        if everybody is not None:
            for one in self._draft.table("customer").values():
                if one.operator == own:
                    given[one.id] = max(everybody, given.get(one.id, 0))
        runs = [one for one in self._draft.table("bill_run").values() if one.operator == own and one.id != run.id]
        before = max((one.id for one in runs), default=run.id)
        for customer, horizon in given.items():
            marks[customer, before, FOR_EVER] = Mark(own, customer, before, FOR_EVER, horizon)


def _cells(key: FeeKey, period: Period, net: Decimal, run: BillRunId) -> tuple[Any, ...]:
    names = ("contract", "service", "held_from", "fee_start", "one_time", "subscription")
    return (*(getattr(key, name) for name in names), period.start, period.end, net, run)


def whose_usage(draft: Draft, elsewhere: Mapping[str, bool], at: datetime) -> dict[CustomerId, CustomerId]:
    """Return the customers whose usage another system gets from the batches, and who pays for each."""
    tree = {key: one for key, one in draft.table("customer").items() if one.operator == draft.actor.operator}
    buyers = {term.customer for term in draft.table("reseller_term").values()}
    found = {}
    for key in tree:
        pays = payer(key, tree)
        mine = [
            one.name
            for one in draft.table("customer_group").values()
            if one.customer == pays and one.name in elsewhere and one.valid_from <= at
            and (one.valid_to is None or one.valid_to > at)
        ]  # fmt: skip
        if key not in buyers and elsewhere.get(min(mine, default=""), False):
            found[key] = pays
    return found


def given_until(draft: Draft, customer: CustomerId) -> int:
    """Return the last chunk whose usage of a customer another system was given; 0: none."""
    own = draft.actor.operator
    batches = [one for one in draft.table("basis_batch").values() if one.operator == own]
    last = max((one.horizon for one in batches), default=0)
    stays = [stay for (of, one, _), stay in draft.table("basis_stay").items() if of == own and one == customer]
    return max(
        [one.horizon for one in batches if one.everybody] + [last if one.until is None else one.until for one in stays],
        default=0,
    )
