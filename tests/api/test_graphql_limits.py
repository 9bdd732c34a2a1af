"""What one GraphQL request may ask (G1 to G9), and what its scalars read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, parse

from api.graphql.limits import faults
from api.graphql.scalars import SCALARS, BigInt
from tests.api.conftest import House


async def _post(house: House, query: str, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await house.call("operator", "POST", "/graphql", json={"query": query, **more})
    return answer.status_code, answer.json()


def _deep(levels: int) -> str:
    return "{ customers { edges { node " + "{ parent " * levels + "{ name }" + " }" * levels + " } } }"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("{" + " ".join(f"a{i}: operator {{ name }}" for i in range(31)) + "}", "aliases", id="G1"),
        pytest.param(_deep(50), "levels deep", id="G3"),
        pytest.param("{ customers(first: 99999999) { edges { node { name } } } }", "cost", id="G4 one size"),
        pytest.param(
            "{ customers(first: 500) { edges { node { contracts { subscriptions { numbers { number } } } } } } }",
            "cost",
            id="G4 a product of sizes",
        ),
        pytest.param(
            "query($n: Int!) { customers(first: $n) { edges { node { contracts { services { quantity start } } } } } }",
            "cost",
            id="G4 a size in a variable",
        ),
        pytest.param(
            "{ ...a } fragment a on Query { " + " ".join(f"x{i}: operator {{ name }}" for i in range(40)) + " }",
            "aliases",
            id="G5 aliases in a fragment",
        ),
        pytest.param(
            "{ ...f0 } "
            + " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(40))
            + " fragment f40 on Query { operator { name } }",
            "cost",
            id="G5 fragments doubled forty times",
        ),
        pytest.param("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "itself", id="G5 a cycle"),
        pytest.param("{ operator { " + "name " * 10_000 + "} }", "2000 tokens", id="G5 repeated fields"),
        pytest.param("{ operator " + "@include(if: true) " * 600 + "{ name } }", "tokens", id="G5 directives"),
    ],
)
async def test_a_query_that_asks_too_much_is_not_begun(house: House, query: str, words: str) -> None:
    await house.token("operator")
    status, body = await _post(house, query, **({"variables": {"n": 500}} if "$n" in query else {}))
    assert status == 400
    assert body["data"] is None
    assert any(words in error["message"] for error in body["errors"]), body["errors"]


async def test_a_size_in_a_variable_counts_as_what_it_is(house: House) -> None:
    query = "query($n: Int%s) { customers(first: $n) { edges { node { contracts { services { quantity } } } } } }"
    for default, variables, allowed in (
        ("", {"n": 3}, True),
        ("", {}, True),
        ("", {"n": None}, True),
        (" = 3", {}, True),
        (" = 500", {}, False),
        (" = 500", {"n": 3}, True),
        ("", {"n": 500}, False),
        ("", {"n": 10**30}, False),
    ):
        status, _ = await _post(house, query % default, variables=variables)
        assert (status == 200) is allowed, (default, variables)


def test_measuring_visits_a_fragment_once_however_often_it_is_spread() -> None:
    """2 to the power of 60 visits would never end."""
    text = "{ ...f0 } " + " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(60))
    document = parse(text + " fragment f60 on Query { operator { name } }")
    assert faults(document)


async def test_of_several_operations_one_is_named(house: House) -> None:
    both = "query one { operator { name } } query two { operator { currency } }"
    for more in ({}, {"operationName": None}):
        status, body = await _post(house, both, **more)
        assert (status, body["errors"][0]["extensions"]["code"]) == (400, "MALFORMED"), body
        assert body["data"] is None
    assert (await _post(house, both, operationName="two"))[1] == {"data": {"operator": {"currency": "SEK"}}}
    assert (await _post(house, both, operationName="three"))[0] == 400
    assert (await _post(house, "query one { operator { currency } }"))[0] == 200


async def test_g2_a_batch_is_not_answered(house: House) -> None:
    answer = await house.call("operator", "POST", "/graphql", json=[{"query": "{ operator { name } }"}] * 500)
    assert answer.status_code == 400


async def test_g5_a_document_of_two_megabytes_is_too_large(house: House) -> None:
    status, _ = await _post(house, "{ operator { name } } #" + "x" * 2_000_001)
    assert status == 413


async def test_g6_nobody_anonymous_looks_at_the_schema(house: House) -> None:
    asked = {"query": "{ __schema { types { name } } }"}
    assert (await house.http.post("/graphql", json=asked)).status_code == 401
    assert (await house.call("operator", "POST", "/graphql", json=asked)).status_code == 200
    _, body = await _post(house, "{ operatr { name } }")
    assert "Did you mean" not in str(body)


async def test_g8_only_json_is_read_and_only_by_post(house: House) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await house.call(
            "operator", "POST", "/graphql", content='{"query": "{ operator { name } }"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 415, kind
    assert (await house.call("operator", "GET", "/graphql", params={"query": "{operator{name}}"})).status_code == 405


async def test_g9_an_error_tells_nothing_but_its_id(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("select * from /etc/secret")

    monkeypatch.setattr("persistence.access.OperatorStore.own", broken)
    status, body = await _post(house, "{ operator { name } }")
    assert status == 200
    error = body["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in str(body)
    assert "select" not in str(body)
    assert error["extensions"]["id"] in caplog.text
    assert "select * from /etc/secret" in caplog.text


@pytest.mark.parametrize(
    "body",
    [{}, {"query": 1}, {"query": "{a}", "variables": []}, {"query": "{a}", "nonsense": 1}, "text", 1],
)
async def test_a_body_that_is_no_request(house: House, body: Any) -> None:
    answer = await house.call("operator", "POST", "/graphql", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


@pytest.mark.parametrize(
    "value", ["0.1234567890123456789012345", "1e400", "NaN", "INF", "-", "٣", "1,5", " 1", 0.5, 1, True]
)
def test_x8_a_decimal_is_a_plain_text(value: object) -> None:
    with pytest.raises(GraphQLError):
        SCALARS[Decimal].parse_value(value)  # type: ignore[misc]  # every scalar of ours has one


def test_a_decimal_is_exact_both_ways() -> None:
    scalar = SCALARS[Decimal]
    assert scalar.parse_value
    assert scalar.serialize
    assert scalar.parse_value("0.123456789012345678") == Decimal("0.123456789012345678")
    assert scalar.serialize(Decimal("0E-8")) == "0.00000000"
    assert scalar.serialize(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize("value", ["9223372036854775808", "1.0", "", "x", 1.5, True, "٣"])
def test_a_big_integer_has_64_bits(value: object) -> None:
    with pytest.raises(GraphQLError):
        SCALARS[BigInt].parse_value(value)  # type: ignore[misc]  # every scalar of ours has one


async def test_literals_are_read_as_they_stand(house: House) -> None:
    query = (
        'mutation { createService(input: {code: "S", name: "S", periodicFee: 12.30}) '
        "{ ... on Service { periodicFee } } }"
    )
    _, body = await _post(house, query)
    assert body["data"]["createService"]["periodicFee"] == "12.3"
    for wrong in ("1e3", "NaN", "0.1234567890123456789"):
        text = f'mutation {{ createService(input: {{code: "T", name: "T", periodicFee: "{wrong}"}}) {{ __typename }} }}'
        status, body = await _post(house, text)
        assert status == 400, wrong
    for wrong in ("2026-03-01T00:00:00", "2026-02-30T00:00:00Z", "yesterday"):
        text = f'{{ usage(filter: {{since: "{wrong}", until: "2026-04-01T00:00:00Z"}}) {{ edges {{ cursor }} }} }}'
        status, body = await _post(house, text)
        assert status == 400, wrong
