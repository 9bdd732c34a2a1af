"""Resellers in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from piccolo.columns import BigInt, BigSerial, Integer, Text
from piccolo.table import Table

from domain.access.actor import Actor
from domain.ids import OperatorId, ResellerId
from domain.refusal import Conflict, NotFound
from domain.resellers.reseller import Reseller
from persistence.engine import Transaction
from persistence.violations import refusing


class ResellerRow(Table, tablename="reseller"):
    """The table ``reseller``."""

    operator = Integer()
    id = BigSerial(primary_key=True)
    code = Text()
    name = Text()
    parent = BigInt(null=True)
    price_list = Text(null=True)


def from_row(row: Mapping[str, Any]) -> Reseller:
    """Make the reseller of a row."""
    return Reseller(
        id=ResellerId(row["id"]),
        operator=OperatorId(row["operator"]),
        code=row["code"],
        name=row["name"],
        parent=row["parent"],
        price_list=row["price_list"],
    )


def to_row(reseller: Reseller) -> dict[str, Any]:
    """Make the row of a reseller, without its key."""
    return {name: getattr(reseller, name) for name in ("operator", "code", "name", "parent", "price_list")}


class ResellerStore:
    """Keeps ``domain.ports.customers.Resellers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = actor.operator

    async def tree(self) -> Mapping[ResellerId, Reseller]:
        """Return every reseller of the operator that the actor may see; whom the topmost buys from is not told."""
        query = ResellerRow.select().where(ResellerRow.operator == self._operator).order_by(ResellerRow.id)
        seen = {one.id: one for one in map(from_row, await query)}
        return {key: one if one.parent in seen else replace(one, parent=None) for key, one in seen.items()}

    async def add(self, reseller: Reseller) -> Reseller:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        rules = {
            "reseller_operator_code_key": Conflict(f"the reseller code {reseller.code} is taken", field="code"),
            "reseller_operator_parent_fkey": NotFound(f"no reseller {reseller.parent}", field="parent"),
        }
        with refusing(rules):
            rows = await ResellerRow.insert(ResellerRow(**to_row(reseller)))
        return replace(reseller, id=ResellerId(rows[0]["id"]))
