"""Salespersons, commission rules and statements."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.commissions.commission import (
    CommissionBy,
    CommissionLine,
    CommissionOn,
    Rule,
    Salesperson,
    Statement,
    added_up,
)
from domain.period import Period
from domain.usecases.commissions import (
    PutRule,
    PutSalesperson,
    get_statement,
    list_rules,
    list_salespersons,
    list_statements,
    make_statement,
    preview_commissions,
    put_rule,
    put_salesperson,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

for _enum in (CommissionOn, CommissionBy):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


async def _reseller(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="Salesperson", description="Who sells; contracts name him by his code.")
class SalespersonType:
    """``domain.commissions.commission.Salesperson``."""

    code: str
    name: str
    team: str | None
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="null: he sells for the operator.")
    version: int

    is_type_of = shows(Salesperson)


@strawberry.type(name="CommissionRule", description="What is paid, of what, to whom and when.")
class CommissionRuleType:
    """``domain.commissions.commission.Rule``."""

    name: str
    basis: CommissionOn
    percent: Decimal | None
    amount: Decimal | None
    salesperson: str | None
    team: str | None
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    valid_from: date
    valid_to: date | None
    version: int

    is_type_of = shows(Rule)


@strawberry.type(name="CommissionLine", description="What one rule pays one salesperson, or a reseller without one.")
class CommissionLineType:
    """``domain.commissions.commission.CommissionLine``."""

    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    salesperson: str
    team: str
    rule: str
    basis: CommissionOn
    count: BigInt = strawberry.field(description="Lines of invoices, events, or contracts.")
    base: Decimal | None = strawberry.field(description="null: a margin, to who may not see costs.")
    rate: Decimal | None
    commission: Decimal

    is_type_of = shows(CommissionLine)


@strawberry.type(name="CommissionSum", description="What lines come to for one key.")
class CommissionSumType:
    """A salesperson's code, a team, or a reseller's id; empty for none."""

    key: str
    commission: Decimal


def _id(root: strawberry.Parent[Statement]) -> ID | None:
    return ID(global_id("CommissionStatement", root.id)) if root.id else None


def _since(root: strawberry.Parent[Statement]) -> date:
    return root.period.start


def _until(root: strawberry.Parent[Statement]) -> date:
    return root.period.end


def _sums(root: strawberry.Parent[Statement], by: CommissionBy) -> list[CommissionSumType]:
    found = added_up(root.lines, by)
    if by is CommissionBy.RESELLER:
        found = [(global_id("Reseller", key) if key else "", value) for key, value in found]
    return [CommissionSumType(key=key, commission=value) for key, value in found]


@strawberry.type(name="CommissionStatement", description="What a period came to, as it was made; it never changes.")
class CommissionStatementType:
    """``domain.commissions.commission.Statement``."""

    id: ID | None = strawberry.field(resolver=_id, description="null: a preview.")
    since: date = strawberry.field(resolver=_since)
    until: date = strawberry.field(resolver=_until, description="The first day after it.")
    currency: str
    made_at: datetime
    total: Decimal
    lines: list[CommissionLineType]
    sums: list[CommissionSumType] = strawberry.field(resolver=_sums)

    is_type_of = shows(Statement)


@strawberry.input(description="A new one; with version the whole of a changed one.")
class PutSalespersonInput:
    """``PutSalesperson``."""

    code: str
    name: str
    team: str | None = None
    reseller: ID | None = None
    version: int | None = None
    idempotency_key: str | None = None


@strawberry.input(description="A new one; with version the whole of a changed one. percent, or amount per contract.")
class PutCommissionRuleInput:
    """``PutRule``."""

    name: str
    basis: CommissionOn
    valid_from: date
    valid_to: date | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    salesperson: str | None = None
    team: str | None = None
    reseller: ID | None = None
    version: int | None = None
    idempotency_key: str | None = None


async def _put_person(info: Info, asked: Annotated[PutSalespersonInput, _AS_INPUT]) -> Any:
    return await info.context.ask(put_salesperson, command(PutSalesperson, asked, {"reseller": "Reseller"}))


async def _put_rule(info: Info, asked: Annotated[PutCommissionRuleInput, _AS_INPUT]) -> Any:
    return await info.context.ask(put_rule, command(PutRule, asked, {"reseller": "Reseller"}))


async def _make(info: Info, since: date, until: date) -> Any:
    return await info.context.ask(make_statement, Period(since, until), clock=info.context.wiring.clock)


async def _people(info: Info) -> Any:
    return await info.context.ask(list_salespersons)


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_rules)


async def _preview(info: Info, since: date, until: date) -> Any:
    return await info.context.ask(preview_commissions, Period(since, until), clock=info.context.wiring.clock)


async def _statement(info: Info, id: ID) -> Any:
    return await info.context.ask(get_statement, key_of(id, "CommissionStatement", "id"))


async def _statements(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    asked = request(first, read_number(after, "CommissionStatement"))
    return connect(await info.context.ask(list_statements, asked), "CommissionStatement", after=after)


@strawberry.type
class CommissionQuery:
    """Who sells and what he gets."""

    salespersons: list[SalespersonType] = strawberry.field(resolver=_people)
    commission_rules: list[CommissionRuleType] = strawberry.field(resolver=_rules)
    commission_preview: CommissionStatementType = strawberry.field(
        resolver=_preview, description="What a period comes to by now; nothing is kept."
    )
    commission_statement: CommissionStatementType | None = strawberry.field(resolver=_statement)
    commission_statements: Connection[CommissionStatementType] = strawberry.field(resolver=_statements)


@strawberry.type
class CommissionMutation:
    """Who sells and what he gets."""

    put_salesperson = strawberry.mutation(
        resolver=_put_person, graphql_type=outcome("PutSalespersonResult", SalespersonType)
    )
    put_commission_rule = strawberry.mutation(
        resolver=_put_rule, graphql_type=outcome("PutCommissionRuleResult", CommissionRuleType)
    )
    make_commission_statement = strawberry.mutation(
        resolver=_make,
        graphql_type=outcome("MakeCommissionStatementResult", CommissionStatementType),
        description="Of a period that has ended; made before, the same again.",
    )
