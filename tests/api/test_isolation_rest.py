"""Every part of a path and of a body that names a thing, with everybody's thing of its kind; every route unnamed.

Made of the OpenAPI document: what each ``{part}`` names stands below by its route, or it is a word that names nothing.
A route that is added fails until somebody has said which. What is not a caller's to see is answered exactly as what is
not there, status, head and body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.api.conftest import House
from tests.api.holdings import ABSENT, OWNERS, REACH, Holdings, make_holdings, traces
from tests.api.test_isolation_walk import CALLERS, ROOT, visible
from tests.api.test_routes import BY_ITSELF, PUBLIC, SIGNED

# What a key in a path is of, by the word before it, and what is named in a query or a body.
NOUNS: Final = {
    "customers": "Customer",
    "explanations": "Usage",
    "files": "File",
    "imports": "BulkImport",
    "invoices": "Invoice",
    "quotes": "ContractQuote",
}
NAMED: Final = {"subscription": "Subscription", "calling": "number"}
# Parts that name nothing of anybody's by a key: words, formats, positions, secrets; and what makes a name of its own.
WORDS: Final = frozenset(
    """
    kind mode preview name wait language as_of first after format looked_at sheet action outcome target since until
    client_id redirect_uri response_type code_challenge code_challenge_method state code error id_token_hint number at
    used direction trunk visited tariff events client user token grant_type scope client_secret client_assertion
    client_assertion_type code_verifier refresh_token cdr reason reference units seconds on by from to
    scheme older payer_number account identity bic notify signed_on signature active version
    """.split()  # noqa: SIM905  (words)
)
# Where a test of the room asks as another, by the word before a key, or by route and part.
ELSEWHERE: Final = {
    "basis": "tests/api/test_trade.py",
    "cdr": "tests/api/test_push.py",
    "letters": "tests/api/test_collection.py",
    "callbacks": "tests/provisioning/test_callbacks.py",
    "print-batches": "tests/api/test_deliveries.py",
    "reservations": "tests/credit/test_protocols.py",
    **dict.fromkeys(("order-files", "mandates"), "tests/api/test_rest_banks.py"),
    "GET /rest/v1/mandates customer": "tests/api/test_rest_banks.py",
    "POST /rest/v1/mandates customer": "tests/api/test_rest_banks.py",
    "POST /rest/v1/provisioning/callbacks/{operator}/{element} id": "tests/provisioning/test_callbacks.py",
    "GET /rest/v1/collection/letters/{id}.xml invoice": "tests/api/test_collection.py",
    "GET /rest/v1/audit.csv customer": "tests/trail/test_activity.py",
    "GET /rest/v1/audit.jsonl customer": "tests/trail/test_activity.py",
}
ADVICE: Final = (
    "say in KINDS what the part of the route names, in WORDS that it names nothing, or in ELSEWHERE who asks"
)
# Of a head, what is another's in every answer, and the length, which has the digits of what was asked for.
VARYING: Final = frozenset({"content-length", "date", "ratelimit", "x-request-id"})
CALLED: Final = {"number": "46701740605"}


def kind_of(route: str, name: str, where: str) -> str | None:
    """Return the kind that a part names; None: nothing, or it is asked for elsewhere. KeyError: nobody has said."""
    if where == "path":
        word = route.partition("{" + name + "}")[0].rstrip("/").rpartition("/")[2]
        if word in NOUNS:
            return NOUNS[word]
        if word in ELSEWHERE or word.startswith("{"):
            return None
    elif name in NAMED:
        return NAMED[name]
    if name in WORDS or f"{route} {name}" in ELSEWHERE:
        return None
    raise KeyError(f"{route} {name}")


def parts(document: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each route with each of its parts and where that stands: path, query or body."""
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            route = f"{method.upper()} {path}"
            for name in re.findall(r"\{(\w+)\}", path):
                yield route, name, "path"
            for one in told.get("parameters", []):
                if one["in"] == "query":
                    yield route, one["name"], "query"
            for content in told.get("requestBody", {}).get("content", {}).values():
                for name in content.get("schema", {}).get("properties", {}):
                    yield route, name, "body"


async def asked(house: House, caller: str, route: str, part: tuple[str, str], key: str) -> str:
    """Return status, head and body of what a route answers with a key in one of its parts."""
    method, _, path = route.partition(" ")
    name, where = part
    more: dict[str, Any] = {}
    if where == "path":
        path = path.replace("{" + name + "}", key)
    elif where == "query":
        path += f"?{name}={key}"
    else:
        more["json"] = CALLED | {name: int(key) if name != "calling" else key}
    answer = await house.call(caller, method, path, **more)
    assert answer.status_code < 500, (caller, route, answer.text)
    head = {name: value for name, value in answer.headers.items() if name not in VARYING}
    text = re.sub(rf"(?<![\w.]){re.escape(key)}(?!\w)", "N", f"{json.dumps(head, sort_keys=True)} {answer.text}")
    plain = re.sub(r"\d+", "N", text)
    return f"{answer.status_code} {plain}"


def key_of(holdings: Holdings, owner: str, kind: str) -> str | None:
    if kind == "number":
        return holdings.month.owned[owner].number
    return holdings.key(owner, kind) if kind in holdings.ids[owner] else None


@pytest.fixture
async def holdings(house: House) -> Holdings:
    return await make_holdings(house)


async def test_every_part_of_a_route_says_what_it_names(house: House) -> None:
    document = (await house.http.get("/rest/v1/openapi.json")).json()
    unknown = []
    for one in parts(document):
        try:
            kind_of(*one)
        except KeyError as nobody:
            unknown.append(nobody.args[0])
    assert not unknown, ADVICE
    assert all((ROOT / place).is_file() for place in ELSEWHERE.values())


async def test_every_key_of_a_route(house: House, holdings: Holdings) -> None:
    document = (await house.http.get("/rest/v1/openapi.json")).json()
    wrong, unproved = [], []
    for route, name, where in parts(document):
        kind, part = kind_of(route, name, where), (name, where)
        if not kind:
            continue
        nobodys = {"number": "46859999999", "Usage": f"1.1.{ABSENT}"}.get(kind, str(ABSENT))
        fits = False
        for caller in CALLERS:
            nothing = await asked(house, caller, route, part, nobodys)
            for owner in OWNERS:
                if (key := key_of(holdings, owner, kind)) is None:
                    continue
                answer = await asked(house, caller, route, part, key)
                found, allowed = answer != nothing, not nothing.startswith("403")
                if found != (visible(caller, owner, kind) and allowed):
                    wrong.append((route, name, caller, owner, found, answer[:300]))
                fits = fits or (found and caller == owner)
                if owner not in REACH[caller]:
                    marks = traces(holdings, owner) - {key}
                    assert not {mark for mark in marks if mark in answer}, (route, caller, owner)
        if not fits:
            unproved.append((route, name))
    assert not wrong, "\n".join(map(str, wrong))
    assert not unproved, ADVICE


async def test_without_a_token_a_route_answers_of_a_thing_as_of_nothing(house: House, holdings: Holdings) -> None:
    document = (await house.http.get("/rest/v1/openapi.json")).json()
    said = set()
    for route, name, where in parts(document):
        method, _, path = route.partition(" ")
        if where == "path" and (method, path) not in PUBLIC | BY_ITSELF | SIGNED:
            kind = kind_of(route, name, where)
            keys = [str(ABSENT)] if not kind else [key_of(holdings, "operator", kind) or "", str(ABSENT)]
            for key in keys:
                answer = await house.http.request(method, re.sub(r"\{\w+\}", key, path))
                said.add((answer.status_code, answer.text))
    assert len(said) == 1
    assert next(iter(said))[0] == 401
