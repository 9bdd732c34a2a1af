"""Changing the master key: a new one is put beside the old, every secret is sealed anew, the old one is forgotten."""

from __future__ import annotations

import json
import secrets
import sys

from api import settings as installation
from api.cli import ATTENTION, DONE
from api.wiring import opened
from domain.refusal import BadValue, WrongState
from persistence.sealing import reseal
from persistence.vault import KEY_BYTES, SealedVault, key_id, write_keys


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
        if not given and not reseal_only:
            # Behind a crash both are there: what the one or the other sealed is opened by either.
            write_keys(path, (secrets.token_bytes(KEY_BYTES), *vault.keys()))
            vault.forget()
        done = await reseal(wiring.database, vault, progress=lambda count: print(count, "sealed anew", file=sys.stderr))  # noqa: T201
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
        print(json.dumps(told, ensure_ascii=False))  # noqa: T201
        return ATTENTION if done.lost else DONE
