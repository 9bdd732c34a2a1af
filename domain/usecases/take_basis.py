"""Give another system what was priced since the last time, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.editions import Edition
from domain.access.operations import operation
from domain.basis.batch import BasisBatch, BasisLine
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, WrongState
from domain.usecases.bill_elsewhere import invoiced_elsewhere

LINES_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisPage:
    """A batch with some of its lines; ``more`` tells whether any follow the last of them."""

    batch: BasisBatch
    lines: Sequence[BasisLine]
    more: bool


@operation(Action.READ_BASIS)
async def take_basis(*, actor: Actor, begin: Begin, clock: Clock) -> BasisBatch:
    """Return the batch that waits to be acknowledged; where none waits, one of everything rated since the last.

    Asked again before it is acknowledged, the same batch is given. A batch may be empty. In an edition that invoices,
    it holds the usage of those whose billing rules say that another system invoices them, and what bill runs charged
    them beside it. Who has come since the last batch is given everything that no batch and no invoice held.
    While a bill run is not finished, only what runs have charged is given: usage follows when it is.
    Refuses with: NotAllowed, WrongState (there are none).
    """
    async with begin(actor, bulk=True) as unit:
        waiting = await unit.basis.open()
        if waiting is not None:
            return waiting
        operator = await unit.operators.own()
        elsewhere = None
        if operator.edition is not Edition.RATING_ONLY:
            elsewhere = await invoiced_elsewhere(unit)
            if not any(elsewhere.values()) and not await unit.basis_fees.waiting():
                raise WrongState("nobody's invoices are made elsewhere: say so in the billing rules, form basis")
        made = await unit.basis.make(made_at=clock.now(), zone=operator.zone, elsewhere=elsewhere)
        detail = {"version": 1, "after": made.after, "horizon": made.horizon, "lines": made.lines}
        await unit.audit.write("take_basis", f"basis_batch:{made.id}", detail)
    return made


@operation(Action.READ_BASIS)
async def read_basis(key: int, *, first: int = 1000, after: int = 0, actor: Actor, begin: Begin) -> BasisPage:
    """Return lines of a batch behind a position, acknowledged or not. Refuses with: NotAllowed, NotFound, BadValue."""
    if not 1 <= first <= LINES_MAX:
        raise BadValue("between 1 and {most} lines can be asked for at a time", most=LINES_MAX, field="first")
    async with begin(actor) as unit:
        batch = await unit.basis.get(key)
        lines, more = await unit.basis.lines(key, first=first, after=after)
    return BasisPage(batch=batch, lines=lines, more=more)


@operation(Action.READ_BASIS)
async def acknowledge_basis(key: int, *, actor: Actor, begin: Begin, clock: Clock) -> BasisBatch:
    """Say that the other system has a batch for good; said again, nothing changes.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        before = await unit.basis.get(key)
        if before.acknowledged_at is not None:
            return before
        found = await unit.basis.acknowledge(key, at=clock.now())
        detail = {"version": 2, "changed": ["acknowledgedAt"]}
        await unit.audit.write("acknowledge_basis", f"basis_batch:{key}", detail)
    return found
