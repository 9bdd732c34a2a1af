"""Jobs that mail people about their signing in; where the server is away they are tried again, for some hours."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from api.catalogues import told
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.jobs.job import Job
from domain.ports.mail import MailFault
from domain.refusal import Refusal, Unreadable, WrongState
from domain.usecases.mail_user import Post, mail_link, mail_notice


def post_of(wiring: Wiring) -> Post:
    """Return how mails go out here."""
    return Post(
        mailer=wiring.mailer,
        portal=wiring.settings.portal,
        tell=told,
        draw=secrets.token_urlsafe,
    )


async def link_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Mail a single-use link to ``payload["user"]``."""
    try:
        sent = await mail_link(job.payload, machine=actor, begin=wiring.begin, clock=wiring.clock, post=post_of(wiring))
    except MailFault as fault:
        raise _lasting(fault) from None
    return {"sent": sent}


async def notice_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Tell ``payload["user"]`` what was changed."""
    try:
        sent = await mail_notice(job.payload, machine=actor, begin=wiring.begin, post=post_of(wiring))
    except MailFault as fault:
        raise _lasting(fault) from None
    return {"sent": sent}


def _lasting(fault: MailFault) -> Refusal:
    """Return what ends the job where trying again does not help, and what lets it rest where it does."""
    if fault.lasting:
        return Unreadable("the mail was not taken: {why}", why=fault.message)
    return WrongState("the mail was not taken yet: {why}", why=fault.message)
