"""See and change the number series of the operator and of the resellers who sell in their own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor, allow
from domain.access.operations import operation
from domain.commands import camel, check_texts
from domain.ids import ResellerId
from domain.invoicing.series import OF_DOCUMENTS, NumberSeries, ReferenceForm, SeriesKind, check, next_number
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound
from domain.usecases.issue_bills import reference_of, seller_named


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeries:
    """Another prefix, a number to go on from, years, or another form of payment reference.

    ``expected`` is the next number that the caller has read. ``reference_length`` goes with ``reference``.
    """

    kind: SeriesKind
    expected: int
    reseller: ResellerId | None = None
    prefix: str | None = None
    next: int | None = None
    yearly: bool | None = None
    reference: ReferenceForm | None = None
    reference_length: int | None = None


def _may(actor: Actor, reseller: ResellerId | None) -> None:
    """Let the operator's own clients pass, and a reseller's for what is his. Refuses with: NotAllowed, NotFound."""
    if actor.reseller is None:
        allow(actor, Action.MANAGE_OPERATOR, "change_series")
        return
    allow(actor, Action.WRITE_CUSTOMERS, "change_series")
    if not actor.reaches(reseller):
        raise NotFound("no such series, or not yours", field="reseller")


@operation(Action.READ_CUSTOMERS)
async def list_series(*, actor: Actor, begin: Begin) -> Sequence[NumberSeries]:
    """Return the series that the caller may see: all, or those of his part of the tree. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        found = await unit.operators.series()
    return [one for one in found if actor.reaches(one.reseller)]


@operation(any_of=(Action.MANAGE_OPERATOR, Action.WRITE_CUSTOMERS))
async def change_series(cmd: ChangeSeries, *, actor: Actor, begin: Begin) -> NumberSeries:
    """Change a series from its next number on.

    Refuses with: NotAllowed, NotFound (reseller), BadValue (a prefix that is none, a number given already), Stale,
    Conflict (another seller's prefix).
    """
    _may(actor, cmd.reseller)
    check_texts(cmd)
    async with begin(actor) as unit:
        if cmd.reseller is not None:
            if cmd.kind not in {SeriesKind.INVOICE, SeriesKind.CREDIT_NOTE}:
                raise BadValue("resellers have series of invoices and credit notes", field="kind")
            seller = (await unit.resellers.tree()).get(cmd.reseller)
            if seller is None:
                raise NotFound("no reseller {key}", key=cmd.reseller, field="reseller")
            if seller.seller is None:
                raise BadValue("this reseller does not sell in his own name", field="reseller")
        before = await unit.operators.claim_series(cmd.kind, cmd.reseller, expected=cmd.expected)
        after = replace(
            before,
            prefix=before.prefix if cmd.prefix is None else cmd.prefix,
            next=before.next if cmd.next is None else cmd.next,
            yearly=before.yearly if cmd.yearly is None else cmd.yearly,
            reference=before.reference if cmd.reference is None else cmd.reference,
            reference_length=before.reference_length if cmd.reference is None else cmd.reference_length,
        )
        if check(after, before) == before:
            return before
        if after.kind in OF_DOCUMENTS:
            # Otherwise the next run would come to a number that no reference can be made of.
            sells = await seller_named(unit, await unit.operators.own(), after.reseller)
            reference_of(sells, next_number(after), after)
        await unit.operators.keep_series(after)
        names = ("prefix", "next", "yearly", "reference", "reference_length")
        changed = [camel(name) for name in names if getattr(before, name) != getattr(after, name)]
        detail = {"version": after.next, "changed": changed, "prefix": after.prefix, "next": after.next}
        await unit.audit.write("change_series", f"series:{after.name}", detail)
    return after
