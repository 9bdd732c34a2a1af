"""A user level: what everybody who has it may do, and how far.

A permission is a word: a scope, such as ``contracts:write``, which is every operation of that scope, also those of
later releases; or the name of one operation, such as ``swap_sim``. Who has neither may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from domain.access.actor import OPERATOR_ONLY, Action, Actor
from domain.access.limits import NO_LIMITS, Limits
from domain.access.operations import DECLARED, alternatives
from domain.ids import LevelId, OperatorId, ResellerId

NAME_MAX = 100

_SCOPES: Final = {action.value: action for action in Action}
_READS: Final = frozenset(word for word in _SCOPES if word.endswith(":read"))
_DESK: Final = frozenset(
    {"customers:read", "contracts:read", "prices:read", "usage:read", "invoices:read", "payments:read", "events:read"}
)
# What is done at the telephone for somebody who is a customer already.
_CARE: Final = frozenset(
    {
        "change_customer", "note_customer", "swap_sim", "step_subscription", "place_order", "assign_numbers",
        "release_numbers", "change_subscription", "retry_order", "cancel_order", "grant_units", "give_units",
        "dispute_invoice",
    }
)  # fmt: skip
_RESELLERS: Final = frozenset(action.value for action in Action if action not in OPERATOR_ONLY)

# What each built-in level holds. They are there for every operator, and are copied where something else is wanted.
BUILT_IN: Final[Mapping[str, frozenset[str]]] = {
    "administrator": frozenset(_SCOPES),
    "billing": _DESK
    | {"bills:run", "payments:write", "payouts:write", "commissions:read", "commissions:write", "basis:read"}
    | {"meter:read", "approvals:decide", "note_customer", "credit:manage"},
    "price_manager": frozenset({"prices:read", "prices:write", "costs:read", "usage:read", "usage:rerate"})
    | {"customers:read", "contracts:read", "events:read", "approvals:decide"},
    "support": _DESK | _CARE | {"alarms:read"},
    "seller": frozenset(
        {"customers:read", "contracts:read", "contracts:write", "prices:read", "commissions:read", "events:read"}
    )
    | {"create_customer", "change_customer", "note_customer"},
    "reseller_administrator": _RESELLERS,
    "reseller_support": (_DESK & _RESELLERS) | _CARE,
    "auditor": _READS | {"list_bill_runs", "list_drafts", "list_clients"},
    "read_only": _READS - {"costs:read", "users:read", "audit:read", "metrics:read", "meter:read"},
    "machine": _READS - {"users:read", "audit:read", "costs:read"}
    | {
        "customers:write",
        "contracts:write",
        "customers:sync",
        "cdr:import",
        "payments:write",
        "webhooks:manage",
        "credit:authorise",
    },
}

# Those whose people are let in with a second factor alone.
TWICE: Final = frozenset({"administrator", "reseller_administrator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A named set of permissions. ``built_in`` is the key of a built-in one; ``reseller`` whose own it is."""

    id: LevelId
    operator: OperatorId
    name: str
    built_in: str | None = None
    reseller: ResellerId | None = None
    permissions: frozenset[str] = frozenset()
    limits: Limits = NO_LIMITS
    requires_second_factor: bool = False
    removed: bool = False
    version: int = 1

    @property
    def held(self) -> frozenset[str]:
        """What it gives: of a built-in one, what this release says; one that it does not know gives nothing."""
        return self.permissions if self.built_in is None else BUILT_IN.get(self.built_in, frozenset())

    @property
    def scopes(self) -> frozenset[Action]:
        """The scopes that it gives whole."""
        return _split(self.held)[0]

    @property
    def operations(self) -> frozenset[str]:
        """The single operations that it gives beside."""
        return _split(self.held)[1]


@lru_cache(maxsize=1000)
def _split(words: frozenset[str]) -> tuple[frozenset[Action], frozenset[str]]:
    """Return the scopes among permissions, and the single operations; asked for in every request."""
    scopes = frozenset(_SCOPES[word] for word in words if word in _SCOPES)
    return scopes, frozenset(word for word in words if word not in _SCOPES)


def with_level(actor: Actor, level: Level) -> Actor:
    """Return the actor as far as his level lets him: of the scopes he comes with, those that both say.

    For a person ``actor.scopes`` are those of the portal he came through, which can do no more for him than it was
    given; for a machine its own. So a single operation is his where the portal has the scopes that it asks for. Who
    gives a level a part of the resellers' tree also sets ``reseller`` and ``resellers`` to it.
    """
    return replace(
        actor,
        scopes=actor.scopes & level.scopes,
        operations=frozenset(name for name in level.operations if _passes(name, actor)),
        limits=level.limits,
        level=level.id,
    )


def as_himself(actor: Actor) -> Actor:
    """Return somebody as he looks after himself alone: he belongs to more than the part that his level limits him to.

    He may nothing else so.
    """
    if actor.limits.reseller is None:
        return actor
    return replace(actor, scopes=frozenset(), operations=frozenset(), reseller=None, resellers=())


def asked_by(level: Level) -> frozenset[Action]:
    """Return the scopes that a client needs to do all that a level gives."""
    found = [DECLARED[name] for name in level.operations if name in DECLARED]
    return level.scopes | {scope for one in found for scope in (*one.scopes, *one.any_of)}


def _passes(name: str, actor: Actor) -> bool:
    """Tell whether everything that an operation may stand for is the caller's: each scope, and each alternative."""
    found = DECLARED.get(name)
    if found is None:
        return False
    any_of = alternatives(found, actor.edition, reseller=actor.reseller is not None)
    return bool(any_of or not found.any_of) and actor.scopes.issuperset((*found.scopes, *any_of))
