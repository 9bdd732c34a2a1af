"""The store of alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.alarms.alarm import Alarm, AlarmState, Raised
from domain.ids import AlarmId
from domain.ports.page import Page, PageRequest


class Alarms(Protocol):
    """Alarms of the unit's operator; a reseller's unit sees none."""

    async def raise_all(self, found: Sequence[Raised], *, at: datetime) -> Sequence[Alarm]:
        """Raise them, each counting up the one that is not closed, by kind and subject; return them as they are now.

        Of one kind and subject there is one among them. In a bulk unit too; last, since others wait for these rows.
        """
        ...

    async def claim(self, key: AlarmId) -> Alarm:
        """Return one locked. Refuses with: NotFound."""
        ...

    async def claim_open(self, kind: str, subject: str) -> Alarm | None:
        """Return the one of a kind and subject that is not closed, locked."""
        ...

    async def keep(self, alarm: Alarm) -> Alarm:
        """Write a changed one."""
        ...

    async def page(
        self, request: PageRequest, *, state: AlarmState | None = None, kind: str | None = None
    ) -> Page[Alarm]:
        """List by key, in a state and of a kind; None: any."""
        ...

    async def get(self, key: AlarmId) -> Alarm:
        """Return one. Refuses with: NotFound."""
        ...
