"""Move a customer in the tree from a day on, take a planned move back, and see where it stood and will stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, answered, camel, check_texts, given, remember
from domain.customers.customer import TREE_DEPTH_MAX, Customer, check, check_open
from domain.customers.place import Place, moved, own_place, place_on, unmoved
from domain.ids import CustomerId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, Stale, WrongState

APPLY_MOVES: Final = "customers.move"
MOVES_PER_UNIT: Final = 500
_TREE: Final = ("parent", "through_parent", "billed_through")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCustomer:
    """From ``valid_from`` on the customer stands where this says; what is left out stays as it is on that day.

    It holds until the next move that is planned already. Days are the operator's.
    """

    customer: CustomerId
    version: int
    valid_from: date
    parent: Change[CustomerId | None] = UNCHANGED
    through_parent: Change[bool] = UNCHANGED
    billed_through: Change[CustomerId | None] = UNCHANGED
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMove:
    """The move of ``valid_from``, which has not come yet, does not happen."""

    customer: CustomerId
    version: int
    valid_from: date


@operation(Action.WRITE_CUSTOMERS)
async def move_customer(cmd: MoveCustomer, *, actor: Actor, begin: Begin, clock: Clock) -> Customer:
    """Move a customer, with everybody below it; what is invoiced stays with who paid it.

    Refuses with: NotAllowed, NotFound (customer, parent), Stale, BadValue (it would stand below itself, or be billed
    through one that is not above), WrongState (invoiced beyond that day; merged, closed or erased), Conflict (key).
    """
    check_texts(cmd)
    changes = given(cmd, *_TREE)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.customers.get(CustomerId(known))
        customer, today = await _claimed(unit, cmd.customer, cmd.version, clock)
        billed = await unit.places.invoiced_until(customer.id)
        if billed is not None and cmd.valid_from < billed:
            raise WrongState(
                "it is invoiced until {day}; a move can begin then or later", day=billed.isoformat(), field="validFrom"
            )
        places = (await unit.places.of([customer.id]))[customer.id] or [own_place(customer)]
        before = place_on(places, cmd.valid_from)
        to = replace(before, valid_from=cmd.valid_from, **changes)
        check(replace(customer, **{name: getattr(to, name) for name in _TREE}))
        different = [name for name in changes if getattr(to, name) != getattr(before, name)]
        if not different:
            await remember(unit.answers, cmd, customer.id)
            return customer
        later = [
            day for day in await unit.places.days(cmd.valid_from) if before.valid_to is None or day < before.valid_to
        ]
        await _check_seen(unit, changes)
        await unit.places.put(customer.id, moved(places, to))
        await check_place(unit, to, [cmd.valid_from, *later])
        kept = await _stand(unit, customer, today)
        if cmd.valid_from > today:
            await _promise(unit, cmd.valid_from)
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": kept.version, "changed": [camel(name) for name in different], "from": cmd.valid_from}
        await unit.audit.write("move_customer", f"customer:{customer.id}", detail)
    return kept


@operation(Action.WRITE_CUSTOMERS)
async def cancel_move(cmd: CancelMove, *, actor: Actor, begin: Begin, clock: Clock) -> Customer:
    """Take back a move that has not come yet.

    Refuses with: NotAllowed, NotFound (customer, no move on that day), Stale, WrongState (it has come), BadValue
    (without it the customer would stand below itself).
    """
    async with begin(actor) as unit:
        customer, today = await _claimed(unit, cmd.customer, cmd.version, clock)
        places = (await unit.places.of([customer.id]))[customer.id]
        after = unmoved(places, cmd.valid_from) if places else ()
        if not after:
            raise NotFound("the customer is not moved on {day}", day=cmd.valid_from.isoformat(), field="validFrom")
        if cmd.valid_from <= today:
            raise WrongState("the move of {day} has happened; move it again", day=cmd.valid_from.isoformat())
        await unit.places.put(customer.id, after)
        await check_place(unit, place_on(after, cmd.valid_from), [cmd.valid_from, *await unit.places.days(today)])
        kept = await unit.customers.keep(customer)
        detail = {"version": kept.version, "changed": ["places"], "from": cmd.valid_from}
        await unit.audit.write("cancel_move", f"customer:{customer.id}", detail)
    return kept


@operation(Action.READ_CUSTOMERS)
async def list_places(key: CustomerId, *, actor: Actor, begin: Begin) -> Sequence[Place]:
    """Return where a customer stood, stands and will stand, in order. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        customer = await unit.customers.get(key)
        return (await unit.places.of([key]))[key] or [own_place(customer)]


@operation(Action.WRITE_CUSTOMERS)
async def apply_moves(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Let customers' own rows say what holds today, and return how many were moved. Refuses with: NotAllowed."""
    count = 0
    while True:
        async with begin(actor) as unit:
            await unit.customers.hold_tree()
            today = await today_of(unit, clock)
            due = await unit.places.due(today, first=MOVES_PER_UNIT)
            for key in due:
                kept = await _stand(unit, await unit.customers.claim(key), today)
                detail = {"version": kept.version, "changed": ["parent", "throughParent", "billedThrough"]}
                await unit.audit.write("apply_move", f"customer:{key}", detail)
        count += len(due)
        if len(due) < MOVES_PER_UNIT:
            return count


async def check_place(unit: Unit, place: Place, days: Sequence[date]) -> None:
    """Check that on each of these days the tree stays one with a customer in a place; the caller holds the tree.

    Whoever pays through another pays through one above. Refuses with: NotFound (parent), BadValue.
    """
    for day in days:
        above: Sequence[CustomerId] = []
        if place.parent is not None:
            above = await unit.places.above(place.parent, day)
            if not above:
                raise NotFound("no customer {customer}", customer=place.parent, field="parent")
            if place.customer in above:
                raise BadValue("the parent is the customer itself or below it", field="parent")
        if place.billed_through is not None and place.billed_through not in above:
            raise BadValue("it can be billed through one above it only", field="billedThrough")
        below = await unit.places.below(place.customer, day)
        if len(above) + 1 + max(depth for depth, _ in below.values()) > TREE_DEPTH_MAX:
            raise BadValue("a tree of customers is at most {most} deep", most=TREE_DEPTH_MAX, field="parent")
        reach = {*below, *above}
        lost = [
            key for key, (depth, through) in below.items() if depth and through is not None and through not in reach
        ]
        if lost:
            numbers = sorted(one.number for one in (await unit.customers.many(lost[:5])).values())
            raise BadValue(
                "below it {customers} would be billed through one that is not above any more; change that first",
                customers=", ".join(numbers),
                field="parent",
            )


async def today_of(unit: Unit, clock: Clock) -> date:
    """Return the day it is for the unit's operator."""
    return clock.now().astimezone(ZoneInfo((await unit.operators.own()).zone)).date()


async def _check_seen(unit: Unit, changes: Mapping[str, Any]) -> None:
    """Refuse another's customer as one that is not there, before anything else is said of it."""
    named = {name: key for name in ("parent", "billed_through") if (key := changes.get(name)) is not None}
    seen = await unit.customers.many(list(named.values()))
    for name, key in named.items():
        if key not in seen:
            raise NotFound("no customer {customer}", customer=key, field=camel(name))


async def _claimed(unit: Unit, key: CustomerId, version: int, clock: Clock) -> tuple[Customer, date]:
    # Before any customer is locked, so that two moves wait for each other here and nowhere else.
    await unit.customers.hold_tree()
    customer = await unit.customers.claim(key)
    if customer.version != version:
        raise Stale("the customer is at version {version}; read it again", version=customer.version, field="version")
    return check_open(customer), await today_of(unit, clock)


async def _stand(unit: Unit, customer: Customer, today: date) -> Customer:
    """Write what holds today into the customer's own row, which raises its version."""
    places = (await unit.places.of([customer.id]))[customer.id]
    place = place_on(places, today)
    return await unit.customers.keep(replace(customer, **{name: getattr(place, name) for name in _TREE}))


async def _promise(unit: Unit, day: date) -> None:
    zone = ZoneInfo((await unit.operators.own()).zone)
    at = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    await unit.jobs.add(NewJob(kind=APPLY_MOVES, dedupe=day.isoformat(), run_at=at))
