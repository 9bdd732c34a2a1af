"""Look at who is watched: tell thresholds once, bar whoever passed a limit, and lift that when he has paid or got more.

It is a worker's job, promised in the transaction that moved an exposure: by a chunk of usage, an entry of the ledger,
a limit or an override. What it finds it finds anew, so it may run twice, and any number at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from domain.access.actor import Actor
from domain.alarms.alarm import Raised, Severity
from domain.contracts.subscription import Subscription, SubscriptionState
from domain.credit.account import FULL, Account, Crossed, Verdict, judge
from domain.credit.checking import CHECK, NOTICE, PRIORITY
from domain.credit.counting import owed_of
from domain.credit.kinds import Kind
from domain.credit.limit import in_force, shown
from domain.ids import CustomerId, OrderId, SubscriptionId
from domain.jobs.job import NewJob
from domain.margins.exchange import NoRate
from domain.ports.clock import Clock
from domain.ports.credit import CreditBar
from domain.ports.unit import Begin, Unit
from domain.provisioning.order import Bar, Order, OrderKind, OrderNote, OrderState, check
from domain.usecases.place_order import promise

T = TypeVar("T")
ALARM: Final = "credit_limit"
UNRATED: Final = "credit_no_rate"
REACHED: Final = "credit.threshold_reached"
BARRED: Final = "credit.barred"
UNBARRED: Final = "credit.unbarred"
REASON: Final = "credit: "
_LOST: Final = frozenset({OrderState.FAILED, OrderState.CANCELLED, OrderState.COMPENSATED})
_SERVED: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED})


async def check_credit(customers: Sequence[CustomerId], *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Look at customers, each in a transaction of his own; return how many bars were placed or lifted."""
    moved = 0
    for customer in customers:
        async with begin(actor) as unit:
            moved += await check_customer(unit, customer, actor=actor, now=clock.now())
    return moved


async def check_customer(unit: Unit, customer: CustomerId, *, actor: Actor, now: datetime) -> int:
    """Look at one customer and his lines; return how many bars were placed or lifted."""
    accounts = (await unit.credit.claim([customer]))[customer]
    if not accounts:
        # What somebody owes who was merged into another counts in the limits of that one.
        person = (await unit.customers.many([customer])).get(customer)
        other = None if person is None else person.merged_into
        return 0 if other is None else await check_customer(unit, other, actor=actor, now=now)
    limits = await unit.credit.limits([customer])
    overrides = await unit.credit.overrides([customer])
    groups = await unit.credit.groups(customer, now)
    own = (await unit.operators.own()).currency
    owed, unknown = 0, False
    try:
        owed = await owed_of(unit, (await unit.credit.owed([customer]))[customer], own, now.date())
    except NoRate as no:
        # What he owes counts in one limit of his: by that he is not barred meanwhile, and nothing is lifted.
        await _tell_unrated(unit, f"customer:{customer}", no.message, now)
        unknown = True
    verdicts: list[tuple[Account, Verdict]] = []
    for account in accounts:
        held = in_force(limits, overrides, groups, customer, account.subscription, now=now)
        if unknown and account.subscription is None:
            held.pop(Kind.ALL, None)
        verdict = judge(account, owed, held, now=now)
        if unknown and account.subscription is None:
            verdict = replace(
                verdict, marks=_as_before(account.marks, verdict.marks), told=_as_before(account.told, verdict.told)
            )
        verdicts.append((account, verdict))
        if account.marks != verdict.marks or account.told != verdict.told:
            await unit.credit.keep(replace(account, marks=verdict.marks, told=verdict.told))
    for account, verdict in verdicts:
        if verdict.crossed:
            await _tell(unit, account, verdict.crossed, own, now)
    again = [verdict.again for _, verdict in verdicts if verdict.again is not None]
    again += [one.until for one in overrides if one.until is not None and one.until > now]
    if unknown:
        again.append(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))  # there may be a rate by then
    if again:
        first = min(again)
        word = f"{customer}@{first.isoformat()}"
        payload = {"customers": [int(customer)]}
        await unit.jobs.add(NewJob(kind=CHECK, payload=payload, dedupe=word, priority=PRIORITY, run_at=first))
    return await _bar(unit, customer, verdicts, actor, now, lift=not unknown)


def _as_before(before: Mapping[Kind, T], now: Mapping[Kind, T]) -> Mapping[Kind, T]:
    """Return what is now, with what was of the limit that nothing can be told about."""
    return {**now, Kind.ALL: before[Kind.ALL]} if Kind.ALL in before else now


async def tell_unrated(currency: str, *, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Tell that usage in a currency counts against no limit, as it has no rate."""
    now = clock.now()
    async with begin(actor) as unit:
        own = (await unit.operators.own()).currency
        text = f"there is no rate between {own} and {currency} on {now.date()}: usage in it counts against no limit"
        await _tell_unrated(unit, f"currency:{currency}", text, now)


async def _tell_unrated(unit: Unit, subject: str, text: str, now: datetime) -> None:
    await unit.alarms.raise_all([Raised(kind=UNRATED, subject=subject, text=text, severity=Severity.WARNING)], at=now)


async def _tell(unit: Unit, account: Account, crossed: Sequence[Crossed], currency: str, now: datetime) -> None:
    """Raise alarms, tell the event, and promise mails and text messages."""
    line = account.subscription
    subject = f"customer:{account.customer}" if line is None else f"subscription:{line}"
    alarms = []
    for one in crossed:
        data = {
            "customer": account.customer,
            "subscription": line,
            "kind": one.kind.value,
            "percent": one.percent,
            "used": str(shown(one.used)),
            "limit": str(shown(one.amount)),
            "currency": currency,
        }
        await unit.outbox.promise(REACHED, data, subject=subject)
        await unit.audit.write("warn_credit", subject, data)
        for sms, wanted in ((False, one.held.limit.mail), (True, one.held.limit.sms)):
            if wanted:
                await unit.jobs.add(NewJob(kind=NOTICE, payload={**data, "sms": sms}, priority=PRIORITY))
        alarms.append(
            Raised(
                kind=ALARM,
                subject=f"{subject}/{one.kind.value}",
                text=f"{one.percent} % of the limit for {one.kind.value} of {subject} is used:"
                f" {shown(one.used)} of {shown(one.amount)} {currency}",
                severity=Severity.WARNING if one.percent >= FULL else Severity.INFO,
                data=data,
            )
        )
    # One alarm per subject and kind, that of the highest threshold.
    last = {one.subject: one for one in alarms}
    await unit.alarms.raise_all(list(last.values()), at=now)


async def _bar(
    unit: Unit,
    customer: CustomerId,
    verdicts: Sequence[tuple[Account, Verdict]],
    actor: Actor,
    now: datetime,
    *,
    lift: bool,
) -> int:
    """Place and ``lift`` bars, so that lines are barred from what their limits say and from nothing more of ours."""
    there = list(await unit.credit.bars(customer))
    wanting = any(verdict.bars for _, verdict in verdicts)
    if not wanting and not there:
        return 0
    lines = {one.id: one for one in await _lines(unit, customer) if one.state_at(now) in _SERVED}
    wanted: dict[tuple[SubscriptionId, Bar], Kind] = {}
    for account, verdict in verdicts:
        whose = lines if account.subscription is None else [account.subscription]
        for key in whose:
            if key in lines:
                wanted.update({(key, bar): verdict.reasons[0] for bar in verdict.bars})
    orders = await unit.orders.many([one.order for one in there])
    for one in [one for one in there if one.order not in orders or orders[one.order].state in _LOST]:
        await unit.credit.drop_bar(one)
        there.remove(one)
    ours = {(one.subscription, one.bar): one for one in there}
    barred = await unit.orders.barrings(list(lines), at=now)
    moved = 0
    for key, line in lines.items():
        others = {one.bar for one in barred[key]}
        new = sorted(bar for (of, bar) in wanted if of == key and (of, bar) not in ours and bar not in others)
        if new:
            reason = f"{REASON}{', '.join(sorted({wanted[key, bar].value for bar in new}))}"
            order = await order_bars(unit, line, OrderKind.BAR, tuple(new), reason, actor, now)
            for bar in new:
                await unit.credit.add_bar(CreditBar(customer, key, bar, order, now))
            told = {"customer": customer, "bars": [bar.value for bar in new], "order": order}
            await unit.outbox.promise(BARRED, told, subject=f"subscription:{key}")
            moved += len(new)
        gone = [one for place, one in ours.items() if lift and place[0] == key and place not in wanted]
        moved += await _lift(unit, line, gone, {one.bar: one.order for one in barred[key]}, actor, now)
    return moved


async def _lift(  # noqa: PLR0917  (what its caller has)
    unit: Unit,
    line: Subscription,
    gone: Sequence[CreditBar],
    barred: dict[Bar, OrderId],
    actor: Actor,
    now: datetime,
) -> int:
    """Lift bars that were set for a limit. One that somebody else has set meanwhile stays."""
    mine = sorted(one.bar for one in gone if barred.get(one.bar, one.order) == one.order)
    for one in gone:
        await unit.credit.drop_bar(one)
    if mine:
        order = await order_bars(unit, line, OrderKind.UNBAR, tuple(mine), f"{REASON}within the limit", actor, now)
        told = {"customer": line.customer, "bars": [bar.value for bar in mine], "order": order}
        await unit.outbox.promise(UNBARRED, told, subject=f"subscription:{line.id}")
    return len(mine)


async def _lines(unit: Unit, customer: CustomerId) -> Sequence[Subscription]:
    """Return the lines of a customer."""
    contracts = (await unit.contracts.of_customers([customer]))[customer]
    found = await unit.subscriptions.of_contracts([one.id for one in contracts])
    return [line for each in found.values() for line in each]


async def order_bars(  # noqa: PLR0917  (the fields of an order)
    unit: Unit,
    line: Subscription,
    kind: OrderKind,
    bars: tuple[Bar, ...],
    reason: str,
    actor: Actor,
    now: datetime,
) -> OrderId:
    """Place an order to bar or unbar a line."""
    kept = await unit.orders.add(
        check(
            Order(
                id=OrderId(0),
                operator=actor.operator,
                customer=line.customer,
                contract=line.contract,
                subscription=line.id,
                reseller=line.reseller,
                kind=kind,
                bars=bars,
                reason=reason,
                wake_at=now,
                client=actor.client,
                requested_at=now,
            )
        )
    )
    await promise(unit, kept)
    await unit.orders.note(kept, OrderNote(at=now, client=actor.client, event="placed"))
    detail = {
        "order": kept.id,
        "subscription": kept.subscription,
        "customer": kept.customer,
        "kind": kept.kind.value,
        "version": kept.version,
        "changed": ["state"],
    }
    await unit.audit.write("place_order", f"order:{kept.id}", detail)
    return kept.id
