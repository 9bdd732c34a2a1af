"""``tollwright suspense``: the records that are not rated."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.mediation.files import Suspended

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def main() -> None:
    """List the records that are not rated."""


@app.command(name="list")
def list_open(
    reason: Annotated[str | None, typer.Option(help="Only of this reason, such as no_rate.")] = None,
    file: Annotated[int | None, typer.Option(help="Only of the file with this id.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Print records in suspense as JSON Lines.

    The counts per reason go to stderr: of all records, or of those listed of a --file.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _list(wiring, actor, reason, file, limit))


async def _list(wiring: Wiring, actor: Actor, reason: str | None, file: int | None, limit: int) -> int:
    from domain.ids import FileId
    from domain.ports.page import PAGE_MAX, PageRequest
    from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense

    left, after, met = limit, None, Counter[str]()
    while left > 0:
        request = PageRequest(first=min(left, PAGE_MAX), after=after)
        cmd = ListSuspense(page=request, reason=reason, file=None if file is None else FileId(file))
        page = await list_suspense(cmd, actor=actor, begin=wiring.begin)
        for one in page.items:
            print(json.dumps(_told(one), ensure_ascii=False))
            met[one.reason] += 1
        if not page.more:
            break
        left, after = left - len(page.items), page.items[-1].id
    counts = dict(await count_suspense(actor=actor, begin=wiring.begin)) if file is None else dict(met)
    if reason is not None and reason not in counts:
        complain(f"no record is held for {reason!r}")
    print(json.dumps(counts), file=sys.stderr)
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
