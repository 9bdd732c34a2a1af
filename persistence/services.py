"""Services in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from piccolo.columns import BigSerial, Boolean, Integer, Numeric, SmallInt, Text
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from domain.access.actor import Actor
from domain.contracts.service import Service
from domain.ids import OperatorId, ServiceId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing


class ServiceRow(Table, tablename="service"):
    """The table ``service``."""

    operator = Integer()
    id = BigSerial(primary_key=True)
    code = Text()
    name = Text()
    one_time_fee = Numeric()
    periodic_fee = Numeric()
    in_advance = Boolean()
    interval_months = SmallInt()
    vat_percent = Numeric()
    account = Text()
    product_group = Text(null=True)


_FIELDS = [
    "operator",
    "code",
    "name",
    "one_time_fee",
    "periodic_fee",
    "in_advance",
    "interval_months",
    "vat_percent",
    "account",
    "product_group",
]


def from_row(row: Mapping[str, Any]) -> Service:
    """Make the service of a row."""
    return Service(id=ServiceId(row["id"]), **{name: row[name] for name in _FIELDS})


def to_row(service: Service) -> dict[str, Any]:
    """Make the row of a service, without its key."""
    return {name: getattr(service, name) for name in _FIELDS}


class ServiceStore:
    """Keeps ``domain.ports.contracts.Services``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = OperatorId(actor.operator)

    async def _select(self, *conditions: Any, first: int | None = None) -> list[Service]:
        query = ServiceRow.select().where(ServiceRow.operator == self._operator, *conditions).order_by(ServiceRow.id)
        if first is not None:
            query = query.limit(first)
        return [from_row(row) for row in await query]

    async def many(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._select(WhereRaw("id = any({})", wanted))}

    async def by_code(self, code: str) -> Service:
        """Return one. Refuses with: NotFound."""
        if not (found := await self._select(ServiceRow.code == code)):
            raise NotFound(f"no service {code}", field="code")
        return found[0]

    async def page(self, request: PageRequest) -> Page[Service]:
        """List by key."""
        after = ServiceRow.id > beyond(request.after)
        return Page.of(await self._select(after, first=request.first + 1), request)

    async def add(self, service: Service) -> Service:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        rules = {"service_operator_code_key": Conflict(f"the service code {service.code} is taken", field="code")}
        with refusing(rules):
            rows = await ServiceRow.insert(ServiceRow(**to_row(service)))
        return replace(service, id=ServiceId(rows[0]["id"]))
