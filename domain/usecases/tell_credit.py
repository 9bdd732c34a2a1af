"""What customers are told of their limits, in their own language."""

from __future__ import annotations

from domain.access.actor import Actor
from domain.access.letters import Tell
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.jobs.job import Job
from domain.ports.mail import Letter, Mailer
from domain.ports.texts import Text, Texter
from domain.ports.unit import Begin
from domain.saying import Said


async def mail_notice(job: Job, *, actor: Actor, begin: Begin, mailer: Mailer, tell: Tell) -> bool:
    """Mail a customer that a threshold is reached; tell whether he has an address. Raises MailFault."""
    customer, sender = await _whom(job, actor, begin)
    if customer is None or not customer.email:
        return False
    subject = Said("Your limit at {operator}", operator=sender)
    text = tell(_said(job, sender), customer.language)
    await mailer.send(
        Letter(
            to=customer.email,
            name=customer.name,
            subject=tell(subject, customer.language),
            text=f"{text}\n",
            language=customer.language,
        )
    )
    return True


async def text_notice(job: Job, *, actor: Actor, begin: Begin, texter: Texter, tell: Tell) -> bool:
    """Send a customer a text message of it; tell whether he has a number. Raises TextFault."""
    customer, sender = await _whom(job, actor, begin)
    if customer is None or not customer.phone:
        return False
    digits = "".join(letter for letter in customer.phone if letter in "0123456789")
    text = tell(_said(job, sender), customer.language)
    await texter.send(Text(to=digits, text=text, sender=sender[:11], key=f"credit-{job.operator}-{job.id}"))
    return True


async def _whom(job: Job, actor: Actor, begin: Begin) -> tuple[Customer | None, str]:
    key = CustomerId(int(str(job.payload["customer"])))
    async with begin(actor) as unit:
        found = (await unit.customers.many([key])).get(key)
        return found, (await unit.operators.own()).name


def _said(job: Job, sender: str) -> Said:
    told = {name: job.payload[name] for name in ("percent", "used", "limit", "currency")}
    kind = str(job.payload["kind"])
    if kind == "roaming_data":
        return Said(
            "{operator}: {percent} % of your limit for data abroad is used, {used} of {limit} {currency}.",
            operator=sender,
            **told,
        )
    return Said("{operator}: {percent} % of your limit is used, {used} of {limit} {currency}.", operator=sender, **told)
