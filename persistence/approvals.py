"""Approvals, their rules and what was given away, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.approval import Approval, ApprovalKind, ApprovalRule, ApprovalRules, ApprovalState
from domain.ids import ApprovalId, OperatorId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, Stale
from persistence.engine import Transaction
from persistence.memory import Draft, page_of
from persistence.violations import beyond, possible

_COLUMNS: Final = (
    "operator, id, kind, operation, command, content, amount, asker, asked, asked_at, expires_at, state, decider,"
    " decided_at, reason, fault, carried_out_at, version, reseller, currency"
)
_ADD: Final = f"""
insert into approval (operator, kind, operation, command, content, amount, asker, asked, asked_at, expires_at, reseller,
    currency)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (operator, asker, content)
    where state in ('pending', 'approved') do nothing returning {_COLUMNS}"""  # noqa: S608  (our own words)

# Clients and API keys with who made them. The installation's own command line is no client of the table, and nobody's.
_MAKERS: Final = "select who, last from app_makers($1)"


def approval_from_row(row: Mapping[str, Any]) -> Approval:
    """Make the approval of a row."""
    same = (
        "operation", "amount", "asker", "asked_at", "expires_at", "decider", "decided_at", "reason", "fault",
        "carried_out_at", "version", "reseller", "currency",
    )  # fmt: skip
    return Approval(
        id=ApprovalId(row["id"]),
        operator=OperatorId(row["operator"]),
        kind=ApprovalKind(row["kind"]),
        command=json.loads(row["command"]),
        content=bytes(row["content"]),
        asked=json.loads(row["asked"]),
        state=ApprovalState(row["state"]),
        **{name: row[name] for name in same},
    )


class ApprovalStore:
    """Keeps ``domain.ports.approvals.Approvals`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def rules(self) -> ApprovalRules:
        """Return the operator's rules."""
        rows = await self._connection.fetch(
            "select r.kind, r.above, coalesce(v.version, 0) as version from approval_rules v"
            " left join approval_rule r on r.operator = v.operator where v.operator = $1 order by r.kind",
            self._operator,
        )
        rules = [
            ApprovalRule(kind=ApprovalKind(row["kind"]), above=row["above"]) for row in rows if row["kind"] is not None
        ]
        return ApprovalRules(rules=tuple(rules), version=rows[0]["version"] if rows else 0)

    async def keep_rules(self, rules: ApprovalRules) -> ApprovalRules:
        """Put these in the place of the others, a version further. Refuses with: Stale."""
        if not await self._connection.fetchval(
            "insert into approval_rules (operator, version) values ($1, 1) on conflict (operator) do update"
            " set version = approval_rules.version + 1 where approval_rules.version = $2 returning version = $2 + 1",
            *(self._operator, rules.version),
        ):
            raise Stale("the rules were changed by somebody else; read them again", field="version")
        await self._connection.execute("delete from approval_rule where operator = $1", self._operator)
        await self._connection.executemany(
            "insert into approval_rule (operator, kind, above) values ($1, $2, $3)",
            [(self._operator, rule.kind.value, rule.above) for rule in rules.rules],
        )
        return replace(rules, version=rules.version + 1)

    async def add(self, approval: Approval) -> tuple[Approval, bool]:
        """Keep a new one, and tell that it is; the same command of the same asker that waits already comes instead."""
        await self._connection.execute(
            "update approval set state = 'expired' where operator = $1 and asker = $2 and content = $3"
            " and state in ('pending', 'approved') and expires_at <= $4",
            *(self._operator, approval.asker, approval.content, approval.asked_at),
        )
        row = await self._connection.fetchrow(
            _ADD,
            *(self._operator, approval.kind.value, approval.operation, json.dumps(approval.command), approval.content),
            *(approval.amount, approval.asker, json.dumps(dict(approval.asked)), approval.asked_at),
            *(approval.expires_at, approval.reseller, approval.currency),
        )
        new = row is not None
        if not new:
            row = await self._connection.fetchrow(
                f"select {_COLUMNS} from approval where operator = $1 and asker = $2 and content = $3"  # noqa: S608  (our own words)
                " and state in ('pending', 'approved')",
                *(self._operator, approval.asker, approval.content),
            )
        return approval_from_row(row), new

    async def _one(self, key: ApprovalId, how: str = "") -> Approval:
        row = await self._connection.fetchrow(
            f"select {_COLUMNS} from approval where operator = $1 and id = any ($2::bigint[]) {how}",  # noqa: S608  (our own words)
            *(self._operator, possible([key])),
        )
        if row is None:
            raise NotFound("no approval {approval}", approval=key, field="approval")
        return approval_from_row(row)

    async def get(self, key: ApprovalId) -> Approval:
        """Return one. Refuses with: NotFound."""
        return await self._one(key)

    async def claim(self, key: ApprovalId) -> Approval:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        return await self._one(key, "for update")

    async def keep(self, approval: Approval) -> Approval:
        """Write a changed one, a version further. Refuses with: Stale."""
        done = await self._connection.fetchval(
            "update approval set state = $4, decider = $5, decided_at = $6, reason = $7, fault = $8,"
            " carried_out_at = $9, version = version + 1 where operator = $1 and id = $2 and version = $3 returning id",
            *(self._operator, approval.id, approval.version, approval.state.value, approval.decider),
            *(approval.decided_at, approval.reason, approval.fault, approval.carried_out_at),
        )
        if done is None:
            raise Stale("the approval was decided by somebody else; read it again", field="version")
        return replace(approval, version=approval.version + 1)

    async def page(
        self, request: PageRequest, *, state: ApprovalState | None = None, asker: str | None = None
    ) -> Page[Approval]:
        """List by key."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from approval where operator = $1 and id > $2 and ($3::text is null or state = $3)"  # noqa: S608  (our own words)
            " and ($4::text is null or asker = $4) order by id limit $5",
            *(self._operator, beyond(request.after), None if state is None else state.value, asker, request.first + 1),
        )
        return Page.of([approval_from_row(row) for row in rows], request)

    async def done_before(self, asker: str, client: str, content: bytes) -> bool:
        """Tell whether the same command of the same asker, through the same client, was carried out before."""
        return bool(
            await self._connection.fetchval(
                "select exists (select from approval where operator = $1 and asker = $2 and content = $3"
                " and state = 'carried_out' and asked->>'client' = $4)",
                *(self._operator, asker, content, client),
            )
        )

    async def give(self, giver: str, day: date, currency: str, amount: Decimal) -> Decimal:
        """Add to what somebody has given away on a day, and return all of it."""
        total: Decimal = await self._connection.fetchval(
            "insert into amount_given (operator, giver, day, currency, amount) values ($1, $2, $3, $4, $5)"
            " on conflict (operator, giver, day, currency) do update set amount = amount_given.amount + excluded.amount"
            " returning amount",
            *(self._operator, giver, day, currency, amount),
        )
        return total

    async def makers(self, person: str) -> frozenset[str]:
        """Return somebody and, of a client or an API key, who made it, and who made that one."""
        rows = await self._connection.fetch(_MAKERS, person)
        return frozenset(row["who"] for row in rows)

    async def answers_for(self, person: str) -> str:
        """Return who answers for somebody in the end: of a client or an API key, the first of its makers."""
        rows = await self._connection.fetch(_MAKERS, person)
        return next((str(row["who"]) for row in rows if row["last"]), person)


class MemoryApprovals:
    """Keeps ``domain.ports.approvals.Approvals`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _rows(self) -> list[Approval]:
        rows: list[Approval] = [
            one
            for _, one in sorted(self._draft.table("approval").items())
            if one.operator == self._draft.actor.operator and self._draft.actor.reaches(one.reseller)
        ]
        return rows

    async def rules(self) -> ApprovalRules:
        """Return the operator's rules."""
        found: ApprovalRules = self._draft.table("approval_rules").get(self._draft.actor.operator, ApprovalRules())
        return found

    async def keep_rules(self, rules: ApprovalRules) -> ApprovalRules:
        """Put these in the place of the others, a version further. Refuses with: Stale."""
        if (await self.rules()).version != rules.version:
            raise Stale("the rules were changed by somebody else; read them again", field="version")
        in_order = sorted(rules.rules, key=lambda rule: rule.kind.value)
        kept = replace(rules, rules=tuple(in_order), version=rules.version + 1)
        self._draft.table("approval_rules")[self._draft.actor.operator] = kept
        return kept

    async def add(self, approval: Approval) -> tuple[Approval, bool]:
        """Keep a new one, and tell that it is; the same command of the same asker that waits already comes instead."""
        for one in self._rows():
            if (one.asker, one.content) == (approval.asker, approval.content):
                state = one.state_at(approval.asked_at)
                if state in {ApprovalState.PENDING, ApprovalState.APPROVED}:
                    return one, False
                if state is ApprovalState.EXPIRED:
                    self._draft.table("approval")[one.id] = replace(one, state=state)
        kept = replace(approval, id=ApprovalId(self._draft.draw("approval")))
        self._draft.table("approval")[kept.id] = kept
        return kept, True

    async def get(self, key: ApprovalId) -> Approval:
        """Return one. Refuses with: NotFound."""
        for one in self._rows():
            if one.id == key:
                return one
        raise NotFound("no approval {approval}", approval=key, field="approval")

    async def claim(self, key: ApprovalId) -> Approval:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def keep(self, approval: Approval) -> Approval:
        """Write a changed one, a version further. Refuses with: Stale."""
        if (await self.get(approval.id)).version != approval.version:
            raise Stale("the approval was decided by somebody else; read it again", field="version")
        kept = replace(approval, version=approval.version + 1)
        self._draft.table("approval")[kept.id] = kept
        return kept

    async def page(
        self, request: PageRequest, *, state: ApprovalState | None = None, asker: str | None = None
    ) -> Page[Approval]:
        """List by key."""
        wanted = (one for one in self._rows() if state in (None, one.state) and asker in (None, one.asker))
        return page_of(wanted, request, lambda one: one.id)

    async def done_before(self, asker: str, client: str, content: bytes) -> bool:
        """Tell whether the same command of the same asker, through the same client, was carried out before."""
        done = (one for one in self._rows() if one.state is ApprovalState.CARRIED_OUT)
        return any((one.asker, one.content, one.asked["client"]) == (asker, content, client) for one in done)

    async def give(self, giver: str, day: date, currency: str, amount: Decimal) -> Decimal:
        """Add to what somebody has given away on a day, and return all of it."""
        place = (self._draft.actor.operator, giver, day, currency)
        total: Decimal = self._draft.table("amount_given").get(place, Decimal(0)) + amount
        self._draft.table("amount_given")[place] = total
        return total

    async def makers(self, person: str) -> frozenset[str]:
        """Return somebody and, of a client or an API key, who made it, and who made that one."""
        return frozenset(self._chain(person))

    async def answers_for(self, person: str) -> str:
        """Return who answers for somebody in the end: of a client or an API key, the first of its makers."""
        return self._chain(person)[-1]

    def _chain(self, person: str) -> list[str]:
        made = {f"client:{key}": one.made_by for key, one in self._draft.table("api_client").items()}
        for one in self._draft.table("api_key").values():
            client, _, user = one.created_by.partition(" ")
            made[f"client:{one.prefix}"] = f"user:{user}" if user.isdigit() else f"client:{client}"
        found, who = [person], made.get(person)
        while who is not None and who not in found and (who in made or who.startswith("user:")):
            found.append(who)
            who = made.get(who)
        return found
