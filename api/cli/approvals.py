"""``tollwright approvals``: what waits for a second person, and what needs one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.access.approval import Approval, ApprovalRules

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

TOLD: Final = (
    *("id", "kind", "operation", "command", "amount", "currency", "asker", "asked_at", "expires_at", "decider"),
    *("decided_at", "reason", "fault", "carried_out_at", "version"),
)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[int, typer.Argument(help="The approval's id, as `approvals list` prints it.", min=1)]


@app.callback()
def main() -> None:
    """List and decide what waits for a second person; say what needs one."""


@app.command(name="list")
def list_them(
    state: Annotated[str, typer.Option(help="pending, carried_out, refused, ...; all: any.")] = "pending",
    operator: Operator = None,
) -> int:
    """Print approvals as JSON Lines; ends with 1 where one waits."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.access.approval import ApprovalState
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.decide_approval import list_approvals

        if state != "all" and state not in list(ApprovalState):
            raise BadValue(f"one of {', '.join(ApprovalState)} or all, not {state!r}", field="--state")
        wanted = None if state == "all" else ApprovalState(state)
        waiting, after = False, None
        while True:
            page = await list_approvals(PageRequest(PAGE_MAX, after), state=wanted, actor=actor, begin=wiring.begin)
            for one in page.items:
                now = one.state_at(wiring.clock.now())
                waiting |= now is ApprovalState.PENDING
                print(json.dumps(_told(one, now), ensure_ascii=False))
            if not page.more:
                return ATTENTION if waiting else DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def approve(
    approval: Number,
    reason: Annotated[str, typer.Option(help="What is said of it.")] = "",
    operator: Operator = None,
) -> int:
    """Let it happen: it is done at once, in the name of who asked."""
    return _decide(approval, approve=True, reason=reason, operator=operator)


@app.command()
def refuse(
    approval: Number,
    reason: Annotated[str, typer.Option(help="Why not.")],
    operator: Operator = None,
) -> int:
    """Say no, and why."""
    return _decide(approval, approve=False, reason=reason, operator=operator)


@app.command()
def rules(
    need: Annotated[
        list[str] | None,
        typer.Option(help="prices, credit, credit=1000 (above that), bill_run or payout; all there will be."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Nothing needs a second person.")] = False,
    operator: Operator = None,
) -> int:
    """Print what needs a second person, or set it."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.access.approval import ApprovalKind, ApprovalRule
        from domain.money import parse
        from domain.usecases.decide_approval import SetApprovalRules, get_approval_rules, set_approval_rules

        found = await get_approval_rules(actor=actor, begin=wiring.begin)
        if need or none:
            if need and none:
                raise BadValue("either --need or --none", field="--none")
            wanted = []
            for text in need or ():
                kind, _, above = text.partition("=")
                if kind not in list(ApprovalKind):
                    raise BadValue(f"one of {', '.join(ApprovalKind)}, not {kind!r}", field="--need")
                wanted.append(ApprovalRule(kind=ApprovalKind(kind), above=parse(above) if above else None))
            cmd = SetApprovalRules(rules=tuple(wanted), version=found.version)
            found = await set_approval_rules(cmd, actor=actor, begin=wiring.begin, alone=True)
        print(json.dumps(_rules(found), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _decide(approval: int, *, approve: bool, reason: str, operator: str | None) -> int:
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.carrying import carrier
        from domain.access.approval import ApprovalState
        from domain.ids import ApprovalId
        from domain.usecases.decide_approval import DecideApproval, decide_approval, get_approval

        key = ApprovalId(approval)
        found = await get_approval(key, actor=actor, begin=wiring.begin)
        cmd = DecideApproval(approval=key, version=found.version, approve=approve, reason=reason)
        done = await decide_approval(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, carry=carrier(wiring))
        print(json.dumps(_told(done, done.state), ensure_ascii=False))
        return ATTENTION if done.state is ApprovalState.FAILED else DONE

    return run_with(operator, work)


def _told(one: Approval, state: str) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in TOLD} | {"state": str(state)}
    return {name: value if isinstance(value, int | dict | None) else _text(value) for name, value in values.items()}


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _rules(found: ApprovalRules) -> dict[str, Any]:
    above = {rule.kind.value: None if rule.above is None else str(rule.above) for rule in found.rules}
    return {"version": found.version, "rules": [{"kind": kind, "above": most} for kind, most in above.items()]}
