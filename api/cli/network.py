"""``tollwright network``: network elements, and a simulated one for demos and tests."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
DOCUMENT_BYTES_MAX = 2 << 20


@app.callback()
def main() -> None:
    """Set up network elements, and simulate one. Secrets go in and are never printed."""


@app.command(name="list")
def list_all(operator: OperatorOption = None) -> int:
    """Print the network elements as JSON Lines."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.element_fields import shown
        from domain.usecases.put_element import list_elements

        for one in await list_elements(actor=actor, begin=wiring.begin):
            print(json.dumps(shown(one), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def put(
    document: Annotated[str, typer.Argument(help="A TOML or JSON file, or - for stdin (docs/provisioning.md).")],
    version: Annotated[int | None, typer.Option(help="Refuse unless it is still this version; 0: unless new.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Set up or change a network element.

    Credentials that are left out stay as they are.
    """
    from api.cli.reach import run_with

    fields = _document(document)
    if version is not None:
        fields["version"] = version
    return run_with(operator, lambda wiring, actor: _put(wiring, actor, fields))


@app.command()
def remove(name: Annotated[str, typer.Argument(help="The element's name.")], operator: OperatorOption = None) -> int:
    """Forget a network element with its secrets.

    Steps that still need it fail.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.put_element import get_element, remove_element

        found = await get_element(name, actor=actor, begin=wiring.begin)
        await remove_element(name, found.version, actor=actor, begin=wiring.begin)
        return DONE

    return run_with(operator, work)


@app.command()
def simulate(  # noqa: PLR0917  (options, by name)
    port: Annotated[int, typer.Option(help="Where it listens, on this machine alone.", min=1, max=65535)] = 8090,
    seed: Annotated[int, typer.Option(help="The same seed and requests, the same behaviour.")] = 1,
    secret: Annotated[
        str | None, typer.Option(help="whsec_…, of its signatures; left out: one is made and printed.")
    ] = None,
    slow: Annotated[float, typer.Option(help="Answers within so many seconds.", min=0, max=60)] = 0.0,
    busy: Annotated[float, typer.Option(help="Share of requests to be sent again.", min=0, max=1)] = 0.0,
    refused: Annotated[float, typer.Option(help="Share that is refused for good.", min=0, max=1)] = 0.0,
    lost: Annotated[float, typer.Option(help="Share whose answer is lost.", min=0, max=1)] = 0.0,
    later: Annotated[float, typer.Option(help="Share that is answered later, by callback.", min=0, max=1)] = 0.0,
    twice: Annotated[float, typer.Option(help="Share of callbacks that come twice.", min=0, max=1)] = 0.0,
    shuffled: Annotated[float, typer.Option(help="Share of callbacks that overtake others.", min=0, max=1)] = 0.0,
) -> int:
    """Be a network element until Ctrl-C.

    By webhook, REST and SOAP; tells on stderr how to set it up.
    """
    import secrets

    from domain.webhooks.signature import KEY_BYTES, read_secret, write_secret
    from integrations.provisioning.simulated import Behaviour

    key = secret or write_secret(secrets.token_bytes(KEY_BYTES))
    read_secret(key)
    behaviour = Behaviour(slow=slow, busy=busy, refused=refused, lost=lost, later=later, twice=twice, shuffled=shuffled)
    return _simulate(port, seed, key, behaviour)


def _simulate(port: int, seed: int, key: str, behaviour: Any) -> int:
    import asyncio

    import uvicorn

    from api.clock import SystemClock
    from api.serving import listen, set_up_logging
    from api.simulated_network import KINDS, Place, SimulatedNetwork
    from integrations.transports.addresses import read_networks
    from integrations.transports.http import CheckedHttp

    set_up_logging("info")
    taken = listen("127.0.0.1", port)
    address = f"http://127.0.0.1:{port}"
    http = CheckedHttp(read_networks("127.0.0.0/8"))
    place = Place(address=address, secret=key)
    network = SimulatedNetwork(behaviour, seed=seed, place=place, http=http, clock=SystemClock())
    complain(f"a simulated network element is at {address}; it signs with {key}")
    for kind in KINDS:
        complain(f"curl -s {address}/elements/{kind}.json | tollwright network put -")
    config = uvicorn.Config(network.app, log_config=None, lifespan="off", access_log=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[taken]))
    return DONE


def _document(path: str) -> dict[str, Any]:
    """Read an element's fields. Refuses with: BadValue."""
    text = sys.stdin.read(DOCUMENT_BYTES_MAX) if path == "-" else Path(path).read_text(encoding="utf-8")
    try:
        fields = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise BadValue("is neither TOML nor JSON: {why}", why=wrong, field=path) from None
    return dict(fields)


async def _put(wiring: Wiring, actor: Actor, fields: dict[str, Any]) -> int:
    from api.element_fields import command, shown
    from domain.usecases.put_element import get_element, put_element

    if "version" not in fields:
        try:
            fields["version"] = (
                await get_element(str(fields.get("name", "")), actor=actor, begin=wiring.begin)
            ).version
        except NotFound:
            fields["version"] = 0
    kept = await put_element(
        command(fields),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        network=wiring.network,
        vault=wiring.vault,
    )
    print(json.dumps(shown(kept), ensure_ascii=False))
    return DONE
