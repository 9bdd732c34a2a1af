"""Move a number from one subscription to another at an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.assigning import ended
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import Subscription, check
from domain.ids import SubscriptionId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound
from domain.usecases.assign_numbers import check_life, claim_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferNumber:
    """The number is ``source``'s before ``at`` and ``target``'s from then on."""

    number: str
    source: SubscriptionId
    target: SubscriptionId
    at: datetime
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def transfer_number(cmd: TransferNumber, *, actor: Actor, begin: Begin, clock: Clock) -> Subscription:
    """Move a number, and return who has it now: an event belongs to whoever has its number at its start.

    Refuses with: NotAllowed, BadValue, NotFound (a subscription, or the source does not have the number then), Overlap,
    WrongState (the target has ended), Conflict (idempotency key).
    """
    check_texts(cmd)
    at = utc(cmd.at, field="at")
    if cmd.source == cmd.target:
        raise BadValue("a number moves to another subscription", field="target")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.subscriptions.claim(SubscriptionId(known))
        found = {}
        for field, key in sorted((("source", cmd.source), ("target", cmd.target)), key=lambda pair: pair[1]):
            try:
                found[field] = await unit.subscriptions.claim(key)  # in the order of keys, so that two never wait
            except NotFound:
                raise NotFound("no such subscription", field=field) from None
        source, target = found["source"], found["target"]
        number = as_kept([cmd.number], dialling(await unit.operators.own()))[0]
        if not source.holds(number, at):
            raise NotFound("the subscription does not have {number} then", number=number, field="number")
        moving = next(
            one
            for one in source.numbers
            if one.number == number and one.valid_from <= at and (one.valid_to is None or one.valid_to > at)
        )
        new = replace(moving, valid_from=at)
        check_life(target, [new])
        await claim_numbers(unit, target, [new], actor=actor, now=clock.now())
        left = ended((moving,), at)
        rest = tuple(one for one in source.numbers if one != moving)
        before = await unit.subscriptions.keep(replace(source, numbers=(*rest, *left)))
        after = await unit.subscriptions.keep(check(replace(target, numbers=(*target.numbers, new))))
        await remember(unit.answers, cmd, after.id)
        detail: dict[str, object] = {"number": number, "at": at.isoformat(), "changed": ["numbers"]}
        for one, other in ((before, after), (after, before)):
            told = detail | {"version": one.version, "other": other.id}
            await unit.audit.write("transfer_number", f"subscription:{one.id}", told)
    return after
