"""The store of what sales are booked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.ids import AccountRuleId
from domain.ledger.accounts import AccountRule


class AccountRules(Protocol):
    """The operator's rules of revenue accounts."""

    async def every(self) -> Sequence[AccountRule]:
        """Return the rules that were not removed, by key."""
        ...

    async def add(self, rule: AccountRule) -> AccountRule:
        """Keep a new one (its ``id`` is 0). Refuses with: NotFound (service)."""
        ...

    async def keep(self, rule: AccountRule) -> AccountRule:
        """Keep a changed one whose version is the one that was read. Refuses with: NotFound, Stale."""
        ...

    async def remove(self, key: AccountRuleId, version: int) -> None:
        """Let one hold no longer. Refuses with: NotFound, Stale."""
        ...
