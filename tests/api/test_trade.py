"""The meter, commissions, editions and the basis for another system, over the APIs."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from api.metering import CallMeter
from domain.access.actor import system
from domain.ids import OperatorId
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.month import make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import TARIFF, bill, customer, do, imported

STATEMENT = "total lines { salesperson team rule basis count base rate commission } sums(by: TEAM) { key commission }"


async def edition(house: House, name: str) -> None:
    """Before the first call: who calls is remembered for seconds."""
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update operator set edition = $1 where id = 1", name)


async def known(house: House, client: str = "operator") -> None:
    load = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename } }"
    assert (await gql(house, client, load, d=json.dumps(TARIFF)))["importTariff"]["__typename"] == "TariffImported"


async def test_the_operator_changes_his_settings(house: House) -> None:
    own = (await gql(house, "operator", "{ operator { version edition languages vatIds { country vatId } } }"))[
        "operator"
    ]
    assert own == {"version": 1, "edition": "RETAIL", "languages": [], "vatIds": []}
    shows = "... on Operator { version languages vatIds { country vatId } numberPlan { internationalPrefix short } }"
    asked = {
        "version": 1,
        "languages": ["sv", "en"],
        "vatIds": [{"country": "FI", "vatId": "FI 20774740"}],
        "numberPlan": {"internationalPrefix": "00", "short": ["112", "90222"]},
    }
    changed = await do(house, "operator", "changeOperator", "ChangeOperatorInput", shows, **asked)
    assert changed == {
        "__typename": "Operator",
        "version": 2,
        "languages": ["sv", "en"],
        "vatIds": [{"country": "FI", "vatId": "FI20774740"}],
        "numberPlan": {"internationalPrefix": "00", "short": ["112", "90222"]},
    }
    change = (
        "mutation($input: ChangeOperatorInput!) { a: changeOperator(input: $input) { ... on Refusal { code field } } }"
    )
    for bad, code, field in (
        ({"version": 1, "name": "x"}, "STALE", "version"),
        ({"version": 2, "languages": ["en"]}, "BAD_VALUE", "languages"),
        ({"version": 2, "vatIds": [{"country": "FI", "vatId": "SE556703748501"}]}, "BAD_VALUE", "vatIds.FI"),
        ({"version": 2, "numberPlan": {"short": ["1"]}}, "BAD_VALUE", "numberPlan.short.0"),
    ):
        assert (await gql(house, "operator", change, input=bad))["a"] == {"code": code, "field": field}, bad
    refused = (await gql(house, "reseller", change, input={"version": 2, "name": "x"}))["a"]
    assert refused["code"] == "NOT_ALLOWED"


async def test_series_have_prefixes_and_go_forward(house: House) -> None:
    change = (
        "mutation($input: ChangeSeriesInput!) { a: changeSeries(input: $input) "
        "{ ... on Series { prefix next } ... on Refusal { code field } } }"
    )
    first = {"kind": "INVOICE", "expected": "1000"}
    for told, expected in (
        ({"expected": "7"}, {"code": "STALE", "field": "expected"}),
        ({"prefix": "2026"}, {"code": "BAD_VALUE", "field": "prefix"}),
        ({"next": "999"}, {"code": "BAD_VALUE", "field": "next"}),
        ({"prefix": "2026-", "next": "2000"}, {"prefix": "2026-", "next": "2000"}),
    ):
        assert (await gql(house, "operator", change, input=first | told))["a"] == expected
    await make_month(house)
    found = await gql(house, "operator", "{ invoices { edges { node { number payment { reference } } } } }")
    numbers = [(edge["node"]["number"], edge["node"]["payment"]["reference"]) for edge in found["invoices"]["edges"]]
    assert numbers == [("2026-2000", "200063"), ("2026-2001", "200162"), ("2026-2002", "200261")]
    series = await gql(house, "reseller", "{ series { kind } }")
    assert series == {"series": []}


async def test_what_is_outside_an_edition_is_refused_with_the_reason(house: House) -> None:
    await edition(house, "rating_only")
    run = 'mutation { a: runBills(input: {month: "2026-03"}) { ... on Refusal { code message } } }'
    assert (await gql(house, "operator", run))["a"] == {
        "code": "NOT_ALLOWED",
        "message": "this is not in the operator's edition, rating_only: bills:run is in retail, wholesale",
    }


async def test_a_wholesaler_sells_to_organisations(house: House) -> None:
    await edition(house, "wholesale")
    person = (
        'mutation { a: createCustomer(input: {name: "A", kind: PERSON, address: '
        '{street: "a", postcode: "1", city: "b", country: "SE"}}) { ... on Refusal { code message } } }'
    )
    refused = (await gql(house, "operator", person))["a"]
    assert refused["code"] == "NOT_ALLOWED"
    assert "customers who are persons are in retail, rating_only" in refused["message"]
    take = "mutation { a: takeBasis { ... on Refusal { code message } } }"
    assert "made elsewhere" in (await gql(house, "operator", take))["a"]["message"]


def external(key: str, name: str, number: str | None, **more: Any) -> dict[str, Any]:
    numbers = [{"number": number, "validFrom": "2026-01-01T00:00:00Z"}] if number else []
    return {"key": key, "name": name, "priceList": "Retail", "lines": [{"key": f"{key}-1", "numbers": numbers}]} | more


async def test_rating_only_gives_every_event_exactly_once(house: House) -> None:
    await edition(house, "rating_only")
    await known(house)
    sync = (
        "mutation($c: [ExternalCustomerInput!]!) { a: syncCustomers(input: {customers: $c}) "
        "{ ... on CustomersSynced { customers { key outcome code field } } ... on Refusal { message } } }"
    )
    told = [external("A1", "First AB", "46850000001"), external("B2", "Second AB", "46850000002")]

    async def synced(customers: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        found = (await gql(house, "operator", sync, c=customers))["a"]["customers"]
        return [(one["key"], one["outcome"], one["code"], one["field"]) for one in found]

    assert await synced(told) == [("A1", "CREATED", None, None), ("B2", "CREATED", None, None)]
    assert await synced(told) == [("A1", "UNCHANGED", None, None), ("B2", "UNCHANGED", None, None)]
    bad = external("C3", "Third AB", "46850000001")
    assert await synced([bad, external("A1", "First and last AB", "46850000001")]) == [
        ("C3", "REFUSED", "OVERLAP", "customers.0.numbers"),
        ("A1", "CHANGED", None, None),
    ]
    take = "mutation { a: takeBasis { ... on BasisBatch { id lines acknowledgedAt } ... on Refusal { message } } }"

    async def batch() -> tuple[str, list[dict[str, Any]]]:
        key = (await gql(house, "operator", take))["a"]["id"]
        lines = (
            "{ basisLines(batch: %s) { more lines "
            "{ customerKey subscriptionKey periodStart mode group events used amount } } }"
        )
        page = (await gql(house, "operator", lines % json.dumps(key)))["basisLines"]
        assert page["more"] is False
        return key, page["lines"]

    async def done(key: str) -> None:
        text = f'mutation {{ a: acknowledgeBasis(batch: "{key}") {{ ... on BasisBatch {{ acknowledgedAt }} }} }}'
        assert (await gql(house, "operator", text))["a"]["acknowledgedAt"]

    await imported(house, "46850000001", "46850000002")
    first, lines = await batch()
    told_lines = [(one["customerKey"], one["subscriptionKey"], one["events"], Decimal(one["amount"])) for one in lines]
    assert told_lines == [("A1", "A1-1", "1", Decimal(6)), ("B2", "B2-1", "1", Decimal(6))]
    assert {one["periodStart"] for one in lines} == {"2026-03-01"}
    # What is rated meanwhile waits for the next batch; the open one stays as it is.
    await imported(house, "46850000002", file="more.csv")
    assert await batch() == (first, lines)
    await done(first)
    await done(first)
    second, more = await batch()
    assert second != first
    assert [(one["customerKey"], one["events"]) for one in more] == [("B2", "1")]
    await done(second)
    third, none = await batch()
    assert (third == second, none) == (False, [])
    # A reseller has no part in it; another operator has a basis of its own, here of nobody.
    for stranger, code in (("reseller", "NOT_ALLOWED"), ("other", "WRONG_STATE")):
        refused = await gql(house, stranger, "mutation { a: takeBasis { ... on Refusal { code } } }")
        assert refused["a"]["code"] == code


async def test_the_basis_over_rest(house: House) -> None:
    await edition(house, "rating_only")
    await known(house)
    sync = (
        "mutation($c: [ExternalCustomerInput!]!) { a: syncCustomers(input: {customers: $c}) "
        "{ ... on CustomersSynced { customers { key } } } }"
    )
    await gql(
        house, "operator", sync, c=[external("A1", "First AB", "46850000001"), external("B,2", "B", "46850000002")]
    )
    await imported(house, "46850000001", "46850000002")
    batch = (await house.call("operator", "POST", "/rest/v1/basis")).json()
    assert (batch["lines"], batch["acknowledged_at"]) == (2, None)
    assert (await house.call("operator", "POST", "/rest/v1/basis")).json() == batch
    at = f"/rest/v1/basis/{batch['id']}"
    whole = (await house.call("operator", "GET", f"{at}.json")).json()
    assert whole["batch"] == batch
    assert [(one["customer_key"], one["events"], one["amount"]) for one in whole["lines"]] == [
        ("A1", 1, "6.000000"),
        ("B,2", 1, "6.000000"),
    ]
    sheet = await house.call("operator", "GET", f"{at}.csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [{key: str(value) for key, value in one.items()} for one in whole["lines"]] == rows
    done = (await house.call("operator", "POST", f"{at}/acknowledgement")).json()
    assert done["acknowledged_at"]
    assert (await house.call("operator", "POST", f"{at}/acknowledgement")).json() == done
    empty = (await house.call("operator", "POST", "/rest/v1/basis")).json()
    assert (empty["id"] != batch["id"], empty["lines"]) == (True, 0)
    assert (await house.call("operator", "GET", f"/rest/v1/basis/{empty['id']}.json")).json()["lines"] == []
    # What was given stays to be read; nobody else's client does, and what is not there is not found.
    assert (await house.call("operator", "GET", f"{at}.csv")).text == sheet.text
    assert (await house.call("operator", "GET", "/rest/v1/basis/999.csv")).status_code == 404
    asked = (("POST", "/rest/v1/basis"), ("GET", f"{at}.json"), ("POST", f"{at}/acknowledgement"))
    answers = {who: [(await house.call(who, *one)).status_code for one in asked] for who in ("reseller", "other")}
    # A reseller has no part in it; another operator has a basis of its own (here of nobody) and never sees this one.
    assert answers == {"reseller": [403, 403, 403], "other": [409, 404, 404]}
    assert (await house.http.post("/rest/v1/basis")).status_code == 401


async def test_the_meter_counts_what_is_stored_and_what_is_called(house: House) -> None:
    await known(house)
    buyer = await customer(house, "operator", "A", priceList="Retail")
    made = await do(
        house, "operator", "createContract", "CreateContractInput", "... on Contract { id }",
        customer=buyer, start="2026-01-01", state="ACTIVE",
    )  # fmt: skip
    today = datetime.now(ZoneInfo("Europe/Stockholm")).date()
    since = datetime.now(UTC) - timedelta(days=2)
    numbers = [{"number": "46850000001", "validFrom": since.isoformat()}]
    await do(
        house, "operator", "addSubscription", "AddSubscriptionInput", contract=made["id"], kind="FIXED", numbers=numbers
    )
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update number_assignment set valid_from = '2026-01-01Z'")
    await imported(house, "46850000001")
    assert await bill(house) == 1
    calls = CallMeter(house.wiring.begin, house.clock)
    house.clock.at = datetime.now(UTC)
    for count, route in ((3, "/graphql"), (2, "/soap"), (1, "/rest/v1/files")):
        for _ in range(count):
            calls.count(system(OperatorId(1)), route, 200)
    calls.count(system(OperatorId(1)), "/graphql", 500)
    await calls.close()
    await calls.close()
    query = (
        f'{{ meter(since: "{today - timedelta(days=3)}", until: "{today + timedelta(days=1)}", prices: '
        '[{measure: EVENTS, price: "2.50", per: 1000}, {measure: SUBSCRIPTIONS, price: "0.10"}]) { currency '
        "days { day subscriptions events invoices calls soapCalls } lines { measure quantity amount } } }"
    )
    house.tokens.clear()
    found = (await gql(house, "operator", query))["meter"]
    assert [one["subscriptions"] for one in found["days"]] == ["0", "1", "1", "1"]
    assert found["days"][-1] == {
        "day": today.isoformat(), "subscriptions": "1", "events": "1", "invoices": "1", "calls": "6", "soapCalls": "2",
    }  # fmt: skip
    assert found["lines"] == [
        {"measure": "SUBSCRIPTIONS", "quantity": "3", "amount": "0.30"},
        {"measure": "EVENTS", "quantity": "1", "amount": "0.00"},
        {"measure": "INVOICES", "quantity": "1", "amount": None},
        {"measure": "CALLS", "quantity": "6", "amount": None},
    ]
    assert (await gql(house, "operator", query))["meter"] == found
    ahead = f'{{ meter(since: "{today}", until: "{today + timedelta(days=4)}") {{ days {{ subscriptions }} }} }}'
    days = (await gql(house, "operator", ahead))["meter"]["days"]
    assert [one["subscriptions"] for one in days[::3]] == ["1", "0"], "a day that has not come costs nothing"
    answer = await house.call("reseller", "POST", "/graphql", json={"query": query})
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"


async def test_commissions_follow_dated_rules_and_stay_as_they_were_made(house: House) -> None:
    await known(house)
    for code, team in (("anna", "North"), ("bo", "South")):
        await do(house, "operator", "putSalesperson", "PutSalespersonInput", code=code, name=code, team=team)
    buyer = await customer(house, "operator", "A", priceList="Retail")
    made = await do(
        house, "operator", "createContract", "CreateContractInput", "... on Contract { id }",
        customer=buyer, start="2026-03-01", state="ACTIVE", terms={"seller": "anna"},
    )  # fmt: skip
    numbers = [{"number": "46850000001", "validFrom": "2026-01-01T00:00:00Z"}]
    await do(
        house, "operator", "addSubscription", "AddSubscriptionInput", contract=made["id"], kind="FIXED", numbers=numbers
    )
    for name, rule in {
        "usage": {"basis": "USAGE", "percent": "10", "validFrom": "2026-04-01"},
        "usage of the south": {"basis": "USAGE", "percent": "10", "team": "South", "validFrom": "2026-01-01"},
        "usage before": {"basis": "USAGE", "percent": "50", "validFrom": "2026-01-01", "validTo": "2026-04-01"},
        "margin": {"basis": "MARGIN", "percent": "20", "validFrom": "2026-03-01", "validTo": "2026-04-01"},
        "new": {"basis": "CONTRACT", "amount": "100", "validFrom": "2026-01-01"},
    }.items():
        await do(house, "operator", "putCommissionRule", "PutCommissionRuleInput", name=name, **rule)
    await imported(house, "46850000001")
    assert await bill(house) == 1  # issued on 1 April
    make = (
        'mutation { a: makeCommissionStatement(since: "2026-03-01", until: "2026-04-02") '
        f"{{ ... on CommissionStatement {{ id {STATEMENT} }} ... on Refusal {{ code message }} }} }}"
    )
    assert (await gql(house, "operator", make))["a"]["code"] == "BAD_VALUE"  # it has not ended
    house.clock.at = datetime(2026, 4, 3, tzinfo=UTC)
    house.tokens.clear()
    found = (await gql(house, "operator", make))["a"]
    told = {one["rule"]: (one["salesperson"], one["team"], one["base"], one["commission"]) for one in found["lines"]}
    # The call was sold for 6.00 and cost 1.00; the invoice of 6.00 without VAT was issued on 1 April.
    assert {name: (each[0], each[1], Decimal(each[2]), each[3]) for name, each in told.items()} == {
        "usage": ("anna", "North", Decimal(6), "0.60"),
        "margin": ("anna", "North", Decimal(5), "1.00"),
        "new": ("anna", "North", Decimal(0), "100.00"),
    }
    assert found["sums"] == [{"key": "North", "commission": "101.60"}]
    await imported(house, "46850000001", file="later.csv")
    assert (await gql(house, "operator", make))["a"] == found
    overlapping = make.replace("2026-03-01", "2026-03-15")
    assert (await gql(house, "operator", overlapping))["a"]["code"] == "OVERLAP"
    by = (
        '{ margins(filter: {since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}, by: %s) '
        "{ edges { node { key margin { value } } } } }"
    )
    for group, key in (("SELLER", "anna"), ("TEAM", "North")):
        rows = (await gql(house, "operator", by % group))["margins"]["edges"]
        assert [(row["node"]["key"], Decimal(row["node"]["margin"]["value"])) for row in rows] == [(key, Decimal(10))]
    assert (await gql(house, "reseller", "{ commissionStatements { edges { node { total } } } }")) == {
        "commissionStatements": {"edges": []}
    }
