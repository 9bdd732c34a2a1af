"""Refusals in the caller's language: the catalogues are whole, and every protocol tells them."""

from __future__ import annotations

from string import Formatter

import pytest

from api.catalogues import LANGUAGES, catalogue, sentence, speak
from api.catalogues.gathering import gathered
from domain.refusal import BadValue, NotFound
from tests.api.conftest import House, live  # noqa: F401  (fixtures)


def places(text: str) -> set[tuple[str | None, str | None, str | None]]:
    return {parts[1:] for parts in Formatter().parse(text) if parts[1] is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_told_in_every_language_with_its_values(language: str) -> None:
    told, said = catalogue(language), gathered()
    assert len(said) > 1400
    missing = [one for one in said if one not in told]
    assert missing == [], "run python -m api.catalogues and translate what is empty"
    assert [one for one in told if one not in said] == [], "run python -m api.catalogues: these are not said any more"
    assert [one for one in said if places(told[one]) != places(one)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_has_its_values(language: str) -> None:
    speak(language)
    try:
        told = sentence(NotFound("no customer {name}", name="crm-7", field="customer"))
        assert "crm-7" in told
        assert told != "no customer crm-7"
        assert sentence(BadValue("nobody ever said this")) == "nobody ever said this"
    finally:
        speak(None)


async def test_graphql_soap_and_rest_tell_the_same_in_the_callers_language(live: House) -> None:  # noqa: F811
    token = await live.token("operator")
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "sv-SE, en;q=0.5"}
    query = 'mutation { changeCustomer(input: {customer: "x", version: 1}) { ... on Refusal { code message field } } }'
    answer = await live.http.post("/graphql", json={"query": query}, headers=headers)
    told = answer.json()["data"]["changeCustomer"]
    assert (told["code"], told["field"]) == ("NOT_FOUND", "customer")
    english = await live.http.post(
        "/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}", "Accept-Language": "fr"}
    )
    assert english.json()["data"]["changeCustomer"]["message"] != told["message"]
    rest = await live.http.get("/rest/v1/bulk/imports/999999", headers=headers)
    plain = await live.http.get("/rest/v1/bulk/imports/999999", headers={"Authorization": f"Bearer {token}"})
    assert rest.json()["code"] == plain.json()["code"] == "not_found"
    assert rest.json()["detail"] != plain.json()["detail"]
    assert "999999" in rest.json()["detail"]
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<b:GetBulkImport xmlns:b="urn:tollwright:billing:1"><b:id>999999</b:id></b:GetBulkImport>'
        "</e:Body></e:Envelope>"
    )
    more = {"Content-Type": "text/xml; charset=utf-8"}
    soap = await live.http.post("/soap", content=envelope, headers=headers | more)
    assert rest.json()["detail"] in soap.text
