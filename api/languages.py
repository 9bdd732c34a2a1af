"""In which language a caller is told: what he asks for, his own setting, what his client accepts, his operator's."""

from __future__ import annotations

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.telling.language import Language, accepted, language


async def told_in(asked: str | None, header: str | None, *, wiring: Wiring, actor: Actor) -> Language:
    """Return the language. ``header``: the request's ``Accept-Language``. Refuses with: BadValue."""
    if asked is not None:
        return language(asked)
    if actor.language is not None:
        return accepted(actor.language)
    async with wiring.begin(actor) as unit:
        own = await unit.operators.own()
    return accepted(header, own.language)
