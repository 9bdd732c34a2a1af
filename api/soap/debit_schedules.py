"""The operations of the WSDL about direct debits that are ordered by themselves."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, Integer, ServiceBase, Unicode

from api.soap.mandates import SchemeOfDebit
from api.soap.models import Model, many, needed
from api.soap.service import operation
from domain.payments.debit_schedule import DebitSchedule
from domain.payments.orders import Scheme
from domain.usecases.schedule_debits import PutDebitSchedule, list_debit_schedules, put_debit_schedule


class DebitScheduleModel(Model):
    """What is due within so many banking days is ordered by itself at an hour; a new one has no version."""

    __type_name__ = "DebitSchedule"

    scheme = needed(SchemeOfDebit)
    days = needed(Integer)
    hour = Integer
    target = Unicode
    older = Boolean
    active = Boolean
    version = Integer


class DebitScheduleList(Model):
    """The schedules, one of a scheme at most."""

    schedule = many(DebitScheduleModel)


class SchedulesOfDebits(ServiceBase):
    """Direct debits that are ordered by themselves."""

    __service_name__ = "Billing"

    @operation("ListDebitSchedules", returns=DebitScheduleList, result="schedules")
    async def list_schedules(ctx: Any) -> Any:
        """Return the schedules."""
        return DebitScheduleList(schedule=[_shown(one) for one in await ctx.udc.ask(list_debit_schedules)])

    @operation("PutDebitSchedule", needed(DebitScheduleModel), returns=DebitScheduleModel, result="schedule")
    async def put_schedule(ctx: Any, schedule: Any) -> Any:
        """Keep a scheme's schedule as a whole."""
        cmd = PutDebitSchedule(
            scheme=Scheme(str(schedule.scheme)),
            days=schedule.days,
            hour=6 if schedule.hour is None else schedule.hour,
            target=schedule.target,
            older=bool(schedule.older),
            active=schedule.active is not False,
            version=schedule.version or 0,
        )
        return _shown(await ctx.udc.ask(put_debit_schedule, cmd, clock=ctx.udc.wiring.clock))


def _shown(one: DebitSchedule) -> DebitScheduleModel:
    return DebitScheduleModel(
        scheme=one.scheme.value,
        days=one.days,
        hour=one.hour,
        target=one.target,
        older=one.older,
        active=one.active,
        version=one.version,
    )
