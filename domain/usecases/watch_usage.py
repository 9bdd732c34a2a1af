"""Unusual usage of lines: the rules, and what is found by them as usage comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.alarms.alarm import Raised, Severity
from domain.commands import check_texts, few_enough
from domain.credit.fraud import RULES_MAX, FraudAlarm, FraudRule, Measure, Suspicion, check
from domain.credit.kinds import Kind
from domain.ids import CustomerId, FraudAlarmId, FraudRuleId, SubscriptionId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.provisioning.order import Bar, OrderKind
from domain.refusal import Stale
from domain.usecases.check_credit import order_bars

ALARM: Final = "unusual_usage"
FOUND: Final = "fraud.suspected"
REASON: Final = "unusual usage: "


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFraudRule:
    """More than ``most`` of a measure by one line within any ``window_seconds`` is unusual.

    ``rule`` and ``version``: of the rule that is changed; None: a new one.
    """

    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind = Kind.ALL
    group: str | None = None
    bars: tuple[Bar, ...] = ()
    active: bool = True
    rule: FraudRuleId | None = None
    version: int | None = None


@operation(Action.MANAGE_ALARMS)
async def put_fraud_rule(cmd: PutFraudRule, *, actor: Actor, begin: Begin, clock: Clock) -> FraudRule:
    """Keep a rule about unusual usage; it is for usage that comes from then on.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, Conflict (there is one of this name), LimitExceeded.
    """
    del clock
    check_texts(cmd)
    async with begin(actor) as unit:
        before = None if cmd.rule is None else await unit.fraud.rule(cmd.rule)
        if before is not None and before.version != cmd.version:
            raise Stale("somebody changed the rule since it was read", field="version")
        if before is None:
            few_enough(len(await unit.fraud.rules()), RULES_MAX, field="name")
        rule = check(
            FraudRule(
                id=FraudRuleId(0) if before is None else before.id,
                operator=actor.operator,
                name=cmd.name.strip(),
                measure=cmd.measure,
                most=cmd.most,
                window_seconds=cmd.window_seconds,
                kind=cmd.kind,
                group=cmd.group,
                bars=cmd.bars,
                active=cmd.active,
                version=1 if before is None else before.version,
            )
        )
        kept = await unit.fraud.put(rule)
        await unit.audit.write("put_fraud_rule", f"fraud_rule:{kept.id}", {"name": kept.name, "version": kept.version})
    return kept


@operation(Action.MANAGE_ALARMS)
async def remove_fraud_rule(key: FraudRuleId, version: int, *, actor: Actor, begin: Begin) -> FraudRule:
    """Forget a rule with what was found by it. Refuses with: NotAllowed, NotFound, Stale."""
    async with begin(actor) as unit:
        rule = await unit.fraud.rule(key)
        if rule.version != version:
            raise Stale("somebody changed the rule since it was read", field="version")
        await unit.fraud.remove(rule)
        await unit.audit.write("remove_fraud_rule", f"fraud_rule:{key}", {"name": rule.name, "version": version})
    return rule


@operation(Action.READ_ALARMS)
async def list_fraud_rules(*, actor: Actor, begin: Begin) -> Sequence[FraudRule]:
    """Return the rules by name. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.fraud.rules()


@operation(Action.READ_USAGE)
async def list_suspicions(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None
) -> Page[FraudAlarm]:
    """List unusual usage that was found, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.fraud.page(request, customer=customer)


async def watch_usage(  # noqa: PLR0917  (what a job says)
    lines: Sequence[SubscriptionId], since: datetime, until: datetime, actor: Actor, begin: Begin, clock: Clock
) -> int:
    """Look for unusual usage of lines that usage has come of, and return how much was found; once of each window."""
    found, now = 0, clock.now()
    async with begin(actor) as unit:
        rules = [rule for rule in await unit.fraud.rules() if rule.active]
    for rule in rules:
        async with begin(actor) as unit:
            for one in await unit.fraud.suspicions(rule, lines, since, until):
                last = await unit.fraud.last(rule, one.subscription)
                if last is None or last < one.at - rule.window:
                    await _tell(unit, rule, one, actor, now)
                    found += 1
    return found


async def _tell(unit: Unit, rule: FraudRule, one: Suspicion, actor: Actor, now: datetime) -> None:
    """Keep what was found, raise the alarm, tell the event, and bar where the rule says so."""
    await unit.fraud.note(
        FraudAlarm(
            id=FraudAlarmId(0),
            operator=actor.operator,
            customer=one.customer,
            subscription=one.subscription,
            rule=rule.id,
            value=one.value,
            since=one.at - rule.window,
            last_at=one.at,
            seen_at=now,
        )
    )
    subject = f"subscription:{one.subscription}"
    data = {
        "customer": one.customer,
        "subscription": one.subscription,
        "rule": rule.name,
        "measure": rule.measure.value,
        "value": str(one.value),
        "most": str(rule.most),
        "windowSeconds": rule.window_seconds,
        "until": one.at.isoformat(),
    }
    await unit.outbox.promise(FOUND, data, subject=subject)
    if rule.bars:
        line = (await unit.subscriptions.many([one.subscription]))[one.subscription]
        barred = {each.bar for each in (await unit.orders.barrings([line.id], at=now))[line.id]}
        new = tuple(bar for bar in rule.bars if bar not in barred)
        if new:
            await order_bars(unit, line, OrderKind.BAR, new, f"{REASON}{rule.name}", actor, now)
    raised = Raised(
        kind=ALARM,
        subject=f"{subject}/{rule.name}"[:300],
        text=f"{rule.name}: {one.value} {rule.measure.value} of {subject} in {rule.window_seconds} s, over {rule.most}",
        severity=Severity.CRITICAL if rule.bars else Severity.WARNING,
        data=data,
    )
    await unit.alarms.raise_all([raised], at=now)
