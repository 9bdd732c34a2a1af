"""Salespersons, commission rules, and the statement of a period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.charges import sees_costs
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.commissions.commission import (
    Base,
    CommissionOn,
    Rule,
    Salesperson,
    Statement,
    check_rule,
    check_salesperson,
    lines_of,
    without_margins,
)
from domain.ids import ContractId, ResellerId
from domain.invoicing.invoice import decimals_of
from domain.margins.margin import MarginBy, MarginFilter, MarginOrder, amount
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.sum_margins import terms_of

DAYS_MAX = 366
CONTRACTS_PER_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSalesperson:
    """A new salesperson, or with ``version`` the whole of a changed one, named by his code."""

    code: str
    name: str
    team: str | None = None
    reseller: ResellerId | None = None
    version: int | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRule:
    """A new rule, or with ``version`` the whole of a changed one, named by its name."""

    name: str
    basis: CommissionOn
    percent: Decimal | None = None
    amount: Decimal | None = None
    salesperson: str | None = None
    team: str | None = None
    reseller: ResellerId | None = None
    valid_from: date
    valid_to: date | None = None
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def put_salesperson(cmd: PutSalesperson, *, actor: Actor, begin: Begin) -> Salesperson:
    """Keep a salesperson; a reseller's client those of its own part of the tree.

    Refuses with: NotAllowed, BadValue, NotFound (salesperson to change, reseller), Conflict (code, key), Stale.
    """
    check_texts(cmd)
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        people = {one.code: one for one in await unit.commissions.people()}
        if known is not None:
            return next(one for one in people.values() if one.id == known)
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=reseller, field="reseller")
        made = Salesperson(
            id=0, operator=actor.operator, code=cmd.code, name=cmd.name, team=cmd.team, reseller=reseller
        )
        if cmd.version is not None:
            if cmd.code not in people:
                raise NotFound("no salesperson {code}", code=cmd.code, field="code")
            made = replace(made, id=people[cmd.code].id, version=cmd.version)
        kept = await unit.commissions.put_person(check_salesperson(made))
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": kept.version, "changed": ["name", "team", "reseller"], "code": kept.code}
        await unit.audit.write("put_salesperson", f"salesperson:{kept.id}", detail)
    return kept


@operation(Action.READ_CONTRACTS)
async def list_salespersons(*, actor: Actor, begin: Begin) -> Sequence[Salesperson]:
    """Return the salespersons that the caller may see, by code. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.commissions.people()


@operation(Action.WRITE_COMMISSIONS)
async def put_rule(cmd: PutRule, *, actor: Actor, begin: Begin) -> Rule:
    """Keep a commission rule; the operator's alone. Statements that were made stay as they are.

    Refuses with: NotAllowed, BadValue, NotFound (rule to change, reseller), Conflict (name, key), Stale.
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        rules = {rule.name: rule for rule in await unit.commissions.rules()}
        if known is not None:
            return next(rule for rule in rules.values() if rule.id == known)
        same = {
            name: getattr(cmd, name)
            for name in PutRule.__dataclass_fields__
            if name not in {"version", "idempotency_key"}
        }
        made = Rule(id=0, operator=actor.operator, **same)
        if cmd.version is not None:
            if cmd.name not in rules:
                raise NotFound("no rule {name}", name=cmd.name, field="name")
            made = replace(made, id=rules[cmd.name].id, version=cmd.version)
        kept = await unit.commissions.put_rule(check_rule(made))
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": kept.version, "changed": sorted(same), "name": kept.name}
        await unit.audit.write("put_commission_rule", f"commission_rule:{kept.id}", detail)
    return kept


@operation(Action.WRITE_COMMISSIONS)
async def list_rules(*, actor: Actor, begin: Begin) -> Sequence[Rule]:
    """Return the commission rules, by name; of the operator's own clients alone. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.commissions.rules()


@operation(Action.WRITE_COMMISSIONS)
async def preview_commissions(period: Period, *, actor: Actor, begin: Begin, clock: Clock) -> Statement:
    """Return what a period comes to by now, and keep nothing. Refuses with: NotAllowed, BadValue (too long)."""
    async with begin(actor) as unit:
        return _seen(await _made(unit, period, actor, clock.now()), actor)


@operation(Action.WRITE_COMMISSIONS)
@four_eyes(ApprovalKind.PAYOUT)
async def make_statement(period: Period, *, actor: Actor, begin: Begin, clock: Clock) -> Statement:
    """Make the statement of a period that has ended and keep it for good; made before, the same is returned.

    Refuses with: NotAllowed, BadValue (too long, not ended), Overlap (another statement has days of it).
    """
    async with begin(actor) as unit:
        known = await unit.commissions.claim_period(period)
        if known is not None:
            return _seen(known, actor)
        zone = (await unit.operators.own()).zone
        if clock.now().astimezone(ZoneInfo(zone)).date() < period.end:
            raise BadValue("a statement is made when its period has ended", field="period")
        made = await _made(unit, period, actor, clock.now())
        await agreed(unit, actor, ApprovalKind.PAYOUT, period, now=clock.now(), amount=made.total)
        kept = await unit.commissions.add(made)
        detail = {"version": 1, "period": str(period), "lines": len(kept.lines), "total": str(kept.total)}
        await unit.audit.write("make_commission_statement", f"commission_statement:{kept.id}", detail)
    return _seen(kept, actor)


@operation(Action.READ_COMMISSIONS)
async def get_statement(key: int, *, actor: Actor, begin: Begin) -> Statement:
    """Return a statement with the lines that the caller may see. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return _seen(await unit.commissions.statement(key), actor)


@operation(Action.READ_COMMISSIONS)
async def list_statements(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Statement]:
    """List statements by key, with the lines that the caller may see. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return (await unit.commissions.page(page)).map(lambda one: _seen(one, actor))


def _seen(statement: Statement, actor: Actor) -> Statement:
    """Return a statement as the caller may see it: what margins were is for who sees costs."""
    return statement if sees_costs(actor) else without_margins(statement)


async def _made(unit: Unit, period: Period, actor: Actor, now: datetime) -> Statement:
    if period.days > DAYS_MAX:
        raise BadValue("a statement is of at most {most} days", most=DAYS_MAX, field="period")
    own = await unit.operators.own()
    rules = [rule for rule in await unit.commissions.rules() if _touches(rule, period)]
    people = {one.code: one for one in await unit.commissions.people()}
    bases: list[Base] = [*await unit.commissions.invoiced(period), *await unit.commissions.begun(period)]
    if any(rule.basis is CommissionOn.MARGIN for rule in rules):
        for part in _parts(rules, period):
            bases += await _margins(unit, part, actor, own.zone)
    return Statement(
        id=0,
        operator=own.id,
        period=period,
        currency=own.currency,
        made_at=now,
        client=actor.client,
        horizon=await unit.commissions.horizon(),
        lines=lines_of(rules, people, bases, decimals=decimals_of(own.currency)),
    )


def _touches(rule: Rule, period: Period) -> bool:
    return rule.valid_from < period.end and (rule.valid_to is None or rule.valid_to > period.start)


def _parts(rules: Iterable[Rule], period: Period) -> list[Period]:
    """Cut a period where a rule of margins begins or ends, so that each part has the same rules."""
    cuts = {period.start, period.end}
    for rule in rules:
        if rule.basis is CommissionOn.MARGIN:
            cuts |= {day for day in (rule.valid_from, rule.valid_to) if day is not None}
    days = sorted(day for day in cuts if period.start <= day <= period.end)
    return [Period(first, last) for first, last in pairwise(days)]


async def _margins(unit: Unit, period: Period, actor: Actor, zone: str) -> list[Base]:
    since, until = period.instants(zone)
    chosen = MarginFilter(since=since, until=until)
    terms = await terms_of(chosen, replace(actor, reseller=None, resellers=()), unit)
    bases: list[Base] = []
    after: tuple[int, str] | None = None
    more = True
    while more:
        rows, more = await unit.margins.sums(
            chosen, MarginBy.CONTRACT, terms, order=MarginOrder.KEY, first=CONTRACTS_PER_PAGE, after=after
        )
        last = period.end - timedelta(days=1)
        sellers = await unit.commissions.sellers([ContractId(int(row.key)) for row in rows], on=last)
        for row in rows:
            salesperson, reseller = sellers.get(ContractId(int(row.key)), ("", 0))
            bases.append(
                Base(
                    on=CommissionOn.MARGIN,
                    day=last,
                    salesperson=salesperson,
                    reseller=ResellerId(reseller) if reseller else None,
                    count=row.compared,
                    amount=amount(row.margin),
                )
            )
        after = (rows[-1].margin, rows[-1].key) if rows else None
    return bases
