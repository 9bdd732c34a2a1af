"""Mandates, direct debits, write-offs and refunds over GraphQL and SOAP, and nobody else's to see."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from api.graphql.ids import global_id
from api.order_jobs import debit_job, put_job, release_job
from domain.access.actor import system
from domain.ids import OperatorId
from domain.ports.page import PageRequest
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_payments import _file, _invoice, _upload
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

REFUSAL = "... on Refusal { code field message }"
CREDITOR = '{name: "Exempel AB", bankgiro: "9912346", customerNo: "471117", iban: "SE4550000000058398257466"}'
IBAN = "FI2112345600000785"


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def do(house: House, text: str, client: str = "operator") -> dict[str, Any]:
    found: dict[str, Any] = (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]
    return found


async def _rules(house: House, more: str = "") -> None:
    version = (await gql(house, "operator", "{ paymentRules { version } }"))["paymentRules"]["version"]
    wanted = f"setPaymentRules(input: {{version: {version}, creditor: {CREDITOR} {more}}})"
    done = await do(house, f"{wanted} {{ {REFUSAL} ... on PaymentRules {{ version }} }}")
    assert done == {"version": version + 1}


async def test_an_invoice_is_debited_by_a_file(house: House, month: Month) -> None:
    invoice = await _invoice(house, month)
    customer = invoice["customer"]["id"]
    await _rules(house)
    wanted = f'addMandate(input: {{customer: "{customer}", scheme: AUTOGIRO, payerNumber: "101", active: true}})'
    made = await do(house, f"{wanted} {{ {REFUSAL} ... on Mandate {{ id state version customer }} }}")
    assert (made["state"], made["customer"]) == ("ACTIVE", customer)
    shown = "... on OrdersWritten { debits file { id name sha256 } }"
    done = await do(house, f'writeDebits(scheme: AUTOGIRO, on: "2026-12-01") {{ {REFUSAL} {shown} }}')
    assert done["debits"] == 1, done
    assert (await do(house, f'writeDebits(scheme: AUTOGIRO, on: "2026-12-01") {{ {REFUSAL} {shown} }}'))["file"] is None
    content = "... on OrderFileContent { content file { name takenBy } }"
    taken = await do(house, f'takeOrderFile(file: "{done["file"]["id"]}") {{ {REFUSAL} {content} }}')
    lines = base64.b64decode(taken["content"]).decode("iso-8859-1").splitlines()
    assert [line[:2] for line in lines] == ["01", "82"]
    asked = (
        "{ debitOrders(state: SENT) { edges { node { id amount currency invoice mandate file } } } "
        "orderFiles { edges { node { id takenAt total } } } mandates { edges { node { id payerNumber } } } }"
    )
    found = await gql(house, "operator", asked)
    (debit,) = found["debitOrders"]["edges"]
    assert (debit["node"]["invoice"], Decimal(debit["node"]["amount"])) == (invoice["id"], Decimal(invoice["total"]))
    assert found["orderFiles"]["edges"][0]["node"]["takenAt"]
    again = f'endMandate(mandate: "{made["id"]}", version: 99) {{ {REFUSAL} ... on Mandate {{ state }} }}'
    assert (await do(house, again))["code"] == "STALE"
    for client in ("reseller", "sibling"):
        assert (await do(house, again, client))["code"] == "NOT_ALLOWED"
        answer = (await house.call(client, "POST", "/graphql", json={"query": asked})).json()
        assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    assert (await do(house, again, "other"))["code"] == "NOT_FOUND"
    nobody = await house.http.post("/graphql", json={"query": asked})
    assert nobody.status_code == 401
    assert (await gql(house, "other", asked))["mandates"]["edges"] == []


async def test_what_is_paid_too_much_is_paid_back_or_written_off(house: House, month: Month) -> None:
    invoice = await _invoice(house, month)
    await _rules(house, 'tolerance: [{currency: "SEK", amount: "1.00"}]')
    rules = (await gql(house, "operator", "{ paymentRules { tolerance { currency amount } order } }"))["paymentRules"]
    assert rules == {"tolerance": [{"currency": "SEK", "amount": "1.00"}], "order": "COSTS_INTEREST_PRINCIPAL"}
    minor = int(Decimal(invoice["total"]) * 100)
    assert (await _upload(house, "operator", _file(minor + 5000, invoice["number"]))).status_code == 201
    page = await gql(house, "operator", "{ payments { edges { node { id state } } } }")
    payment = page["payments"]["edges"][0]["node"]["id"]
    wanted = f'refundCredit(input: {{payment: "{payment}", account: "{IBAN}", amount: "20.00"}})'
    made = await do(house, f"{wanted} {{ {REFUSAL} ... on Refund {{ id amount state version }} }}")
    assert (Decimal(made["amount"]), made["state"]) == (20, "REQUESTED")
    done = await do(house, f"writeRefunds {{ {REFUSAL} ... on OrdersWritten {{ refunds file {{ name }} }} }}")
    assert done == {"refunds": 1, "file": {"name": "pain001.09-000001.xml"}}
    paid = f'endRefund(refund: "{made["id"]}", version: 2, state: PAID) {{ {REFUSAL} ... on Refund {{ state }} }}'
    assert await do(house, paid) == {"state": "PAID"}
    absent = global_id("Settlement", 999)
    undo = f'undoSettlement(settlement: "{absent}") {{ {REFUSAL} ... on Settlement {{ id }} }}'
    assert (await do(house, undo))["code"] == "NOT_FOUND"
    wrong = f'writeOff(input: {{invoices: ["{invoice["id"]}"]}}) {{ {REFUSAL} ... on Settlement {{ id }} }}'
    assert (await do(house, wrong))["code"] == "BAD_VALUE"
    suggested = f'{{ paymentSuggestions(payment: "{payment}") {{ score }} }}'
    assert (await gql(house, "operator", suggested))["paymentSuggestions"] == []


@pytest.mark.parametrize("port", PORTS[:1])
async def test_an_erp_imports_applies_and_writes_off_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    invoice = await _invoice(live, month)
    query = f'{{ invoice(id: "{invoice["id"]}") {{ customer {{ number }} }} }}'
    number = (await gql(live, "operator", query))["invoice"]["customer"]["number"]
    minor = int(Decimal(invoice["total"]) * 100)

    def operator(service: Any) -> None:
        done = service.ImportPaymentFile(name="bank.txt", content=_file(minor - 40, "777"), format="bgmax")
        assert (done.new, done.records, done.state[0].name) == (True, 1, "unallocated")
        assert not service.ImportPaymentFile(name="bank.txt", content=_file(minor - 40, "777")).new
        (payment,) = service.ListPayments(state="unallocated").payment
        applied = service.AllocatePayment(payment=payment.id, part=[{"invoice": invoice["number"]}])
        assert (applied.state, applied.customerNumber) == ("allocated", number)
        (item,) = service.ListOpenItems(customerNumber=number)
        assert (item.number, item.open) == (invoice["number"], Decimal("0.40"))
        made = service.WriteOff(invoice=[invoice["number"]], text="small")
        assert (made.kind, made.amount) == ("write_off", Decimal("0.40"))
        assert not service.ListOpenItems(customerNumber=number)
        assert service.UndoSettlement(settlement=made.id).undoneOn
        mandate = service.AddMandate(mandate={"customerNumber": number, "scheme": "autogiro", "payerNumber": "101"})
        assert (mandate.state, mandate.customerNumber) == ("requested", number)
        assert [one.id for one in service.ListMandates(customerNumber=number).mandate] == [mandate.id]
        assert service.EndMandate(mandate=mandate.id, version=mandate.version).state == "refused"
        assert code(service.WriteOff, invoice=["no-such"]) == "not_found"
        assert service.ReleasePayment(payment=payment.id).state == "unallocated"
        assert not service.ListOrderFiles().file

    await _soap(live, "operator", port, operator)

    def reseller(service: Any) -> None:
        assert code(service.ListPayments) == "not_allowed"
        assert code(service.ListMandates) == "not_allowed"

    await _soap(live, "reseller", port, reseller)


async def test_nobody_else_works_what_is_the_operator_s(house: House, month: Month) -> None:
    """Each mutation with the operator's own things: a reseller and his sibling may not, another operator finds none."""
    invoice = await _invoice(house, month)
    customer, key = invoice["customer"]["id"], invoice["id"]
    await _rules(house)
    minor = int(Decimal(invoice["total"]) * 100)
    assert (await _upload(house, "operator", _file(minor + 5000, invoice["number"]))).status_code == 201
    payment = (await gql(house, "operator", "{ payments { edges { node { id } } } }"))["payments"]["edges"][0]["node"][
        "id"
    ]
    wanted = f'addMandate(input: {{customer: "{customer}", scheme: AUTOGIRO, payerNumber: "101"}})'
    mandate = (await do(house, f"{wanted} {{ {REFUSAL} ... on Mandate {{ id }} }}"))["id"]
    written = await do(house, f"writeDebits(scheme: AUTOGIRO) {{ {REFUSAL} ... on OrdersWritten {{ file {{ id }} }} }}")
    file = written["file"]["id"]
    part = f'refundCredit(input: {{payment: "{payment}", account: "{IBAN}"}})'
    refund = (await do(house, f"{part} {{ {REFUSAL} ... on Refund {{ id }} }}"))["id"]
    plan, settlement, claim = (global_id(kind, 1) for kind in ("InstalmentPlan", "Settlement", "Claim"))
    parts = '[{dueOn: "2027-06-01", amount: "1"}, {dueOn: "2027-07-01", amount: "1"}]'
    texts = [
        f'endMandate(mandate: "{mandate}", version: 2)',
        f'unblockMandate(mandate: "{mandate}", version: 2)',
        f'takeOrderFile(file: "{file}")',
        f'decideDuplicate(payment: "{payment}", same: true)',
        f'offsetCredit(creditNote: "{key}", invoice: "{key}")',
        f'refundCredit(input: {{payment: "{payment}", account: "{IBAN}"}})',
        f'refundCredit(input: {{creditNote: "{key}", account: "{IBAN}"}})',
        f'endRefund(refund: "{refund}", version: 1, state: CANCELLED)',
        f'endInstalments(plan: "{plan}", version: 1, state: KEPT)',
        f'undoSettlement(settlement: "{settlement}")',
        f'writeOff(input: {{invoices: ["{key}"]}})',
        f'writeOff(input: {{claims: ["{claim}"]}})',
        f'applyCredit(customer: "{customer}")',
        f'agreeInstalments(input: {{customer: "{customer}", invoices: ["{key}"], parts: {parts}}})',
        f'addMandate(input: {{customer: "{customer}", scheme: AUTOGIRO, payerNumber: "102"}})',
        f'allocatePayment(input: {{payment: "{payment}", customer: "{customer}"}})',
        f'allocatePayment(input: {{payment: "{payment}", parts: [{{claim: "{claim}"}}]}})',
    ]
    for text in texts:
        for client in ("reseller", "sibling"):
            assert (await do(house, f"{text} {{ __typename {REFUSAL} }}", client))["code"] == "NOT_ALLOWED", text
        assert (await do(house, f"{text} {{ __typename {REFUSAL} }}", "other"))["code"] == "NOT_FOUND", text
        query = {"query": f"mutation {{ a: {text} {{ __typename }} }}"}
        assert (await house.http.post("/graphql", json=query)).status_code == 401
    lists = [
        f'debitOrders(invoice: "{key}") {{ edges {{ node {{ id }} }} }}',
        f'mandates(customer: "{customer}") {{ edges {{ node {{ id }} }} }}',
        f'refunds(customer: "{customer}") {{ edges {{ node {{ id }} }} }}',
        f'settlements(customer: "{customer}") {{ edges {{ node {{ id }} }} }}',
        f'instalmentPlans(customer: "{customer}") {{ edges {{ node {{ id }} }} }}',
    ]
    for text in lists:
        for client in ("reseller", "sibling"):
            answer = (await house.call(client, "POST", "/graphql", json={"query": f"{{ a: {text} }}"})).json()
            assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", text
        assert (await gql(house, "other", f"{{ a: {text} }}"))["a"]["edges"] == []
    suggested = {"query": f'{{ a: paymentSuggestions(payment: "{payment}") {{ score }} }}'}
    for client, code_ in (("reseller", "NOT_ALLOWED"), ("sibling", "NOT_ALLOWED"), ("other", "NOT_FOUND")):
        answer = (await house.call(client, "POST", "/graphql", json=suggested)).json()
        assert answer["errors"][0]["extensions"]["code"] == code_, client


async def test_debits_are_ordered_by_themselves_and_put_where_the_bank_fetches_them(house: House, month: Month) -> None:
    invoice = await _invoice(house, month)
    await _rules(house)
    wanted = f'addMandate(input: {{customer: "{invoice["customer"]["id"]}", scheme: AUTOGIRO, payerNumber: "101", '
    await do(house, wanted + "active: true}) { __typename }")
    bank = house.wiring.settings.data_dir / "inbox" / "1" / "bank"
    bank.mkdir(parents=True)
    place = f'putPaymentTarget(input: {{name: "bank", address: "folder://{bank}"}}) {{ __typename {REFUSAL} }}'
    assert (await do(house, place))["__typename"] == "PaymentTarget"
    shown = f"{{ {REFUSAL} ... on DebitSchedule {{ scheme days hour target version }} }}"
    schedule = 'putDebitSchedule(input: {scheme: AUTOGIRO, days: 30, target: "bank"}) ' + shown
    assert (await do(house, schedule, "reseller"))["code"] == "NOT_ALLOWED"
    assert (await do(house, schedule, "other"))["code"] == "NOT_FOUND", "the target is another operator's"
    made = await do(house, schedule)
    assert made == {"scheme": "AUTOGIRO", "days": 30, "hour": 6, "target": "bank", "version": 1}
    assert (await do(house, schedule))["code"] == "STALE"
    assert (await gql(house, "operator", "{ debitSchedules { days } }"))["debitSchedules"] == [{"days": 30}]
    assert (await gql(house, "other", "{ debitSchedules { days } }"))["debitSchedules"] == []
    actor = system(OperatorId(1), "test")
    async with house.wiring.begin(actor) as unit:
        (job,) = (await unit.jobs.page(PageRequest(), kind="debit_run")).items
    house.clock.at = job.run_at
    assert (await debit_job(house.wiring, actor, job))["told"] == "autogiro-000001.txt: 1 debits"
    assert (await debit_job(house.wiring, actor, job))["told"] == "nothing is due"
    for kind, work in (("release_orders", release_job), ("put_orders", put_job)):
        async with house.wiring.begin(actor) as unit:
            (job,) = (await unit.jobs.page(PageRequest(), kind=kind)).items
        await work(house.wiring, actor, job)
    (file,) = bank.iterdir()
    assert file.read_text("iso-8859-1").splitlines()[1].startswith("82")
    async with house.wiring.begin(actor) as unit:
        (kept,) = (await unit.giro.files.page(PageRequest())).items
    assert (kept.name, kept.taken_by) == (file.name, "target bank")
