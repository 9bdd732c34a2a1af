"""Rules about unusual usage, and windows that slide over it, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.credit.fraud import FraudAlarm, FraudRule, Measure, Suspicion
from domain.credit.kinds import country_code, is_abroad, is_premium, kinds_of
from domain.ids import CustomerId, FraudAlarmId, FraudRuleId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.rating.rated_event import RatedEvent
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft, page_of
from persistence.memory_catalogue import MemoryCatalogue
from persistence.memory_invoices import micro_of, usage_events


class MemoryFraud:
    """Keeps ``domain.ports.fraud.Fraud``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[FraudRule]:
        rows = self._draft.table("fraud_rule").values()
        return sorted((one for one in rows if one.operator == self._draft.actor.operator), key=lambda one: one.name)

    async def watching(self) -> bool:
        """Tell whether any rule is active."""
        return any(one.active for one in self._own())

    async def rules(self) -> Sequence[FraudRule]:
        """Return them by name."""
        return self._own()

    async def rule(self, key: FraudRuleId) -> FraudRule:
        """Return one. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        raise NotFound("no such rule", field="rule")

    async def put(self, rule: FraudRule) -> FraudRule:
        """Keep a new one or a changed one."""
        if any(one.name == rule.name and one.id != rule.id for one in self._own()):
            raise Conflict("there is a rule of this name", field="name")
        if rule.id:
            kept = replace(rule, version=rule.version + 1)
        else:
            kept = replace(rule, id=FraudRuleId(self._draft.draw("fraud_rule")))
        self._draft.table("fraud_rule")[kept.id] = kept
        return kept

    async def remove(self, rule: FraudRule) -> None:
        """Forget one with what was found by it."""
        del self._draft.table("fraud_rule")[rule.id]
        found = self._draft.table("fraud_alarm")
        for key in [key for key, one in found.items() if one.rule == rule.id]:
            del found[key]

    async def suspicions(
        self, rule: FraudRule, lines: Sequence[SubscriptionId], since: datetime, until: datetime
    ) -> Sequence[Suspicion]:
        """Return which lines passed a rule."""
        events: defaultdict[SubscriptionId, list[RatedEvent]] = defaultdict(list)
        for event in usage_events(self._draft):
            if event.subscription in lines and event.start <= until and self._covers(rule, event):
                events[event.subscription].append(event)
        found = []
        for line, own in sorted(events.items()):
            one = await self._largest(rule, sorted(own, key=lambda event: event.start), since, until)
            if one is not None:
                value, at = one
                found.append(Suspicion(customer=own[0].customer, subscription=line, value=value, at=at))
        return found

    def _covers(self, rule: FraudRule, event: RatedEvent) -> bool:
        return rule.group is None or any(
            one.customer == event.customer
            and one.name == rule.group
            and one.valid_from <= event.start
            and (one.valid_to is None or one.valid_to > event.start)
            for one in self._draft.table("customer_group").values()
        )

    async def _largest(
        self, rule: FraudRule, own: list[RatedEvent], since: datetime, until: datetime
    ) -> tuple[Decimal, datetime] | None:
        operator: Any = self._draft.table("operator")[self._draft.actor.operator]
        tariff = await MemoryCatalogue(self._draft).tariff()
        code = country_code(operator.country)

        def counts(event: RatedEvent) -> bool:
            there = tariff.destinations.get(event.destination)
            return rule.kind in kinds_of(
                abroad=is_abroad(event.b or "", code, outward=event.direction == "out"),
                premium=there is not None and is_premium(there.name, there.groups),
                roaming=event.visited is not None,
                data=event.mode == "data",
            )

        if rule.measure is Measure.DESTINATION:
            before = {event.destination for event in own if event.start <= until - rule.window}
            new = [event for event in own if event.start > until - rule.window and event.version % 2 and counts(event)]
            new = [event for event in new if event.destination not in before and event.destination]
            value = Decimal(len({event.destination for event in new}))
            last = max((event.start for event in new), default=until)
            return (value, last) if value > rule.most and last >= since else None
        passed = [
            (
                sum(
                    (_measured(rule, one) for one in own if counts(one) and end - rule.window <= one.start <= end),
                    Decimal(0),
                ),
                end,
            )
            for end in sorted({event.start for event in own if event.start >= since and counts(event)})
        ]
        passed = [one for one in passed if one[0] > rule.most]
        return max(passed, key=lambda one: (one[0], -one[1].timestamp())) if passed else None

    async def last(self, rule: FraudRule, line: SubscriptionId) -> datetime | None:
        """Return the end of the last window in which a line passed a rule."""
        ends = [
            one.last_at
            for one in self._draft.table("fraud_alarm").values()
            if one.rule == rule.id and one.subscription == line
        ]
        return max(ends, default=None)

    async def note(self, alarm: FraudAlarm) -> FraudAlarm:
        """Keep what was found."""
        kept = replace(alarm, id=FraudAlarmId(self._draft.draw("fraud_alarm")))
        self._draft.table("fraud_alarm")[kept.id] = kept
        return kept

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[FraudAlarm]:
        """List what was found, by key."""
        rows = self._draft.table("fraud_alarm")
        customers = self._draft.table("customer")
        own = [
            rows[key]
            for key in sorted(rows)
            if customer in {None, rows[key].customer} and self._draft.sees(customers[rows[key].customer])
        ]
        return page_of(own, request, lambda one: one.id)


def _measured(rule: FraudRule, event: RatedEvent) -> Decimal:
    match rule.measure:
        case Measure.AMOUNT:
            return Decimal(micro_of(event)).scaleb(-6)
        case Measure.MINUTES:
            return Decimal(0) if event.mode in {"sms", "mms", "data"} else Decimal(event.used) / 60
    return Decimal(1 if event.version % 2 else -1)
