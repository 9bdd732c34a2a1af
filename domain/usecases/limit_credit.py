"""Set, change and take away credit limits, set something else by hand, and see what is used of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor, system
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import answered, check_texts, few_enough, remember
from domain.credit.account import Account
from domain.credit.checking import check_all
from domain.credit.counting import counted_now, owed_of, promise_checks, recount
from domain.credit.kinds import BARS, Kind
from domain.credit.limit import (
    OVERRIDES_MAX,
    POLICIES_MAX,
    REASON_MAX,
    THRESHOLDS,
    CreditLimit,
    CreditOverride,
    InForce,
    check,
    in_force,
    micro_of,
    shown,
)
from domain.ids import CreditLimitId, CreditOverrideId, CustomerId, SubscriptionId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.provisioning.order import Bar
from domain.refusal import BadValue, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.four_eyes import agreed, four_eyes, given_away

# What of a limit the trail tells as it was before a change.
TOLD: Final = ("amount", "hard", "bars", "grace_amount", "grace_days")
OPENED_MAX: Final = 500  # customers that one command begins to watch; a worker does the others


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCreditLimit:
    """Limit a ``subscription``, a ``customer``, each customer of ``group``, or (none of them) each of the operator.

    ``each_line``: of a group or the operator, each line instead. ``amount`` is in the operator's currency. ``bars``
    None: what fits the kind, of a hard limit. ``version``: that of the limit which is changed; None: there is none yet.
    """

    amount: Decimal
    kind: Kind = Kind.ALL
    customer: CustomerId | None = None
    subscription: SubscriptionId | None = None
    group: str | None = None
    each_line: bool = False
    hard: bool = True
    warn_at: tuple[int, ...] = THRESHOLDS
    bars: tuple[Bar, ...] | None = None
    grace_amount: Decimal = Decimal(0)
    grace_days: int = 0
    mail: bool = False
    sms: bool = False
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.MANAGE_CREDIT)
@four_eyes(ApprovalKind.CREDIT)
async def set_credit_limit(cmd: SetCreditLimit, *, actor: Actor, begin: Begin, clock: Clock) -> CreditLimit:
    """Set a limit, or change the one that there is; who it covers is watched from then on.

    More of it, with its grace, is more credit, which a level's ceiling and the rules of four eyes are about; what is
    not hard any more, or bars from less, is credit without end.
    Refuses with: NotAllowed, BadValue, NotFound (customer, subscription), Conflict (there is one, and no version was
    given), Stale, LimitExceeded (too many of groups).
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.credit.limit(CreditLimitId(known))
        new = await _read(unit, cmd, actor)
        before = await _same(unit, new)
        if before is not None and cmd.version is not None:
            if before.version != cmd.version:
                raise Stale("somebody changed the limit since it was read", field="version")
            new = replace(new, id=before.id, version=before.version)
        elif cmd.version is not None:
            raise NotFound("there is no such limit to change", field="version")
        elif before is None and new.customer is None:
            policies = [one for one in await unit.credit.limits([]) if one.customer is None]
            few_enough(len(policies), POLICIES_MAX, field="group")
        await _more_credit(unit, actor, cmd, raised(new, before), now)
        kept = await unit.credit.put(new)
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("set_credit_limit", _subject(kept), _detail(kept, before))
    await watch_covered(actor=actor, begin=begin, clock=clock)
    await _look_at(kept, actor, begin)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCreditLimit:
    """Take a limit away: whoever it held for has the next one that covers him, or none."""

    limit: CreditLimitId
    version: int


@operation(Action.MANAGE_CREDIT)
@four_eyes(ApprovalKind.CREDIT)
async def remove_credit_limit(cmd: RemoveCreditLimit, *, actor: Actor, begin: Begin, clock: Clock) -> CreditLimit:
    """Take a limit away, and return it as it was. Refuses with: NotAllowed, NotFound, Stale."""
    now = clock.now()
    async with begin(actor) as unit:
        limit = await unit.credit.limit(cmd.limit)
        _own_policy(limit, actor)
        if limit.version != cmd.version:
            raise Stale("somebody changed the limit since it was read", field="version")
        await _more_credit(unit, actor, cmd, None, now)
        await unit.credit.remove(limit)
        await unit.audit.write("remove_credit_limit", _subject(limit), _detail(limit))
    await _look_at(limit, actor, begin)
    return limit


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideCredit:
    """Until ``until`` (None: for good) let a customer, or one line of his, have ``amount`` (None: no limit) instead.

    ``kind`` None: of every kind.
    """

    customer: CustomerId
    subscription: SubscriptionId | None = None
    kind: Kind | None = None
    amount: Decimal | None = None
    reason: str
    until: datetime | None = None
    idempotency_key: str | None = None


@operation(Action.MANAGE_CREDIT)
@four_eyes(ApprovalKind.CREDIT)
async def override_credit(cmd: OverrideCredit, *, actor: Actor, begin: Begin, clock: Clock) -> CreditOverride:
    """Set by hand what holds instead of limits: bars that it leaves no reason for are lifted at once.

    Refuses with: NotAllowed, BadValue (reason, amount, time), NotFound, LimitExceeded (too many that have not ended).
    """
    check_texts(cmd)
    now = clock.now()
    if not 1 <= len(cmd.reason.strip()) <= REASON_MAX:
        raise BadValue("a reason has 1 to {most} characters", most=REASON_MAX, field="reason")
    until = None if cmd.until is None else utc(cmd.until, field="until")
    if until is not None and until <= now:
        raise BadValue("an override ends in the future", field="until")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.credit.override(CreditOverrideId(known))
        await _known(unit, cmd.customer, cmd.subscription)
        few_enough(len(await unit.credit.overrides([cmd.customer])), OVERRIDES_MAX, field="customer")
        await _more_credit(unit, actor, cmd, cmd.amount, now)
        kept = await unit.credit.put_override(
            CreditOverride(
                id=CreditOverrideId(0),
                operator=actor.operator,
                customer=cmd.customer,
                subscription=cmd.subscription,
                kind=cmd.kind,
                amount=None if cmd.amount is None else micro_of(cmd.amount, field="amount"),
                reason=cmd.reason.strip(),
                client=actor.caller,
                made_at=now,
                until=until,
            )
        )
        await remember(unit.answers, cmd, kept.id)
        detail: dict[str, object] = {
            "override": kept.id,
            "amount": None if cmd.amount is None else str(cmd.amount),
            "reason": kept.reason,
        }
        detail |= {"until": until and until.isoformat(), "kind": cmd.kind and cmd.kind.value}
        await unit.audit.write("set_credit_override", _whose(kept.customer, kept.subscription), detail)
        await promise_checks(unit, [cmd.customer])
    return kept


@operation(Action.MANAGE_CREDIT)
async def end_override(key: CreditOverrideId, *, actor: Actor, begin: Begin, clock: Clock) -> CreditOverride:
    """End what was set by hand: the limits hold again. Refuses with: NotAllowed, NotFound, WrongState (it is over)."""
    async with begin(actor) as unit:
        one = await unit.credit.override(key)
        if one.ended_at is not None:
            raise WrongState("the override has ended already", field="override")
        kept = await unit.credit.put_override(replace(one, ended_at=clock.now()))
        await unit.audit.write("end_credit_override", _whose(one.customer, one.subscription), {"override": one.id})
        await promise_checks(unit, [one.customer])
    return kept


@operation(Action.READ_INVOICES)
async def list_credit_limits(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None
) -> Page[CreditLimit]:
    """List limits by key: those of a customer and his lines, or all. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.credit.page(request, customer=customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindExposure:
    """What is used of one kind. ``limit`` None: none holds; ``amount`` None: it does not, by hand."""

    kind: Kind
    unbilled: Decimal
    reserved: Decimal
    used: Decimal
    limit: CreditLimit | None
    amount: Decimal | None
    left: Decimal | None
    percent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a customer (``subscription`` None) or one line of his has used of his limits, in the operator's currency.

    ``owed``: by the ledger, less his credit and what he disputes; a line owes nothing itself. ``watched``: whether it
    is kept up to date as usage comes; where no limit covers him it is added up when it is asked for.
    """

    customer: CustomerId
    subscription: SubscriptionId | None
    currency: str
    owed: Decimal
    kinds: Sequence[KindExposure]
    watched: bool
    bars: Sequence[Bar]
    overrides: Sequence[CreditOverride]


@operation(Action.READ_INVOICES)
async def show_credit(customer: CustomerId, *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[Exposure]:
    """Return what a customer and each watched line of his has used of limits.

    Refuses with: NotAllowed, NotFound, WrongState (he owes in a currency that has no rate).
    """
    now = clock.now()
    async with begin(actor) as unit:
        await _known(unit, customer, None)
        accounts = list((await unit.credit.accounts([customer]))[customer])
        watched = bool(accounts)
        if not accounts:
            accounts = [await counted_now(unit, customer, operator=actor.operator, at=now)]
        currency = (await unit.operators.own()).currency
        owed = await owed_of(unit, (await unit.credit.owed([customer]))[customer], currency, now.date())
        limits = await unit.credit.limits([customer])
        overrides = [one for one in await unit.credit.overrides([customer]) if one.holds(now)]
        groups = await unit.credit.groups(customer, now)
        bars = await unit.credit.bars(customer)
    found = []
    for account in accounts:
        line = account.subscription
        held = in_force(limits, overrides, groups, customer, line, now=now)
        found.append(
            Exposure(
                customer=customer,
                subscription=line,
                currency=currency,
                owed=shown(owed if line is None else 0),
                kinds=_kinds(account, owed, held),
                watched=watched,
                bars=sorted({one.bar for one in bars if line in {None, one.subscription}}),
                overrides=[one for one in overrides if one.subscription == line],
            )
        )
    return found


def _kinds(account: Account, owed: int, held: dict[Kind, InForce]) -> list[KindExposure]:
    used = account.used(owed)
    made = []
    for kind in Kind:
        one = held.get(kind)
        if one is None and kind is not Kind.ALL and not used[kind]:
            continue
        amount = None if one is None else one.amount
        made.append(
            KindExposure(
                kind=kind,
                unbilled=shown(account.unbilled.get(kind, 0)),
                reserved=shown(account.reserved.get(kind, 0)),
                used=shown(used[kind]),
                limit=None if one is None else one.limit,
                amount=None if amount is None else shown(amount),
                left=None if amount is None else shown(amount - used[kind]),
                percent=None if not amount else used[kind] * 100 // amount,
            )
        )
    return made


async def watch_covered(*, actor: Actor, begin: Begin, clock: Clock, first: int = OPENED_MAX) -> int:
    """Begin to watch customers and lines whom a limit covers and who are not; return how many customers."""
    machine = system(actor.operator, actor.client, edition=actor.edition)
    async with begin(machine, bulk=True) as unit:
        missing = await unit.credit.missing(first=first)
    if not missing:
        return 0
    async with begin(machine, bulk=True) as unit:
        await unit.credit.fence()
        new = [customer for customer, lines in missing.items() if await unit.credit.open(customer, lines)]
        await recount(unit, new, at=clock.now())
        await promise_checks(unit, sorted(new), urgent=False)
    return len(new)


async def _look_at(limit: CreditLimit, actor: Actor, begin: Begin) -> None:
    """Let a worker look at everybody whom a limit covers."""
    async with begin(actor) as unit:
        if limit.customer is not None:
            await promise_checks(unit, [limit.customer])
        else:
            await unit.jobs.add(check_all())


async def _read(unit: Unit, cmd: SetCreditLimit, actor: Actor) -> CreditLimit:
    customer = cmd.customer
    if cmd.subscription is not None and customer is None:
        line = (await unit.subscriptions.many([cmd.subscription])).get(cmd.subscription)
        if line is None:
            raise NotFound("no subscription {subscription}", subscription=cmd.subscription, field="subscription")
        customer = line.customer
    if customer is not None:
        await _known(unit, customer, cmd.subscription)
    bars = cmd.bars
    if bars is None:
        bars = BARS[cmd.kind] if cmd.hard else ()
    limit = check(
        CreditLimit(
            id=CreditLimitId(0),
            operator=actor.operator,
            customer=customer,
            subscription=cmd.subscription,
            group=cmd.group,
            each_line=cmd.each_line,
            kind=cmd.kind,
            amount=micro_of(cmd.amount, field="amount"),
            hard=cmd.hard,
            warn_at=tuple(sorted(cmd.warn_at)),
            bars=tuple(dict.fromkeys(bars)),
            grace_amount=micro_of(cmd.grace_amount, field="graceAmount"),
            grace_days=cmd.grace_days,
            mail=cmd.mail,
            sms=cmd.sms,
        )
    )
    _own_policy(limit, actor)
    return limit


def _own_policy(limit: CreditLimit, actor: Actor) -> None:
    """Keep what holds for groups and for everybody to the operator's own, who reach everybody."""
    if limit.customer is None and (actor.reseller is not None or actor.limits.groups):
        raise NotAllowed("a limit of a group or of everybody is the operator's to set", field="customer")


def raised(new: CreditLimit, before: CreditLimit | None) -> Decimal | None:
    """Return how much more credit a limit gives than the one before it (None: nothing); None: without end.

    What is not hard any more, or bars from less, holds nobody to its amount; grace is credit as well.
    """
    was_hard, was_bars = (True, BARS[new.kind]) if before is None else (before.hard, before.bars)
    if (was_hard and not new.hard) or not set(new.bars) >= set(was_bars):
        return None
    if not was_hard and not was_bars:
        return Decimal(0)  # it held nobody
    longer = before is not None and new.grace_days > before.grace_days
    was = 0 if before is None or longer else before.amount + before.grace_amount
    return Decimal(new.amount + new.grace_amount - was).scaleb(-6)


async def _same(unit: Unit, new: CreditLimit) -> CreditLimit | None:
    """Return the limit of the same subject and kind."""
    subject = (new.customer, new.subscription, new.group, new.each_line, new.kind)
    wanted = [] if new.customer is None else [new.customer]
    for one in await unit.credit.limits(wanted):
        if (one.customer, one.subscription, one.group, one.each_line, one.kind) == subject:
            return one
    return None


async def _known(unit: Unit, customer: CustomerId, subscription: SubscriptionId | None) -> None:
    if customer not in await unit.customers.many([customer]):
        raise NotFound("no customer {customer}", customer=customer, field="customer")
    if subscription is not None:
        line = (await unit.subscriptions.many([subscription])).get(subscription)
        if line is None or line.customer != customer:
            raise NotFound("no subscription {subscription}", subscription=subscription, field="subscription")


async def _more_credit(unit: Unit, actor: Actor, cmd: object, amount: Decimal | None, now: datetime) -> None:
    """Count more credit against the level's ceiling, and ask a second person where a rule does; None: without end."""
    if amount is not None and amount <= 0:
        return
    await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount)
    await given_away(unit, actor, amount, (await unit.operators.own()).currency, now=now)


def _whose(customer: CustomerId, subscription: SubscriptionId | None) -> str:
    return f"customer:{customer}" if subscription is None else f"subscription:{subscription}"


def _subject(limit: CreditLimit) -> str:
    if limit.customer is None:
        return f"operator:{limit.operator}"
    return _whose(limit.customer, limit.subscription)


def _detail(limit: CreditLimit, before: CreditLimit | None = None) -> dict[str, object]:
    """Return what the trail tells of a limit; of a changed one also what it was."""
    told = _told(limit)
    if before is not None:
        was = _told(before)
        told["before"] = {name: was[name] for name in TOLD}
    return told


def _told(limit: CreditLimit) -> dict[str, object]:
    return {
        "limit": limit.id,
        "kind": limit.kind.value,
        "group": limit.group,
        "amount": str(shown(limit.amount)),
        "hard": limit.hard,
        "bars": [bar.value for bar in limit.bars],
        "grace_amount": str(shown(limit.grace_amount)),
        "grace_days": limit.grace_days,
        "version": limit.version,
    }
