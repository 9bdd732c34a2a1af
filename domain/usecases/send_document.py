"""Send one document its way: written, checked by its format's rules, handed over once, and followed to its end."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypedDict

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import Delivery
from domain.delivery.channel import Channel
from domain.delivery.dispatch import ENDED, UNCERTAIN, Dispatch, DispatchState, Form, Way, leaves, moved
from domain.ids import DispatchId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import LimitExceeded, WrongState
from domain.saying import Said
from domain.usecases.carry_document import Carriers, Leaving, Parked, Unsent, able, carry, checked, told_of
from domain.usecases.print_invoice import material_of
from domain.usecases.send_documents import FOLLOW, SEND, tell

HANDING: Final = timedelta(minutes=5)  # a mail server has answered by then, or never will
FOLLOW_DAYS: Final = 14
FOLLOW_EVERY: Final = timedelta(minutes=5)
MAYBE: Final = Said("the mail server may have taken it, or not: ask the customer before you send it again")


class _Given(TypedDict):
    """What every step is given."""

    actor: Actor
    begin: Begin
    clock: Clock


@operation(Action.RUN_BILLS)
async def send_document(
    key: DispatchId, carriers: Carriers, *, last: bool = False, actor: Actor, begin: Begin, clock: Clock
) -> Dispatch:
    """Send a queued document; one that is not queued any more is returned as it is.

    Mail has no key by which its server knows a document again: where we went down while it was handed over, it is
    given up as uncertain instead of sent twice. ``last``: nobody tries again.
    Refuses with: NotAllowed, NotFound, WrongState (not taken now; it is tried again).
    """
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state is not DispatchState.QUEUED or one.way is Way.PRINT:
            return one
        if one.handed_at is not None and clock.now() - one.handed_at < HANDING:
            raise WrongState("document {number} is being handed over", number=one.number, field="dispatch")
        invoice = await unit.invoices.get(one.invoice)
        channel = await unit.channels.claim(one.channel) if one.channel else None
        endpoint = invoice.payer.endpoint
        capability = await unit.channels.capability(endpoint) if endpoint else None
    given: _Given = {"actor": actor, "begin": begin, "clock": clock}
    if one.handed_at is not None:
        return await _end(key, DispatchState.FAILED, MAYBE, UNCERTAIN, **given)
    it = Leaving(one=one, invoice=invoice, channel=channel, carriers=carriers)
    try:
        found = await able(it, capability, clock)
        if found is not None and found is not capability:
            async with begin(actor) as unit:
                await unit.channels.know(found)
        if found is not None and not found.takes(one.form, one.kind):
            return await _otherwise(key, channel, **given)
        if one.form is Form.PDF:
            async with begin(actor) as unit:
                material = await material_of(unit, invoice)
            content = await asyncio.to_thread(material.printed, carriers.documents)
        else:
            content = await checked(it)
        if one.way is Way.MAIL:
            await _note(key, **given)
        sent = await carry(it, content)
    except Parked as parked:
        return await _end(key, DispatchState.PARKED, parked.said, parked.rule, **given)
    except LimitExceeded as much:  # more calls than a document holds: trying again does not help
        return await _end(key, DispatchState.PARKED, much.message, much.code, **given)
    except Unsent as no:
        if no.uncertain:
            return await _end(key, DispatchState.FAILED, MAYBE, UNCERTAIN, **given)
        if no.rejected or no.lasting or last:
            state = DispatchState.REJECTED if no.rejected else DispatchState.FAILED
            return await _end(key, state, no.why, None, **given)
        async with begin(actor) as unit:
            again = await unit.dispatches.claim(key)
            tried = replace(again, attempts=again.attempts + 1, fault=no.why[:500], handed_at=None)
            await unit.dispatches.keep([tried])
        raise WrongState("document {number} was not taken: {why}", number=one.number, why=no.why) from None
    async with begin(actor) as unit:
        now = clock.now()
        again = await unit.dispatches.claim(key)
        if again.rule == UNCERTAIN:  # given up by somebody else while it was under way: now it is known
            again = replace(again, state=DispatchState.QUEUED, rule=None)
        state, reference = sent
        (kept,) = await unit.dispatches.keep(
            [
                replace(
                    moved(again, state, at=now),
                    reference=reference,
                    attempts=again.attempts + 1,
                    digest=hashlib.sha256(content).digest(),
                )
            ]
        )
        await unit.audit.write("send_document", f"dispatch:{key}", {"number": one.number, "state": state.value})
        await tell(unit, kept)
        if channel is not None and channel.settings.status_url and state not in ENDED:
            await _promise_look(unit, kept, clock)
    return kept


async def _note(key: DispatchId, *, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Note, before it happens, that a document is handed over. Refuses with: WrongState (somebody else does it)."""
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state is not DispatchState.QUEUED or one.handed_at is not None:
            raise WrongState("document {number} is being handed over", number=one.number, field="dispatch")
        await unit.dispatches.keep([replace(one, handed_at=clock.now())])


async def _otherwise(key: DispatchId, channel: Channel | None, *, actor: Actor, begin: Begin, clock: Clock) -> Dispatch:
    """Send a document whose recipient cannot take it as the channel says, or park it."""
    assert channel is not None
    way = leaves(channel.settings.otherwise) if channel.settings.otherwise else None
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if way is None:
            fetched = channel.settings.otherwise is Delivery.PDF
            state = DispatchState.DELIVERED if fetched else DispatchState.PARKED
            said = "the recipient cannot take this form: choose another delivery for the customer"
            changed = replace(
                moved(one, state, at=clock.now(), fault=None if fetched else said),
                rule=None if fetched else "recipient_cannot",
            )
        else:
            changed = replace(one, form=way[0], way=way[1], channel=None, changed_at=clock.now())
        (kept,) = await unit.dispatches.keep([changed])
        await unit.audit.write("change_dispatch", f"dispatch:{key}", {"form": kept.form.value, "way": kept.way.value})
        await tell(unit, kept)
        if way is not None:
            await unit.jobs.add(NewJob(kind=SEND, payload={"dispatch": key}, dedupe=f"dispatch:{key}/{way[1]}"))
    return kept


@operation(Action.RUN_BILLS)
async def follow_document(key: DispatchId, carriers: Carriers, *, actor: Actor, begin: Begin, clock: Clock) -> Dispatch:
    """Ask what became of a document that was sent, until it is at an end. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.state not in {DispatchState.SENT, DispatchState.ACCEPTED} or one.channel is None:
            return one
        channel = await unit.channels.claim(one.channel)
        invoice = await unit.invoices.get(one.invoice)
    if channel is None or channel.settings.status_url is None:
        return one
    state, why = await told_of(Leaving(one=one, invoice=invoice, channel=channel, carriers=carriers))
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        now = clock.now()
        if state is not None and state is not one.state and one.state not in ENDED and state is not DispatchState.SENT:
            (one,) = await unit.dispatches.keep([moved(one, state, at=now, fault=why)])
            await unit.audit.write("take_receipts", f"dispatch:{key}", {"number": one.number, "state": state.value})
            await tell(unit, one)
        if one.state not in ENDED and now - one.queued_at < timedelta(days=FOLLOW_DAYS):
            await _promise_look(unit, one, clock)
    return one


async def _promise_look(unit: Unit, one: Dispatch, clock: Clock) -> None:
    at = clock.now() + FOLLOW_EVERY
    dedupe = f"dispatch:{one.id}@{at:%Y%m%d%H%M}"
    await unit.jobs.add(NewJob(kind=FOLLOW, payload={"dispatch": one.id}, dedupe=dedupe, run_at=at))


async def _end(
    key: DispatchId, state: DispatchState, why: str, rule: str | None, *, actor: Actor, begin: Begin, clock: Clock
) -> Dispatch:
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        (kept,) = await unit.dispatches.keep(
            [replace(moved(one, state, at=clock.now(), fault=why), rule=rule, attempts=one.attempts + 1)]
        )
        verb = "park_document" if state is DispatchState.PARKED else "fail_document"
        await unit.audit.write(verb, f"dispatch:{key}", {"number": one.number, "rule": rule, "fault": why[:500]})
        await tell(unit, kept)
    return kept
