"""Reads the audit trail of a world's first operator, wherever it is kept."""

from __future__ import annotations

from persistence.engine import OWNER, Database
from persistence.memory import MemoryDatabase
from tests.stores.worlds import World


async def trail(world: World) -> list[tuple[str, str, str]]:
    """(client, action, target) in order."""
    operator = world.operator.operator
    if isinstance(world.database, MemoryDatabase):
        lines = world.database.state.tables["audit"].values()
        return [(one.actor.client, one.action, one.target) for one in lines if one.operator == operator]
    assert isinstance(world.database, Database)
    async with world.database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch(
            "select client, action, target from audit where operator = $1 order by id", operator
        )
    return [tuple(row) for row in rows]
