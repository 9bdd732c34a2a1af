"""Give units from one subscription to another, by the rules of the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from domain.access.actor import Action, Actor, within
from domain.access.editions import Part
from domain.access.operations import operation
from domain.buckets.balance import Held, held
from domain.buckets.grant import GiftRules, Given, Grant, GrantKind, shown
from domain.buckets.keeping import keep_draws
from domain.buckets.standing import BALANCES, Moved, Standing
from domain.commands import answered, check_texts, remember
from domain.contracts.subscription import Subscription, SubscriptionState
from domain.ids import GrantId, SubscriptionId
from domain.intake.raters import Raters
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.ports.versions import Versioned
from domain.rating.clock import micros
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound, WrongState
from domain.usecases.grant_units import Granted, bucket_named, units
from domain.usecases.load_granting import Found, Whose, granting_to


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUnits:
    """``giver`` gives ``amount`` of what its own buckets of the catalogue's id ``bucket`` have left to ``taker``."""

    giver: SubscriptionId
    taker: SubscriptionId
    bucket: str
    amount: Decimal
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGiftRules:
    """``per_month`` 0: nobody gives. ``version``: that of the rules that were read; None: whatever it is."""

    per_month: int
    most_percent: int = 100
    anybody: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Gift:
    """What the taker has of it: a grant for each allowance of the giver that it came from, with that one's end."""

    grants: Sequence[Granted]


@operation(Action.WRITE_CONTRACTS)
async def give_units(cmd: GiveUnits, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> Gift:
    """Move what is left; what ends first is given first, and ends for the taker when it would have for the giver.

    Refuses with: NotAllowed (the operator has no rules, or not for other customers), BadValue, NotFound, WrongState
    (one has ended), LimitExceeded (gifts of a month, or of an allowance; less is left), Conflict (idempotency key).
    """
    within(actor, Part.GIFTS)
    check_texts(cmd)
    if cmd.giver == cmd.taker:
        raise BadValue("a gift is for another subscription", field="taker")
    now = clock.now()
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            bucket = await bucket_named(unit, raters, cmd.bucket)
            return Gift([Granted(one, bucket.unit) for one in await unit.grants.gift(GrantId(known))])
        rules = await _rules(unit)
        giver, taker = await _both(unit, cmd, rules, now)
        bucket = await bucket_named(unit, raters, cmd.bucket)
        amount = units(cmd.amount, bucket)
        await unit.draws.claim(sorted({int(giver.customer), int(taker.customer)}))
        await _check_month(unit, cmd.giver, rules, now)
        found = await granting_to(unit, Whose(subscription=giver.id), raters)
        parts = _parts(_givable(found, cmd, now), amount, rules, bucket.unit)
        await _take(unit, parts, giver, now)
        grants = await _give(unit, cmd, parts, giver, taker, now, actor)
        await remember(unit.answers, cmd, grants[0].id)
        told = {"bucket": cmd.bucket, "amount": str(shown(amount, bucket.unit)), "gift": grants[0].id}
        told |= {"giver": giver.id, "taker": taker.id, "version": 1, "changed": ["allowances"]}
        await unit.audit.write("gift_units", f"subscription:{giver.id}", told)
        await unit.audit.write("receive_units", f"subscription:{taker.id}", told)
    return Gift([Granted(one, bucket.unit) for one in grants])


async def _rules(unit: Unit) -> GiftRules:
    rules = await unit.grants.rules()
    if rules is None:
        raise NotAllowed("this operator lets nobody give units away")
    return rules


async def _both(unit: Unit, cmd: GiveUnits, rules: GiftRules, now: datetime) -> tuple[Subscription, Subscription]:
    found = await unit.subscriptions.many([cmd.giver, cmd.taker])
    for name, key in (("giver", cmd.giver), ("taker", cmd.taker)):
        if key not in found:
            raise NotFound("no subscription {key}", key=key, field=name)
        if found[key].state_at(now) is SubscriptionState.ENDED:
            raise WrongState("the subscription has ended", field=name)
    giver, taker = found[cmd.giver], found[cmd.taker]
    if giver.customer != taker.customer and not rules.anybody:
        raise NotAllowed("this operator lets units be given to lines of the same customer only", field="taker")
    return giver, taker


async def _check_month(unit: Unit, giver: SubscriptionId, rules: GiftRules, now: datetime) -> None:
    local = now.astimezone(ZoneInfo((await unit.operators.own()).zone))
    began = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    made = {one.gift for one in await unit.grants.given_by(giver, began)}
    if len(made) >= rules.per_month:
        raise LimitExceeded("a line makes at most {most} gifts in a month", most=rules.per_month, field="giver")


def _givable(found: Found, cmd: GiveUnits, now: datetime) -> list[Held]:
    """Return the giver's own allowances that come from the bucket and have something left, what ends first first."""
    there = held(found.lines, found.granting, found.standing, now, now)
    names = {
        f"{row[0]}#{row[1]}" for row in found.standing.grants.select("bucket", "id").rows() if row[0] == cmd.bucket
    }
    mine = [
        one
        for one in there
        if one.allowance.bucket.owner == f"subscription:{cmd.giver}"
        and one.allowance.definition.id in {cmd.bucket, *names}
        and one.allowance.bucket.period[0] <= now < one.allowance.bucket.period[1]
        and one.left
    ]
    return sorted(mine, key=lambda one: one.allowance.bucket.period[1])


def _parts(there: Sequence[Held], amount: int, rules: GiftRules, unit: str) -> list[tuple[Held, int]]:
    """Return how much comes from each allowance. Refuses with: LimitExceeded."""
    parts, rest = [], amount
    for one in there:
        most = one.allowance.bucket.amount * rules.most_percent // 100 - one.given
        part = min(rest, one.left, max(most, 0))
        if part:
            parts.append((one, part))
            rest -= part
    if rest:
        most_now = shown(amount - rest, unit)
        raise LimitExceeded("at most {most} can be given now", most=most_now, field="amount")
    return parts


async def _take(unit: Unit, parts: Sequence[tuple[Held, int]], giver: Subscription, now: datetime) -> None:
    """Write the giver's balances with what is given, which may bring one to a threshold."""
    told = (await unit.draws.balances(giver.customer)).balances
    before = {row[:3]: row[3] for row in told.select("bucket", "owner", "since", "told").rows()}
    rows = []
    for one, part in parts:
        own = one.allowance
        marks = ",".join(map(str, own.definition.thresholds))
        whole = (own.bucket.unit, own.bucket.amount, one.used, one.given + part, marks, before.get(one.place, 0))
        rows.append((giver.customer, *one.place, micros(own.until), *whole))
    none = Standing.none()
    moved = Moved(pl.DataFrame(rows, schema=BALANCES, orient="row"), none.losses, none.volumes, none.lasts)
    await keep_draws(unit, moved, at=now)


async def _give(  # noqa: PLR0917  (what its only caller has)
    unit: Unit,
    cmd: GiveUnits,
    parts: Sequence[tuple[Held, int]],
    giver: Subscription,
    taker: Subscription,
    now: datetime,
    actor: Actor,
) -> list[Grant]:
    grants: list[Grant] = []
    for one, part in parts:
        grant = await unit.grants.add(
            Grant(
                id=GrantId(0),
                operator=actor.operator,
                customer=taker.customer,
                kind=GrantKind.GIFT,
                bucket=cmd.bucket,
                owner=f"subscription:{taker.id}",
                amount=part,
                since=now,
                until=one.allowance.bucket.period[1],
                giver=giver.id,
                gift=grants[0].id if grants else None,
                granted_at=now,
                client=actor.client,
            )
        )
        grants.append(grant)
        bucket, owner, _ = one.place
        await unit.grants.give(
            Given(
                customer=giver.customer,
                grant=grant.id,
                gift=grants[0].id,
                bucket=bucket,
                owner=owner,
                since=one.allowance.since,
                giver=giver.id,
                taker=taker.id,
                amount=part,
                given_at=now,
            )
        )
    return grants


@operation(Action.READ_CONTRACTS)
async def get_gift_rules(*, actor: Actor, begin: Begin) -> GiftRules | None:
    """Return the operator's rules for gifts; None: nobody gives. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.grants.rules()


@operation(Action.WRITE_PRICES)
async def set_gift_rules(cmd: SetGiftRules, *, actor: Actor, begin: Begin) -> GiftRules | None:
    """Put the operator's rules for gifts. Refuses with: NotAllowed, BadValue, Stale."""
    within(actor, Part.GIFTS)
    if not 0 <= cmd.per_month <= 1000:
        raise BadValue("gifts in a month are 0 to {most}", most=1000, field="perMonth")
    if not 1 <= cmd.most_percent <= 100:
        raise BadValue("a part is 1 to {most} per cent", most=100, field="mostPercent")
    rules = GiftRules(per_month=cmd.per_month, most_percent=cmd.most_percent, anybody=cmd.anybody)
    async with begin(actor) as unit:
        await unit.versions.advance(Versioned.GIFT_RULES, "", cmd.version)
        before = await unit.grants.rules()
        await unit.grants.put_rules(rules if cmd.per_month else None)
        detail = {"perMonth": cmd.per_month, "mostPercent": cmd.most_percent, "anybody": cmd.anybody}
        changed = [] if before == rules else ["giftRules"]
        await unit.audit.write("set_gift_rules", f"operator:{actor.operator}", {**detail, "changed": changed})
    return rules if cmd.per_month else None
