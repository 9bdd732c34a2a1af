"""Drafts of the catalogue: editing, validating and publishing them; and the catalogue as a document."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.catalogue import RateType
from api.graphql.connections import Connection, connect, request, size
from api.graphql.context import Info
from api.graphql.ids import read_number
from api.graphql.inputs import given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from api.graphql.wording import in_words
from domain.catalogue.document import BadTariff, parse_json
from domain.catalogue.draft import Draft, DraftState
from domain.catalogue.rate_sheet import Layout, SheetFault
from domain.catalogue.reading import Fault
from domain.catalogue.sheet_preview import PriceLine
from domain.refusal import BadValue
from domain.usecases.check_draft import DraftChecked, check_draft
from domain.usecases.discard_draft import discard_draft
from domain.usecases.export_tariff import export_tariff
from domain.usecases.list_drafts import get_draft, list_drafts
from domain.usecases.publish_draft import DraftPublished, PublishDraft, publish_draft
from domain.usecases.put_draft import PutDraft, put_draft
from domain.usecases.read_rate_sheet import ReadRateSheet, SheetAnswer, read_rate_sheet

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

    is_type_of = shows(Draft)


@strawberry.type(name="CatalogueFault", description="What is wrong, or looks so, and where.")
class FaultType:
    """``domain.catalogue.reading.Fault``."""

    path: str
    message: str = strawberry.field(resolver=in_words("message"))

    is_type_of = shows(Fault)


@strawberry.type(name="DraftChecked", description="Faults stand in the way; warnings may be accepted.")
class DraftCheckedType:
    """``domain.usecases.check_draft.DraftChecked``."""

    draft: DraftType
    faults: list[FaultType]
    warnings: list[FaultType]

    is_type_of = shows(DraftChecked)


@strawberry.type(name="DraftPublished", description="The draft, closed, and how many rows began and ended by it.")
class DraftPublishedType:
    """``domain.usecases.publish_draft.DraftPublished``."""

    draft: DraftType
    began: int
    ended: int

    is_type_of = shows(DraftPublished)


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
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The prices hold from validFrom on, from now where it is left out.")
class PublishDraftInput:
    """``PublishDraft``."""

    name: str
    valid_from: datetime | None = None
    accept_warnings: bool = False
    version: int | None = strawberry.field(default=None, description="The one that was looked at.")
    idempotency_key: str | None = kept_key()


@strawberry.type(name="SheetFault", description="What is wrong in which row of a sheet; 0: with the sheet.")
class SheetFaultType:
    """``domain.catalogue.rate_sheet.SheetFault``."""

    row: int
    message: str = strawberry.field(resolver=in_words("message"))

    is_type_of = shows(SheetFault)


@strawberry.type(name="PriceLine", description="One destination's price, as it was and as it will be.")
class PriceLineType:
    """``domain.catalogue.sheet_preview.PriceLine``."""

    kind: str = strawberry.field(description="new, changed, same or ended.")
    destination: str
    row: int | None
    old: RateType | None
    new: RateType | None
    percent: Decimal | None = strawberry.field(description="Of change, in the first step.")
    suspicious: bool
    note: str = strawberry.field(resolver=in_words("note"))

    is_type_of = shows(PriceLine)


@strawberry.type(name="SheetCount", description="How many lines are of a kind.")
class SheetCount:
    """One of the counts of a preview."""

    kind: str
    lines: int


def _counts(root: strawberry.Parent[SheetAnswer]) -> Any:
    return [SheetCount(kind=kind, lines=count) for kind, count in root.counts.items()]


def _lines(root: strawberry.Parent[SheetAnswer], first: int = FIRST_DEFAULT, after: int = 0) -> Any:
    return root.lines[max(after, 0) : max(after, 0) + size(first)]


@strawberry.type(name="RateSheetRead", description="What a sheet would change; with faults nothing else is there.")
class RateSheetReadType:
    """``domain.usecases.read_rate_sheet.SheetAnswer``."""

    rows: int
    disabled: int = strawberry.field(description="Rows that the sheet switches off.")
    ignored: list[str] = strawberry.field(description="Headings of columns that were not read.")
    faults: list[SheetFaultType]
    counts: list[SheetCount] = strawberry.field(resolver=_counts)
    lines: list[PriceLineType] = strawberry.field(resolver=_lines, description="first of them, behind after.")
    draft: DraftType | None

    is_type_of = shows(SheetAnswer)


@strawberry.input(description="Which heading has which role, where it is not known by itself.")
class SheetColumnInput:
    """One of ``Layout.columns``."""

    role: str
    heading: str


@strawberry.input(description="A supplier's sheet for a list; with a draft named, what it changes is put there.")
class ReadRateSheetInput:
    """``ReadRateSheet``."""

    content: str = strawberry.field(description="The file, CSV or XLSX, in base64.")
    price_list: str
    draft: str | None = None
    sheet: str | None = strawberry.field(default=None, description="Of a workbook; the first where it is left out.")
    columns: list[SheetColumnInput] | None = None
    ignore: list[str] | None = strawberry.field(
        default=None, description="Headings of columns that say nothing here; * for all that have no role."
    )
    dates: str | None = strawberry.field(default=None, description="dmy or mdy, where the sheet does not tell.")
    zone: str | None = strawberry.field(default=None, description="Of its dates; the operator's where it is left out.")
    per: int | None = strawberry.field(default=None, description="The units a price stands for; 60.")
    currency: str | None = strawberry.field(default=None, description="Of a new list.")
    mode: str | None = None
    direction: str | None = None
    full: bool = strawberry.field(default=False, description="Prices that the sheet leaves out end.")
    valid_from: datetime | None = None
    suspicious: Decimal | None = strawberry.field(default=None, description="A change over ± so many per cent; 20.")
    idempotency_key: str | None = kept_key()


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


async def _discard(info: Info, name: str, version: int | None = None) -> Any:
    return await info.context.ask(discard_draft, name, version, clock=info.context.wiring.clock)


async def _sheet(info: Info, asked: Annotated[ReadRateSheetInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked)
    try:
        fields["content"] = base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("is not base64", field="content") from None
    layout = {name: fields.pop(name) for name in ("dates", "zone", "per") if name in fields}
    fields.pop("columns", None)
    fields.pop("ignore", None)
    columns = {one.role: one.heading for one in asked.columns or ()}
    cmd = ReadRateSheet(**fields, layout=Layout(columns=columns, ignored=tuple(asked.ignore or ()), **layout))
    wiring = info.context.wiring
    return await info.context.ask(read_rate_sheet, cmd, clock=wiring.clock, sheets=wiring.sheets)


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
    read_rate_sheet = strawberry.mutation(
        resolver=_sheet, graphql_type=outcome("ReadRateSheetResult", RateSheetReadType)
    )
    discard_draft = strawberry.mutation(resolver=_discard, graphql_type=outcome("DiscardDraftResult", DraftType))
