"""Everything that can be asked, made of the schema, the WSDL's operations and the OpenAPI document, with real values.

Each argument is given every value that it may have out of a world: its ids, its names, each word of a closed list. An
operation that is added is asked with the rest; a route is asked where ``Given.paths`` says how.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type
from graphql.pyutils import Undefined
from spyne import ComplexModel

from api.graphql.ids import read_id
from tests.api.conftest import House
from tests.api.holdings import absent
from tests.api.test_every_operation import schema as made_schema
from tests.api.test_isolation_walk import NAMED
from tests.api.walking import LATER, SCALARS, envelope, fields_of, selection

MOST: Final = 14  # questions of one field or operation
DEPTHS: Final = (7, 6, 5, 4, 3, 2)


@dataclass
class Given:
    """What a world has. ``ids``: kind to global ids; ``texts``: the name of an argument or element to its values.

    ``elements``: the same of SOAP's. ``bodies``: a path of the OpenAPI document to the bodies that are sent there.
    """

    ids: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]
    elements: Mapping[str, Sequence[str]]
    bodies: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def of_kind(self, name: str, kind: str) -> list[str]:
        """Return ids for an argument of a field that answers with a kind; all there are where nothing else fits."""
        for likely in (NAMED.get(name, ""), name[:1].upper() + name[1:], name[:1].upper() + name[1:].removesuffix("s")):
            if likely in self.ids:
                return list(self.ids[likely]) or [absent(likely)]
        if kind in self.ids:
            return list(self.ids[kind]) or [absent(kind)]
        return [key for keys in self.ids.values() for key in keys[:1]]


schema = cache(made_schema)


def questions(root: str, given: Given, most: int = MOST) -> Iterator[tuple[str, str]]:
    """Yield the name of each field of a root type with a call of it, without its selection, as often as it differs."""
    for name, one in fields_of(schema(), root).items():
        kind = get_named_type(one.type).name
        options = {each: _options(part, each, given, kind, 0) for each, part in one.args.items()}
        for chosen in itertools.islice(_varied(options), most):
            told = ", ".join(f"{each}: {value}" for each, value in chosen.items())
            yield name, f"{name}({told})" if told else name


def _varied(options: Mapping[str, list[str | None]]) -> Iterator[dict[str, str]]:
    """Yield the first of each, then each other one by itself, then every pair of closed lists; None: left out."""
    first = {name: values[0] for name, values in options.items() if values}
    seen = set()
    others = [{name: value} for name, values in options.items() for value in values[1:]]
    lists = [(name, values) for name, values in options.items() if len(values) > 2 and str(values[-1]).isupper()]
    pairs = [
        {one: mine, other: yours}
        for (one, ours), (other, theirs) in itertools.combinations(lists, 2)
        for mine in ours
        for yours in theirs
    ]
    for change in [{}, *others, *pairs]:
        made = {name: value for name, value in (first | change).items() if value is not None}
        key = json.dumps(made, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield made


def _options(part: Any, name: str, given: Given, kind: str, depth: int) -> list[str | None]:
    needed = isinstance(part.type, GraphQLNonNull) and part.default_value is Undefined
    values = _values(part.type, name, given, kind, depth)
    if needed:
        return [*values]
    return [None, *(values if _matters(part.type, name, given) else [])]


def _matters(kind: Any, name: str, given: Given) -> bool:
    """Tell whether giving an argument that may be left out could change what is told."""
    named = get_named_type(kind)
    return isinstance(named, GraphQLEnumType | GraphQLInputObjectType) or named.name == "ID" or name in given.texts


def _values(kind: Any, name: str, given: Given, answers: str, depth: int) -> list[str]:
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        return [f"[{value}]" for value in _values(kind.of_type, name.removesuffix("s"), given, answers, depth)]
    if isinstance(kind, GraphQLInputObjectType):
        if depth > 2:
            return []
        options = {each: _options(part, each, given, answers, depth + 1) for each, part in kind.fields.items()}
        if any(not values for each, values in options.items() if isinstance(kind.fields[each].type, GraphQLNonNull)):
            return []
        made = _varied({each: values for each, values in options.items() if values})
        return ["{" + ", ".join(f"{each}: {value}" for each, value in one.items()) + "}" for one in made]
    if isinstance(kind, GraphQLEnumType):
        return [str(value) for value in kind.values]
    if kind.name == "ID":
        return [json.dumps(key) for key in given.of_kind(name, answers)]
    if name in given.texts:
        return [json.dumps(text) for text in given.texts[name]]
    if name.lower().endswith(("until", "to", "end")) and kind.name in LATER:
        return [json.dumps(LATER[kind.name])]
    if kind.name == "Boolean":
        return ["true", "false"]
    return [json.dumps(SCALARS[kind.name])]


_deepest: dict[tuple[str, str], int] = {}  # how far down a field may be asked for everything


@cache
def _selected(root: str, name: str, depth: int) -> str:
    return selection(fields_of(schema(), root)[name].type, depth)


async def ask(house: House, client: str, root: str, name: str, call: str) -> str:
    """Return what is answered to a call with all that can be selected of it."""
    word = root.lower()
    for depth in (_deepest[root, name],) if (root, name) in _deepest else DEPTHS:
        asked = f"{word} {{ a: {call} {_selected(root, name, depth)} }}"
        answer = await house.call(client, "POST", "/graphql", json={"query": asked})
        if answer.status_code == 200:
            assert '"INTERNAL"' not in answer.text, (client, call, answer.text)
            _deepest[root, name] = depth
            return answer.text
    raise AssertionError((client, call, answer.text))


def envelopes(operation: Any, given: Given, most: int = MOST) -> Iterator[str]:
    """Yield envelopes of a SOAP operation: each element's first value, then every other one by itself."""
    names = dict(_leaves(operation.in_message, 0))
    first = {name: values[0] for name in names if (values := given.elements.get(name))}
    others: list[dict[str, str]] = [
        {name: value}
        for name, kind in names.items()
        for value in (getattr(kind, "__values__", None) or given.elements.get(name, ())[1:])
    ]
    without = [{name: ""} for name in names if name in first]
    for change in itertools.islice(({}, *others, *without), most):
        told = {name: str(value) for name, value in (first | change).items() if value != ""}
        yield envelope(operation, told)


def _leaves(kind: Any, depth: int) -> Iterator[tuple[str, Any]]:
    for name, part in kind.get_flat_type_info(kind).items():
        if issubclass(part, ComplexModel):
            if depth < 3:
                yield from _leaves(part, depth + 1)
        else:
            yield name, part


async def ask_soap(house: House, client: str, body: str) -> str:
    """Return what is answered to an envelope."""
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    answer = await house.call(client, "POST", "/soap", content=body, headers=headers)
    assert "Server.internal" not in answer.text, (client, body, answer.text)
    return answer.text


# What stands in a path, where its name says what it is; ``{id}`` is every key that there is.
PARTS: Final[Mapping[str, Sequence[str]]] = {
    "source": ["asterisk"],
    "name": ["asked.csv"],
    "sheet": ["customers.csv", "customers.xlsx", "contracts.csv", "contracts.xlsx", "subscriptions.csv", "numbers.csv"],
    "kind": ["customers", "contracts", "subscriptions", "numbers"],
    "element": ["none"],
    "operator": ["1"],
}


def requests(document: Mapping[str, Any], given: Given, most: int = MOST) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and body for every route of the OpenAPI document, with every key that there is."""
    for path, methods in document["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        values = [_of_path(name, path, given) for name in names]
        for chosen in itertools.islice(itertools.product(*values), most):
            asked = path
            for name, value in zip(names, chosen, strict=True):
                asked = asked.replace("{" + name + "}", value)
            for method in methods:
                for body in given.bodies.get(path, [{}]) if method != "get" else [None]:
                    yield method.upper(), asked, body


def _of_path(name: str, path: str, given: Given) -> Sequence[str]:
    if name in PARTS:
        return PARTS[name]
    if name == "event":
        return [read_id(key)[1] for key in given.ids.get("Usage", ())] or ["1.1.1"]
    before = path.partition("{" + name + "}")[0].rstrip("/").rpartition("/")[2].removesuffix("s")
    kinds = [kind for kind in given.ids if kind.lower().endswith(before)] or list(given.ids)
    return list(dict.fromkeys(read_id(key)[1] for kind in kinds for key in given.ids[kind])) or ["999999999"]


async def ask_rest(house: House, client: str, method: str, path: str, body: Any) -> bytes:
    """Return what a route answers, head and all."""
    more = {} if body is None else {"json": body}
    answer = await house.call(client, method, path, **more)
    assert answer.status_code < 500, (client, method, path, answer.text)
    head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return head.encode() + b"\n" + answer.content if not answer.content.startswith((b"%PDF", b"PK")) else answer.content
