"""Templates of requests: ``{{name}}`` stands for a value of the order, escaped for where it stands.

A placeholder can never leave its place: in JSON it stays within its text, in XML within its element, in a path within
its segment, in a header within its line (attack I4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from domain.provisioning.machine import Answer, Said
from domain.provisioning.order import OrderKind
from domain.refusal import BadValue

BODY_MAX: Final = 20_000
HEADERS_MAX: Final = 20
PATH_DEPTH_MAX: Final = 10
METHODS: Final = ("POST", "PUT", "PATCH", "DELETE", "GET")
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
# Of 4xx those that may be over later: Request Timeout, Conflict of two at once, Too Early, Too Many Requests.
PASSING: Final = frozenset({408, 423, 425, 429})
_PLACE: Final = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_.]{0,99})\s*\}\}", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}", re.ASCII)
_PART: Final = re.compile(r"([^.\[\]]+)|\[(\d{1,4})\]")
# Headers that the request itself decides.
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "authorization", "content-type"})
_NAMES: Final = frozenset(
    {"request", "order", "kind", "undoes", "bars", "number", "numbers", "reason", "attempt", "callback"}
    | {"subscription.id", "subscription.kind", "subscription.label", "customer", "contract"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How an answer is read. Paths are as ``result.code`` or ``items[0].id``, into JSON, or a SOAP operation's result.

    Without ``state_path`` the status alone decides: 202 is accepted, any other 2xx done. With it, the value there is
    one of ``done`` or of ``accepted`` (an answer comes later), or else the request has failed; ``passing`` values
    and statuses are tried again.
    """

    state_path: str | None = None
    done: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    reason_path: str | None = None
    reference_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How orders of some kinds (none named: of all) are asked for by REST or SOAP.

    REST: ``method``, ``path`` behind the element's address, ``headers`` and ``body``. SOAP: the ``operation`` of the
    WSDL, and ``body``, a JSON object of its arguments.
    """

    orders: tuple[OrderKind, ...] = ()
    method: str = "POST"
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON
    body: str = ""
    operation: str | None = None
    answer: Rule = Rule()


def check_template(template: Template, *, field: str, soap: bool) -> None:
    """Look at a template before it is kept. Refuses with: BadValue."""
    if soap:
        if not template.operation:
            raise BadValue("say which operation of the WSDL", field=f"{field}.operation")
        try:
            read = json.loads(template.body or "{}")
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise BadValue("the arguments of an operation are a JSON object", field=f"{field}.body")
    if template.method not in METHODS:
        raise BadValue("a method is one of {methods}", methods=", ".join(METHODS), field=f"{field}.method")
    if len(template.body) > BODY_MAX or len(template.path) > 2000:
        raise BadValue("a template has at most {most} characters", most=BODY_MAX, field=f"{field}.body")
    if not template.path.isascii() or not _PLACE.sub("", template.path).isprintable() or "#" in template.path:
        raise BadValue("a path is plain ASCII, percent-encoded", field=f"{field}.path")
    if len(template.headers) > HEADERS_MAX:
        raise BadValue("at most {most} headers", most=HEADERS_MAX, field=f"{field}.headers")
    for name, value in template.headers:
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise BadValue("this header is none, or not a template's to set", field=f"{field}.headers")
        if not value.isascii() or not value.isprintable() or len(value) > 2000:
            raise BadValue("a header's value is printable ASCII", field=f"{field}.headers")
    if not re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", template.content_type, re.ASCII):
        raise BadValue("a content type is such as application/json", field=f"{field}.contentType")
    texts = (template.path, template.body, *(value for _, value in template.headers))
    for name in {found for text in texts for found in _PLACE.findall(text)}:
        if name not in _NAMES and not name.startswith("parameters."):
            raise BadValue(
                "{{{{{name}}}}} is no placeholder; there are {names} and parameters.NAME",
                name=name,
                names=", ".join(sorted(_NAMES)),
                field=field,
            )
    for name in ("state_path", "reason_path", "reference_path"):
        if (path := getattr(template.answer, name)) is not None:
            read_path(path, field=f"{field}.answer")


def read_path(path: str, *, field: str) -> list[str | int]:
    """Return the parts of a path. Refuses with: BadValue.

    >>> read_path("items[0].id", field="path")
    ['items', 0, 'id']
    """
    parts: list[str | int] = []
    rest = path.removeprefix("$").removeprefix(".")
    while rest:
        found = _PART.match(rest)
        if found is None or len(parts) == PATH_DEPTH_MAX:
            raise BadValue("a path is such as result.code or items[0].id", field=field)
        parts.append(found[1] or int(found[2]))
        rest = rest[found.end() :].removeprefix(".")
    if not parts:
        raise BadValue("a path is such as result.code or items[0].id", field=field)
    return parts


def at_path(value: Any, path: str | None) -> str | None:
    """Return what stands at a path, as text; None where nothing does.

    >>> at_path({"items": [{"id": 7}]}, "items[0].id")
    '7'
    """
    if path is None:
        return None
    for part in read_path(path, field="answer"):
        listed = isinstance(part, int) and isinstance(value, list) and part < len(value)
        if not listed and not (isinstance(part, str) and isinstance(value, Mapping) and part in value):
            return None
        value = value[part]
    if value is None or isinstance(value, Mapping | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def filled(text: str, values: Mapping[str, str], content_type: str = "text/plain") -> str:
    r"""Return a text with its placeholders filled in; one without a value is empty.

    >>> filled('{"number": "{{number}}"}', {"number": '46"7'}, "application/json")
    '{"number": "46\\"7"}'
    """
    return _PLACE.sub(lambda found: _escaped(values.get(found[1], ""), content_type), text)


def filled_path(path: str, values: Mapping[str, str]) -> str:
    """Return a path with its placeholders filled in, each within its segment.

    >>> filled_path("/lines/{{number}}", {"number": "../x?y"})
    '/lines/..%2Fx%3Fy'
    """
    return _PLACE.sub(lambda found: quote(values.get(found[1], ""), safe=""), path)


def filled_header(text: str, values: Mapping[str, str]) -> str:
    """Return a header's value; what is not printable ASCII in an order's own values is percent-encoded."""
    return _PLACE.sub(lambda found: quote(values.get(found[1], ""), safe=" !#$&'()*+,-./:;=?@[]^_`{|}~"), text)


def filled_arguments(body: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of an operation: a JSON object whose texts are templates."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return filled(value, values)
        if isinstance(value, list):
            return [fill(one) for one in value]
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        return value

    found: dict[str, Any] = fill(json.loads(body or "{}"))
    return found


def read_answer(rule: Rule, status: int, value: Any) -> Answer:
    """Return what an element's answer says. ``value``: its JSON, or a SOAP operation's result."""
    reason = at_path(value, rule.reason_path)
    reference = at_path(value, rule.reference_path)
    if not 200 <= status < 300:
        lasting = 300 <= status < 500 and status not in PASSING
        return Answer(said=Said.FAILED, reason=reason or f"the network answered {status}", lasting=lasting)
    if rule.state_path is None:
        return Answer(said=Said.ACCEPTED if status == 202 else Said.DONE, reason=reason, reference=reference)
    found = at_path(value, rule.state_path)
    if found is not None and found in rule.done:
        return Answer(said=Said.DONE, reason=reason, reference=reference)
    if found is not None and found in rule.accepted:
        return Answer(said=Said.ACCEPTED, reason=reason, reference=reference)
    passing = found is None or found in rule.passing
    return Answer(said=Said.FAILED, reason=reason or f"the network answered {found}", lasting=not passing)


def _escaped(value: str, content_type: str) -> str:
    if content_type == FORM:
        return quote(value, safe="")
    if content_type.endswith(("/json", "+json")):
        return json.dumps(value)[1:-1]
    if content_type.endswith(("/xml", "+xml")):
        plain = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return plain.replace('"', "&quot;").replace("'", "&apos;")
    return value
