"""Contracts with their services in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NoReturn

from piccolo.columns import JSONB, BigInt, BigSerial, Date, Integer, Numeric, Text
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from domain.access.actor import Actor
from domain.contracts.contract import Contract, ContractService, ContractState, Phase
from domain.contracts.terms import Discount, Ending, PastTerms, Terms
from domain.ids import ContractId, CustomerId, OperatorId
from domain.ports.page import Page, PageRequest
from domain.refusal import BadValue, Conflict, NotFound, Refusal, Stale
from persistence import documents
from persistence.engine import Transaction
from persistence.field_definitions import fields_of, fields_to
from persistence.rows import among, one_or_any, whole
from persistence.violations import beyond, possible, refusing


class ContractRow(Table, tablename="contract"):
    """The table ``contract``."""

    operator = Integer()
    customer = BigInt()
    id = BigSerial(primary_key=True)
    number = Text()
    start = Date()
    end = Date(null=True)
    state = Text()
    price_list = Text(null=True)
    reseller = BigInt(null=True)
    version = Integer()
    course = JSONB()
    fields = JSONB()
    seller = Text(null=True)


class ContractServiceRow(Table, tablename="contract_service"):
    """The table ``contract_service``. Piccolo wants one key column; the database has four."""

    operator = Integer()
    customer = BigInt()
    contract = BigInt()
    position = Integer(primary_key=True)
    service = BigInt()
    start = Date()
    end = Date(null=True)
    quantity = Integer()
    one_time_fee = Numeric(null=True)
    periodic_fee = Numeric(null=True)
    subscription = BigInt(null=True)
    bundle = BigInt(null=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What the column ``course`` holds, each as the contract has it."""

    terms: Terms = Terms()  # noqa: RUF009  (frozen)
    past: tuple[PastTerms, ...] = ()
    phases: tuple[Phase, ...] = ()
    discounts: tuple[Discount, ...] = ()
    ending: Ending | None = None
    predecessor: ContractId | None = None
    successor: ContractId | None = None


_COURSE: Final = ("terms", "past", "phases", "discounts", "ending", "predecessor", "successor")
_FIELDS = ("operator", "customer", "number", "start", "end", "price_list", "reseller", "version")
_LINE = ("service", "start", "end", "quantity", "one_time_fee", "periodic_fee", "subscription", "bundle")


def from_row(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]] = ()) -> Contract:
    """Make the contract of a row and of its services' rows."""
    course = documents.loaded(_Course, row["course"])
    return Contract(
        **{name: getattr(course, name) for name in _COURSE},
        id=ContractId(row["id"]),
        state=ContractState(row["state"]),
        fields=fields_of(row["fields"]),
        services=tuple(ContractService(**{name: line[name] for name in _LINE}) for line in lines),
        **{name: row[name] for name in _FIELDS},
    )


def to_row(contract: Contract) -> dict[str, Any]:
    """Make the row of a contract, without its key and its services."""
    course = _Course(**{name: getattr(contract, name) for name in _COURSE})
    return {name: getattr(contract, name) for name in _FIELDS} | {
        "state": contract.state.value,
        "course": documents.text(course),
        "fields": fields_to(contract.fields),
        "seller": contract.terms.seller,
    }


def to_lines(contract: Contract) -> list[dict[str, Any]]:
    """Make the rows of a contract's services."""
    owner = {"operator": contract.operator, "customer": contract.customer, "contract": contract.id}
    return [
        owner | {"position": position} | {name: getattr(line, name) for name in _LINE}
        for position, line in enumerate(contract.services)
    ]


_LINES: Final = (
    f"select {whole(ContractServiceRow).text} from contract_service"  # noqa: S608  (our own words)
    " where operator = $1 and customer = any ($2) and contract = any ($3) order by position"
)


class ContractStore:
    """Keeps ``domain.ports.contracts.Contracts``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = OperatorId(actor.operator)

    async def _select(self, *conditions: Any, first: int | None = None, lock: bool = False) -> list[Contract]:
        query = (
            ContractRow.select(whole(ContractRow))
            .where(ContractRow.operator == self._operator, *conditions)
            .order_by(ContractRow.id)
        )
        if first is not None:
            query = query.limit(first)
        if lock:
            # Not the key: others may name the row in theirs meanwhile.
            query = query.lock_rows("NO KEY UPDATE")
        return await self._with_lines(await query)

    async def _among(self, column: str, keys: Sequence[int]) -> list[Contract]:
        connection = self._transaction.connection
        return await self._with_lines(await among(connection, ContractRow, self._operator, column, keys))

    async def _with_lines(self, rows: Sequence[Mapping[str, Any]]) -> list[Contract]:
        if not rows:
            return []
        lines: dict[int, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
        query, customers = one_or_any(_LINES, list({row["customer"] for row in rows}))
        for line in await self._transaction.connection.fetch(query, self._operator, customers, list(lines)):
            lines[line["contract"]].append(line)
        return [from_row(row, lines[row["id"]]) for row in rows]

    async def get(self, key: ContractId) -> Contract:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or _missing(key)

    async def by_number(self, number: str) -> Contract:
        """Return the one with this contract number. Refuses with: NotFound."""
        found = await self._select(ContractRow.number == number)
        return found[0] if found else _missing(number)

    async def many(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Contract]:
        """Return those that exist and may be seen."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._among("id", wanted)}

    async def of_customers(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Contract]]:
        """Return the contracts of each customer, by key."""
        found: dict[CustomerId, list[Contract]] = {key: [] for key in keys}
        if wanted := possible(keys):
            for one in await self._among("customer", wanted):
                found[one.customer].append(one)
        return found

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Contract]:
        """List by key."""
        conditions: list[Any] = [ContractRow.id > beyond(request.after)]
        if customer is not None:
            conditions.append(WhereRaw("customer = any({})", possible([customer])))
        return Page.of(await self._select(*conditions, first=request.first + 1), request)

    async def add(self, contract: Contract) -> Contract:
        """Keep a new one with its services. Refuses with: Conflict (number taken), NotFound (customer, service)."""
        with refusing(_rules(contract)):
            rows = await ContractRow.insert(ContractRow(**to_row(contract)))
            kept = replace(contract, id=ContractId(rows[0]["id"]))
            await self._put_lines(kept)
        return kept

    async def claim(self, key: ContractId) -> Contract:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        found = await self._select(ContractRow.id == key, lock=True) if possible([key]) else []
        return found[0] if found else _missing(key)

    async def keep(self, contract: Contract) -> Contract:
        """Write a changed one and its services where the stored version is its own. Refuses with: Stale."""
        changed = replace(contract, version=contract.version + 1)
        with refusing(_rules(contract)):
            rows = (
                await ContractRow.update(**to_row(changed))
                .where(
                    ContractRow.operator == self._operator,
                    ContractRow.customer == contract.customer,
                    ContractRow.id == contract.id,
                    ContractRow.version == contract.version,
                )
                .returning(ContractRow.id)
            )
            if not rows:
                raise Stale(
                    "contract {number} was changed by somebody else; read it again",
                    number=contract.number,
                    field="version",
                )
            await ContractServiceRow.delete().where(
                ContractServiceRow.operator == self._operator,
                ContractServiceRow.customer == contract.customer,
                ContractServiceRow.contract == contract.id,
            )
            await self._put_lines(changed)
        return changed

    async def over(self, day: date, *, first: int) -> Sequence[Contract]:
        """Return contracts whose end has come by a day though they are not ended, locked; others may be at work."""
        query = (
            ContractRow.select(ContractRow.id)
            .where(
                ContractRow.operator == self._operator,
                WhereRaw("\"end\" <= {} and state <> 'ended'", day),
            )
            .order_by(ContractRow.id)
            .limit(first)
        )
        keys = [row["id"] for row in await query]
        return await self._select(WhereRaw("id = any({})", keys), lock=True) if keys else []

    async def next_number(self) -> str:
        """Draw the next contract number of the operator's series."""
        return str(await self._transaction.connection.fetchval("select draw_number('contract')"))

    async def _put_lines(self, contract: Contract) -> None:
        if contract.services:
            await ContractServiceRow.insert(*(ContractServiceRow(**line) for line in to_lines(contract)))


def _rules(contract: Contract) -> dict[str, Refusal]:
    return {
        "contract_operator_number_key": Conflict(
            "contract number {number} is taken", number=contract.number, field="number"
        ),
        "contract_operator_customer_fkey": NotFound(
            "no customer {customer}", customer=contract.customer, field="customer"
        ),
        "contract_service_operator_service_fkey": NotFound(
            "a service of the contract does not exist", field="services"
        ),
        "contract_service_operator_subscription_fkey": NotFound(
            "a subscription of the contract does not exist", field="services"
        ),
        "contract_check": BadValue("a contract must end after it starts", field="end"),
    }


def _missing(key: object) -> NoReturn:
    raise NotFound("no contract {key}", key=key, field="contract")
