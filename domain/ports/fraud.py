"""The store of rules about unusual usage, and of what was found by them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.credit.fraud import FraudAlarm, FraudRule, Suspicion
from domain.ids import CustomerId, FraudRuleId, SubscriptionId
from domain.ports.page import Page, PageRequest


class Fraud(Protocol):
    """Rules of the unit's operator."""

    async def watching(self) -> bool:
        """Tell whether any rule is active."""
        ...

    async def rules(self) -> Sequence[FraudRule]:
        """Return them by name."""
        ...

    async def rule(self, key: FraudRuleId) -> FraudRule:
        """Return one. Refuses with: NotFound."""
        ...

    async def put(self, rule: FraudRule) -> FraudRule:
        """Keep a new one (its ``id`` is 0) or a changed one."""
        ...

    async def remove(self, rule: FraudRule) -> None:
        """Forget one with what was found by it."""
        ...

    async def suspicions(
        self, rule: FraudRule, lines: Sequence[SubscriptionId], since: datetime, until: datetime
    ) -> Sequence[Suspicion]:
        """Return which lines passed a rule in a window that ends within ``[since, until]``, each by its largest."""
        ...

    async def last(self, rule: FraudRule, line: SubscriptionId) -> datetime | None:
        """Return the end of the last window in which a line passed a rule."""
        ...

    async def note(self, alarm: FraudAlarm) -> FraudAlarm:
        """Keep what was found."""
        ...

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[FraudAlarm]:
        """List what was found, by key."""
        ...
