"""Alarms: what somebody should look at, asked for or told as it happens."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.following import heard
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from api.graphql.wording import in_words
from domain.access.actor import Action, allow
from domain.alarms.alarm import Alarm, AlarmState, Severity
from domain.ids import AlarmId
from domain.ports.news import ALARM
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.acknowledge_alarm import acknowledge_alarm, close_alarm
from domain.usecases.list_alarms import get_alarm, list_alarms

ID = strawberry.ID

strawberry.enum(AlarmState, description="Open, acknowledged by somebody who looks at it, or closed.")
strawberry.enum(Severity, name="AlarmSeverity", description="How soon somebody should look.")


def _data(root: strawberry.Parent[Alarm]) -> JsonText:
    return JsonText(json.dumps(root.data, ensure_ascii=False, sort_keys=True))


@strawberry.type(name="Alarm", description="What is wrong (kind), with what (subject), and how often it was seen.")
class AlarmType:
    """``domain.alarms.alarm.Alarm``."""

    id: strawberry.ID = identified()
    kind: str
    subject: str
    severity: Severity
    text: str = strawberry.field(resolver=in_words("text"))
    data: JsonText = strawberry.field(resolver=_data, description="An object; its keys depend on the kind.")
    state: AlarmState
    first_seen: datetime
    last_seen: datetime
    count: BigInt
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None

    is_type_of = shows(Alarm)


async def _alarms(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: AlarmState | None = None,
    kind: str | None = None,
) -> Any:
    page = await info.context.ask(list_alarms, request(first, read_number(after, "Alarm")), state=state, kind=kind)
    return connect(page, "Alarm", after=after)


async def _one(info: Info, id: ID) -> Any:
    return await info.context.ask(get_alarm, AlarmId(key_of(id, "Alarm", "id")))


async def _acknowledge(info: Info, alarm: ID) -> Any:
    key = AlarmId(key_of(alarm, "Alarm", "alarm"))
    return await info.context.ask(acknowledge_alarm, key, clock=info.context.wiring.clock)


async def _close(info: Info, alarm: ID) -> Any:
    key = AlarmId(key_of(alarm, "Alarm", "alarm"))
    return await info.context.ask(close_alarm, key, clock=info.context.wiring.clock)


@strawberry.type
class AlarmQuery:
    """What somebody should look at."""

    alarms: Connection[AlarmType] = strawberry.field(resolver=_alarms, description="In the order of their first time.")
    alarm: AlarmType | None = strawberry.field(resolver=_one)


@strawberry.type
class AlarmMutation:
    """Looking at it."""

    acknowledge_alarm = strawberry.mutation(
        resolver=_acknowledge, graphql_type=outcome("AcknowledgeAlarmResult", AlarmType)
    )
    close_alarm = strawberry.mutation(
        resolver=_close,
        graphql_type=outcome("CloseAlarmResult", AlarmType),
        description="Once closed, the same is a new alarm when it is seen again.",
    )


async def _raised(info: Info, kind: str | None = None) -> AsyncGenerator[Any, None]:
    allow(info.context.actor, Action.READ_ALARMS, "list_alarms")
    told: dict[int, int] | None = None  # how often each was seen when it was told
    async with heard(info, ALARM) as keys:
        async for key in keys:
            found = await _open(info) if key is None else [await info.context.ask(get_alarm, AlarmId(key))]
            if told is None:
                told = {one.id: one.count for one in found}  # those there are can be asked for
                continue
            for one in found:
                raised = one.state is not AlarmState.CLOSED and one.count > told.get(one.id, 0)
                told[one.id] = one.count
                if raised and kind in {None, one.kind}:
                    yield one


async def _open(info: Info) -> list[Alarm]:
    """Return those that nobody has acknowledged, as far as one page goes."""
    page = await info.context.ask(list_alarms, PageRequest(PAGE_MAX), state=AlarmState.OPEN)
    return list(page.items)


@strawberry.type
class AlarmSubscription:
    """Alarms as they are raised."""

    alarm_raised: AsyncGenerator[AlarmType, None] = strawberry.subscription(
        resolver=_raised, description="An alarm each time it is raised, a new one or one more time; of a kind, or any."
    )
