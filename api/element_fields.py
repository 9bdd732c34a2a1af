"""A network element as plain fields, the same for GraphQL, SOAP and the command line; secrets go in and never out.

Names may be written as in JSON (``requestSeconds``) or as in TOML (``request_seconds``).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from domain.commands import camel
from domain.contracts.subscription import SubscriptionKind
from domain.provisioning.element import ElementKind, NetworkElement
from domain.provisioning.order import OrderKind
from domain.provisioning.template import Rule, Template
from domain.refusal import BadValue
from domain.usecases.put_element import PutElement

E = TypeVar("E", bound=StrEnum)
_ELEMENT: Final = {field.name: field for field in dataclasses.fields(PutElement)}
_TEMPLATE: Final = {field.name: field for field in dataclasses.fields(Template)}
_RULE: Final = {field.name: field for field in dataclasses.fields(Rule)}
_TRUTHS: Final = frozenset({"undoable", "active"})
_NUMBERS: Final = frozenset({"position", "tries_max", "retry_seconds", "request_seconds", "answer_seconds", "version"})
_LISTS: Final = frozenset({"done", "accepted", "passing"})


def command(fields: Mapping[str, Any]) -> PutElement:
    """Return the command that plain fields say; one that is left out or None has its default. Refuses: BadValue."""
    own: dict[str, Any] = {}
    for name, value in _named(fields, _ELEMENT, ""):
        if name == "kind":
            own[name] = _word(ElementKind, value, name)
        elif name == "orders":
            own[name] = _words(OrderKind, value, name)
        elif name == "lines":
            own[name] = _words(SubscriptionKind, value, name)
        elif name == "templates":
            own[name] = tuple(_template(one, f"templates.{index}") for index, one in enumerate(_listed(value, name)))
        elif name == "credentials":
            own[name] = _texts(value, name)
        else:
            own[name] = _plain(name, value, camel(name))
    for name in ("name", "kind"):
        if name not in own:
            raise BadValue("a network element needs it", field=name)
    return PutElement(**own)


def _template(value: Any, path: str) -> Template:
    own: dict[str, Any] = {}
    for name, one in _named(value, _TEMPLATE, path):
        field = f"{path}.{camel(name)}"
        if name == "orders":
            own[name] = _words(OrderKind, one, field)
        elif name == "headers":
            own[name] = tuple(sorted(_texts(one, field).items()))
        elif name == "answer":
            own[name] = _rule(one, field)
        else:
            own[name] = _plain(name, one, field)
    return Template(**own)


def _rule(value: Any, path: str) -> Rule:
    own: dict[str, Any] = {}
    for name, one in _named(value, _RULE, path):
        field = f"{path}.{camel(name)}"
        if name in _LISTS:
            own[name] = tuple(str(_plain(name, each, field)) for each in _listed(one, field))
        else:
            own[name] = _plain(name, one, field)
    return Rule(**own)


def _named(value: Any, known: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    """Return the fields of an object that are given, by their names here. Refuses with: BadValue."""
    if not isinstance(value, Mapping):
        raise BadValue("is an object", field=path or None)
    found: dict[str, Any] = {}
    for key, one in value.items():
        name = re.sub(r"(?<=[a-z])([A-Z])", lambda hit: f"_{hit[1].lower()}", str(key))
        if name not in known or name in found:
            raise BadValue("no such field, or it stands there twice", field=f"{path}.{key}"[:100].lstrip("."))
        found[name] = one
    return [(name, one) for name, one in found.items() if one is not None]


def _listed(value: Any, field: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise BadValue("is a list", field=field)
    return list(value)


def _word(kind: type[E], value: Any, field: str) -> E:
    try:
        return kind(str(value))
    except ValueError:
        raise BadValue("is one of {words}", words=", ".join(kind), field=field) from None


def _words(kind: type[E], value: Any, field: str) -> tuple[E, ...]:
    return tuple(_word(kind, one, f"{field}.{index}") for index, one in enumerate(_listed(value, field)))


def _texts(value: Any, field: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in (*value, *value.values())):
        raise BadValue("is an object of texts", field=field)
    return dict(value)


def _plain(name: str, value: Any, field: str) -> Any:
    if name in _TRUTHS:
        if not isinstance(value, bool):
            raise BadValue("is true or false", field=field)
    elif name in _NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadValue("is a whole number", field=field)
    elif not isinstance(value, str) or "\0" in value:
        raise BadValue("is a text", field=field)
    else:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadValue("is a text of whole characters", field=field) from None
    return value


def shown(element: NetworkElement) -> dict[str, Any]:
    """Return an element as plain fields. Of a credential only its name and its reference, or that it is kept."""
    fields: dict[str, Any] = {camel(name): _out(getattr(element, name)) for name in _ELEMENT if name != "credentials"}
    fields["credentials"] = {name: one.reference or "kept" for name, one in sorted(element.credentials.items())}
    return fields


def _out(value: Any) -> Any:
    if isinstance(value, Template):
        plain = {camel(name): _out(getattr(value, name)) for name in _TEMPLATE}
        return plain | {"headers": dict(value.headers)}
    if isinstance(value, Rule):
        return {camel(name): _out(getattr(value, name)) for name in _RULE}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_out(one) for one in value]
    return value
