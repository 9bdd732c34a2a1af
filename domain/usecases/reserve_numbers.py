"""Reserve numbers of the stock, and let them go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.dialled import as_kept, dialling
from domain.customers.customer import Customer
from domain.ids import CustomerId, NumberReservationId, OperatorId
from domain.numbers.claiming import chain
from domain.numbers.stock import NUMBERS_MAX, NumberStatus, Reservation, StockNumber, check_until, let_go, reserve
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound
from domain.usecases.find_numbers import NumbersWanted, as_filter


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNumbers:
    """These ``numbers``, or ``count`` free ones as ``wanted`` says, until an instant, for a customer or anybody."""

    until: datetime
    numbers: tuple[str, ...] = ()
    count: int | None = None
    wanted: NumbersWanted | None = None
    customer: CustomerId | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def reserve_numbers(cmd: ReserveNumbers, *, actor: Actor, begin: Begin, clock: Clock) -> Reservation:
    """Keep numbers for somebody: until then nobody else gets them; after it they are free by themselves.

    Refuses with: NotAllowed, BadValue, LimitExceeded, NotFound (a number or the customer is not there, or not the
    caller's), Conflict (a number is not free, fewer are free, idempotency key).
    """
    check_texts(cmd)
    now = clock.now()
    until = check_until(cmd.until, now=now)
    if bool(cmd.numbers) == (cmd.count is not None):
        raise BadValue("give either numbers or a count", field="numbers")
    wish = len(cmd.numbers) if cmd.count is None else cmd.count
    if wish > NUMBERS_MAX:
        raise LimitExceeded("at most {most} numbers can be named at a time", most=NUMBERS_MAX, field="numbers")
    if wish < 1:
        raise BadValue("at least one number is reserved", field="count")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.numbers.reservation(NumberReservationId(known))
        customer = None
        if cmd.customer is not None:
            customer = (await unit.customers.many([cmd.customer])).get(cmd.customer)
            if customer is None:
                raise NotFound("no such customer", field="customer")
        chosen = await (_named(unit, cmd) if cmd.numbers else _any(unit, cmd, actor, customer, now))
        await _check_reach(unit, chosen, customer)
        reservation = await unit.numbers.add_reservation(
            Reservation(
                id=NumberReservationId(0),
                operator=OperatorId(actor.operator),
                numbers=tuple(one.number for one in chosen),
                until=until,
                reseller=actor.reseller,
                customer=cmd.customer,
            )
        )
        await unit.numbers.keep([reserve(one, reservation, now=now) for one in chosen])
        await remember(unit.answers, cmd, reservation.id)
        detail = {"numbers": list(reservation.numbers), "until": until.isoformat(), "customer": cmd.customer}
        await unit.audit.write("reserve_numbers", f"number_reservation:{reservation.id}", detail | {"version": 1})
    return reservation


async def _named(unit: Unit, cmd: ReserveNumbers) -> Sequence[StockNumber]:
    asked = list(dict.fromkeys(as_kept(cmd.numbers, dialling(await unit.operators.own()))))
    return await claimed(unit, asked)


async def _any(
    unit: Unit, cmd: ReserveNumbers, actor: Actor, customer: Customer | None, now: datetime
) -> Sequence[StockNumber]:
    count = cmd.count or 0
    wanted = as_filter(cmd.wanted or NumbersWanted(), dialling(await unit.operators.own()))
    if customer is not None and customer.reseller is not None:
        above = chain(customer.reseller, await unit.resellers.tree())
        wanted = replace(wanted, of_resellers=above)
    elif actor.reseller is None:
        wanted = replace(wanted, given=False)
    found = await unit.numbers.claim_free(wanted, count, now)
    if len(found) < count:
        raise Conflict("only {found} numbers like these are free", found=len(found), field="count")
    return found


async def _check_reach(unit: Unit, numbers: Sequence[StockNumber], customer: Customer | None) -> None:
    """Check that numbers given to a reseller are for his customers. Refuses with: NotFound."""
    if customer is None or all(one.reseller is None for one in numbers):
        return
    above = chain(customer.reseller, await unit.resellers.tree())
    for index, one in enumerate(numbers):
        if one.reseller is not None and one.reseller not in above:
            raise NotFound(
                "no number {number} to be given to this customer", number=one.number, field=f"numbers.{index}"
            )


async def claimed(unit: Unit, numbers: Sequence[str]) -> Sequence[StockNumber]:
    """Return numbers of the stock, locked, in the order asked for. Refuses with: NotFound."""
    found = await unit.numbers.claim(numbers)
    for index, number in enumerate(numbers):
        if number not in found:
            raise NotFound("the number {number} is not in the stock", number=number, field=f"numbers.{index}")
    return [found[number] for number in numbers]


@operation(Action.WRITE_CONTRACTS)
async def cancel_reservation(
    key: NumberReservationId, *, actor: Actor, begin: Begin, clock: Clock
) -> Sequence[StockNumber]:
    """Let go of what is still reserved under a reservation, and return it. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        reservation = await unit.numbers.reservation(key)
        now = clock.now()
        found = await unit.numbers.claim(reservation.numbers)
        left = [one for one in found.values() if one.reservation == key and one.status_at(now) is NumberStatus.RESERVED]
        kept = await unit.numbers.keep([let_go(one) for one in left])
        detail = {"numbers": [one.number for one in left], "changed": ["status"]}
        await unit.audit.write("cancel_reservation", f"number_reservation:{key}", detail)
    return kept
