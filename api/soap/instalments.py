"""The operations of the WSDL about instalment plans: open invoices that a customer pays in parts."""

from __future__ import annotations

from typing import Any, Final

from spyne import Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import invoice_named, numbers_of
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import InstalmentPlanId
from domain.payments.amounts import major_of
from domain.payments.instalments import InstalmentPlan, PlanState
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.agree_instalments import (
    AgreeInstalments,
    WantedPart,
    agree_instalments,
    end_instalments,
    list_instalments,
)
from domain.usecases.get_customer import get_customer

PAGE: Final = 200
StateOfPlan = _enum(PlanState, "InstalmentPlanState")


class InstalmentModel(Model):
    """A part of a plan."""

    __type_name__ = "Instalment"

    dueOn = needed(Date)
    amount = needed(XsDecimal)


class InstalmentPlanModel(Model):
    """Open invoices that a customer pays in parts; meanwhile they are neither reminded nor debited."""

    __type_name__ = "InstalmentPlan"

    id = needed(Integer)
    customerNumber = needed(Unicode)
    currency = needed(Unicode)
    part = many(InstalmentModel)
    state = needed(StateOfPlan)
    madeAt = needed(DateTime)
    version = needed(Integer)


class InstalmentPlanPage(Model):
    """Plans by key."""

    count = needed(Integer)
    plan = many(InstalmentPlanModel)
    next = Unicode


class Instalments(ServiceBase):
    """Instalment plans."""

    __service_name__ = "Billing"

    @operation(
        "AgreeInstalments",
        needed(Unicode),
        needed(many(Unicode)),
        needed(many(InstalmentModel)),
        returns=InstalmentPlanModel,
        result="plan",
    )
    async def agree(ctx: Any, customerNumber: str, invoice: Any, part: Any) -> Any:
        """Agree a plan about invoices, by their numbers; its parts come to what is open of them."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        keys = [await invoice_named(ctx, one, f"invoice.{index}") for index, one in enumerate(invoice or [])]
        parts = tuple(WantedPart(due_on=one.dueOn, amount=one.amount) for one in part or [])
        cmd = AgreeInstalments(customer=customer.id, invoices=tuple(keys), parts=parts)
        return (await _plans(ctx, [await ctx.udc.ask(agree_instalments, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation(
        "EndInstalments",
        needed(Integer(ge=1)),
        needed(Integer),
        needed(StateOfPlan),
        returns=InstalmentPlanModel,
        result="plan",
    )
    async def end(ctx: Any, plan: int, version: int, state: str) -> Any:
        """End a plan as kept, broken or cancelled."""
        kept = await ctx.udc.ask(end_instalments, InstalmentPlanId(plan), version, PlanState(str(state)))
        return (await _plans(ctx, [kept]))[0]

    @operation(
        "ListInstalmentPlans",
        Unicode,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=InstalmentPlanPage,
        result="page",
    )
    async def list_plans(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return plans by key, of a customer or of all."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(list_instalments, PageRequest(first or PAGE, key_after(after)), customer=customer)
        following = str(page.items[-1].id) if page.more else None
        return InstalmentPlanPage(count=len(page.items), plan=await _plans(ctx, page.items), next=following)


async def _plans(ctx: Any, plans: Any) -> list[InstalmentPlanModel]:
    found: list[InstalmentPlan] = list(plans)
    numbers = await numbers_of(ctx, [one.customer for one in found])
    return [
        InstalmentPlanModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            currency=one.currency,
            part=[
                InstalmentModel(dueOn=part.due_on, amount=plain(major_of(part.amount_minor, one.currency)))
                for part in one.parts
            ],
            state=one.state.value,
            madeAt=one.made_at,
            version=one.version,
        )
        for one in found
    ]
