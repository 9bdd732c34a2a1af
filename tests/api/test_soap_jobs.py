"""The queue over SOAP: what waits and failed, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.access.actor import system
from domain.ids import OperatorId
from domain.jobs.job import NewJob
from tests.api.conftest import House
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code


@pytest.mark.parametrize("port", PORTS)
async def test_jobs_are_listed_cancelled_and_retried(live: House, port: str) -> None:
    async with live.wiring.begin(system(OperatorId(1))) as unit:
        first = await unit.jobs.add(NewJob(kind="import_cdr", payload={"file": 7}))
        second = await unit.jobs.add(NewJob(kind="rest", payload={}))

    def operator(service: Any) -> None:
        page = service.ListJobs()
        assert [one.id for one in page.job] == [first.id, second.id]
        assert (page.next, json.loads(page.job[0].payload)) == (None, {"file": 7})
        assert [one.kind for one in service.ListJobs(kind="rest").job] == ["rest"]
        assert [one.id for one in service.ListJobs(after=str(first.id)).job] == [second.id]
        assert code(service.ListJobs, after="x") == "bad_value"
        done = service.CancelJob(job=first.id)
        assert (done.state, done.error) == ("dead", "cancelled by operator")
        assert code(service.CancelJob, job=first.id) == "wrong_state"
        assert [one.id for one in service.ListJobs(state="dead").job] == [first.id]
        counts = {(one.kind, one.state): one.count for one in service.CountJobs()}
        assert counts == {("import_cdr", "dead"): 1, ("rest", "waiting"): 1}
        assert service.RetryJob(job=first.id).state == "waiting"
        assert service.GetJob(job=first.id).state == "waiting"
        for key in (0, -1, 10**18, 10**30):
            assert code(service.GetJob, job=key) in {"not_found", "bad_value", "Client", "Sender"}

    def reseller(service: Any) -> None:
        for ask in (service.ListJobs, service.CountJobs):
            assert code(ask) == "not_allowed"
        for ask in (service.GetJob, service.RetryJob, service.CancelJob):
            assert code(ask, job=first.id) == "not_allowed"

    def other(service: Any) -> None:
        assert service.ListJobs().count == 0
        for ask in (service.GetJob, service.RetryJob, service.CancelJob):
            assert code(ask, job=first.id) == "not_found"

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
    await _soap(live, "other", port, other)
