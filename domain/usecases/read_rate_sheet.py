"""Read a supplier's rate sheet: say what it would change, and put it into a draft."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.draft import NAME_MAX, Draft
from domain.catalogue.rate_sheet import Layout, SheetFault, read_sheet
from domain.catalogue.sheet_preview import Preview, PriceLine, Terms, preview
from domain.commands import check_texts
from domain.money import currency
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.sheets import Sheets
from domain.ports.unit import Begin
from domain.refusal import BadValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRateSheet:
    """A file and the list it is for. ``draft``: put what it changes there, None: only look.

    ``full``: prices of the list that the sheet leaves out end. ``valid_from``: from when a price without a date of its
    own holds, None: now. ``suspicious``: a change of more than so many per cent, up or down, is.
    """

    content: bytes
    price_list: str
    draft: str | None = None
    sheet: str | None = None
    layout: Layout = field(default_factory=Layout)
    currency: str | None = None
    mode: str = "voice"
    direction: str = "out"
    full: bool = False
    valid_from: datetime | None = None
    suspicious: Decimal = Decimal(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAnswer:
    """What a sheet would change. With faults nothing else is there, and no draft was touched.

    ``ignored``: the headings of columns that were not read.
    """

    rows: int
    disabled: int
    ignored: Sequence[str]
    columns: Mapping[str, str]
    faults: Sequence[SheetFault]
    counts: Mapping[str, int]
    lines: Sequence[PriceLine]
    draft: Draft | None = None


@operation(Action.WRITE_PRICES)
async def read_rate_sheet(
    cmd: ReadRateSheet, *, actor: Actor, begin: Begin, clock: Clock, sheets: Sheets
) -> SheetAnswer:
    """Compare a rate sheet with a list of the catalogue; with a draft named, lay the changes over it.

    Publishing is the draft's. Refuses with: NotAllowed, Unreadable, LimitExceeded, NotFound (sheet of a workbook),
    BadValue (columns, zone, currency, mode, direction, a time without offset).
    """
    _check(cmd)
    at = clock.now() if cmd.valid_from is None else utc(cmd.valid_from, field="validFrom")
    # Beside the loop: a large sheet keeps a core busy for seconds, and nobody else is to wait for that.
    rows = await asyncio.to_thread(sheets.rows, cmd.content, sheet=cmd.sheet)
    layout = cmd.layout
    if layout.zone is None:
        async with begin(actor) as unit:
            layout = replace(layout, zone=(await unit.operators.own()).zone)
    read = await asyncio.to_thread(read_sheet, rows, layout)
    terms = Terms(
        price_list=cmd.price_list,
        currency=cmd.currency,
        mode=cmd.mode,
        direction=cmd.direction,
        per=cmd.layout.per,
        full=cmd.full,
        suspicious=cmd.suspicious,
        at=at,
    )
    seen, draft = Preview(), None
    async with begin(actor) as unit:
        if not read.faults:
            seen = await asyncio.to_thread(preview, await unit.catalogue.tariff(), read.prices, terms)
            check_texts([line.destination for line in seen.lines])
        if cmd.draft is not None and not read.faults:
            now = clock.now()
            draft = await unit.drafts.open(cmd.draft) or await unit.drafts.add(cmd.draft, at=now)
            draft = await unit.drafts.put(draft, seen.changes, at=now)
            detail: dict[str, Any] = {"price_list": cmd.price_list, "rows": len(read.prices), **seen.counts}
            await unit.audit.write("read_rate_sheet", f"draft:{cmd.draft}", detail)
    return SheetAnswer(
        rows=len(read.prices),
        disabled=read.disabled,
        ignored=read.ignored,
        columns=read.columns,
        faults=read.faults,
        counts=seen.counts,
        lines=seen.lines,
        draft=draft,
    )


def _check(cmd: ReadRateSheet) -> None:
    check_texts(
        [cmd.price_list, cmd.draft or "", cmd.mode, cmd.sheet or "", dict(cmd.layout.columns), list(cmd.layout.ignored)]
    )
    for name, value in (("priceList", cmd.price_list), ("mode", cmd.mode), ("draft", cmd.draft)):
        if value is not None and not (value.strip() and len(value) <= NAME_MAX):
            raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field=name)
    if cmd.direction not in {"out", "in"}:
        raise BadValue("a direction is out or in", field="direction")
    if cmd.currency is not None:
        currency(cmd.currency)
    if not cmd.suspicious >= 0:
        raise BadValue("must not be negative", field="suspicious")
