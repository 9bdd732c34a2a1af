"""What buckets have granted, given and left, of a customer, a contract or a subscription, at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import numpy as np

from domain.access.actor import Action, Actor, allow
from domain.buckets.standing import Standing
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.intake.rater import Rater, drawing_party
from domain.intake.raters import Raters
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.rating.allowances import Allowance, Roll, allowances, owners
from domain.rating.clock import micros
from domain.refusal import BadValue, NotFound

SUBSCRIPTIONS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAllowances:
    """Whose: exactly one of the three. ``at``: the instant at which they serve, None now."""

    customer: CustomerId | None = None
    contract: ContractId | None = None
    subscription: SubscriptionId | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceLeft:
    """One allowance: ``granted = used + lost + left`` in ``unit``: seconds, messages, kB, money in ``currency``.

    ``owner``: ``subscription:12``, ``contract:9`` or ``customer:5``. ``since``, ``until``: the period it was granted
    for; ``ends``: when it serves no more, later where it rolls over. ``lost``: what passed the rollover's cap. Where
    more was used than is granted by now, nothing is left.
    """

    bucket: str
    owner: str
    unit: str
    currency: str | None
    since: datetime
    until: datetime
    ends: datetime
    granted: Decimal
    used: Decimal
    lost: Decimal
    left: Decimal


async def list_allowances(
    cmd: ListAllowances, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> Sequence[AllowanceLeft]:
    """Return what each bucket that may serve has left, as of the last committed event, in the order of drawing.

    Refuses with: NotAllowed, BadValue (not exactly one of the three), NotFound.
    """
    allow(actor, Action.READ_USAGE)
    if sum(one is not None for one in (cmd.customer, cmd.contract, cmd.subscription)) != 1:
        raise BadValue("give a customer, a contract or a subscription", field="customer")
    at = clock.now() if cmd.at is None else utc(cmd.at, field="at")
    async with begin(actor) as unit:
        if cmd.customer is not None:
            customer = (await unit.customers.get(cmd.customer)).id
        elif cmd.contract is not None:
            customer = (await unit.contracts.get(cmd.contract)).customer
        else:
            assert cmd.subscription is not None
            found = await unit.subscriptions.many([cmd.subscription])
            if not found:
                raise NotFound(f"no subscription {cmd.subscription}", field="subscription")
            customer = found[cmd.subscription].customer
        standing = await unit.draws.standing([customer])
    rater = await raters.present(actor, begin)
    return await asyncio.to_thread(_left, cmd, rater, standing, at)


def _left(cmd: ListAllowances, rater: Rater, standing: Standing, at: datetime) -> list[AllowanceLeft]:
    who = rater.subscribers
    chosen = np.ones(len(who.subscription), np.bool_)
    for name in ("customer", "contract", "subscription"):
        if (key := getattr(cmd, name)) is not None:
            chosen &= getattr(who, name) == key
    places = np.flatnonzero(chosen)[:SUBSCRIPTIONS_MAX].astype(np.int32)
    pricing = rater.pricing(places, np.full(len(places), micros(at), np.int64))
    parties, terms = [], {}
    for owner, price in zip(places.tolist(), pricing.tolist(), strict=True):
        line, contract = int(who.subscription[owner]), int(who.contract[owner])
        parties.append(drawing_party(line, contract, int(who.customer[owner]), who.pricings[price]))
        terms[f"subscription:{line}"] = terms[f"contract:{contract}"] = who.term[owner]
    buckets = rater.book.tariff.buckets
    made, rolls = allowances(buckets, owners(buckets, parties), at, at, terms)
    drawn = {row[:3]: row[3] for row in standing.balances.select("bucket", "owner", "since", "drawn").rows()}
    lost: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    done = set()
    for bucket, owner_name, since, when, amount in standing.losses.select(
        "bucket", "owner", "since", "at", "amount"
    ).rows():
        lost[bucket, owner_name, since] += amount
        done.add((bucket, owner_name, when))
    _roll(made, [one for one in rolls if (one.definition, one.owner, micros(one.at)) not in done], drawn, lost, at)
    serving = [one for one in made if one.bucket.period[0] <= at < one.bucket.period[1]]
    serving.sort(key=lambda one: (one.bucket.priority, one.bucket.period[1], one.bucket.id))
    return [_told(one, drawn.get(_key(one), 0), lost[_key(one)]) for one in serving]


def _roll(
    made: Sequence[Allowance],
    rolls: Sequence[Roll],
    drawn: dict[tuple[str, str, int], int],
    lost: defaultdict[tuple[str, str, int], int],
    at: datetime,
) -> None:
    """Take away what the next event would find gone: rolls that no event has crossed yet."""
    by_id = {one.bucket.id: one for one in made}
    for roll in sorted(rolls, key=lambda one: one.at):
        if roll.at > at:
            continue
        passing = [by_id[name] for name in roll.buckets if name in by_id]
        left = {one.bucket.id: max(one.bucket.amount - drawn.get(_key(one), 0) - lost[_key(one)], 0) for one in passing}
        excess = sum(left.values()) - roll.cap
        for one in passing:
            gone = min(max(excess, 0), left[one.bucket.id])
            lost[_key(one)] += gone
            excess -= gone


def _key(one: Allowance) -> tuple[str, str, int]:
    return one.definition.id, one.bucket.owner, micros(one.since)


def _told(one: Allowance, used: int, lost: int) -> AllowanceLeft:
    bucket = one.bucket
    scale = -6 if bucket.unit == "money" else 0

    def amount(value: int) -> Decimal:
        return Decimal(value).scaleb(scale)

    return AllowanceLeft(
        bucket=one.definition.id,
        owner=bucket.owner,
        unit=bucket.unit,
        currency=bucket.currency,
        since=one.since,
        until=one.until,
        ends=bucket.period[1],
        granted=amount(bucket.amount),
        used=amount(used),
        lost=amount(lost),
        left=amount(max(bucket.amount - used - lost, 0)),
    )
