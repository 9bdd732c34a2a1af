"""Bills beside the runs, charges, rules and schedules, over GraphQL and SOAP, for each kind of caller."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from api.graphql.ids import global_id
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.talking import talking
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import customer, do, line
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code
from tests.api.test_trade import known

CHARGE = "... on CustomerCharge { id version kind unitPrice starts ends account withdrawnAt customer { number } }"
RUN = (
    "... on BillRunDone { run { id kind payers invoices parked carried total cycle }"
    " parked { reason detail settledBy } }"
)
EXPECTED = (
    "query($c: ID!, $on: Date) { expectedInvoice(customer: $c, on: $on)"
    " { payer { number } total parked { reason } lines { text net } } }"
)
REFUSED = "{ __typename ... on Refusal { code } }"


async def test_a_customer_is_charged_expected_and_billed(house: House) -> None:
    one = await customer(house, "operator", "A AB", number="A1", billingDay=15)
    added = await do(
        house, "operator", "addCharge", "AddChargeInput", CHARGE,
        customer=one, text="Projekt", unitPrice="100", starts="2026-03-16", idempotencyKey="k",
    )  # fmt: skip
    assert (added["kind"], added["unitPrice"], added["account"]) == ("MANUAL", "100", "3041")
    again = await do(
        house, "operator", "addCharge", "AddChargeInput", CHARGE,
        customer=one, text="Projekt", unitPrice="100", starts="2026-03-16", idempotencyKey="k",
    )  # fmt: skip
    assert again["id"] == added["id"]
    later = await do(
        house, "operator", "addCharge", "AddChargeInput", CHARGE,
        customer=one, text="Fel", unitPrice="5", starts="2026-03-16",
    )  # fmt: skip
    gone = await do(
        house, "operator", "endCharge", "EndChargeInput", CHARGE, charge=later["id"], version=1, withdraw=True
    )
    assert gone["withdrawnAt"] is not None
    listed = "query($c: ID) { charges(customer: $c) { edges { node { id customer { number } } } } }"
    found = (await gql(house, "operator", listed, c=one))["charges"]["edges"]
    assert [edge["node"]["id"] for edge in found] == [added["id"], later["id"]]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    expected = (await gql(house, "operator", EXPECTED, c=one, on=today))["expectedInvoice"]
    assert (expected["payer"]["number"], expected["total"]) == ("A1", "125.00")
    assert expected["lines"] == [{"text": "Projekt", "net": "100.00"}]
    done = await do(house, "operator", "billCustomer", "BillCustomerInput", RUN, customer=one, kind="INTERIM")
    assert (done["run"]["kind"], done["run"]["invoices"], done["run"]["total"]) == ("INTERIM", 1, "125.00")
    assert (await gql(house, "operator", EXPECTED, c=one, on=today))["expectedInvoice"]["total"] is None


async def test_parked_payers_and_what_invoices_follow(house: House) -> None:
    odd = {"street": "", "postcode": "", "city": "", "country": "SE"}
    one = await customer(house, "operator", "B AB", number="B1", address=odd)
    for name in ("1", "2"):
        await do(
            house, "operator", "addCharge", "AddChargeInput", CHARGE,
            customer=one, text=name, unitPrice="10", starts="2026-03-16",
        )  # fmt: skip
    run = await do(house, "operator", "runBills", "RunBillsInput", RUN, month="2026-03")
    assert (run["run"]["parked"], run["parked"][0]["reason"]) == (1, "missing_address")
    waiting = "{ parkedPayers { edges { node { customerNumber reason billRun } } } }"
    found = (await gql(house, "operator", waiting))["parkedPayers"]["edges"]
    assert [edge["node"] for edge in found] == [
        {"customerNumber": "B1", "reason": "missing_address", "billRun": run["run"]["id"]}
    ]
    place = {"street": "Gatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}
    await do(house, "operator", "changeCustomer", "ChangeCustomerInput", customer=one, version=1, address=place)
    rules = await do(
        house, "operator", "setBillingRules", "SetBillingRulesInput", "... on BillingRules { minimum version }",
        minimum="50",
    )  # fmt: skip
    assert rules == {"__typename": "BillingRules", "minimum": "50", "version": 1}
    again = await do(house, "operator", "billAgain", "BillAgainInput", RUN, billRun=run["run"]["id"])
    assert (again["run"]["payers"], again["run"]["carried"]) == (1, 1)
    shown = "query($id: ID!) { billRun(id: $id) { run { state } parked { settledBy } } }"
    kept = (await gql(house, "operator", shown, id=run["run"]["id"]))["billRun"]
    assert kept == {"run": {"state": "DONE"}, "parked": [{"settledBy": again["run"]["id"]}]}
    listed = (await gql(house, "operator", "{ billingRules { group minimum version } }"))["billingRules"]
    assert listed == [{"group": "", "minimum": "50", "version": 1}]
    drop = 'mutation { a: dropBillingRules(group: "", version: 1) { ... on BillingRulesDropped { group } } }'
    assert (await gql(house, "operator", drop))["a"] == {"group": ""}
    shows = "... on BillSchedule { name nextAt version }"
    cron = {"name": "m", "schedule": "0 3 1 * *"}
    made = await do(house, "operator", "putBillSchedule", "PutBillScheduleInput", shows, **cron)
    assert (made["name"], made["version"]) == ("m", 1)
    assert made["nextAt"] is not None
    listed = (await gql(house, "operator", "{ billSchedules { name cycle approval } }"))["billSchedules"]
    assert listed == [{"name": "m", "cycle": 1, "approval": False}]


async def test_nobody_reaches_what_is_anothers(house: House) -> None:
    mine = await customer(house, "operator", "A AB", number="A1")
    below = await customer(house, "reseller", "R AB", number="R1")
    charge = await do(house, "operator", "addCharge", "AddChargeInput", CHARGE, customer=mine, text="x", unitPrice="1")
    add = f'mutation($c: ID!) {{ a: addCharge(input: {{customer: $c, text: "x", unitPrice: 1}}) {REFUSED} }}'
    end = f"mutation($c: ID!) {{ a: endCharge(input: {{charge: $c, version: 1, withdraw: true}}) {REFUSED} }}"
    bill = f"mutation($c: ID!) {{ a: billCustomer(input: {{customer: $c}}) {REFUSED} }}"
    for client, allowed in (("other", "NOT_FOUND"), ("reseller", "NOT_ALLOWED"), ("sibling", "NOT_ALLOWED")):
        for asked in (mine, below):
            told = (await gql(house, client, add, c=asked))["a"]
            if client == "reseller" and asked == below:
                assert told["__typename"] == "CustomerCharge"
            else:
                assert told["code"] == "NOT_FOUND", (client, asked)
            assert (await gql(house, client, bill, c=asked))["a"]["code"] == allowed
        assert (await gql(house, client, end, c=charge["id"]))["a"]["code"] == "NOT_FOUND"
    # What is named is another operator's, or not there at all.
    run = (await do(house, "operator", "runBills", "RunBillsInput", RUN, month="2026-03"))["run"]["id"]
    again = f"mutation($r: ID!) {{ a: billAgain(input: {{billRun: $r}}) {REFUSED} }}"
    assert (await gql(house, "other", again, r=run))["a"]["code"] == "NOT_FOUND"
    query = {"query": "query($id: ID!) { billRun(id: $id) { run { id } } }", "variables": {"id": run}}
    for client, refused in (("other", "NOT_FOUND"), ("reseller", "NOT_ALLOWED")):
        answer = await house.call(client, "POST", "/graphql", json=query)
        assert answer.json()["errors"][0]["extensions"]["code"] == refused
    assert (await house.http.request("POST", "/graphql", json=query)).status_code == 401
    listed = "query($c: ID) { charges(customer: $c) { edges { node { id } } } }"
    for client in ("other", "sibling"):
        assert (await gql(house, client, listed, c=mine))["charges"]["edges"] == []
    below_east = global_id("Reseller", 1)
    named = f'mutation($r: ID!) {{ a: runBills(input: {{month: "2026-03", reseller: $r}}) {REFUSED} }}'
    assert (await gql(house, "other", named, r=below_east))["a"]["code"] == "NOT_FOUND"
    asked = 'name: "x", schedule: "0 3 1 * *", reseller: $r'
    cron = f"mutation($r: ID!) {{ a: putBillSchedule(input: {{{asked}}}) {REFUSED} }}"
    assert (await gql(house, "other", cron, r=below_east))["a"]["code"] == "NOT_FOUND"
    own = (await gql(house, "reseller", "{ charges { edges { node { customer { number } } } } }"))["charges"]["edges"]
    assert [edge["node"]["customer"]["number"] for edge in own] == ["R1"]
    expected = (await gql(house, "reseller", EXPECTED, c=below))["expectedInvoice"]
    assert expected["payer"]["number"] == "R1"


async def test_the_progress_of_a_run_is_told_to_who_may_run_bills(live: House) -> None:
    one = await customer(live, "operator", "A AB", number="A1")
    asked = {"customer": one, "text": "x", "unitPrice": "1", "starts": "2026-03-02"}
    await do(live, "operator", "addCharge", "AddChargeInput", CHARGE, **asked)
    query = "subscription($run: ID) { billRunProgress(billRun: $run) { id state payers invoices } }"
    async with talking(live, "operator") as own, talking(live, "other") as other, talking(live, "reseller") as below:
        (error,) = (await below.heard(await below.subscribe(query)))["payload"]["errors"]
        assert error["extensions"]["code"] == "NOT_ALLOWED"
        key = await own.subscribe(query)
        await other.subscribe(query)
        await asyncio.sleep(0.5)
        run = await do(live, "operator", "runBills", "RunBillsInput", RUN, month="2026-03")
        while (told := (await own.data(key))["billRunProgress"])["state"] != "DONE":
            pass
        assert told == {"id": run["run"]["id"], "state": "DONE", "payers": 1, "invoices": 1}
        assert await other.silent(0.5)
        key = await own.subscribe(query, run=run["run"]["id"])
        assert (await own.data(key))["billRunProgress"]["state"] == "DONE"
        assert await own.heard(key) == {"type": "complete", "id": key}
        key = await own.subscribe(query, run=global_id("BillRun", 999))
        (error,) = (await own.heard(key))["payload"]["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("port", PORTS[:1])
async def test_bills_over_soap(live: House, port: str) -> None:
    await known(live)
    owner = await customer(live, "operator", "A AB", number="A1")
    await line(live, "operator", owner, "46850000001")
    day = dt.date(2026, 3, 16)

    def operator(service: Any) -> None:
        charge = {"customerNumber": "A1", "kind": "project", "text": "Etapp", "unitPrice": Decimal(100), "starts": day}
        added = service.AddCharge(charge, idempotencyKey="k")
        assert (added.kind, added.quantity, added.vatPercent) == ("project", 1, 25)
        assert service.AddCharge(charge, idempotencyKey="k").id == added.id
        more = service.AddCharge({**charge, "text": "Fel", "reference": "P-1"})
        assert service.EndCharge(charge=more.id, version=1, withdraw=True).withdrawnAt is not None
        assert [one.text for one in service.ListCharges(customerNumber="A1").charge] == ["Etapp", "Fel"]
        expected = service.GetExpectedInvoice(customerNumber="A1", on=dt.datetime.now(dt.UTC).date())
        assert (expected.payerNumber, expected.total) == ("A1", 125)
        assert [one.text for one in expected.line] == ["Etapp"]
        rules = service.SetBillingRules({"minimum": Decimal(500), "carryMonths": 2})
        assert (rules.minimum, rules.carryMonths, rules.unpriced, rules.version) == (500, 2, "park", 1)
        assert [one.version for one in service.ListBillingRules()] == [1]
        run = service.RunBills({"month": "2026-03", "customerNumber": ["A1"]})
        assert (run.payers, run.invoices, run.carried, run.state) == (1, 0, 1, "done")
        done = service.BillCustomer(customerNumber="A1", kind="on_demand", dryRun=True)
        assert (done.id, done.invoices, done.total) == (None, 1, 125)
        (draft,) = done.draft
        assert ([line.text for line in draft.line], draft.invoice.total) == (["Etapp"], 125)
        assert service.BillCustomer(customerNumber="A1", kind="on_demand").invoices == 1
        assert code(service.BillAgain, run=run.id) == "wrong_state"
        assert code(service.AbandonBillRun, run=run.id) == "wrong_state"
        assert code(service.AbandonBillRun, run=999) == "not_found"
        assert service.GetBillRun(run=run.id).since == dt.date(2026, 3, 1)
        assert [one.kind for one in service.ListBillRuns().run] == ["regular", "on_demand"]
        assert service.ListParkedPayers().count == 0
        assert service.DropBillingRules(group="", version=1)[0].version == 0
        kept = service.PutBillSchedule({"name": "m", "schedule": "0 3 1 * *", "feesAheadMonths": 1})
        assert (kept.cycle, kept.version, kept.active) == (1, 1, True)
        assert [one.name for one in service.ListBillSchedules()] == ["m"]
        assert code(service.RunBills, order={"month": "2026-03", "since": day}) == "bad_value"

    def reseller(service: Any) -> None:
        assert code(service.GetExpectedInvoice, customerNumber="A1") == "not_found"
        assert code(service.ListCharges, customerNumber="A1") == "not_found"
        assert code(service.ListBillRuns) == "not_allowed"
        assert code(service.RunBills, order={"month": "2026-03"}) == "not_allowed"

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)


async def test_an_interrupted_run_is_ended_by_whoever_runs_bills(house: House) -> None:
    one = await customer(house, "operator", "C AB", number="C1")
    asked = {"customer": one, "text": "x", "unitPrice": "10", "starts": "2026-03-16"}
    await do(house, "operator", "addCharge", "AddChargeInput", CHARGE, **asked)
    run = (await do(house, "operator", "runBills", "RunBillsInput", RUN, month="2026-03"))["run"]
    shows = "{ ... on BillRunDone { run { state } } ... on Refusal { code } }"
    end = f"mutation($r: ID!) {{ a: abandonBillRun(billRun: $r) {shows} }}"
    assert (await gql(house, "operator", end, r=run["id"]))["a"] == {"code": "WRONG_STATE"}
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update bill_run set state = 'running', finished_at = null")
    answers = {who: (await gql(house, who, end, r=run["id"]))["a"]["code"] for who in ("reseller", "other")}
    assert answers == {"reseller": "NOT_ALLOWED", "other": "NOT_FOUND"}
    assert (await gql(house, "operator", end, r=run["id"]))["a"] == {"run": {"state": "DONE"}}
    async with house.database.transaction(role=OWNER) as unit:
        told = await unit.connection.fetchval("select count(*) from audit where action = 'bills.abandon'")
    assert told == 1
