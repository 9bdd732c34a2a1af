"""Four eyes: what one person asked for, and another lets happen or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import ApprovalId, OperatorId, ResellerId
from domain.refusal import Refusal

LIFETIME: Final = timedelta(days=7)
REASON_MAX: Final = 500


class ApprovalKind(StrEnum):
    """What an operator may want two people to agree on; each is every way to do it, so that there is none around it.

    ``prices``: putting prices into force. ``credit``: giving a customer money or units back, or more credit.
    ``bill_run``: billing a period. ``payout``: a statement by which commissions are paid out. ``period``: opening a
    locked month again. ``debit``: giving a file of direct debits to a bank.
    """

    PRICES = "prices"
    CREDIT = "credit"
    BILL_RUN = "bill_run"
    PAYOUT = "payout"
    PERIOD = "period"
    DEBIT = "debit"


class ApprovalState(StrEnum):
    """Where an approval stands: it waits, is let happen, was done, could not be done, was refused, or taken back."""

    PENDING = "pending"
    APPROVED = "approved"
    CARRIED_OUT = "carried_out"
    FAILED = "failed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """This kind needs a second person: always, or for more than ``above`` in the operator's currency."""

    kind: ApprovalKind
    above: Decimal | None = None

    def asks(self, amount: Decimal | None) -> bool:
        """Tell whether it asks for a second person; an amount that cannot be told is above every other."""
        return self.above is None or amount is None or amount > self.above


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """The operator's rules. ``version`` counts their changes; 0: there were never any."""

    rules: tuple[ApprovalRule, ...] = ()
    version: int = 0

    def of(self, kind: ApprovalKind) -> ApprovalRule | None:
        """Return the rule of a kind; None where one person does it alone."""
        return next((rule for rule in self.rules if rule.kind is kind), None)

    def looser(self, than: ApprovalRules) -> bool:
        """Tell whether there is anything that they ask no second person for and the others did."""
        for rule in than.rules:
            own = self.of(rule.kind)
            if own is None or (own.above is not None and (rule.above is None or own.above > rule.above)):
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A command that waits for a second person.

    ``command`` is as ``domain.access.frozen`` writes it, ``content`` its SHA-256; ``asker`` and ``decider`` are
    persons (``Actor.person``), ``asked`` is the asker as he was when he asked, ``reseller`` whose he was. ``amount`` is
    in ``currency``; None: the operator's own.
    """

    id: ApprovalId
    operator: OperatorId
    kind: ApprovalKind
    operation: str
    command: object
    content: bytes
    amount: Decimal | None
    asker: str
    asked: Mapping[str, object]
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState = ApprovalState.PENDING
    decider: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
    fault: str | None = None
    carried_out_at: datetime | None = None
    version: int = 1
    reseller: ResellerId | None = None
    currency: str | None = None

    def state_at(self, now: datetime) -> ApprovalState:
        """Return the state; what nobody decided in time has expired, and what was let happen and was not done."""
        late = self.state in {ApprovalState.PENDING, ApprovalState.APPROVED} and now >= self.expires_at
        return ApprovalState.EXPIRED if late else self.state


class NeedsApproval(Refusal):
    """It waits for a second person; ``approval`` is what he decides on.

    ``approved``: he has let it happen, and it broke off before it was done.
    """

    code = "needs_approval"

    def __init__(self, approval: ApprovalId, *, approved: bool = False) -> None:
        if approved:
            super().__init__(
                "this was approved, as approval {approval}, and is not carried out yet: where it broke off, whoever may"
                " approve it approves it once more",
                approval=approval,
            )
        else:
            super().__init__("this waits for somebody else to approve it, as approval {approval}", approval=approval)
        self.approval = approval


class Unapproved(Exception):  # noqa: N818  (it leaves the unit, and never the use case)
    """A rule asks for a second person; whoever asked is told so once the command is kept."""

    def __init__(self, kind: ApprovalKind, amount: Decimal | None, currency: str | None = None) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.amount = amount
        self.currency = currency
