"""Events and webhooks over GraphQL, SOAP and a socket, and what each of four callers may do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from api.graphql.ids import global_id, read_id
from domain.webhooks.event import VERBS
from tests.api.conftest import House
from tests.api.month import make_month
from tests.api.talking import talking
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

ADDRESS = '{street: "Storgatan 1", postcode: "111 22", city: "Lund", country: "SE"}'
OUTCOME = "{ __typename ... on Refusal { code field } }"
ABSENT = 999_999_999


async def customer(house: House, client: str, name: str = "Ada") -> str:
    made = await gql(
        house,
        client,
        f'mutation {{ a: createCustomer(input: {{name: "{name}", kind: PERSON, address: {ADDRESS}}}) '
        "{ ... on Customer { id } } }",
    )
    return str(made["a"]["id"])


async def webhook(house: House, client: str, **more: str) -> dict[str, Any]:
    fields = {"url": '"https://erp.example/hook"', "kinds": '["customer.*"]'} | more
    asked = ", ".join(f"{name}: {value}" for name, value in fields.items())
    made = await gql(
        house,
        client,
        f"mutation {{ a: createWebhook(input: {{{asked}}}) "
        "{ __typename ... on WebhookTold { secret webhook { id version url kinds reseller { code } } } "
        "... on Refusal { code field } } }",
    )
    found: dict[str, Any] = made["a"]
    return found


def test_every_audit_line_has_a_known_verb() -> None:
    """A change whose verb is not known would be an event by a word that nobody chose."""
    lines = re.compile(r"audit\.write\(\s*\"([a-z]+)(?:_[a-z_]+)?\"")
    found = {
        verb
        for folder in ("domain", "persistence", "api")
        for path in (Path(__file__).parents[2] / folder).rglob("*.py")
        for verb in lines.findall(path.read_text(encoding="utf-8"))
    }
    assert {"create", "change"} <= found
    assert found <= VERBS.keys()


async def test_a_webhook_over_graphql(house: House) -> None:
    made = await webhook(house, "operator")
    assert made["secret"].startswith("whsec_")
    assert made["webhook"]["kinds"] == ["customer.*"]
    key = made["webhook"]["id"]
    who = await customer(house, "operator")
    page = await gql(
        house, "operator", '{ events(kinds: ["customer.*"]) { edges { node { id kind subject change } } } }'
    )
    (edge,) = page["events"]["edges"]
    assert (edge["node"]["kind"], edge["node"]["subject"].partition(":")[0]) == ("customer.created", "customer")
    assert who
    asked = "active deliveries(state: WAITING) { edges { node { event kind attempts } } }"
    again = await gql(house, "operator", f'{{ webhook(id: "{key}") {{ {asked} }} }}')
    (delivery,) = again["webhook"]["deliveries"]["edges"]
    assert delivery["node"] == {"event": edge["node"]["id"], "kind": "customer.created", "attempts": 0}
    for text, answer in (
        (f'changeWebhook(input: {{webhook: "{key}", version: 1, active: false}}) {OUTCOME}', "WebhookTold"),
        (f'changeWebhook(input: {{webhook: "{key}", version: 1, note: "x"}}) {OUTCOME}', "Stale"),
        (f'testWebhook(webhook: "{key}") {OUTCOME}', "WrongState"),
        (f'changeWebhook(input: {{webhook: "{key}", version: 2, active: true}}) {OUTCOME}', "WebhookTold"),
        (f'testWebhook(webhook: "{key}") {OUTCOME}', "Webhook"),
        (f'rotateWebhookSecret(webhook: "{key}") {OUTCOME}', "WebhookTold"),
        (
            f'replayDeliveries(input: {{webhook: "{key}", since: "2020-01-01T00:00:00Z"}}) {OUTCOME}',
            "DeliveriesReplayed",
        ),
        (f'removeWebhook(webhook: "{key}", version: 4) {OUTCOME}', "WebhookRemoved"),
    ):
        assert (await gql(house, "operator", f"mutation {{ a: {text} }}"))["a"]["__typename"] == answer, text
    assert (await gql(house, "operator", "{ webhooks { id } }"))["webhooks"] == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "http://[::1]/x", "http://169.254.169.254/x", "http://2130706433/x", "file:///x"]
)
async def test_h1_an_address_within_is_refused(house: House, url: str) -> None:
    assert await webhook(house, "operator", url=f'"{url}"') == {
        "__typename": "BadValue",
        "code": "BAD_VALUE",
        "field": "url",
    }


async def test_four_callers(house: House) -> None:
    mine = (await webhook(house, "reseller"))["webhook"]
    assert mine["reseller"] == {"code": "east"}
    assert (await webhook(house, "reseller", reseller=f'"{global_id("Reseller", 3)}"'))["webhook"]["reseller"] == {
        "code": "below"
    }
    for client, reseller in (("reseller", 2), ("sibling", 1), ("other", 1), ("operator", ABSENT)):
        made = await webhook(house, client, reseller=f'"{global_id("Reseller", reseller)}"')
        assert made == {"__typename": "NotFound", "code": "NOT_FOUND", "field": "reseller"}, client
    event = await _event_of(house, "reseller")
    for client in ("sibling", "other"):
        for key in (mine["id"], global_id("Webhook", ABSENT)):
            for text in (
                f'changeWebhook(input: {{webhook: "{key}", version: 1, note: "x"}})',
                f'rotateWebhookSecret(webhook: "{key}")',
                f'testWebhook(webhook: "{key}")',
                f'replayDeliveries(input: {{webhook: "{key}"}})',
                f'removeWebhook(webhook: "{key}", version: 1)',
            ):
                found = (await gql(house, client, f"mutation {{ a: {text} {OUTCOME} }}"))["a"]
                assert found == {"__typename": "NotFound", "code": "NOT_FOUND", "field": "webhook"}, (client, text)
            for kind, one in (("webhook", key), ("node", key), ("node", event)):
                answer = await house.call(
                    client, "POST", "/graphql", json={"query": f'{{ {kind}(id: "{one}") {{ id }} }}'}
                )
                assert answer.json()["data"] in (None, {kind: None}), (client, kind)
        own = (await webhook(house, client))["webhook"]["id"]
        text = f'replayDeliveries(input: {{webhook: "{own}", event: "{event}"}}) {OUTCOME}'
        found = (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]
        assert found == {"__typename": "NotFound", "code": "NOT_FOUND", "field": "event"}, client
        listed = await gql(house, client, "{ webhooks { id } events { edges { node { id } } } }")
        assert [one["id"] for one in listed["webhooks"]] == [own]
        assert event not in [edge["node"]["id"] for edge in listed["events"]["edges"]]
    answer = await house.http.post("/graphql", json={"query": "{ webhooks { id } }"})
    assert answer.status_code == 401


async def _event_of(house: House, client: str) -> str:
    await customer(house, client)
    page = await gql(house, client, '{ events(kinds: ["customer.*"]) { edges { node { id } } } }')
    return str(page["events"]["edges"][-1]["node"]["id"])


async def test_events_are_told_as_they_are_committed_to_whom_they_belong(live: House) -> None:
    ask = 'subscription { events(kinds: ["customer.*"]) { kind subject } }'
    async with talking(live, "operator") as boss, talking(live, "sibling") as sibling:
        all_of_it, own = await boss.subscribe(ask), await sibling.subscribe(ask)
        await live.call("operator", "POST", "/graphql", json={"query": "{ operator { code } }"})
        for client in ("reseller", "sibling"):
            await customer(live, client)
        first, second = await boss.data(all_of_it), await boss.data(all_of_it)
        assert (await sibling.data(own))["events"] == second["events"]
        assert first["events"]["kind"] == second["events"]["kind"] == "customer.created"
        assert first != second


@pytest.mark.parametrize("port", PORTS)
async def test_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    assert month

    def operator(service: Any) -> None:
        page = service.ListEvents(first=2, kind=["customer.*"])
        assert (page.count, page.more) == (2, True)
        rest = service.ListEvents(kind=["customer.*"], after=page.last)
        assert rest.count >= 1
        assert rest.event[0].id > page.event[-1].id
        end = service.ListEvents(kind=["customer.*"], after=rest.last)
        assert (end.count, end.last) == (0, rest.last)
        assert code(service.ListEvents, after="x") == "bad_value"
        assert code(service.ListEvents, kind=["nonsense"]) == "bad_value"
        made = service.CreateWebhook(webhook={"url": "https://erp.example/x", "kind": ["invoice.*"]})
        assert made.secret.startswith("whsec_")
        changed = service.ChangeWebhook(change={"webhook": made.id, "version": 1, "note": "ERP"})
        assert (changed.note, changed.kind, changed.secret, changed.version) == ("ERP", ["invoice.*"], None, 2)
        assert code(service.ChangeWebhook, change={"webhook": made.id, "version": 1, "note": "x"}) == "stale"
        assert service.TestWebhook(webhook=made.id).id == made.id
        assert service.ReplayDeliveries(webhook=made.id) == 0
        assert service.RotateWebhookSecret(webhook=made.id).secret != made.secret
        assert [one.id for one in service.ListWebhooks()] == [made.id]
        assert code(service.RemoveWebhook, webhook=made.id, version=1) == "stale"
        assert service.RemoveWebhook(webhook=made.id, version=3) == "https://erp.example/x"

    await _soap(live, "operator", port, operator)
    made = await webhook(live, "reseller")
    key = int(read_id(made["webhook"]["id"])[1])

    def stranger(service: Any) -> None:
        for one in (key, ABSENT):
            assert code(service.TestWebhook, webhook=one) == "not_found"
            assert code(service.ReplayDeliveries, webhook=one) == "not_found"
            assert code(service.RotateWebhookSecret, webhook=one) == "not_found"
            assert code(service.RemoveWebhook, webhook=one, version=1) == "not_found"
            assert code(service.ChangeWebhook, change={"webhook": one, "version": 1, "note": "x"}) == "not_found"
        assert not service.ListWebhooks()

    for client in ("sibling", "other"):
        await _soap(live, client, port, stranger)
