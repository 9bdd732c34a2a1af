"""Rules about unusual usage, and windows that slide over it, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.credit.fraud import FraudAlarm, FraudRule, Measure, Suspicion
from domain.credit.kinds import PREMIUM, Kind, country_code
from domain.ids import CustomerId, FraudAlarmId, FraudRuleId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.provisioning.order import Bar
from domain.refusal import Conflict, NotFound
from persistence import credit_statements as sql
from persistence.engine import Transaction
from persistence.violations import possible, refusing

_RULE: Final = ("name", "group_name", "measure", "kind", "window_seconds", "most", "bars", "active")
_NAMED: Final = Conflict("there is a rule of this name", field="name")
# $3 the country code, $4 premium destinations; of the rows of usage u.
_KINDS: Final = {
    Kind.ALL: "true",
    Kind.INTERNATIONAL: "(u.direction = 0 and $3::text <> '' and coalesce(u.b, '') ~ '^[0-9]{8,}$'"
    " and not starts_with(u.b, $3::text))",
    Kind.PREMIUM: "u.destination = any ($4::int[])",
    Kind.ROAMING: "u.visited is not null",
    Kind.DATA: "u.mode = 'data'",
    Kind.ROAMING_DATA: "(u.mode = 'data' and u.visited is not null)",
}
_MEASURES: Final = {
    Measure.AMOUNT: "u.retail_micro::numeric / 1000000",
    Measure.MINUTES: "case when u.mode in ('sms', 'mms', 'data') then 0 else u.used::numeric / 60 end",
    Measure.CALLS: "case u.version % 2 when 1 then 1 else -1 end::numeric",
}
# $2 lines, $5 the first and $6 the last end of a window, $7 its length, $8 the most, $9 a group or null.
_ROWS: Final = """
  from usage u join subscription s on s.operator = u.operator and s.customer = u.customer and s.id = u.subscription
 where u.operator = $1 and s.operator = $1 and s.id = any ($2::bigint[]) and u.start > $5::timestamptz - $7::interval
   and u.start <= $6 and ($3::text is null or true) and ($4::int[] is null or true)
   and ($9::text is null or exists (select from customer_group g where g.operator = $1 and g.customer = u.customer
       and g.name = $9 and g.valid_from <= u.start and (g.valid_to is null or g.valid_to > u.start)))
"""
_SLIDING: Final = """
with slid as (
    select u.customer, u.subscription, u.start, sum({measure}) over (partition by u.subscription order by u.start
        range between $7::interval preceding and current row) as value {rows} and {kind}),
passed as (select * from slid where start >= $5 and value > $8)
select distinct on (subscription) customer, subscription, value, start as at from passed
 order by subscription, value desc, start
"""
_NEW: Final = """
select u.customer, u.subscription, count(distinct u.destination)::numeric as value, max(u.start) as at {rows} and {kind}
   and u.start > $6::timestamptz - $7::interval and u.version % 2 = 1 and u.destination <> 0
   and not exists (select from usage p where p.operator = u.operator and p.customer = u.customer
       and p.subscription = u.subscription and p.destination = u.destination
       and p.start <= $6::timestamptz - $7::interval)
 group by u.customer, u.subscription having count(distinct u.destination) > $8 and max(u.start) >= $5
"""


class FraudStore:
    """Keeps ``domain.ports.fraud.Fraud``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def watching(self) -> bool:
        """Tell whether any rule is active."""
        found: bool = await self._connection.fetchval(
            "select exists (select from fraud_rule where operator = $1 and active)", self._operator
        )
        return found

    async def rules(self) -> Sequence[FraudRule]:
        """Return them by name."""
        rows = await self._connection.fetch(
            "select * from fraud_rule where operator = $1 order by name", self._operator
        )
        return [_rule(row) for row in rows]

    async def rule(self, key: FraudRuleId) -> FraudRule:
        """Return one. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from fraud_rule where operator = $1 and id = $2", self._operator, key
            )
        if row is None:
            raise NotFound("no such rule", field="rule")
        return _rule(row)

    async def put(self, rule: FraudRule) -> FraudRule:
        """Keep a new one or a changed one."""
        values = [
            *(rule.name, rule.group, rule.measure.value, rule.kind.value, rule.window_seconds, rule.most),
            *([bar.value for bar in rule.bars], rule.active),
        ]
        with refusing({"fraud_rule_operator_name_key": _NAMED}):
            if rule.id:
                changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(_RULE, 3))
                row = await self._connection.fetchrow(
                    f"update fraud_rule set {changes}, version = version + 1 where operator = $1 and id = $2"  # noqa: S608  (our own words)
                    " returning *",
                    *(self._operator, rule.id, *values),
                )
            else:
                places = ", ".join(f"${n}" for n in range(1, len(_RULE) + 2))
                row = await self._connection.fetchrow(
                    f"insert into fraud_rule (operator, {', '.join(_RULE)}) values ({places}) returning *",  # noqa: S608  (our own words)
                    *(self._operator, *values),
                )
        return _rule(row)

    async def remove(self, rule: FraudRule) -> None:
        """Forget one with what was found by it."""
        await self._connection.execute(
            "delete from fraud_rule where operator = $1 and id = $2", self._operator, rule.id
        )

    async def suspicions(
        self, rule: FraudRule, lines: Sequence[SubscriptionId], since: datetime, until: datetime
    ) -> Sequence[Suspicion]:
        """Return which lines passed a rule."""
        told = await self._connection.fetchrow(sql.WATCHING, self._operator, PREMIUM.pattern, 1)
        measure = _MEASURES.get(rule.measure, "")
        text = (_NEW if rule.measure is Measure.DESTINATION else _SLIDING).format(
            measure=measure, kind=_KINDS[rule.kind], rows=_ROWS
        )
        rows = await self._connection.fetch(
            text,
            *(self._operator, possible(lines), country_code(told["country"]), told["premium"] or []),
            *(since, until, rule.window, rule.most, rule.group),
        )
        return [
            Suspicion(
                customer=row["customer"], subscription=row["subscription"], value=_plain(row["value"]), at=row["at"]
            )
            for row in rows
        ]

    async def last(self, rule: FraudRule, line: SubscriptionId) -> datetime | None:
        """Return the end of the last window in which a line passed a rule."""
        found: datetime | None = await self._connection.fetchval(
            "select max(last_at) from fraud_alarm where operator = $1 and subscription = $2 and rule = $3",
            *(self._operator, line, rule.id),
        )
        return found

    async def note(self, alarm: FraudAlarm) -> FraudAlarm:
        """Keep what was found."""
        key = await self._connection.fetchval(
            "insert into fraud_alarm (operator, customer, rule, subscription, value, since, last_at, seen_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
            *(self._operator, alarm.customer, alarm.rule, alarm.subscription, alarm.value, alarm.since),
            *(alarm.last_at, alarm.seen_at),
        )
        return replace(alarm, id=FraudAlarmId(key))

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[FraudAlarm]:
        """List what was found, by key."""
        rows = await self._connection.fetch(
            "select * from fraud_alarm where operator = $1 and id > $2 and ($3::bigint is null or customer = $3)"
            " order by id limit $4",
            *(self._operator, request.after or 0, customer, request.first + 1),
        )
        names = ("id", "operator", "customer", "subscription", "rule", "since", "last_at", "seen_at")
        found = [FraudAlarm(**{name: row[name] for name in names}, value=_plain(row["value"])) for row in rows]
        return Page.of(found, request)


def _rule(row: Mapping[str, Any]) -> FraudRule:
    return FraudRule(
        **{name: row[name] for name in ("id", "operator", "name", "window_seconds", "active", "version")},
        measure=Measure(row["measure"]),
        most=_plain(row["most"]),
        kind=Kind(row["kind"]),
        group=row["group_name"],
        bars=tuple(Bar(bar) for bar in row["bars"]),
    )


def _plain(value: Decimal) -> Decimal:
    """Return a number without the zeros behind that a division leaves, to six decimals."""
    return Decimal(format(round(value, 6).normalize(), "f"))
