"""``tollwright alarms``: what somebody should look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.alarms.alarm import Alarm

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

TOLD: Final = (
    *("id", "kind", "subject", "severity", "text", "data", "state", "first_seen", "last_seen", "count"),
    *("acknowledged_by", "closed_by"),
)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[int, typer.Argument(help="The alarm's id, as `alarms list` prints it.", min=1)]


@app.callback()
def main() -> None:
    """List, acknowledge and close alarms."""


@app.command(name="list")
def list_them(
    state: Annotated[str | None, typer.Option(help="open, acknowledged or closed; left out: the first two.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as below_cost.")] = None,
    operator: Operator = None,
) -> int:
    """Print alarms as JSON Lines; ends with 1 where one is open."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.alarms.alarm import AlarmState
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.list_alarms import list_alarms

        if state is not None and state not in list(AlarmState):
            raise BadValue(f"one of {', '.join(AlarmState)}, not {state!r}", field="--state")
        wanted = [AlarmState(state)] if state else [AlarmState.OPEN, AlarmState.ACKNOWLEDGED]
        any_open = False
        for each in wanted:
            after = None
            while True:
                page = await list_alarms(
                    PageRequest(PAGE_MAX, after), state=each, kind=kind, actor=actor, begin=wiring.begin
                )
                for one in page.items:
                    any_open |= one.state is AlarmState.OPEN
                    print(json.dumps(_told(one), ensure_ascii=False))
                if not page.more:
                    break
                after = page.items[-1].id
        return ATTENTION if any_open else DONE

    return run_with(operator, work)


@app.command()
def acknowledge(alarm: Number, operator: Operator = None) -> int:
    """Say that somebody looks at it."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import AlarmId
        from domain.usecases.acknowledge_alarm import acknowledge_alarm

        done = await acknowledge_alarm(AlarmId(alarm), actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps(_told(done), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def close(alarm: Number, operator: Operator = None) -> int:
    """Say that it is dealt with; seen again, it is a new alarm."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import AlarmId
        from domain.usecases.acknowledge_alarm import close_alarm

        done = await close_alarm(AlarmId(alarm), actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps(_told(done), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _told(one: Alarm) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in TOLD}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
