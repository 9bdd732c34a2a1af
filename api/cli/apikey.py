"""``tollwright apikey``: keys for programs that cannot fetch tokens; told once, kept as a hash, replaced in peace."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from api.cli.key import OperatorOption, read_scopes, resellers, the_reseller
from domain.period import utc
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.access.api_key import ApiKey
    from domain.ids import ResellerId

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

DaysOption = Annotated[int, typer.Option(help="In how many days it ends.", min=1, max=730)]


@app.callback()
def main() -> None:
    """Make, list, replace and revoke API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What uses the key.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; again for each.")],
    days: DaysOption = 365,
    reseller: Annotated[str | None, typer.Option(help="The code of the reseller it acts for.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Make a key and print it.

    Its text is not told again.
    """
    from api.cli.reach import run_with

    scopes = read_scopes(scope, of_reseller=reseller is not None)

    async def work(wiring: Wiring, actor: Actor) -> int:
        import secrets

        from domain.usecases.manage_api_keys import CreateApiKey, create_api_key

        codes = await resellers(wiring, actor)
        cmd = CreateApiKey(
            name=name,
            scopes=frozenset(filter(actor.may, scopes)),
            ends_at=wiring.clock.now() + timedelta(days=days),
            reseller=the_reseller(codes, reseller),
        )
        made = await create_api_key(
            cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, draw=secrets.token_urlsafe
        )
        return _told_once(made.key, made.text, codes)

    return run_with(operator, work)


@app.command(name="list")
def list_all(operator: OperatorOption = None) -> int:
    """Print the keys as JSON Lines, those that have ended too."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PageRequest
        from domain.usecases.manage_api_keys import list_api_keys

        codes, after = await resellers(wiring, actor), None
        while True:
            page = await list_api_keys(PageRequest(1000, after), actor=actor, begin=wiring.begin)
            for one in page.items:
                print(json.dumps(_told(one, codes), ensure_ascii=False))
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def rotate(
    prefix: Annotated[str, typer.Argument(help="The beginning of the key, as `apikey list` prints it.")],
    old_until: Annotated[
        str | None, typer.Option(help="When the old one ends, such as 2026-12-01T00:00:00Z; left out: at once.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="In how many days the new one ends.", min=1, max=730)] = None,
    operator: OperatorOption = None,
) -> int:
    """Make a key that follows another, and print it.

    Both are good until the old one ends.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        import secrets

        from domain.usecases.manage_api_keys import RotateApiKey, find_api_key, rotate_api_key

        found = await find_api_key(prefix, actor=actor, begin=wiring.begin)
        cmd = RotateApiKey(
            key=found.id,
            old_ends_at=None if old_until is None else _when(old_until),
            ends_at=None if days is None else wiring.clock.now() + timedelta(days=days),
        )
        made = await rotate_api_key(
            cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, draw=secrets.token_urlsafe
        )
        return _told_once(made.key, made.text, await resellers(wiring, actor))

    return run_with(operator, work)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The beginning of the key, as `apikey list` prints it.")],
    operator: OperatorOption = None,
) -> int:
    """Shut a key out for good, within seconds."""
    from api.cli.reach import run_with

    def work(wiring: Wiring, actor: Actor) -> Awaitable[int]:
        return _revoke(wiring, actor, prefix)

    return run_with(operator, work)


async def _revoke(wiring: Wiring, actor: Actor, prefix: str) -> int:
    from domain.usecases.manage_api_keys import find_api_key, revoke_api_key

    found = await find_api_key(prefix, actor=actor, begin=wiring.begin)
    revoked = await revoke_api_key(found.id, actor=actor, begin=wiring.begin, clock=wiring.clock)
    print(json.dumps(_told(revoked, await resellers(wiring, actor)), ensure_ascii=False))
    return DONE


def _when(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(f"{text!r} is no time, such as 2026-12-01T00:00:00Z", field="--old-until") from None
    return utc(when, field="--old-until")


def _told_once(key: ApiKey, text: str, codes: dict[ResellerId, str]) -> int:
    print(json.dumps({**_told(key, codes), "key": text}, ensure_ascii=False))
    complain("keep the key now: it is stored as a hash and cannot be shown again")
    return DONE


def _told(key: ApiKey, codes: dict[ResellerId, str]) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "scopes": sorted(scope.value for scope in key.scopes),
        "reseller": None if key.reseller is None else codes.get(key.reseller, str(key.reseller)),
        "created_at": key.created_at.isoformat(),
        "ends_at": key.ends_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
        "last_used_at": None if key.last_used_at is None else key.last_used_at.isoformat(),
    }
