"""Services in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from piccolo.columns import JSONB, BigSerial, Boolean, Date, Integer, Numeric, SmallInt, Text
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from domain.access.actor import Actor
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice
from domain.ids import OperatorId, ServiceId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Refusal, Stale
from persistence import documents
from persistence.engine import Transaction
from persistence.field_definitions import fields_of, fields_to
from persistence.rows import whole
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
    anniversary = Boolean()
    price_list = Text(null=True)
    valid_from = Date(null=True)
    valid_to = Date(null=True)
    version = Integer()
    rules = JSONB()
    fields = JSONB()


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
    "anniversary",
    "price_list",
    "valid_from",
    "valid_to",
    "version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What the column ``rules`` holds, each as the service has it."""

    prices: tuple[ServicePrice, ...] = ()
    countries: tuple[CountryTax, ...] = ()
    parts: tuple[BundlePart, ...] = ()
    needs: tuple[ServiceId, ...] = ()
    excludes: tuple[ServiceId, ...] = ()


_RULES: Final = ("prices", "countries", "parts", "needs", "excludes")


def from_row(row: Mapping[str, Any]) -> Service:
    """Make the service of a row."""
    rules = documents.loaded(_Rules, row["rules"])
    return Service(
        id=ServiceId(row["id"]),
        fields=fields_of(row["fields"]),
        **{name: row[name] for name in _FIELDS},
        **{name: getattr(rules, name) for name in _RULES},
    )


def to_row(service: Service) -> dict[str, Any]:
    """Make the row of a service, without its key."""
    rules = _Rules(**{name: getattr(service, name) for name in _RULES})
    own = {"rules": documents.text(rules), "fields": fields_to(service.fields)}
    return {name: getattr(service, name) for name in _FIELDS} | own


class ServiceStore:
    """Keeps ``domain.ports.contracts.Services``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = OperatorId(actor.operator)

    async def _select(self, *conditions: Any, first: int | None = None, lock: bool = False) -> list[Service]:
        query = (
            ServiceRow.select(whole(ServiceRow))
            .where(ServiceRow.operator == self._operator, *conditions)
            .order_by(ServiceRow.id)
        )
        if first is not None:
            query = query.limit(first)
        if lock:
            query = query.lock_rows("NO KEY UPDATE")
        return [from_row(row) for row in await query]

    async def many(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._select(WhereRaw("id = any({})", wanted))}

    async def related(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist, with the parts of bundles and what they need."""
        found = dict(await self.many(keys))
        more = {part.service for one in found.values() for part in one.parts}
        more |= {need for one in found.values() for need in one.needs}
        return found | dict(await self.many(sorted(more - set(found))))

    async def by_codes(self, codes: Sequence[str]) -> Mapping[str, Service]:
        """Return those that exist, by code."""
        if not codes:
            return {}
        return {one.code: one for one in await self._select(WhereRaw("code = any({})", list(codes)))}

    async def claim(self, key: ServiceId) -> Service:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        found = await self._select(ServiceRow.id == key, lock=True) if possible([key]) else []
        if not found:
            raise NotFound("no service {key}", key=key, field="service")
        return found[0]

    async def keep(self, service: Service) -> Service:
        """Write a changed one where the stored version is its own. Refuses with: Stale, Conflict (code taken)."""
        changed = replace(service, version=service.version + 1)
        with refusing(_rules(service)):
            rows = (
                await ServiceRow.update(**to_row(changed))
                .where(
                    ServiceRow.operator == self._operator,
                    ServiceRow.id == service.id,
                    ServiceRow.version == service.version,
                )
                .returning(ServiceRow.id)
            )
        if not rows:
            raise Stale(
                "service {code} was changed by somebody else; read it again", code=service.code, field="version"
            )
        return changed

    async def by_code(self, code: str) -> Service:
        """Return one. Refuses with: NotFound."""
        if not (found := await self._select(ServiceRow.code == code)):
            raise NotFound("no service {code}", code=code, field="code")
        return found[0]

    async def page(self, request: PageRequest) -> Page[Service]:
        """List by key."""
        after = ServiceRow.id > beyond(request.after)
        return Page.of(await self._select(after, first=request.first + 1), request)

    async def add(self, service: Service) -> Service:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        with refusing(_rules(service)):
            rows = await ServiceRow.insert(ServiceRow(**to_row(service)))
        return replace(service, id=ServiceId(rows[0]["id"]))


def _rules(service: Service) -> dict[str, Refusal]:
    return {
        "service_operator_code_key": Conflict("the service code {code} is taken", code=service.code, field="code"),
    }
