"""Statements of account, ageing, and the check that the ledger ties, over what bills and payments have booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.access.actor import Action
from domain.ids import CustomerId
from domain.invoicing.invoice import Invoice
from domain.ledger.entry import Entry, Posting
from domain.ledger.statement import MovementKind
from domain.ledger.tying import Rule
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.import_payments import ImportPayments, import_payments
from domain.usecases.ledger_reports import (
    AgeBy,
    AgeReceivables,
    StateAccount,
    age_receivables,
    check_ledger,
    state_account,
)
from domain.usecases.list_payments import trial_balance
from integrations.payments import formats
from tests.invoicing.conftest import NOVEMBER, Office
from tests.payments.test_readers import bgmax


@pytest.fixture(autouse=True)
def today(office: Office) -> None:
    office.world.clock.at = datetime(2026, 12, 22, 12, tzinfo=UTC)


async def ask(office: Office, usecase: Any, *arguments: Any, **more: Any) -> Any:
    return await usecase(*arguments, actor=office.actor, begin=office.world.begin, **more)


async def billed(office: Office, *customers: str) -> list[Invoice]:
    """Bill October to new customers: 249.00 each, issued on 1 November and due on 1 December."""
    for number in customers:
        await office.customer(number=number)
    await office.bill()
    return sorted(office.invoices, key=lambda one: one.id)


async def paid(office: Office, *payments: tuple[int, str]) -> None:
    cmd = ImportPayments(name="file", data=bgmax(*payments), read=formats.read)
    await ask(office, import_payments, cmd, clock=office.world.clock)


async def test_a_statement_tells_what_moved_and_ends_with_what_is_owed(office: Office) -> None:
    one, _ = await billed(office, "1", "2")
    await paid(office, (10000, one.payment.reference))
    cmd = StateAccount(customer=one.customer, since=date(2026, 11, 1), until=date(2026, 11, 30))
    (part,) = (told := await ask(office, state_account, cmd, clock=office.world.clock)).parts
    assert (part.opening_minor, part.closing_minor, part.currency) == (0, 14900, "SEK")
    assert [(row.movement.kind, row.movement.amount_minor, row.balance_minor) for row in part.rows] == [
        (MovementKind.INVOICE, 24900, 24900),
        (MovementKind.PAYMENT, -10000, 14900),
    ]
    assert part.rows[0].movement.document == one.number
    assert [(item.name, item.open_minor) for item in told.items] == [(one.number, 14900)]
    assert (part.ageing.not_due, part.ageing.total) == (14900, 14900)
    # A later one begins with what the earlier one ended with.
    later = StateAccount(customer=one.customer, since=date(2026, 12, 1), until=date(2026, 12, 22))
    (part,) = (await ask(office, state_account, later, clock=office.world.clock)).parts
    assert (part.opening_minor, part.rows, part.closing_minor) == (14900, (), 14900)
    assert (part.ageing.not_due, part.ageing.days_30) == (0, 14900)


async def test_a_customer_without_anything_has_a_statement_of_nothing(office: Office) -> None:
    customer, _, _ = await office.customer(number="1")
    (part,) = (await ask(office, state_account, StateAccount(customer=customer.id), clock=office.world.clock)).parts
    assert (part.since, part.opening_minor, part.rows, part.closing_minor) == (date(2026, 1, 1), 0, (), 0)


async def test_a_statement_that_ends_before_it_begins_is_refused(office: Office) -> None:
    customer, _, _ = await office.customer(number="1")
    cmd = StateAccount(customer=customer.id, since=date(2026, 2, 1), until=date(2026, 1, 31))
    with pytest.raises(BadValue, match="before it begins"):
        await ask(office, state_account, cmd, clock=office.world.clock)
    with pytest.raises(NotFound):
        await ask(office, state_account, StateAccount(customer=CustomerId(999)), clock=office.world.clock)


async def test_ageing_is_by_days_since_due_and_ties_to_the_receivable(office: Office) -> None:
    one, two, three = await billed(office, "1", "2", "3")
    await paid(office, (30000, two.payment.reference))
    await ask(office, credit_invoice, CreditInvoice(invoice=three.id), clock=office.world.clock)
    await office.bill(NOVEMBER)
    for day, expected in (
        (date(2026, 11, 30), {"not_due": 49800, "credit": -5100}),
        (date(2026, 12, 2), {"not_due": 74700, "days_30": 49800, "credit": -5100}),
        (date(2027, 1, 20), {"days_30": 74700, "days_60": 24900, "credit": -5100}),
        (date(2027, 2, 28), {"days_60": 74700, "days_90": 24900, "credit": -5100}),
        (date(2027, 6, 1), {"older": 99600, "credit": -5100}),
    ):
        told = await ask(office, age_receivables, AgeReceivables(on=day), clock=office.world.clock)
        (total,) = told.totals
        shown = {name: getattr(total, name) for name in ("not_due", "days_30", "days_60", "days_90", "older", "credit")}
        assert {name: amount for name, amount in shown.items() if amount} == expected, day
        balances = await ask(office, trial_balance, on=day)
        assert total.total == balances["1510", "SEK"] + balances.get(("2420", "SEK"), 0)
        assert sum(row.ageing.total for row in told.rows) == total.total
    assert [row.code for row in told.rows] == ["1", "2", "3"]
    assert one.customer == told.rows[0].key


async def test_ageing_of_groups_and_resellers(office: Office) -> None:
    await billed(office, "1", "2")
    for by in (AgeBy.GROUP, AgeBy.RESELLER):
        told = await ask(office, age_receivables, AgeReceivables(by=by), clock=office.world.clock)
        assert [(row.code, row.key, row.ageing.total) for row in told.rows] == [("", None, 49800)]


async def test_the_ledger_ties_and_the_first_difference_is_named(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await paid(office, (30000, one.payment.reference), (10000, two.payment.reference), (5000, ""))
    await ask(office, credit_invoice, CreditInvoice(invoice=two.id), clock=office.world.clock)
    assert await ask(office, check_ledger) == []
    wrong = Entry(
        key="manual:1",
        booked_on=date(2026, 12, 1),
        text="somebody's own",
        postings=(Posting("1510", "SEK", 1), Posting("3041", "SEK", -1)),
        customer=one.customer,
    )
    async with office.begin() as unit:
        await unit.ledger.post([wrong])
    (found,) = await ask(office, check_ledger)
    assert (found.rule, found.what, found.currency) == (Rule.CUSTOMER, f"customer {one.customer}", "SEK")
    assert found.ledger_minor == found.books_minor + 1


async def test_the_reports_are_the_operator_s_alone(office: Office) -> None:
    one, _, _ = await office.customer(number="1")
    world = office.world
    bound = {"begin": world.begin}
    for actor in (world.north, replace(world.operator, scopes=frozenset({Action.READ_CUSTOMERS}))):
        for asked in (
            state_account(StateAccount(customer=one.id), actor=actor, clock=world.clock, **bound),
            age_receivables(AgeReceivables(), actor=actor, clock=world.clock, **bound),
            check_ledger(actor=actor, **bound),
        ):
            with pytest.raises(NotAllowed):
                await asked
    other = world.other_operator
    with pytest.raises(NotFound):
        await state_account(StateAccount(customer=one.id), actor=other, clock=world.clock, **bound)
    assert (await age_receivables(AgeReceivables(), actor=other, clock=world.clock, **bound)).rows == ()
