"""Contracts by the day, services whole, and quotes over GraphQL."""

from __future__ import annotations

import json
import re
from typing import Any

from api.graphql.ids import global_id
from persistence.statements import counted
from tests.api.conftest import House
from tests.api.month import TARIFF
from tests.api.test_graphql_parties import gql, new_contract, new_customer

REFUSAL = "__typename ... on Refusal { code message field }"
CHANGE = (
    f"{REFUSAL} ... on ContractChange {{ id kind effective state version changed fault successor {{ id number }} }}"
)


async def mutate(house: House, name: str, fields: str, /, client: str = "operator", **asked: Any) -> dict[str, Any]:
    kind = name[0].upper() + name[1:] + "Input"
    query = f"mutation($input: {kind}!) {{ a: {name}(input: $input) {{ {fields} }} }}"
    found: dict[str, Any] = (await gql(house, client, query, input=asked))["a"]
    return found


async def new_service(house: House, code: str, **more: Any) -> str:
    fields = f"{REFUSAL} ... on Service {{ id }}"
    made = await mutate(house, "createService", fields, **({"code": code, "name": code.title()} | more))
    assert made["__typename"] == "Service", made
    return str(made["id"])


async def test_a_service_is_shown_whole_and_changed(house: House) -> None:
    part = await new_service(house, "sim", periodicFee="49")
    other = await new_service(house, "rival")
    made = await new_service(
        house,
        "bundle",
        periodicFee="120",
        anniversary=True,
        parts=[{"service": part, "quantity": 2}],
        excludes=[other],
        countries=[{"country": "FI", "account": "3106", "vatCategory": "S", "vatPercent": "25.5"}],
        validFrom="2026-01-01",
    )
    whole = (
        '{ service(code: "bundle") { id version anniversary validFrom parts { quantity periodicFee service { code } }'
        " excludes { code } needs { code } countries { country vatPercent } prices { start periodicFee } } }"
    )
    read = (await gql(house, "operator", whole))["service"]
    assert read == {
        "id": made,
        "version": 1,
        "anniversary": True,
        "validFrom": "2026-01-01",
        "parts": [{"quantity": 2, "periodicFee": "0", "service": {"code": "sim"}}],
        "excludes": [{"code": "rival"}],
        "needs": [],
        "countries": [{"country": "FI", "vatPercent": "25.5"}],
        "prices": [],
    }
    fields = f"{REFUSAL} ... on Service {{ version excludes {{ code }} prices {{ start periodicFee oneTimeFee }} }}"
    asked = {"service": made, "version": 1, "periodicFee": "130", "feesFrom": "2027-01-01", "excludes": []}
    changed = await mutate(house, "changeService", fields, **asked)
    assert changed == {
        "__typename": "Service",
        "version": 2,
        "excludes": [],
        "prices": [{"start": "2027-01-01", "periodicFee": "130", "oneTimeFee": "0"}],
    }
    assert (await mutate(house, "changeService", fields, **asked))["code"] == "STALE"


async def test_a_contract_is_changed_by_the_day(house: House) -> None:
    small = await new_service(house, "small", periodicFee="99")
    large = await new_service(house, "large", periodicFee="299")
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    one = await new_contract(
        house,
        "operator",
        owner,
        start="2025-01-01",
        services=[{"service": small, "start": "2025-01-01"}],
        terms={"bindingMonths": 24, "noticeMonths": 3, "seller": "anna", "renewal": "OPEN"},
        discounts=[{"start": "2025-01-01", "percent": "10", "service": small, "text": "Welcome"}],
    )
    assert one["__typename"] == "Contract", one
    exchanged = await mutate(
        house,
        "exchangeContractService",
        CHANGE,
        contract=one["id"],
        version=1,
        on="2025-06-01",
        gone={"service": small},
        new={"service": large, "quantity": 2},
    )
    assert (exchanged["kind"], exchanged["state"], exchanged["version"]) == ("UPGRADE", "DONE", 2)
    planned = await mutate(
        house, "stepContract", CHANGE, contract=one["id"], version=2, state="SUSPENDED", on="2099-01-01"
    )
    assert (planned["kind"], planned["state"]) == ("SUSPEND", "PLANNED")
    looks = (
        "query($id: ID!, $day: Date) { contract(id: $id, asOf: $day) { state version"
        " services { quantity service { code } } terms { seller bindingMonths } discounts { percent"
        " service { code } } } }"
    )
    seen = {}
    for day in ("2025-05-31", "2025-06-01", "2099-01-01"):
        looked = (await gql(house, "operator", looks, id=one["id"], day=day))["contract"]
        seen[day] = (looked["state"], [(line["quantity"], line["service"]["code"]) for line in looked["services"]])
        assert looked["terms"] == {"seller": "anna", "bindingMonths": 24}
        assert looked["discounts"] == [{"percent": "10", "service": {"code": "small"}}]
    assert seen == {
        "2025-05-31": ("ACTIVE", [(1, "small")]),
        "2025-06-01": ("ACTIVE", [(2, "large")]),
        "2099-01-01": ("SUSPENDED", [(2, "large")]),
    }
    cancel = f"mutation($change: ID!) {{ a: cancelContractChange(change: $change) {{ {CHANGE} }} }}"
    assert (await gql(house, "operator", cancel, change=planned["id"]))["a"]["state"] == "CANCELLED"
    assert (await gql(house, "operator", cancel, change=planned["id"]))["a"]["code"] == "WRONG_STATE"
    history = (
        "query($id: ID!) { contractChanges(contract: $id) { edges { node { kind state gone { service { code } }"
        " new { quantity service { code } } } } } }"
    )
    nodes = [edge["node"] for edge in (await gql(house, "operator", history, id=one["id"]))["contractChanges"]["edges"]]
    assert [(node["kind"], node["state"]) for node in nodes] == [
        ("CREATE", "DONE"), ("UPGRADE", "DONE"), ("SUSPEND", "CANCELLED"),
    ]  # fmt: skip
    assert nodes[1]["gone"] == {"service": {"code": "small"}}
    assert nodes[1]["new"] == {"quantity": 2, "service": {"code": "large"}}


async def test_an_ending_is_previewed_and_given(house: House) -> None:
    service = await new_service(house, "mobile", periodicFee="199")
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    one = await new_contract(
        house, "operator", owner, start="2098-01-01", services=[{"service": service, "start": "2098-01-01"}],
        terms={"bindingMonths": 12, "noticeMonths": 1},
    )  # fmt: skip
    query = (
        'query($id: ID!, $end: Date) { contractEnding(contract: $id, noticedOn: "2098-02-01", end: $end) {'
        " earliest freeFrom boundUntil end total currency fees { amount service { code } } } }"
    )
    told = (await gql(house, "operator", query, id=one["id"], end="2098-11-01"))["contractEnding"]
    assert told == {
        "earliest": "2098-03-01",
        "freeFrom": "2099-01-01",
        "boundUntil": "2099-01-01",
        "end": "2098-11-01",
        "total": "398.00",
        "currency": "SEK",
        "fees": [{"amount": "398.00", "service": {"code": "mobile"}}],
    }
    asked = {"contract": one["id"], "version": 1, "noticedOn": "2098-02-01"}
    soon = await mutate(house, "endContract", CHANGE, **asked, end="2098-02-02")
    assert (soon["code"], soon["field"]) == ("BAD_VALUE", "end")
    ended = await mutate(house, "endContract", CHANGE, **asked, end="2098-11-01", idempotencyKey="k")
    assert (ended["kind"], ended["state"], ended["effective"]) == ("END", "PLANNED", "2098-11-01")
    assert await mutate(house, "endContract", CHANGE, **asked, end="2098-11-01", idempotencyKey="k") == ended
    read = "query($id: ID!) { contract(id: $id) { state end ending { noticedOn boundUntil share } } }"
    assert (await gql(house, "operator", read, id=one["id"]))["contract"] == {
        "state": "ACTIVE",
        "end": "2098-11-01",
        "ending": {"noticedOn": "2098-02-01", "boundUntil": "2099-01-01", "share": "100"},
    }


async def test_a_contract_moves_and_is_taken_over(house: House) -> None:
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    heir = (await new_customer(house, "operator", "Bo Ek"))["id"]
    one = await new_contract(house, "operator", owner, start="2025-01-01")
    site = {"street": "Hamngatan 2", "postcode": "411 06", "city": "Göteborg", "country": "SE"}
    moved = await mutate(house, "moveContract", CHANGE, contract=one["id"], version=1, on="2025-03-01", site=site)
    assert (moved["kind"], moved["state"]) == ("MOVE", "DONE")
    taken = await mutate(
        house, "takeOverContract", CHANGE, contract=one["id"], version=2, on="2025-06-01", customer=heir, number="H-1"
    )
    assert (taken["kind"], taken["state"], taken["successor"]["number"]) == ("TAKEOVER", "DONE", "H-1")
    query = (
        "query($id: ID!) { contract(id: $id) { state end customer { name } successor { number customer { name }"
        " terms { site { city } } predecessor { id } } } }"
    )
    assert (await gql(house, "operator", query, id=one["id"]))["contract"] == {
        "state": "ENDED",
        "end": "2025-06-01",
        "customer": {"name": "Åsa Öberg"},
        "successor": {
            "number": "H-1",
            "customer": {"name": "Bo Ek"},
            "terms": {"site": {"city": "Göteborg"}},
            "predecessor": {"id": one["id"]},
        },
    }


async def test_a_quote_becomes_a_contract(house: House) -> None:
    service = await new_service(house, "mobile", periodicFee="199")
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    fields = (
        f"{REFUSAL} ... on ContractQuote {{ id number state version lines {{ quantity periodicFee service {{ code }} }}"
        " contract { state services { periodicFee } terms { signatory } } } "
    )
    made = await mutate(house, "createQuote", fields, customer=owner, lines=[{"service": service, "quantity": 2}])
    assert (made["state"], made["lines"]) == (
        "DRAFT", [{"quantity": 2, "periodicFee": None, "service": {"code": "mobile"}}],
    )  # fmt: skip
    changed = await mutate(house, "changeQuote", fields, quote=made["id"], version=1, text="As we said")
    send = f"mutation($quote: ID!, $version: Int!) {{ a: sendQuote(quote: $quote, version: $version) {{ {fields} }} }}"
    sent = (await gql(house, "operator", send, quote=made["id"], version=changed["version"]))["a"]
    assert (sent["state"], sent["lines"][0]["periodicFee"]) == ("SENT", "199")
    assert (await gql(house, "operator", send, quote=made["id"], version=sent["version"]))["a"]["code"] == "WRONG_STATE"
    accepted = await mutate(
        house, "acceptQuote", fields, quote=made["id"], version=sent["version"], signatory="Åsa Öberg"
    )
    assert accepted["state"] == "ACCEPTED"
    assert accepted["contract"] == {
        "state": "ACTIVE",
        "services": [{"periodicFee": "199"}],
        "terms": {"signatory": "Åsa Öberg"},
    }
    other = await mutate(house, "createQuote", fields, customer=owner, lines=[{"service": service}])
    sent = (await gql(house, "operator", send, quote=other["id"], version=1))["a"]
    declined = await mutate(house, "declineQuote", fields, quote=other["id"], version=sent["version"], reason="dear")
    assert declined["state"] == "DECLINED"
    page = f'{{ quotes {{ edges {{ node {{ number state }} }} }} node(id: "{made["id"]}") {{ id __typename }} }}'
    found = await gql(house, "operator", page)
    assert [edge["node"]["state"] for edge in found["quotes"]["edges"]] == ["ACCEPTED", "DECLINED"]
    assert found["node"] == {"id": made["id"], "__typename": "ContractQuote"}


async def test_a_longer_page_asks_no_more_of_the_database(house: House) -> None:
    service = await new_service(house, "mobile", periodicFee="199")
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    one = await new_contract(house, "operator", owner, start="2025-01-01")
    for version in range(1, 7):
        on = f"2099-01-0{version}"
        state = "SUSPENDED" if version % 2 else "ACTIVE"
        made = await mutate(house, "stepContract", CHANGE, contract=one["id"], version=version, state=state, on=on)
        assert made["state"] == "PLANNED", made
        await mutate(house, "createQuote", REFUSAL, customer=owner, lines=[{"service": service}])
    for query in (
        '{ contractChanges(contract: "'
        + one["id"]
        + '", first: %d)'
        + " { edges { node { contract { customer { name } } successor { id } } } } }",
        "{ quotes(first: %d) { edges { node { customer { name } lines { service { name } } contract { id } } } } }",
    ):
        counts = []
        for first in (2, 6):
            with counted() as asked:
                page = await gql(house, "operator", query % first)
            assert len(next(iter(page.values()))["edges"]) == first
            counts.append(sum("typeinfo" not in text and "jit" not in text for text in asked.texts))
        assert counts[0] == counts[1], (query, counts)


FORBIDDEN = [
    ("reseller", "operator"), ("reseller", "sibling"), ("sibling", "reseller"), ("reseller", "other"),
    ("operator", "other"), ("other", "operator"), ("other", "reseller"),
]  # fmt: skip
ABSENT = 999_999_999
OUTCOME = "{ __typename ... on Refusal { code field } }"


async def _owned(house: House, client: str) -> dict[str, str]:
    """Return the ids of what a client has: a customer, a contract with a planned change, a line, a quote."""
    seller = "other" if client == "other" else "operator"
    query = 'mutation { a: createService(input: {code: "%s", name: "S"}) { __typename ... on Service { id } } }'
    service = (await gql(house, seller, query.replace("%s", client)))["a"]["id"]
    customer = (await new_customer(house, client, f"{client} one"))["id"]
    contract = (await new_contract(house, client, customer, start="2025-01-01"))["id"]
    line = 'mutation { a: addSubscription(input: {contract: "%s", kind: FIXED}) { ... on Subscription { id } } }'
    subscription = (await gql(house, client, line.replace("%s", contract)))["a"]["id"]
    planned = await mutate(
        house, "stepContract", CHANGE, client, contract=contract, version=1, state="SUSPENDED", on="2099-01-01"
    )
    fields = f"{REFUSAL} ... on ContractQuote {{ id }}"
    quote = await mutate(house, "createQuote", fields, client, customer=customer, lines=[{"service": service}])
    return {
        "Customer": customer,
        "Contract": contract,
        "Subscription": subscription,
        "ContractChange": planned["id"],
        "ContractQuote": quote["id"],
        "Service": service,
    }


def _asked(of: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """Return every operation of this room that takes an id, over what is ``of`` somebody, by a caller with ``own``."""
    site = '{street: "a", postcode: "1", city: "b", country: "SE"}'
    contract = f'contract: "{of["Contract"]}", version: 2'
    mine = f'contract: "{own["Contract"]}", version: 2'
    quote = f'quote: "{of["ContractQuote"]}", version: 1'
    return {
        "contractChanges.contract": (
            f'{{ contractChanges(contract: "{of["Contract"]}") {{ edges {{ node {{ id }} }} }} }}'
        ),
        "contractEnding.contract": f'{{ contractEnding(contract: "{of["Contract"]}") {{ end }} }}',
        "quote.id": f'{{ quote(id: "{of["ContractQuote"]}") {{ id }} }}',
        "node.id": f'{{ node(id: "{of["ContractQuote"]}") {{ id }} }}',
        "stepContract.contract": f"mutation {{ a: stepContract(input: {{{contract}, state: SUSPENDED}}) {OUTCOME} }}",
        "exchangeContractService.contract": "mutation { a: exchangeContractService(input: "
        f'{{{contract}, new: {{service: "{own["Service"]}"}}}}) {OUTCOME} }}',
        "moveContract.contract": f"mutation {{ a: moveContract(input: {{{contract}, site: {site}}}) {OUTCOME} }}",
        "moveContract.customer": "mutation { a: moveContract(input: "
        f'{{{mine}, customer: "{of["Customer"]}"}}) {OUTCOME} }}',
        "takeOverContract.contract": "mutation { a: takeOverContract(input: "
        f'{{{contract}, customer: "{own["Customer"]}"}}) {OUTCOME} }}',
        "takeOverContract.customer": "mutation { a: takeOverContract(input: "
        f'{{{mine}, customer: "{of["Customer"]}"}}) {OUTCOME} }}',
        "endContract.contract": f"mutation {{ a: endContract(input: {{{contract}}}) {OUTCOME} }}",
        "cancelContractChange.change": "mutation { a: cancelContractChange("
        f'change: "{of["ContractChange"]}") {OUTCOME} }}',
        "createQuote.customer": "mutation { a: createQuote(input: "
        f'{{customer: "{of["Customer"]}", lines: [{{service: "{own["Service"]}"}}]}}) {OUTCOME} }}',
        "changeQuote.quote": f'mutation {{ a: changeQuote(input: {{{quote}, text: "x"}}) {OUTCOME} }}',
        "sendQuote.quote": f"mutation {{ a: sendQuote({quote}) {OUTCOME} }}",
        "acceptQuote.quote": f"mutation {{ a: acceptQuote(input: {{{quote}}}) {OUTCOME} }}",
        "declineQuote.quote": f"mutation {{ a: declineQuote(input: {{{quote}}}) {OUTCOME} }}",
        "contractService.subscription": "mutation { a: changeContract(input: "
        f'{{{mine}, services: [{{service: "{own["Service"]}", start: "2025-01-01",'
        f' subscription: "{of["Subscription"]}"}}]}}) {OUTCOME} }}',
    }


async def test_anothers_is_answered_as_nobodys(house: House) -> None:
    owned = {client: await _owned(house, client) for client in ("operator", "reseller", "sibling", "other")}
    nobodys = {kind: global_id(kind, ABSENT) for kind in owned["operator"]}
    for caller, owner in FORBIDDEN:
        own = owned[caller]
        absent = _asked(nobodys, own)
        for name, query in _asked(owned[owner], own).items():
            found = await _told(house, caller, query)
            assert found == await _told(house, caller, absent[name]), (caller, owner, name)
            assert "NOT_FOUND" in str(found), (caller, owner, name, found)
        page = f'{{ quotes(customer: "{owned[owner]["Customer"]}") {{ edges {{ node {{ id }} }} }} }}'
        assert (await gql(house, caller, page))["quotes"]["edges"] == []
        anothers = owned[owner]["Service"] if "other" in {caller, owner} else nobodys["Service"]
        foreign = (
            f'mutation {{ a: createQuote(input: {{customer: "{own["Customer"]}", lines: [{{service: "%s"}}]}}) %s }}'
        )
        found = (await gql(house, caller, foreign.replace("%s", anothers, 1).replace("%s", OUTCOME)))["a"]
        assert found["code"] == "NOT_FOUND"
    for client, own in owned.items():
        seen = await gql(house, client, "{ quotes { edges { node { id } } } }")
        below = {"operator": {"operator", "reseller", "sibling"}}.get(client, {client})
        assert {edge["node"]["id"] for edge in seen["quotes"]["edges"]} == {
            owned[each]["ContractQuote"] for each in below
        }
        for name in ("contractChanges.contract", "contractEnding.contract", "quote.id", "cancelContractChange.change"):
            assert "NOT_FOUND" not in str(await _told(house, client, _asked(own, own)[name])), (client, name)


async def _told(house: House, client: str, query: str) -> Any:
    answer = (await house.call(client, "POST", "/graphql", json={"query": query})).json()
    for error in answer.get("errors", []):
        error.pop("locations", None)
        error["message"] = re.sub(r"-?\d+", "N", error["message"])
    return answer


async def test_a_resellers_client_neither_makes_nor_changes_services_nor_waives(house: House) -> None:
    owned = await _owned(house, "reseller")
    for query in (
        f'mutation {{ a: changeService(input: {{service: "{owned["Service"]}", version: 1, name: "x"}}) {OUTCOME} }}',
        f'mutation {{ a: changeService(input: {{service: "{global_id("Service", ABSENT)}", version: 1}}) {OUTCOME} }}',
    ):
        assert (await gql(house, "reseller", query))["a"]["code"] == "NOT_ALLOWED"
    waived = (
        f'mutation {{ a: endContract(input: {{contract: "{owned["Contract"]}", version: 2, free: true}}) {OUTCOME} }}'
    )
    assert (await gql(house, "reseller", waived))["a"]["field"] == "free"
    found = f'{{ service(id: "{owned["Service"]}") {{ code }} }}'
    assert (await gql(house, "reseller", found))["service"]["code"] == "reseller"
    assert "NOT_FOUND" in str(await _told(house, "other", found))


async def test_without_a_token_nothing_is_told(house: House) -> None:
    answer = await house.http.post("/graphql", json={"query": "{ quotes { edges { node { id } } } }"})
    assert answer.status_code == 401


async def test_a_discount_on_usage_is_taken_by_rating_for_its_time(house: House) -> None:
    tariff = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename } }"
    await gql(house, "operator", tariff, d=json.dumps(TARIFF))
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    half = {"on": "USAGE", "percent": "50", "start": "2026-04-10", "end": "2026-04-20"}
    service = await new_service(house, "mobile", priceList="Retail")
    one = await new_contract(
        house,
        "operator",
        owner,
        start="2026-01-01",
        services=[{"service": service, "start": "2026-01-01"}],
        discounts=[half],
    )
    assert one["__typename"] == "Contract", one
    line = 'mutation { a: addSubscription(input: {contract: "%s", kind: MOBILE}) { ... on Subscription { id } } }'
    key = (await gql(house, "operator", line.replace("%s", one["id"])))["a"]["id"]

    async def price(day: str) -> str:
        asked = f'input: {{subscription: "{key}", number: "46701740605", used: 60, at: "{day}T12:00:00+02:00"}}'
        quote = await gql(house, "operator", f"{{ priceCall({asked}) {{ reason retail {{ amount {{ value }} }} }} }}")
        assert quote["priceCall"]["reason"] is None, quote
        return str(quote["priceCall"]["retail"]["amount"]["value"])

    assert [float(await price(f"2026-04-{day}")) for day in ("09", "10", "19", "20")] == [0.6, 0.3, 0.3, 0.6]
    fields = f"{REFUSAL} ... on Contract {{ version priceList discounts {{ percent end }} }}"
    longer = await mutate(
        house, "changeContract", fields, contract=one["id"], version=1, discounts=[half | {"end": "2026-05-01"}]
    )
    assert longer["discounts"] == [{"percent": "50", "end": "2026-05-01"}]
    assert longer["priceList"] == f"contract {one['number']}"
    assert [float(await price(f"2026-04-{day}")) for day in ("09", "10", "20")] == [0.6, 0.3, 0.3]
    none = await mutate(house, "changeContract", fields, contract=one["id"], version=2, discounts=[])
    assert none["discounts"] == []
    assert [float(await price(f"2026-04-{day}")) for day in ("09", "10", "20")] == [0.6, 0.6, 0.6]


async def test_prices_of_a_contracts_own_deviate_from_its_list(house: House) -> None:
    tariff = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename } }"
    await gql(house, "operator", tariff, d=json.dumps(TARIFF))
    owner = (await new_customer(house, "operator", "Åsa Öberg"))["id"]
    keys, contracts = [], []
    for _ in range(2):
        one = await new_contract(house, "operator", owner, start="2026-01-01", priceList="Retail")
        asked_line = f'input: {{contract: "{one["id"]}", kind: MOBILE}}'
        line = f"mutation {{ a: addSubscription({asked_line}) {{ ... on Subscription {{ id }} }} }}"
        keys.append((await gql(house, "operator", line))["a"]["id"])
        contracts.append(one)
    fields = f"{REFUSAL} ... on Contract {{ version priceList }}"
    asked = {
        "contract": contracts[0]["id"],
        "version": 1,
        "validFrom": "2026-04-10T00:00:00+02:00",
        "rates": [{"to": "SE mobile", "mode": "voice", "steps": [{"price": "0.20", "per": 60}]}],
    }
    for wrong, code in (({"rates": []}, "BAD_VALUE"), ({"version": 7}, "STALE")):
        assert (await mutate(house, "priceContract", fields, **(asked | wrong)))["code"] == code
    made = await mutate(house, "priceContract", fields, **asked, idempotencyKey="k")
    assert (made["version"], made["priceList"]) == (2, f"contract {contracts[0]['number']}")
    assert await mutate(house, "priceContract", fields, **asked, idempotencyKey="k") == made
    found = []
    for key in keys:
        for day in ("09", "10"):
            of = (
                f'input: {{subscription: "{key}", number: "46701740605", used: 60, at: "2026-04-{day}T12:00:00+02:00"}}'
            )
            quote = await gql(house, "operator", f"{{ priceCall({of}) {{ retail {{ amount {{ value }} }} }} }}")
            found.append(float(quote["priceCall"]["retail"]["amount"]["value"]))
    assert found == [0.6, 0.2, 0.6, 0.6]
    assert (await mutate(house, "priceContract", fields, "reseller", **asked))["code"] in {"NOT_ALLOWED", "NOT_FOUND"}
    assert (await mutate(house, "priceContract", fields, "other", **asked))["code"] == "NOT_FOUND"
