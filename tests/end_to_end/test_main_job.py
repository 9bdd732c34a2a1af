"""The main job on the real database with the small demo: every number meets every other."""

import io
import stat
from collections import Counter
from decimal import Decimal

import pikepdf
import pytest
from rich.console import Console

from api.demo import run_main_job
from api.demo.loading import actor_of, find_operator
from api.settings import Settings
from api.wiring import on_database
from domain.customers.customer import Delivery
from domain.demo.size import Size
from domain.demo.world import make_world
from domain.demo.written import Truth
from domain.invoicing.invoice import LineKind
from domain.money import round_to
from domain.ports.page import PageRequest
from domain.refusal import Conflict
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.list_suspense import ListSuspense, list_suspense
from domain.usecases.print_invoice import write_einvoice
from integrations.einvoice.rules import Checker
from persistence.engine import OWNER, Database

SIZE = Size(customers=20, calls=800)
# Tables that a second run of the main job must leave as they are.
TABLES = (
    *(
        "operator",
        "reseller",
        "customer",
        "contract",
        "contract_service",
        "service",
        "subscription",
        "number_assignment",
    ),
    *("destination", "prefix", "price_list", "rate", "source", "cdr_file", "chunk", "usage", "suspense", "bill_run"),
    *("invoice", "invoice_line", "ledger_entry", "ledger_posting", "api_client"),
)


def quiet():
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(scope="module")
async def done(cluster, tmp_path_factory):
    """A wiring whose main job has been done, what it printed, and the world it was made of."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), demo_customers=SIZE.customers, demo_calls=SIZE.calls)
    url = await cluster.create()
    async with await Database.open(url) as database:
        wiring, console = on_database(database, settings), quiet()
        await run_main_job(wiring, console)
        yield wiring, console.file.getvalue(), make_world(SIZE)
    await cluster.drop(url)


async def fetch(wiring, sql):
    async with wiring.database.transaction(role=OWNER) as transaction:
        return await transaction.connection.fetch(sql)


async def counted(wiring):
    return {table: (await fetch(wiring, f"select count(*) from {table}"))[0][0] for table in TABLES}


async def test_every_record_ends_where_the_generator_says(done):
    wiring, _, world = done
    truth = Truth()
    for file in world.files():
        truth.counts += file.truth.counts
    row = (
        await fetch(
            wiring,
            "select count(*) as files, sum(records) as records, sum(events) as events, sum(duplicates) as"
            " duplicates, sum(rejects) as rejects, sum(rated) as rated, sum(unrated) as unrated from cdr_file",
        )
    )[0]
    assert (row["files"], row["records"]) == (len(list(world.files())), truth.records)
    assert row["duplicates"] == truth.counts["duplicate"]
    assert row["rejects"] == sum(truth.of("reject").values())
    assert row["events"] == truth.events == row["rated"] + row["unrated"]
    assert row["unrated"] == sum(truth.of("unrated").values())
    reasons = await fetch(wiring, "select reason, count(*) from suspense group by reason")
    assert dict(map(tuple, reasons)) == dict(Counter(truth.of("reject")) + Counter(truth.of("unrated")))


async def test_the_rated_sum_is_the_sum_of_the_usage_lines_and_the_invoices_are_in_the_ledger(done):
    wiring, _, world = done
    operator = await find_operator(world, wiring)
    page = await list_invoices(
        ListInvoices(page=PageRequest(first=1000)), actor=actor_of(operator.id), begin=wiring.begin
    )
    since, until = world.size.period.instants(operator.zone)
    async with wiring.database.transaction(role=OWNER) as transaction:
        rated = await transaction.connection.fetchval(
            "select sum(retail_micro)::bigint from usage where start >= $1 and start < $2", since, until
        )
    lines = [line for invoice in page.items for line in invoice.lines]
    usage = [line for line in lines if line.kind is LineKind.USAGE]
    assert sum(line.amount_micro for line in usage) == rated > 0
    assert all(line.net == round_to(Decimal(line.amount_micro).scaleb(-6), 2) for line in usage)
    assert sum(invoice.net for invoice in page.items) == sum(line.net for line in lines)
    booked = await fetch(wiring, "select account, sum(amount_minor)::bigint from ledger_posting group by account")
    accounts = dict(map(tuple, booked))
    assert sum(accounts.values()) == 0
    assert Decimal(accounts["1510"]) / 100 == sum(invoice.total for invoice in page.items)
    numbers = sorted(int(invoice.number) for invoice in page.items)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_customers_billed_through_their_parent_stand_on_its_invoice(done):
    wiring, _, world = done
    operator = await find_operator(world, wiring)
    page = await list_invoices(
        ListInvoices(page=PageRequest(first=1000)), actor=actor_of(operator.id), begin=wiring.begin
    )
    payers = {invoice.payer.number for invoice in page.items}
    through = {customer.number for customer in world.register.customers if customer.through_parent}
    assert through
    assert not payers & through
    head = next(invoice for invoice in page.items if invoice.payer.number == "10001")
    assert len(head.customers) == 3


async def test_a_second_run_changes_nothing_and_says_so(done):
    wiring, first, _ = done
    before = await counted(wiring)
    console = quiet()
    await run_main_job(wiring, console)
    again = console.file.getvalue()
    assert await counted(wiring) == before
    assert "loaded already" in again
    assert first[first.index("GraphQL ") :] == again[again.index("GraphQL ") :]


async def test_a_run_that_was_interrupted_continues(database, tmp_path, monkeypatch, caplog):
    settings = Settings(data_dir=tmp_path, demo_customers=SIZE.customers, demo_calls=SIZE.calls)
    wiring = on_database(database, settings)

    class PowerCutError(Exception):
        pass

    for step in ("api.demo.loading.add_subscription", "api.demo.job.run_bills"):
        with monkeypatch.context() as patch:
            patch.setattr(step, cut(PowerCutError, step))
            with pytest.raises(PowerCutError):
                await run_main_job(wiring, quiet())
    await run_main_job(wiring, quiet())
    counts = await counted(wiring)
    assert counts["customer"] == SIZE.customers
    assert counts["subscription"] == len(make_world(SIZE).register.subscriptions)
    assert counts["bill_run"] == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_demo_begun_with_another_size_is_refused_with_what_to_do(database, tmp_path, monkeypatch):
    begun = on_database(database, Settings(data_dir=tmp_path, demo_customers=20, demo_calls=500))
    with monkeypatch.context() as patch:
        patch.setattr("api.demo.loading.add_subscription", cut(ConnectionError, "api.demo.loading.add_subscription"))
        with pytest.raises(ConnectionError):
            await run_main_job(begun, quiet())
    other = on_database(database, Settings(data_dir=tmp_path, demo_customers=10, demo_calls=500))
    with pytest.raises(Conflict, match="make demo-reset"):
        await run_main_job(other, quiet())


def cut(error, step):
    """Replace a step by one that works a few times and then does not."""
    module, _, name = step.rpartition(".")
    real, left = getattr(__import__(module, fromlist=[name]), name), [5 if name == "add_subscription" else 0]

    async def some(*args, **kwargs):
        if not left[0]:
            raise error
        left[0] -= 1
        return await real(*args, **kwargs)

    return some


async def test_secrets_are_kept_for_their_owner_alone_and_good(done):
    wiring, printed, _ = done
    path = wiring.settings.data_dir / "demo" / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = path.read_text()
    assert all(secret in printed for secret in stored.split('"')[3::4] if len(secret) > 30)


async def test_lost_secrets_are_replaced_and_the_old_clients_shut_out(done):
    wiring, _, _ = done
    (wiring.settings.data_dir / "demo" / "credentials.json").unlink()
    console = quiet()
    await run_main_job(wiring, console)
    rows = await fetch(wiring, "select revoked_at is null as good from api_client")
    assert Counter(row["good"] for row in rows) == {True: 2, False: 2}


async def test_what_cannot_be_rated_is_listed_with_its_reason_and_line(done):
    wiring, _, world = done
    operator = await find_operator(world, wiring)
    query = ListSuspense(page=PageRequest(first=100), reason="no_party")
    page = await list_suspense(query, actor=actor_of(operator.id), begin=wiring.begin)
    assert page.items
    assert all(one.raw and one.event for one in page.items)


async def peppol_documents(wiring, world):
    """Return the e-invoice of every invoice of the month that goes over Peppol."""
    operator = await find_operator(world, wiring)
    actor = actor_of(operator.id)
    page = await list_invoices(ListInvoices(page=PageRequest(first=1000)), actor=actor, begin=wiring.begin)
    sent = [invoice.id for invoice in page.items if invoice.delivery is Delivery.PEPPOL]
    assert len(sent) >= 3
    made = [await write_einvoice(key, actor=actor, begin=wiring.begin, documents=wiring.documents) for key in sent]
    return [data for _, data in made]


async def test_every_einvoice_of_the_month_passes_schema_and_en_16931(done):
    wiring, _, world = done
    with Checker() as checker:
        found = [checker.check(data, rules_may_miss=True) for data in await peppol_documents(wiring, world)]
    assert not any(found), found


@pytest.mark.shared
async def test_every_einvoice_of_the_month_passes_peppol(done, shared):
    wiring, _, world = done
    with Checker(shared / "data" / "einvoice" / "rules") as checker:
        found = [checker.check(data) for data in await peppol_documents(wiring, world)]
    assert not any(found), found


async def test_the_sample_on_disk_is_the_invoice_and_its_einvoice(done):
    wiring, printed, _ = done
    (pdf,) = (wiring.settings.data_dir / "demo").glob("invoice-*.pdf")
    assert str(pdf) in printed
    with pikepdf.open(pdf) as opened:
        (name,) = opened.attachments
        attached = opened.attachments[name].get_file().read_bytes()
    assert attached == pdf.with_suffix(".xml").read_bytes()
