"""Set how often an operator's account, or one of his clients, may ask; in place of the installation's own limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.access.rate import RateLimit
from domain.ports.unit import Begin
from domain.refusal import NotAllowed


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRateLimit:
    """``client`` empty: of the account as a whole. ``version`` 0: there is none yet."""

    client: str = ""
    per_second: float
    burst: int
    version: int = 0


@operation(Action.MANAGE_CLIENTS)
async def set_rate_limit(cmd: SetRateLimit, *, actor: Actor, begin: Begin) -> RateLimit:
    """Set a limit; it holds within half a minute in every process.

    Refuses with: NotAllowed, BadValue, NotFound (client), Stale.
    """
    _check_operators(actor)
    limit = RateLimit(
        operator=actor.operator, client=cmd.client, per_second=cmd.per_second, burst=cmd.burst, version=cmd.version
    )
    async with begin(actor) as unit:
        if cmd.client:
            await unit.clients.claim(cmd.client)
        kept = await unit.rate_limits.keep(limit)
        detail = {"perSecond": kept.per_second, "burst": kept.burst, "version": kept.version}
        await unit.audit.write("set_rate_limit", f"rate_limit:{kept.client or 'account'}", detail)
    return kept


@operation(Action.MANAGE_CLIENTS)
async def remove_rate_limit(client: str, version: int, *, actor: Actor, begin: Begin) -> RateLimit:
    """Take a limit away: the installation's own holds again. Refuses with: NotAllowed, NotFound, Stale."""
    _check_operators(actor)
    async with begin(actor) as unit:
        gone = await unit.rate_limits.remove(client, version=version)
        await unit.audit.write("remove_rate_limit", f"rate_limit:{client or 'account'}", {"version": version})
    return gone


@operation(Action.MANAGE_CLIENTS)
async def list_rate_limits(*, actor: Actor, begin: Begin) -> Sequence[RateLimit]:
    """List what was set. Refuses with: NotAllowed."""
    _check_operators(actor)
    async with begin(actor) as unit:
        return await unit.rate_limits.all()


def _check_operators(actor: Actor) -> None:
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself looks after limits of rates")
