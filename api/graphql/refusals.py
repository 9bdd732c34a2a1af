"""Refusals in GraphQL, mapped once: a mutation answers with a typed member of its union, a query with an error.

Every refusal type implements ``interface Refusal``. A query's refusal stands in ``errors`` with ``extensions.code``;
what is not a refusal is masked, and only its id is told (attack G9).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType, get_named_type
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.utils.str_converters import to_snake_case

from api.catalogues import sentence, told
from api.graphql.closing import Closing
from api.graphql.ids import global_id
from api.journal import note
from api.naming import named
from domain import refusal as no
from domain.access.approval import NeedsApproval as Waiting
from domain.ports.news import TooSlow
from persistence.away import DatabaseAway

faults = logging.getLogger("tollwright.faults")
# As graphql-core tells of a value that is not of its type: the place in the variable, and what is wrong there.
_VARIABLE: Final = re.compile(
    r"Variable '\$(?P<variable>\w+)' has invalid value(?: at (?P<path>[.\w\[\]]+))?: (?P<why>.*)", re.DOTALL
)
_NAMED: Final = re.compile(r"(?:unknown|required) field '(\w+)'")


@strawberry.interface(description="The business says no. Nothing was changed.")
class Refusal:
    """What every refusal tells."""

    code: str = strawberry.field(description="The stable word of its kind, such as NOT_FOUND.")
    message: str
    field: str | None = strawberry.field(default=None, description="The argument it concerns, dots between.")


@strawberry.type(description="A value is not of its form.")
class BadValue(Refusal):
    """``domain.refusal.BadValue``."""


@strawberry.type(description="The caller lacks the permission.")
class NotAllowed(Refusal):
    """``domain.refusal.NotAllowed``."""


@strawberry.type(description="No such thing, or not the caller's to see.")
class NotFound(Refusal):
    """``domain.refusal.NotFound``."""


@strawberry.type(description="It exists already, or the same key came with other content.")
class Conflict(Refusal):
    """``domain.refusal.Conflict``."""


@strawberry.type(description="Somebody changed it since it was read; read it again.")
class Stale(Refusal):
    """``domain.refusal.Stale``."""


@strawberry.type(description="Two intervals or prefixes claim the same.")
class Overlap(Refusal):
    """``domain.refusal.Overlap``."""


@strawberry.type(description="Not possible in the state it is in.")
class WrongState(Refusal):
    """``domain.refusal.WrongState``."""


@strawberry.type(description="Larger, longer or more than is accepted.")
class LimitExceeded(Refusal):
    """``domain.refusal.LimitExceeded``."""


@strawberry.type(description="A file or document that cannot be read at all.")
class Unreadable(Refusal):
    """``domain.refusal.Unreadable``."""


@strawberry.type(description="It waits for somebody else to approve it; nothing is done yet.")
class NeedsApproval(Refusal):
    """``domain.access.approval.NeedsApproval``."""

    approval: strawberry.ID = strawberry.field(description="What he decides on.", default=strawberry.ID(""))


KINDS: Final[dict[type[no.Refusal], type[Refusal]]] = {
    no.BadValue: BadValue,
    no.NotAllowed: NotAllowed,
    no.NotFound: NotFound,
    no.Conflict: Conflict,
    no.Stale: Stale,
    no.Overlap: Overlap,
    no.WrongState: WrongState,
    no.LimitExceeded: LimitExceeded,
    no.Unreadable: Unreadable,
    Waiting: NeedsApproval,
}


def outcome(name: str, success: Any) -> Any:
    """Return the union of what a mutation answers: its success, or one of several, or any refusal."""
    members: Any = success
    for kind in KINDS.values():
        members |= kind
    return Annotated[members, strawberry.union(name)]


def _arguments(info: Any) -> Collection[str]:
    """Return the arguments of the field that is answered, and what is in its inputs."""
    raw = info._raw_info  # noqa: SLF001  (strawberry's own way to graphql-core)
    found: dict[str, Any] = raw.parent_type.fields[raw.field_name].args
    inputs = [get_named_type(one.type) for one in found.values()]
    within = [name for kind in inputs if isinstance(kind, GraphQLInputObjectType) for name in kind.fields]
    return {*found, *within}


def _handler(kind: type[no.Refusal], answers: type[Refusal]) -> strawberry.ExceptionHandler[Any]:
    class Handler:
        exception_type = kind
        error_type = answers

        def handle(self, exception: no.Refusal, *, field: object, info: object) -> Refusal:
            del field
            note(exception, to_snake_case(getattr(info, "field_name", "graphql")))
            place = named(exception.field, _arguments(info))
            told: dict[str, Any] = {"code": kind.code.upper(), "message": sentence(exception), "field": place}
            if isinstance(exception, Waiting):
                told["approval"] = global_id("Approval", exception.approval)
            return answers(**told)

    return Handler()


# The first that fits is taken, so the nearest class stands before the one above it.
HANDLERS: Final = tuple(
    _handler(kind, answers) for kind, answers in sorted(KINDS.items(), key=lambda pair: -len(pair[0].__mro__))
)


class Errors(SchemaExtension):
    """Gives a query's refusal its code, and masks what nobody foresaw."""

    def on_operation(self) -> Iterator[None]:
        """Look at the errors once the operation has ended."""
        yield
        result = self.execution_context.result
        errors = getattr(result, "errors", None)
        if errors:
            result.errors = [shown(error) for error in errors]  # type: ignore[union-attr]  # it has errors

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """Look at the errors of each result of a subscription before it is sent."""
        if result.errors:
            result.errors = [shown(error) for error in result.errors]
        yield


def shown(error: GraphQLError) -> GraphQLError:
    """Return an error as a caller may see it: with its code, or masked."""
    original = error.original_error
    if isinstance(original, StrawberryInputCoercionError):  # null for what may be left out and not emptied
        refusal = no.BadValue("this cannot be empty")
        return _coded(error, sentence(refusal), refusal.code.upper())
    if original is None or isinstance(original, GraphQLError):
        return _worded(error, error.message, error.extensions) if error.extensions else _unfit(error)
    if isinstance(original, InvalidOperationTypeError):
        return _coded(error, "only subscriptions come over a socket; POST queries and mutations", "BAD_REQUEST")
    if isinstance(original, Closing | TooSlow):
        return error  # the socket sees what it is, and ends
    if isinstance(original, no.Refusal):
        note(original, to_snake_case(str(error.path[-1])) if error.path else "graphql")
        return _coded(error, sentence(original), original.code.upper(), field=original.field)
    identity = secrets.token_hex(8)
    if isinstance(original, DatabaseAway):
        faults.error("error %s: %s", identity, original)
        return _coded(error, "the database cannot be reached at the moment; try again", "UNAVAILABLE", id=identity)
    faults.error("error %s", identity, exc_info=original)
    return _coded(error, "something went wrong on our side; tell us the id", "INTERNAL", id=identity)


def coded(error: GraphQLError) -> GraphQLError:
    """Return an error with its code; one of syntax, or a field never reached, has passed no extension before."""
    return error if error.extensions else shown(error)


def _unfit(error: GraphQLError) -> GraphQLError:
    """Return an error of the request itself; a value in its variables is told as any other one, with its field."""
    found = _VARIABLE.fullmatch(error.message)
    if found is None:
        return _coded(error, error.message, "BAD_REQUEST")
    named = _NAMED.search(found["why"])
    steps = [*re.findall(r"\w+", found["path"] or ""), *([named[1]] if named else [])]
    refusal = no.BadValue(
        "the arguments do not fit: {why}", why=found["why"], field=".".join(steps) or found["variable"]
    )
    return _coded(error, sentence(refusal), refusal.code.upper(), field=refusal.field)


def _coded(error: GraphQLError, message: str, code: str, **more: str | None) -> GraphQLError:
    return _worded(error, message, {"code": code} | {name: value for name, value in more.items() if value is not None})


def _worded(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        told(message),
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
