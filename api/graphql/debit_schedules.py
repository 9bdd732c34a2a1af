"""Direct debits that are ordered by themselves."""

from __future__ import annotations

import dataclasses
from typing import Any

import strawberry

from api.graphql import mandates  # noqa: F401  (names Scheme in the schema)
from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.payments.debit_schedule import DebitSchedule
from domain.payments.orders import Scheme
from domain.usecases.schedule_debits import PutDebitSchedule, list_debit_schedules, put_debit_schedule


@strawberry.type(name="DebitSchedule", description="What is due soon is ordered by itself, each banking day.")
class DebitScheduleType:
    """``domain.payments.debit_schedule.DebitSchedule``."""

    scheme: Scheme
    days: int = strawberry.field(description="What is due within so many banking days is ordered.")
    hour: int = strawberry.field(description="Of the operator's day.")
    target: str | None = strawberry.field(description="The payment target that files go to; null: somebody takes them.")
    older: bool
    active: bool
    version: int

    is_type_of = shows(DebitSchedule)


@strawberry.input(description="A scheme's schedule as a whole; version 0: a new one.")
class DebitScheduleInput:
    """``PutDebitSchedule``."""

    scheme: Scheme
    days: int
    hour: int = 6
    target: str | None = None
    older: bool = False
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _schedules(info: Info) -> list[DebitScheduleType]:
    return list(await info.context.ask(list_debit_schedules))


async def _put(info: Info, input: DebitScheduleInput) -> Any:
    cmd = PutDebitSchedule(**{one.name: getattr(input, one.name) for one in dataclasses.fields(PutDebitSchedule)})
    return await info.context.ask(put_debit_schedule, cmd, clock=info.context.wiring.clock)


@strawberry.type
class DebitScheduleQuery:
    """The schedules."""

    debit_schedules: list[DebitScheduleType] = strawberry.field(resolver=_schedules)


@strawberry.type
class DebitScheduleMutation:
    """Keeping schedules."""

    put_debit_schedule = strawberry.mutation(
        resolver=_put, graphql_type=outcome("PutDebitScheduleResult", DebitScheduleType)
    )
