"""What invoices follow, and when bills are run by themselves, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import BillScheduleId, CustomerId
from domain.invoicing.bill_schedule import BillSchedule
from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import refusing

_RULES: Final = ("member_group", "minimum", "carry_months", "zero_invoices", "unpriced", "form", "version")
_SCHEDULE: Final = (
    "name", "schedule", "cycle", "member_group", "reseller", "months", "fees_ahead_months", "approval", "active",
    "agreed", "next_at",
)  # fmt: skip
_CHANGED: Final = "the rules have changed since they were read"


class BillingRulesStore:
    """Keeps ``domain.ports.billing.RulesOfBilling``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def every(self) -> Sequence[BillingRules]:
        """Return the rules that were set, by group."""
        rows = await self._connection.fetch(
            f"select {', '.join(_RULES)} from billing_rules where operator = $1 order by member_group",  # noqa: S608  (our own words)
            self._operator,
        )
        return [_rules_of(row) for row in rows]

    async def put(self, rules: BillingRules) -> BillingRules:
        """Keep those of a group. Refuses with: Stale."""
        values = (
            self._operator, rules.group, rules.minimum, rules.carry_months, rules.zero_invoices, rules.unpriced.value,
            rules.form.value, rules.version,
        )  # fmt: skip
        version = await self._connection.fetchval(
            "insert into billing_rules as b (operator, member_group, minimum, carry_months, zero_invoices, unpriced,"
            " form) select $1, $2, $3, $4, $5, $6, $7 where $8 = 0 or exists (select from billing_rules"
            " where operator = $1 and member_group = $2) on conflict (operator, member_group) do update set"
            " minimum = $3, carry_months = $4, zero_invoices = $5,"
            " unpriced = $6, form = $7, version = b.version + 1"
            " where b.version = $8 returning version",
            *values,
        )
        if version is None:
            raise Stale(_CHANGED, field="version")
        return replace(rules, version=version)

    async def drop(self, group: str, version: int) -> None:
        """Let a group have none. Refuses with: NotFound, Stale."""
        kept = await self._connection.fetchval(
            "select version from billing_rules where operator = $1 and member_group = $2 for update",
            *(self._operator, group),
        )
        _check_dropped(kept, group, version)
        await self._connection.execute(
            "delete from billing_rules where operator = $1 and member_group = $2", self._operator, group
        )

    async def of(self, customers: Sequence[CustomerId], at: datetime) -> Mapping[CustomerId, BillingRules]:
        """Return what holds for each."""
        known = {one.group: one for one in await self.every()}
        rows = []
        if any(known):
            rows = await self._connection.fetch(
                "select customer, min(name) as name from customer_group where operator = $1"
                " and customer = any ($2::bigint[]) and name = any ($3::text[]) and valid_from <= $4"
                " and (valid_to is null or valid_to > $4) group by customer",
                *(self._operator, list(customers), list(known), at),
            )
        found = {row["customer"]: known[row["name"]] for row in rows}
        return {key: found.get(key) or known.get("") or BillingRules() for key in customers}


class BillScheduleStore:
    """Keeps ``domain.ports.billing.BillSchedules``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def every(self) -> Sequence[BillSchedule]:
        """Return them by name."""
        rows = await self._connection.fetch(
            "select * from bill_schedule where operator = $1 order by name", self._operator
        )
        return [_schedule_of(row) for row in rows]

    async def due(self, now: datetime) -> Sequence[BillSchedule]:
        """Return the active ones whose time has come, held until the unit ends."""
        rows = await self._connection.fetch(
            "select * from bill_schedule where operator = $1 and active and next_at <= $2 order by next_at, id"
            " for update skip locked",
            *(self._operator, now),
        )
        return [_schedule_of(row) for row in rows]

    async def put(self, schedule: BillSchedule) -> BillSchedule:
        """Keep one. Refuses with: Stale, Conflict (name), NotFound (reseller)."""
        values = [getattr(schedule, "group" if name == "member_group" else name) for name in _SCHEDULE]
        missing = NotFound("no reseller {key}", key=schedule.reseller, field="reseller")
        with refusing({"bill_schedule_name": _taken(schedule), "bill_schedule_operator_reseller_fkey": missing}):
            if schedule.id:
                sets = ", ".join(f"{name} = ${index}" for index, name in enumerate(_SCHEDULE, 4))
                row = await self._connection.fetchrow(
                    f"update bill_schedule set version = version + 1, {sets} where operator = $1 and id = $2"  # noqa: S608  (our own words)
                    " and version = $3 returning *",
                    *(self._operator, schedule.id, schedule.version, *values),
                )
            else:
                places = ", ".join(f"${index}" for index in range(2, len(_SCHEDULE) + 2))
                row = await self._connection.fetchrow(
                    f"insert into bill_schedule (operator, {', '.join(_SCHEDULE)}) values ($1, {places}) returning *",  # noqa: S608  (our own words)
                    *(self._operator, *values),
                )
        if row is None:
            raise Stale("the schedule has changed since it was read", field="version")
        return _schedule_of(row)

    async def tell(self, key: BillScheduleId, told: str, at: datetime) -> None:
        """Keep what came of it."""
        await self._connection.execute(
            "update bill_schedule set told = $3, told_at = $4 where operator = $1 and id = $2",
            *(self._operator, key, told, at),
        )

    async def move_on(self, key: BillScheduleId, next_at: datetime) -> None:
        """Keep when it is due again."""
        await self._connection.execute(
            "update bill_schedule set next_at = $3 where operator = $1 and id = $2", self._operator, key, next_at
        )


class MemoryBillingRules:
    """Keeps ``domain.ports.billing.RulesOfBilling``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    def _own(self) -> dict[str, BillingRules]:
        rows = self._draft.table("billing_rules")
        return {group: one for (operator, group), one in sorted(rows.items()) if operator == self._operator}

    async def every(self) -> Sequence[BillingRules]:
        """Return the rules that were set, by group."""
        return list(self._own().values())

    async def put(self, rules: BillingRules) -> BillingRules:
        """Keep those of a group. Refuses with: Stale."""
        before = self._own().get(rules.group)
        if (before.version if before else 0) != rules.version:
            raise Stale(_CHANGED, field="version")
        kept = replace(rules, version=rules.version + 1)
        self._draft.table("billing_rules")[self._operator, rules.group] = kept
        return kept

    async def drop(self, group: str, version: int) -> None:
        """Let a group have none. Refuses with: NotFound, Stale."""
        before = self._own().get(group)
        _check_dropped(None if before is None else before.version, group, version)
        del self._draft.table("billing_rules")[self._operator, group]

    async def of(self, customers: Sequence[CustomerId], at: datetime) -> Mapping[CustomerId, BillingRules]:
        """Return what holds for each."""
        known = self._own()
        found: dict[CustomerId, str] = {}
        for one in self._draft.table("customer_group").values():
            if one.name in known and one.valid_from <= at and (one.valid_to is None or one.valid_to > at):
                found[one.customer] = min(one.name, found.get(one.customer, one.name))
        return {key: known[found[key]] if key in found else known.get("", BillingRules()) for key in customers}


class MemoryBillSchedules:
    """Keeps ``domain.ports.billing.BillSchedules``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[BillSchedule]:
        rows = self._draft.table("bill_schedule").values()
        return sorted(
            (one for one in rows if one.operator == self._draft.actor.operator), key=lambda one: str(one.name)
        )

    async def every(self) -> Sequence[BillSchedule]:
        """Return them by name."""
        return self._own()

    async def due(self, now: datetime) -> Sequence[BillSchedule]:
        """Return the active ones whose time has come."""
        return [one for one in self._own() if one.active and one.next_at is not None and one.next_at <= now]

    async def put(self, schedule: BillSchedule) -> BillSchedule:
        """Keep one. Refuses with: Stale, Conflict (name), NotFound (reseller)."""
        rows = self._draft.table("bill_schedule")
        if any(one.name == schedule.name and one.id != schedule.id for one in self._own()):
            raise _taken(schedule)
        if schedule.reseller is not None and schedule.reseller not in self._draft.table("reseller"):
            raise NotFound("no reseller {key}", key=schedule.reseller, field="reseller")
        if schedule.id and rows[schedule.id].version != schedule.version:
            raise Stale("the schedule has changed since it was read", field="version")
        key = schedule.id or BillScheduleId(self._draft.draw("bill_schedule"))
        kept = replace(schedule, id=key, version=schedule.version + 1)
        rows[key] = kept
        return kept

    async def tell(self, key: BillScheduleId, told: str, at: datetime) -> None:
        """Keep what came of it."""
        rows = self._draft.table("bill_schedule")
        rows[key] = replace(rows[key], told=told, told_at=at)

    async def move_on(self, key: BillScheduleId, next_at: datetime) -> None:
        """Keep when it is due again."""
        rows = self._draft.table("bill_schedule")
        rows[key] = replace(rows[key], next_at=next_at)


def _check_dropped(kept: int | None, group: str, version: int) -> None:
    if kept is None:
        raise NotFound("the group {group} has no rules of its own", group=group, field="group")
    if kept != version:
        raise Stale(_CHANGED, field="version")


def _taken(schedule: BillSchedule) -> Conflict:
    return Conflict("the name {name} is taken", name=schedule.name, field="name")


def _rules_of(row: Mapping[str, Any]) -> BillingRules:
    fields = dict(row)
    return BillingRules(
        group=fields.pop("member_group"),
        unpriced=Unpriced(fields.pop("unpriced")),
        form=BillForm(fields.pop("form")),
        **fields,
    )


def _schedule_of(row: Mapping[str, Any]) -> BillSchedule:
    fields = dict(row)
    return BillSchedule(group=fields.pop("member_group"), **fields)
