"""Doing orders: what it needs of the world, the job that does it, and the look for orders whose time has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ids import OperatorId, OrderId
from domain.jobs.job import Job
from domain.refusal import NotFound
from domain.usecases.drive_order import Outside, drive_order

CALLBACKS: Final = "/rest/v1/provisioning/callbacks"


def outside(wiring: Wiring) -> Outside:
    """Return what doing orders needs besides the unit."""

    def callback(operator: OperatorId, element: str) -> str:
        return f"{wiring.settings.address}{CALLBACKS}/{operator}/{element}"

    return Outside(network=wiring.network, turns=wiring.turns, vault=wiring.vault, callback=callback)


async def order_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Take the order ``payload["order"]`` as far as it goes now. Raises PutOff."""
    key = OrderId(int(str(job.payload["order"])))
    try:
        order = await drive_order(key, outside(wiring), actor=actor, begin=wiring.begin, clock=wiring.clock)
    except NotFound:
        return {"state": "gone"}
    return {"order": order.id, "state": order.state.value, "fault": order.fault}
