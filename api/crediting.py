"""Jobs about credit: looking at who is watched, and telling customers of a threshold by mail and text message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from api.catalogues import told
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.credit.checking import CHECKED_MAX, check_all
from domain.ids import CustomerId, SubscriptionId
from domain.jobs.job import Job
from domain.ports.mail import MailFault
from domain.ports.texts import TextFault
from domain.refusal import Refusal, Unreadable, WrongState
from domain.usecases.check_credit import check_credit, tell_unrated
from domain.usecases.tell_credit import mail_notice, text_notice
from domain.usecases.watch_usage import watch_usage

_AFTER: Final = "after"


async def check_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Look at ``payload["customers"]``, or at everybody behind ``payload["after"]``, some at a time.

    ``payload["unrated"]`` is a currency without a rate, of which there is only to be told.
    """
    if "unrated" in job.payload:
        await tell_unrated(str(job.payload["unrated"]), actor=actor, begin=wiring.begin, clock=wiring.clock)
        return {"unrated": job.payload["unrated"]}
    if _AFTER in job.payload:
        after = int(str(job.payload[_AFTER]))
        async with wiring.begin(actor) as unit:
            customers = list(await unit.credit.watched(after=after, first=CHECKED_MAX))
            if len(customers) == CHECKED_MAX:
                await unit.jobs.add(check_all(customers[-1]))
    else:
        given = job.payload["customers"]
        assert isinstance(given, list)
        customers = [CustomerId(int(one)) for one in given]
    moved = await check_credit(customers, actor=actor, begin=wiring.begin, clock=wiring.clock)
    return {"looked": len(customers), "moved": moved}


async def fraud_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Look for unusual usage of ``payload["lines"]`` between two instants."""
    lines = job.payload["lines"]
    assert isinstance(lines, list)
    since, until = (datetime.fromisoformat(str(job.payload[name])) for name in ("since", "until"))
    keys = [SubscriptionId(int(one)) for one in lines]
    return {"found": await watch_usage(keys, since, until, actor, wiring.begin, wiring.clock)}


async def notice_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Tell a customer of a threshold as ``payload`` says; one job tells by one way, so that none is told twice."""
    try:
        if job.payload.get("sms"):
            sent = await text_notice(job, actor=actor, begin=wiring.begin, texter=wiring.texter, tell=told)
        else:
            sent = await mail_notice(job, actor=actor, begin=wiring.begin, mailer=wiring.mailer, tell=told)
    except (MailFault, TextFault) as fault:
        raise _refused(fault) from None
    return {"sent": sent}


def _refused(fault: MailFault | TextFault) -> Refusal:
    """Return what ends the job where trying again does not help, and what lets it rest where it does."""
    if fault.lasting:
        return Unreadable("the message was not taken: {why}", why=fault.message)
    return WrongState("the message was not taken yet: {why}", why=fault.message)
