"""Behind a restore without its master key: signing keys that nothing opens are set aside, and an alarm tells of it."""

from __future__ import annotations

import logging
from typing import Final

from api.wiring import Wiring
from domain.access.actor import system
from domain.alarms.alarm import Raised, Severity
from domain.usecases.raise_alarm import raise_alarm

LOG: Final = logging.getLogger("tollwright.keys")
ALARM: Final = "master_key"


async def tell_of_lost_keys(wiring: Wiring) -> None:
    """Set aside the signing keys that cannot be opened, and raise an alarm with every operator where there are any."""
    lost = await wiring.credentials.set_aside()
    if not lost:
        return
    LOG.warning("signing keys that the master key does not open are set aside: %s", ", ".join(lost))
    found = Raised(
        kind=ALARM,
        subject="signing keys",
        text="the master key is not the one that secrets were sealed with: tokens are signed by a new key, and what"
        " feeds, webhooks, network elements, identity providers and authenticators keep is to be given again, unless"
        " the old key is brought back",
        severity=Severity.CRITICAL,
        data={"kids": list(lost)},
    )
    for operator in await wiring.directory.operators():
        await raise_alarm(found, actor=system(operator.id, "keys"), begin=wiring.begin, clock=wiring.clock)
