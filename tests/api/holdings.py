"""An object of each kind for each owner: operator, reseller, the reseller below him, his sibling, another operator.

A field, mutation, operation or route that takes a thing of a new kind needs one here: make it in ``_made`` (what
resellers have too) or in ``_of_operators``, with the owner's own client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from api.graphql.ids import global_id, read_id
from domain.access.actor import system
from domain.alarms.alarm import Raised
from domain.ids import OperatorId
from domain.usecases.raise_alarm import raise_alarm
from persistence.engine import OWNER
from tests.api.conftest import House, add_client
from tests.api.entrance import add_user
from tests.api.holdings_rows import add_rows
from tests.api.month import NUMBERS, Month, make_month
from tests.api.test_graphql_parties import gql
from tests.payments.test_readers import bgmax

OWNERS = ("operator", "reseller", "below", "sibling", "other")
PLACE = '{street: "a", postcode: "1", city: "b", country: "SE"}'
LATER = "2026-12-01T00:00:00Z"
# What is beside the one of its kind: a customer that stands below the owner's, a payment that is nobody's.
UNDER, SPARE = "Under", "Spare"
ABSENT = 999_999_999
CALLED = "46850000000"
RESELLERS = {"reseller": 1, "sibling": 2, "below": 3, "other": 4}
# Who sees whose.
REACH = {
    "operator": {"operator", "reseller", "below", "sibling"},
    "reseller": {"reseller", "below"},
    "below": {"below"},
    "sibling": {"sibling"},
    "other": {"other"},
}


@dataclass
class Holdings:
    """``ids``: owner to kind to global id. ``keys``: what SOAP and REST call the same things."""

    month: Month
    ids: dict[str, dict[str, str]]

    def kinds(self, caller: str) -> set[str]:
        """Return the kinds of which the caller sees one."""
        return {kind for owner in REACH[caller] for kind in self.ids[owner]} - {UNDER, SPARE}

    def named(self, caller: str) -> set[str]:
        """Return what the caller sees, also what is beside the one of its kind."""
        return {kind for owner in REACH[caller] for kind in self.ids[owner]}

    def seen(self, caller: str, kind: str) -> str:
        """Return the id of one of a kind that the caller sees, his own first."""
        owners = sorted(REACH[caller], key=lambda owner: (owner != caller, owner))
        return next(self.ids[owner][kind] for owner in owners if kind in self.ids[owner])

    def key(self, owner: str, kind: str) -> str:
        """Return the plain key of a thing."""
        return read_id(self.ids[owner][kind])[1]


def absent(kind: str) -> str:
    """Return the id of a thing of a kind that is not there."""
    return global_id(kind, f"1.1.{ABSENT}" if kind == "Usage" else ABSENT)


async def _done(house: House, client: str, text: str, kind: str) -> dict[str, Any]:
    asked = f"mutation {{ a: {text} {{ __typename ... on Refusal {{ code message field }} ... on {kind} {{ id }} }} }}"
    found: dict[str, Any] = (await gql(house, client, asked))["a"]
    assert "code" not in found, (client, text, found)
    return found


async def _first(house: House, client: str, query: str) -> str:
    found = await gql(house, client, f"{{ a: {query} {{ edges {{ node {{ id }} }} }} }}")
    return str(found["a"]["edges"][-1]["node"]["id"])


async def _made(house: House, owner: str, month: Month, service: str) -> dict[str, str]:
    """What every owner has; orders lie far ahead, so that nothing becomes of them meanwhile."""
    owned = month.owned[owner]
    customer, contract, line = owned.customer["id"], owned.contract["id"], owned.subscription
    ids = {
        "Customer": customer,
        "Contract": contract,
        "Subscription": line,
        "Invoice": owned.invoices[0]["id"],
        "Usage": owned.events[0],
    }
    texts = {
        "ContractQuote": f'createQuote(input: {{customer: "{customer}", lines: [{{service: "{service}"}}]}})',
        "ContractChange": (
            f'stepContract(input: {{contract: "{contract}", version: 1, state: SUSPENDED, on: "2026-12-01"}})'
        ),
        "Order": f'placeOrder(input: {{subscription: "{line}", kind: SUSPEND, runAt: "{LATER}"}})',
        "CreditLimit": f'setCreditLimit(input: {{customer: "{customer}", amount: "100000"}})',
        "CreditOverride": f'overrideCredit(input: {{customer: "{customer}", amount: "100000", reason: "a"}})',
        "Reservation": f'reserveCall(input: {{subscription: "{line}", number: "{CALLED}", units: 1}})',
        "PortOrder": (
            f'requestPort(input: {{subscription: "{line}", number: "{owned.number}", direction: OUT, other: "T",'
            f' wantedAt: "{LATER}"}})'
        ),
        "PreselectionOrder": (
            f'orderPreselection(input: {{subscription: "{line}", number: "{owned.number}", prefix: "9533",'
            f' wantedAt: "{LATER}"}})'
        ),
        "InvoiceDispute": f'disputeInvoice(input: {{invoice: "{ids["Invoice"]}", reason: "Not mine", amount: "0.01"}})',
        "NumberReservation": f'reserveNumbers(input: {{until: "{LATER}", count: 1}})',
    }
    for kind, text in texts.items():
        ids[kind] = (await _done(house, owner, text, kind))["id"]
    under = f'createCustomer(input: {{name: "Under", kind: PERSON, address: {PLACE}, parent: "{customer}"}})'
    ids[UNDER] = (await _done(house, owner, under, "Customer"))["id"]
    level = f'createLevel(input: {{name: "Level of {owner}", permissions: ["customers:read"]}})'
    ids["UserLevel"] = (await _done(house, owner, level, "UserLevel"))["id"]
    of = 2 if owner == "other" else 1
    email = f"{owner}@people.example"
    person = await add_user(house, email, level="read_only", operator=of, reseller=RESELLERS.get(owner))
    ids["User"] = global_id("User", person)
    hook = 'createWebhook(input: {url: "https://erp.example/hook"}) { ... on WebhookTold { webhook { id } } }'
    key = f'createApiKey(input: {{name: "k", scopes: ["customers:read"], endsAt: "{LATER}"}})'
    asked = f"mutation {{ a: {key} {{ ... on Refusal {{ message }} ... on NewApiKey {{ key {{ id }} }} }} }}"
    ids["ApiKey"] = (await gql(house, owner, asked))["a"]["key"]["id"]
    ids["Webhook"] = (await gql(house, owner, f"mutation {{ a: {hook} }}"))["a"]["webhook"]["id"]
    ids["Event"] = await _first(house, owner, "events(first: 100)")
    sheet = "externalId,name,kind,street,postcode,city,country\nc1,Ada,person,Storgatan 1,111 22,Lund,SE\n"
    answer = await house.call(owner, "POST", "/rest/v1/bulk/customers", content=sheet.encode())
    assert answer.status_code == 202, answer.text
    ids["BulkImport"] = global_id("BulkImport", answer.json()["id"])
    return ids


async def _of_operators(house: House, client: str, service: str) -> dict[str, str]:
    """What only operators have."""
    put = await house.call(client, "PUT", "/rest/v1/cdr/asterisk/later.csv", content=b"x")
    assert put.status_code == 202, put.text
    lists = {
        "File": "files(first: 1)",
        "Job": "jobs(first: 1)",
        "Suspended": "suspense(first: 1)",
        "NumberSeries": "allNumberSeries(first: 1)",
        "PriceList": "priceLists(first: 1)",
    }
    ids = {kind: await _first(house, client, query) for kind, query in lists.items()} | {"Service": service}
    fetched = 'fetchInvoices(input: {consumer: "erp", most: 1}) { ... on InvoicesFetched { marker } }'
    ids["InvoiceBatch"] = (await gql(house, client, f"mutation {{ a: {fetched} }}"))["a"]["marker"]
    rule = f'putFraudRule(input: {{name: "{client}", measure: CALLS, most: "1000", windowSeconds: 3600}})'
    made = await gql(house, client, f"mutation {{ a: {rule} {{ ... on FraudRule {{ id }} }} }}")
    ids["FraudRule"] = made["a"]["id"]
    ids["BillRun"] = await _first(house, client, "billRuns(first: 1)")
    rule = 'putAccountRule(input: {account: "3999", validFrom: "2027-01-01", country: "AX"})'
    ids["AccountRule"] = (await _done(house, client, rule, "AccountRule"))["id"]
    paid = bgmax((100, "999001"), (200, "999002")).replace(b"2026112000001", b"2026031500001")
    answer = await house.call(client, "POST", "/rest/v1/payments/bank.txt", content=paid, params={"format": "bgmax"})
    assert answer.status_code == 201, answer.text
    ids["PaymentRecord"] = await _first(house, client, "payments(first: 1)")
    ids[SPARE] = await _first(house, client, "payments(first: 2)")
    sources = await gql(house, client, "{ sources { id } }")
    operator = await gql(house, client, "{ operator { id } }")
    found = Raised(kind="silent_source", subject="pbx", text="nothing came from the PBX")
    actor = system(OperatorId(2 if client == "other" else 1))
    alarm = await raise_alarm(found, actor=actor, begin=house.wiring.begin, clock=house.clock)
    ids["Alarm"] = global_id("Alarm", alarm.id)
    return ids | {"Source": sources["sources"][0]["id"], "Operator": operator["operator"]["id"]}


async def make_holdings(house: House) -> Holdings:
    """Make it all."""
    await add_client(house.database, "below", 1, 3)
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("insert into reseller (operator, id, code, name) values (2, 4, 'far', 'far')")
    month = await make_month(house, {**NUMBERS, "below": "46850000005"})
    services = {"operator": month.service}
    made = 'createService(input: {code: "FAR", name: "S"})'
    services["other"] = (await _done(house, "other", made, "Service"))["id"]
    for client, area in (("operator", "08-71"), ("other", "08-72")):
        text = f'name: "A", kind: FIXED, firstNumber: "{area} 00 00 00", lastNumber: "{area} 00 00 99"'
        await _done(house, client, f"createNumberSeries(input: {{{text}}})", "NumberSeries")
    for owner, key in RESELLERS.items():
        if owner != "other":
            number, reseller = f"4687100000{key}", global_id("Reseller", key)
            given = f'firstNumber: "{number}", lastNumber: "{number}", reseller: "{reseller}"'
            ask = f"mutation {{ a: giveNumbers(input: {{{given}}}) {{ ... on NumbersGiven {{ count }} }} }}"
            assert (await gql(house, "operator", ask))["a"] == {"count": 1}
    ids = {owner: await _made(house, owner, month, services.get(owner, month.service)) for owner in OWNERS}
    for client, service in services.items():
        ids[client] |= await _of_operators(house, client, service)
        keys = [int(read_id(ids[client][kind])[1]) for kind in ("Customer", "Invoice")]
        ids[client] |= await add_rows(house, 2 if client == "other" else 1, *keys)
    for owner, key in RESELLERS.items():
        ids[owner]["Reseller"] = global_id("Reseller", key)
    return Holdings(month, ids)


def traces(holdings: Holdings, owner: str) -> set[str]:
    """Return texts that stand in an answer only where something of this owner is told."""
    owned = holdings.month.owned[owner]
    return {f"Customer of {owner}", owned.number, *owned.events}


def plainly(text: str) -> str:
    """Return an answer without what differs between one thing that is not found and another."""
    text = re.sub(r'"locations":\[[^\]]*\],?', "", text)
    return re.sub(r"-?\d+", "N", text)
