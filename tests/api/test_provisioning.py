"""Orders, barring and network elements over GraphQL, SOAP and a socket, to each of four callers and to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.graphql.ids import global_id, read_id
from api.jobs import HANDLERS
from api.worker import Worker
from persistence.statements import counted
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.talking import talking
from tests.api.test_graphql_parties import gql
from tests.api.test_isolation import ABSENT, FORBIDDEN, _ask
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

OUTCOME = "{ __typename ... on Refusal { code field } ... on Order { id state version } }"
OWNERS = ["operator", "reseller", "sibling", "other"]


async def placed(house: House, client: str, line: str, more: str = "kind: BAR, bars: [PREMIUM]") -> dict[str, Any]:
    text = f'mutation {{ a: placeOrder(input: {{subscription: "{line}", {more}}}) {OUTCOME} }}'
    found: dict[str, Any] = (await gql(house, client, text))["a"]
    return found


async def ordered(house: House, month: Month) -> dict[str, dict[str, Any]]:
    """Each owner has ordered something for his own line, for a day far away."""
    far = 'kind: SUSPEND, runAt: "2030-01-01T00:00:00Z"'
    return {client: await placed(house, client, month.owned[client].subscription, far) for client in OWNERS}


def _questions(month: Month, owner: str, order: str, absent: bool) -> dict[str, str]:
    owned = month.owned[owner]
    line = global_id("Subscription", ABSENT) if absent else owned.subscription
    customer = global_id("Customer", ABSENT) if absent else owned.customer["id"]
    order = global_id("Order", ABSENT) if absent else order
    return {
        "order.id": f'{{ order(id: "{order}") {{ id state }} }}',
        "orders.subscription": f'{{ orders(subscription: "{line}") {{ edges {{ node {{ id }} }} }} }}',
        "orders.customer": f'{{ orders(customer: "{customer}") {{ edges {{ node {{ id }} }} }} }}',
        "barring.subscription": f'{{ barring(subscription: "{line}") {{ bar }} }}',
    }


def _commands(month: Month, owner: str, own: str, order: str, absent: bool) -> dict[str, str]:
    line = global_id("Subscription", ABSENT) if absent else month.owned[owner].subscription
    order = global_id("Order", ABSENT) if absent else order
    tend = f'(input: {{order: "{order}", version: 1, reason: "x"}}) {OUTCOME}'
    return {
        "placeOrder.subscription": f'placeOrder(input: {{subscription: "{line}", kind: END}}) {OUTCOME}',
        "placeOrder.after": f'placeOrder(input: {{subscription: "{own}", kind: END, after: ["{order}"]}}) {OUTCOME}',
        "cancelOrder.order": f"cancelOrder{tend}",
        "retryOrder.order": f"retryOrder{tend}",
        "abandonOrder.order": f"abandonOrder{tend}",
        "completeStep.order": f'completeStep(input: {{order: "{order}", version: 1}}) {OUTCOME}',
    }


async def test_anothers_orders_are_as_nobodys(house: House) -> None:
    month = await make_month(house)
    orders = await ordered(house, month)
    for caller, owner in FORBIDDEN:
        absent = _questions(month, owner, orders[owner]["id"], absent=True)
        for name, text in _questions(month, owner, orders[owner]["id"], absent=False).items():
            found = await _ask(house, caller, text)
            assert found == await _ask(house, caller, absent[name]), (caller, owner, name)
            (value,) = (found["data"] or {"": None}).values()
            if value != {"edges": []}:
                assert found["errors"][0]["extensions"]["code"] == "NOT_FOUND", (name, found)
        own = month.owned[caller].subscription
        nobodys = _commands(month, owner, own, orders[owner]["id"], absent=True)
        for name, text in _commands(month, owner, own, orders[owner]["id"], absent=False).items():
            found = (await gql(house, caller, f"mutation {{ a: {text} }}"))["a"]
            assert found == (await gql(house, caller, f"mutation {{ a: {nobodys[name]} }}"))["a"], name
            theirs = name.startswith(("retry", "abandon", "complete")) and caller in {"reseller", "sibling"}
            assert found["code"] == ("NOT_ALLOWED" if theirs else "NOT_FOUND"), (caller, owner, name, found)
            answer = await house.http.post("/graphql", json={"query": f"mutation {{ a: {text} }}"})
            assert answer.status_code == 401
    for client, owners in {"operator": OWNERS[:3], "reseller": ["reseller"], "other": ["other"]}.items():
        page = await gql(house, client, "{ orders { edges { node { id } } } }")
        assert {edge["node"]["id"] for edge in page["orders"]["edges"]} == {orders[one]["id"] for one in owners}


async def test_a_reseller_orders_for_his_own_and_sees_no_network(house: House) -> None:
    month = await make_month(house)
    order = await placed(house, "reseller", month.owned["reseller"].subscription)
    await Worker(house.wiring, jobs=1, handlers=HANDLERS).run(until_idle=True)
    shown = "state waitingFor fault steps { element } log { event } subscription { id }"
    own = (await gql(house, "reseller", f'{{ order(id: "{order["id"]}") {{ {shown} }} }}'))["order"]
    line = month.owned["reseller"].subscription
    assert own == {
        "state": "CONFIRMED",
        "waitingFor": None,
        "fault": None,
        "steps": None,
        "log": None,
        "subscription": {"id": line},
    }
    boss = (await gql(house, "operator", f'{{ order(id: "{order["id"]}") {{ {shown} }} }}'))["order"]
    assert (boss["steps"], [one["event"] for one in boss["log"]]) == ([], ["placed", "confirmed"])
    (bar,) = (await gql(house, "reseller", f'{{ barring(subscription: "{line}") {{ bar reason until order }} }}'))[
        "barring"
    ]
    assert bar == {"bar": "PREMIUM", "reason": "", "until": None, "order": order["id"]}
    again = await placed(house, "reseller", line)
    assert (again["code"], again["field"]) == ("WRONG_STATE", "kind")
    for text in ("{ networkElements { name } }", '{ networkElement(name: "hlr") { name } }'):
        assert (await _ask(house, "reseller", text))["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    for text in (
        'putNetworkElement(input: {name: "x", kind: MANUAL})',
        'removeNetworkElement(name: "x", version: 1)',
    ):
        done = (await gql(house, "reseller", f"mutation {{ a: {text} {{ ... on Refusal {{ code }} }} }}"))["a"]
        assert done == {"code": "NOT_ALLOWED"}


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ("kind: BAR", "BAD_VALUE", "bars"),
        ("kind: END, bars: [DATA]", "BAD_VALUE", "bars"),
        ("kind: BAR, bars: [DATA, DATA]", "BAD_VALUE", "bars"),
        ("kind: PORT_IN", "BAD_VALUE", "parameters.number"),
        ('kind: CHANGE, parameters: [{name: "a b", value: "x"}]', "BAD_VALUE", "parameters"),
        ('kind: CHANGE, parameters: [{name: "a", value: "x"}, {name: "a", value: "y"}]', "BAD_VALUE", "parameters"),
        ('kind: CHANGE, reason: "\\u0000"', "BAD_VALUE", "reason"),
        ('kind: CHANGE, after: ["nonsense"]', "NOT_FOUND", "after.0"),
        ("kind: ACTIVATE", "WRONG_STATE", "kind"),
        ("kind: RESUME", "WRONG_STATE", "kind"),
        ("kind: UNBAR", "WRONG_STATE", "kind"),
        ('kind: PORT_OUT, parameters: [{name: "number", value: "070-9"}]', "WRONG_STATE", "kind"),
        ('kind: END, idempotencyKey: "a b"', "BAD_VALUE", "idempotencyKey"),
    ],
)
async def test_an_order_that_cannot_be_is_refused(house: House, more: str, code: str, field: str) -> None:
    month = await make_month(house)
    found = await placed(house, "operator", month.owned["operator"].subscription, more)
    assert (found.get("code"), found.get("field")) == (code, field)
    page = await gql(house, "operator", "{ orders { edges { node { id } } } jobs { edges { node { kind } } } }")
    assert page["orders"]["edges"] == []
    assert not [one for one in page["jobs"]["edges"] if one["node"]["kind"] == "drive_order"]


async def test_the_same_command_again_is_the_same_order(house: House) -> None:
    month = await make_month(house)
    line = month.owned["operator"].subscription
    more = 'kind: BAR, bars: [DATA], idempotencyKey: "k-1"'
    first = await placed(house, "operator", line, more)
    assert await placed(house, "operator", line, more) == first
    other = await placed(house, "operator", line, more.replace("DATA", "ROAMING"))
    assert other["code"] == "CONFLICT"
    stale = (
        await gql(
            house, "operator", f'mutation {{ a: cancelOrder(input: {{order: "{first["id"]}", version: 9}}) {OUTCOME} }}'
        )
    )["a"]
    assert (stale["code"], stale["field"]) == ("STALE", "version")


async def test_an_element_is_kept_without_its_secrets(house: House) -> None:
    shown = "name version credentials { name reference } templates { path body answer { done } }"
    put = (
        "mutation($input: PutNetworkElementInput!) { a: putNetworkElement(input: $input) "
        f"{{ __typename ... on Refusal {{ code field message }} ... on NetworkElement {{ {shown} }} }} }}"
    )
    rest = {
        "name": "hlr",
        "kind": "REST",
        "address": "https://192.0.2.1/api",
        "credentials": [{"name": "token", "value": "very secret"}],
        "templates": [{"path": "/l/{{number}}", "body": "{}", "answer": {"statePath": "s", "done": ["0"]}}],
    }
    private = (await gql(house, "operator", put, input=rest))["a"]
    assert (private["code"], private["field"]) == ("BAD_VALUE", "address")  # documentation's networks are nobody's
    rest["address"] = "https://9.9.9.9/api"
    kept = (await gql(house, "operator", put, input=rest))["a"]
    assert kept["credentials"] == [{"name": "token", "reference": None}]
    assert kept["version"] == 1
    assert (await gql(house, "operator", put, input=rest))["a"]["code"] == "STALE"
    moved = {**rest, "address": "https://8.8.8.8/api", "version": 1, "credentials": None}
    refused = (await gql(house, "operator", put, input=moved))["a"]
    assert (refused["code"], refused["field"]) == ("BAD_VALUE", "credentials.token")  # not sent where anybody likes
    async with house.database.transaction(role="owner") as unit:
        row = await unit.connection.fetchrow("select credentials::text, rules::text from network_element")
    assert "very secret" not in str(row)
    assert (await gql(house, "other", "{ networkElements { name } }"))["networkElements"] == []
    for field, value in (
        ("address", "http://127.0.0.1/x"),
        ("address", "http://2130706433/"),
        ("address", "http://[::ffff:10.0.0.1]/"),
        ("address", "file:///etc/passwd"),
        ("address", "gopher://9.9.9.9/"),
    ):
        wrong = (await gql(house, "operator", put, input={**rest, "version": 1, field: value}))["a"]
        assert (wrong["code"], wrong["field"]) == ("BAD_VALUE", field), value
    templates = [{"body": "{{nothing}}"}, {"headers": [{"name": "Host", "value": "x"}]}, {"method": "TRACE"}]
    for template in templates:
        wrong = (await gql(house, "operator", put, input={**rest, "version": 1, "templates": [template]}))["a"]
        assert wrong["code"] == "BAD_VALUE", template
        assert wrong["field"].startswith("templates.0"), wrong


@pytest.mark.parametrize("port", PORTS)
async def test_the_same_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    lines = {name: int(read_id(one.subscription)[1]) for name, one in month.owned.items()}

    def operator(service: Any) -> int:
        document = {"name": "cable", "kind": "manual", "instruction": "Pull it", "orders": ["bar"]}
        kept = service.PutNetworkElement(document=json.dumps(document))
        assert (kept.name, kept.version, json.loads(kept.document)["instruction"]) == ("cable", 1, "Pull it")
        assert [one.name for one in service.ListNetworkElements()] == ["cable"]
        new = {"subscription": lines["operator"], "kind": "bar", "bar": ["roaming"], "reason": "unpaid"}
        order = service.PlaceOrder(order=new, idempotencyKey="k1")
        assert service.PlaceOrder(order=new, idempotencyKey="k1").id == order.id
        assert (order.state, order.bar, order.version) == ("requested", ["roaming"], 1)
        assert code(service.PutNetworkElement, document="{") == "bad_value"
        assert code(service.GetOrder, id=ABSENT) == "not_found"
        return int(order.id)

    key = await _soap(live, "operator", port, operator)
    await Worker(live.wiring, jobs=1, handlers=HANDLERS).run(until_idle=True)

    def reseller(service: Any) -> None:
        assert code(service.GetOrder, id=key) == "not_found"
        assert code(service.CancelOrder, id=key, version=2) == "not_found"
        assert code(service.GetBarring, subscription=lines["operator"]) == "not_found"
        new = {"subscription": lines["operator"], "kind": "end"}
        assert code(service.PlaceOrder, order=new) == "not_found"
        assert service.ListOrders().count == 0
        assert service.ListOrders(subscription=lines["operator"]).count == 0
        for operation in (service.RetryOrder, service.AbandonOrder):
            assert code(operation, id=key, version=2, reason="x") == "not_allowed"
        assert code(service.CompleteOrderStep, id=key, version=2, done=True) == "not_allowed"
        assert code(service.ListNetworkElements) == "not_allowed"
        assert code(service.PutNetworkElement, document="{}") in {"not_allowed", "bad_value"}
        assert code(service.RemoveNetworkElement, name="cable", version=1) == "not_allowed"

    def done(service: Any) -> None:
        order = service.GetOrder(id=key)
        assert (order.state, order.waitingFor, order.step[0].state) == ("waiting", "person", "person")
        assert service.ListOrders(state="waiting", kind="bar").order[0].id == key
        assert code(service.RetryOrder, id=key, version=99) == "stale"
        assert service.CompleteOrderStep(id=key, version=order.version, done=True, note="at noon").id == key

    for stranger in ("reseller", "sibling"):
        await _soap(live, stranger, port, reseller)
    await _soap(live, "operator", port, done)
    await Worker(live.wiring, jobs=1, handlers=HANDLERS).run(until_idle=True)

    def barred(service: Any) -> None:
        (one,) = service.GetBarring(subscription=lines["operator"])
        assert (one.bar, one.reason, one.until, one.order) == ("roaming", "unpaid", None, key)
        assert service.RemoveNetworkElement(name="cable", version=1) == "cable"

    await _soap(live, "operator", port, barred)


async def test_an_order_is_followed_over_a_socket(live: House) -> None:
    month = await make_month(live)
    order = await placed(live, "reseller", month.owned["reseller"].subscription)
    text = f'subscription {{ orderProgress(order: "{order["id"]}") {{ state }} }}'
    async with talking(live, "sibling") as stranger:
        key = await stranger.subscribe(text)
        assert (await stranger.heard(key))["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    async with talking(live, "reseller") as own:
        key = await own.subscribe(text)
        first = await own.heard(key)
        assert first["payload"]["data"]["orderProgress"] == {"state": "REQUESTED"}
        await Worker(live.wiring, jobs=1, handlers=HANDLERS).run(until_idle=True)
        last = await own.heard(key)
        assert last["payload"]["data"]["orderProgress"] == {"state": "CONFIRMED"}
        assert (await own.heard(key))["type"] == "complete"


async def test_the_statements_do_not_grow_with_the_page(house: House) -> None:
    month = await make_month(house)
    for _ in range(4):
        await ordered(house, month)
    query = "{ orders(first: %d) { edges { node { id steps { element } log { event } subscription { id label } } } } }"
    sizes = []
    for first in (1, 12):
        with counted() as statements:
            page = await gql(house, "operator", query % first)
        assert len(page["orders"]["edges"]) == first
        assert all(edge["node"]["log"] for edge in page["orders"]["edges"])
        sizes.append(len(statements))
    assert sizes[0] == sizes[1]
