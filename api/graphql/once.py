"""Every mutation under an idempotency key: sent again, the answer that was given, and one effect (B5 to B8).

A mutation whose command takes the key itself (``domain.commands.answered``) keeps it there, in its own transaction. The
key of all others is looked at here, whichever they are: in their input, or beside their arguments.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import strawberry
from graphql import GraphQLResolveInfo, print_ast, value_from_ast_untyped
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types import ExecutionResult
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from api.graphql.refusals import Conflict
from api.keeping import TOLD_ONCE, WITHOUT_KEY, Turn, claim
from domain.ports.keeping import Kept

if TYPE_CHECKING:
    from api.graphql.context import Context

DESCRIPTION: Final = "Sent again, the same answer again."
_KEPT: Final = "kept"


def kept_key() -> Any:
    """Return the field of an input whose key is looked at here; ``api.graphql.inputs.given`` leaves it out."""
    return strawberry.field(default=None, description=DESCRIPTION, metadata={_KEPT: True})


def is_kept_key(field: dataclasses.Field[Any]) -> bool:
    """Tell whether a field of an input is the key, and nothing of the command's."""
    return bool(field.metadata.get(_KEPT))


@dataclass(slots=True)
class Answering:
    """One mutation of an operation whose answer is to be kept: where it stands, and what became of it."""

    place: str
    turn: Turn
    told_once: bool
    refused: bool = False


class Once(FieldExtension):
    """Claims the key before the resolver, and answers in its stead what was answered before."""

    def __init__(self, name: str, *, beside: bool) -> None:
        """``beside``: the key is an argument of its own, since no input holds it."""
        self._name = name
        self._beside = beside

    def apply(self, field: StrawberryField) -> None:
        """Add the argument."""
        if self._beside and all(one.python_name != "idempotency_key" for one in field.arguments):
            key = StrawberryArgument(
                python_name="idempotency_key",
                graphql_name=None,
                type_annotation=StrawberryAnnotation(str | None),
                default=None,
                description=DESCRIPTION,
            )
            field.arguments = [*field.arguments, key]

    async def resolve_async(  # type: ignore[override]  # a mutation may have an argument called source
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: strawberry.Info[Context, None], /, **kwargs: Any
    ) -> Any:
        """Answer. Refuses with: what the mutation does, BadValue, Conflict."""
        key = kwargs.pop("idempotency_key", None) if self._beside else _key_of(kwargs.values())
        if key is None:
            return await next_(source, info, **kwargs)
        context, place = info.context, str(info.path.key)
        claimed = await claim(context.wiring, context.actor, key, _content(info._raw_info))  # noqa: SLF001  (strawberry's own way to graphql-core)
        if isinstance(claimed, Kept):
            context.replayed[place] = claimed.answer
            return Conflict(code="CONFLICT", message="")  # fits every union; the answer takes its place
        one = Answering(place, claimed, self._name in TOLD_ONCE)
        context.answering.append(one)
        one.refused = True
        with claimed.running():
            answer = await next_(source, info, **kwargs)
        one.refused = hasattr(answer, "code") and hasattr(answer, "message")
        return answer


async def settle(context: Context, result: ExecutionResult) -> None:
    """Keep what an operation answered under its keys, and put in place what it was answered before."""
    for place, answer in context.replayed.items():
        if result.data is not None:
            result.data[place] = json.loads(answer)
    broken = {error.path[0] for error in result.errors or () if error.path}
    for one in context.answering:
        whole = result.data is not None and one.place not in broken
        told = json.dumps(result.data[one.place], ensure_ascii=False) if whole and result.data is not None else None
        if one.refused or told is None:
            await one.turn.drop(told)
        else:
            await one.turn.finish(None if one.told_once else told)


def extend(fields: Iterable[StrawberryField]) -> None:
    """Let every mutation take a key, but those that have a reason not to."""
    for field in fields:
        name = field.graphql_name or _camel(field.python_name)
        if name in WITHOUT_KEY or any(isinstance(one, Once) for one in field.extensions):
            continue
        places = [part for argument in field.arguments for part in _parts(argument)]
        keys = [part for part in places if part.name == "idempotency_key"]
        if not keys or is_kept_key(keys[0]):
            field.extensions = [*field.extensions, Once(name, beside=not keys)]


def _parts(argument: StrawberryArgument) -> tuple[dataclasses.Field[Any], ...]:
    kind: Any = argument.type
    kind = getattr(kind, "of_type", kind)
    return dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _key_of(values: Iterable[Any]) -> str | None:
    return next((key for one in values if (key := getattr(one, "idempotency_key", None)) is not None), None)


def _content(info: GraphQLResolveInfo[Any]) -> bytes:
    """Return what is asked: the mutation, its arguments without the key, and what of the answer is wanted."""
    variables: Any = info.variable_values  # by name, as they were coerced
    given = info.field_nodes[0].arguments or ()
    arguments = {one.name.value: value_from_ast_untyped(one.value, variables) for one in given}
    wanted = [print_ast(node.selection_set) for node in info.field_nodes if node.selection_set]
    parts = [print_ast(fragment) for _, fragment in sorted(info.fragments.items())]
    said = [info.field_name, _plain(arguments), wanted, parts]
    return json.dumps(said, sort_keys=True).encode()


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items() if name not in _NAMES}
        case list() | tuple():
            return [_plain(one) for one in value]
        case Enum():
            return str(value.value)
        case Decimal():
            return format(value.normalize(), "f")
        case date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
    return str(value)


_NAMES: Final = frozenset({"idempotencyKey", "idempotency_key"})
