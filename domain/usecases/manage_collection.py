"""What collection follows: the operator's rules, what the law allows, agencies; and what holds it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.limits import ROWS_MAX, LegalLimit, ReferenceRate
from domain.collection.progress import AGENCIES_MAX, Agency, CaseFormat, DoneStep, Hold, HoldKind
from domain.collection.reference_rates import RATES
from domain.collection.rules import RULES_MAX, CollectionRule, check
from domain.collection.shipped import LIMITS
from domain.commands import check_texts, few_enough
from domain.countries import check_country
from domain.ids import (
    CollectionAgencyId,
    CollectionHoldId,
    CollectionRuleId,
    CustomerId,
    InvoiceId,
)
from domain.money import currency
from domain.payments.handing_on import NAME
from domain.period import later
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound, WrongState
from domain.transports.place import read_place
from domain.usecases.hand_on_payments import check_references
from domain.usecases.run_collection import promise_run

PROMISE_MONTHS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAgency:
    """An agency, under its name; ``version`` 0 is a new one."""

    name: str
    format: CaseFormat
    address: str
    host_keys: tuple[str, ...] = ()
    credentials: tuple[tuple[str, str], ...] = ()
    active: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCollection:
    """Nothing is done about ``invoice``, or (None) any of the customer's, through ``until`` (None: until it is ended).

    A promise says how much is paid by when.
    """

    customer: CustomerId
    kind: HoldKind
    invoice: InvoiceId | None = None
    until: date | None = None
    amount: Decimal | None = None
    reason: str = ""


@operation(Action.READ_PAYMENTS)
async def list_collection_rules(*, actor: Actor, begin: Begin) -> Sequence[CollectionRule]:
    """Return the operator's collection rules, by name and day. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return sorted(await unit.collection.rules.find(), key=lambda one: (one.name, one.valid_from))


@operation(Action.MANAGE_OPERATOR)
async def put_collection_rule(rule: CollectionRule, *, actor: Actor, begin: Begin, clock: Clock) -> CollectionRule:
    """Keep a rule: a new one (``version`` 0), or a change of the one with its name and first day; it runs each morning.

    Refuses with: NotAllowed, BadValue (its form; more than the law allows, which it names), NotFound, Stale, Conflict,
    LimitExceeded.
    """
    check_texts(rule)
    async with begin(actor) as unit:
        operator = await unit.operators.own()
        limits = [*LIMITS, *await unit.collection.limits.find()]
        checked = check(replace(rule, operator=actor.operator), limits, country=operator.country)
        if checked.agency is not None and not await unit.collection.agencies.find(name=checked.agency):
            raise NotFound("no collection agency {name}", name=checked.agency, field="agency")
        if checked.version == 0:
            few_enough(len(await unit.collection.rules.find()), RULES_MAX, field="name")
            kept = await unit.collection.rules.add(replace(checked, id=CollectionRuleId(0), version=1))
        else:
            known = await unit.collection.rules.find(name=checked.name, valid_from=checked.valid_from)
            if not known:
                raise NotFound("no such collection rule", field="name")
            kept = await unit.collection.rules.put(replace(checked, id=known[0].id))
        detail = {"name": kept.name, "valid_from": kept.valid_from.isoformat(), "version": kept.version}
        await unit.audit.write("put_collection_rule", f"collection_rule:{kept.id}", detail)
        await promise_run(unit, clock.now())
    return kept


@operation(Action.READ_PAYMENTS)
async def list_legal_limits(*, actor: Actor, begin: Begin) -> Sequence[LegalLimit]:
    """Return what the law allows, the rows that came with the program first. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return [*LIMITS, *await unit.collection.limits.find()]


@operation(Action.MANAGE_OPERATOR)
async def put_legal_limit(limit: LegalLimit, *, actor: Actor, begin: Begin) -> LegalLimit:
    """Enter what the law allows from a day on; ``version`` 0 is a new row.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, Conflict, LimitExceeded.
    """
    check_texts(limit)
    check_country(limit.country, field="country")
    currency(limit.currency)
    if not limit.most.is_finite() or limit.most < 0:
        raise BadValue("an amount is not negative", field="most")
    if not 1 <= len(limit.law.strip()) <= 200:
        raise BadValue("say which law it is, in 1 to {most} characters", most=200, field="law")
    if min(limit.first_days, limit.between_days, 0 if limit.count is None else limit.count - 1) < 0:
        raise BadValue("days are not negative, and a count is at least 1", field="firstDays")
    async with begin(actor) as unit:
        mine = replace(limit, operator=actor.operator)
        if mine.version == 0:
            few_enough(len(await unit.collection.limits.find()), ROWS_MAX, field="validFrom")
            kept = await unit.collection.limits.add(replace(mine, version=1))
        else:
            known = await unit.collection.limits.find(
                country=mine.country, kind=mine.kind, customer_kind=mine.customer_kind, valid_from=mine.valid_from
            )
            if not known:
                raise NotFound("no such legal limit of your own", field="validFrom")
            kept = await unit.collection.limits.put(replace(mine, id=known[0].id))
        detail = {"country": kept.country, "kind": kept.kind.value, "most": f"{kept.most:f}", "law": kept.law}
        await unit.audit.write("put_legal_limit", f"legal_limit:{kept.id}", detail)
    return kept


@operation(Action.READ_PAYMENTS)
async def list_reference_rates(*, actor: Actor, begin: Begin) -> Sequence[ReferenceRate]:
    """Return the reference rates, by country and day. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        found = [*RATES, *await unit.collection.rates.find()]
    return sorted(found, key=lambda one: (one.country, one.valid_from, one.id))


@operation(Action.MANAGE_OPERATOR)
async def put_reference_rate(rate: ReferenceRate, *, actor: Actor, begin: Begin) -> ReferenceRate:
    """Enter a country's reference rate from a day on (1 January or 1 July); ``version`` 0 is a new row.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, Conflict, LimitExceeded.
    """
    check_texts(rate)
    check_country(rate.country, field="country")
    if not rate.percent.is_finite() or not -10 <= rate.percent <= 100 or round(rate.percent, 4) != rate.percent:
        raise BadValue("a rate is -10 to 100 per cent, with four decimals at most", field="percent")
    if (rate.valid_from.month, rate.valid_from.day) not in {(1, 1), (7, 1)}:
        raise BadValue("a reference rate holds from 1 January or 1 July", field="validFrom")
    async with begin(actor) as unit:
        mine = replace(rate, operator=actor.operator)
        if mine.version == 0:
            few_enough(len(await unit.collection.rates.find()), ROWS_MAX, field="validFrom")
            kept = await unit.collection.rates.add(replace(mine, version=1))
        else:
            known = await unit.collection.rates.find(country=mine.country, valid_from=mine.valid_from)
            if not known:
                raise NotFound("no such rate of your own", field="validFrom")
            kept = await unit.collection.rates.put(replace(mine, id=known[0].id))
        detail = {"country": kept.country, "valid_from": kept.valid_from.isoformat(), "percent": f"{kept.percent:f}"}
        await unit.audit.write("put_reference_rate", f"reference_rate:{kept.id}", detail)
    return kept


@operation(Action.READ_PAYMENTS)
async def list_collection_agencies(*, actor: Actor, begin: Begin) -> Sequence[Agency]:
    """Return the collection agencies, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.collection.agencies.find()


@operation(Action.MANAGE_OPERATOR)
async def put_collection_agency(
    cmd: PutAgency, *, actor: Actor, begin: Begin, transports: Transports, vault: Vault
) -> Agency:
    """Keep a collection agency: where its files are put, and in which form.

    Refuses with: NotAllowed, BadValue (the address, a secret that is no reference), NotFound, Stale, Conflict,
    LimitExceeded.
    """
    check_texts(cmd)
    if not NAME.fullmatch(cmd.name):
        raise BadValue("an agency's name has 1 to 60 letters, digits and ._-", field="name")
    place = read_place(cmd.address, host_keys=cmd.host_keys)
    await transports.check(place, operator=actor.operator)
    check_references(place, dict(cmd.credentials), vault, operator=actor.operator)
    agency = Agency(
        id=CollectionAgencyId(0),
        operator=actor.operator,
        name=cmd.name,
        format=cmd.format,
        address=cmd.address,
        host_keys=cmd.host_keys,
        credentials=dict(cmd.credentials),
        active=cmd.active,
    )
    async with begin(actor) as unit:
        if cmd.version == 0:
            few_enough(len(await unit.collection.agencies.find()), AGENCIES_MAX, field="name")
            kept = await unit.collection.agencies.add(agency)
        else:
            known = await unit.collection.agencies.find(name=cmd.name)
            if not known:
                raise NotFound("no collection agency {name}", name=cmd.name, field="name")
            kept = await unit.collection.agencies.put(replace(agency, id=known[0].id, version=cmd.version))
        detail = {"name": kept.name, "version": kept.version}
        await unit.audit.write("put_collection_agency", f"collection_agency:{kept.id}", detail)
    return kept


@operation(Action.WRITE_PAYMENTS)
async def hold_collection(cmd: HoldCollection, *, actor: Actor, begin: Begin, clock: Clock) -> Hold:
    """Hold collection up: the payer promised to pay by a day, or somebody says that nothing is to be done.

    Refuses with: NotAllowed, NotFound, BadValue (the day, the amount, no reason).
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        today = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
        _check_hold(cmd, today)
        customer = await unit.customers.get(cmd.customer)
        if cmd.invoice is not None:
            found = (await unit.invoices.many([cmd.invoice])).get(cmd.invoice)
            if found is None or found.customer != customer.id:
                raise NotFound("no such invoice of this customer", field="invoice")
        kept = await unit.collection.holds.add(
            Hold(
                id=CollectionHoldId(0),
                operator=actor.operator,
                customer=customer.id,
                kind=cmd.kind,
                made_at=now,
                client=actor.caller,
                invoice=cmd.invoice,
                until=cmd.until,
                amount=cmd.amount,
                reason=cmd.reason,
            )
        )
        detail = {"customer": customer.id, "kind": kept.kind.value, "until": kept.until and kept.until.isoformat()}
        await unit.audit.write("hold_collection", f"collection_hold:{kept.id}", detail)
    return kept


def _check_hold(cmd: HoldCollection, today: date) -> None:
    if cmd.until is not None and cmd.until < today:
        raise BadValue("it ends today or later", field="until")
    if cmd.kind is HoldKind.PROMISE and (cmd.until is None or cmd.until > later(today, PROMISE_MONTHS_MAX)):
        raise BadValue("a promise says by when, within {most} months", most=PROMISE_MONTHS_MAX, field="until")
    if cmd.kind is HoldKind.STOP and not cmd.reason.strip():
        raise BadValue("say why nothing is to be done", field="reason")
    if cmd.amount is not None and not (cmd.amount.is_finite() and cmd.amount > 0):
        raise BadValue("an amount is more than nothing", field="amount")
    if len(cmd.reason) > 500:
        raise BadValue("a reason has at most {most} characters", most=500, field="reason")


@operation(Action.WRITE_PAYMENTS)
async def release_collection(key: CollectionHoldId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> Hold:
    """End a hold. Refuses with: NotAllowed, NotFound, WrongState (it is over), Stale."""
    now = clock.now()
    async with begin(actor) as unit:
        hold = await unit.collection.holds.get(key)
        if hold.ended_at is not None:
            raise WrongState("the hold is over", field="hold")
        kept = await unit.collection.holds.put(replace(hold, ended_at=now, version=version))
        await unit.audit.write("release_collection", f"collection_hold:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.READ_PAYMENTS)
async def list_collection_holds(customer: CustomerId, *, actor: Actor, begin: Begin) -> Sequence[Hold]:
    """Return a customer's holds, by key. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.customers.get(customer)
        return await unit.collection.holds.find(customer=customer)


@operation(Action.READ_PAYMENTS)
async def list_collection_steps(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None
) -> Page[DoneStep]:
    """List the steps that were taken, by key, of a customer or of all. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.collection.steps.page(request, customer=customer)
