"""Keep and list whom the operator owes and writes the invoices for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.ids import ResellerId
from domain.operators import Address
from domain.ports.unit import Begin, Unit
from domain.refusal import Conflict, LimitExceeded, NotFound, WrongState
from domain.selfbilling.supplier import SUPPLIERS_MAX, Supplier, check


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSupplier:
    """A new supplier, or with ``version`` the whole of a changed one, named by his code; see ``Supplier``."""

    code: str
    name: str
    organisation_number: str
    address: Address
    agreed_on: date
    valid_from: date
    valid_to: date | None = None
    vat_id: str | None = None
    trunks: tuple[str, ...] = ()
    reseller: ResellerId | None = None
    currency: str = "SEK"
    vat_percent: Decimal = Decimal(25)
    account: str = "4041"
    terms_days: int = 30
    language: str = "sv"
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    endpoint: str | None = None
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.MANAGE_OPERATOR)
async def put_supplier(cmd: PutSupplier, *, actor: Actor, begin: Begin) -> Supplier:
    """Keep a supplier with the agreement that the operator writes his invoices; documents that were made stay.

    Refuses with: NotAllowed, BadValue, NotFound (supplier to change, reseller), Conflict (code; a trunk or reseller of
    another supplier at the same time), Stale, LimitExceeded, WrongState (commissions of the reseller before are owed).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        await unit.self_billing.hold()
        there = {one.code: one for one in await unit.self_billing.suppliers()}
        if known is not None:
            return next(one for one in there.values() if one.id == known)
        same = {
            name: getattr(cmd, name)
            for name in PutSupplier.__dataclass_fields__
            if name not in {"version", "idempotency_key"}
        }
        made = check(Supplier(operator=actor.operator, **same))
        if cmd.version is not None:
            if cmd.code not in there:
                raise NotFound("no supplier {code}", code=cmd.code, field="code")
            made = replace(made, id=there[cmd.code].id, version=cmd.version)
            await _nothing_left(unit, there[cmd.code], made)
        elif len(there) >= SUPPLIERS_MAX:
            raise LimitExceeded("there are at most {most} suppliers", most=SUPPLIERS_MAX, field="code")
        for other in there.values():
            if other.code != made.code:
                _apart(made, other)
        kept = await unit.self_billing.put(made)
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("put_supplier", f"supplier:{kept.id}", {"version": kept.version, "code": kept.code})
    return kept


@operation(Action.READ_COSTS)
async def list_suppliers(*, actor: Actor, begin: Begin) -> Sequence[Supplier]:
    """Return the suppliers whose invoices the operator writes, by code. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.self_billing.suppliers()


async def _nothing_left(unit: Unit, before: Supplier, after: Supplier) -> None:
    """Look that commissions of a reseller who is replaced are all written. Refuses with: WrongState."""
    if before.reseller in {None, after.reseller}:
        return
    left = await unit.self_billing.commissions(before, since=before.valid_from, until=before.valid_to or date.max)
    if left:
        raise WrongState(
            "commissions of the reseller before, from {day} on, stand on no document yet: write them first",
            day=left[0].period.start,
            field="reseller",
        )


def _apart(one: Supplier, other: Supplier) -> None:
    """Check that two agreements do not owe the same twice. Refuses with: Conflict."""
    later, earlier = (one, other) if one.valid_from >= other.valid_from else (other, one)
    if earlier.valid_to is not None and earlier.valid_to <= later.valid_from:
        return
    shared = sorted(set(one.trunks) & set(other.trunks))
    if shared:
        raise Conflict(
            "trunk {trunk} is supplier {code}'s at that time", trunk=shared[0], code=other.code, field="trunks"
        )
    if one.reseller is not None and one.reseller == other.reseller:
        raise Conflict("that reseller is supplier {code} at that time", code=other.code, field="reseller")
