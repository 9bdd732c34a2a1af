"""Contracts' changes in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.contracts.changes import ChangeKind, ChangeState, ContractChange
from domain.contracts.contract import Contract
from domain.ids import ContractChangeId, ContractId, CustomerId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence import documents
from persistence.engine import Transaction
from persistence.violations import beyond, possible

_COLUMNS: Final = "customer, contract, id, kind, effective, state, recorded_at, done_at, client, version, detail"
PLANNED_MAX: Final = 200


class ContractChangeStore:
    """Keeps ``domain.ports.contract_changes.ContractChanges``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def add(self, change: ContractChange, snapshot: Contract | None) -> ContractChange:
        """Keep a new one, with the contract as it is after it where it is done."""
        key = await self._connection.fetchval(
            "insert into contract_change (operator, customer, contract, kind, effective, state, recorded_at, done_at,"
            " client, version, detail, snapshot) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " returning id",
            *(self._operator, change.owner, change.contract, change.kind.value, change.effective, change.state.value),
            *(change.recorded_at, change.done_at, change.client, change.version, documents.text(change)),
            None if snapshot is None else documents.text(snapshot),
        )
        return replace(change, id=ContractChangeId(key))

    async def keep(self, change: ContractChange, snapshot: Contract | None) -> None:
        """Write one whose state has changed."""
        await self._connection.execute(
            "update contract_change set state = $5, done_at = $6, version = $7, detail = $8,"
            " snapshot = coalesce($9, snapshot)"
            " where operator = $1 and customer = $2 and contract = $3 and id = $4",
            *(self._operator, change.owner, change.contract, change.id, change.state.value, change.done_at),
            *(change.version, documents.text(change)),
            None if snapshot is None else documents.text(snapshot),
        )

    async def claim(self, key: ContractChangeId) -> ContractChange:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        rows = await self._fetch("id = $2 for update", key) if possible([key]) else []
        if not rows:
            raise NotFound("no change {key}", key=key, field="change")
        return rows[0]

    async def page(self, request: PageRequest, *, contract: ContractId) -> Page[ContractChange]:
        """List a contract's by key."""
        if not possible([contract]):
            return Page([], more=False)
        rows = await self._fetch(
            "contract = $2 and id > $3 order by id limit $4", contract, beyond(request.after), request.first + 1
        )
        return Page.of(rows, request)

    async def planned(
        self, customers: Sequence[CustomerId], *, before: date
    ) -> Mapping[ContractId, Sequence[ContractChange]]:
        """Return what is planned before a day for contracts of the customers."""
        found: dict[ContractId, list[ContractChange]] = defaultdict(list)
        rows = await self._fetch(
            "state = 'planned' and effective < $3 and customer = any ($2::bigint[]) order by effective, id",
            list(customers),
            before,
        )
        for one in rows:
            found[one.contract].append(one)
        return dict(found)

    async def planned_of(self, contract: ContractId) -> Sequence[ContractChange]:
        """Return what is planned for a contract, by day."""
        return await self._fetch("contract = $2 and state = 'planned' order by effective, id", contract)

    async def due(self, day: date) -> ContractChange | None:
        """Return the first planned one whose day has come, locked; what another unit has locked is passed by."""
        rows = await self._fetch(
            "state = 'planned' and effective <= $2 order by effective, id limit 1 for update skip locked", day
        )
        return rows[0] if rows else None

    async def known_at(self, contract: ContractId, at: datetime) -> Contract | None:
        """Return the contract as it had been recorded by an instant; None where nothing had."""
        snapshot = await self._connection.fetchval(
            "select snapshot from contract_change where operator = $1 and contract = $2 and snapshot is not null"
            " and done_at <= $3 order by version desc, id desc limit 1",
            *(self._operator, contract, at),
        )
        return None if snapshot is None else documents.loaded(Contract, snapshot)

    async def _fetch(self, condition: str, *arguments: Any) -> list[ContractChange]:
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from contract_change where operator = $1 and {condition}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [self._from_row(row) for row in rows]

    def _from_row(self, row: Mapping[str, Any]) -> ContractChange:
        kept = documents.loaded(ContractChange, row["detail"])
        return replace(
            kept,
            id=ContractChangeId(row["id"]),
            kind=ChangeKind(row["kind"]),
            effective=row["effective"],
            state=ChangeState(row["state"]),
            done_at=row["done_at"],
            version=row["version"],
        )
