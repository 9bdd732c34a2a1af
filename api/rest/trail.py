"""The audit trail over REST: a search that is exported whole, as CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.catalogues import spoken
from api.rest.invoices import named
from api.routes import Operation
from api.wiring import Wiring
from domain.access.actor import Action, Actor
from domain.access.chain import LineKind, Recorded
from domain.period import utc
from domain.ports.access import TrailFilter
from domain.ports.page import PAGE_MAX, Page, PageRequest
from domain.refusal import BadValue
from domain.telling.language import language
from domain.usecases.list_trail import list_trail
from integrations.printing.report_heads import heads

COLUMNS: Final = (
    *("id", "seq", "at", "kind", "client", "user", "factor", "behalf", "reseller", "address", "action", "target"),
    *("outcome", "request", "seen", "detail"),
)
LANGUAGE: Final = "language"  # of the header of a sheet
TEXT: Final = {"type": "string"}
WHOLE: Final = {"type": "integer"}
TIME: Final = {"type": "string", "format": "date-time"}
FILTERS: Final[dict[str, dict[str, Any]]] = {
    "kind": {"enum": [one.value for one in LineKind]},
    "client": TEXT,
    "user": WHOLE,
    "action": TEXT,
    "target": TEXT,
    "outcome": TEXT,
    "customer": WHOLE,
    "since": TIME,
    "until": TIME,
}
HEADER: Final = {"name": LANGUAGE, "schema": TEXT, "description": "Of the header; left out: the caller's own."}
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class TrailExport:
    """Answers every line that fits, as they are read, page by page."""

    def __init__(self, wiring: Wiring, suffix: str) -> None:
        self._wiring = wiring
        self._suffix = suffix

    async def __call__(self, request: Request) -> Response:
        """Answer the lines."""
        wanted, actor = _wanted(request), request.state.actor
        head = heads(COLUMNS, _language(request))
        first = await list_trail(PageRequest(PAGE_MAX), wanted, actor=actor, begin=self._wiring.begin)
        pages = self._pages(first, wanted, actor)
        if self._suffix == "csv":
            return StreamingResponse(_csv(pages, head), media_type="text/csv", headers=named("audit.csv"))
        return StreamingResponse(_lines(pages), media_type="application/x-ndjson", headers=named("audit.jsonl"))

    async def _pages(self, page: Page[Recorded], wanted: TrailFilter, actor: Actor) -> AsyncIterator[Page[Recorded]]:
        yield page
        while page.more:
            request = PageRequest(PAGE_MAX, page.items[-1].id)
            page = await list_trail(request, wanted, actor=actor, begin=self._wiring.begin)
            yield page


def _language(request: Request) -> str | None:
    """Return the language of the header: as asked, else the caller's own; None, the columns' names, in English.

    Refuses with: BadValue.
    """
    asked = request.query_params.get(LANGUAGE)
    if asked is None:
        return None if spoken() == "en" else spoken()
    return language(asked).code


async def _csv(pages: AsyncIterator[Page[Recorded]], head: Sequence[str]) -> AsyncIterator[bytes]:
    yield (",".join(head) + "\r\n").encode()
    async for page in pages:
        yield _rows(page.items)


async def _lines(pages: AsyncIterator[Page[Recorded]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield "".join(json.dumps(shown(one), ensure_ascii=False) + "\n" for one in page.items).encode()


def _rows(lines: Sequence[Recorded]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for one in lines:
        told = shown(one)
        writer.writerow([_cell(told[name]) for name in COLUMNS])
    return out.getvalue().encode()


def _cell(value: object) -> object:
    """Return a value for a sheet: a text that a sheet would compute gets an apostrophe (attack F10)."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def shown(one: Recorded) -> dict[str, Any]:
    """Return a line as JSON shows it."""
    line = one.line
    told = {name: getattr(line, name, None) for name in COLUMNS}
    return told | {
        "seq": one.seq,
        "address": one.address,
        "at": line.at.isoformat(),
        "seen": list(one.seen),
        "detail": None if line.detail is None else dict(line.detail),
    }


def _wanted(request: Request) -> TrailFilter:
    """Read the filters. Refuses with: BadValue."""
    given: dict[str, Any] = {}
    for name, text in request.query_params.items():
        if name == LANGUAGE:
            continue
        kind = FILTERS.get(name)
        if kind is None:
            raise BadValue("there is no filter {name}; there are {names}", name=name[:80], names=", ".join(FILTERS))
        given[name] = _value(name, kind, text)
    return TrailFilter(**given)


def _value(name: str, kind: dict[str, Any], text: str) -> object:
    if kind is WHOLE:
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise BadValue("{text!r} is not a whole number", text=text[:80], field=name)
        return int(text)
    if kind is TIME:
        try:
            return utc(datetime.fromisoformat(text), field=name)
        except ValueError:
            raise BadValue("{text!r} is not a time such as 2026-04-01T08:00:00Z", text=text[:80], field=name) from None
    if name == "kind":
        if text not in list(LineKind):
            raise BadValue("one of {names}", names=", ".join(LineKind), field=name)
        return LineKind(text)
    return text


def operations(wiring: Wiring) -> list[Operation]:
    """Return the routes."""
    query = tuple({"name": name, "schema": schema} for name, schema in FILTERS.items())
    return [
        Operation(
            method="GET",
            path=f"/rest/v1/audit.{suffix}",
            endpoint=TrailExport(wiring, suffix),
            name=f"exportAudit{suffix.capitalize()}",
            summary=f"The audit trail as {said}, the newest line first; everything that is given must fit.",
            action=Action.READ_AUDIT,
            query=query if suffix != "csv" else (*query, HEADER),
            answers={"200": (media, TEXT)},
            refuses=(422,),
        )
        for suffix, said, media in (
            ("csv", "CSV", "text/csv"),
            ("jsonl", "JSON Lines", "application/x-ndjson"),
        )
    ]
