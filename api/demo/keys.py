"""The demo's API clients: made once, their secrets kept in the data directory for its owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from api.wiring import Wiring
from domain.access.actor import OPERATOR_ONLY, Action, Actor
from domain.demo.operator import RESELLER
from domain.ids import ResellerId
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.list_clients import list_clients
from domain.usecases.list_resellers import list_resellers
from domain.usecases.revoke_client import revoke_client

OPERATOR_NAME, RESELLER_NAME = "Demo: operator", "Demo: reseller"


@dataclass(frozen=True, slots=True)
class Key:
    """A client's id and its secret."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The operator's own client, and the reseller's."""

    operator: Key
    reseller: Key


def read_keys(path: Path) -> Keys | None:
    """Return the kept keys; None where there are none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Keys(Key(**kept["operator"]), Key(**kept["reseller"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def ensure_keys(path: Path, wiring: Wiring, actor: Actor) -> Keys:
    """Return keys that are good: the kept ones, or new ones in place of those whose secrets are lost."""
    kept = read_keys(path)
    clients = await list_clients(actor=actor, begin=wiring.begin)
    good = {client.client_id for client in clients if client.revoked_at is None}
    if kept is not None and {kept.operator.client_id, kept.reseller.client_id} <= good:
        return kept
    for client in clients:
        if client.name in {OPERATOR_NAME, RESELLER_NAME} and client.client_id in good:
            await revoke_client(client.client_id, actor=actor, begin=wiring.begin, clock=wiring.clock)
    resellers = await list_resellers(actor=actor, begin=wiring.begin)
    reseller = next(one.id for one in resellers if one.code == RESELLER)
    everything = frozenset(one for one in Action if actor.may(one))  # what the operator's edition has
    keys = Keys(
        await _create(OPERATOR_NAME, everything, None, wiring, actor),
        await _create(RESELLER_NAME, everything - OPERATOR_ONLY, reseller, wiring, actor),
    )
    _write(path, keys)
    return keys


async def _create(
    name: str, scopes: frozenset[Action], reseller: ResellerId | None, wiring: Wiring, actor: Actor
) -> Key:
    """Create one client with a random secret."""
    new = await create_client(
        CreateClient(name=name, scopes=scopes, reseller=reseller),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        draw=secrets.token_urlsafe,
    )
    return Key(new.client.client_id, new.secret)


def _write(path: Path, keys: Keys) -> None:
    """Keep the keys whole or not at all, readable by their owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = {
        who: {"client_id": key.client_id, "secret": key.secret}
        for who, key in (("operator", keys.operator), ("reseller", keys.reseller))
    }
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(text, file, indent=1)
    new.replace(path)
