"""XML that means harm (X1 to X6, X9, X10), sent to both versions of SOAP."""

from __future__ import annotations

import asyncio
import re
import resource

import httpx
import pytest

from api.soap.faults import ENVELOPES, NAMESPACE
from tests.api.conftest import House

TYPES = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
VERSIONS = list(TYPES)


def envelope(version: str, inside: str, *, before: str = "", header: str = "") -> bytes:
    soap = ENVELOPES[version]
    return (
        f'{before}<e:Envelope xmlns:e="{soap}" xmlns:n="{NAMESPACE}">{header}<e:Body>{inside}</e:Body></e:Envelope>'
    ).encode()


def asking(number: str) -> str:
    return f"<n:GetCustomer><n:customerNumber>{number}</n:customerNumber></n:GetCustomer>"


async def post(house: House, version: str, body: bytes, **headers: str) -> httpx.Response:
    return await house.call(
        "operator", "POST", "/soap", content=body, headers={"Content-Type": TYPES[version], **headers}
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_x1_a_file_is_not_read_by_an_entity(house: House, version: str, caplog: pytest.LogCaptureFixture) -> None:
    doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    answer = await post(house, version, envelope(version, asking("&e;"), before=doctype))
    assert answer.status_code == 400
    assert "DOCTYPE not allowed" in answer.text
    assert "root:" not in answer.text
    assert "root:" not in caplog.text


@pytest.mark.parametrize("version", VERSIONS)
async def test_x2_x3_nothing_is_fetched(house: House, version: str) -> None:
    calls: list[str] = []

    async def collector(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append((await reader.readline()).decode())
        writer.close()

    server = await asyncio.start_server(collector, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    schema = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} {url}"'
    located = asking("1").replace("<n:GetCustomer>", f"<n:GetCustomer {schema}>")
    bodies = [
        envelope(version, asking("&e;"), before=f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]>'),
        envelope(version, asking("1"), before=f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}"> %p;]>'),
        envelope(version, asking("1"), before=f'<!DOCTYPE x SYSTEM "{url}">'),
        envelope(version, located),
        envelope(version, asking("1"), before=f'<?xml-stylesheet href="{url}"?>'),
        envelope(version, f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>'),
    ]
    async with server:
        for body in bodies:
            assert (await post(house, version, body)).status_code in {400, 500}
        await asyncio.sleep(0.05)
    assert calls == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_x4_x5_a_bomb_does_not_grow(house: House, version: str) -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    bombs = [
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>',
        f'<!DOCTYPE x [<!ENTITY l9 "{"a" * 100_000}">]>',
        f'<!doctype x [<!ENTITY l9 "{"a" * 100_000}">]>',
    ]
    await house.token("operator")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for bomb in bombs:
        answer = await post(house, version, envelope(version, asking("&l9;" * 1000), before=bomb))
        assert answer.status_code == 400
        assert "DOCTYPE not allowed" in answer.text, "it is not even parsed"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("version", VERSIONS)
async def test_x6_what_is_deep_wide_or_long_is_left_early(house: House, version: str) -> None:
    deep = "<a>" * 100_000 + "</a>" * 100_000
    wide = "<a " + " ".join(f'a{i}="1"' for i in range(100_000)) + "/>"
    many = "<a/>" * 300_000
    for inside in (deep, wide, many, "<a>" * 101 + "</a>" * 101):
        answer = await post(house, version, envelope(version, inside))
        assert answer.status_code == 400
        assert re.search(r"deeper or larger than is accepted|Excessive depth", answer.text), answer.text
    long = await post(house, version, envelope(version, asking("x" * 50_000_000)))
    assert long.status_code == 413


@pytest.mark.parametrize("version", VERSIONS)
async def test_x9_another_encoding_and_broken_xml(house: House, version: str) -> None:
    good = envelope(version, asking("1")).decode()
    declared = '<?xml version="1.0" encoding="{}"?>' + good
    bodies = [
        b"",
        b"   ",
        declared.format("UTF-7").encode(),
        declared.format("UTF-16").encode(),
        declared.format("UTF-16").encode("utf-16"),
        good.encode("utf-16"),
        good.encode("utf-32"),
        declared.format("ISO-8859-1").encode(),
        good[:-5].encode(),
        good.replace("n:GetCustomer>", "n:Other>", 1).encode(),
        b"\xff\xfe" + good.encode(),
        b"<html></html>",
    ]
    for body in bodies:
        answer = await post(house, version, body)
        assert answer.status_code == 400, body[:60]
        assert "Fault" in answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("version", VERSIONS)
async def test_x8_x10_values_are_values(house: House, version: str) -> None:
    answer = await post(house, version, envelope(version, asking("' or '1'='1")))
    assert "not_found" in answer.text
    listing = "<n:ListInvoices><n:first>{}</n:first></n:ListInvoices>"
    for number in ("NaN", "INF", "1e400", "٣", "0", "-1", "1001"):
        answer = await post(house, version, envelope(version, listing.format(number)))
        assert answer.status_code in {400, 500}
        assert "Fault" in answer.text, number
        assert "internal" not in answer.text, number


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_operation_that_does_not_exist_or_is_malformed_is_the_senders_fault(
    house: House, version: str
) -> None:
    for inside in ("<n:Nonsense/>", "<n:GetCustomer/>", "<n:GetCustomer><n:other>1</n:other></n:GetCustomer>", ""):
        answer = await post(house, version, envelope(version, inside))
        assert answer.status_code in {400, 500}
        assert "Client" in answer.text or "Sender" in answer.text, (inside, answer.text)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_header_that_must_be_understood_is_not_passed_over(house: House, version: str) -> None:
    header = '<e:Header><a:Pay xmlns:a="urn:a" e:mustUnderstand="1"/></e:Header>'
    answer = await post(house, version, envelope(version, asking("1"), header=header))
    assert answer.status_code == 400
    assert "MustUnderstand" in answer.text


async def test_one_version_is_not_the_other(house: House) -> None:
    answer = await post(house, "1.1", envelope("1.2", asking("1")))
    assert answer.status_code == 400
    assert "VersionMismatch" in answer.text
    plain = await house.call(
        "operator", "POST", "/soap", content=envelope("1.1", asking("1")), headers={"Content-Type": "application/xml"}
    )
    assert plain.status_code == 415
