"""How sellers' documents look, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from domain.access.actor import Actor
from domain.ids import OperatorId, ResellerId
from domain.invoicing.branding import Branding
from persistence.documents import loaded, text
from persistence.engine import Transaction
from persistence.memory import Draft


def _of(row: Mapping[str, Any]) -> Branding:
    found = loaded(Branding, row["document"])
    return replace(
        found,
        operator=OperatorId(row["operator"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        valid_from=row["valid_from"],
        version=row["version"],
    )


class BrandStore:
    """Keeps ``domain.ports.brands.Brands``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def at(self, reseller: ResellerId | None, on: date) -> Branding | None:
        """Return a seller's brand that holds on a day."""
        row = await self._connection.fetchrow(
            "select * from brand where operator = $1 and reseller is not distinct from $2 and valid_from <= $3"
            " order by valid_from desc limit 1",
            *(self._operator, reseller, on),
        )
        return None if row is None else _of(row)

    async def last(self, reseller: ResellerId | None) -> Branding | None:
        """Return a seller's brand that was set last, locked until the unit ends."""
        row = await self._connection.fetchrow(
            "select * from brand where operator = $1 and reseller is not distinct from $2"
            " order by valid_from desc limit 1 for update",
            *(self._operator, reseller),
        )
        return None if row is None else _of(row)

    async def put(self, brand: Branding) -> Branding:
        """Keep a brand from its day on, in place of one of the same day."""
        row = await self._connection.fetchrow(
            "insert into brand (operator, reseller, valid_from, document, version) values ($1, $2, $3, $4, $5)"
            " on conflict (operator, coalesce(reseller, 0), valid_from) do update set document = excluded.document,"
            " version = excluded.version, changed_at = now() returning *",
            *(self._operator, brand.reseller, brand.valid_from, text(brand), brand.version),
        )
        return _of(row)


class MemoryBrands:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _of(self, reseller: ResellerId | None) -> list[Branding]:
        found: list[Branding] = [
            one
            for one in self._draft.table("brand").values()
            if one.operator == self._draft.actor.operator and one.reseller == reseller
        ]
        return sorted(found, key=lambda one: one.valid_from)

    async def at(self, reseller: ResellerId | None, on: date) -> Branding | None:
        """Return a seller's brand that holds on a day."""
        return next((one for one in reversed(self._of(reseller)) if one.valid_from <= on), None)

    async def last(self, reseller: ResellerId | None) -> Branding | None:
        """Return a seller's brand that was set last."""
        return next(reversed(self._of(reseller)), None)

    async def put(self, brand: Branding) -> Branding:
        """Keep a brand from its day on, in place of one of the same day."""
        self._draft.table("brand")[brand.operator, brand.reseller or 0, brand.valid_from] = brand
        return brand
