"""What can be done at all: every use case by its name, the scopes it asks for, and what it does in a sentence.

A use case declares itself with :func:`operation`, which is the check and the list at once: what is not declared has no
permission to give, and what is declared cannot run without being asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar, cast

from domain.access.actor import OPERATOR_ONLY, Action, Actor, allow
from domain.access.doing import ASKED, BEGUN, DOING
from domain.access.editions import Edition, editions_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A use case: it needs all of ``scopes`` and, where there are any, one of ``any_of``, by what it is asked."""

    name: str
    scopes: tuple[Action, ...]
    any_of: tuple[Action, ...] = ()
    description: str


def alternatives(found: Operation, edition: Edition, *, reseller: bool) -> tuple[Action, ...]:
    """Return those permissions, of which one will do, that somebody of an edition (a reseller's) can have at all."""
    return tuple(
        scope
        for scope in found.any_of
        if edition in editions_of(scope.value) and not (reseller and scope in OPERATOR_ONLY)
    )


_declared: Final[dict[str, Operation]] = {}
# Of the modules that have been imported; ``domain.usecases.list_operations.every`` imports them all.
DECLARED: Final[Mapping[str, Operation]] = MappingProxyType(_declared)


def ask_any(actor: Actor, name: str, any_of: tuple[Action, ...]) -> None:
    """Let the caller pass who has one of the permissions. Refuses with: NotAllowed, naming the first."""
    if not any(actor.may(scope, name) for scope in any_of):
        allow(actor, any_of[0], name)
    if (asked := ASKED.get()) is not None:
        asked.add(("", name))


def ask_again(actor: Actor, asked: Iterable[tuple[str, str]]) -> None:
    """Let the caller pass who may still do what was asked for before (``ASKED``). Refuses with: NotAllowed."""
    for scope, name in sorted(asked):
        if scope:
            allow(actor, Action(scope), name or None)
        elif (found := _declared.get(name)) is not None:
            ask_any(actor, name, found.any_of)


def operation(*scopes: Action, any_of: tuple[Action, ...] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a use case, and let its caller (the keyword argument ``actor``) pass before anything of it runs.

    ``any_of`` is for one whose scope hangs on what it is asked: it passes who has one, and the use case itself asks
    ``allow`` for the right one. The use case refuses with NotAllowed.
    """
    assert scopes or any_of, "an operation without a permission"

    def declare(use_case: Callable[P, R]) -> Callable[P, R]:
        name = use_case.__name__
        assert name not in _declared, f"two operations of one name: {name}"
        said = (use_case.__doc__ or "").strip().partition("\n\n")[0]
        assert said, f"{name} does not say what it does"
        _declared[name] = Operation(
            name=name, scopes=scopes, any_of=any_of, description=" ".join(said.partition("Refuses with")[0].split())
        )

        def ask(actor: Actor) -> None:
            DOING.set(name)
            if (begun := BEGUN.get()) is not None:
                begun(name)
            for scope in scopes:
                allow(actor, scope, name)
            if any_of:
                ask_any(actor, name, any_of)

        @wraps(use_case)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            ask(cast("Actor", kwargs["actor"]))
            return use_case(*args, **kwargs)

        @wraps(use_case)
        async def asked_when_awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            ask(cast("Actor", kwargs["actor"]))
            return await cast("Awaitable[Any]", use_case(*args, **kwargs))

        return cast("Callable[P, R]", asked_when_awaited) if iscoroutinefunction(use_case) else asked

    return declare
