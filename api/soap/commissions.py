"""The operations of the WSDL about commissions: salespersons, rules, statements."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from spyne import Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.commissions.commission import CommissionOn, Rule, Salesperson, Statement
from domain.ids import ResellerId
from domain.period import Period
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.commissions import (
    PutRule,
    PutSalesperson,
    list_rules,
    list_salespersons,
    list_statements,
    make_statement,
    put_rule,
    put_salesperson,
)

PAGE: Final = 200
BasisOfCommission = _enum(CommissionOn, "CommissionOn")


class CommissionLineModel(Model):
    """What one rule pays one salesperson, or one reseller; a margin and its rate are told to who sees costs."""

    __type_name__ = "CommissionLine"

    reseller = Unicode
    salesperson = needed(Unicode)
    team = needed(Unicode)
    rule = needed(Unicode)
    basis = needed(BasisOfCommission)
    count = needed(Integer)
    base = XsDecimal
    rate = XsDecimal
    commission = needed(XsDecimal)


class CommissionStatementModel(Model):
    """What a period came to."""

    __type_name__ = "CommissionStatement"

    id = needed(Integer)
    since = needed(Date)
    until = needed(Date)
    currency = needed(Unicode)
    total = needed(XsDecimal)
    line = many(CommissionLineModel)


class CommissionStatementPage(Model):
    """A page of statements."""

    count = needed(Integer)
    statement = many(CommissionStatementModel)
    next = Unicode


class SalespersonModel(Model):
    """Who sells."""

    __type_name__ = "Salesperson"

    code = needed(Unicode)
    name = needed(Unicode)
    team = Unicode
    version = needed(Integer)
    reseller = Unicode


class CommissionRuleModel(Model):
    """What is paid; per cent, or an amount for each new contract."""

    __type_name__ = "CommissionRule"

    name = needed(Unicode)
    basis = needed(BasisOfCommission)
    percent = XsDecimal
    amount = XsDecimal
    salesperson = Unicode
    team = Unicode
    reseller = Unicode
    validFrom = needed(Date)
    validTo = Date
    version = Integer


class SalespersonPage(Model):
    """Every salesperson that may be seen, by code."""

    salesperson = many(SalespersonModel)


class CommissionRulePage(Model):
    """Every rule, by name."""

    rule = many(CommissionRuleModel)


class Commissions(ServiceBase):
    """Commissions and their statements."""

    __service_name__ = "Billing"

    @operation(
        "PutSalesperson",
        needed(Unicode),
        needed(Unicode),
        Unicode,
        Unicode,
        Integer,
        returns=SalespersonModel,
        result="salesperson",
    )
    async def put_salesperson(
        ctx: Any,
        code: str,
        name: str,
        team: str | None,
        reseller: str | None,
        version: int | None,
    ) -> Any:
        """Keep a new salesperson, or with a version a changed one."""
        codes = await codes_of(ctx.udc)
        cmd = PutSalesperson(code=code, name=name, team=team, reseller=key_named(codes, reseller), version=version)
        return _salesperson(await ctx.udc.ask(put_salesperson, cmd), codes)

    @operation("ListSalespersons", returns=SalespersonPage, result="page")
    async def list_salespersons(ctx: Any) -> Any:
        """Return the salespersons that the caller may see."""
        codes = await codes_of(ctx.udc)
        return SalespersonPage(salesperson=[_salesperson(one, codes) for one in await ctx.udc.ask(list_salespersons)])

    @operation("ListCommissionRules", returns=CommissionRulePage, result="page")
    async def list_commission_rules(ctx: Any) -> Any:
        """Return the commission rules; of the operator's own clients alone."""
        rules = await ctx.udc.ask(list_rules)
        codes = await codes_of(ctx.udc)
        return CommissionRulePage(rule=[_rule(one, codes) for one in rules])

    @operation("PutCommissionRule", needed(CommissionRuleModel), returns=CommissionRuleModel, result="rule")
    async def put_commission_rule(ctx: Any, rule: Any) -> Any:
        """Keep a new commission rule, or with a version a changed one."""
        codes = await codes_of(ctx.udc)
        cmd = PutRule(
            name=rule.name,
            basis=CommissionOn(str(rule.basis)),
            percent=rule.percent,
            amount=rule.amount,
            salesperson=rule.salesperson,
            team=rule.team,
            reseller=key_named(codes, rule.reseller),
            valid_from=rule.validFrom,
            valid_to=rule.validTo,
            version=rule.version,
        )
        kept = await ctx.udc.ask(put_rule, cmd)
        rule.version = kept.version
        return rule

    @operation(
        "MakeCommissionStatement",
        needed(Date),
        needed(Date),
        returns=CommissionStatementModel,
        result="statement",
    )
    async def make_commission_statement(ctx: Any, since: date, until: date) -> Any:
        """Make the statement of a period that has ended; made before, the same again."""
        made = await ctx.udc.ask(make_statement, Period(since, until), clock=ctx.udc.wiring.clock)
        return _statement(made, await codes_of(ctx.udc))

    @operation(
        "ListCommissionStatements",
        Integer(ge=1, le=PAGE_MAX),
        Integer(ge=0),
        returns=CommissionStatementPage,
        result="page",
    )
    async def list_commission_statements(ctx: Any, first: int | None, after: int | None) -> Any:
        """Return statements with the lines that the caller may see."""
        page = await ctx.udc.ask(list_statements, PageRequest(first or PAGE, after or None))
        codes = await codes_of(ctx.udc)
        following = str(page.items[-1].id) if page.more else None
        return CommissionStatementPage(
            count=len(page.items), statement=[_statement(one, codes) for one in page.items], next=following
        )


def _statement(one: Statement, codes: dict[ResellerId, str]) -> CommissionStatementModel:
    return CommissionStatementModel(
        id=one.id,
        since=one.period.start,
        until=one.period.end,
        currency=one.currency,
        total=plain(one.total),
        line=[
            CommissionLineModel(
                reseller=codes.get(line.reseller) if line.reseller is not None else None,
                salesperson=line.salesperson,
                team=line.team,
                rule=line.rule,
                basis=line.basis.value,
                count=line.count,
                base=None if line.base is None else plain(line.base),
                rate=None if line.rate is None else plain(line.rate),
                commission=plain(line.commission),
            )
            for line in one.lines
        ],
    )


def _salesperson(one: Salesperson, codes: dict[ResellerId, str]) -> SalespersonModel:
    reseller = codes.get(one.reseller) if one.reseller is not None else None
    return SalespersonModel(code=one.code, name=one.name, team=one.team, version=one.version, reseller=reseller)


def _rule(one: Rule, codes: dict[ResellerId, str]) -> CommissionRuleModel:
    return CommissionRuleModel(
        name=one.name,
        basis=one.basis.value,
        percent=None if one.percent is None else plain(one.percent),
        amount=None if one.amount is None else plain(one.amount),
        salesperson=one.salesperson,
        team=one.team,
        reseller=codes.get(one.reseller) if one.reseller is not None else None,
        validFrom=one.valid_from,
        validTo=one.valid_to,
        version=one.version,
    )
