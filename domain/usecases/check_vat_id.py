"""Ask the register whether a customer's VAT id is valid, and keep what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId
from domain.invoicing.tax_rules import VatIdCheck
from domain.ports.taxes import VatRegister
from domain.ports.unit import Begin
from domain.refusal import WrongState


@operation(Action.WRITE_CUSTOMERS)
async def check_vat_id(key: CustomerId, *, actor: Actor, begin: Begin, register: VatRegister) -> VatIdCheck:
    """Ask the register of VAT ids about a customer's, and keep the answer with its time.

    Refuses with: NotAllowed, NotFound, WrongState (no VAT id; the register has no answer now).
    """
    async with begin(actor) as unit:
        customer = await unit.customers.get(key)
        own = (await unit.operators.own()).vat_id
    if not customer.vat_id:
        raise WrongState("customer {number} has no VAT id", number=customer.number, field="customer")
    found = await register.ask(customer.vat_id, own=own)
    async with begin(actor, bulk=False) as unit:
        await unit.taxes.add_check(found)
        detail = {"valid": found.valid, "source": found.source}
        await unit.audit.write("check_vat_id", f"customer:{customer.id}", detail)
    return found


@operation(Action.READ_CUSTOMERS)
async def vat_id_checks(vat_ids: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, VatIdCheck]:
    """Return the last check of each VAT id that was checked. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.taxes.checks(vat_ids)
