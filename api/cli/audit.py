"""``tollwright audit``: whether the trail holds, what stands in it, and its anchors."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.usecases.verify_trail import Verdict

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Look at the audit trail: who did what, and whether nobody has touched it since."""


@app.command()
def verify(
    operator: Annotated[
        str | None,
        typer.Option(help="The operator's code; left out: every operator, and the installation's own lines."),
    ] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="File of anchors that were kept outside of the database, a token a line.")
    ] = None,
) -> int:
    """Look whether every line of the trail holds.

    Prints a line of JSON per operator, with the first fault; ends with 1 where there is one.
    """
    import asyncio

    async def work() -> int:
        from api.anchors import handed_out, is_signed
        from api.auth.tokens import make_key
        from api.wiring import opened

        async with opened() as wiring:
            stored = await wiring.credentials.keys(lambda: make_key(wiring.clock.now()))
            kept = [] if anchors is None else handed_out(anchors, stored)
            worst = DONE
            for key, code in await _chains(wiring, operator):
                found = await _verify(wiring, key, code, lambda one: is_signed(one, stored), kept)
                worst = ATTENTION if found.fault is not None else worst
            return worst

    return asyncio.run(work())


async def _chains(wiring: Wiring, code: str | None) -> list[tuple[int, str]]:
    """Return which chains to walk: key and name. Refuses with: NotFound, by the operator's code."""
    known = [(int(one.id), one.code) for one in await wiring.directory.operators()]
    if code is None:
        return [(0, "(installation)"), *known]
    chosen = [one for one in known if one[1] == code]
    if not chosen:
        raise BadValue(f"there is no operator {code!r}", field="--operator")
    return chosen


async def _verify(wiring: Wiring, key: int, code: str, signed: Any, kept: Any) -> Verdict:
    from rich.console import Console
    from rich.progress import Progress

    from domain.usecases.verify_trail import verify_trail

    # What has been committed this moment is linked first, whether or not a server runs.
    while await wiring.trail.chain():
        pass
    heads = {one.operator: one.seq for one in await wiring.trail.heads()}
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(code, total=heads.get(key, 0))
        found = await verify_trail(
            key,
            keeper=wiring.trail,
            signed=signed,
            handed_out=kept,
            progress=lambda lines: bar.update(task, completed=lines),
        )
    fault = found.fault
    told = {"operator": code, "holds": fault is None, "lines": found.lines, "anchors": found.anchors}
    told |= {"erased": found.erased, "removed": found.removed}
    if fault is not None:
        told["fault"] = {"seq": fault.seq, "line": fault.audit, "what": fault.what}
    print(json.dumps(told, ensure_ascii=False))
    return found


@app.command(name="list")
def list_lines(  # noqa: PLR0917  (options of the command line)
    client: Annotated[str | None, typer.Option(help="Only what this client did.")] = None,
    user: Annotated[int | None, typer.Option(help="Only what this person did, by key.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as change_customer.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this, such as customer:12.")] = None,
    kind: Annotated[str | None, typer.Option(help="change, read, refused, sign_in or keeping.")] = None,
    customer: Annotated[int | None, typer.Option(help="Only lines about a customer, and who read his data.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only since this time (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this time (UTC).")] = None,
    most: Annotated[int, typer.Option(help="How many lines at most.", min=1)] = 1000,
    operator: Operator = None,
) -> int:
    """Print lines of the trail as JSON Lines, the newest first."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.rest.trail import shown
        from domain.access.chain import LineKind
        from domain.period import utc
        from domain.ports.access import TrailFilter
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.list_trail import list_trail

        if kind is not None and kind not in list(LineKind):
            raise BadValue(f"one of {', '.join(LineKind)}, not {kind!r}", field="--kind")
        wanted = TrailFilter(
            kind=None if kind is None else LineKind(kind),
            client=client,
            user=user,
            action=action,
            target=target,
            customer=customer,
            since=None if since is None else utc(_aware(since), field="--since"),
            until=None if until is None else utc(_aware(until), field="--until"),
        )
        left, after = most, None
        while left:
            request = PageRequest(min(left, PAGE_MAX), after)
            page = await list_trail(request, wanted, actor=actor, begin=wiring.begin)
            for one in page.items:
                print(json.dumps(shown(one), ensure_ascii=False))
            left -= len(page.items)
            if not page.more:
                break
            after = page.items[-1].id
        return DONE

    return run_with(operator, work)


@app.command()
def anchor() -> int:
    """Anchor every chain that has grown, at once.

    The anchors go into the setting's file too.
    """
    import asyncio

    async def work() -> int:
        from api.auditing import anchor as make
        from api.wiring import opened

        async with opened() as wiring:
            while await wiring.trail.chain():
                pass
            print(json.dumps({"anchors": await make(wiring, now=True)}))
            return DONE

    return asyncio.run(work())


def _aware(at: datetime) -> datetime:
    from datetime import UTC

    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
