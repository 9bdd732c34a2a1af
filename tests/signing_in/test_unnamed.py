"""What may be asked without a token: one mutation of signing in, alone."""

from __future__ import annotations

import pytest

from api.graphql.unnamed import SIGNING_IN
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.signing_in.people import REDIRECT, make_portal, person

LOGIN = (
    'login(input: {email: "anna@north.example", password: "wrong wrong wrong", clientId: "%s", redirectUri: "%s",'
    ' codeChallenge: "%s"}) { __typename }'
)


async def attempts(house: House) -> int:
    async with house.database.transaction(role=OWNER) as unit:
        return int(await unit.connection.fetchval("select coalesce(sum(attempts), 0) from user_attempt"))


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name } } }",
        "{ __typename }",
        "{ customers { edges { node { id } } } }",
        'mutation { createClient(input: {name: "x", scopes: []}) { __typename } }',
        "mutation { __typename }",
        'mutation { requestReset(input: {email: "a@b.se", clientId: "c"}) { __typename } logout { __typename } }',
        (
            'mutation { a: requestReset(input: {email: "a@b.se", clientId: "c"}) { __typename }'
            ' b: requestReset(input: {email: "a@b.se", clientId: "c"}) { __typename } }'
        ),
        "mutation { ...F } fragment F on Mutation { logout { __typename } }",
        "mutation { ... { logout { __typename } } }",
        'mutation A { requestReset(input: {email: "a@b.se", clientId: "c"}) { __typename } } query B { __typename }',
        "subscription { events { kind } }",
        "mutation {",
    ],
)
async def test_nothing_else_is_answered_without_a_token(house: House, document: str) -> None:
    answer = await house.http.post("/graphql", json={"query": document, "operationName": None})
    assert answer.status_code == 401, answer.text
    assert "WWW-Authenticate" in answer.headers


async def test_what_is_answered_without_a_token_is_there(house: House) -> None:
    answer = await house.call(
        "operator", "POST", "/graphql", json={"query": "{ __schema { mutationType { fields { name } } } }"}
    )
    there = {field["name"] for field in answer.json()["data"]["__schema"]["mutationType"]["fields"]}
    assert there >= SIGNING_IN


async def test_a_token_that_does_not_hold_is_not_nobody(house: House) -> None:
    document = 'mutation { requestReset(input: {email: "a@b.se", clientId: "c"}) { __typename } }'
    answer = await house.http.post("/graphql", json={"query": document}, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_g1_a_thousand_logins_in_a_document_are_refused_and_none_is_tried(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    one = LOGIN % (portal.client_id, REDIRECT, portal.challenge)
    for count in (1000, 30, 2):
        document = "mutation { " + " ".join(f"a{n}: {one}" for n in range(count)) + " }"
        answer = await house.http.post("/graphql", json={"query": document})
        assert answer.status_code in {401, 413}, answer.text
        if count < 1000:
            answer = await house.call("operator", "POST", "/graphql", json={"query": document})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        hidden = "mutation { a: %s ...F } fragment F on Mutation { b: %s }" % (one, one)  # noqa: UP031  (braces)
        answer = await house.call("operator", "POST", "/graphql", json={"query": hidden})
        assert answer.status_code == 400
    assert await attempts(house) == 0
    answer = await house.http.post("/graphql", json={"query": f"mutation {{ {one} }}"})
    assert answer.json()["data"]["login"]["__typename"] == "NotAllowed"
    assert await attempts(house) == 1
