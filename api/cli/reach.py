"""How a verb of the command line reaches the database, and as which operator it acts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from domain.refusal import BadValue, NotFound
from persistence.away import DatabaseAway

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

CLIENT = "command line"


def run_with(operator: str | None, work: Callable[[Wiring, Actor], Awaitable[int]]) -> int:
    """Run ``work`` on the database of the settings as the operator's own machine; return its exit code.

    ``operator`` is a code; it may be left out where there is one operator. Refuses with: BadValue, NotFound.
    """
    return asyncio.run(_run(operator, work))


async def _run(operator: str | None, work: Callable[[Wiring, Actor], Awaitable[int]]) -> int:
    from api.wiring import opened

    async with opened() as wiring:
        actor = await actor_for(wiring, operator)
        try:
            with wiring.journal.request() as activity:
                return await work(wiring, actor)
        finally:  # what was read and refused here stands in the trail too
            wiring.journal.done(actor, activity, CLIENT)
            with suppress(DatabaseAway):
                await wiring.journal.flush()


async def actor_for(wiring: Wiring, operator: str | None) -> Actor:
    """Return the operator's own actor. Refuses with: BadValue (there are several), NotFound."""
    from domain.access.actor import system

    known = await wiring.directory.operators()
    if not known:
        raise NotFound("there is no operator yet: tollwright operator create, or tollwright serve --demo")
    if operator is None:
        if len(known) > 1:
            codes = ", ".join(one.code for one in known)
            raise BadValue(f"there are several operators: choose one of {codes} by --operator")
        return system(known[0].id, CLIENT, edition=known[0].edition)
    for one in known:
        if one.code == operator:
            return system(one.id, CLIENT, edition=one.edition)
    raise NotFound(f"no operator {operator!r}: there is {', '.join(one.code for one in known)}")


def run_with_all(work: Callable[[Wiring], Awaitable[int]]) -> int:
    """Run ``work`` on the database of the settings, for all operators; return its exit code."""

    async def run() -> int:
        from api.wiring import opened

        async with opened() as wiring:
            return await work(wiring)

    return asyncio.run(run())
