"""Drafts of the catalogue: editing, validating and publishing them; and the catalogue as a document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from domain.catalogue.document import BadTariff, parse_json
from domain.catalogue.draft import Draft, DraftState
from domain.catalogue.reading import Fault
from domain.usecases.check_draft import DraftChecked, check_draft
from domain.usecases.discard_draft import discard_draft
from domain.usecases.export_tariff import export_tariff
from domain.usecases.list_drafts import get_draft, list_drafts
from domain.usecases.publish_draft import DraftPublished, PublishDraft, publish_draft
from domain.usecases.put_draft import PutDraft, put_draft

strawberry.enum(DraftState, description="Only an open draft can be edited.")


def _changes(root: strawberry.Parent[Draft]) -> Any:
    return JsonText(json.dumps(root.changes, ensure_ascii=False))


@strawberry.type(name="Draft", description="Changes of the catalogue that nobody is rated by until they are published.")
class DraftType:
    """``domain.catalogue.draft.Draft``."""

    id: strawberry.ID = identified()
    name: str
    state: DraftState
    version: int = strawberry.field(description="Grows with every edit.")
    created_at: datetime
    changed_at: datetime
    valid_from: datetime | None = strawberry.field(description="From when what was published holds.")
    revision: BigInt | None = strawberry.field(description="The catalogue's, which it was published as.")
    changes: JsonText = strawberry.field(
        resolver=_changes, description="In the form of a tariff document; empty in a list of drafts."
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Draft)


@strawberry.type(name="CatalogueFault", description="What is wrong, or looks so, and where.")
class FaultType:
    """``domain.catalogue.reading.Fault``."""

    path: str
    message: str

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, Fault)


@strawberry.type(name="DraftChecked", description="Faults stand in the way; warnings may be accepted.")
class DraftCheckedType:
    """``domain.usecases.check_draft.DraftChecked``."""

    draft: DraftType
    faults: list[FaultType]
    warnings: list[FaultType]

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, DraftChecked)


@strawberry.type(name="DraftPublished", description="The draft, closed, and how many rows began and ended by it.")
class DraftPublishedType:
    """``domain.usecases.publish_draft.DraftPublished``."""

    draft: DraftType
    began: int
    ended: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, DraftPublished)


@strawberry.type(name="DraftFaults", description="The draft is wrong and nothing was published.")
class DraftFaults:
    """Every fault of a draft that could not be published."""

    faults: list[FaultType]


@strawberry.input(description="Laid over the open draft of this name, which is made where there is none.")
class PutDraftInput:
    """``PutDraft``."""

    name: str
    changes: JsonText | None = strawberry.field(
        default=None, description="Part, name, and what it will be as a tariff document writes it, or null: gone."
    )
    withdraw: list[str] | None = strawberry.field(default=None, description="Places such as price_lists.gold.")
    version: int | None = strawberry.field(default=None, description="The one that was read.")


@strawberry.input(description="The prices hold from validFrom on, from now where it is left out.")
class PublishDraftInput:
    """``PublishDraft``."""

    name: str
    valid_from: datetime | None = None
    accept_warnings: bool = False
    version: int | None = strawberry.field(default=None, description="The one that was looked at.")


async def _drafts(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_drafts, request(first, read_number(after, "Draft")))
    return connect(page, "Draft", after=after)


async def _draft(info: Info, name: str) -> Any:
    return await info.context.ask(get_draft, name)


async def _check(info: Info, name: str, valid_from: datetime | None = None) -> Any:
    return await info.context.ask(check_draft, name, valid_from, clock=info.context.wiring.clock)


async def _document(info: Info, as_of: datetime | None = None) -> Any:
    return JsonText(json.dumps(await info.context.ask(export_tariff, as_of), ensure_ascii=False))


async def _put(info: Info, asked: Annotated[PutDraftInput, strawberry.argument(name="input")]) -> Any:
    changes: Any = {} if asked.changes is None else parse_json(asked.changes)
    withdraw: Sequence[str] = asked.withdraw or ()
    cmd = PutDraft(name=asked.name, changes=changes, withdraw=tuple(withdraw), version=asked.version)
    return await info.context.ask(put_draft, cmd, clock=info.context.wiring.clock)


async def _publish(info: Info, asked: Annotated[PublishDraftInput, strawberry.argument(name="input")]) -> Any:
    cmd = PublishDraft(
        name=asked.name, valid_from=asked.valid_from, accept_warnings=asked.accept_warnings, version=asked.version
    )
    try:
        return await info.context.ask(publish_draft, cmd, clock=info.context.wiring.clock)
    except BadTariff as wrong:
        return DraftFaults(faults=list(wrong.faults))  # type: ignore[arg-type]  # FaultType shows them


async def _discard(info: Info, name: str) -> Any:
    return await info.context.ask(discard_draft, name, clock=info.context.wiring.clock)


@strawberry.type
class DraftQuery:
    """The catalogue in the making, and as a document."""

    drafts: Connection[DraftType] = strawberry.field(resolver=_drafts, description="Without their changes.")
    draft: DraftType = strawberry.field(resolver=_draft, description="The last one of this name.")
    check_draft: DraftCheckedType = strawberry.field(
        resolver=_check, description="What publishing the open draft of this name would meet."
    )
    tariff_document: JsonText = strawberry.field(
        resolver=_document, description="The whole catalogue, as it was believed at asOf; importTariff takes it."
    )


@strawberry.type
class DraftMutation:
    """Drafts. What was published is never edited."""

    put_draft = strawberry.mutation(resolver=_put, graphql_type=outcome("PutDraftResult", DraftType))
    publish_draft = strawberry.mutation(
        resolver=_publish, graphql_type=outcome("PublishDraftResult", DraftPublishedType | DraftFaults)
    )
    discard_draft = strawberry.mutation(resolver=_discard, graphql_type=outcome("DiscardDraftResult", DraftType))
