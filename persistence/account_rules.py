"""What sales are booked on, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import AccountRuleId
from domain.ledger.accounts import AccountRule
from domain.refusal import NotFound, Stale
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import refusing

_COLUMNS: Final = (
    "valid_from", "valid_to", "kind", "product_group", "service", "country", "vat_category", "vat_percent", "account",
)  # fmt: skip
_FIELDS: Final = f"operator, id, {', '.join(_COLUMNS)}, version"


class AccountRuleStore:
    """Keeps ``domain.ports.accounts.AccountRules``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def every(self) -> Sequence[AccountRule]:
        """Return the rules that were not removed, by key."""
        rows = await self._connection.fetch(
            f"select {_FIELDS} from account_rule where operator = $1 and removed_at is null order by id",  # noqa: S608  (our own words)
            self._operator,
        )
        return [_of(row) for row in rows]

    async def add(self, rule: AccountRule) -> AccountRule:
        """Keep a new one. Refuses with: NotFound (service)."""
        with refusing(_missing_service(rule)):
            row = await self._connection.fetchrow(
                f"insert into account_rule (operator, {', '.join(_COLUMNS)})"  # noqa: S608  (our own words)
                f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning {_FIELDS}",
                *(self._operator, *(getattr(rule, name) for name in _COLUMNS)),
            )
        return _of(row)

    async def keep(self, rule: AccountRule) -> AccountRule:
        """Keep a changed one whose version is the one that was read. Refuses with: NotFound, Stale."""
        places = ", ".join(f"{name} = ${index}" for index, name in enumerate(_COLUMNS, 4))
        with refusing(_missing_service(rule)):
            row = await self._connection.fetchrow(
                f"update account_rule set {places}, version = version + 1"  # noqa: S608  (our own words)
                f" where operator = $1 and id = $2 and version = $3 and removed_at is null returning {_FIELDS}",
                *(self._operator, rule.id, rule.version, *(getattr(rule, name) for name in _COLUMNS)),
            )
        if row is None:
            await self._complain(rule.id)
        return _of(row)

    async def remove(self, key: AccountRuleId, version: int) -> None:
        """Let one hold no longer. Refuses with: NotFound, Stale."""
        done = await self._connection.fetchval(
            "update account_rule set removed_at = now(), version = version + 1 where operator = $1 and id = $2"
            " and version = $3 and removed_at is null returning id",
            *(self._operator, key, version),
        )
        if done is None:
            await self._complain(key)

    async def _complain(self, key: AccountRuleId) -> None:
        there = await self._connection.fetchval(
            "select version from account_rule where operator = $1 and id = $2 and removed_at is null",
            *(self._operator, key),
        )
        _refuse(key, there)


class MemoryAccountRules:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    def _own(self) -> dict[AccountRuleId, AccountRule]:
        rows = self._draft.table("account_rule")
        return {key: rows[key] for key in sorted(rows) if rows[key].operator == self._operator}

    async def every(self) -> Sequence[AccountRule]:
        """Return the rules that were not removed, by key."""
        return list(self._own().values())

    async def add(self, rule: AccountRule) -> AccountRule:
        """Keep a new one. Refuses with: NotFound (service)."""
        self._check_service(rule)
        kept = replace(rule, id=AccountRuleId(self._draft.draw("account_rule")))
        self._draft.table("account_rule")[kept.id] = kept
        return kept

    async def keep(self, rule: AccountRule) -> AccountRule:
        """Keep a changed one whose version is the one that was read. Refuses with: NotFound, Stale."""
        there = self._own().get(rule.id)
        if there is None or there.version != rule.version:
            _refuse(rule.id, None if there is None else there.version)
        self._check_service(rule)
        kept = replace(rule, version=rule.version + 1)
        self._draft.table("account_rule")[kept.id] = kept
        return kept

    async def remove(self, key: AccountRuleId, version: int) -> None:
        """Let one hold no longer. Refuses with: NotFound, Stale."""
        there = self._own().get(key)
        if there is None or there.version != version:
            _refuse(key, None if there is None else there.version)
        del self._draft.table("account_rule")[key]

    def _check_service(self, rule: AccountRule) -> None:
        known = {one.id for one in self._draft.table("service").values() if one.operator == self._operator}
        if rule.service is not None and rule.service not in known:
            raise NotFound("no service {key}", key=rule.service, field="service")


def _missing_service(rule: AccountRule) -> dict[str, NotFound]:
    return {"account_rule_operator_service_fkey": NotFound("no service {key}", key=rule.service, field="service")}


def _refuse(key: AccountRuleId, version: int | None) -> None:
    if version is None:
        raise NotFound("no rule {key}", key=key, field="rule")
    raise Stale("the rule is at version {version}; read it again", version=version, field="version")


def _of(row: Mapping[str, Any]) -> AccountRule:
    return AccountRule(**dict(row))
