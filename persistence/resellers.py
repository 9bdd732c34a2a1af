"""Resellers in PostgreSQL, with their terms over time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text
from piccolo.table import Table

from domain.access.actor import Actor
from domain.ids import OperatorId, ResellerId
from domain.operators import Address
from domain.refusal import Conflict, NotFound, Stale
from domain.resellers.reseller import Reseller, Seller, Term
from persistence.engine import Transaction
from persistence.field_definitions import fields_of, fields_to
from persistence.rows import whole
from persistence.violations import refusing

# What is believed of the tree is changed by one unit at a time.
_TREE_LOCK: Final = 0x74726565


class ResellerRow(Table, tablename="reseller"):
    """The table ``reseller``."""

    operator = Integer()
    id = BigSerial(primary_key=True)
    code = Text()
    name = Text()
    parent = BigInt(null=True)
    price_list = Text(null=True)
    seller = JSONB(null=True)
    version = Integer()
    fields = JSONB()


def from_row(row: Mapping[str, Any]) -> Reseller:
    """Make the reseller of a row."""
    return Reseller(
        id=ResellerId(row["id"]),
        operator=OperatorId(row["operator"]),
        code=row["code"],
        name=row["name"],
        parent=row["parent"],
        price_list=row["price_list"],
        customer=row.get("customer"),
        seller=_seller(row["seller"]),
        version=row["version"],
        fields=fields_of(row["fields"]),
    )


def to_row(reseller: Reseller) -> dict[str, Any]:
    """Make the row of a reseller, without its key."""
    same = {name: getattr(reseller, name) for name in ("operator", "code", "name", "parent", "price_list", "version")}
    return same | {
        "fields": fields_to(reseller.fields),
        "seller": None if reseller.seller is None else json.dumps(asdict(reseller.seller)),
    }


def _seller(text: str | None) -> Seller | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Seller(address=Address(**fields.pop("address")), **fields)


class ResellerStore:
    """Keeps ``domain.ports.customers.Resellers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = actor.operator

    async def tree(self) -> Mapping[ResellerId, Reseller]:
        """Return every reseller of the operator that the actor may see; whom the topmost buys from is not told."""
        rows = await self._transaction.connection.fetch(
            "select r.operator, r.id, r.code, r.name, n.parent, n.price_list, n.customer, r.seller, r.version, r.fields"
            " from reseller r join reseller_at(now()) n on n.operator = r.operator and n.id = r.id"
            " where r.operator = $1 order by r.id",
            self._operator,
        )
        seen = {one.id: one for one in map(from_row, map(dict, rows))}
        return {
            key: one
            if one.parent in seen
            else replace(one, parent=None, customer=None if self._is_top(key) else one.customer)
            for key, one in seen.items()
        }

    def _is_top(self, key: ResellerId) -> bool:
        return self._actor.reseller == key

    async def base(self) -> Mapping[ResellerId, Reseller]:
        """Return the resellers as they are before the first of their terms; a unit of the operator's own."""
        query = (
            ResellerRow.select(whole(ResellerRow))
            .where(ResellerRow.operator == self._operator)
            .order_by(ResellerRow.id)
        )
        return {one.id: one for one in map(from_row, await query)}

    async def terms(self) -> Sequence[Term]:
        """Return every term of the resellers that may be seen, by reseller and time."""
        rows = await self._transaction.connection.fetch(
            "select reseller, valid_from, parent, price_list, customer from reseller_term where operator = $1"
            " order by reseller, valid_from",
            self._operator,
        )
        return [Term(**dict(row)) for row in rows]

    async def hold_tree(self) -> None:
        """Let no other unit change who buys from whom until this one ends."""
        await self._transaction.connection.execute(
            "select pg_advisory_xact_lock($1, $2)", _TREE_LOCK, int(self._operator)
        )

    async def put_term(self, term: Term) -> None:
        """Keep a term, in the place of one of the same instant."""
        with refusing(
            {"reseller_term_operator_customer_fkey": NotFound("no customer {key}", key=term.customer, field="customer")}
        ):
            await self._transaction.connection.execute(
                "insert into reseller_term (operator, reseller, valid_from, parent, price_list, customer)"
                " values ($1, $2, $3, $4, $5, $6) on conflict (operator, reseller, valid_from)"
                " do update set parent = $4, price_list = $5, customer = $6",
                *(self._operator, term.reseller, term.valid_from, term.parent, term.price_list, term.customer),
            )

    async def drop_terms(self, reseller: ResellerId, since: datetime) -> int:
        """Take back the terms of a reseller that begin at or after an instant; return how many there were."""
        rows = await self._transaction.connection.fetch(
            "delete from reseller_term where operator = $1 and reseller = $2 and valid_from >= $3 returning 1",
            *(self._operator, reseller, since),
        )
        return len(rows)

    async def add(self, reseller: Reseller) -> Reseller:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        rules = {
            "reseller_operator_code_key": Conflict(
                "the reseller code {code} is taken", code=reseller.code, field="code"
            ),
            "reseller_operator_parent_fkey": NotFound("no reseller {parent}", parent=reseller.parent, field="parent"),
        }
        # Its key is drawn before, since a reseller's actor does not see a row that is not yet in his part of the tree.
        connection = self._transaction.connection
        if not self._actor.reaches(reseller.parent):
            raise NotFound("no such reseller, or not yours", field="parent")
        if self._actor.reseller is not None:
            key = await connection.fetchval("select nextval(pg_get_serial_sequence('reseller', 'id'))")
            reached = ",".join(str(one) for one in (*self._actor.resellers, key))
            await connection.execute("select set_config('app.resellers', $1, true)", reached)
            with refusing(rules):
                await ResellerRow.insert(ResellerRow(id=key, **to_row(reseller)))
            return replace(reseller, id=ResellerId(key))
        with refusing(rules):
            rows = await ResellerRow.insert(ResellerRow(**to_row(reseller)))
        return replace(reseller, id=ResellerId(rows[0]["id"]))

    async def keep(self, reseller: Reseller) -> Reseller:
        """Write name, code and seller where the stored version is its own. Refuses with: Stale, Conflict (code)."""
        kept = replace(reseller, version=reseller.version + 1)
        with refusing(
            {"reseller_operator_code_key": Conflict("the reseller code {code} is taken", code=kept.code, field="code")}
        ):
            found = await self._transaction.connection.fetch(
                "update reseller set code = $3, name = $4, seller = $5, version = $6, fields = $8"
                " where operator = $1 and id = $2 and version = $7 returning 1",
                *(self._operator, kept.id, kept.code, kept.name, to_row(kept)["seller"], kept.version),
                *(reseller.version, fields_to(kept.fields)),
            )
        if not found:
            raise Stale("the reseller was changed by somebody else; read it again", field="version")
        return kept

    async def put_logo(self, sha256: str, content: bytes) -> None:
        """Keep a picture under its content."""
        await self._transaction.connection.execute(
            "insert into logo (operator, sha256, content) values ($1, $2, $3) on conflict do nothing",
            *(self._operator, sha256, content),
        )

    async def logo(self, sha256: str) -> bytes | None:
        """Return a picture; None where there is none."""
        found = await self._transaction.connection.fetchval(
            "select content from logo where operator = $1 and sha256 = $2", self._operator, sha256
        )
        return None if found is None else bytes(found)
