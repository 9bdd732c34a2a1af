"""Fields of the operator's own in GraphQL: their definitions, writing them, and finding what has a value in one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info, Loaders
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node
from api.graphql.once import kept_key
from api.graphql.particulars import OwnFieldInput
from api.graphql.parties import ContractType, CustomerType, ResellerType, ServiceType, SubscriptionType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.fields.definition import Aggregate, FieldDefinition, FieldKind
from domain.ports.page import Page
from domain.usecases.define_fields import (
    ChangeField,
    DefineField,
    FindByField,
    change_field,
    define_field,
    find_by_field,
    list_fields,
)
from domain.usecases.set_fields import SetFields, set_fields

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
for _enum in (Aggregate, FieldKind):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())

# Each by its type's name in the schema, and the loader that reads many of them.
_KINDS: Final = {
    Aggregate.CUSTOMER: ("Customer", "customers"),
    Aggregate.CONTRACT: ("Contract", "contracts"),
    Aggregate.SERVICE: ("Service", "services"),
    Aggregate.SUBSCRIPTION: ("Subscription", "subscriptions"),
    Aggregate.RESELLER: ("Reseller", "resellers"),
}


@strawberry.type(name="FieldDefinition", description="A field of the operator's own on an aggregate.")
class FieldDefinitionType:
    """``domain.fields.definition.FieldDefinition``."""

    aggregate: Aggregate
    name: str
    kind: FieldKind
    choices: list[str]
    required: bool
    searchable: bool
    ends_at: datetime | None = strawberry.field(description="From then on it takes no values; old ones stay.")
    version: int

    is_type_of = shows(FieldDefinition)


@strawberry.input(description="Whether a field is searchable is decided here and stays.")
class DefineFieldInput:
    """``DefineField``."""

    aggregate: Aggregate
    name: str
    kind: FieldKind
    choices: list[str] | None = None
    required: bool | None = None
    searchable: bool | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input
class ChangeFieldInput:
    """``ChangeField``."""

    aggregate: Aggregate
    name: str
    version: int
    choices: strawberry.Maybe[list[str]]
    required: strawberry.Maybe[bool]
    ends_at: strawberry.Maybe[datetime | None]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="id: of what the aggregate says. Fields that are not named stay.")
class SetFieldsInput:
    """``SetFields``."""

    aggregate: Aggregate
    id: ID
    version: int
    fields: list[OwnFieldInput]
    idempotency_key: str | None = kept_key()


async def _define(info: Info, asked: Annotated[DefineFieldInput, _AS_INPUT]) -> Any:
    return await info.context.ask(define_field, command(DefineField, asked))


async def _change(info: Info, asked: Annotated[ChangeFieldInput, _AS_INPUT]) -> Any:
    return await info.context.ask(change_field, command(ChangeField, asked))


async def _set(info: Info, asked: Annotated[SetFieldsInput, _AS_INPUT]) -> Any:
    kind, _ = _KINDS[asked.aggregate]
    key = key_of(asked.id, kind, "id")
    fields = tuple(one.domain() for one in asked.fields)
    cmd = SetFields(aggregate=asked.aggregate, id=key, version=asked.version, fields=fields)
    return await info.context.ask(set_fields, cmd)


async def _definitions(info: Info, aggregate: Aggregate | None = None) -> Any:
    return await info.context.ask(list_fields, aggregate)


async def _found(
    info: Info, aggregate: Aggregate, name: str, value: str, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    kind, loader = _KINDS[aggregate]
    page = request(first, read_number(after, kind))
    keys = await info.context.ask(find_by_field, FindByField(aggregate=aggregate, name=name, value=value, page=page))
    load: Loaders = info.context.load
    things = [one for one in await getattr(load, loader).load_many(list(keys.items)) if one is not None]
    return connect(Page(things, more=keys.more), kind, after=after)


@strawberry.type
class OwnFieldQuery:
    """Fields of the operator's own."""

    own_fields: list[FieldDefinitionType] = strawberry.field(
        resolver=_definitions, description="The operator's own fields of an aggregate, or of all; ended ones too."
    )
    by_own_field: Connection[Node] = strawberry.field(
        resolver=_found, description="Those whose searchable field begins with a value, in whatever case, by key."
    )


@strawberry.type
class OwnFieldMutation:
    """Fields of the operator's own."""

    define_field = strawberry.mutation(resolver=_define, graphql_type=outcome("DefineFieldResult", FieldDefinitionType))
    change_field = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangeFieldResult", FieldDefinitionType))
    set_fields = strawberry.mutation(
        resolver=_set,
        graphql_type=outcome(
            "SetFieldsResult", CustomerType | ContractType | ServiceType | SubscriptionType | ResellerType
        ),
    )
