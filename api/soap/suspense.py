"""The operations of the WSDL about suspense: what could not be rated, corrected and released."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import told
from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from domain.ids import FileId, SuspenseId
from domain.mediation.files import SuspenseKind
from domain.mediation.suspense import Correction, SuspenseAction, SuspenseFilter
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense
from domain.usecases.source_versions import (
    get_source,
)
from domain.usecases.work_suspense import (
    CorrectSuspense,
    DiscardSuspense,
    ReleaseSuspense,
    correct_suspense,
    discard_suspense,
    release_suspense,
    suspense_history,
)

PAGE: Final = 200
KindOfSuspense = _enum(SuspenseKind, "SuspenseKind")
ActionOnSuspense = _enum(SuspenseAction, "SuspenseAction")


class Count(Model):
    """How many of what: a reason, or a count's name."""

    name = needed(Unicode)
    count = needed(Integer)


class SuspenseSelection(Model):
    """Records in suspense that fit everything that is given; source is its name, file its id."""

    id = many(Integer)
    source = Unicode
    file = Integer
    reason = Unicode
    kind = KindOfSuspense
    since = DateTime
    until = DateTime
    text = Unicode


class Field(Model):
    """A field's other value: a column of the record, or a field of an unrated event."""

    name = needed(Unicode)
    value = needed(Unicode)


class SuspendedRecord(Model):
    """A record that is not rated; event is JSON."""

    id = needed(Integer)
    kind = needed(KindOfSuspense)
    file = needed(Integer)
    record = needed(Integer)
    byteOffset = needed(Integer)
    reason = needed(Unicode)
    detail = needed(Unicode)
    raw = needed(Unicode)
    start = DateTime
    event = Unicode
    createdAt = needed(DateTime)


class SuspensePage(Model):
    """A page of records, and how many are chosen in all, per reason; next asks for the following page."""

    reason = many(Count)
    record = many(SuspendedRecord)
    next = Unicode


class SuspenseRelease(Model):
    """What became of the chosen records; of a preview, what would."""

    chosen = needed(Integer)
    rated = needed(Integer)
    joined = needed(Integer)
    duplicates = needed(Integer)
    ignored = needed(Integer)
    still = many(Count)


class SuspenseEntry(Model):
    """What was done to a record; before is JSON."""

    action = needed(ActionOnSuspense)
    client = needed(Unicode)
    why = needed(Unicode)
    reason = Unicode
    before = needed(Unicode)
    createdAt = needed(DateTime)


class SuspenseHistory(Model):
    """What was done to a record, oldest first."""

    entry = many(SuspenseEntry)


class Suspense(ServiceBase):
    """Records in suspense."""

    __service_name__ = "Billing"

    @operation(
        "ListSuspense", SuspenseSelection, Integer(ge=1, le=PAGE_MAX), Unicode, returns=SuspensePage, result="page"
    )
    async def list_suspense(ctx: Any, filter: Any, first: int | None, after: str | None) -> Any:
        """Return records in suspense by id, and how many are chosen per reason."""
        chosen = await _chosen(ctx, filter)
        position = int(after) if after is not None and after.isascii() and after.isdigit() and len(after) < 19 else None
        query = ListSuspense(page=PageRequest(first or PAGE, position), chosen=chosen)
        page = await ctx.udc.ask(list_suspense, query)
        by_reason = await ctx.udc.ask(count_suspense, query)
        records = [
            SuspendedRecord(
                id=one.id,
                kind=one.kind.value,
                file=one.file,
                record=one.record,
                byteOffset=one.byte_offset,
                reason=one.reason,
                detail=plain_text(told(one.detail)),
                raw=plain_text(one.raw),
                start=one.start,
                event=None if one.event is None else plain_text(json.dumps(one.event, ensure_ascii=False)),
                createdAt=one.created_at,
            )
            for one in page.items
        ]
        following = str(page.items[-1].id) if page.more else None
        return SuspensePage(reason=counts(by_reason), record=records, next=following)

    @operation(
        "CorrectSuspense",
        needed(SuspenseSelection),
        needed(Unicode),
        Unicode,
        many(Field),
        Boolean,
        returns=Integer,
        result="records",
    )
    async def correct_suspense(
        ctx: Any, filter: Any, why: str, raw: str | None, field: Any, preview: bool | None
    ) -> int:
        """Keep with what records are to be released; return how many. Nothing is kept where preview is true."""
        correction = Correction(raw=raw, fields={one.name: one.value for one in field or ()})
        chosen = await _chosen(ctx, filter)
        cmd = CorrectSuspense(chosen=chosen, correction=correction, why=why, preview=bool(preview))
        return int(await ctx.udc.ask(correct_suspense, cmd, formats=ctx.udc.wiring.formats))

    @operation(
        "ReleaseSuspense",
        needed(SuspenseSelection),
        Unicode,
        Boolean,
        returns=SuspenseRelease,
        result="release",
    )
    async def release_suspense(ctx: Any, filter: Any, why: str | None, preview: bool | None) -> Any:
        """Let records take their way again; a preview unless preview is false."""
        wiring = ctx.udc.wiring
        cmd = ReleaseSuspense(chosen=await _chosen(ctx, filter), why=why or "", preview=preview is not False)
        done = await ctx.udc.ask(
            release_suspense,
            cmd,
            clock=wiring.clock,
            blobs=wiring.blobs,
            formats=wiring.formats,
            raters=wiring.raters,
        )
        told = {name: getattr(done, name) for name in ("chosen", "rated", "joined", "duplicates", "ignored")}
        return SuspenseRelease(**told, still=counts(done.still))

    @operation(
        "DiscardSuspense", needed(SuspenseSelection), needed(Unicode), Boolean, returns=Integer, result="records"
    )
    async def discard_suspense(ctx: Any, filter: Any, why: str, preview: bool | None) -> int:
        """Give records up, with a reason; a preview unless preview is false."""
        cmd = DiscardSuspense(chosen=await _chosen(ctx, filter), why=why, preview=preview is not False)
        return int(await ctx.udc.ask(discard_suspense, cmd))

    @operation("GetSuspenseHistory", needed(Integer), returns=SuspenseHistory, result="history")
    async def suspense_history(ctx: Any, id: int) -> Any:
        """Return what was done to a record."""
        found = await ctx.udc.ask(suspense_history, SuspenseId(id))
        entries = [
            SuspenseEntry(
                action=one.action.value,
                client=one.client,
                why=one.why,
                reason=one.reason,
                before=plain_text(json.dumps(dict(one.before), ensure_ascii=False)),
                createdAt=one.created_at,
            )
            for one in found
        ]
        return SuspenseHistory(entry=entries)


async def _chosen(ctx: Any, asked: Any) -> SuspenseFilter:
    if asked is None:
        return SuspenseFilter()
    source = None
    if asked.source is not None:
        source = (await ctx.udc.ask(get_source, asked.source)).id

    return SuspenseFilter(
        source=source,
        file=None if asked.file is None else FileId(asked.file),
        reason=asked.reason,
        kind=None if asked.kind is None else SuspenseKind(str(asked.kind)),
        since=asked.since,
        until=asked.until,
        text=asked.text,
        ids=tuple(SuspenseId(one) for one in asked.id) if asked.id else None,
    )


def counts(found: Mapping[str, int]) -> list[Any]:
    """Show counts by name."""
    return [Count(name=name, count=count) for name, count in sorted(found.items())]


def plain_text(text: str) -> str:
    """Return a text as XML can hold it."""
    return "".join(letter if letter in "\t\n\r" or letter >= " " else "\N{REPLACEMENT CHARACTER}" for letter in text)
