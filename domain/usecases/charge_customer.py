"""Charge a customer for something beside his contracts, or give a discount on his invoices; end it, withdraw it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.customers.customer import check_open
from domain.ids import ChargeId, CustomerId
from domain.invoicing.charge import ACCOUNT, ACCOUNTS, PAID_LATE, Charge, ChargeKind, check
from domain.invoicing.invoice import Unit as Measure
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import Stale, WrongState
from domain.usecases.fit_contract import day_in
from domain.usecases.four_eyes import given_away


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCharge:
    """A charge as ``Charge`` says; ``starts`` None: today, ``account`` None: that of its kind.

    What paying late costs is exempt unless ``vat_category`` says otherwise.
    """

    customer: CustomerId
    kind: ChargeKind = ChargeKind.MANUAL
    text: str
    quantity: Decimal = Decimal(1)
    unit: Measure = Measure.PIECE
    unit_price: Decimal | None = None
    percent: Decimal | None = None
    vat_percent: Decimal = Decimal(25)
    vat_category: str | None = None
    account: str | None = None
    starts: date | None = None
    ends: date | None = None
    interval_months: int | None = None
    reference: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCharge:
    """Let a charge or a discount end before a day; ``withdraw``: nothing of it that is not billed ever is."""

    charge: ChargeId
    version: int
    ends: date | None = None
    withdraw: bool = False


@operation(Action.WRITE_CONTRACTS)
async def add_charge(cmd: AddCharge, *, actor: Actor, begin: Begin, clock: Clock) -> Charge:
    """Keep a charge or a discount, which the next invoice of its period shows.

    What is given away by it counts against the level's limits. Refuses with: NotAllowed, BadValue, NotFound (customer),
    WrongState (the customer is closed), Conflict (key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        if known is not None:
            return await unit.charges.get(ChargeId(known))
        customer = check_open(await unit.customers.get(cmd.customer))
        operator = await unit.operators.own()
        now = clock.now()
        same = {name: getattr(cmd, name) for name in _SAME}
        if cmd.kind in PAID_LATE and cmd.vat_category is None:
            same["vat_category"] = "E"
        charge = check(
            Charge(
                id=ChargeId(0),
                operator=actor.operator,
                reseller=customer.reseller,
                account=cmd.account or ACCOUNTS.get(cmd.kind, ACCOUNT),
                starts=cmd.starts or day_in(operator, now),
                created_at=now,
                **same,
            )
        )
        given = charge.amount if charge.kind is ChargeKind.DISCOUNT else -charge.amount
        if charge.kind is ChargeKind.DISCOUNT or charge.amount < 0:
            await given_away(unit, actor, None if charge.unit_price is None else given, operator.currency, now=now)
        kept = await unit.charges.add(charge)
        await remember(unit.answers, cmd, kept.id)
        detail = {"kind": kept.kind.value, "customer": kept.customer, "version": kept.version}
        await unit.audit.write("add_charge", f"charge:{kept.id}", detail)
    return kept


@operation(Action.WRITE_CONTRACTS)
async def end_charge(cmd: EndCharge, *, actor: Actor, begin: Begin, clock: Clock) -> Charge:
    """Let a charge end before a day, or withdraw it: what was billed stays, and is taken back by a credit note.

    A discount that lasts longer and a charge that is withdrawn count against the level's limits.

    Refuses with: NotAllowed, NotFound, BadValue (the day), Stale, WrongState (it was withdrawn).
    """
    async with begin(actor) as unit:
        charge = await unit.charges.get(cmd.charge)
        if charge.version != cmd.version:
            raise Stale("the charge has changed since it was read", field="version")
        if charge.withdrawn_at is not None:
            raise WrongState("the charge was withdrawn", field="charge")
        ended = replace(charge, ends=cmd.ends, withdrawn_at=clock.now() if cmd.withdraw else None)
        if cmd.withdraw:
            ended = replace(ended, ends=charge.ends)
        await _given(unit, actor, charge, ended, now=clock.now())
        kept = await unit.charges.keep(check(ended))
        detail = {"version": kept.version, "customer": kept.customer}
        await unit.audit.write("withdraw_charge" if cmd.withdraw else "end_charge", f"charge:{kept.id}", detail)
    return kept


async def _given(unit: Unit, actor: Actor, charge: Charge, ended: Charge, *, now: datetime) -> None:
    """Count what is given away: by a discount that lasts longer (nobody can tell how much), by a charge withdrawn."""
    currency = (await unit.operators.own()).currency
    gives = charge.kind is ChargeKind.DISCOUNT or charge.amount < 0
    if gives and charge.ends is not None and (ended.ends is None or ended.ends > charge.ends):
        await given_away(unit, actor, None, currency, now=now)
    if not gives and ended.withdrawn_at is not None:
        await given_away(unit, actor, charge.amount, currency, now=now)


@operation(Action.READ_CONTRACTS)
async def list_charges(
    request: PageRequest, *, customer: CustomerId | None = None, actor: Actor, begin: Begin
) -> Page[Charge]:
    """List charges and discounts by key, withdrawn ones too. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.charges.page(request, customer=customer)


_SAME = (
    "customer", "kind", "text", "quantity", "unit", "unit_price", "percent", "vat_percent", "vat_category", "ends",
    "interval_months", "reference",
)  # fmt: skip
