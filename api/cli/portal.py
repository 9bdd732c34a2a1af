"""``tollwright portal``: clients through which people sign in, before there is a portal that could make one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE, complain
from api.cli.key import ALL, OperatorOption, read_scopes, resellers, the_reseller

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Make portals, through which people sign in; `key list` and `key revoke` are for them too."""


@app.command()
def create(  # noqa: PLR0917  (typer makes options of them)
    name: Annotated[str, typer.Argument(help="What the portal is called.")],
    redirect_uri: Annotated[list[str], typer.Option(help="Where codes may be sent, letter by letter; again for each.")],
    scope: Annotated[list[str], typer.Option(help=f"The most that anybody can do through it; {ALL}: everything.")],
    origin: Annotated[
        list[str] | None, typer.Option(help="Whose pages may call from a browser, such as https://portal.example.")
    ] = None,
    login_url: Annotated[str | None, typer.Option(help="The page that /oauth/authorize leads to.")] = None,
    secret: Annotated[bool, typer.Option("--secret", help="It is on a server and can keep a secret.")] = False,
    reseller: Annotated[str | None, typer.Option(help="The code of the reseller whose people it is for.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Make a portal and print it."""
    from api.cli.reach import run_with

    scopes = read_scopes(scope, of_reseller=reseller is not None)

    async def work(wiring: Wiring, actor: Actor) -> int:
        import secrets

        from domain.usecases.create_portal import CreatePortal, create_portal

        cmd = CreatePortal(
            name=name,
            scopes=frozenset(filter(actor.may, scopes)),
            redirect_uris=tuple(redirect_uri),
            origins=tuple(origin or ()),
            login_url=login_url,
            public=not secret,
            reseller=the_reseller(await resellers(wiring, actor), reseller),
        )
        made = await create_portal(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, draw=secrets.token_urlsafe)
        portal = made.client.portal
        assert portal is not None
        told = {
            "client_id": made.client.client_id,
            "name": made.client.name,
            "redirect_uris": list(portal.redirect_uris),
            "origins": list(portal.origins),
            "login_url": portal.login_url,
            "secret": made.secret,
        }
        print(json.dumps(told, ensure_ascii=False))
        if made.secret is not None:
            complain("keep the secret now: it is stored as a hash and cannot be shown again")
        return DONE

    return run_with(operator, work)
