"""What one GraphQL document may ask: depth, aliases and cost are measured before anything is resolved (G1, G3-G5).

The cost of a document is the product of the list sizes on the way to each field: a field costs one, and everything
inside a connection costs ``first`` times as much, inside a plain list ten times. A size that stands in a variable is
the value that is sent with the document; resolvers clamp it again. Fragments are measured once each, so that spreading
one many times costs arithmetic only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)
from strawberry.extensions import SchemaExtension

from api.graphql.unnamed import stands_alone

DEPTH_MAX: Final = 10
ALIASES_MAX: Final = 30
COST_MAX: Final = 50_000
TOKENS_MAX: Final = 2000
OPERATIONS_MAX: Final = 10
FIRST_DEFAULT: Final = 50
FIRST_MAX: Final = 500
LIST_SIZE: Final = 10
INTROSPECTION_DEPTH_MAX: Final = 20
_NO_VARIABLES: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection asks for."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0


class Limits(SchemaExtension):
    """Measures every document with its variables. It stands behind the cache of validated documents, which has none."""

    def on_validate(self) -> Iterator[None]:
        """Report what passes a limit, unless the document is wrong anyway."""
        context = self.execution_context
        if not context.pre_execution_errors and context.graphql_document is not None:
            schema: GraphQLSchema = context.schema._schema  # noqa: SLF001  (strawberry's own way to graphql-core)
            found = faults(context.graphql_document, _lists(schema), context.variables or {})
            # Its operation_name would be the first one's.
            if context._provided_operation_name is None and _operations(context.graphql_document) > 1:  # noqa: SLF001  (what the request said)
                message = "the document holds several operations: say which by operationName"
                context.pre_execution_errors = [GraphQLError(message, extensions={"code": "MALFORMED"})]
            elif found:
                context.pre_execution_errors = [
                    GraphQLError(message, extensions={"code": "LIMIT_EXCEEDED"}) for message in found
                ]
        yield


def _operations(document: DocumentNode) -> int:
    return sum(isinstance(one, OperationDefinitionNode) for one in document.definitions)


@lru_cache(maxsize=8)
def _lists(schema: GraphQLSchema) -> frozenset[str]:
    """Return the names of fields that are plain lists of objects; a connection's edges are counted by ``first``."""
    found: set[str] = set()
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                bare = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
                if isinstance(bare, GraphQLList) and not is_leaf_type(get_named_type(bare)):
                    found.add(name)
    return frozenset(found - {"edges"})


def faults(
    document: DocumentNode, lists: frozenset[str] = frozenset(), variables: Mapping[str, Any] = _NO_VARIABLES
) -> list[str]:
    """Return a sentence for each limit the document passes; ``lists`` names fields that are plain lists."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) > OPERATIONS_MAX:
        return [f"a document holds at most {OPERATIONS_MAX} operations"]
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    found: list[str] = []
    if not stands_alone(document):
        found.append("what tries a password or a code stands alone in its operation, once")
    for operation in operations:
        measure = _Meter(fragments, lists, _sizes(operation, variables)).of(operation.selection_set)
        introspects = any(_is_introspection(node) for node in operation.selection_set.selections)
        depth_max = INTROSPECTION_DEPTH_MAX if introspects else DEPTH_MAX
        if measure.depth > depth_max:
            found.append(f"the query is {measure.depth} levels deep; at most {depth_max} are answered")
        if measure.aliases > ALIASES_MAX:
            found.append(f"the query has {measure.aliases} aliases; at most {ALIASES_MAX} are answered")
        if measure.cost > COST_MAX:
            found.append(f"the query may cost {measure.cost} fields; at most {COST_MAX}: ask for fewer at a time")
    return found


def _sizes(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, int]:
    """Return what each variable of an operation counts as a list's size: what is sent, else what it defaults to.

    What is no whole number, is refused by the variable's type or leaves the size to the field.
    """
    found: dict[str, int] = {}
    for one in operation.variable_definitions or ():
        name = one.variable.name.value
        if name in variables:
            value = variables[name]
        else:
            value = int(one.default_value.value) if isinstance(one.default_value, IntValueNode) else None
        found[name] = value if type(value) is int else FIRST_MAX if value is not None else FIRST_DEFAULT
    return found


class _Meter:
    def __init__(
        self, fragments: dict[str, FragmentDefinitionNode], lists: frozenset[str], sizes: Mapping[str, int]
    ) -> None:
        self._sizes = sizes
        self._fragments = fragments
        self._lists = lists
        self._known: dict[str, Measure] = {}

    def of(self, selections: SelectionSetNode) -> Measure:
        depth = aliases = cost = 0
        for node in selections.selections:
            one = self._node(node)
            depth = max(depth, one.depth)
            aliases += one.aliases
            cost += one.cost
        return Measure(depth, aliases, cost)

    def _node(self, node: Any) -> Measure:
        match node:
            case FieldNode():
                inside = self.of(node.selection_set) if node.selection_set else Measure()
                return Measure(
                    inside.depth + 1, inside.aliases + (node.alias is not None), 1 + inside.cost * self._times(node)
                )
            case InlineFragmentNode():
                return self.of(node.selection_set)
            case FragmentSpreadNode():
                return self._fragment(node.name.value)
        return Measure()

    def _times(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, VariableNode):
                    return max(1, self._sizes.get(value.name.value, FIRST_MAX))
                return max(1, int(value.value)) if isinstance(value, IntValueNode) else FIRST_DEFAULT
        sub = node.selection_set.selections if node.selection_set else ()
        if any(isinstance(one, FieldNode) and one.name.value == "edges" for one in sub):
            return FIRST_DEFAULT
        return LIST_SIZE if node.name.value in self._lists else 1

    def _fragment(self, name: str) -> Measure:
        if name not in self._known:
            # A fragment inside itself counts nothing here; graphql-core's own rule refuses the cycle.
            self._known[name] = Measure()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._known[name] = self.of(fragment.selection_set)
        return self._known[name]


def _is_introspection(node: Any) -> bool:
    return isinstance(node, FieldNode) and node.name.value in {"__schema", "__type"}
