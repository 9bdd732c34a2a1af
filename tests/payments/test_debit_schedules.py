"""Direct debits by themselves: on banking days, once, to the target, and with a second person where rules ask one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.access.approval import ApprovalKind, ApprovalRule, ApprovalRules, NeedsApproval
from domain.payments.banking_days import ahead, banking_day, easter, is_banking_day
from domain.payments.debit import DebitState, OrderFile
from domain.payments.handing_on import Target
from domain.payments.orders import Scheme
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.schedule_debits import (
    PUT_JOB,
    RUN_JOB,
    PutDebitSchedule,
    ReleaseOrders,
    list_debit_schedules,
    put_debit_schedule,
    put_orders,
    release_orders,
    run_debits,
)
from domain.usecases.write_orders import RELEASE_JOB, TakeOrderFile, list_order_files, take_order_file
from integrations.payments.writing import write
from tests.invoicing.conftest import Office
from tests.payments.test_desk import ask, debits, mandate, rule
from tests.payments.test_ledger import billed

pytestmark = pytest.mark.filterwarnings("error")


class Folder:
    """A place that keeps what is put into it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @asynccontextmanager
    async def open(self, _place: object, _secrets: Mapping[str, str], **_more: Any) -> AsyncIterator[Folder]:
        yield self

    async def put(self, name: str, content: AsyncIterator[bytes]) -> None:
        self.files[name] = b"".join([block async for block in content])


@pytest.mark.parametrize(
    ("scheme", "day", "open_"),
    [
        (Scheme.AUTOGIRO, date(2026, 6, 19), False),  # Midsummer Eve
        (Scheme.AUTOGIRO, date(2027, 6, 25), False),
        (Scheme.AUTOGIRO, date(2026, 6, 26), True),
        (Scheme.AUTOGIRO, date(2026, 12, 31), False),
        (Scheme.AVTALEGIRO, date(2026, 4, 2), False),  # Maundy Thursday
        (Scheme.AVTALEGIRO, date(2026, 12, 31), True),
        (Scheme.BETALINGSSERVICE, date(2023, 5, 5), False),  # the great prayer day, the last time
        (Scheme.BETALINGSSERVICE, date(2024, 4, 26), True),
        (Scheme.BETALINGSSERVICE, date(2026, 5, 15), False),
        (Scheme.SEPA_CORE, date(2026, 4, 6), False),  # Easter Monday
        (Scheme.SEPA_CORE, date(2026, 6, 5), True),
        (Scheme.SEPA_B2B, date(2026, 11, 22), False),  # a Sunday
    ],
)
def test_each_scheme_has_its_own_holidays(scheme: Scheme, day: date, open_: bool) -> None:
    assert is_banking_day(scheme, day) is open_


def test_banking_days_are_counted() -> None:
    assert [easter(year) for year in (2000, 2025, 2038)] == [date(2000, 4, 23), date(2025, 4, 20), date(2038, 4, 25)]
    assert ahead(Scheme.AUTOGIRO, date(2026, 11, 20), 1) == date(2026, 11, 23)
    assert banking_day(Scheme.SEPA_CORE, date(2026, 12, 25)) == date(2026, 12, 28)


@pytest.fixture
async def ready(office: Office) -> Office:
    office.world.clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    (invoice,) = await billed(office, "1")
    assert invoice.due_on == date(2026, 12, 1)
    await rule(office)
    await mandate(office, invoice)
    async with office.begin() as unit:
        await unit.giro.targets.add(
            Target(id=0, operator=office.actor.operator, name="bank", address="folder:///srv/bank")
        )
    return office


async def jobs(office: Office, kind: str) -> list[Any]:
    async with office.begin() as unit:
        return list((await unit.jobs.page(PageRequest(), kind=kind)).items)


async def put(office: Office, **more: Any) -> Any:
    cmd = PutDebitSchedule(**({"scheme": Scheme.AUTOGIRO, "days": 3, "target": "bank"} | more))
    return await ask(office, put_debit_schedule, cmd)


async def run(office: Office, *day: int, version: int = 1) -> str:
    office.world.clock.at = datetime(*day, 7, tzinfo=UTC)
    return await ask(office, run_debits, Scheme.AUTOGIRO, version, write=write)


async def only_file(office: Office) -> OrderFile:
    (file,) = (await ask(office, list_order_files, PageRequest(), timed=False)).items
    return file


async def test_what_is_due_within_some_banking_days_is_ordered_once_and_goes_to_its_target(ready: Office) -> None:
    await put(ready)
    (promised,) = await jobs(ready, RUN_JOB)
    assert promised.payload["on"] == "2026-11-23", "the next banking day at six"
    assert promised.run_at == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert await run(ready, 2026, 11, 25) == "nothing is due", "three banking days on it is the 30th"
    assert await run(ready, 2026, 11, 26) == "autogiro-000001.txt: 1 debits"
    assert await run(ready, 2026, 11, 26) == "nothing is due", "it is on its way"
    assert await run(ready, 2026, 11, 28) == "no banking day"
    (order,) = await debits(ready)
    assert (order.state, order.due_on) == (DebitState.SENT, date(2026, 12, 1))
    (job,) = await jobs(ready, RELEASE_JOB)
    file = await only_file(ready)
    assert (job.payload, file.target, file.taken_at) == ({"file": file.id}, "bank", None)
    for _ in range(2):
        await ask(ready, release_orders, ReleaseOrders(file=file.id))
    assert len(await jobs(ready, PUT_JOB)) == 1
    folder = Folder()
    async with ready.begin() as unit:
        (bank,) = await unit.giro.targets.find(name="bank")
        away = await unit.giro.targets.put(replace(bank, active=False))
    with pytest.raises(WrongState, match="no target bank"):
        await ask(ready, put_orders, file.id, transports=folder, vault=None)
    async with ready.begin() as unit:
        await unit.giro.targets.put(replace(away, active=True))
    assert await ask(ready, put_orders, file.id, transports=folder, vault=None)
    assert not await ask(ready, put_orders, file.id, transports=folder, vault=None)
    assert folder.files == {file.name: file.content}
    assert (await only_file(ready)).taken_by == "target bank"


async def test_a_second_person_agrees_before_anything_goes_to_the_bank(ready: Office) -> None:
    await put(ready)
    async with ready.begin() as unit:
        await unit.approvals.keep_rules(ApprovalRules(rules=(ApprovalRule(kind=ApprovalKind.DEBIT),)))
    await run(ready, 2026, 11, 26)
    file = await only_file(ready)
    with pytest.raises(NeedsApproval):
        await ask(ready, release_orders, ReleaseOrders(file=file.id))
    with pytest.raises(NeedsApproval):
        await ask(ready, take_order_file, TakeOrderFile(file=file.id))
    assert await jobs(ready, PUT_JOB) == []
    assert (await only_file(ready)).taken_at is None


async def test_a_schedule_is_changed_at_its_version_and_an_old_promise_does_nothing(ready: Office) -> None:
    first = await put(ready)
    with pytest.raises(Stale):
        await put(ready)
    with pytest.raises(NotFound):
        await put(ready, scheme=Scheme.AVTALEGIRO, target="nowhere")
    for more in ({"days": 0}, {"days": 31}, {"hour": 24}):
        with pytest.raises(BadValue):
            await put(ready, scheme=Scheme.AVTALEGIRO, **more)
    changed = await put(ready, days=5, version=first.version)
    assert changed.version == 2
    assert await run(ready, 2026, 11, 26) == "the schedule is another now"
    assert await run(ready, 2026, 11, 24, version=2) == "autogiro-000001.txt: 1 debits"
    assert [one.days for one in await ask(ready, list_debit_schedules, timed=False)] == [5]


async def test_a_run_that_cannot_write_tells_it(ready: Office) -> None:
    await put(ready, scheme=Scheme.AUTOGIRO)
    await rule_without_a_bankgiro(ready)
    assert "bankgiro" in await run(ready, 2026, 11, 26)
    async with ready.begin() as unit:
        (alarm,) = (await unit.alarms.page(PageRequest())).items
    assert (alarm.kind, alarm.subject) == ("debit_run", "debit_schedule:autogiro")
    assert await debits(ready) == []


async def rule_without_a_bankgiro(office: Office) -> None:
    async with office.begin() as unit:
        (kept,) = await unit.giro.rules.find()
        creditor = kept.rules.creditor.__class__(name="Exempel AB")
        rules = kept.rules.__class__(creditor=creditor)
        await unit.giro.rules.put(kept.__class__(id=kept.id, operator=kept.operator, rules=rules, version=kept.version))


async def test_whoever_may_not_is_refused(ready: Office) -> None:
    world = ready.world
    cmd = PutDebitSchedule(scheme=Scheme.AUTOGIRO, days=3)
    for actor in (world.north, world.south):
        with pytest.raises(NotAllowed):
            await put_debit_schedule(cmd, actor=actor, begin=world.begin, clock=world.clock)
        with pytest.raises(NotAllowed):
            await list_debit_schedules(actor=actor, begin=world.begin)
    await put(ready)
    assert await list_debit_schedules(actor=world.other_operator, begin=world.begin) == []
