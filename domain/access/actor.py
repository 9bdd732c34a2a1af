"""The caller of a use case and the permission check that every use case makes first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.access.doing import ASKED
from domain.access.editions import PARTS, Edition, Part, editions_of, names
from domain.access.limits import NO_LIMITS, Limits
from domain.ids import ApprovalId, LevelId, OperatorId, ResellerId, UserId
from domain.refusal import NotAllowed


class Action(StrEnum):
    """One permission per kind of work; its value is the OAuth2 scope."""

    READ_CUSTOMERS = "customers:read"
    WRITE_CUSTOMERS = "customers:write"
    READ_CONTRACTS = "contracts:read"
    WRITE_CONTRACTS = "contracts:write"
    READ_PRICES = "prices:read"
    WRITE_PRICES = "prices:write"
    READ_USAGE = "usage:read"
    READ_COSTS = "costs:read"
    IMPORT_CDR = "cdr:import"
    RERATE = "usage:rerate"
    READ_INVOICES = "invoices:read"
    RUN_BILLS = "bills:run"
    MANAGE_CLIENTS = "clients:manage"
    READ_PAYMENTS = "payments:read"
    WRITE_PAYMENTS = "payments:write"
    PAY_OUT = "payouts:write"
    READ_METRICS = "metrics:read"
    READ_ALARMS = "alarms:read"
    MANAGE_ALARMS = "alarms:manage"
    MANAGE_JOBS = "jobs:manage"
    MANAGE_SUSPENSE = "suspense:manage"
    MANAGE_FEEDS = "feeds:manage"
    MANAGE_NUMBERS = "numbers:manage"
    MANAGE_NETWORK = "network:manage"
    READ_EVENTS = "events:read"
    MANAGE_WEBHOOKS = "webhooks:manage"
    MANAGE_OPERATOR = "operator:manage"
    WRITE_OWN_PRICES = "prices:own"
    READ_METER = "meter:read"
    READ_COMMISSIONS = "commissions:read"
    WRITE_COMMISSIONS = "commissions:write"
    SYNC_CUSTOMERS = "customers:sync"
    READ_BASIS = "basis:read"
    READ_USERS = "users:read"
    MANAGE_USERS = "users:manage"
    MANAGE_LEVELS = "levels:manage"
    APPROVE = "approvals:decide"
    READ_AUDIT = "audit:read"
    AUTHORISE = "credit:authorise"
    MANAGE_CREDIT = "credit:manage"


# What only the operator himself may do, whatever scopes a reseller's client was given.
OPERATOR_ONLY = frozenset(
    {
        Action.READ_COSTS,
        Action.WRITE_PRICES,
        Action.IMPORT_CDR,
        Action.RERATE,
        Action.RUN_BILLS,
        Action.READ_PAYMENTS,
        Action.WRITE_PAYMENTS,
        Action.PAY_OUT,
        Action.READ_METRICS,
        Action.READ_ALARMS,
        Action.MANAGE_ALARMS,
        Action.MANAGE_JOBS,
        Action.MANAGE_SUSPENSE,
        Action.MANAGE_FEEDS,
        Action.MANAGE_NUMBERS,
        Action.MANAGE_NETWORK,
        Action.MANAGE_OPERATOR,
        Action.READ_METER,
        Action.WRITE_COMMISSIONS,
        Action.SYNC_CUSTOMERS,
        Action.READ_BASIS,
        Action.APPROVE,
    }
)
# What is about all customers and cannot be cut down to some: who reaches those of some groups alone does not have it.
ABOUT_ALL = frozenset(
    {
        Action.IMPORT_CDR,
        Action.RERATE,
        Action.RUN_BILLS,
        Action.READ_PAYMENTS,
        Action.WRITE_PAYMENTS,
        Action.PAY_OUT,
        Action.READ_METRICS,
        Action.READ_ALARMS,
        Action.MANAGE_ALARMS,
        Action.MANAGE_JOBS,
        Action.MANAGE_SUSPENSE,
        Action.MANAGE_FEEDS,
        Action.READ_EVENTS,
        Action.MANAGE_WEBHOOKS,
        Action.READ_COMMISSIONS,
        Action.WRITE_COMMISSIONS,
        Action.SYNC_CUSTOMERS,
        Action.READ_BASIS,
        Action.READ_AUDIT,
        Action.APPROVE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An authenticated caller: which operator, as which client, with which scopes.

    ``reseller`` is None for the operator's own clients. ``resellers`` is the subtree a reseller's client may reach, his
    own id first; it is empty for the operator's own clients, who reach everything of their operator.
    ``address`` is the network address the call came from, for the audit. ``edition`` is his operator's. ``user`` is who
    signed in, None for a machine; ``client`` is the portal he came through then. ``factor`` names how the caller proved
    who he is, as ``secret``, ``password+totp`` or ``password+webauthn``; ``behalf`` on whose behalf he says he acts.
    ``session`` is the name of his session, where somebody has signed in. ``language`` is the one he set for himself.
    ``operations`` are single ones that his ``level`` gives beside whole scopes, by their use cases' names; ``limits``
    are the level's. ``approval`` is the one by which somebody else let this be done.
    """

    operator: OperatorId
    client: str
    scopes: frozenset[Action]
    reseller: ResellerId | None = None
    resellers: tuple[ResellerId, ...] = ()
    address: str | None = None
    edition: Edition = Edition.RETAIL
    user: UserId | None = None
    factor: str = ""
    session: str | None = None
    behalf: str | None = None
    language: str | None = None
    level: LevelId | None = None
    operations: frozenset[str] = frozenset()
    limits: Limits = NO_LIMITS
    approval: ApprovalId | None = None

    @property
    def person(self) -> str:
        """Return who answers for what is done, whichever client he comes through: ``user:12``, or ``client:tw_x``."""
        return f"client:{self.client}" if self.user is None else f"user:{self.user}"

    @property
    def caller(self) -> str:
        """Return who calls, in a word: the client, and the user where one has signed in through it."""
        return self.client if self.user is None else f"{self.client} {self.user}"

    def may(self, action: Action, operation: str | None = None) -> bool:
        """Tell whether the caller holds the permission: for everything of it, or for one operation."""
        if self.edition not in editions_of(action):
            return False
        if action not in self.scopes and (operation is None or operation not in self.operations):
            return False
        if self.limits.groups and action in ABOUT_ALL:
            return False
        return self.reseller is None or action not in OPERATOR_ONLY

    @property
    def knows_permissions(self) -> bool:
        """Tell whether he is told what he lacks: the operator's callers, and who looks after levels or users.

        A reseller's other callers would learn from it what the operator gives whom.
        """
        return self.reseller is None or bool({Action.MANAGE_LEVELS, Action.READ_USERS} & self.scopes)

    def reaches(self, reseller: ResellerId | None) -> bool:
        """Tell whether something that belongs to ``reseller`` (None: the operator himself) is the caller's to see."""
        return self.reseller is None or reseller in self.resellers


def allow(actor: Actor, action: Action, operation: str | None = None) -> None:
    """Let the caller pass, for one operation or for everything that the permission is for.

    Refuses with: NotAllowed, naming the permission that is missing, or the editions that this is in.
    """
    if actor.edition not in (editions := editions_of(action)):
        raise NotAllowed(
            "this is not in the operator's edition, {edition}: {permission} is in {editions}",
            edition=actor.edition.value,
            permission=action.value,
            editions=names(editions),
        )
    if not actor.may(action, operation):
        if not actor.knows_permissions:
            raise NotAllowed("this is not allowed")
        raise NotAllowed(
            "this needs the permission {permission}, which {client} does not have",
            permission=action.value,
            client=actor.client,
        )
    if (asked := ASKED.get()) is not None:
        asked.add((action.value, operation or ""))


def check_reach(actor: Actor, *, bulk: bool) -> None:
    """Keep who reaches some customers alone from work on all of them. Refuses with: NotAllowed."""
    if bulk and actor.limits.groups:
        raise NotAllowed("this is done to all customers, and your level reaches those of some groups alone")


def may_write_prices(actor: Actor, operation: str) -> None:
    """Let the operator's clients pass, and a reseller's, which reach lists of their own alone.

    Refuses with: NotAllowed.
    """
    allow(actor, Action.WRITE_PRICES if actor.reseller is None else Action.WRITE_OWN_PRICES, operation)


def within(actor: Actor, part: Part) -> None:
    """Let the caller pass where his operator's edition has this. Refuses with: NotAllowed."""
    if actor.edition not in PARTS[part]:
        raise NotAllowed(
            "this is not in the operator's edition, {edition}: {part} are in {editions}",
            edition=actor.edition.value,
            part=part.value,
            editions=names(PARTS[part]),
        )


def system(operator: OperatorId, client: str = "system", *, edition: Edition = Edition.RETAIL) -> Actor:
    """Return the actor of the command line and of workers on the operator's own machine: every permission."""
    return Actor(operator=operator, client=client, scopes=frozenset(Action), edition=edition)
