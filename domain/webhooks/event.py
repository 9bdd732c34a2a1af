"""Events, and how the change that an audit line tells of is named as one.

Every use case ends a change with one line in the audit trail; that line, in the same transaction, is the event, so that
no change can be forgotten. ``change_customer`` on ``customer:12`` is the event ``customer.changed`` of that customer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.ids import EventId, OperatorId, ResellerId

# The verbs that audit lines begin with. None: it changes nothing, or its use case tells of it itself, with more.
VERBS: Final[Mapping[str, str | None]] = {
    "abandon": "abandoned",
    "accept": "accepted",
    "acknowledge": "acknowledged",
    "activate": "activated",
    "add": "added",
    "adjust": "adjusted",
    "answer": "answered",
    "apply": "applied",
    "approve": "approved",
    "assign": "assigned",
    "attach": "attached",
    "authorise": None,
    "bar": "barred",
    "block": "blocked",
    "cancel": "cancelled",
    "change": "changed",
    "check": "checked",
    "classify": "classified",
    "close": "closed",
    "compensate": "compensated",
    "complete": "completed",
    "confirm": "confirmed",
    "correct": "corrected",
    "create": "created",
    "cross": "crossed",
    "decide": "dispute_decided",
    "decline": "declined",
    "define": "defined",
    "delete": "deleted",
    "discard": "discarded",
    "disable": "disabled",
    "dispute": "disputed",
    "downgrade": "downgraded",
    "drop": "dropped",
    "enable": "enabled",
    "enrol": "enrolled",
    "end": "ended",
    "erase": "erased",
    "expire": "expired",
    "export": None,
    "fail": "failed",
    "fall": "fell_below",
    "fetch": None,
    "fix": "fixed",
    "free": "freed",
    "gift": "gifted",
    "give": "given",
    "grant": "granted",
    "hand": "handed_over",
    "hold": "held",
    "import": "imported",
    "invite": "invited",
    "join": "joined",
    "keep": "kept",
    "leave": "left",
    "lock": "locked",
    "make": "made",
    "merge": "merged",
    "misplan": "plan_failed",
    "miss": "sign_in_failed",
    "move": "moved",
    "note": "noted",
    "order": "ordered",
    "park": "parked",
    "place": "placed",
    "plan": "planned",
    "poll": None,
    "port": "ported",
    "price": "priced",
    "promise": None,
    "publish": "published",
    "put": "kept",
    "quarantine": "quarantined",
    "raise": "raised",
    "read": None,
    "receive": "received",
    "rebate": "rebated",
    "redo": "redone",
    "refuse": "refused",
    "reject": "rejected",
    "release": "released",
    "remove": "removed",
    "renew": "renewed",
    "replay": None,
    "request": "requested",
    "rerate": "rerated",
    "reserve": "reserved",
    "reset": "reset",
    "resume": "resumed",
    "retire": "retired",
    "retry": "retried",
    "revoke": "revoked",
    "roll": "rolled_back",
    "rotate": "rotated",
    "run": "run",
    "schedule": "scheduled",
    "send": "sent",
    "set": "set",
    "settle": "settled",
    "sign": "signed_in",
    "simulate": "simulated",
    "start": "started",
    "step": "stepped",
    "suspend": "suspended",
    "sweep": None,
    "topup": "topped_up",
    "warn": None,
    "swap": "swapped",
    "take": "taken",
    "test": None,
    "top": "topped_up",
    "transfer": "transferred",
    "try": None,
    "unbar": "unbarred",
    "unlock": "unlocked",
    "unplan": "plan_cancelled",
    "upgrade": "upgraded",
    "upsert": "kept",
    "withdraw": "withdrawn",
}
TEST: Final = "webhook.test"
# Lines whose use case promises an event of its own, which says more.
TOLD: Final = frozenset({"import_cdr", "rerate", "withdraw_file"})
_ACTION: Final = re.compile(r"([a-z]+)(_[a-z_]+)?", re.ASCII)
_SUBJECT: Final = re.compile(r"([a-z_]+)(?::(.{1,200}))?", re.ASCII)
_PATTERN: Final = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One committed change. ``subject`` is what it happened to, as ``customer:12``; ``reseller`` whose that is.

    ``data`` is JSON: what the audit trail keeps of the change, never more than names of fields, keys and counts.
    """

    id: EventId
    operator: OperatorId
    kind: str
    subject: str
    at: datetime
    data: Mapping[str, object]
    reseller: ResellerId | None = None

    @property
    def identity(self) -> str:
        """The id that a receiver knows it again by, the same for ever and in every delivery."""
        return f"evt_{self.operator}_{self.id}"


def named(action: str, subject: str) -> str | None:
    """Return the kind of event that an audit line is; None where it tells of no change, or tells of itself.

    >>> named("change_customer", "customer:12"), named("read_customer", "customer:12"), named("bills.run", "bill_run:1")
    ('customer.changed', None, None)
    """
    found = _ACTION.fullmatch(action)
    if found is None or action in TOLD:
        return None
    verb = VERBS.get(found[1], found[1])
    return None if verb is None else f"{subject.partition(':')[0]}.{verb}"


def parts(subject: str) -> tuple[str, str | None]:
    """Return what kind of thing a subject is, and its key.

    >>> parts("customer:12"), parts("margin_rules")
    (('customer', '12'), ('margin_rules', None))
    """
    found = _SUBJECT.fullmatch(subject)
    return (found[1], found[2]) if found else (subject, None)


def wanted(kind: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a kind is one of those: ``*``, ``customer.*`` or ``customer.changed``.

    >>> [wanted("customer.changed", (one,)) for one in ("*", "customer.*", "customer.changed", "contract.*")]
    [True, True, True, False]
    """
    return any(one in ("*", kind, f"{kind.partition('.')[0]}.*") for one in patterns)


def is_pattern(text: str) -> bool:
    """Tell whether a text can be asked for."""
    return _PATTERN.fullmatch(text) is not None
