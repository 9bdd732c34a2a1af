"""What an operator says of his VAT and what registers said of VAT ids, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.frozen import freeze, thaw
from domain.invoicing.tax_rules import TaxRules, VatIdCheck
from domain.refusal import Stale
from persistence.engine import Transaction
from persistence.memory import Draft

_CHECK: Final = ("vat_id", "checked_at", "valid", "name", "address", "source", "request")
_CHANGED: Final = "the rules have changed since they were read"


class TaxRows:
    """Keeps ``domain.ports.taxes.TaxStore``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def rules(self) -> TaxRules:
        """Return the rules; those that come with the system where none were set."""
        row = await self._connection.fetchrow(
            "select rules, version from tax_rules where operator = $1", self._operator
        )
        return TaxRules() if row is None else replace(thaw(TaxRules, json.loads(row["rules"])), version=row["version"])

    async def put(self, rules: TaxRules) -> TaxRules:
        """Keep rules whose version is the one that was read. Refuses with: Stale."""
        version = await self._connection.fetchval(
            "insert into tax_rules as t (operator, rules, version) select $1, $2, 1"
            " where $3 = 0 or exists (select from tax_rules where operator = $1)"
            " on conflict (operator) do update set rules = $2, version = t.version + 1 where t.version = $3"
            " returning version",
            *(self._operator, json.dumps(freeze(rules), ensure_ascii=False), rules.version),
        )
        if version is None:
            raise Stale(_CHANGED, field="version")
        return replace(rules, version=version)

    async def checks(self, vat_ids: Sequence[str]) -> Mapping[str, VatIdCheck]:
        """Return the last check of each VAT id that was checked."""
        rows = await self._connection.fetch(
            f"select distinct on (vat_id) {', '.join(_CHECK)} from vat_id_check"  # noqa: S608  (our own words)
            " where operator = $1 and vat_id = any ($2::text[]) order by vat_id, checked_at desc",
            *(self._operator, list(vat_ids)),
        )
        return {row["vat_id"]: _of(row) for row in rows}

    async def add_check(self, check: VatIdCheck) -> None:
        """Keep what a register said."""
        await self._connection.execute(
            f"insert into vat_id_check (operator, {', '.join(_CHECK)}) values ($1, $2, $3, $4, $5, $6, $7, $8)"  # noqa: S608  (our own words)
            " on conflict do nothing",
            *(self._operator, *(getattr(check, name) for name in _CHECK)),
        )


class MemoryTaxes:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._rules = draft.table("tax_rules")
        self._checks = draft.table("vat_id_check")
        self._operator = draft.actor.operator

    async def rules(self) -> TaxRules:
        """Return the rules; those that come with the system where none were set."""
        return self._rules.get(self._operator) or TaxRules()

    async def put(self, rules: TaxRules) -> TaxRules:
        """Keep rules whose version is the one that was read. Refuses with: Stale."""
        if (await self.rules()).version != rules.version:
            raise Stale(_CHANGED, field="version")
        kept = replace(rules, version=rules.version + 1)
        self._rules[self._operator] = kept
        return kept

    async def checks(self, vat_ids: Sequence[str]) -> Mapping[str, VatIdCheck]:
        """Return the last check of each VAT id that was checked."""
        found: dict[str, VatIdCheck] = {}
        for (operator, vat_id, _), check in sorted(self._checks.items()):
            if operator == self._operator and vat_id in vat_ids:
                found[vat_id] = check
        return found

    async def add_check(self, check: VatIdCheck) -> None:
        """Keep what a register said."""
        self._checks.setdefault((self._operator, check.vat_id, check.checked_at), check)


def _of(row: Mapping[str, Any]) -> VatIdCheck:
    return VatIdCheck(**{name: row[name] for name in _CHECK})
