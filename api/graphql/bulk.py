"""Sheets in bulk: taking them in, how far they are, and what was wrong with their rows."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.catalogues import told
from api.graphql.connections import Connection, Slice, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.graphql.wording import in_words, perhaps_in_words
from domain.bulk.run import BulkFault, BulkImport, BulkMode, BulkState
from domain.bulk.sheet import COLUMNS, SheetKind
from domain.ids import BulkImportId
from domain.ports.page import Page
from domain.refusal import BadValue
from domain.usecases.import_bulk import TakeSheet, take_sheet
from domain.usecases.list_bulk import get_bulk_import, list_bulk_faults, list_bulk_imports

ID = strawberry.ID

strawberry.enum(SheetKind, description="What the rows of a sheet are.")
strawberry.enum(BulkMode, description="ALL: nothing where any row has a fault. VALID: the good rows.")
strawberry.enum(BulkState, name="BulkImportState", description="REFUSED: nothing of it was taken.")


@strawberry.type(name="BulkFault", description="What is wrong with a row; the header is row 1.")
class FaultType:
    """``domain.bulk.run.BulkFault``."""

    row: int
    field: str | None = strawberry.field(description="The column.")
    code: str
    message: str = strawberry.field(resolver=in_words("message"))

    is_type_of = shows(BulkFault)


async def _faults(
    root: strawberry.Parent[BulkImport], info: Info, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    position = read_number(after, "BulkFault") or 0
    page: Page[BulkFault] = await info.context.ask(list_bulk_faults, root.id, request(first, position or None))
    places = {id(one): position + index for index, one in enumerate(page.items, 1)}
    found: Slice = connect(page, "BulkFault", after=after, key=lambda one: places[id(one)])
    return found


@strawberry.type(name="BulkImport", description="A sheet that was brought.")
class ImportType:
    """``domain.bulk.run.BulkImport``."""

    id: ID = identified()
    kind: SheetKind
    name: str
    mode: BulkMode
    preview: bool = strawberry.field(description="Nothing is kept: it tells what would become of it.")
    state: BulkState
    rows: BigInt | None = strawberry.field(description="None until the sheet was read.")
    seen: BigInt = strawberry.field(description="Rows looked at so far.")
    created: BigInt
    unchanged: BigInt = strawberry.field(description="Rows that came before with the same content.")
    faulty: BigInt
    fault: str | None = strawberry.field(
        resolver=perhaps_in_words("fault"), description="Why it was refused as a whole."
    )
    created_at: datetime
    finished_at: datetime | None
    faults: Connection[FaultType] = strawberry.field(resolver=_faults, description="By row; the first 10,000 are kept.")

    is_type_of = shows(BulkImport)


@strawberry.type(name="SheetColumn", description="A column that a sheet may have.")
class ColumnType:
    """``domain.bulk.sheet.Column``."""

    name: str
    needed: bool
    description: str


@strawberry.input(description="content: CSV or XLSX in base64, up to 64 MB. Large ones better go over REST.")
class ImportSheetInput:
    """``TakeSheet``."""

    kind: SheetKind
    name: str
    content: str
    mode: BulkMode = BulkMode.ALL
    preview: bool = False
    idempotency_key: str | None = kept_key()


async def _imports(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_bulk_imports, request(first, read_number(after, "BulkImport")))
    return connect(page, "BulkImport", after=after)


async def _import(info: Info, id: ID) -> Any:
    return await info.context.ask(get_bulk_import, BulkImportId(key_of(id, "BulkImport", "id")))


def _columns(kind: SheetKind) -> list[ColumnType]:
    return [ColumnType(name=one.name, needed=one.needed, description=told(one.words)) for one in COLUMNS[kind]]


async def _take(info: Info, asked: Annotated[ImportSheetInput, strawberry.argument(name="input")]) -> Any:
    try:
        content = base64.b64decode(asked.content, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("the content is not base64", field="content") from None
    cmd = TakeSheet(kind=asked.kind, name=asked.name, content=content, mode=asked.mode, preview=asked.preview)
    return await info.context.ask(take_sheet, cmd, clock=info.context.wiring.clock)


@strawberry.type
class BulkQuery:
    """What was brought in bulk."""

    bulk_imports: Connection[ImportType] = strawberry.field(resolver=_imports)
    bulk_import: ImportType | None = strawberry.field(resolver=_import)
    sheet_columns: list[ColumnType] = strawberry.field(resolver=_columns, description="What a sheet may have.")


@strawberry.type
class BulkMutation:
    """Bringing sheets."""

    import_sheet = strawberry.mutation(
        resolver=_take,
        graphql_type=outcome("ImportSheetResult", ImportType),
        description="A worker takes it in; ask for the import to see how far it is.",
    )
