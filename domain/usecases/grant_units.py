"""Grant units or money beside plans: a top-up that is charged, or a goodwill; and take an unused one back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.buckets.grant import AMOUNT_MAX, MONEY_SCALE, REASON_MAX, Grant, GrantKind, shown
from domain.buckets.granting import name_of
from domain.catalogue.tariff import FOREVER, Bucket
from domain.commands import answered, check_texts, remember
from domain.contracts.contract import ContractState
from domain.contracts.service import check_fee
from domain.contracts.subscription import SubscriptionState
from domain.ids import ContractId, CustomerId, GrantId, ServiceId
from domain.intake.raters import Raters
from domain.money import round_to
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.rating.clock import micros
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState
from domain.usecases.four_eyes import agreed, four_eyes, given_away
from domain.usecases.load_granting import Whose, customer_of

_PRODUCT: Final = ("amount", "valid_from", "valid_to", "price", "service")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUnits(Whose):
    """``amount`` of what ``bucket`` of the catalogue gives, for one line or shared by those of a contract or customer.

    What is left out is the bucket's own: its amount, from now on, for the days and at the price of its top-up.
    ``price`` without VAT is charged once to the contract as ``service`` (a code); ``charged_to`` says which where the
    whole customer is granted.
    """

    bucket: str
    amount: Decimal | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    price: Decimal | None = None
    service: str | None = None
    charged_to: ContractId | None = None
    reason: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawGrant:
    """Take back a grant of which nothing is used; what it cost is given back by the next invoice."""

    grant: GrantId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant, and the unit of its amount."""

    grant: Grant
    unit: str

    @property
    def amount(self) -> Decimal:
        """As people write it."""
        return shown(self.grant.amount, self.unit)


@operation(Action.WRITE_CONTRACTS)
@four_eyes(ApprovalKind.CREDIT)
async def grant_units(cmd: GrantUnits, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> Granted:
    """Grant once, and charge what it costs; the next event finds it.

    A reseller's client grants what can be bought, as it is in the catalogue.
    Refuses with: NotAllowed, BadValue, NotFound (whose, bucket, service), WrongState (ended; cannot be bought then),
    Conflict (idempotency key).
    """
    check_texts(cmd)
    if len(cmd.reason) > REASON_MAX:
        raise BadValue("a reason has at most {most} characters", most=REASON_MAX, field="reason")
    now = clock.now()
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await _granted(unit, raters, (await unit.grants.gift(GrantId(known)))[0])
        customer = await customer_of(unit, cmd)
        bucket = await bucket_named(unit, raters, cmd.bucket)
        product = bucket.top_up is not None
        if actor.reseller is not None and (not product or any(getattr(cmd, name) is not None for name in _PRODUCT)):
            raise NotAllowed("a reseller grants what can be bought, as it stands in the catalogue", field="bucket")
        contract = await _charged(unit, cmd, customer, now)
        since, until = _period(cmd, bucket, now)
        price, service = await _price(unit, cmd, bucket)
        if price and contract is None:
            raise BadValue("say which contract is charged", field="chargedTo")
        own = await unit.operators.own()
        zone = ZoneInfo(own.zone)
        granted = bucket.amount if cmd.amount is None else units(cmd.amount, bucket)
        worth = _worth(bucket, granted, price)
        await given_away(unit, actor, worth, bucket.currency or own.currency, now=now)
        if worth is None or worth > 0:
            told = worth if bucket.currency in (None, own.currency) else None
            await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=told)
        await unit.draws.claim([customer])
        grant = await unit.grants.add(
            Grant(
                id=GrantId(0),
                operator=actor.operator,
                customer=customer,
                kind=GrantKind.TOP_UP if product or price else GrantKind.GRANT,
                bucket=bucket.id,
                owner=cmd.owner,
                amount=granted,
                since=since,
                until=until,
                price=price,
                service=service,
                contract=contract,
                day=since.astimezone(zone).date() if price else None,
                reason=cmd.reason,
                granted_at=now,
                client=actor.client,
            )
        )
        await _disturb(unit, grant)
        await remember(unit.answers, cmd, grant.id)
        detail = {
            "grant": grant.id,
            "bucket": grant.bucket,
            "kind": grant.kind.value,
            "amount": str(shown(grant.amount, bucket.unit)),
            "since": since.isoformat(),
            "until": until.isoformat(),
            "price": str(price),
            "version": 1,
            "changed": ["allowances"],
        }
        await unit.audit.write("top_up" if grant.kind is GrantKind.TOP_UP else "grant_units", grant.owner, detail)
    return Granted(grant, bucket.unit)


@operation(Action.WRITE_CONTRACTS)
@four_eyes(ApprovalKind.CREDIT)
async def withdraw_grant(cmd: WithdrawGrant, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> Granted:
    """Take a grant back of which nothing was used or given away. Doing it again changes nothing.

    Refuses with: NotAllowed, NotFound, WrongState (it is used, or a gift).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        grant = await unit.grants.claim(cmd.grant)
        if actor.reseller is not None and grant.kind is not GrantKind.TOP_UP:
            raise NotAllowed("a reseller takes back what was bought", field="grant")
        if grant.kind is GrantKind.GIFT:
            raise WrongState("a gift is not taken back; it can be given back", field="grant")
        if grant.withdrawn_at is None:
            await unit.draws.claim([grant.customer])
            balances = (await unit.draws.balances(grant.customer)).balances
            name = name_of(grant.bucket, grant.id)
            if any(row["drawn"] or row["given"] for row in balances.iter_rows(named=True) if row["bucket"] == name):
                raise WrongState("some of it is used", field="grant")
            if grant.price:
                own, now = await unit.operators.own(), clock.now()
                await given_away(unit, actor, grant.price, own.currency, now=now)
                await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=grant.price)
            grant = await unit.grants.keep(replace(grant, withdrawn_at=clock.now()))
            detail = {"grant": grant.id, "withdrawn": True, "version": 2, "changed": ["allowances"]}
            await unit.audit.write("change_allowances", grant.owner, detail | {"reason": cmd.reason})
        return await _granted(unit, raters, grant)


async def bucket_named(unit: Unit, raters: Raters, name: str) -> Bucket:
    """Return a bucket of the catalogue. Refuses with: NotFound."""
    buckets, _ = await raters.buckets(unit)
    found = next((one for one in buckets if one.id == name), None)
    if found is None:
        raise NotFound("there is no bucket {name}", name=name, field="bucket")
    return found


def units(amount: Decimal, bucket: Bucket) -> int:
    """Return an amount as a bucket counts it. Refuses with: BadValue."""
    scale = MONEY_SCALE if bucket.unit == "money" else 0
    if not amount.is_finite() or not 0 < amount <= Decimal(AMOUNT_MAX).scaleb(-scale):
        raise BadValue("an amount is more than 0 and at most {most}", most=AMOUNT_MAX // 10**scale, field="amount")
    exact = amount.scaleb(scale)
    if exact != exact.to_integral_value():
        raise BadValue("an amount of {unit} has at most {most} decimals", unit=bucket.unit, most=scale, field="amount")
    return int(exact)


async def _granted(unit: Unit, raters: Raters, grant: Grant) -> Granted:
    buckets, _ = await raters.buckets(unit)
    return Granted(grant, next((one.unit for one in buckets if one.id == grant.bucket), ""))


async def _charged(unit: Unit, cmd: GrantUnits, customer: CustomerId, now: datetime) -> ContractId | None:
    """Return the contract that pays, which must not have ended."""
    key = cmd.contract
    if cmd.charged_to is not None and cmd.customer is None:
        raise BadValue("which contract is charged is said where a whole customer is granted", field="chargedTo")
    if cmd.subscription is not None:
        line = (await unit.subscriptions.many([cmd.subscription]))[cmd.subscription]
        if line.state_at(now) is SubscriptionState.ENDED:
            raise WrongState("the subscription has ended", field="subscription")
        key = line.contract
    key = key or cmd.charged_to
    if key is None:
        return None
    contract = await unit.contracts.get(key)
    if contract.customer != customer:
        raise NotFound("no contract {key}", key=key, field="chargedTo")
    if contract.state is ContractState.ENDED:
        raise WrongState("the contract has ended", field="contract")
    return contract.id


def _period(cmd: GrantUnits, bucket: Bucket, now: datetime) -> tuple[datetime, datetime]:
    since = now if cmd.valid_from is None else utc(cmd.valid_from, field="validFrom")
    days = bucket.top_up.days if bucket.top_up is not None else None
    ends = bucket.period[1] if days is None else since + timedelta(days=days)
    until = ends if cmd.valid_to is None else utc(cmd.valid_to, field="validTo")
    if until >= FOREVER:
        raise BadValue("say until when it serves", field="validTo")
    if until <= since:
        raise BadValue("it ends after it begins", field="validTo")
    if bucket.top_up is not None and not bucket.period[0] <= since < bucket.period[1]:
        raise WrongState("{name} cannot be bought then", name=bucket.id, field="bucket")
    return since, until


async def _price(unit: Unit, cmd: GrantUnits, bucket: Bucket) -> tuple[Decimal, ServiceId | None]:
    rule = bucket.top_up
    price = cmd.price
    if price is None:
        price = Decimal(rule.price).scaleb(-MONEY_SCALE) if rule is not None else Decimal(0)
    check_fee(price, field="price")
    if not price:
        return Decimal(0), None
    code = cmd.service or (rule.service if rule is not None else None)
    if code is None:
        raise BadValue("say as which service it is billed", field="service")
    return price, (await unit.services.by_code(code)).id


def _worth(bucket: Bucket, granted: int, price: Decimal) -> Decimal | None:
    """Return what is given away, by what the units are sold for; None where they have no price."""
    if bucket.unit == "money":
        return Decimal(granted).scaleb(-6) - price
    if bucket.top_up is None or not bucket.amount:
        return None
    sold = Decimal(bucket.top_up.price).scaleb(-MONEY_SCALE) * granted / bucket.amount
    return max(Decimal(0), round_to(sold - price, 2))


async def _disturb(unit: Unit, grant: Grant) -> None:
    """Let those who share the grant be drawn again where they had events after it began."""
    lasts = (await unit.draws.standing([grant.customer])).lasts
    kind, _, key = grant.owner.partition(":")
    after = lasts.filter((pl.col("start") >= micros(grant.since)) & (pl.col(kind) == int(key)))
    if after.height:
        await unit.draws.disturb(after["subscription"].to_list())
