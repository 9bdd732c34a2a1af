"""A small month for the API tests: two resellers, a tariff, a customer of each, calls, invoices; all by the APIs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.conftest import House
from tests.api.test_graphql_parties import gql, new_contract, new_customer

TARIFF: dict[str, Any] = {
    "destinations": {"SE mobile": {"prefixes": ["467"]}, "SE fixed": {"prefixes": ["468"]}},
    "price_lists": {
        "Retail": {"currency": "SEK", "rates": [{"to": "*", "mode": "voice", "steps": [{"price": "0.60", "per": 60}]}]},
        "Wholesale": {
            "currency": "SEK",
            "rates": [{"to": "*", "mode": "voice", "steps": [{"price": "0.40", "per": 60}]}],
        },
        "Cost": {"currency": "SEK", "rates": [{"to": "*", "mode": "voice", "steps": [{"price": "0.10", "per": 60}]}]},
    },
    "trunks": {"T1": {"cost": "Cost"}},
}
NUMBERS: Mapping[str, str] = {
    "operator": "46850000001",
    "reseller": "46850000002",
    "sibling": "46850000003",
    "other": "46850000004",
}
PERIOD = 'filter: {since: "2026-03-01T00:00:00+01:00", until: "2026-04-01T00:00:00+02:00"}'


@dataclass
class Owned:
    """What belongs to one owner; global ids, and the numbers of the operator's series."""

    customer: dict[str, Any]
    contract: dict[str, Any]
    subscription: str
    number: str
    events: list[str] = field(default_factory=list)
    invoices: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Month:
    """The world: what each client's owner has. ``file`` and ``service`` are the operator's."""

    owned: dict[str, Owned]
    file: str = ""
    service: str = ""


def call(source: str, number: str, reference: str, seconds: int = 60) -> str:
    return (
        f'"","{source}","{number}","from-internal","""A"" <{source}>","SIP/a-00000001","T1","Dial",'
        '"SIP/T1",'
        f'"2026-03-02 10:00:00","2026-03-02 10:00:05","2026-03-02 10:01:05",65,{seconds},"ANSWERED","DOCUMENTATION",'
        f'"{reference}",""\n'
    )


async def _lists(house: House, client: str) -> None:
    query = (
        "mutation($d: JsonText!) { importTariff(input: {document: $d}) "
        "{ __typename ... on TariffImported { priceLists rates } ... on Refusal { message } } }"
    )
    done = (await gql(house, client, query, d=json.dumps(TARIFF)))["importTariff"]
    assert done["__typename"] == "TariffImported", done


async def _party(house: House, client: str, number: str) -> Owned:
    customer = await new_customer(house, client, f"Customer of {client}", priceList=None)
    contract = await new_contract(house, client, customer["id"])
    add = "mutation($input: AddSubscriptionInput!) { addSubscription(input: $input) { ... on Subscription { id } } }"
    numbers = [{"number": number, "validFrom": "2026-01-01T00:00:00+01:00"}]
    asked = {"contract": contract["id"], "kind": "FIXED", "numbers": numbers}
    line = (await gql(house, client, add, input=asked))["addSubscription"]["id"]
    return Owned(customer, contract, line, number)


async def make_month(house: House, numbers: Mapping[str, str] = NUMBERS) -> Month:
    """Make it: the operator, both resellers and the other operator each have a customer with calls and an invoice."""
    for client in ("operator", "other"):
        await _lists(house, client)
    month = Month({client: await _party(house, client, number) for client, number in numbers.items()})
    await _priced(house, month)
    for client in ("operator", "other"):
        mine = [number for owner, number in numbers.items() if (owner == "other") == (client == "other")]
        content = "".join(call(one, "46701740605", f"1772442000.{index}") for index, one in enumerate(mine))
        content += call("46899999999", "46701740605", "1772442000.99")
        answer = await house.call(client, "PUT", "/rest/v1/cdr/asterisk/Master.csv?wait", content=content)
        assert answer.status_code == 201, answer.text
        bill = 'mutation { runBills(input: {month: "2026-03"}) { __typename ... on BillRunDone { run { invoices } } } }'
        assert (await gql(house, client, bill))["runBills"]["run"]["invoices"] == len(mine)
    await _collect(house, month)
    return month


async def _priced(house: House, month: Month) -> None:
    change = (
        "mutation($input: ChangeCustomerInput!) { changeCustomer(input: $input) "
        "{ __typename ... on Refusal { message } } }"
    )
    for owner, owned in month.owned.items():
        by = "other" if owner == "other" else "operator"
        asked = {"customer": owned.customer["id"], "version": 1, "priceList": "Retail"}
        done = (await gql(house, by, change, input=asked))["changeCustomer"]
        assert done["__typename"] == "Customer", done


async def _collect(house: House, month: Month) -> None:
    for client, owned in month.owned.items():
        events = await gql(house, client, f"{{ usage({PERIOD}) {{ edges {{ node {{ id customer {{ id }} }} }} }} }}")
        invoices = await gql(house, client, "{ invoices { edges { node { id number customer { id } } } } }")
        mine = owned.customer["id"]
        nodes = [edge["node"] for edge in events["usage"]["edges"]]
        owned.events = [node["id"] for node in nodes if node["customer"]["id"] == mine]
        bills = [edge["node"] for edge in invoices["invoices"]["edges"]]
        owned.invoices = [node for node in bills if node["customer"]["id"] == mine]
        assert owned.events, client
        assert owned.invoices, client
    files = await gql(house, "operator", "{ files { edges { node { id } } } }")
    month.file = files["files"]["edges"][0]["node"]["id"]
    make = 'mutation { createService(input: {code: "S", name: "S"}) { ... on Service { id } } }'
    month.service = (await gql(house, "operator", make))["createService"]["id"]
