"""What a template makes of values that want out of it, and how answers are read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from api.element_fields import command, shown
from domain.ids import ElementId, OperatorId
from domain.provisioning.element import ElementKind, NetworkElement, check
from domain.provisioning.machine import Said
from domain.provisioning.template import (
    Rule,
    filled,
    filled_arguments,
    filled_header,
    filled_path,
    read_answer,
)
from domain.refusal import BadValue
from integrations.provisioning import soap
from tests.stores.worlds import NOON

EVIL = 'a"}, {"admin": true}\r\nX-Evil: 1</number><!-- {{order}} ../../x?y=1&z#q %0d%0a å'


def test_a_value_stays_where_it_stands() -> None:
    values = {"number": EVIL}
    body = filled('{"number": "{{number}}", "b": "{{ number }}"}', values, "application/json")
    assert json.loads(body) == {"number": EVIL, "b": EVIL}
    text = filled("<a><number>{{number}}</number><b c='{{number}}'/></a>", values, "text/xml")
    root = ET.fromstring(text)
    assert (root.findtext("number") or "").replace("\n", "\r\n").replace("\r\r", "\r") == EVIL
    path = filled_path("/lines/{{number}}/bars", values)
    assert path.count("/") == 3
    assert not set(path) & set("?#\r\n ")
    header = filled_header("id={{number}}", values)
    assert header.isascii()
    assert header.isprintable()
    assert "\r" not in filled("a={{number}}", values, "application/x-www-form-urlencoded")
    assert filled_arguments('{"a": {"b": ["{{number}}", 1]}}', values) == {"a": {"b": [EVIL, 1]}}


def test_a_value_that_looks_like_a_placeholder_is_none() -> None:
    assert filled("{{number}}", {"number": "{{order}}", "order": "7"}) == "{{order}}"


@pytest.mark.parametrize(
    ("status", "value", "said", "lasting"),
    [
        (200, {"s": "0"}, Said.DONE, False),
        (200, {"s": 0}, Said.DONE, False),
        (200, {"s": "1"}, Said.ACCEPTED, False),
        (200, {"s": "7"}, Said.FAILED, False),
        (200, {"s": "8"}, Said.FAILED, True),
        (200, {"s": None}, Said.FAILED, False),
        (200, None, Said.FAILED, False),
        (200, [1, 2], Said.FAILED, False),
        (404, {"s": "0"}, Said.FAILED, True),
        (301, {"s": "0"}, Said.FAILED, True),
        (429, None, Said.FAILED, False),
        (503, None, Said.FAILED, False),
    ],
)
def test_an_answer_is_read_by_its_rule(status: int, value: Any, said: Said, lasting: bool) -> None:
    rule = Rule(state_path="s", done=("0",), accepted=("1",), passing=("7",))
    found = read_answer(rule, status, value)
    assert (found.said, found.lasting) == (said, lasting)


def test_without_a_rule_the_status_decides() -> None:
    assert [read_answer(Rule(), status, None).said for status in (200, 202, 204, 400)] == [
        Said.DONE,
        Said.ACCEPTED,
        Said.DONE,
        Said.FAILED,
    ]


REST: dict[str, Any] = {
    "name": "hlr",
    "kind": "rest",
    "address": "https://9.9.9.9",
    "templates": [{"path": "/x", "answer": {"statePath": "a[0].b"}}],
}


def element(fields: dict[str, Any]) -> NetworkElement:
    cmd = command(fields)
    names = ("name", "kind", "address", "orders", "lines", "position", "templates", "wsdl", "instruction", "tries_max")
    return NetworkElement(
        id=ElementId(0),
        operator=OperatorId(1),
        created_at=NOON,
        changed_at=NOON,
        **{name: getattr(cmd, name) for name in names},
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "telnet"}, "kind"),
        ({"name": None}, "name"),
        ({"nonsense": 1}, "nonsense"),
        ({"orders": ["fly"]}, "orders.0"),
        ({"lines": "mobile"}, "lines"),
        ({"triesMax": "5"}, "triesMax"),
        ({"triesMax": 0}, "triesMax"),
        ({"name": "a b"}, "name"),
        ({"address": None}, "address"),
        ({"templates": []}, "templates"),
        ({"wsdl": "<x/>"}, "wsdl"),
        ({"instruction": "x"}, "instruction"),
        ({"templates": [{"body": "{{secret}}"}]}, "templates.0"),
        ({"templates": [{"method": "CONNECT"}]}, "templates.0.method"),
        ({"templates": [{"path": "/a#b"}]}, "templates.0.path"),
        ({"templates": [{"headers": {"Authorization": "x"}}]}, "templates.0.headers"),
        ({"templates": [{"headers": {"A": "b\r\nc: d"}}]}, "templates.0.headers"),
        ({"templates": [{"contentType": "json"}]}, "templates.0.contentType"),
        ({"templates": [{"answer": {"statePath": "a..b["}}]}, "templates.0.answer"),
        ({"templates": [{"answer": {"done": "0"}}]}, "templates.0.answer.done"),
        ({"templates": [1]}, "templates.0"),
        ({"name": "a\ud800"}, "name"),
    ],
)
def test_an_element_that_cannot_be_is_refused_with_its_place(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadValue) as caught:
        check(element(REST | change))
    assert caught.value.field == field


def test_what_is_shown_can_be_put_again() -> None:
    one = check(element(REST))
    again = {name: value for name, value in shown(one).items() if name != "credentials"}
    assert element(again) == one
    assert element({"trie" if name == "x" else name: value for name, value in again.items()}).name == "hlr"


WSDL = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/">{}</definitions>'
IMPORT = '<import namespace="x" location="{}"/>'


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "",
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        WSDL.format(IMPORT.format("http://169.254.169.254/latest")),
        WSDL.format(IMPORT.format("file:///etc/passwd")),
        WSDL.format(
            '<types><s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"><s:include schemaLocation="/etc/passwd"/>'
            "</s:schema></types>"
        ),
        WSDL.format(""),
    ],
)
async def test_a_wsdl_reaches_nowhere(text: str) -> None:
    fields = REST | {"kind": "soap", "wsdl": "<x/>", "templates": [{"operation": "Provision"}]}
    one = replace(element(fields), wsdl=text)
    assert one.kind is ElementKind.SOAP
    with pytest.raises(BadValue) as caught:
        await soap.check(one)
    assert "root:" not in caught.value.message
