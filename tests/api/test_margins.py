"""Margins over GraphQL: asked for, and told over a socket as files are rated, to each of four callers."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from api.graphql.ids import global_id
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.month import PERIOD, Month, call, make_month
from tests.api.talking import talking
from tests.api.test_graphql_parties import gql
from tests.api.test_sockets import imported

ROW = "by key events compared unconverted earned { value currency } paid { value } margin { value }"
MARGINS = (
    f"subscription($by: MarginBy! = DESTINATION) {{ margins(by: $by) {{ chunk committedAt rows {{ {ROW} }}"
    " total { events margin { value } } window { since rows { key events } total { events margin { value } } } } }"
)


async def month_with_wholesale(house: House) -> Month:
    """Make the month with a wholesale price for the first reseller alone, at a clock that goes with the database's."""
    house.clock.at = datetime.now(UTC)
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update reseller set price_list = 'Wholesale' where operator = 1 and id = 1")
    return await make_month(house)


async def refused(house: House, client: str, query: str) -> str:
    answer = await house.call(client, "POST", "/graphql", json={"query": query})
    (error,) = answer.json()["errors"]
    return str(error["extensions"]["code"])


async def test_margins_are_asked_for(live: House) -> None:
    month = await month_with_wholesale(live)
    owned = month.owned
    query = f"{{ margins({PERIOD}, by: CUSTOMER) {{ edges {{ node {{ {ROW} customer {{ id }} }} }} }} }}"
    rows = [edge["node"] for edge in (await gql(live, "operator", query))["margins"]["edges"]]
    assert {row["customer"]["id"] for row in rows} == {
        owned[name].customer["id"] for name in ("operator", "reseller", "sibling")
    }
    own = next(row for row in rows if row["customer"]["id"] == owned["operator"].customer["id"])
    assert (own["earned"], own["paid"]["value"], own["margin"]["value"]) == (
        {"value": "0.600000", "currency": "SEK"},
        "0.100000",
        "0.500000",
    )
    (row,) = (await gql(live, "reseller", query))["margins"]["edges"]
    assert row["node"]["customer"]["id"] == owned["reseller"].customer["id"]
    assert (row["node"]["earned"]["value"], row["node"]["margin"]["value"]) == ("0.600000", "0.200000")
    total = (await gql(live, "operator", f"{{ marginTotal({PERIOD}) {{ events margin {{ value }} }} }}"))["marginTotal"]
    assert Decimal(total["margin"]["value"]) == sum(Decimal(row["margin"]["value"]) for row in rows)
    calls = (
        f"{{ callMargins({PERIOD}) {{ edges {{ node {{ event {{ id cost {{ rate }} }} margin {{ value }} }} }} }} }}"
    )
    assert len((await gql(live, "operator", calls))["callMargins"]["edges"]) == 3
    (node,) = (await gql(live, "reseller", calls))["callMargins"]["edges"]
    assert node["node"]["event"]["cost"] is None
    assert node["node"]["margin"]["value"] == "0.200000"
    buyers = f"{{ margins({PERIOD}, by: RESELLER) {{ edges {{ node {{ key reseller {{ code }} events }} }} }} }}"
    found = [edge["node"]["reseller"] for edge in (await gql(live, "operator", buyers))["margins"]["edges"]]
    assert found == [None, {"code": "east"}, {"code": "west"}]


async def test_pages_and_cursors(live: House) -> None:
    await month_with_wholesale(live)
    seen: list[str] = []
    after = "null"
    while True:
        text = f"{{ margins({PERIOD}, by: CUSTOMER, order: MARGIN, first: 1, after: {after}) "
        text += "{ edges { node { key } } pageInfo { hasNextPage endCursor } } }"
        page = (await gql(live, "operator", text))["margins"]
        seen += [edge["node"]["key"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert len(seen) == len(set(seen)) == 3
    wrong = [
        after.replace('"', "")[:-2],
        "x",
        global_id("Customer", 1),
        base64.urlsafe_b64encode(b'["customer","key","0","1"]').decode().rstrip("="),
        base64.urlsafe_b64encode(b'["customer","margin","1e3","1"]').decode().rstrip("="),
        base64.urlsafe_b64encode(b'["customer","margin",7,"1"]').decode().rstrip("="),
    ]
    for cursor in wrong:
        text = f'{{ margins({PERIOD}, by: CUSTOMER, order: MARGIN, after: "{cursor}") {{ edges {{ cursor }} }} }}'
        assert await refused(live, "operator", text) == "BAD_VALUE", cursor


async def test_anothers_customer_is_nobodys(live: House) -> None:
    month = await month_with_wholesale(live)
    for caller, owner in (
        ("reseller", "operator"),
        ("reseller", "sibling"),
        ("operator", "other"),
        ("other", "reseller"),
    ):
        for field in (
            "marginTotal(%s) { events }",
            "margins(%s) { edges { cursor } }",
            "callMargins(%s) { edges { cursor } }",
        ):
            for customer in (month.owned[owner].customer["id"], global_id("Customer", 999_999)):
                chosen = f'{PERIOD[:-1]}, customer: "{customer}"}}'
                assert await refused(live, caller, "{ " + field % chosen + " }") == "NOT_FOUND"
    assert (await gql(live, "other", f"{{ marginTotal({PERIOD}) {{ events }} }}"))["marginTotal"]["events"] == "1"


async def test_rates_and_rules_over_graphql(live: House) -> None:
    content = base64.b64encode(b"Date,USD,SEK,\n2026-03-02,1.0842,11.2345,\n").decode()
    text = "mutation($c: String!) { a: importExchangeRates(input: {content: $c}) "
    text += "{ __typename ... on ExchangeRatesImported { first last new same } ... on Refusal { code } } }"
    done = (await gql(live, "operator", text, c=content))["a"]
    assert done == {
        "__typename": "ExchangeRatesImported",
        "first": "2026-03-02",
        "last": "2026-03-02",
        "new": 2,
        "same": 0,
    }
    assert (await gql(live, "operator", text, c=content))["a"]["same"] == 2
    assert (await gql(live, "operator", text, c="bm90aGluZw=="))["a"]["code"] == "UNREADABLE"
    assert (await gql(live, "reseller", text, c=content))["a"]["code"] == "NOT_ALLOWED"
    listed = "{ exchangeRates(first: 1%s) { edges { node { day base quote rate source } } pageInfo { endCursor } } }"
    page = (await gql(live, "operator", listed % ""))["exchangeRates"]
    assert page["edges"][0]["node"]["quote"] == "SEK"
    page = (await gql(live, "operator", listed % f', after: "{page["pageInfo"]["endCursor"]}"'))["exchangeRates"]
    assert page["edges"][0]["node"] == {
        "day": "2026-03-02", "base": "EUR", "quote": "USD", "rate": "1.0842", "source": "ECB",
    }  # fmt: skip
    assert (await gql(live, "other", listed % ""))["exchangeRates"]["edges"] == []
    rules = 'mutation { a: setMarginRules(input: {lossMin: "12.5", rateMaxAgeDays: 3}) '
    rules += "{ __typename ... on MarginRules { lossMin } ... on Refusal { code } } }"
    assert (await gql(live, "reseller", rules))["a"]["code"] == "NOT_ALLOWED"
    assert (await gql(live, "operator", rules))["a"]["lossMin"] == "12.5"
    assert (await gql(live, "operator", "{ marginRules { lossMin rateMaxAgeDays } }"))["marginRules"] == {
        "lossMin": "12.5",
        "rateMaxAgeDays": 3,
    }
    assert (await gql(live, "other", "{ marginRules { lossMin } }"))["marginRules"]["lossMin"] == "0"
    assert await refused(live, "reseller", "{ marginRules { lossMin } }") == "NOT_ALLOWED"


async def test_margins_are_told_to_each_as_he_may_see_them(live: House) -> None:
    await month_with_wholesale(live)
    numbers = {"operator": "46850000001", "reseller": "46850000002", "sibling": "46850000003"}
    async with (
        talking(live, "operator") as own,
        talking(live, "reseller") as reseller,
        talking(live, "sibling") as sibling,
        talking(live, "other") as other,
        talking(live, "operator", "usage:read") as weak,
    ):
        message = await weak.heard(await weak.subscribe(MARGINS))
        assert message["payload"]["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
        keys = {talk: await talk.subscribe(MARGINS, by="CUSTOMER") for talk in (own, reseller, sibling, other)}
        destinations = await own.subscribe(MARGINS)
        await asyncio.sleep(0.5)
        content = "".join(
            call(numbers[one], "46701740605", f"1772528400.{n}") for n, one in enumerate(("operator", "reseller"))
        )
        await imported(live, content.replace("2026-03-02", "2026-03-03"))

        async def told(talk: Any) -> dict[str, Any]:
            return dict((await talk.data(keys[talk]))["margins"])

        mine = await told(own)
        assert [row["margin"]["value"] for row in mine["rows"]] == ["0.300000", "0.500000"]
        assert mine["total"] == {"events": "2", "margin": {"value": "0.800000"}}
        assert mine["window"]["total"] == mine["total"]
        (row,) = (await told(reseller))["rows"]
        assert (row["earned"]["value"], row["paid"]["value"], row["margin"]["value"]) == (
            "0.600000",
            "0.400000",
            "0.200000",
        )
        (row,) = (await own.data(destinations))["margins"]["rows"]
        assert (row["key"], row["events"]) == ("SE mobile", "2")
        # What is not his he is not told of, not even that there was something.
        assert await sibling.silent(0.5)
        assert await other.silent(0.5)
        await imported(
            live, call(numbers["operator"], "46701740605", "1772614800.1").replace("2026-03-02", "2026-03-04")
        )
        mine = await told(own)
        assert mine["total"]["events"] == "1"
        assert mine["window"]["total"] == {"events": "3", "margin": {"value": "1.300000"}}


async def test_chunks_of_a_gap_are_told_afterwards(live: House) -> None:
    await month_with_wholesale(live)
    live.clock.at = datetime.now(UTC)
    async with talking(live, "operator") as talk:
        key = await talk.subscribe("subscription { margins { chunk total { events } window { total { events } } } }")
        await asyncio.sleep(0.5)
        async with live.database.transaction(role=OWNER) as unit:
            await unit.connection.fetchval(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tollwright news'"
            )
        await imported(live, call("46850000001", "46701740605", "1772614800.1").replace("2026-03-02", "2026-03-04"))
        told = (await talk.data(key))["margins"]
        assert (told["total"]["events"], told["window"]["total"]["events"]) == ("1", "1")
