"""Merge two customers that are one: what goes on goes on with the survivor, and the double points to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.credit.counting import promise_checks, recount
from domain.customers.customer import Customer, check_open
from domain.customers.place import Place, moved, own_place, place_on
from domain.ids import CustomerId
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale, WrongState
from domain.usecases.move_customer import check_place, today_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCustomers:
    """``double`` is the same as ``survivor``; the versions are those that the caller has read."""

    survivor: CustomerId
    survivor_version: int
    double: CustomerId
    double_version: int
    idempotency_key: str | None = None


@operation(Action.WRITE_CUSTOMERS, Action.WRITE_CONTRACTS)
async def merge_customers(cmd: MergeCustomers, *, actor: Actor, begin: Begin, clock: Clock) -> Customer:
    """Give what goes on to the survivor, close the double, and return the survivor.

    Contracts, lines, numbers, buckets, groups, charges, mandates, sub-customers and contacts go over now, and limits of
    kinds of which the survivor has none. What is invoiced or paid stays with the double and is found with the survivor;
    what it has used and is not invoiced goes on the survivor's next invoice. What both owe and have used counts against
    the survivor's limits. The double's own fields and identity numbers fill what is empty at the survivor.

    Refuses with: NotAllowed, NotFound, Stale, BadValue (both are the same), WrongState (one is merged, closed or erased
    already; they belong to different resellers; the survivor is below the double), Conflict (key).
    """
    check_texts(cmd)
    if cmd.survivor == cmd.double:
        raise BadValue("a customer cannot be merged into itself", field="double")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.customers.get(CustomerId(known))
        await unit.customers.hold_tree()
        survivor, double = await _claimed(unit, cmd)
        today = await today_of(unit, clock)
        if double.id in await unit.places.above(survivor.id, today):
            raise WrongState("the survivor is below the double; move it first", field="survivor")
        for key, (depth, _) in (await unit.places.below(double.id, today)).items():
            if depth == 1:
                await _under(unit, await unit.customers.claim(key), survivor, double, today)
        moved_over = await unit.persons.hand_over(double.id, survivor.id, at=clock.now())
        kept = await unit.customers.keep(_filled(survivor, double))
        await _close(unit, double, kept, today, clock)
        await recount(unit, [kept.id], at=clock.now())
        await promise_checks(unit, [kept.id])
        await remember(unit.answers, cmd, kept.id)
        await _tell(unit, kept, double, moved_over)
    return kept


async def _claimed(unit: Unit, cmd: MergeCustomers) -> tuple[Customer, Customer]:
    found = {key: await unit.customers.claim(key) for key in sorted((cmd.survivor, cmd.double))}
    survivor, double = found[cmd.survivor], found[cmd.double]
    for one, version, field in (
        (survivor, cmd.survivor_version, "survivorVersion"),
        (double, cmd.double_version, "doubleVersion"),
    ):
        if one.version != version:
            raise Stale("the customer is at version {version}; read it again", version=one.version, field=field)
    check_open(survivor, field="survivor")
    check_open(double, field="double")
    if survivor.reseller != double.reseller:
        raise WrongState("they belong to different resellers", field="double")
    if survivor.kind is not double.kind:
        raise WrongState("one is a person and the other an organisation", field="double")
    return survivor, double


async def _under(unit: Unit, child: Customer, survivor: Customer, double: Customer, today: date) -> None:
    """Put a sub-customer of the double under the survivor from today on."""
    places = (await unit.places.of([child.id]))[child.id] or [own_place(child)]
    before = place_on(places, today)
    through = survivor.id if before.billed_through == double.id else before.billed_through
    to = replace(before, valid_from=today, parent=survivor.id, billed_through=through)
    if before.valid_from == today:
        places = [to if one is before else one for one in places]
        await unit.places.put(child.id, places)
    else:
        await unit.places.put(child.id, moved(places, to))
    await check_place(unit, to, [today])
    kept = await unit.customers.keep(replace(child, parent=survivor.id, billed_through=through))
    detail = {"version": kept.version, "changed": ["parent"], "from": today}
    await unit.audit.write("move_customer", f"customer:{child.id}", detail)


def _filled(survivor: Customer, double: Customer) -> Customer:
    """Return the survivor with what the double knew and it did not."""
    names = ("identity_number", "vat_id", "email", "phone", "endpoint", "buyer_reference", "order_reference")
    empty = {
        name: getattr(double, name)
        for name in (*names, "cost_centre", "billing_day")
        if getattr(survivor, name) is None
    }
    contacts = survivor.contacts + tuple(one for one in double.contacts if one not in survivor.contacts)
    fields = dict(double.fields) | dict(survivor.fields)
    return replace(survivor, **empty, contacts=contacts[:50], fields=tuple(sorted(fields.items())))


async def _close(unit: Unit, double: Customer, survivor: Customer, today: date, clock: Clock) -> None:
    """Close the double; what of it is not invoiced yet goes on the survivor's invoice, of whatever period."""
    billed = await unit.places.invoiced_until(double.id)
    since = min(billed, today) if billed is not None else None
    end = Place(
        operator=double.operator,
        customer=double.id,
        valid_from=since,
        valid_to=None,
        parent=survivor.id,
        through_parent=True,
    )
    before = (await unit.places.of([double.id]))[double.id] or [own_place(double)]
    held = [] if since is None else [one for one in before if one.valid_from is None or one.valid_from < since]
    if held:
        held[-1] = replace(held[-1], valid_to=since)
    await unit.places.put(double.id, [*held, end])
    await check_place(unit, end, [since or date.min + timedelta(days=1), today, *await unit.places.days(today)])
    for key in (await unit.persons.doubles([double.id]))[double.id]:
        before_that = await unit.customers.claim(key)
        await unit.customers.keep(replace(before_that, merged_into=survivor.id))
    await unit.customers.keep(
        replace(
            double,
            parent=survivor.id,
            through_parent=True,
            billed_through=None,
            merged_into=survivor.id,
            closed_at=clock.now(),
        )
    )


async def _tell(unit: Unit, survivor: Customer, double: Customer, counts: Mapping[str, int]) -> None:
    detail = {"version": survivor.version, "changed": ["contracts"], "double": double.id, **counts}
    await unit.audit.write("merge_customers", f"customer:{survivor.id}", detail)
    closed = {"version": double.version + 1, "changed": ["mergedInto", "closedAt"], "mergedInto": survivor.id}
    await unit.audit.write("close_customer", f"customer:{double.id}", closed)
