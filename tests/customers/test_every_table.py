"""Of every table with somebody's rows it is said what merging does to them, how he is told of them, what is erased."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.contracts.terms import Terms
from domain.operators import Address
from domain.quotes.quote import QuoteLine
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge
from domain.usecases.quote_contract import CreateQuote, create_quote
from persistence.engine import OWNER, Database
from persistence.merging import GOES, STAYS
from tests.customers.test_merging import agreed
from tests.customers.test_persons import anna, told
from tests.stores.worlds import World

# The part of ``tell_person`` in which the rows of a table stand.
TOLD: Final = {
    "allocation": "payments", "bucket_grant": "grants", "charge": "charges", "claim": "claims",
    "collection_case": "collection_cases", "collection_hold": "collection_holds", "collection_letter": "letters",
    "collection_message": "collection_messages", "collection_step": "collection_steps", "contract": "contracts",
    "contract_change": "contract_changes", "contract_service": "contracts", "credit_limit": "credit_limits",
    "credit_override": "credit_overrides", "credit_reservation": "reservations", "customer_group": "groups",
    "customer_note": "notes", "customer_place": "places", "debit_order": "debits", "dispatch": "dispatches",
    "fraud_alarm": "suspicions", "instalment_plan": "instalment_plans", "invoice": "invoices",
    "invoice_dispute": "disputes", "invoice_line": "invoices", "mandate": "mandates", "network_order": "orders",
    "number_assignment": "subscriptions", "number_order": "number_orders", "payment": "payments",
    "plan_assignment": "plans", "quote": "quotes", "refund": "refunds", "settlement": "settlements",
    "subscription": "subscriptions", "subscription_barring": "bars", "subscription_state": "states", "usage": "usage",
}  # fmt: skip
# What is told by others, or says nothing of a person that they do not.
DERIVED: Final = {
    **dict.fromkeys(
        ("bucket_balance", "bucket_crossing", "bucket_given", "bucket_loss", "bucket_move", "draw_customer",
         "draw_party", "ring_volume", "usage_share"),
        "sums and moves of what usage draws of the grants and plans that are told",
    ),
    **dict.fromkeys(
        ("basis_counted", "basis_fee", "basis_line", "basis_stay",
         "bill_run_stay", "bill_run_unpriced", "bill_run_usage", "billed_through", "bill_carried",
         "bill_parked", "wholesale_fee"),
        "how far usage that is told is billed, and by which run",
    ),
    "credit_account": "sums of usage and of reservations",
    "credit_bar": "which of the bars were set for a limit",
    "customer_term": "the words that the customer is found by",
    "ledger_entry": "what invoices and payments that are told book",
    "network_order_note": "the log of the orders that are told",
    "number_order_step": "the log of the number orders that are told",
    "number_reservation": "numbers nobody has yet",
    "reseller_term": "a reseller's, who is no person",
}  # fmt: skip
# What an erased customer's rows lose: the columns that ``erase_customer`` and ``erase_written`` change, or the rows.
ERASED: Final = {
    "basis_fee", "charge", "collection_hold", "collection_letter", "collection_message", "contract",
    "contract_change",
    "credit_override", "credit_reservation", "customer_group", "customer_note", "dispatch", "invoice_dispute",
    "mandate", "network_order", "network_order_note", "number_assignment", "number_order", "number_reservation",
    "quote", "subscription", "subscription_barring", "subscription_state", "usage", "bucket_grant",
}  # fmt: skip
# Told of, and kept: amounts, days and states, which with the customer anonymised are nobody's, or what the law keeps.
KEPT: Final = {
    "allocation": "the law keeps the books", "claim": "the law keeps the books", "collection_case": "amounts and days",
    "collection_step": "amounts and days", "contract_service": "services", "credit_limit": "amounts",
    "customer_place": "keys of customers", "debit_order": "the law keeps the books", "fraud_alarm": "amounts",
    "instalment_plan": "amounts and days", "invoice": "the law keeps it", "invoice_line": "the law keeps it",
    "payment": "the law keeps the books", "plan_assignment": "names of plans", "refund": "the law keeps the books",
    "settlement": "the law keeps the books",
}  # fmt: skip
FUNCTIONS: Final = ("hand_over_customer", "hand_over_standing")


@pytest.fixture
def stored(world: World) -> Database:
    if not isinstance(world.database, Database):
        pytest.skip("tables are PostgreSQL's")
    return world.database


async def tables(connection: Any) -> set[str]:
    rows = await connection.fetch(
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
              and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'customer'
                  and a.atttypid = 'bigint'::regtype and not a.attisdropped)"""
    )
    return {row["relname"] for row in rows}


async def body(connection: Any, *names: str) -> str:
    return "\n".join(
        [await connection.fetchval("select prosrc from pg_proc where proname = $1", name) for name in names]
    )


async def test_every_table_with_a_customer_goes_or_stays(stored: Database) -> None:
    async with stored.transaction(role=OWNER) as unit:
        found = await tables(unit.connection)
        cascading = {
            row["child"]
            for row in await unit.connection.fetch(
                """select k.conrelid::regclass::text as child from pg_constraint k
                    where k.contype = 'f' and k.confupdtype = 'c'
                      and 'customer' in (select attname from pg_attribute a
                          where a.attrelid = k.conrelid and a.attnum = any (k.conkey))"""
            )
        }
        said = await body(unit.connection, *FUNCTIONS)
    assert found == GOES | STAYS
    assert not GOES & STAYS
    moved = set(re.findall(r"(?:update|insert into) (\w+)", said))
    moved |= set(re.findall(r"'(\w+)'", said.split("foreach kept in array")[1].split("loop")[0]))
    assert moved - {"set"} <= GOES
    assert moved | cascading >= GOES, GOES - moved - cascading


async def test_every_table_with_a_customer_is_told_and_what_is_personal_is_erased(
    world: World, stored: Database
) -> None:
    async with stored.transaction(role=OWNER) as unit:
        found = await tables(unit.connection)
        said = await body(unit.connection, "erase_customer", "erase_written")
    assert found == TOLD.keys() | DERIVED.keys()
    parts = await told(world, await anna(world))
    assert set(TOLD.values()) <= set(parts)
    changed = set(re.findall(r"(?:update|delete from) (\w+)", said)) - {"customer"}
    assert changed == ERASED
    assert ERASED - DERIVED.keys() | KEPT.keys() == TOLD.keys()
    assert not ERASED & KEPT.keys()


async def test_who_signed_and_what_was_written_is_erased(world: World) -> None:
    one = await anna(world)
    contract, _ = await agreed(world, one)
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    site = Address("Hemliga gatan 3", "111 22", "Stockholm", "SE")
    signed = replace(contract.terms, signatory="Anna Hemlig", site=site)
    contract = await change_contract(
        ChangeContract(contract=contract.id, version=contract.version, terms=signed), **around
    )
    charge = await add_charge(AddCharge(customer=one.id, text="Hemlig", unit_price=Decimal(1)), **around)
    await end_charge(EndCharge(charge=charge.id, version=charge.version, withdraw=True), **around)
    quote = await create_quote(
        CreateQuote(
            customer=one.id,
            lines=(QuoteLine(service=contract.services[0].service),),
            valid_until=date(2026, 12, 1),
            text="Hemlig",
            terms=Terms(signatory="Anna Hemlig"),
        ),
        **around,
    )
    assert "Hemlig" in repr(await told(world, one))
    async with world.begin(world.operator) as unit:
        await unit.persons.erase(one.id, name="Erased 1", at=world.clock.now())
    parts = await told(world, one)
    assert [row["number"] for row in parts["quotes"]] == [quote.number]
    assert {row["terms"]["signatory"] for row in (*parts["contracts"], *parts["quotes"])} == {None}
    assert [row["text"] for row in parts["charges"]] == [""]
    assert "Hemlig" not in repr({name: rows for name, rows in parts.items() if name != "audit"})
    async with world.begin(world.operator) as unit:
        known = await unit.contract_changes.known_at(contract.id, world.clock.now())
    assert known is not None
    assert "Hemlig" not in repr(known)
