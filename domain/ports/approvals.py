"""The stores of what waits for a second person, and of what each has given away in a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Protocol

from domain.access.approval import Approval, ApprovalRules, ApprovalState
from domain.ids import ApprovalId
from domain.ports.page import Page, PageRequest


class Approvals(Protocol):
    """Approvals of the operator, and the rules that ask for them; a reseller sees what his people asked for alone."""

    async def rules(self) -> ApprovalRules:
        """Return the operator's rules."""
        ...

    async def keep_rules(self, rules: ApprovalRules) -> ApprovalRules:
        """Put these in the place of the others, a version further. Refuses with: Stale."""
        ...

    async def add(self, approval: Approval) -> tuple[Approval, bool]:
        """Keep a new one, and tell that it is; the same command of the same asker that waits already comes instead."""
        ...

    async def get(self, key: ApprovalId) -> Approval:
        """Return one. Refuses with: NotFound."""
        ...

    async def claim(self, key: ApprovalId) -> Approval:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, approval: Approval) -> Approval:
        """Write a changed one, a version further. Refuses with: Stale."""
        ...

    async def page(
        self, request: PageRequest, *, state: ApprovalState | None = None, asker: str | None = None
    ) -> Page[Approval]:
        """List by key; ``pending`` are also those that have expired meanwhile."""
        ...

    async def done_before(self, asker: str, client: str, content: bytes) -> bool:
        """Tell whether the same command of the same asker was approved and carried out before."""
        ...

    async def give(self, giver: str, day: date, currency: str, amount: Decimal) -> Decimal:
        """Add to what somebody has given away on a day, and return all of it. Whoever does it at once waits."""
        ...

    async def makers(self, person: str) -> frozenset[str]:
        """Return somebody (``Actor.person``) and, of a client, who made it, and who made that one."""
        ...

    async def answers_for(self, person: str) -> str:
        """Return who answers for somebody in the end: himself, or of a client the first of its makers."""
        ...
