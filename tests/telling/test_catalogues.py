"""Sentences in the reader's language: the catalogues are whole, and every protocol tells them."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter

import pytest

from api.catalogues import LANGUAGES, catalogue, sentence, speak, speak_to, spoken, told
from api.catalogues.gathering import gathered
from api.catalogues.known_again import shape_of
from domain.access.actor import Actor
from domain.ids import OperatorId
from domain.refusal import BadValue, NotFound
from tests.api.conftest import House, live  # noqa: F401  (fixtures)

SAID = gathered()


def places(text: str) -> set[tuple[str | None, str | None, str | None]]:
    try:
        return {parts[1:] for parts in Formatter().parse(text) if parts[1] is not None and parts[1].isidentifier()}
    except ValueError:  # a sentence without values, about braces
        return set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_told_in_every_language_with_its_values(language: str) -> None:
    told, said = catalogue(language), SAID
    assert len(said) > 1400
    missing = [one for one in said if one not in told]
    assert missing == [], "run python -m api.catalogues and translate what is empty"
    assert [one for one in told if one not in said] == [], "run python -m api.catalogues: these are not said any more"
    assert [one for one in said if places(told[one]) != places(one)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_was_left_in_english(language: str) -> None:
    told = catalogue(language)
    words = {one: re.sub(r"\{[^}]*\}|\S*/\S*|'[^']*'|\"[^\"]*\"", " ", one) for one in SAID}
    left = [one for one, bare in words.items() if told[one] == one and len(re.findall(r"\b[a-z]{3,}\b", bare)) > 2]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_that_was_kept_as_text_is_known_again_with_its_values(language: str) -> None:
    lost = []
    for template in SAID:
        shape = shape_of(template)
        if shape is None:  # it is exact, or a refusal whose values stand side by side, which knows its template
            continue
        values = {name: f"V{index}x" for index, name in enumerate(shape.names)}
        text = shape.words[0] + "".join(
            values[name] + word for name, word in zip(shape.names, shape.words[1:], strict=True)
        )
        again = told(text, language)
        if not all(value in again for value in values.values()) or again == text:
            lost.append(template)
    assert lost == []


def test_what_is_nobody_s_sentence_stays_as_it_is() -> None:
    for text in ("", "Åkerö Snickeri & Bygg AB", "x" * 5000, "46701740605", "a: b: c; d", "None", "active"):
        assert told(text, "sv") == text
    for long in ("no customer " * 20_000, "a; b: " * 200_000, "no customer x; " * 250, "{" * 4000, "a: " * 1300):
        started = time.perf_counter()
        told(long, "de")
        assert time.perf_counter() - started < 0.5


def test_a_reason_is_told_behind_its_place_within_another_and_beside_others() -> None:
    kept = "rates[0].price: 'x' is not a plain decimal such as 0.49; rates[1]: is not a key of this object"
    assert told(kept, "sv") == (
        "rates[0].price: 'x' är inget vanligt decimaltal som 0.49; rates[1]: är ingen nyckel i objektet"
    )
    outer = "the network has done it, but it cannot be recorded: the subscription is not barred from that"
    assert told(outer, "de") == (
        "das Netz hat es getan, aber es kann nicht festgehalten werden: der Anschluss ist dafür nicht gesperrt"
    )


@pytest.mark.parametrize(
    ("language", "day", "amount", "moment"),
    [
        ("en", "2026-03-01", "1234.5", "2026-03-01 08:30:00+00:00"),
        ("sv", "2026-03-01", "1\u00a0234,5", "2026-03-01 08:30:00 +00:00"),
        ("nb", "01.03.2026", "1\u00a0234,5", "01.03.2026 08:30:00 +00:00"),
        ("da", "01.03.2026", "1.234,5", "01.03.2026 08.30.00 +00:00"),
        ("fi", "1.3.2026", "1\u00a0234,5", "1.3.2026 08.30.00 +00:00"),
        ("de", "01.03.2026", "1.234,5", "01.03.2026 08:30:00 +00:00"),
    ],
)
def test_values_in_a_sentence_are_written_as_its_language_does(
    language: str, day: str, amount: str, moment: str
) -> None:
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    speak(language)
    try:
        said = sentence(BadValue("it became {state} on {day}", state="active", day=at.date()))
        assert day in said
        assert "active" in said
        assert amount in sentence(BadValue("no customer {name}", name=Decimal("1234.50"))).replace("1234.50", "1234.5")
        assert moment in sentence(BadValue("no customer {name}", name=at))
    finally:
        speak(None)


def test_a_persons_own_setting_goes_before_what_his_client_accepts() -> None:
    no = BadValue("no customer {name}", name="x")
    machine = Actor(operator=OperatorId(1), client="c", scopes=frozenset())
    try:
        for actor, header, language in (
            (replace(machine, language="fi"), "sv", "fi"),
            (replace(machine, language="en"), "sv", "en"),
            (machine, "sv", "sv"),
            (machine, None, "en"),
            (machine, "fr, de-AT;q=0.4", "de"),
            (None, "da", "da"),
        ):
            speak_to(actor, header)
            assert spoken() == language
            assert sentence(no) == ("no customer x" if language == "en" else told("no customer x", language))
    finally:
        speak(None)


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
