"""Nobody gives more than he has: what somebody who makes or hands out a level may put into it."""

from __future__ import annotations

from domain.access.actor import OPERATOR_ONLY, Action, Actor
from domain.access.editions import editions_of
from domain.access.level import Level
from domain.access.limits import Limits
from domain.access.operations import DECLARED, alternatives
from domain.refusal import BadValue, NotAllowed


def check_gives(actor: Actor, level: Level, *, field: str = "level") -> None:
    """Let somebody pass who holds everything that the level gives, and is not held to less of it.

    What a reseller's people could not use anyhow, since it is the operator's alone, is not counted.
    Refuses with: NotAllowed, naming what he lacks.
    """
    lacking = missing(actor, level)
    if lacking:
        raise NotAllowed(
            "nobody gives more than he has; you do not have {permissions}", permissions=", ".join(lacking), field=field
        )
    if not narrower(level.limits, actor.limits):
        raise NotAllowed("nobody gives more than he has; your own level is limited more than this", field=field)


def missing(actor: Actor, level: Level) -> list[str]:
    """Return the permissions of a level that the actor lacks, by name."""
    of_reseller = actor.reseller is not None or level.reseller is not None
    theirs = of_reseller and level.built_in is not None

    def lacks(scope: Action) -> bool:
        usable = actor.edition in editions_of(scope.value) and not (theirs and scope in OPERATOR_ONLY)
        return usable and scope not in actor.scopes

    lacking = [scope.value for scope in level.scopes if lacks(scope)]
    for name in level.operations:
        found = DECLARED.get(name)
        # Whoever has the operation passes for each of its permissions, so that all of them are given with it.
        asked = () if found is None else (*found.scopes, *alternatives(found, actor.edition, reseller=of_reseller))
        if any(map(lacks, asked)) and name not in actor.operations:
            lacking.append(name)
    return sorted(lacking)


def narrower(given: Limits, own: Limits) -> bool:
    """Tell whether limits let nobody further than one's own do."""
    if own.amounts:
        most = {one.currency: one for one in own.amounts}
        for one in given.amounts:
            ceiling = most.get(one.currency)
            if ceiling is None or one.each > ceiling.each:
                return False
            if ceiling.day is not None and (one.day is None or one.day > ceiling.day):
                return False
        if not given.amounts:
            return False
    if own.groups and not (given.groups and given.groups <= own.groups):
        return False
    return own.reseller is None or given.reseller is not None


def check_words(words: frozenset[str], *, reseller: bool) -> None:
    """Check that every permission is one: a scope, or an operation.

    ``reseller``: the level is a reseller's, who cannot hold what is the operator's alone.
    Refuses with: BadValue, naming the first that is none.
    """
    scopes = {action.value: action for action in Action}
    for word in sorted(words):
        found = DECLARED.get(word)
        if word not in scopes and found is None:
            raise BadValue(
                "{word!r} is neither a scope nor an operation; operations (SOAP: ListOperations) tells them",
                word=word[:80],
                field="permissions",
            )
        asked = (scopes[word],) if found is None else found.scopes
        closed = found is not None and bool(found.any_of) and OPERATOR_ONLY.issuperset(found.any_of)
        if reseller and (closed or any(scope in OPERATOR_ONLY for scope in asked)):
            raise BadValue("a reseller's level cannot hold {word}", word=word, field="permissions")
