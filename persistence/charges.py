"""What is charged beside contracts, in PostgreSQL and in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import ChargeId, CustomerId
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.invoice import Unit
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, Stale
from persistence.engine import Transaction
from persistence.memory import Draft, page_of
from persistence.violations import possible, refusing

_COLUMNS: Final = (
    "operator", "customer", "reseller", "kind", "text", "quantity", "unit", "unit_price", "percent", "vat_percent",
    "vat_category", "account", "starts", "ends", "interval_months", "reference", "created_at", "withdrawn_at",
    "version",
)  # fmt: skip
_READ: Final = f"select id, {', '.join(_COLUMNS)} from charge"  # noqa: S608  (our own words)


class ChargeStore:
    """Keeps ``domain.ports.billing.Charges``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, charge: Charge) -> Charge:
        """Keep a new one. Refuses with: NotFound (customer)."""
        places = ", ".join(f"${index}" for index in range(1, len(_COLUMNS) + 1))
        rule = {"charge_operator_customer_fkey": NotFound("no customer {key}", key=charge.customer, field="customer")}
        with refusing(rule):
            key = await self._connection.fetchval(
                f"insert into charge ({', '.join(_COLUMNS)}) values ({places}) returning id",  # noqa: S608  (our own words)
                *(_cell(charge, name) for name in _COLUMNS),
            )
        return replace(charge, id=ChargeId(key))

    async def get(self, key: ChargeId) -> Charge:
        """Return one. Refuses with: NotFound."""
        found = await self.many([key])
        if key not in found:
            raise NotFound("no charge {key}", key=key, field="charge")
        return found[key]

    async def many(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Charge]:
        """Return those that exist and may be seen."""
        rows = await self._connection.fetch(
            f"{_READ} where operator = $1 and id = any ($2::bigint[]) order by id", self._operator, possible(keys)
        )
        return {row["id"]: _of(row) for row in rows}

    async def keep(self, charge: Charge) -> Charge:
        """Write when it ends or was withdrawn. Refuses with: Stale."""
        version = await self._connection.fetchval(
            "update charge set ends = $4, withdrawn_at = $5, version = version + 1 where operator = $1 and id = $2"
            " and version = $3 returning version",
            *(self._operator, charge.id, charge.version, charge.ends, charge.withdrawn_at),
        )
        if version is None:
            raise Stale("the charge has changed since it was read", field="version")
        return replace(charge, version=version)

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Charge]:
        """List by key, withdrawn ones too."""
        rows = await self._connection.fetch(
            f"{_READ} where operator = $1 and id > $2 and ($3::bigint is null or customer = $3) order by id limit $4",
            *(self._operator, request.after or 0, customer, request.first + 1),
        )
        return Page.of([_of(row) for row in rows], request)

    async def of_customers(self, keys: Sequence[CustomerId], *, before: date) -> Mapping[CustomerId, Sequence[Charge]]:
        """Return those that are not withdrawn and start before a day, by customer and key."""
        rows = await self._connection.fetch(
            f"{_READ} where operator = $1 and customer = any ($2::bigint[]) and starts < $3 and withdrawn_at is null"
            " order by customer, id",
            *(self._operator, list(keys), before),
        )
        found: dict[CustomerId, list[Charge]] = defaultdict(list)
        for row in rows:
            found[row["customer"]].append(_of(row))
        return dict(found)

    async def billed(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Collection[date]]:
        """Return the first days of what was billed of each."""
        rows = await self._connection.fetch(
            "select charge, array_agg(distinct period_start) as days from ("
            "select charge, period_start from invoice_line where operator = $1 and charge = any ($2::bigint[])"
            " union all select charge, period_start from basis_fee"
            " where operator = $1 and charge = any ($2::bigint[])) each group by charge",
            *(self._operator, list(keys)),
        )
        return {row["charge"]: frozenset(row["days"]) for row in rows}


class MemoryCharges:
    """Keeps ``domain.ports.billing.Charges``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, charge: Charge) -> Charge:
        """Keep a new one. Refuses with: NotFound (customer)."""
        if charge.customer not in self._draft.table("customer"):
            raise NotFound("no customer {key}", key=charge.customer, field="customer")
        kept = replace(charge, id=ChargeId(self._draft.draw("charge")))
        self._draft.table("charge")[kept.id] = kept
        return kept

    async def get(self, key: ChargeId) -> Charge:
        """Return one. Refuses with: NotFound."""
        found = await self.many([key])
        if key not in found:
            raise NotFound("no charge {key}", key=key, field="charge")
        return found[key]

    async def many(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Charge]:
        """Return those that exist and may be seen."""
        return {one.id: one for one in self._draft.seen("charge") if one.id in keys}

    async def keep(self, charge: Charge) -> Charge:
        """Write when it ends or was withdrawn. Refuses with: Stale."""
        if self._draft.table("charge")[charge.id].version != charge.version:
            raise Stale("the charge has changed since it was read", field="version")
        kept = replace(charge, version=charge.version + 1)
        self._draft.table("charge")[charge.id] = kept
        return kept

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Charge]:
        """List by key, withdrawn ones too."""
        rows = [one for one in self._draft.seen("charge") if customer in {None, one.customer}]
        return page_of(rows, request, lambda one: one.id)

    async def of_customers(self, keys: Sequence[CustomerId], *, before: date) -> Mapping[CustomerId, Sequence[Charge]]:
        """Return those that are not withdrawn and start before a day, by customer and key."""
        found: dict[CustomerId, list[Charge]] = defaultdict(list)
        for one in self._draft.seen("charge"):
            if one.customer in keys and one.starts < before and one.withdrawn_at is None:
                found[one.customer].append(one)
        return dict(found)

    async def billed(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Collection[date]]:
        """Return the first days of what was billed of each."""
        found: dict[ChargeId, set[date]] = defaultdict(set)
        lines = [line for invoice in self._draft.seen("invoice") for line in invoice.lines]
        lines += [row.fee.line for row in self._draft.table("basis_fee").values() if row.fee.line is not None]
        for line in lines:
            if line.charge in keys:
                found[line.charge].add(line.period.start)
        return dict(found)


def _cell(charge: Charge, name: str) -> Any:
    value = getattr(charge, name)
    return value.value if name in {"kind", "unit"} else value


def _of(row: Mapping[str, Any]) -> Charge:
    return Charge(**dict(row) | {"kind": ChargeKind(row["kind"]), "unit": Unit(row["unit"])})
