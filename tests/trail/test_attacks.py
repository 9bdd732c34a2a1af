"""Rows of the table of attacks that no other room has: what is written is text, what is no field is not set."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from api import settings as installation
from api.rest.invoices import named
from api.settings import FIELDS, Settings
from domain.refusal import BadValue
from persistence.engine import OWNER
from tests.api.conftest import SECRET, House, house
from tests.api.test_graphql_parties import ADDRESS, new_customer

__all__ = ["house"]
ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("api", "domain", "integrations", "persistence")
NASTY = (
    "' or '1'='1",
    "'; drop table customer; --",
    "%' or true --",
    "{{7*7}} ${7*7}",
    '=HYPERLINK("http://x")',
    "a\nb admin login ok",
)


async def ask(house: House, query: str, client: str = "operator", **variables: Any) -> Any:
    return (await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})).json()


async def customers(house: House) -> int:
    async with house.database.transaction(role=OWNER) as unit:
        return int(await unit.connection.fetchval("select count(*) from customer"))


@pytest.mark.parametrize("field", ["price", "role", "resellerId", "operator", "version", "paid", "total", "erasedAt"])
async def test_a4_what_is_no_field_of_the_input_is_refused_and_nothing_is_written(house: House, field: str) -> None:
    answer = await ask(
        house,
        "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { ... on Customer { id } } }",
        i={"kind": "PERSON", "name": "Anna", "address": ADDRESS, field: 1},
    )
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_VALUE", field)
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1"><e:Body>'
        "<t:CreateCustomer><t:customer><t:kind>person</t:kind><t:name>Anna</t:name>"
        f"<t:{field}>1</t:{field}></t:customer></t:CreateCustomer></e:Body></e:Envelope>"
    )
    answer = await house.call("operator", "POST", "/soap", content=envelope, headers={"Content-Type": "text/xml"})
    assert "bad_value" in answer.text
    assert await customers(house) == 0


async def test_i1_i2_what_is_written_is_text_whatever_it_says(house: House) -> None:
    """Stored, searched for, listed, exported: nothing of it is executed, and ``%`` is a percent sign."""
    for name in NASTY[:-1]:
        made = await new_customer(house, "operator", name)
        assert made["name"] == name
    for text in ("' or '1'='1", "%", "_", "zz' or 'a'='a", "\\"):
        found = await ask(house, "query($t: String!) { customers(text: $t) { edges { node { name } } } }", t=text)
        assert len(found["data"]["customers"]["edges"]) <= 1, text
    for filters in ("action=x' or '1'='1", "client=%25", "target=x';drop table audit;--"):
        answer = await house.call("operator", "GET", f"/rest/v1/audit.jsonl?{filters}")
        assert (answer.status_code, answer.text) == (200, "")
    assert await customers(house) == len(NASTY) - 1
    # What is no field to sort or filter by is refused.
    answer = await ask(house, '{ customers(orderBy: "name; drop table customer") { edges { node { id } } } }')
    assert answer["errors"]


async def test_i3_a_text_that_was_made_for_it_takes_no_time(house: House) -> None:
    for text in ("a" * 5000 + "!", "0" * 5000 + "x", "-" * 5000, "a@" * 2500, "(" * 5000):
        began = time.perf_counter()
        await ask(
            house,
            "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { ... on Refusal { code } } }",
            i={"kind": "PERSON", "name": "A", "address": ADDRESS, "email": text, "identityNumber": text, "phone": text},
        )
        assert time.perf_counter() - began < 2


async def test_i5_a_line_of_the_log_is_one_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tollwright.access")
    await house.call("operator", "GET", "/rest/v1/files/1%0a2026%20admin%20login%20ok")
    lines = [record.getMessage() for record in caplog.records if record.name == "tollwright.access"]
    assert lines
    assert all(
        "\n" not in line and json.loads(line.partition("token refused")[0] or "{}") is not None for line in lines
    )


@pytest.mark.parametrize("name", ['a"b.csv', "a\r\nSet-Cookie: x=y", "\u202egpj.exe", "../../etc/passwd", "ä ö.pdf"])
def test_f11_a_name_of_a_file_is_encoded(name: str) -> None:
    header = named(name)["Content-Disposition"]
    assert header.isascii()
    assert not set(header) & set('\r\n"\\/\u202e')


async def test_b9_what_is_less_than_nothing_is_refused(house: House) -> None:
    query = (
        "mutation($i: CreateServiceInput!) { createService(input: $i) { ... on Service { id }"
        " ... on Refusal { code field } } }"
    )
    base = {
        "code": "s",
        "name": "S",
        "oneTimeFee": "0",
        "periodicFee": "1",
        "inAdvance": True,
        "intervalMonths": 1,
        "vatPercent": "25",
        "account": "3000",
    }
    for field, value in (("periodicFee", "-1"), ("oneTimeFee", "-0.01"), ("vatPercent", "150"), ("intervalMonths", 0)):
        answer = await ask(house, query, i=base | {field: value})
        told = answer.get("data") or {}
        code = (told.get("createService") or {}).get("code") or answer["errors"][0]["extensions"]["code"]
        assert code == "BAD_VALUE", (field, answer)


async def test_b9_less_than_nothing_and_more_than_all_are_refused_of_what_is_agreed(house: House) -> None:
    customer = (await new_customer(house, "operator", "Anna"))["id"]
    made = await ask(house, 'mutation { createService(input: {code: "s", name: "S"}) { ... on Service { id } } }')
    service = made["data"]["createService"]["id"]
    line = f'service: "{service}", start: "2026-04-01"'

    def contract(text: str) -> str:
        return f'createContract(input: {{customer: "{customer}", start: "2026-04-01", {text}}})'

    def charge(text: str) -> str:
        return f'addCharge(input: {{customer: "{customer}", text: "x", {text}}})'

    for wanted in (
        contract(f"services: [{{{line}, quantity: -1}}]"),
        contract(f'services: [{{{line}, periodicFee: "-1"}}]'),
        contract(f'services: [{{{line}}}], discounts: [{{start: "2026-04-01", percent: "150"}}]'),
        contract(f'services: [{{{line}}}], discounts: [{{start: "2026-04-01", amount: "-1"}}]'),
        charge('unitPrice: "1", quantity: "-1"'),
        charge('kind: DISCOUNT, percent: "150"'),
        charge('kind: DISCOUNT, percent: "-150"'),
    ):
        answer = await ask(house, f"mutation {{ a: {wanted} {{ __typename ... on Refusal {{ code field }} }} }}")
        assert answer["data"]["a"].get("code") == "BAD_VALUE", (wanted, answer)
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from contract") == 0
        assert await unit.connection.fetchval("select count(*) from charge") == 0


def test_x7_no_signature_in_xml_is_trusted() -> None:
    """Where nothing reads a signature, wrapping one gains nothing."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "xmldsig" not in text, path
            assert "ds:Signature" not in text, path


async def test_x7_a_signed_copy_is_read_like_an_unsigned_one(house: House) -> None:
    await new_customer(house, "operator", "Anna")
    signature = '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:SignedInfo/></d:Signature>'
    body = "<e:Body><t:ListInvoices/></e:Body>"
    told = []
    for head in ("", f"<e:Header>{signature}</e:Header>"):
        envelope = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1">'
            f"{head}{body}</e:Envelope>"
        )
        answer = await house.call("operator", "POST", "/soap", content=envelope, headers={"Content-Type": "text/xml"})
        told.append((answer.status_code, answer.text))
    assert told[0] == told[1]


def test_secrets_of_the_settings_are_never_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither shown, nor in an error about them: whether they come from the environment or from a file."""
    secret = [name for name, words in FIELDS.items() if words.secret]
    assert {"database_url", "master_key", "tls_key_password"} <= set(secret)
    for name in secret:
        value = f"verysecret-{name}"
        key = installation.variable(name)
        read = installation.read({key: value}, tmp_path)
        assert getattr(read, name) == value
        assert value not in f"{read!r} {read}"
        (tmp_path / name).write_text(f"{value}\n")
        assert getattr(installation.read({f"{key}_FILE": str(tmp_path / name)}, tmp_path), name) == value
        for environment in ({key: value, f"{key}_FILE": str(tmp_path / name)}, {key: value, "TOLLWRIGHT_PORT": "x"}):
            with pytest.raises(BadValue) as no:
                installation.read(environment, tmp_path)
            assert "verysecret" not in no.value.message
    assert "verysecret" not in "".join(capfd.readouterr())


async def test_secrets_of_requests_are_never_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await house.token("operator")
    await house.call("operator", "GET", "/rest/v1/files")
    await house.http.get("/rest/v1/files", headers={"Authorization": f"Bearer {token}x"})
    await house.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", "wrongsecret"))
    await house.http.get(f"/rest/v1/files?access_token={token}")
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]  # the test's own
    told = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in ours)
    for hidden in (token, SECRET.format("operator"), "wrongsecret"):
        assert hidden not in told
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select audit::text as line from audit")
    assert not [row for row in rows if token in row["line"] or "wrongsecret" in row["line"]]


def test_every_secret_may_come_from_a_file() -> None:
    assert all("_FILE" not in name for name in FIELDS)
    assert Settings().master_key is None
