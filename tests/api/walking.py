"""Calls made of the schema, the WSDL and the routes themselves, so that no operation can be left out of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from graphql.pyutils import Undefined
from spyne import Boolean, ByteArray, ComplexModel, Date, DateTime
from spyne import Decimal as XsDecimal

DEPTH = 5
ADDRESS = {"street": "a", "postcode": "1", "city": "b", "country": "SE"}
SCALARS: dict[str, Any] = {
    "Int": 1,
    "BigInt": "1",
    "Float": 1.0,
    "Boolean": True,
    "String": "x",
    "Decimal": "1",
    "Date": "2026-03-01",
    "DateTime": "2026-03-01T00:00:00+01:00",
    "JsonText": "{}",
    "JSON": {},
    "ID": "x",
}


LATER: dict[str, str] = {"Date": "2026-04-01", "DateTime": "2026-04-01T00:00:00+02:00"}


def fields_of(schema: GraphQLSchema, root: str) -> Mapping[str, Any]:
    """Return the fields of a root type."""
    kind = schema.type_map[root]
    assert isinstance(kind, GraphQLObjectType)
    return dict(kind.fields)


def arguments(schema: GraphQLSchema, root: str, name: str, ids: Mapping[str, str]) -> str:
    """Return arguments for a field of a root type: every one that must be there, and every ID, as ``ids`` has them."""
    field = fields_of(schema, root)[name]
    kind = get_named_type(field.type).name
    told = [
        f"{each}: {_value(argument, each, ids, kind)}"
        for each, argument in field.args.items()
        if _needed(argument) or _wants_id(argument.type)
    ]
    return f"({', '.join(told)})" if told else ""


def _needed(argument: Any) -> bool:
    return isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined


def _wants_id(kind: Any, depth: int = 0) -> bool:
    named = get_named_type(kind)
    if named.name == "ID":
        return True
    if isinstance(named, GraphQLInputObjectType) and depth < 3:
        return any(_wants_id(part.type, depth + 1) for part in named.fields.values())
    return False


def _value(argument: GraphQLArgument | Any, name: str, ids: Mapping[str, str], kind: str, depth: int = 0) -> str:
    wanted = argument.type.of_type if isinstance(argument.type, GraphQLNonNull) else argument.type
    if isinstance(wanted, GraphQLList):
        inner = wanted.of_type.of_type if isinstance(wanted.of_type, GraphQLNonNull) else wanted.of_type
        return f"[{_named(inner, name.removesuffix('s'), ids, kind, depth)}]"
    return _named(wanted, name, ids, kind, depth)


def _named(wanted: Any, name: str, ids: Mapping[str, str], kind: str, depth: int) -> str:
    if isinstance(wanted, GraphQLInputObjectType):
        parts = [
            f"{each}: {_value(part, each, ids, kind, depth + 1)}"
            for each, part in wanted.fields.items()
            if _needed(part) or (depth < 3 and _wants_id(part.type))
        ]
        return "{" + ", ".join(parts) + "}"
    if isinstance(wanted, GraphQLEnumType):
        return str(next(iter(wanted.values)))
    if wanted.name == "ID":
        return json.dumps(ids.get(name) or ids.get(kind[:1].lower() + kind[1:]) or ids["customer"])
    if name.lower().endswith(("until", "to", "end")) and wanted.name in LATER:
        return json.dumps(LATER[wanted.name])
    return json.dumps(SCALARS[wanted.name])


def selection(kind: Any, depth: int = DEPTH, seen: tuple[str, ...] = ()) -> str:
    """Return a selection of everything of a type, a few levels down; no type comes again below itself."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType):
        # What two members call the same is asked of the first alone, unless it is the same thing.
        taken: dict[str, str] = {}
        inner = " ".join(f"... on {one.name} {_member(one, depth, taken)}" for one in named.types)
        return "{ __typename " + inner + " }"
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    parts = ["__typename", *_parts(named, depth, (*seen, named.name))]
    return "{ " + " ".join(parts) + " }"


def _member(one: GraphQLObjectType, depth: int, taken: dict[str, str]) -> str:
    parts = ["__typename"]
    for part in _parts(one, depth, (one.name,)):
        name = part.partition("(")[0].partition(" ")[0]
        what = f"{one.fields[name].type} {part}"
        if taken.setdefault(name, what) == what:
            parts.append(part)
    return "{ " + " ".join(parts) + " }"


def _parts(named: GraphQLObjectType | GraphQLInterfaceType, depth: int, seen: tuple[str, ...]) -> Iterator[str]:
    for name, field in named.fields.items():
        if any(_needed(argument) for argument in field.args.values()):
            continue
        below = get_named_type(field.type)
        if is_leaf_type(below):
            yield name
        elif depth > 1 and below.name not in seen:
            few = "(first: 5)" if "first" in field.args else ""
            yield f"{name}{few} {selection(below, depth - 1, seen)}"


def envelope(operation: Any, told: Mapping[str, str]) -> str:
    """Return a SOAP 1.1 envelope for an operation of spyne's: what must be there, and all that ``told`` has."""
    name = operation.in_message.get_type_name()
    inner = "".join(
        _element(each, kind, told, 0)
        for each, kind in operation.in_message.get_flat_type_info(operation.in_message).items()
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1">'
        f"<s:Body><t:{name}>{inner}</t:{name}></s:Body></s:Envelope>"
    )


def _element(name: str, kind: Any, told: Mapping[str, str], depth: int) -> str:
    if name not in told and not kind.Attributes.min_occurs and not (depth == 0 and issubclass(kind, ComplexModel)):
        return ""
    if issubclass(kind, ComplexModel):
        inner = "".join(_element(each, part, told, depth + 1) for each, part in kind.get_flat_type_info(kind).items())
        return f"<t:{name}>{inner}</t:{name}>" if depth < 4 else ""
    return f"<t:{name}>{told.get(name) or _text(name, kind)}</t:{name}>"


def _text(name: str, kind: Any) -> str:
    if (values := getattr(kind, "__values__", None)) is not None:
        return str(values[0])
    later = name.lower().endswith(("until", "to"))
    for base, text in (
        (Date, "2026-04-01" if later else "2026-03-01"),  # which spyne makes of DateTime
        (DateTime, "2026-04-01T00:00:00Z" if later else "2026-03-01T00:00:00Z"),
        (Boolean, "true"),
        (XsDecimal, "1"),
        (ByteArray, "eA=="),
    ):
        if issubclass(kind, base):
            return text
    return "x"
