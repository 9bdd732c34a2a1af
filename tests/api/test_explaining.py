"""Why an event costs what it costs, over GraphQL, REST and SOAP: in whose language, and to whom."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

NB = "\u00a0"
CALLED = "46701740605"


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


def plain(global_id: str) -> str:
    return base64.urlsafe_b64decode(global_id + "==").decode().partition(":")[2]


async def explained(house: House, client: str, path: str, **options: Any) -> dict[str, Any]:
    answer = await house.call(client, "GET", f"/rest/v1/explanations/{path}", **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_stored_event_is_told_in_the_callers_language(house: House, month: Month) -> None:
    event = month.owned["operator"].events[0]
    for headers, code, begins in (
        ({}, "sv", "Händelse"),
        ({"Accept-Language": "fr, de-CH;q=0.9, en;q=0.1"}, "de", "Ereignis"),
    ):
        told = await explained(house, "operator", plain(event), headers=headers)
        assert (told["language"], told["text"].startswith(begins)) == (code, True)
    told = await explained(house, "operator", f"{plain(event)}?language=da")
    assert f"0,6{NB}SEK" in told["text"]
    retail = told["explanation"]["levels"][0]
    assert (retail["level"], retail["amount"], retail["charge"]) == ("retail", "0.600000", "0.600000000")
    assert retail["rate"]["recorded_at"] is not None
    assert told["explanation"]["prefix"] == "467"
    assert told["explanation"]["margins"][0]["amount"] == "0.500000"
    query = (
        'query($id: ID!) { explanation(event: $id, language: "fi") { language text prefix'
        " margins { amount currency above { level } below { level } } levels { rings { ring } buckets { bucket }"
        " rounding { decimals mode } considered { verdict why rate { recordedAt validFrom } } } } }"
    )
    found = (await gql(house, "operator", query, id=event))["explanation"]
    assert (found["language"], found["prefix"]) == ("fi", "467")
    assert found["text"].startswith("Tapahtuma")
    assert found["margins"][0]["amount"] == "0.500000"
    for bad in ("fr", "", "x" * 500):
        answer = await house.call("operator", "GET", f"/rest/v1/explanations/{plain(event)}?language={bad}")
        assert (answer.status_code, answer.json()["field"]) == (422, "language")


async def test_a_held_event_says_why_it_is_not_rated_and_what_to_do(house: House, month: Month) -> None:
    held = (await gql(house, "operator", "{ suspense { edges { node { id reason } } } }"))["suspense"]["edges"]
    assert [one["node"]["reason"] for one in held] == ["no_party"]
    key = held[0]["node"]["id"]
    for path in (plain(key), "asterisk/1772442000.99/-/2026-03-02T09:00:05Z/0"):
        answer = await house.call("operator", "GET", f"/rest/v1/explanations/{path}?language=en")
        if answer.status_code == 404:
            assert "/" in path  # the leg of this source is written in another way
            continue
        told = answer.json()
        assert told["explanation"]["status"] == "no_party"
        assert "what to do: give the number to a subscription" in told["text"]
    query = "query($id: ID!) { explanation(event: $id) { status text event { id } levels { level } } }"
    found = (await gql(house, "operator", query, id=key))["explanation"]
    assert (found["status"], found["event"], found["levels"]) == ("no_party", None, [])
    assert "att göra" in found["text"]
    for client in ("reseller", "sibling", "other"):
        answer = await house.call(client, "GET", f"/rest/v1/explanations/{plain(key)}")
        assert answer.status_code in {403, 404}, client
        assert "46899999999" not in answer.text


async def test_anothers_event_is_explained_as_nobodys(house: House, month: Month) -> None:
    for owner in ("operator", "other"):
        event = plain(month.owned[owner].events[0])
        for client in {"operator", "other", "reseller", "sibling"} - {owner}:
            answer = await house.call(client, "GET", f"/rest/v1/explanations/{event}")
            assert answer.status_code == 404, (owner, client)
    answer = await house.http.get(f"/rest/v1/explanations/{plain(month.owned['operator'].events[0])}")
    assert answer.status_code == 401


async def test_a_call_is_priced_and_explained_on_the_levels_the_caller_may_see(house: House, month: Month) -> None:
    for client, levels in (("operator", ["retail", "cost"]), ("reseller", ["retail"])):
        body = {"calling": month.owned[client].number, "number": CALLED, "used": 90, "trunk": "T1"}
        quote = (await house.call(client, "POST", "/rest/v1/price-call", json=body)).json()
        assert quote["retail"] == {"amount": "0.900000", "currency": "SEK", "price_list": "Retail"}
        assert (quote["destination"], quote["cost"] is not None) == ("SE mobile", client == "operator")
        told = (await house.call(client, "POST", "/rest/v1/explain-call?language=en", json=body)).json()
        assert [one["level"] for one in told["explanation"]["levels"]] == levels
        assert told["explanation"]["levels"][0]["amount"] == "0.900000"
        assert ("Cost" in told["text"]) is (client == "operator")
        key = {"subscription": int(plain(month.owned[client].subscription)), "number": CALLED}
        least = (await house.call(client, "POST", "/rest/v1/price-call", json=key)).json()
        assert least["retail"]["amount"] == "0.600000", "60 seconds now, where nothing is said"
    query = (
        'query($s: ID!) { explainCall(input: {subscription: $s, number: "46701740605"}, language: "en")'
        " { status text levels { level amount } } }"
    )
    found = (await gql(house, "operator", query, s=month.owned["operator"].subscription))["explainCall"]
    assert found["levels"][0] == {"level": "retail", "amount": "0.600000"}


BAD: list[tuple[Any, int, str | None]] = [
    ({"number": CALLED}, 422, "subscription"),
    ({"number": CALLED, "subscription": 1, "calling": "1"}, 422, "subscription"),
    ({"subscription": 1}, 422, "number"),
    ({"subscription": "1", "number": CALLED}, 422, "subscription"),
    ({"subscription": True, "number": CALLED}, 422, "subscription"),
    ({"subscription": 10**30, "number": CALLED}, 404, "subscription"),
    ({"subscription": -1, "number": CALLED}, 404, "subscription"),
    ({"calling": "46850000001", "number": CALLED, "used": -1}, 422, "used"),
    ({"calling": "46850000001", "number": CALLED, "used": 1.5}, 422, "used"),
    ({"calling": "46850000001", "number": 7}, 422, "number"),
    ({"calling": "46850000001", "number": CALLED, "at": "2026-03-02"}, 422, "at"),
    ({"calling": "46850000001", "number": CALLED, "at": 5}, 422, "at"),
    ({"calling": "46850000001", "number": CALLED, "as_of": "x"}, 422, "as_of"),
    ({"calling": "46850000001", "number": CALLED, "usde": 1}, 422, "call"),
    ({"calling": "46899999999", "number": CALLED}, 404, None),
    ([], 400, None),
]


async def test_a_call_that_is_none_is_refused_where_it_is_wrong(house: House, month: Month) -> None:
    for body, status, field in BAD:
        for path in ("price-call", "explain-call"):
            answer = await house.call("operator", "POST", f"/rest/v1/{path}", json=body)
            assert answer.status_code == status, (body, answer.text)
            if field is not None:
                assert answer.json()["field"] == field, body


async def test_what_was_believed_on_a_day_is_what_is_told(house: House, month: Month) -> None:
    before = house.clock.at
    house.clock.at = before.replace(day=2)
    house.tokens.clear()  # those of the day before have expired
    change = (
        "mutation($input: ChangePricesInput!) { changePrices(input: $input) { __typename ... on Refusal { message } } }"
    )
    rates = [{"to": "*", "mode": "voice", "steps": [{"price": "6.00", "per": "60"}]}]
    asked = {"priceList": "Retail", "rates": rates, "validFrom": "2026-01-01T00:00:00Z"}
    assert (await gql(house, "operator", change, input=asked))["changePrices"]["__typename"] == "PricesChanged"
    event, number = plain(month.owned["operator"].events[0]), month.owned["operator"].number

    async def retail(path: str) -> str:
        found: str = (await explained(house, "operator", path))["explanation"]["levels"][0]["amount"]
        return found

    assert await retail(event) == "0.600000", "as it was rated"
    assert await retail(f"{event}?as_of=2026-04-01T12:00:00Z") == "0.600000"
    assert await retail(f"{event}?as_of=2026-04-03T00:00:00Z") == "6.000000"
    for as_of, price in (("2026-04-01T12:00:00Z", "0.600000"), (None, "6.000000")):
        body = {"calling": number, "number": CALLED, "as_of": as_of}
        for path in ("price-call", "explain-call"):
            told = (await house.call("operator", "POST", f"/rest/v1/{path}", json=body)).json()
            found = told["retail"] if path == "price-call" else told["explanation"]["levels"][0]
            assert found["amount"] == price
        given = {"mode": "voice", "a": number, "b": CALLED, "start": "2026-03-02T09:00:00Z", "used": 60, "id": "e"}
        more = {} if as_of is None else {"as_of": as_of}
        answer = await house.call("operator", "POST", "/rest/v1/rate", json={"events": [given], **more})
        assert json.loads(answer.text)["retail"]["amount"] == price
    # Before anything was known there was no list either.
    body = {"calling": number, "number": CALLED, "as_of": "2020-01-01T00:00:00Z"}
    early = (await house.call("operator", "POST", "/rest/v1/price-call", json=body)).json()
    assert (early["retail"], early["unrated"]) == (None, "no_destination")
    told = await house.call("operator", "POST", "/rest/v1/explain-call", json=body)
    assert told.json()["explanation"]["status"] == "no_destination"
    answer = await house.call("operator", "GET", f"/rest/v1/explanations/{event}?as_of=2020-01-01T00:00:00Z")
    assert answer.json()["explanation"]["status"] == "no_destination"
    wrong = await house.call("operator", "POST", "/rest/v1/rate", json={"events": [], "as_of": "yesterday"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "as_of")


@pytest.mark.parametrize("port", PORTS)
async def test_soap_explains_too(live: House, port: str) -> None:
    month = await make_month(live)
    owned, foreign = month.owned["operator"], plain(month.owned["other"].events[0])

    def call(service: Any) -> None:
        told = service.ExplainEvent(event=plain(owned.events[0]), language="nb")
        assert (told.status, told.prefix, told.language) == ("rated", "467", "nb")
        assert told.text.startswith("Hendelse")
        assert str(told.level[0].amount) == "0.600000"
        assert json.loads(told.data)["levels"][0]["amount"] == "0.600000"
        assert service.ExplainEvent(event=plain(owned.events[0])).language == "sv"
        asked = service.ExplainCall(callingNumber=owned.number, calledNumber=CALLED, used=90, language="en")
        assert str(asked.level[0].amount) == "0.900000"
        with pytest.raises(Fault):
            service.ExplainEvent(event=foreign)

    await _soap(live, "operator", port, call)
