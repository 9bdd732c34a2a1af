"""Payment files fetched by a feed, taken once, and handed on once to the operator's other system."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.handing_on import hand_on_job
from domain.feeds.feed import After
from domain.feeds.payment_files import format_of
from domain.jobs.job import Job
from domain.payments.payment import Payment
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Stale
from domain.usecases.hand_on_payments import KIND, PutTarget, list_targets, put_target
from domain.usecases.list_payments import list_payments
from tests.feeds.conftest import Switch
from tests.payments.test_readers import bgmax


@pytest.fixture(autouse=True)
def today(switch: Switch) -> None:
    switch.clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_source_names_payments_and_their_format() -> None:
    assert (format_of("payments"), format_of("payments:camt054"), format_of("paymentsx")) == ("auto", "camt054", None)
    with pytest.raises(BadValue, match="no format"):
        format_of("payments:nothing")


async def payments(switch: Switch) -> list[Payment]:
    page = await list_payments(PageRequest(), actor=switch.world.actor, begin=switch.wiring.begin)
    return list(page.items)


async def test_a_file_of_a_bank_is_fetched_and_booked_once(switch: Switch) -> None:
    await switch.feed("bank", source="payments:bgmax")
    switch.lay("in.txt", bgmax((10000, "77777777")))
    run = await switch.poll("bank")
    assert (run.taken, run.held, run.fault) == (1, 0, "1 of 1 payments wait for somebody")
    assert not (switch.folder / "in.txt").exists()
    switch.lay("again.txt", bgmax((10000, "77777777")))
    run = await switch.poll("bank")
    assert (run.taken, run.again) == (1, 1)
    assert len(await payments(switch)) == 1


async def test_a_cut_file_waits_and_a_test_file_is_put_aside(switch: Switch) -> None:
    await switch.feed("bank", source="payments")
    whole = bgmax((10000, "77777777"))
    switch.lay("cut.txt", whole[:-80])
    switch.lay("test.txt", bgmax((5000, "88888888"), mark="T"))
    run = await switch.poll("bank")
    assert (run.taken, run.held) == (0, 2)
    assert (switch.folder / "cut.txt").exists(), "the rest of it may be on its way"
    assert (switch.folder / "refused" / "test.txt").exists()
    async with switch.wiring.begin(switch.world.actor) as unit:
        alarms = (await unit.alarms.page(PageRequest())).items
    assert sorted(one.subject for one in alarms) == ["bank/cut.txt", "bank/test.txt"]
    assert any("never post" in one.text for one in alarms)
    switch.lay("cut.txt", whole)
    switch.clock.pass_by(minutes=1)
    assert (await switch.poll("bank")).taken == 1
    assert len(await payments(switch)) == 1


async def test_a_feed_of_payments_has_a_format_that_is_read(switch: Switch) -> None:
    with pytest.raises(BadValue, match="no format"):
        await switch.feed("bank", source="payments:excel")
    with pytest.raises(BadValue, match="never grows"):
        await switch.feed("bank", source="payments", rules={"grows": True, "after": After.LEAVE})


async def test_a_file_is_handed_on_once_after_its_commit(switch: Switch) -> None:
    wiring, actor = switch.wiring, switch.world.actor
    await switch.feed("bank", source="payments")
    target = switch.folder / "erp"
    target.mkdir()
    cmd = PutTarget(name="erp", address=f"folder://{target}")
    bound = {"actor": actor, "begin": wiring.begin, "transports": wiring.transports, "vault": wiring.vault}
    kept = await put_target(cmd, **bound)
    with pytest.raises(Stale):
        await put_target(cmd, **bound)
    with pytest.raises(BadValue, match="takes the credentials"):
        await put_target(replace(cmd, name="x", credentials={"password": "secret"}), **bound)
    assert [one.name for one in await list_targets(actor=actor, begin=wiring.begin)] == ["erp"]
    data = bgmax((10000, "77777777"))
    switch.lay("in put.txt", data)
    assert (await switch.poll("bank")).taken == 1
    async with wiring.begin(actor) as unit:
        (job,) = (await unit.jobs.page(PageRequest(), kind=KIND)).items
    assert isinstance(job, Job)
    assert await hand_on_job(wiring, actor, job) == {"targets": 1}
    assert await hand_on_job(wiring, actor, job) == {"targets": 0}
    (copied,) = target.iterdir()
    assert (copied.name[8:], copied.read_bytes()) == ("-in_put.txt", data)
    await put_target(replace(cmd, active=False, version=kept.version), **bound)
