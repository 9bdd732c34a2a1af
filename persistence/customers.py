"""Customers in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Integer, Numeric, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from domain.access.actor import Actor
from domain.customers.contact import Contact, Recipient
from domain.customers.customer import TREE_DEPTH_MAX, CallSpecification, Customer, CustomerKind, Delivery
from domain.ids import CustomerId
from domain.operators import Address
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale
from persistence.customer_search import found_by_text
from persistence.engine import Transaction
from persistence.field_definitions import fields_of, fields_to
from persistence.fields import dump, load
from persistence.rows import among, whole
from persistence.violations import beyond, possible, refusing


class CustomerRow(Table, tablename="customer"):
    """The table ``customer`` without the columns that the database computes."""

    operator = Integer()
    id = BigSerial(primary_key=True)
    number = Text()
    kind = Text()
    name = Text()
    street = Text()
    street2 = Text(null=True)
    postcode = Text()
    city = Text()
    country = Varchar(length=2)
    identity_number = Text(null=True)
    vat_id = Text(null=True)
    parent = BigInt(null=True)
    through_parent = Boolean()
    reseller = BigInt(null=True)
    email = Text(null=True)
    phone = Text(null=True)
    language = Text()
    payment_terms_days = Integer(null=True)
    delivery = Text()
    endpoint = Text(null=True)
    call_specification = Text()
    mask_digits = SmallInt()
    price_list = Text(null=True)
    version = Integer()
    billed_through = BigInt(null=True)
    recipient = JSONB(null=True)
    contacts = JSONB()
    credit_limit = Numeric(null=True)
    buyer_reference = Text(null=True)
    order_reference = Text(null=True)
    cost_centre = Text(null=True)
    billing_day = SmallInt(null=True)
    direct_debit = Boolean()
    fields = JSONB()
    merged_into = BigInt(null=True)
    closed_at = Timestamptz(null=True)
    erased_at = Timestamptz(null=True)


_SAME = [
    "operator",
    "number",
    "name",
    "identity_number",
    "vat_id",
    "parent",
    "through_parent",
    "reseller",
    "email",
    "phone",
    "language",
    "payment_terms_days",
    "endpoint",
    "mask_digits",
    "price_list",
    "version",
    "billed_through",
    "credit_limit",
    "buyer_reference",
    "order_reference",
    "cost_centre",
    "billing_day",
    "direct_debit",
    "merged_into",
    "closed_at",
    "erased_at",
]


def from_row(row: Mapping[str, Any]) -> Customer:
    """Make the customer of a row."""
    return Customer(
        id=CustomerId(row["id"]),
        kind=CustomerKind(row["kind"]),
        address=Address(row["street"], row["postcode"], row["city"], row["country"], row["street2"]),
        delivery=Delivery(row["delivery"]),
        call_specification=CallSpecification(row["call_specification"]),
        recipient=None if row["recipient"] is None else load(Recipient, json.loads(row["recipient"])),
        contacts=tuple(load(Contact, one) for one in json.loads(row["contacts"])) if row["contacts"] != "[]" else (),
        fields=fields_of(row["fields"]),
        **{name: row[name] for name in _SAME},
    )


def to_row(customer: Customer) -> dict[str, Any]:
    """Make the row of a customer, without its key."""
    place = customer.address
    return {name: getattr(customer, name) for name in _SAME} | {
        "kind": customer.kind.value,
        "street": place.street,
        "street2": place.street2,
        "postcode": place.postcode,
        "city": place.city,
        "country": place.country,
        "delivery": customer.delivery.value,
        "call_specification": customer.call_specification.value,
        "recipient": None if customer.recipient is None else json.dumps(dump(customer.recipient), ensure_ascii=False),
        "contacts": json.dumps(dump(customer.contacts), ensure_ascii=False),
        "fields": fields_to(customer.fields),
    }


class CustomerStore:
    """Keeps ``domain.ports.customers.Customers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = actor.operator

    async def _select(self, *conditions: Any, first: int | None = None, lock: bool = False) -> list[Customer]:
        query = (
            CustomerRow.select(whole(CustomerRow))
            .where(CustomerRow.operator == self._operator, *conditions)
            .order_by(CustomerRow.id)
        )
        if first is not None:
            query = query.limit(first)
        if lock:
            # Not the key: others may name the row in theirs meanwhile.
            query = query.lock_rows("NO KEY UPDATE")
        return [from_row(row) for row in await query]

    async def _among(self, column: str, keys: Sequence[int]) -> list[Customer]:
        rows = await among(self._transaction.connection, CustomerRow, self._operator, column, keys)
        return [from_row(row) for row in rows]

    async def get(self, key: CustomerId) -> Customer:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or _missing(key)

    async def many(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        """Return those that exist and may be seen."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._among("id", wanted)}

    async def by_number(self, number: str) -> Customer:
        """Return the one with this customer number. Refuses with: NotFound."""
        found = await self._select(CustomerRow.number == number)
        return found[0] if found else _missing(number)

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        parent: CustomerId | None = None,
        country: str | None = None,
    ) -> Page[Customer]:
        """List by key, or with a text by the word that was found."""
        if text is not None and text.strip():
            keys = await found_by_text(
                self._transaction.connection, self._actor, text, country, after=request.after, parent=parent,
                first=request.first + 1,
            )  # fmt: skip
            rows = await self.many(keys)
            return Page.of([rows[key] for key in keys if key in rows], request)
        conditions: list[Any] = [CustomerRow.id > beyond(request.after)]
        if parent is not None:
            conditions.append(WhereRaw("parent = any({})", possible([parent])))
        return Page.of(await self._select(*conditions, first=request.first + 1), request)

    async def children(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Customer]]:
        """Return the direct sub-customers of each."""
        wanted = possible(keys)
        found: dict[CustomerId, list[Customer]] = {key: [] for key in keys}
        for one in await self._among("parent", wanted) if wanted else ():
            assert one.parent is not None
            found[one.parent].append(one)
        return found

    async def above(self, key: CustomerId) -> Sequence[Customer]:
        """Return the customer and those above it, nearest first."""
        if not possible([key]):
            return []
        rows = await self._transaction.connection.fetch(
            """with recursive above as (
                   select customer.*, 1 as depth from customer where operator = $1 and id = $2
                   union all
                   select customer.*, above.depth + 1 from above
                   join customer on customer.operator = $1 and customer.id = above.parent where above.depth < $3)
               select * from above order by depth""",
            self._operator,
            key,
            TREE_DEPTH_MAX,
        )
        return [from_row(row) for row in rows]

    async def hold_tree(self) -> None:
        """Let no other unit move a customer in the tree until this one ends."""
        await self._transaction.connection.execute(
            "select from series where operator = $1 and name = 'customer' for update", self._operator
        )

    async def add(self, customer: Customer) -> Customer:
        """Keep a new one and return it with its key. Refuses with: Conflict (number taken)."""
        with refusing(_rules(customer)):
            rows = await CustomerRow.insert(CustomerRow(**to_row(customer)))
        return replace(customer, id=CustomerId(rows[0]["id"]))

    async def claim(self, key: CustomerId) -> Customer:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        found = await self._select(CustomerRow.id == key, lock=True) if possible([key]) else []
        return found[0] if found else _missing(key)

    async def keep(self, customer: Customer) -> Customer:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        changed = replace(customer, version=customer.version + 1)
        with refusing(_rules(customer)):
            rows = (
                await CustomerRow.update(**to_row(changed))
                .where(
                    CustomerRow.operator == self._operator,
                    CustomerRow.id == customer.id,
                    CustomerRow.version == customer.version,
                )
                .returning(CustomerRow.id)
            )
        if not rows:
            raise Stale(
                "customer {number} was changed by somebody else; read it again", number=customer.number, field="version"
            )
        return changed

    async def next_number(self) -> str:
        """Draw the next customer number of the operator's series."""
        return str(await self._transaction.connection.fetchval("select draw_number('customer')"))


def _rules(customer: Customer) -> dict[str, Conflict | NotFound]:
    return {
        "customer_operator_number_key": Conflict(
            "customer number {number} is taken", number=customer.number, field="number"
        ),
        "customer_billed_through_fkey": NotFound(
            "no customer {billed_through}", billed_through=customer.billed_through, field="billedThrough"
        ),
        "customer_operator_parent_fkey": NotFound("no customer {parent}", parent=customer.parent, field="parent"),
        "customer_operator_reseller_fkey": NotFound(
            "no reseller {reseller}", reseller=customer.reseller, field="reseller"
        ),
    }


def _missing(key: object) -> NoReturn:
    raise NotFound("no customer {key}", key=key, field="customer")
