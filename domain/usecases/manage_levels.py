"""Make, copy, change and remove user levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.giving import check_gives, check_words
from domain.access.level import NAME_MAX, Level
from domain.access.limits import NO_LIMITS, Limits
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, answered, camel, check_texts, given, remember
from domain.customers.group import GROUP_MAX
from domain.ids import LevelId, ResellerId
from domain.money import currency
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, Stale, WrongState

LEVELS_MAX: Final = 200
GROUPS_MAX: Final = 100
CURRENCIES_MAX: Final = 10
AMOUNT_MAX: Final = Decimal(10) ** 12
DECIMALS_MAX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLevel:
    """A new level with what is named, or as a copy of another; what is given beside ``copy_of`` takes its place.

    A reseller's administrator makes levels of his own; ``reseller`` makes one for somebody below.
    """

    name: str
    permissions: frozenset[str] | None = None
    limits: Limits | None = None
    requires_second_factor: bool | None = None
    copy_of: LevelId | None = None
    reseller: ResellerId | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLevel:
    """A change of what is given. ``version`` is the one that was read. Permissions given are all there will be."""

    level: LevelId
    version: int
    name: Change[str] = UNCHANGED
    permissions: Change[frozenset[str]] = UNCHANGED
    limits: Change[Limits] = UNCHANGED
    requires_second_factor: Change[bool] = UNCHANGED


_FIELDS: Final = ("name", "permissions", "limits", "requires_second_factor")


@operation(Action.MANAGE_LEVELS)
async def create_level(cmd: CreateLevel, *, actor: Actor, begin: Begin) -> Level:
    """Make a level: nobody puts more into one than he has himself.

    Refuses with: NotAllowed, BadValue, NotFound (the copied one, reseller), Conflict (name, idempotency key),
    LimitExceeded.
    """
    check_texts(cmd)
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return (await unit.levels.many([LevelId(known)]))[LevelId(known)]
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no such reseller, or not yours", field="reseller")
        source = None if cmd.copy_of is None else await _copied(unit, cmd.copy_of)
        made = Level(
            id=LevelId(0),
            operator=actor.operator,
            name=cmd.name.strip(),
            reseller=reseller,
            permissions=_first(cmd.permissions, source and source.held, frozenset()),
            limits=_first(cmd.limits, source and source.limits, NO_LIMITS),
            requires_second_factor=_first(cmd.requires_second_factor, source and source.requires_second_factor, False),
        )
        await _check(made, actor, unit)
        await _check_groups(unit, made.limits.groups - (source.limits.groups if source else frozenset()))
        if sum(one.built_in is None for one in await unit.levels.all()) >= LEVELS_MAX:
            raise LimitExceeded("there are {most} levels already; remove one", most=LEVELS_MAX)
        kept = await unit.levels.add(made)
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": kept.version, "after": shown(kept), "copy_of": cmd.copy_of}
        await unit.audit.write("create_level", f"level:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_LEVELS)
async def change_level(cmd: ChangeLevel, *, actor: Actor, begin: Begin) -> Level:
    """Change a level; it holds for everybody who has it within seconds. A built-in one is copied, not changed.

    Refuses with: NotAllowed (it gives, or gave, more than the caller has), NotFound, Stale, BadValue, Conflict (name),
    WrongState (a built-in one).
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        before = await _claimed(unit, cmd.level, cmd.version, actor)
        after = replace(before, **changes)
        await _check(after, actor, unit)
        await _check_groups(unit, after.limits.groups - before.limits.groups)
        different = [name for name in changes if getattr(after, name) != getattr(before, name)]
        if not different:
            return before
        kept = await unit.levels.keep(after)
        detail = {
            "version": kept.version,
            "changed": [camel(name) for name in different],
            "before": _parts(before, different),
            "after": _parts(kept, different),
        }
        await unit.audit.write("change_level", f"level:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_LEVELS)
async def remove_level(key: LevelId, version: int, *, actor: Actor, begin: Begin) -> Level:
    """Forget a level that nobody has.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (a built-in one), Conflict (somebody has it).
    """
    async with begin(actor) as unit:
        level = await _claimed(unit, key, version, actor)
        if holders := await unit.levels.holders(key):
            raise Conflict(
                "{count} users or clients have this level; give them another first", count=holders, field="level"
            )
        removed = await unit.levels.keep(replace(level, removed=True))
        await unit.audit.write("remove_level", f"level:{key}", {"version": removed.version, "before": shown(level)})
    return removed


@operation(Action.READ_USERS)
async def list_levels(*, actor: Actor, begin: Begin) -> Sequence[Level]:
    """Return the levels that the caller may see, built-in ones too, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.levels.all()


@operation(Action.READ_USERS)
async def get_level(key: LevelId, *, actor: Actor, begin: Begin) -> Level:
    """Return one level. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.levels.get(key)


@operation(Action.READ_USERS)
async def levels_by_ids(keys: Sequence[LevelId], *, actor: Actor, begin: Begin) -> Mapping[LevelId, Level]:
    """Return the levels that exist and may be seen, removed ones too. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.levels.many(keys)


def shown(level: Level) -> dict[str, object]:
    """Return a level as the audit trail tells it."""
    return _parts(level, _FIELDS)


def _parts(level: Level, names: Sequence[str]) -> dict[str, object]:
    limits = {
        "amounts": [
            {"currency": one.currency, "each": str(one.each), "day": None if one.day is None else str(one.day)}
            for one in level.limits.amounts
        ],
        "groups": sorted(level.limits.groups),
        "reseller": level.limits.reseller,
    }
    told = {
        "name": level.name,
        "permissions": sorted(level.held),
        "limits": limits,
        "requires_second_factor": level.requires_second_factor,
    }
    return {camel(name): told[name] for name in names}


async def _copied(unit: Unit, key: LevelId) -> Level:
    found = (await unit.levels.many([key])).get(key)
    if found is None or found.removed:
        raise NotFound("no level {level}", level=key, field="copyOf")
    return found


async def _claimed(unit: Unit, key: LevelId, version: int, actor: Actor) -> Level:
    level = await unit.levels.claim(key)
    if level.built_in is not None:
        raise WrongState("a built-in level stays as it is; copy it and change the copy", field="level")
    if level.version != version:
        raise Stale("the level is at version {version}; read it again", version=level.version, field="version")
    check_gives(actor, level)
    return level


async def _check(level: Level, actor: Actor, unit: Unit) -> None:
    if not 1 <= len(level.name.strip()) <= NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    if not level.permissions:
        raise BadValue("a level without a permission can do nothing; name at least one", field="permissions")
    check_words(level.permissions, reseller=level.reseller is not None)
    _check_amounts(level.limits)
    if len(level.limits.groups) > GROUPS_MAX:
        raise BadValue("there are at most {most} groups", most=GROUPS_MAX, field="limits.groups")
    if any(not 1 <= len(name.strip()) <= GROUP_MAX for name in level.limits.groups):
        raise BadValue("a group's name has 1 to {group_max} characters", group_max=GROUP_MAX, field="limits.groups")
    if level.limits.reseller is not None and level.limits.reseller not in await unit.resellers.tree():
        raise NotFound("no such reseller, or not yours", field="limits.reseller")
    check_gives(actor, level, field="permissions")


async def _check_groups(unit: Unit, new: frozenset[str]) -> None:
    """Look that there are such groups, so that a slip of the pen shuts nobody out. Refuses with: BadValue."""
    if unknown := sorted(new - await unit.groups.known(sorted(new))) if new else []:
        raise BadValue(
            "no customer was ever in a group {name!r}; put one into it first", name=unknown[0], field="limits.groups"
        )


def _check_amounts(limits: Limits) -> None:
    if len(limits.amounts) > CURRENCIES_MAX:
        raise BadValue("there are at most {most} currencies", most=CURRENCIES_MAX, field="limits.amounts")
    for place, one in enumerate(limits.amounts):
        field = f"limits.amounts.{place}"
        if any(other.currency == one.currency for other in limits.amounts[:place]):
            raise BadValue("a currency has one limit", field=f"{field}.currency")
        currency(one.currency)
        for name, amount in (("each", one.each), ("day", one.day)):
            if amount is None:
                continue
            if not 0 <= amount <= AMOUNT_MAX or amount.as_tuple().exponent < -DECIMALS_MAX:  # type: ignore[operator]  # a finite one
                raise BadValue("a limit is an amount of 0 or more with two decimals", field=f"{field}.{name}")
        if one.day is not None and one.day < one.each:
            raise BadValue("the limit of a day is not below that of one operation", field=f"{field}.day")


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
