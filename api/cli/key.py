"""``tollwright key``: API clients, which authenticate at ``/oauth/token`` by client id and secret."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from domain.access.actor import OPERATOR_ONLY, Action
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.access.client import ApiClient
    from domain.ids import ResellerId

ALL = "all"

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Create, list and revoke API clients."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the client is, such as the name of a system.")],
    scope: Annotated[
        list[str],
        typer.Option(help=f"What it may do; again for each, or {ALL}. There are: {', '.join(sorted(Action))}."),
    ],
    reseller: Annotated[str | None, typer.Option(help="The code of the reseller it acts for.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Create a client and print it with its secret.

    The secret is not told again.
    """
    from api.cli.reach import run_with

    scopes = read_scopes(scope, of_reseller=reseller is not None)
    every = ALL in " ".join(scope).replace(",", " ").split()

    def work(wiring: Wiring, actor: Actor) -> Awaitable[int]:
        held = frozenset(filter(actor.may, scopes)) if every else scopes  # what is in the operator's edition
        return _create(wiring, actor, name, held, reseller)

    return run_with(operator, work)


@app.command()
def rotate(
    lead: Annotated[int, typer.Option(help="In how many minutes the new key begins to sign.", min=2, max=1440)] = 10,
) -> int:
    """Let a new key sign access tokens.

    The one before is believed until its last token has ended.

    It is published at once, so that every process, and who keeps /oauth/jwks for minutes, knows it before it signs.
    """
    from api.cli.reach import run_with_all

    async def work(wiring: Wiring) -> int:
        from datetime import timedelta

        from api.auth.keyring import follow, retire_before

        now = wiring.clock.now()
        stored = await wiring.credentials.add_key(
            lambda keys: follow(keys, now, timedelta(minutes=lead)), retire_before=retire_before(now)
        )
        for key in stored:
            state = "retired" if key.retired_at else "coming" if key.begins > now else "believed"
            told = {"kid": key.kid, "state": state, "signs_from": key.begins.isoformat()}
            print(json.dumps(told))
        return DONE

    return run_with_all(work)


@app.command(name="rotate-master")
def rotate_master(
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="Then take the keys before out of data_dir/master.key.")
    ] = False,
    reseal_only: Annotated[
        bool, typer.Option("--reseal-only", help="Make no new key: go on with the newest there is.")
    ] = False,
) -> int:
    """Make a new master key and seal everything with it.

    Servers go on meanwhile: both keys open. Broken off, it goes on with --reseal-only. Ends with 1 where a secret could
    not be opened by any key. Where master_key is set, put the new key first in it yourself, restart, and run this.
    """
    import asyncio

    from api.masterkey import rotate

    return asyncio.run(rotate(forget_old=forget_old, reseal_only=reseal_only))


@app.command(name="list")
def list_all(operator: OperatorOption = None) -> int:
    """Print the clients as JSON Lines, revoked ones too."""
    from api.cli.reach import run_with

    return run_with(operator, _list)


@app.command()
def revoke(
    client_id: Annotated[str, typer.Argument(help="The client id, as `key list` prints it.")],
    operator: OperatorOption = None,
) -> int:
    """Shut a client out for good.

    Its tokens are refused within seconds.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _revoke(wiring, actor, client_id))


async def _create(wiring: Wiring, actor: Actor, name: str, scopes: frozenset[Action], reseller: str | None) -> int:
    import secrets

    from domain.usecases.create_client import CreateClient, create_client

    codes = await resellers(wiring, actor)
    cmd = CreateClient(name=name, scopes=scopes, reseller=the_reseller(codes, reseller))
    made = await create_client(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, draw=secrets.token_urlsafe)
    print(json.dumps({**_told(made.client, codes), "secret": made.secret}, ensure_ascii=False))
    complain("keep the secret now: it is stored as a hash and cannot be shown again")
    return DONE


async def _list(wiring: Wiring, actor: Actor) -> int:
    from domain.usecases.list_clients import list_clients

    codes = await resellers(wiring, actor)
    for client in await list_clients(actor=actor, begin=wiring.begin):
        print(json.dumps(_told(client, codes), ensure_ascii=False))
    return DONE


async def _revoke(wiring: Wiring, actor: Actor, client_id: str) -> int:
    from domain.usecases.revoke_client import revoke_client

    revoked = await revoke_client(client_id, actor=actor, begin=wiring.begin, clock=wiring.clock)
    print(json.dumps(_told(revoked, await resellers(wiring, actor)), ensure_ascii=False))
    return DONE


async def resellers(wiring: Wiring, actor: Actor) -> dict[ResellerId, str]:
    """Return the resellers' codes."""
    from domain.usecases.list_resellers import list_resellers

    return {one.id: one.code for one in await list_resellers(actor=actor, begin=wiring.begin)}


def the_reseller(codes: Mapping[ResellerId, str], code: str | None) -> ResellerId | None:
    """Return the reseller of a code; None for none. Refuses with: NotFound."""
    if code is None:
        return None
    for key, known in codes.items():
        if known == code:
            return key
    raise NotFound(f"no reseller {code!r}", field="--reseller")


def read_scopes(texts: list[str], *, of_reseller: bool) -> frozenset[Action]:
    """Read scopes, each given alone or several with spaces or commas between. Refuses with: BadValue."""
    words = [word for text in texts for word in text.replace(",", " ").split()]
    if ALL in words:
        return frozenset(Action) - (OPERATOR_ONLY if of_reseller else frozenset())
    known = {action.value: action for action in Action}
    for word in words:
        if word not in known:
            raise BadValue(f"no scope {word!r}; there are {', '.join(sorted(known))}", field="--scope")
    return frozenset(known[word] for word in words)


def _told(client: ApiClient, codes: Mapping[ResellerId, str]) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "scopes": sorted(scope.value for scope in client.scopes),
        "reseller": None if client.reseller is None else codes.get(client.reseller, str(client.reseller)),
        "created_at": client.created_at.isoformat(),
        "revoked_at": None if client.revoked_at is None else client.revoked_at.isoformat(),
    }
