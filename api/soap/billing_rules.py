"""The operations of the WSDL about what bill runs follow: rules, and when they run by themselves."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import perhaps
from api.soap.models import Model, _enum, many, needed
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.invoicing.bill_schedule import BillSchedule
from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced
from domain.usecases.schedule_bills import PutBillSchedule, list_bill_schedules, put_bill_schedule
from domain.usecases.set_billing_rules import (
    SetBillingRules,
    drop_billing_rules,
    list_billing_rules,
    set_billing_rules,
)

UnpricedEvents = _enum(Unpriced, "UnpricedEvents")
FormOfBill = _enum(BillForm, "BillForm")


class BillingRulesModel(Model):
    """What invoices follow: those of a group of customers, or (no group) of everybody else."""

    __type_name__ = "BillingRules"

    group = Unicode
    minimum = XsDecimal
    carryMonths = Integer
    zeroInvoices = Boolean
    unpriced = UnpricedEvents
    form = FormOfBill
    version = Integer


class BillingRulesPage(Model):
    """Everybody's first, then by group."""

    rules = many(BillingRulesModel)


class BillScheduleModel(Model):
    """When bills are run by themselves."""

    __type_name__ = "BillSchedule"

    name = needed(Unicode)
    schedule = needed(Unicode)
    cycle = Integer
    group = Unicode
    reseller = Unicode
    months = Integer
    feesAheadMonths = Integer
    approval = Boolean
    active = Boolean
    nextAt = DateTime
    told = Unicode
    version = Integer


class BillSchedulePage(Model):
    """By name."""

    schedule = many(BillScheduleModel)


class RulesOfBilling(ServiceBase):
    """Rules and schedules of bill runs."""

    __service_name__ = "Billing"

    @operation("ListBillingRules", returns=BillingRulesPage, result="page")
    async def list_billing_rules(ctx: Any) -> Any:
        """Return what invoices follow."""
        return BillingRulesPage(rules=[_rules(one) for one in await ctx.udc.ask(list_billing_rules)])

    @operation("SetBillingRules", needed(BillingRulesModel), returns=BillingRulesModel, result="rules")
    async def set_billing_rules(ctx: Any, rules: Any) -> Any:
        """Set what invoices follow, of a group of customers or of everybody else, as a whole."""
        told_of = {
            "group": rules.group,
            "minimum": rules.minimum,
            "carry_months": rules.carryMonths,
            "zero_invoices": rules.zeroInvoices,
            "unpriced": None if rules.unpriced is None else Unpriced(str(rules.unpriced)),
            "form": None if rules.form is None else BillForm(str(rules.form)),
            "version": rules.version,
        }
        cmd = SetBillingRules(**{name: value for name, value in told_of.items() if value is not None})
        return _rules(await ctx.udc.ask(set_billing_rules, cmd))

    @operation("DropBillingRules", needed(Unicode), needed(Integer), returns=BillingRulesPage, result="page")
    async def drop_billing_rules(ctx: Any, group: str, version: int) -> Any:
        """Let a group follow the rules of everybody again; return what there is then."""
        await ctx.udc.ask(drop_billing_rules, group, version)
        return BillingRulesPage(rules=[_rules(one) for one in await ctx.udc.ask(list_billing_rules)])

    @operation("ListBillSchedules", returns=BillSchedulePage, result="page")
    async def list_bill_schedules(ctx: Any) -> Any:
        """Return when bills are run by themselves."""
        codes = await codes_of(ctx.udc)
        found = await ctx.udc.ask(list_bill_schedules)
        return BillSchedulePage(schedule=[_schedule(one, codes) for one in found])

    @operation("PutBillSchedule", needed(BillScheduleModel), returns=BillScheduleModel, result="schedule")
    async def put_bill_schedule(ctx: Any, schedule: Any) -> Any:
        """Keep when bills are run by themselves: of a new name, or with a version the whole of a changed one."""
        codes = await codes_of(ctx.udc)
        told_of = {
            "cycle": schedule.cycle,
            "months": schedule.months,
            "fees_ahead_months": schedule.feesAheadMonths,
            "approval": schedule.approval,
            "active": schedule.active,
            "version": schedule.version,
        }
        cmd = PutBillSchedule(
            name=schedule.name,
            schedule=schedule.schedule,
            group=schedule.group,
            reseller=key_named(codes, schedule.reseller),
            **{name: value for name, value in told_of.items() if value is not None},
        )
        return _schedule(await ctx.udc.ask(put_bill_schedule, cmd, clock=ctx.udc.wiring.clock), codes)


def _rules(one: BillingRules) -> BillingRulesModel:
    return BillingRulesModel(
        group=one.group or None,
        minimum=plain(one.minimum),
        carryMonths=one.carry_months,
        zeroInvoices=one.zero_invoices,
        unpriced=one.unpriced.value,
        form=one.form.value,
        version=one.version,
    )


def _schedule(one: BillSchedule, codes: Any) -> BillScheduleModel:
    return BillScheduleModel(
        name=one.name,
        schedule=one.schedule,
        cycle=one.cycle,
        group=one.group,
        reseller=codes.get(one.reseller) if one.reseller is not None else None,
        months=one.months,
        feesAheadMonths=one.fees_ahead_months,
        approval=one.approval,
        active=one.active,
        nextAt=one.next_at,
        told=perhaps(one.told),
        version=one.version,
    )
