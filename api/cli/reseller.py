"""``tollwright reseller``: what resellers pay for services, and who there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ids import ResellerId, ServiceId
    from domain.resellers.buying import WholesalePrice

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The reseller's code, as `reseller list` prints it.")]
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """List resellers; see and set what they pay for services."""


@app.command(name="list")
def list_them(operator: Operator = None) -> int:
    """Print the resellers as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.list_resellers import list_resellers

        found = await list_resellers(actor=actor, begin=wiring.begin)
        codes = {one.id: one.code for one in found}
        for one in found:
            above = None if one.parent is None else codes.get(one.parent)
            print(json.dumps({"code": one.code, "name": one.name, "parent": above}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def prices(reseller: Code, operator: Operator = None) -> int:
    """Print what was agreed with a reseller, as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.load_batches import services_by_ids
        from domain.usecases.price_wholesale import list_wholesale_prices

        key = await _reseller(wiring, actor, reseller)
        found = await list_wholesale_prices(key, actor=actor, begin=wiring.begin)
        wanted = [one.service for one in found if one.service is not None]
        services = await services_by_ids(wanted, actor=actor, begin=wiring.begin)
        for one in found:
            print(json.dumps(_told(one, {key: service.code for key, service in services.items()}), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def fees(
    reseller: Code,
    on: Annotated[str | None, typer.Option(help="On this day, such as 2026-12-01; left out: today.")] = None,
    operator: Operator = None,
) -> int:
    """Print what a reseller pays for services on a day."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.price_wholesale import list_wholesale_fees

        key, day, after = await _reseller(wiring, actor, reseller), None if on is None else _day(on, "--on"), None
        while True:
            page = await list_wholesale_fees(
                PageRequest(PAGE_MAX, after),
                reseller=key,
                on=day,
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
            )
            for one in page.items:
                told = {"service": one.service.code, "one_time_fee": f"{one.one_time_fee:f}"}
                print(json.dumps(told | {"periodic_fee": f"{one.periodic_fee:f}"}, ensure_ascii=False))
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def price(  # noqa: PLR0917  (typer makes options of them)
    reseller: Code,
    since: Annotated[str, typer.Option("--from", help="From this day on, such as 2026-12-01.")],
    service: Annotated[
        str | None, typer.Option(help="The service's code; left out: all without a price of their own.")
    ] = None,
    percent: Annotated[
        str | None, typer.Option(help="Off what the one he buys from pays; less than 0 is added.")
    ] = None,
    one_time: Annotated[str | None, typer.Option(help="The one-time fee, instead.")] = None,
    periodic: Annotated[str | None, typer.Option(help="The periodic fee, instead.")] = None,
    version: Annotated[int | None, typer.Option(help="Change that day's price, as `prices` printed it.")] = None,
    operator: Operator = None,
) -> int:
    """Let a reseller pay other fees from a day on, and print it.

    Days that are billed are corrected by the next run.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.money import parse
        from domain.usecases.load_batches import services_by_ids
        from domain.usecases.price_wholesale import PutWholesalePrice, put_wholesale_price

        cmd = PutWholesalePrice(
            reseller=await _reseller(wiring, actor, reseller),
            service=None if service is None else await _service(wiring, actor, service),
            valid_from=_day(since, "--from"),
            percent=None if percent is None else parse(percent),
            one_time_fee=None if one_time is None else parse(one_time),
            periodic_fee=None if periodic is None else parse(periodic),
            version=version,
        )
        kept = await put_wholesale_price(cmd, actor=actor, begin=wiring.begin)
        wanted = [] if kept.service is None else [kept.service]
        services = await services_by_ids(wanted, actor=actor, begin=wiring.begin)
        print(json.dumps(_told(kept, {key: one.code for key, one in services.items()}), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


async def _reseller(wiring: Wiring, actor: Actor, code: str) -> ResellerId:
    from domain.usecases.list_resellers import list_resellers

    for one in await list_resellers(actor=actor, begin=wiring.begin):
        if one.code == code:
            return one.id
    raise NotFound("no reseller {code!r}", code=code, field="reseller")


async def _service(wiring: Wiring, actor: Actor, code: str) -> ServiceId:
    async with wiring.begin(actor) as unit:
        found = (await unit.services.by_codes([code])).get(code)
    if found is None:
        raise NotFound("no service {code}", code=code, field="--service")
    return found.id


def _day(text: str, field: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadValue("{text} is not a day such as 2026-12-01", text=text, field=field) from None


def _told(one: WholesalePrice, codes: Mapping[ServiceId, str]) -> dict[str, Any]:
    return {
        "service": None if one.service is None else codes.get(one.service),
        "valid_from": one.valid_from.isoformat(),
        "percent": None if one.percent is None else f"{one.percent:f}",
        "one_time_fee": None if one.one_time_fee is None else f"{one.one_time_fee:f}",
        "periodic_fee": None if one.periodic_fee is None else f"{one.periodic_fee:f}",
        "version": one.version,
    }
