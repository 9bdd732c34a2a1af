"""``tollwright jobs``: the queue, its dead letters, and what becomes of them."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.jobs.job import Job

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Look after the queue."""


@app.command(name="list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only of this state: waiting, running, done, dead.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as import_cdr.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    operator: Operator = None,
) -> int:
    """Print jobs as JSON Lines, and the counts of all on stderr. Dead jobs ask for attention: exit 1."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _list(wiring, actor, state, kind, limit))


async def _list(wiring: Wiring, actor: Actor, state: str | None, kind: str | None, limit: int) -> int:
    from domain.jobs.job import JobState
    from domain.ports.page import PAGE_MAX, PageRequest
    from domain.usecases.manage_jobs import ListJobs, count_jobs
    from domain.usecases.manage_jobs import list_jobs as ask

    if state is not None and state not in set(JobState):
        raise BadValue(f"{state!r} is none of {', '.join(JobState)}", field="state")
    chosen = None if state is None else JobState(state)
    left, after = limit, None
    while left > 0:
        request = PageRequest(first=min(left, PAGE_MAX), after=after)
        page = await ask(ListJobs(page=request, state=chosen, kind=kind), actor=actor, begin=wiring.begin)
        for job in page.items:
            print(_told(job))
        if not page.more:
            break
        left, after = left - len(page.items), page.items[-1].id
    counts = await count_jobs(actor=actor, begin=wiring.begin)
    told: dict[str, dict[str, int]] = {}
    for (name, of), count in counts.items():
        told.setdefault(name, {})[of.value] = count
    print(json.dumps(told), file=sys.stderr)
    return ATTENTION if any(of is JobState.DEAD for _, of in counts) else DONE


def _told(job: Job) -> str:
    fields: dict[str, Any] = dataclasses.asdict(job)
    del fields["operator"]
    return json.dumps(fields, default=lambda value: value.isoformat(), ensure_ascii=False)


@app.command()
def retry(job: Annotated[int, typer.Argument(help="Its id.")], operator: Operator = None) -> int:
    """Let a dead job be tried again, or one that waits at once."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _change(wiring, actor, job, cancel=False))


@app.command()
def cancel(job: Annotated[int, typer.Argument(help="Its id.")], operator: Operator = None) -> int:
    """Let a job that waits be dead."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _change(wiring, actor, job, cancel=True))


async def _change(wiring: Wiring, actor: Actor, key: int, *, cancel: bool) -> int:
    from domain.ids import JobId
    from domain.usecases.manage_jobs import cancel_job, retry_job

    change = cancel_job if cancel else retry_job
    print(_told(await change(JobId(key), actor=actor, begin=wiring.begin, clock=wiring.clock)))
    return DONE
