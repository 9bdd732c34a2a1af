"""``tollwright suspense``: the records that are not rated, and the work on them."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE, complain
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.mediation.files import Suspended
    from domain.mediation.suspense import Correction, SuspenseFilter

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Reason = Annotated[str | None, typer.Option(help="Only of this reason, such as no_rate.")]
FileKey = Annotated[int | None, typer.Option(help="Only of the file with this id.")]
SourceName = Annotated[str | None, typer.Option(help="Only of the source of this name.")]
Kind = Annotated[str | None, typer.Option(help="reject or unrated.")]
Since = Annotated[str | None, typer.Option("--from", help="Events from this instant on, such as 2026-03-01T00:00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", help="Events before this instant.")]
Text = Annotated[str | None, typer.Option(help="With this somewhere in the raw line, the detail or the event.")]
Key = Annotated[list[int] | None, typer.Option("--id", help="The record with this id; several times for more.")]
Why = Annotated[str, typer.Option(help="Why, for the history.")]
PREVIEW_HELP: Final = "Say how many and what would happen, and change nothing."


@app.callback()
def main() -> None:
    """List, correct, release and discard the records that are not rated."""


@app.command(name="list")
def list_open(
    *,
    reason: Reason = None,
    file: FileKey = None,
    source: SourceName = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    operator: Operator = None,
) -> int:
    """Print records in suspense as JSON Lines.

    The counts per reason go to stderr: of all that the other options choose, however many are printed.
    """
    from api.cli.reach import run_with

    asked = _Asked(reason, file, source, kind, since, until, text, None)
    return run_with(operator, lambda wiring, actor: _list(wiring, actor, asked, limit))


@app.command()
def fix(
    *,
    why: Why,
    fields: Annotated[list[str] | None, typer.Argument(help="name=value: a column of the record or the event.")] = None,
    raw: Annotated[str | None, typer.Option(help="Another raw text, for one record; - reads it.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Check it, say how many, and keep nothing.")] = False,
    key: Key = None,
    reason: Reason = None,
    file: FileKey = None,
    source: SourceName = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    operator: Operator = None,
) -> int:
    """Correct records: what they are released with. The originals stay, and who did it when and why."""
    from api.cli.reach import run_with
    from domain.mediation.suspense import Correction

    named = dict(_field(one) for one in fields or ())
    written = sys.stdin.read().rstrip("\n") if raw == "-" else raw
    asked = _Asked(reason, file, source, kind, since, until, text, key)
    return run_with(
        operator, lambda wiring, actor: _fix(wiring, actor, asked, Correction(raw=written, fields=named), why, preview)
    )


@app.command()
def release(
    *,
    why: Why = "",
    preview: Annotated[bool, typer.Option("--preview", help=PREVIEW_HELP)] = False,
    key: Key = None,
    reason: Reason = None,
    file: FileKey = None,
    source: SourceName = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    operator: Operator = None,
) -> int:
    """Let records take their way again, with their corrections.

    Ends with 1 where some stay in suspense.
    """
    from api.cli.reach import run_with

    asked = _Asked(reason, file, source, kind, since, until, text, key)
    return run_with(operator, lambda wiring, actor: _release(wiring, actor, asked, why, preview))


@app.command()
def discard(
    *,
    why: Why,
    preview: Annotated[bool, typer.Option("--preview", help=PREVIEW_HELP)] = False,
    key: Key = None,
    reason: Reason = None,
    file: FileKey = None,
    source: SourceName = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    operator: Operator = None,
) -> int:
    """Give records up: they are kept, and counted as discarded."""
    from api.cli.reach import run_with

    asked = _Asked(reason, file, source, kind, since, until, text, key)
    return run_with(operator, lambda wiring, actor: _discard(wiring, actor, asked, why, preview))


@app.command()
def history(
    key: Annotated[int, typer.Argument(help="The record's id; also of one that has left.")], operator: Operator = None
) -> int:
    """Print what was done to a record, oldest first."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _history(wiring, actor, key))


class _Asked:
    """The filter as it was typed; the source's name is looked up later."""

    def __init__(  # noqa: PLR0917  (the options, in their order)
        self,
        reason: str | None,
        file: int | None,
        source: str | None,
        kind: str | None,
        since: str | None,
        until: str | None,
        text: str | None,
        keys: list[int] | None,
    ) -> None:
        self._plain = (reason, file, kind, since, until, text, keys)
        self._source = source

    async def chosen(self, wiring: Wiring, actor: Actor) -> SuspenseFilter:
        """Return the filter. Refuses with: BadValue, NotFound (source)."""
        from domain.ids import FileId, SuspenseId
        from domain.mediation.files import SuspenseKind
        from domain.mediation.suspense import SuspenseFilter
        from domain.usecases.source_versions import get_source

        reason, file, kind, since, until, text, keys = self._plain
        if kind is not None and kind not in {"reject", "unrated"}:
            raise BadValue(f"--kind {kind}: must be reject or unrated")
        source = None
        if self._source is not None:
            source = (await get_source(self._source, actor=actor, begin=wiring.begin)).id
        return SuspenseFilter(
            source=source,
            file=None if file is None else FileId(file),
            reason=reason,
            kind=None if kind is None else SuspenseKind(kind),
            since=_moment(since, "--from"),
            until=_moment(until, "--to"),
            text=text,
            ids=None if not keys else tuple(SuspenseId(key) for key in keys),
        )


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(f"{option} {text}: must be an instant such as 2026-03-01T00:00:00Z") from None


def _field(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise BadValue(f"{text}: must be name=value")
    return name, value


async def _list(wiring: Wiring, actor: Actor, asked: _Asked, limit: int) -> int:
    from domain.ports.page import PAGE_MAX, PageRequest
    from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense

    chosen = await asked.chosen(wiring, actor)
    left, after = limit, None
    while left > 0:
        request = PageRequest(first=min(left, PAGE_MAX), after=after)
        page = await list_suspense(ListSuspense(page=request, chosen=chosen), actor=actor, begin=wiring.begin)
        for one in page.items:
            print(json.dumps(_told(one), ensure_ascii=False))
        if not page.more:
            break
        left, after = left - len(page.items), page.items[-1].id
    every = ListSuspense(chosen=dataclasses.replace(chosen, reason=None))
    counts = dict(await count_suspense(every, actor=actor, begin=wiring.begin))
    if chosen.reason is not None and chosen.reason not in counts:
        complain(f"no record is held for {chosen.reason!r}")
    print(json.dumps(counts), file=sys.stderr)
    return DONE


async def _fix(  # noqa: PLR0917  (as above)
    wiring: Wiring, actor: Actor, asked: _Asked, correction: Correction, why: str, preview: bool
) -> int:
    from domain.usecases.work_suspense import CorrectSuspense, correct_suspense

    chosen = await asked.chosen(wiring, actor)
    cmd = CorrectSuspense(chosen=chosen, correction=correction, why=why, preview=preview)
    count = await correct_suspense(cmd, actor=actor, begin=wiring.begin, formats=wiring.formats)
    print(json.dumps({"corrected": count, "preview": preview}))
    return DONE


async def _release(wiring: Wiring, actor: Actor, asked: _Asked, why: str, preview: bool) -> int:
    from domain.usecases.work_suspense import ReleaseSuspense, release_suspense

    cmd = ReleaseSuspense(chosen=await asked.chosen(wiring, actor), why=why, preview=preview)
    done = await release_suspense(
        cmd,
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )
    told = {name: getattr(done, name) for name in ("chosen", "rated", "joined", "duplicates", "ignored")}
    print(json.dumps({**told, "still": dict(done.still), "preview": preview}))
    return ATTENTION if done.still else DONE


async def _discard(wiring: Wiring, actor: Actor, asked: _Asked, why: str, preview: bool) -> int:
    from domain.usecases.work_suspense import DiscardSuspense, discard_suspense

    cmd = DiscardSuspense(chosen=await asked.chosen(wiring, actor), why=why, preview=preview)
    print(json.dumps({"discarded": await discard_suspense(cmd, actor=actor, begin=wiring.begin), "preview": preview}))
    return DONE


async def _history(wiring: Wiring, actor: Actor, key: int) -> int:
    from domain.ids import SuspenseId
    from domain.usecases.work_suspense import suspense_history

    for one in await suspense_history(SuspenseId(key), actor=actor, begin=wiring.begin):
        told = {"at": one.created_at.isoformat(), "action": one.action.value, "client": one.client, "why": one.why}
        print(json.dumps({**told, "reason": one.reason, "before": dict(one.before)}, ensure_ascii=False))
    return DONE


def _told(one: Suspended) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "file": one.file,
        "line": one.record,
        "offset": one.byte_offset,
        "reason": one.reason,
        "detail": one.detail,
        "raw": one.raw,
        "event": one.event,
    }
