"""Mandates of customers: asked for, taken as they are, blocked and unblocked, ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.customers.customer import check_open
from domain.ids import CustomerId, MandateId
from domain.payments.mandate import SEPA, TEXT_MAX, Mandate, MandateState, check, ended
from domain.payments.orders import Scheme
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, WrongState

ASKED: Final = "asked here"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMandate:
    """A customer's mandate. ``active``: it stands already, as one on paper, or taken over from another system.

    Else Autogiro's is asked for in the next file of requests. A SEPA mandate stands when it is signed.
    """

    customer: CustomerId
    scheme: Scheme
    payer_number: str
    account: str = ""
    identity: str = ""
    bic: str = ""
    notify: bool = False
    signed_on: dt.date | None = None
    signature: str | None = None
    active: bool = False


@operation(Action.WRITE_PAYMENTS)
async def add_mandate(cmd: AddMandate, *, actor: Actor, begin: Begin, clock: Clock) -> Mandate:
    """Keep a mandate.

    Refuses with: NotAllowed, NotFound (customer), BadValue, Conflict (the payer has one), WrongState (closed).
    """
    check_texts(cmd)
    now = clock.now()
    stands = cmd.active or cmd.scheme in SEPA
    made = check(
        Mandate(
            id=MandateId(0),
            operator=actor.operator,
            customer=cmd.customer,
            scheme=cmd.scheme,
            payer_number=cmd.payer_number,
            account=cmd.account,
            identity=cmd.identity,
            bic=cmd.bic,
            notify=cmd.notify,
            signed_on=cmd.signed_on,
            signature=cmd.signature,
            state=MandateState.ACTIVE if stands else MandateState.REQUESTED,
            active_from=now.date() if stands else None,
            requested_at=now,
        )
    )
    if made.account and made.scheme is Scheme.AUTOGIRO and not made.identity:
        raise BadValue("Autogiro asks for the payer's identity number beside an account", field="identity")
    async with begin(actor) as unit:
        check_open(await unit.customers.get(cmd.customer))
        await unit.payments.lock()
        kept = await unit.giro.mandates.add(made)
        verb = "activate" if stands else "request"
        detail = {"customer": kept.customer, "scheme": kept.scheme.value}
        await unit.audit.write(f"{verb}_mandate", f"mandate:{kept.id}", detail)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class EndMandate:
    """End a mandate at the version that was read; Autogiro is told in the next file of requests."""

    mandate: MandateId
    version: int
    reason: str = ""


@operation(Action.WRITE_PAYMENTS)
async def end_mandate(cmd: EndMandate, *, actor: Actor, begin: Begin, clock: Clock) -> Mandate:
    """End a mandate. Refuses with: NotAllowed, NotFound, Stale, WrongState (ended before), BadValue."""
    check_texts(cmd)
    if len(cmd.reason) > TEXT_MAX:
        raise BadValue("a reason has {most} characters at most", most=TEXT_MAX, field="reason")
    async with begin(actor) as unit:
        await unit.payments.lock()
        known = await unit.giro.mandates.get(cmd.mandate)
        over = ended(known, clock.now().date(), f"{ASKED}: {cmd.reason}".rstrip(": "))
        told = known.state in {MandateState.SENT, MandateState.ACTIVE}
        kept = await unit.giro.mandates.put(replace(over, version=cmd.version, file=None if told else known.file))
        await unit.audit.write("cancel_mandate", f"mandate:{kept.id}", {"customer": kept.customer})
    return kept


@operation(Action.WRITE_PAYMENTS)
async def unblock_mandate(key: MandateId, version: int, *, actor: Actor, begin: Begin) -> Mandate:
    """Let a mandate be debited again whose debits came back too often.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (it is not blocked).
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        known = await unit.giro.mandates.get(key)
        if not known.blocked:
            raise WrongState("mandate {key} is not blocked", key=key, field="mandate")
        kept = await unit.giro.mandates.put(replace(known, blocked=False, returns=0, version=version))
        await unit.audit.write("resume_mandate", f"mandate:{key}", {"customer": kept.customer})
    return kept


@operation(Action.READ_PAYMENTS)
async def list_mandates(
    request: PageRequest,
    *,
    actor: Actor,
    begin: Begin,
    customer: CustomerId | None = None,
    state: MandateState | None = None,
) -> Page[Mandate]:
    """List mandates by key, of a customer and in a state. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.mandates.page(request, customer=customer, state=state)
