"""XML from outside: nothing is fetched, expanded, or read past its limits."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from domain.refusal import LimitExceeded, Refusal, Unreadable
from integrations.einvoice.reading import parse

LAUGHS = (
    "<!DOCTYPE a [<!ENTITY a0 'lol'>"
    + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 11))
    + "]><a>&a10;</a>"
)
QUADRATIC = f"<!DOCTYPE a [<!ENTITY e '{'x' * 100_000}'>]><a>{'&e;' * 100_000}</a>"


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        "<!DOCTYPE x><x/>".encode("utf-16"),
        LAUGHS.encode(),
        QUADRATIC.encode(),
        b"<a>" * 100_000 + b"</a>" * 100_000,
        b"<a " + b" ".join(b'b%d="1"' % i for i in range(1_000_000)) + b"/>",
        b"<a>" + b"x" * 51_000_000 + b"</a>",
        b"<a>" + b"x" * 30_000_000 + b"</a>",
        b"<a><b></a>",
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-',
        b"<a>\x00</a>",
        b"\xff\xd8\xff\xe0 not xml",
        b"   ",
        b"",
    ],
    ids=range(16),
)
def test_is_refused(document):
    with pytest.raises(Refusal) as no:
        parse(document)
    assert isinstance(no.value, Unreadable | LimitExceeded)
    assert "root:" not in no.value.message


def test_nothing_is_fetched():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        seen = []

        def listen():
            with contextlib.suppress(TimeoutError):
                seen.append(server.accept())

        collector = threading.Thread(target=listen)
        collector.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        for document in (
            f'<!DOCTYPE a [<!ENTITY e SYSTEM "{address}">]><a>&e;</a>',
            f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{address}"> %p;]><a/>',
            f'<!DOCTYPE a SYSTEM "{address}"><a/>',
        ):
            with pytest.raises(Unreadable):
                parse(document.encode())
        schema = f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a {address}"/>'
        assert parse(schema.encode()).tag == "a"
        collector.join()
    assert seen == []
