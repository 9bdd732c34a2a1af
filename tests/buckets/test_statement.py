"""What became of buckets, on the invoice: every bucket's sums hold, month after month, kept and printed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pypdf import PdfReader

from domain.buckets.statement import BUCKET_COUNTS, BucketEntry
from domain.invoicing.invoice import BucketLine, Invoice
from domain.period import Period
from domain.ports.page import PageRequest
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.give_units import GiveUnits, SetGiftRules, give_units, set_gift_rules
from domain.usecases.grant_units import GrantUnits, grant_units
from domain.usecases.print_invoice import print_invoice
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.set_billing_rules import SetBillingRules, set_billing_rules
from integrations.printing.documents import InvoiceDocuments
from tests.buckets import made as own
from tests.buckets.test_life import MARCH_2, TOP, around
from tests.intake import world as made

PLAN = {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"}
Shown = tuple[int, int, int, int, int, int, int]


def call(place: int, seconds: int, when: datetime, to: str = "46850000000") -> str:
    return made.row(place, a=made.number(0), b=to, seconds=seconds, start=when)


async def billed(wiring, world, month: int, *, customer: int = 0) -> dict[tuple[str, str], Shown]:
    """Bill a month and return what its invoice tells of each bucket: rolled over to left, as in BUCKET_COUNTS.

    What these calls cost is less than half a krona, so that invoices of nothing are wanted.
    """
    async with wiring.begin(world.actor) as unit:
        rules = {one.group: one for one in await unit.billing_rules.every()}
    cmd = SetBillingRules(zero_invoices=True, version=rules[""].version if "" in rules else 0)
    await set_billing_rules(cmd, actor=world.actor, begin=wiring.begin)
    await run_bills(
        RunBills(period=Period(date(2026, month, 1), date(2026, month + 1, 1)), customers=(world.customers[customer],)),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
    )
    return told((await invoices(wiring, world))[-1])


async def invoices(wiring, world) -> list[Invoice]:
    async with wiring.begin(world.actor) as unit:
        page = await unit.invoices.page(PageRequest(first=50))
    return list(page.items)


def told(invoice: Invoice) -> dict[tuple[str, str], Shown]:
    found = {}
    for one in invoice.buckets:
        entry = one.entry
        assert entry.rolled_over + entry.granted + entry.received == (
            entry.used + entry.given + entry.expired + entry.left
        ), entry
        counts = tuple(int(getattr(entry, name)) for name in BUCKET_COUNTS)
        found[entry.bucket, one.label] = counts
    return found


async def test_what_rolls_over_passes_from_one_invoice_to_the_next(wiring, world, load):
    plan = own.bucket("p", "each subscription", "100", period=PLAN, rollover={"periods": 1, "cap": "30"})
    await own.publish(wiring, world, buckets=[plan])
    months = [datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 3)]
    await load(made.lines(call(1, 20, months[0]), call(2, 10, months[1]), call(3, 140, months[2])))
    async with wiring.begin(world.actor) as unit:
        line = (await unit.subscriptions.many([world.subscriptions[0]]))[world.subscriptions[0]]
    label = line.label or line.numbers[0].number
    march = await billed(wiring, world, 3)
    # Of February's 100, untouched since January's went first, 30 came over; March's call took them and its own hundred.
    assert march == {("p", label): (30, 100, 0, 130, 0, 0, 0)}
    (invoice,) = await invoices(wiring, world)
    (bucket,) = invoice.buckets
    assert (bucket.customer, bucket.entry.owner) == (world.customers[0], f"subscription:{line.id}")
    assert (bucket.entry.unit, bucket.entry.currency) == ("seconds", None)
    assert (line_of(invoice).net, invoice.buckets[0].entry.left) == (Decimal("0.10"), Decimal(0))


def line_of(invoice: Invoice):
    (line,) = invoice.lines
    return line


async def test_calls_of_the_next_month_are_not_in_the_statement_of_this_one(wiring, world, load):
    """What was rated before the bill run began, of a time behind its period, belongs to the next statement."""
    over = own.bucket("p", "each contract", "100", period=PLAN, rollover={"periods": 2, "cap": "1000"})
    await own.publish(wiring, world, buckets=[over])
    january, february = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    await load(made.lines(call(1, 130, january), call(2, 20, february)))
    (first,) = (await billed(wiring, world, 1)).values()
    assert first == (0, 100, 0, 100, 0, 0, 0)
    await load(made.lines(call(3, 200, february + timedelta(days=1))), name="more.csv")
    (second,) = (await billed(wiring, world, 2)).values()
    assert second == (0, 100, 0, 100, 0, 0, 0)


async def test_what_is_bought_given_received_and_expires(wiring, world, load):
    free = own.bucket("own", "each subscription", "100", period=PLAN)
    top = {key: value for key, value in TOP.items() if key != "top_up"} | {"owner": "top-up", "top_up": {"days": 60}}
    await own.publish(wiring, world, buckets=[free, top])
    await set_gift_rules(SetGiftRules(per_month=5, anybody=True), actor=world.actor, begin=wiring.begin)
    giver, taker = world.subscriptions[0], world.subscriptions[3]
    await give_units(GiveUnits(giver=giver, taker=taker, bucket="own", amount=Decimal(40)), **around(wiring, world))
    await grant_units(GrantUnits(subscription=giver, bucket="top"), **around(wiring, world))
    start = MARCH_2.when + timedelta(hours=2)
    # 60 of what the month granted and 100 that were bought cover 160 seconds; ten are paid.
    await load(made.lines(call(1, 10, start)), name="a.csv")
    await load(made.lines(call(2, 165, start + timedelta(hours=1))), name="b.csv")
    counts = {bucket: shown for (bucket, _), shown in (await billed(wiring, world, 3)).items()}
    assert counts == {"own": (0, 100, 0, 60, 40, 0, 0), "top": (0, 100, 0, 100, 0, 0, 0)}
    lines = made.row(3, a=made.number(3), b="46850000000", seconds=30, start=start)
    much = made.row(4, a=made.number(3), b="46850000000", seconds=120, start=start + timedelta(days=1))
    await load(made.lines(lines, much), name="c.csv")
    ((_, received),) = (await billed(wiring, world, 3, customer=3)).items()
    assert received == (0, 100, 40, 140, 0, 0, 0)


async def test_what_is_not_used_expires_or_is_left(wiring, world, load):
    year = ["2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"]
    home = {"scope": {"to": ["Sweden fixed"]}}
    lasting = own.bucket("y", "each subscription", "500", priority=2, period=year, **home)
    monthly = own.bucket("m", "each subscription", "100", priority=1, period=PLAN, **home)
    money = own.bucket("e", "each customer", "50", unit="money", priority=3, period=PLAN, **home)
    await own.publish(wiring, world, buckets=[lasting, monthly, money])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    await load(made.lines(call(1, 80, when), call(2, 60, when, to="4721000000")), name="n.csv")
    counts = {bucket: shown for (bucket, _), shown in (await billed(wiring, world, 3)).items()}
    assert counts == {
        "e": (0, 50, 0, 0, 0, 50, 0),
        "m": (0, 100, 0, 80, 0, 20, 0),
        "y": (500, 0, 0, 0, 0, 0, 500),
    }


async def test_the_statement_is_kept_and_printed_and_no_credit_note_has_it(wiring, world, load):
    plan = own.bucket("minutes", "each subscription", "3600", period=PLAN, scope={"to": ["Sweden fixed"]})
    await own.publish(wiring, world, buckets=[plan])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    await load(made.lines(call(1, 95, when), call(2, 60, when, to="4721000000")))
    await billed(wiring, world, 3)
    (invoice,) = await invoices(wiring, world)
    kept, data = await print_invoice(invoice.id, actor=world.actor, begin=wiring.begin, documents=InvoiceDocuments())
    assert kept == invoice
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace("\u00a0", " ")
    for wanted in ("Potter under perioden", "minutes", "1:00:00", "1:35", "58:25", "Förfallet"):
        assert wanted in text, wanted
    credit = await credit_invoice(
        CreditInvoice(invoice=invoice.id), actor=world.actor, begin=wiring.begin, clock=wiring.clock
    )
    assert credit.buckets == ()


async def test_many_buckets_go_over_pages(wiring, world, load):
    await load(made.lines(call(1, 60, datetime(2026, 3, 10, tzinfo=UTC))))
    await billed(wiring, world, 3)
    (invoice,) = await invoices(wiring, world)
    assert invoice.buckets == ()
    entry = BucketEntry(bucket="data", owner="subscription:1", unit="kB", granted=Decimal(2_500_000))
    entries = [replace(entry, bucket=f"data-{number}") for number in range(120)]
    many = replace(
        invoice,
        language="en",
        buckets=tuple(
            BucketLine(customer=invoice.customer, label=f"0850000{number:03d}", entry=one)
            for number, one in enumerate(entries)
        ),
    )
    data = InvoiceDocuments().pdf(many, [], zone="Europe/Stockholm")
    text = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    assert sum("Granted" in page for page in text) == 3
    assert all(any(f"data-{number}\n" in page for page in text) for number in range(120))
    assert sum(page.replace("\u00a0", " ").count("2,500 MB") for page in text) == 120
