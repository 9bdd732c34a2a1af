"""The wiring: what it opens, and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import in_memory, on_database, opened
from domain.access.actor import Action, system
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.create_operator import create_operator
from domain.usecases.create_reseller import CreateReseller, create_reseller
from persistence.away import DatabaseAway
from persistence.engine import Database
from tests.stores.worlds import operator


async def test_a_database_that_is_not_of_this_release_is_named(empty_database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=empty_database_url)
    with pytest.raises(DatabaseAway, match="tollwright db migrate"):
        async with opened(settings):
            pass
    async with opened(settings, migrating=True) as wiring:
        assert not await wiring.directory.operators()
    async with opened(settings) as wiring:
        assert not await wiring.directory.operators()


@pytest.mark.parametrize("where", ["memory", "postgresql"])
async def test_what_was_created_is_known_to_the_directory_and_to_authentication(
    stores_database: Database, tmp_path: Path, where: str
) -> None:
    settings = Settings(data_dir=tmp_path)
    wiring = in_memory(settings) if where == "memory" else on_database(stores_database, settings)
    made = await create_operator(operator(f"wired-{where}"), begin=wiring.begin)
    assert made in await wiring.directory.operators()
    boss = system(made.id)
    top = await create_reseller(CreateReseller(code="top", name="Top"), actor=boss, begin=wiring.begin)
    cmd = CreateReseller(code="below", name="Below", parent=top.id)
    below = await create_reseller(cmd, actor=boss, begin=wiring.begin)
    client = CreateClient(
        name="ERP", scopes=frozenset({Action.READ_USAGE}), reseller=top.id, client_id=f"wired-{where}"
    )
    new = await create_client(client, actor=boss, begin=wiring.begin, clock=wiring.clock, draw=lambda size: "s" * size)
    known = await wiring.credentials.find(f"wired-{where}")
    assert known is not None
    assert known.resellers == (top.id, below.id)
    assert known.client.knows(new.secret)
    assert known.client == replace(new.client, created_at=known.client.created_at)
    assert await wiring.credentials.find("nobody") is None
