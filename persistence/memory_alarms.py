"""Alarms in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.alarms.alarm import ORDER, Alarm, AlarmState, Raised
from domain.ids import AlarmId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.memory import Draft, page_of


class MemoryAlarms:
    """Keeps ``domain.ports.alarms.Alarms``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Alarm]:
        actor = self._draft.actor
        if actor.reseller is not None and not self._draft.bulk:
            return []
        rows = self._draft.table("alarm")
        return [rows[key] for key in sorted(rows) if rows[key].operator == actor.operator]

    async def raise_all(self, found: Sequence[Raised], *, at: datetime) -> Sequence[Alarm]:
        """Raise them and return them as they are now, by kind and subject."""
        return [await self._raise(one, at) for one in sorted(found, key=lambda one: (one.kind, one.subject))]

    async def _raise(self, one: Raised, at: datetime) -> Alarm:
        before = await self.claim_open(one.kind, one.subject)
        told = json.loads(json.dumps(one.data, default=str, sort_keys=True))
        if before is not None:
            return await self.keep(
                replace(
                    before,
                    severity=max(before.severity, one.severity, key=ORDER.index),
                    text=one.text,
                    data=told,
                    last_seen=max(before.last_seen, at),
                    count=before.count + one.times,
                )
            )
        return await self.keep(
            Alarm(
                id=AlarmId(self._draft.draw("alarm")),
                operator=self._draft.actor.operator,
                kind=one.kind,
                subject=one.subject,
                severity=one.severity,
                text=one.text,
                data=told,
                state=AlarmState.OPEN,
                first_seen=at,
                last_seen=at,
                count=one.times,
            )
        )

    async def get(self, key: AlarmId) -> Alarm:
        """Return one. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        raise NotFound("no alarm {key}", key=key, field="alarm")

    async def claim(self, key: AlarmId) -> Alarm:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def claim_open(self, kind: str, subject: str) -> Alarm | None:
        """Return the one of a kind and subject that is not closed."""
        for one in self._own():
            if (one.kind, one.subject) == (kind, subject) and one.state is not AlarmState.CLOSED:
                return one
        return None

    async def keep(self, alarm: Alarm) -> Alarm:
        """Write a changed one."""
        self._draft.table("alarm")[alarm.id] = alarm
        return alarm

    async def page(
        self, request: PageRequest, *, state: AlarmState | None = None, kind: str | None = None
    ) -> Page[Alarm]:
        """List by key, in a state and of a kind; None: any."""
        chosen = [one for one in self._own() if state in (None, one.state) and kind in (None, one.kind)]
        return page_of(chosen, request, lambda one: one.id)
