"""Define fields of the operator's own, change and end them, and find what has a value in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.access.actor import Action, Actor, allow, check_reach
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.fields.definition import (
    FIELDS_MAX,
    Aggregate,
    FieldChanges,
    FieldDefinition,
    FieldKind,
    Fields,
    check,
    check_fields,
)
from domain.period import utc
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineField:
    """A new field of an aggregate."""

    aggregate: Aggregate
    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = False
    searchable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeField:
    """A change of what is given. ``ends_at`` None: it does not end. Choices may be added; one in use stays readable."""

    aggregate: Aggregate
    name: str
    version: int
    choices: Change[tuple[str, ...]] = UNCHANGED
    required: Change[bool] = UNCHANGED
    ends_at: Change[datetime | None] = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class FindByField:
    """Those of an aggregate whose searchable field begins with ``value``, in whatever case."""

    aggregate: Aggregate
    name: str
    value: str
    page: PageRequest = field(default_factory=PageRequest)


@operation(Action.WRITE_CUSTOMERS)
async def define_field(cmd: DefineField, *, actor: Actor, begin: Begin) -> FieldDefinition:
    """Define a field; only the operator himself may. Refuses with: NotAllowed, BadValue, Conflict, LimitExceeded."""
    _only_operator(actor)
    check_texts(cmd)
    new = FieldDefinition(
        operator=actor.operator,
        aggregate=cmd.aggregate,
        name=cmd.name,
        kind=cmd.kind,
        choices=cmd.choices,
        required=cmd.required,
        searchable=cmd.searchable,
    )
    async with begin(actor) as unit:
        if len(await unit.field_definitions.all(cmd.aggregate)) >= FIELDS_MAX:
            raise LimitExceeded("an aggregate has at most {most} fields of one's own", most=FIELDS_MAX)
        kept = await unit.field_definitions.add(check(new))
        await unit.audit.write("define_field", _target(kept), {"kind": kept.kind.value, "version": kept.version})
    return kept


@operation(Action.WRITE_CUSTOMERS)
async def change_field(cmd: ChangeField, *, actor: Actor, begin: Begin) -> FieldDefinition:
    """Change a field: its choices, whether it is required, when it ends.

    Refuses with: NotAllowed, NotFound, Stale, BadValue.
    """
    _only_operator(actor)
    check_texts(cmd)
    changes = given(cmd, "choices", "required", "ends_at")
    if (ends := changes.get("ends_at")) is not None:
        changes["ends_at"] = utc(ends, field="endsAt")
    async with begin(actor) as unit:
        known = {one.name: one for one in await unit.field_definitions.all(cmd.aggregate)}
        before = known.get(cmd.name)
        if before is None:
            raise NotFound("a {aggregate} has no field {name}", aggregate=cmd.aggregate.value, name=cmd.name)
        if before.version != cmd.version:
            raise Stale("the field is at version {version}; read it again", version=before.version, field="version")
        after = check(replace(before, **changes))
        different = [name for name in changes if getattr(after, name) != getattr(before, name)]
        if not different:
            return before
        kept = await unit.field_definitions.keep(after)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_field", _target(kept), detail)
    return kept


@operation(Action.READ_CUSTOMERS)
async def list_fields(aggregate: Aggregate | None = None, *, actor: Actor, begin: Begin) -> Sequence[FieldDefinition]:
    """Return the fields of an aggregate, or all, ended ones too. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.field_definitions.all(aggregate)


@operation(any_of=(Action.READ_CUSTOMERS, Action.READ_CONTRACTS))
async def find_by_field(query: FindByField, *, actor: Actor, begin: Begin) -> Page[int]:
    """Return the keys of what the caller may see, by key. Refuses with: NotAllowed, BadValue, NotFound (the field)."""
    contract = query.aggregate in {Aggregate.CONTRACT, Aggregate.SERVICE, Aggregate.SUBSCRIPTION}
    allow(actor, Action.READ_CONTRACTS if contract else Action.READ_CUSTOMERS, "find_by_field")
    check_reach(actor, bulk=True)  # values stand by themselves, without the customer they are of
    check_texts(query)
    if not query.value.strip():
        raise BadValue("give the beginning of a value", field="value")
    async with begin(actor) as unit:
        known = {one.name: one for one in await unit.field_definitions.all(query.aggregate)}
        if query.name not in known or not known[query.name].searchable:
            raise NotFound(
                "a {aggregate} has no searchable field {name}",
                aggregate=query.aggregate.value,
                name=query.name,
                field="name",
            )
        value = query.value.strip().lower()
        return await unit.field_definitions.owners(query.aggregate, query.name, value, query.page)


async def checked_fields(unit: Unit, aggregate: Aggregate, changes: FieldChanges, *, before: Fields = ()) -> Fields:
    """Return an aggregate's fields after changes. Refuses with: BadValue, naming ``fields.<name>``.

    A change that names none leaves what was, also where a field has become required since.
    """
    if before and not changes:
        return before
    names = [name for name, _ in changes]
    if len(set(names)) != len(names):
        raise BadValue("a field is named once", field="fields")
    definitions = await unit.field_definitions.all(aggregate)
    return check_fields(definitions, aggregate, dict(changes), at=await unit.field_definitions.now(), before=before)


def _only_operator(actor: Actor) -> None:
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself defines fields")


def _target(definition: FieldDefinition) -> str:
    return f"field:{definition.aggregate.value}.{definition.name}"
