"""Quotes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import ContractId, CustomerId, QuoteId, ResellerId
from domain.ports.page import Page, PageRequest
from domain.quotes.quote import Quote, QuoteState
from domain.refusal import Conflict, NotFound, Refusal, Stale
from persistence import documents
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

_COLUMNS: Final = "customer, id, number, state, valid_until, reseller, contract, version, document"


class QuoteStore:
    """Keeps ``domain.ports.contract_changes.Quotes``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def many(self, keys: Sequence[QuoteId]) -> Mapping[QuoteId, Quote]:
        """Return those that exist and may be seen."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._fetch("id = any ($2::bigint[])", wanted)}

    async def by_number(self, number: str) -> Quote:
        """Return one. Refuses with: NotFound."""
        if not (found := await self._fetch("number = $2", number)):
            raise NotFound("no quote {key}", key=number, field="quote")
        return found[0]

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Quote]:
        """List by key."""
        where, arguments = "id > $2", list[Any]([beyond(request.after), request.first + 1])
        if customer is not None:
            where, arguments = f"{where} and customer = any ($4::bigint[])", [*arguments, possible([customer])]
        return Page.of(await self._fetch(f"{where} order by id limit $3", *arguments), request)

    async def add(self, quote: Quote) -> Quote:
        """Keep a new one. Refuses with: Conflict (number taken), NotFound (customer)."""
        with refusing(_rules(quote)):
            key = await self._connection.fetchval(
                "insert into quote (operator, customer, number, state, valid_until, reseller, contract, version,"
                " document) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
                *(self._operator, quote.customer, quote.number, quote.state.value, quote.valid_until, quote.reseller),
                *(quote.contract, quote.version, documents.text(quote)),
            )
        return replace(quote, id=QuoteId(key))

    async def claim(self, key: QuoteId) -> Quote:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        found = await self._fetch("id = $2 for no key update", key) if possible([key]) else []
        if not found:
            raise NotFound("no quote {key}", key=key, field="quote")
        return found[0]

    async def keep(self, quote: Quote) -> Quote:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        changed = replace(quote, version=quote.version + 1)
        with refusing(_rules(quote)):
            done = await self._connection.fetchval(
                "update quote set state = $5, valid_until = $6, contract = $7, version = $8, document = $9"
                " where operator = $1 and customer = $2 and id = $3 and version = $4 returning id",
                *(self._operator, quote.customer, quote.id, quote.version, quote.state.value, quote.valid_until),
                *(quote.contract, changed.version, documents.text(changed)),
            )
        if done is None:
            raise Stale("quote {number} was changed by somebody else; read it again", number=quote.number,
                        field="version")  # fmt: skip
        return changed

    async def lapsed(self, day: date, *, first: int) -> Sequence[Quote]:
        """Return sent quotes that were valid until before a day, locked."""
        where = "state = 'sent' and valid_until < $2 order by id limit $3 for no key update skip locked"
        return await self._fetch(where, day, first)

    async def next_number(self) -> str:
        """Draw the next number of quotes."""
        return str(await self._connection.fetchval("select draw_quote_number()"))

    async def _fetch(self, condition: str, *arguments: Any) -> list[Quote]:
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from quote where operator = $1 and {condition}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [_from_row(row) for row in rows]


def _from_row(row: Mapping[str, Any]) -> Quote:
    kept = documents.loaded(Quote, row["document"])
    return replace(
        kept,
        id=QuoteId(row["id"]),
        state=QuoteState(row["state"]),
        valid_until=row["valid_until"],
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        contract=None if row["contract"] is None else ContractId(row["contract"]),
        version=row["version"],
    )


def _rules(quote: Quote) -> dict[str, Refusal]:
    return {
        "quote_operator_number_key": Conflict(
            "the quote number {number} is taken", number=quote.number, field="number"
        ),
        "quote_operator_customer_fkey": NotFound("no customer {key}", key=quote.customer, field="customer"),
    }
