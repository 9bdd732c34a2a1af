"""Change the card of a mobile subscription."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.assigning import swapped
from domain.contracts.dialled import dialling
from domain.contracts.identifiers import IdentifierKind, written
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind, check
from domain.ids import SubscriptionId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, WrongState
from domain.usecases.assign_numbers import check_life, check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapSim:
    """The card from ``at`` (None: now) on, by its ICCID, its IMSI or both; the numbers stay."""

    subscription: SubscriptionId
    iccid: str | None = None
    imsi: str | None = None
    at: datetime | None = None
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def swap_sim(cmd: SwapSim, *, actor: Actor, begin: Begin, clock: Clock) -> Subscription:
    """Change the card: what the old one was known by ends where the new one begins, and the numbers stay.

    Refuses with: NotAllowed, NotFound, Stale, BadValue (neither, or not of its form), WrongState (no mobile or data
    line, or it has ended), Overlap (the card is another's), Conflict (idempotency key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.subscriptions.claim(SubscriptionId(known))
        subscription = await unit.subscriptions.claim(cmd.subscription)
        check_version(subscription, cmd.version)
        if subscription.kind not in {SubscriptionKind.MOBILE, SubscriptionKind.DATA}:
            raise WrongState("only a mobile or data line has a card", field="subscription")
        at = utc(cmd.at, field="at") if cmd.at is not None else clock.now()
        plan = dialling(await unit.operators.own())
        given = ((IdentifierKind.ICCID, cmd.iccid), (IdentifierKind.IMSI, cmd.imsi))
        cards = tuple(
            NumberAssignment(number=written(kind, text, plan, field=kind.value), valid_from=at, kind=kind)
            for kind, text in given
            if text is not None
        )
        if not cards:
            raise BadValue("give the ICCID or the IMSI of the new card, or both", field="iccid")
        if subscription.ended_at is not None:
            cards = tuple(replace(card, valid_to=subscription.ended_at) for card in cards)
            check_life(subscription, cards)
        kept = await unit.subscriptions.keep(check(replace(subscription, numbers=swapped(subscription.numbers, cards))))
        await remember(unit.answers, cmd, kept.id)
        detail: dict[str, object] = {card.kind.value: card.number for card in cards}
        detail |= {"at": at.isoformat(), "version": kept.version, "changed": ["numbers"]}
        await unit.audit.write("swap_sim", f"subscription:{kept.id}", detail)
    return kept
