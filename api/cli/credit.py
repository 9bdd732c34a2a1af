"""``tollwright credit``: what customers may owe and use, what they have used of it, and what is set by hand."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ids import CustomerId

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
CustomerOption = Annotated[str | None, typer.Option(help="A customer's number.")]
LineOption = Annotated[int | None, typer.Option(help="A subscription's id.", min=1)]
KindOption = Annotated[str | None, typer.Option(help="all, international, premium, roaming, data, roaming_data.")]


@app.callback()
def main() -> None:
    """Limit credit, see what is used of it, and override it."""


@app.command()
def show(
    customer: Annotated[str, typer.Argument(help="The customer's number.")], operator: OperatorOption = None
) -> int:
    """Print what a customer and his lines have used.

    Ends with 1 where something is barred for it.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.limit_credit import show_credit

        whose = await _customer(customer, wiring, actor)
        found = await show_credit(whose, actor=actor, begin=wiring.begin, clock=wiring.clock)
        for one in found:
            _print(one)
        return ATTENTION if any(one.bars for one in found) else DONE

    return run_with(operator, work)


@app.command()
def limits(customer: CustomerOption = None, operator: OperatorOption = None) -> int:
    """Print limits as JSON Lines: a customer's, or all."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.limit_credit import list_credit_limits

        whose = None if customer is None else await _customer(customer, wiring, actor)
        after: int | None = None
        while True:
            request = PageRequest(PAGE_MAX, after)
            page = await list_credit_limits(request, actor=actor, begin=wiring.begin, customer=whose)
            for one in page.items:
                _print(one)
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def limit(  # noqa: PLR0917  (options, by name)
    amount: Annotated[str, typer.Argument(help="How much, in the operator's currency; 0: who pays before.")],
    customer: CustomerOption = None,
    subscription: LineOption = None,
    group: Annotated[str | None, typer.Option(help="Each customer of this group.")] = None,
    each_line: Annotated[bool, typer.Option("--each-line", help="Each line, not each customer.")] = False,
    kind: KindOption = None,
    soft: Annotated[bool, typer.Option("--soft", help="Only tell; authorise beyond it.")] = False,
    warn_at: Annotated[list[int] | None, typer.Option(help="Per cent to tell of; again for more.")] = None,
    bar: Annotated[list[str] | None, typer.Option(help="outgoing, premium, roaming, data; again.")] = None,
    bar_nothing: Annotated[bool, typer.Option("--bar-nothing", help="Bar nobody.")] = False,
    grace_amount: Annotated[str, typer.Option(help="Bar only beyond so much more.")] = "0",
    grace_days: Annotated[int, typer.Option(help="Bar only after so many days.", min=0)] = 0,
    mail: Annotated[bool, typer.Option("--mail", help="Tell the customer by e-mail.")] = False,
    sms: Annotated[bool, typer.Option("--sms", help="Tell the customer by text message.")] = False,
    version: Annotated[int | None, typer.Option(help="Of the limit that is changed.", min=1)] = None,
    remove: Annotated[int | None, typer.Option(help="Take away the limit of this id.", min=1)] = None,
    operator: OperatorOption = None,
) -> int:
    """Set a limit and print it.

    With --remove take one away. Without customer, subscription or group it is each customer's of the operator.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.credit.limit import THRESHOLDS
        from domain.ids import CreditLimitId, SubscriptionId
        from domain.provisioning.order import Bar
        from domain.usecases.limit_credit import (
            RemoveCreditLimit,
            SetCreditLimit,
            remove_credit_limit,
            set_credit_limit,
        )

        around: dict[str, Any] = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
        if remove is not None:
            if version is None:
                raise BadValue("say which version is removed", field="version")
            cmd = RemoveCreditLimit(limit=CreditLimitId(remove), version=version)
            _print(await remove_credit_limit(cmd, **around))
            return DONE
        bars = tuple(_word(Bar, one, "bar") for one in bar or ()) if bar or bar_nothing else None
        _print(
            await set_credit_limit(
                SetCreditLimit(
                    amount=_amount(amount, "amount"),
                    kind=_kind(kind or "all"),
                    customer=None if customer is None else await _customer(customer, wiring, actor),
                    subscription=None if subscription is None else SubscriptionId(subscription),
                    group=group,
                    each_line=each_line,
                    hard=not soft,
                    warn_at=tuple(warn_at) if warn_at else THRESHOLDS,
                    bars=bars,
                    grace_amount=_amount(grace_amount, "graceAmount"),
                    grace_days=grace_days,
                    mail=mail,
                    sms=sms,
                    version=version,
                ),
                **around,
            )
        )
        return DONE

    return run_with(operator, work)


@app.command()
def override(  # noqa: PLR0917  (options, by name)
    customer: Annotated[str, typer.Argument(help="The customer's number.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the trail.")],
    amount: Annotated[str | None, typer.Option(help="How much instead; none: no limit.")] = None,
    subscription: LineOption = None,
    kind: KindOption = None,
    until: Annotated[str | None, typer.Option(help="Such as 2026-12-01T00:00:00+01:00.")] = None,
    end: Annotated[int | None, typer.Option(help="End the override of this id.", min=1)] = None,
    operator: OperatorOption = None,
) -> int:
    """Set by hand what holds instead of limits, and print it.

    With --end end one. Without --amount there is no limit, and nobody is barred.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import CreditOverrideId, SubscriptionId
        from domain.usecases.limit_credit import OverrideCredit, end_override, override_credit

        around: dict[str, Any] = {"actor": actor, "begin": wiring.begin, "clock": wiring.clock}
        if end is not None:
            _print(await end_override(CreditOverrideId(end), **around))
            return DONE
        cmd = OverrideCredit(
            customer=await _customer(customer, wiring, actor),
            subscription=None if subscription is None else SubscriptionId(subscription),
            kind=None if kind is None else _kind(kind),
            amount=None if amount is None else _amount(amount, "amount"),
            reason=reason,
            until=_instant(until),
        )
        _print(await override_credit(cmd, **around))
        return DONE

    return run_with(operator, work)


@app.command()
def authorize(
    subscription: Annotated[int, typer.Argument(help="The subscription's id.", min=1)],
    number: Annotated[str, typer.Argument(help="Whom it calls, E.164.")],
    units: Annotated[int | None, typer.Option(help="Seconds, messages or kB wanted.", min=1)] = None,
    mode: Annotated[str, typer.Option(help="voice, sms, mms or data.")] = "voice",
    operator: OperatorOption = None,
) -> int:
    """Print how much a line may use now, as JSON.

    Nothing is kept. Ends with 1 where nothing may be used.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import SubscriptionId
        from domain.usecases.authorise_call import AuthoriseCall, authorise_call

        cmd = AuthoriseCall(subscription=SubscriptionId(subscription), number=number, units=units, mode=mode)
        found = await authorise_call(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
        _print(found)
        return DONE if found.units else ATTENTION

    return run_with(operator, work)


@app.command()
def reservations(customer: CustomerOption = None, operator: OperatorOption = None) -> int:
    """Print what is set aside for calls, as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.reserve_call import list_reservations

        whose = None if customer is None else await _customer(customer, wiring, actor)
        after: int | None = None
        while True:
            page = await list_reservations(
                PageRequest(PAGE_MAX, after), actor=actor, begin=wiring.begin, customer=whose
            )
            for one in page.items:
                _print(one)
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def rules(operator: OperatorOption = None) -> int:
    """Print the rules about unusual usage, as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.watch_usage import list_fraud_rules

        for one in await list_fraud_rules(actor=actor, begin=wiring.begin):
            _print(one)
        return DONE

    return run_with(operator, work)


@app.command()
def rule(  # noqa: PLR0917  (options, by name)
    name: Annotated[str, typer.Argument(help="What the rule is called.")],
    measure: Annotated[str, typer.Option(help="amount, minutes, calls or destination.")],
    most: Annotated[str, typer.Option(help="More than this is unusual.")],
    hours: Annotated[float, typer.Option(help="Within any so many hours.", min=0.1)] = 24.0,
    kind: KindOption = None,
    group: Annotated[str | None, typer.Option(help="Only customers of this group.")] = None,
    bar: Annotated[list[str] | None, typer.Option(help="outgoing, premium, roaming, data; again.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Keep it, and do not look.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Forget it with what it found.")] = False,
    operator: OperatorOption = None,
) -> int:
    """Keep a rule about unusual usage of a line, and print it.

    New, or the one of that name as it is to be.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.credit.fraud import Measure
        from domain.provisioning.order import Bar
        from domain.usecases.watch_usage import PutFraudRule, list_fraud_rules, put_fraud_rule, remove_fraud_rule

        there = {one.name: one for one in await list_fraud_rules(actor=actor, begin=wiring.begin)}.get(name)
        if remove:
            if there is None:
                raise NotFound("no rule {name}", name=name, field="name")
            _print(await remove_fraud_rule(there.id, there.version, actor=actor, begin=wiring.begin))
            return DONE
        cmd = PutFraudRule(
            name=name,
            measure=_word(Measure, measure, "measure"),
            most=_amount(most, "most"),
            window_seconds=round(hours * 3600),
            kind=_kind(kind or "all"),
            group=group,
            bars=tuple(_word(Bar, one, "bar") for one in bar or ()),
            active=not off,
            rule=None if there is None else there.id,
            version=None if there is None else there.version,
        )
        _print(await put_fraud_rule(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


async def _customer(number: str, wiring: Wiring, actor: Actor) -> CustomerId:
    """Refuses with: NotFound."""
    from domain.usecases.get_customer import get_customer

    return (await get_customer(number, actor=actor, begin=wiring.begin)).id


def _print(one: Any) -> None:
    from api.credit_fields import plainly

    print(json.dumps(plainly(one), ensure_ascii=False))


def _kind(text: str) -> Any:
    from domain.credit.kinds import Kind

    return _word(Kind, text, "kind")


def _word(words: Any, text: str, field: str) -> Any:
    try:
        return words(text.lower())
    except ValueError:
        raise BadValue("is one of {words}", words=", ".join(one.value for one in words), field=field) from None


def _amount(text: str, field: str) -> Any:
    from domain.money import parse

    try:
        return parse(text, decimals_max=6)
    except BadValue as no:
        raise BadValue(no.template, field=field, **no.values) from None


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(
            "{value!r} is not an instant such as 2026-03-02T08:00:00Z", value=text[:40], field="until"
        ) from None
