"""Changing the master key: a new one is put beside the old, every secret is sealed anew, the old one is forgotten."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from api import settings as installation
from api.cli import ATTENTION, DONE
from api.wiring import opened
from domain.refusal import BadValue, WrongState
from persistence.engine import OWNER, Database
from persistence.sealing import Resealed, reseal
from persistence.vault import KEY_BYTES, SealedVault, key_id, write_keys

MARGIN_SECONDS: Final = 5.0  # beyond the time that a request may take
UNLIMITED_SECONDS: Final = 60.0  # where requests may take as long as they like
PATIENCE_SECONDS: Final = 120.0  # for a transaction that is older than the new key
LOOK_SECONDS: Final = 0.5
_OTHERS: Final = """select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend'"""
_OLDER: Final = f"{_OTHERS} and xact_start < now() - $1::interval"


async def rotate(*, forget_old: bool, reseal_only: bool) -> int:
    """Rotate and print what was done. Refuses with: BadValue, WrongState (a secret that no key opens)."""
    settings = installation.read()
    async with opened(settings) as wiring:
        assert wiring.database is not None
        vault = wiring.vault
        assert isinstance(vault, SealedVault)
        given = settings.master_key is not None
        if forget_old and given:
            raise BadValue("the keys come from the setting: take the old one out of it", field="--forget-old")
        path = settings.data_dir / "master.key"
        alone = await _others(wiring.database) == 0
        if not given and not reseal_only:
            # Behind a crash both are there: what the one or the other sealed is opened by either.
            write_keys(path, (secrets.token_bytes(KEY_BYTES), *vault.keys()))
            vault.forget()
        done = await _anew(wiring.database, vault)
        if forget_old and not alone:
            # Whoever had sealed something just before the new key was there has written it by then.
            await _settled(wiring.database, path, settings.request_seconds)
            last = await _anew(wiring.database, vault)
            sealed = {name: done.done.get(name, 0) + last.done.get(name, 0) for name in {**done.done, **last.done}}
            done = Resealed(sealed, done.already, last.lost)
        if done.lost and forget_old:
            raise WrongState("no key opens {lost}: the keys before are kept", lost="; ".join(done.lost[:5]))
        if forget_old:
            write_keys(path, vault.keys()[:1])
        told = {
            "key": key_id(vault.keys()[0]).hex(),
            "keys": 1 if forget_old else len(vault.keys()),
            "sealed": dict(done.done),
            "already": done.already,
            "lost": list(done.lost),
        }
        print(json.dumps(told, ensure_ascii=False))  # noqa: T201  (a command's answer)
        return ATTENTION if done.lost else DONE


async def _anew(database: Database, vault: SealedVault) -> Resealed:
    return await reseal(database, vault, progress=lambda count: print(count, "sealed anew", file=sys.stderr))  # noqa: T201  (a command's answer)


async def _others(database: Database) -> int:
    """Return how many connections others have to the database: servers, workers, commands."""
    async with database.transaction(role=OWNER, readonly=True) as unit:
        return int(await unit.connection.fetchval(_OTHERS))


async def _settled(database: Database, path: Path, request_seconds: int) -> None:
    """Wait until nothing is left of what was sealed with the key before: its request is over, and its transaction.

    A vault looks at the file whenever it seals, so that the new key seals from the moment that it is there.
    Refuses with: WrongState (a transaction that is older goes on and on).
    """
    longest = (float(request_seconds) or UNLIMITED_SECONDS) + MARGIN_SECONDS
    if (left := longest - _age(path)) > 0:
        print(f"waiting {left:.0f} s for what others seal at this moment", file=sys.stderr)  # noqa: T201  (a command's answer)
        await asyncio.sleep(left)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        age = timedelta(seconds=_age(path))
        async with database.transaction(role=OWNER, readonly=True) as unit:
            if not await unit.connection.fetchval(_OLDER, age):
                return
        if time.monotonic() > until:
            raise WrongState(
                "a transaction that is older than the new master key goes on: end it, then run key rotate-master"
                " --reseal-only --forget-old"
            )
        await asyncio.sleep(LOOK_SECONDS)


def _age(path: Path) -> float:
    """Return how many seconds ago the keys were written."""
    return time.time() - path.stat().st_mtime
