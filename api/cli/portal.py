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
    from domain.access.client import ApiClient

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Make and change portals, where people sign in; see `key list`, `key revoke` too."""


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
        print(json.dumps(_told(made.client) | {"secret": made.secret}, ensure_ascii=False))
        if made.secret is not None:
            complain("keep the secret now: it is stored as a hash and cannot be shown again")
        return DONE

    return run_with(operator, work)


@app.command()
def change(  # noqa: PLR0917  (typer makes options of them)
    client_id: Annotated[str, typer.Argument(help="The portal's client id, as `key list` prints it.")],
    name: Annotated[str | None, typer.Option(help="What it is called from now on.")] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where codes may be sent; again for each, and no others.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Whose pages may call; again for each, and no others.")
    ] = None,
    login_url: Annotated[str | None, typer.Option(help="The page that /oauth/authorize leads to.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Change a portal's name and addresses, and print it.

    Who is signed in stays so. What is left out stays.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.commands import UNCHANGED
        from domain.usecases.change_portal import ChangePortal, change_portal
        from domain.usecases.load_versions import portal_versions

        versions = await portal_versions([client_id], actor=actor, begin=wiring.begin)
        cmd = ChangePortal(
            client_id=client_id,
            version=versions.get(client_id, 1),
            name=UNCHANGED if name is None else name,
            redirect_uris=UNCHANGED if redirect_uri is None else redirect_uri,
            origins=UNCHANGED if origin is None else origin,
            login_url=UNCHANGED if login_url is None else login_url,
        )
        changed = await change_portal(cmd, actor=actor, begin=wiring.begin)
        print(json.dumps(_told(changed), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _told(client: ApiClient) -> dict[str, object]:
    portal = client.portal
    assert portal is not None
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": list(portal.redirect_uris),
        "origins": list(portal.origins),
        "login_url": portal.login_url,
    }
