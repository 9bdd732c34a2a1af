"""What was invoiced before it was rated again: the next invoice corrects it and names the first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.invoicing.invoice import DocumentKind, LineKind
from domain.period import Period
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.run_bills import RunBills, run_bills
from tests.intake import world as made
from tests.rerating.conftest import dearer, publish

MARCH, APRIL = Period.month("2026-03"), Period.month("2026-04")
FIXED, NORWAY = "46850000000", "4722000000"


@pytest.fixture
def bill(wiring, world):
    async def one(period: Period):
        found = []
        await run_bills(
            RunBills(period=period, issued_on=date(2026, 5, 1)),
            actor=world.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            done=lambda page: found.extend(page.invoices),
        )
        return found

    return one


@pytest.fixture
async def loaded(load):
    rows = [made.row(0, a=made.number(0), b=FIXED), made.row(1, a=made.number(0), b=NORWAY)]
    return await load(made.lines(*rows))


async def calls(wiring, world, invoice):
    async with wiring.begin(world.actor) as unit:
        return [row.amount_micro async for block in unit.invoices.calls(invoice) for row in block]


async def test_a_correction_line_names_the_invoice_and_that_stays_as_it_was(wiring, world, load, loaded, again, bill):
    (first,) = await bill(MARCH)
    assert {line.text: line.net for line in first.lines} == {
        "Samtal: Sweden": Decimal("0.79"),
        "Samtal: Norway": Decimal("1.89"),
    }
    await publish(wiring, world, dearer)
    await again()
    assert await bill(MARCH) != []
    async with wiring.begin(world.actor) as unit:
        page = (await unit.invoices.of_customers([first.customer]))[first.customer]
    kept, second = page
    assert kept == first
    (line,) = second.lines
    assert (second.kind, line.kind) == (DocumentKind.INVOICE, LineKind.CORRECTION)
    assert (line.net, line.corrects, line.amount_micro) == (Decimal("0.60"), first.number, 600_000)
    assert first.number in line.text
    assert await calls(wiring, world, first) == [790_000, 1_890_000]
    assert await calls(wiring, world, second) == []
    # Rated again and billed again, there is nothing left to bill.
    await again()
    assert await bill(MARCH) == []
    assert await bill(APRIL) == []


async def test_a_lower_price_is_given_back_on_a_credit_note(wiring, world, loaded, again, bill):
    (first,) = await bill(MARCH)

    def cheaper(document):
        document["price_lists"]["retail"]["rates"][2] = made.rate("Norway", "0.20", setup="0.69", each=60)

    await publish(wiring, world, cheaper)
    await again()
    (second,) = await bill(APRIL)
    (line,) = second.lines
    assert (second.kind, second.original, line.net) == (DocumentKind.CREDIT_NOTE, first.number, Decimal("-1.00"))


async def test_what_is_rated_again_before_it_is_billed_is_billed_once(wiring, world, loaded, again, bill):
    await publish(wiring, world, dearer)
    await again()
    (only,) = await bill(MARCH)
    (sweden,) = [line for line in only.lines if line.group == "Sweden"]
    assert (sweden.kind, sweden.net, sweden.events, sweden.used) == (LineKind.USAGE, Decimal("1.39"), 1, 60)
    assert await calls(wiring, world, only) == [1_390_000, 1_890_000]


async def test_corrections_of_corrections_name_the_first_invoice(wiring, world, loaded, again, bill):
    (first,) = await bill(MARCH)
    await publish(wiring, world, dearer)
    await again()
    await bill(MARCH)
    await publish(wiring, world, lambda document: None)
    await again()
    (third,) = await bill(APRIL)
    (line,) = third.lines
    assert (line.net, line.corrects) == (Decimal("-0.60"), first.number)


async def test_what_was_credited_as_a_whole_is_not_given_back_once_more(wiring, world, loaded, again, bill):
    (first,) = await bill(MARCH)
    await credit_invoice(CreditInvoice(invoice=first.id), actor=world.actor, begin=wiring.begin, clock=wiring.clock)

    def cheaper(document):
        document["price_lists"]["retail"]["rates"][2] = made.rate("Norway", "0.20", setup="0.69", each=60)

    await publish(wiring, world, cheaper)
    assert (await again()).tally.changed == 1
    assert await bill(MARCH) == []
    assert await bill(APRIL) == []


async def test_a_correction_outlives_a_credit_note_of_a_bill_run(wiring, world, loaded, again, bill):
    """A negative bill is a credit note too, but takes nothing back as a whole: what follows it is still corrected."""
    await bill(MARCH)

    def cheaper(document):
        document["price_lists"]["retail"]["rates"][2] = made.rate("Norway", "0.20", setup="0.69", each=60)

    await publish(wiring, world, cheaper)
    await again()
    (second,) = await bill(APRIL)
    assert second.kind is DocumentKind.CREDIT_NOTE
    await publish(wiring, world, lambda document: None)
    await again()
    (third,) = await bill(APRIL)
    assert [line.net for line in third.lines] == [Decimal("1.00")]
