"""Number series: make, change, list, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, answered, camel, check_texts, given, remember
from domain.contracts.dialled import dialling
from domain.ids import NumberSeriesId, OperatorId, ResellerId
from domain.numbers.series import NumberKind, NumberSeries, check, number_of
from domain.numbers.stock import NumberStatus
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotFound, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNumberSeries:
    """A block of numbers from the first to the last, as people of the operator's country write them."""

    name: str
    kind: NumberKind
    first_number: str
    last_number: str
    quarantine_days: int = 90
    reseller: ResellerId | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNumberSeries:
    """A change of the fields that are given. ``version`` is the one the caller has read."""

    series: NumberSeriesId
    version: int
    name: Change[str] = UNCHANGED
    quarantine_days: Change[int] = UNCHANGED


@operation(Action.MANAGE_NUMBERS)
async def create_number_series(cmd: CreateNumberSeries, *, actor: Actor, begin: Begin) -> NumberSeries:
    """Make a series and put its numbers into the stock; those that subscriptions have already are assigned.

    Refuses with: NotAllowed, BadValue, NotFound (reseller), Conflict (name, idempotency key), Overlap (a number is in
    the stock already).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.numbers.claim_series(NumberSeriesId(known))
        plan = dialling(await unit.operators.own())
        series = NumberSeries(
            id=NumberSeriesId(0),
            operator=OperatorId(actor.operator),
            name=cmd.name.strip(),
            kind=cmd.kind,
            first_number=number_of(cmd.kind, cmd.first_number, plan, field="firstNumber"),
            last_number=number_of(cmd.kind, cmd.last_number, plan, field="lastNumber"),
            quarantine_days=cmd.quarantine_days,
            reseller=cmd.reseller,
        )
        kept = await unit.numbers.add_series(check(series))
        await remember(unit.answers, cmd, kept.id)
        detail = {"name": kept.name, "first": kept.first_number, "last": kept.last_number, "version": kept.version}
        await unit.audit.write("create_number_series", f"number_series:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_NUMBERS)
async def change_number_series(cmd: ChangeNumberSeries, *, actor: Actor, begin: Begin) -> NumberSeries:
    """Change a series' name or time of rest; what rests already rests as long as it was to.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, Conflict (name).
    """
    check_texts(cmd)
    changes = given(cmd, "name", "quarantine_days")
    async with begin(actor) as unit:
        series = await unit.numbers.claim_series(cmd.series)
        if series.version != cmd.version:
            raise Stale("the series is at version {version}; read it again", version=series.version, field="version")
        changed = check(replace(series, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(series, name)]
        if not different:
            return series
        kept = await unit.numbers.keep_series(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_number_series", f"number_series:{kept.id}", detail)
    return kept


@operation(Action.READ_CONTRACTS)
async def list_number_series(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[NumberSeries]:
    """Return the series the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.numbers.series_page(page)


@operation(Action.READ_CONTRACTS)
async def series_by_ids(
    keys: Sequence[NumberSeriesId], *, actor: Actor, begin: Begin
) -> Mapping[NumberSeriesId, NumberSeries]:
    """Return the series that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.numbers.series(keys)


@operation(Action.READ_CONTRACTS)
async def get_number_series(key: NumberSeriesId, *, actor: Actor, begin: Begin) -> NumberSeries:
    """Return one. Refuses with: NotAllowed, NotFound."""
    found = await series_by_ids([key], actor=actor, begin=begin)
    if key not in found:
        raise NotFound("no number series {key}", key=key, field="series")
    return found[key]


@operation(Action.READ_CONTRACTS)
async def count_numbers(key: NumberSeriesId, *, actor: Actor, begin: Begin, clock: Clock) -> Mapping[NumberStatus, int]:
    """Return how many numbers of a series have which status now. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        if key not in await unit.numbers.series([key]):
            raise NotFound("no number series {key}", key=key, field="series")
        return await unit.numbers.counts(key, clock.now())
