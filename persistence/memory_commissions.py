"""Salespersons, commission rules and statements in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from domain.commissions.commission import Base, CommissionOn, Rule, Salesperson, Statement
from domain.contracts.contract import Contract, ContractState
from domain.ids import ContractId, ResellerId
from domain.period import Period
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists


class MemoryCommissions:
    """Keeps ``domain.ports.commissions.Commissions``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def people(self) -> Sequence[Salesperson]:
        """Return the salespersons that may be seen, by code."""
        return sorted(self._draft.seen("salesperson"), key=lambda one: str(one.code))

    async def put_person(self, one: Salesperson) -> Salesperson:
        """Keep a new one, or a changed one where the stored version is its own."""
        rows = self._draft.table("salesperson")
        if any(row.operator == one.operator and row.code == one.code and row.id != one.id for row in rows.values()):
            raise Conflict("the code {code} is taken", code=one.code, field="code")
        kept: Salesperson = self._put("salesperson", one)
        return kept

    async def rules(self) -> Sequence[Rule]:
        """Return every rule, by name; of a reseller's none."""
        if self._draft.actor.reseller is not None and not self._draft.bulk:
            return []
        own = self._draft.actor.operator
        rows = [rule for rule in self._draft.table("commission_rule").values() if rule.operator == own]
        return sorted(rows, key=lambda rule: str(rule.name))

    async def put_rule(self, rule: Rule) -> Rule:
        """Keep a new one, or a changed one where the stored version is its own."""
        rows = self._draft.table("commission_rule")
        if any(row.operator == rule.operator and row.name == rule.name and row.id != rule.id for row in rows.values()):
            raise Conflict("the name {name} is taken", name=rule.name, field="name")
        kept: Rule = self._put("commission_rule", rule)
        return kept

    def _put(self, table: str, one: Any) -> Any:
        if not exists(self._draft, "reseller", one.reseller, one.operator) or not self._draft.sees(one):
            raise NotFound("no reseller {key}", key=one.reseller, field="reseller")
        rows = self._draft.table(table)
        if not one.id:
            kept = replace(one, id=self._draft.draw(table))
        else:
            if one.id not in rows or rows[one.id].version != one.version:
                raise Stale("this was changed by somebody else; read it again", field="version")
            kept = replace(one, version=one.version + 1)
        rows[kept.id] = kept
        return kept

    async def horizon(self) -> int:
        """Return the last chunk of usage there is."""
        return self._draft.state.drawn.get("chunk", 0)

    async def invoiced(self, period: Period) -> Sequence[Base]:
        """Return fees and usage on documents issued in a period, by day, salesperson and reseller."""
        contracts = self._draft.table("contract")
        sums: dict[tuple[date, str, ResellerId | None, bool], list[Decimal]] = defaultdict(list)
        for invoice in self._draft.seen("invoice", lambda one: period.start <= one.issued_on < period.end):
            for line in invoice.lines:
                if line.contract is not None:
                    agreed: Contract = contracts[line.contract]
                    seller = agreed.terms_on(invoice.issued_on).seller or ""
                    place = (invoice.issued_on, seller, agreed.reseller, line.service is not None)
                    sums[place].append(line.net)
        return [
            Base(
                on=CommissionOn.FEES if fee else CommissionOn.USAGE,
                day=day,
                salesperson=seller,
                reseller=reseller,
                count=len(nets),
                amount=sum(nets, Decimal(0)),
            )
            for (day, seller, reseller, fee), nets in sums.items()
        ]

    async def begun(self, period: Period) -> Sequence[Base]:
        """Return contracts that are no drafts and begin in a period, each by itself."""
        return [
            Base(
                on=CommissionOn.CONTRACT,
                day=one.start,
                salesperson=one.terms_on(one.start).seller or "",
                reseller=one.reseller,
                count=1,
                amount=Decimal(0),
            )
            for one in self._draft.seen("contract")
            if period.start <= one.start < period.end and one.state is not ContractState.DRAFT
        ]

    async def sellers(self, keys: Sequence[ContractId], *, on: date) -> Mapping[ContractId, tuple[str, int]]:
        """Return the salesperson on a day (empty: nobody) and the reseller (0: the operator) of contracts."""
        wanted = set(keys)
        rows = self._draft.seen("contract", lambda one: one.id in wanted)
        return {one.id: (one.terms_on(on).seller or "", one.reseller or 0) for one in rows}

    async def claim_period(self, period: Period) -> Statement | None:
        """Return a period's statement; None where there is none."""
        for one in await self._all():
            if one.period == period:
                return one
            if one.period.overlap(period.start, period.end) is not None:
                raise Overlap("there is a statement of {period}", period=one.period, field="period")
        return None

    async def add(self, statement: Statement) -> Statement:
        """Keep a new one with its lines."""
        kept = replace(statement, id=self._draft.draw("commission_statement"))
        self._draft.table("commission_statement")[kept.id] = kept
        return kept

    async def statement(self, key: int) -> Statement:
        """Return one with the lines that may be seen. Refuses with: NotFound."""
        for one in await self._all():
            if one.id == key:
                return one
        raise NotFound("no statement {key}", key=key, field="id")

    async def page(self, request: PageRequest) -> Page[Statement]:
        """List by key, with the lines that may be seen."""
        return page_of(await self._all(), request, lambda one: one.id)

    async def _all(self) -> list[Statement]:
        actor = self._draft.actor
        rows = [one for one in self._draft.table("commission_statement").values() if one.operator == actor.operator]
        if actor.reseller is None or self._draft.bulk:
            return rows
        seen = [replace(one, lines=tuple(line for line in one.lines if actor.reaches(line.reseller))) for one in rows]
        return [one for one in seen if one.lines]
