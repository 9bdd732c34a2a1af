"""See and set what an operator says of his VAT."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.invoicing.tax_rules import TaxRules, check
from domain.ports.unit import Begin


@operation(Action.READ_INVOICES)
async def get_tax_rules(*, actor: Actor, begin: Begin) -> TaxRules:
    """Return the operator's rules of VAT. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.taxes.rules()


@operation(Action.MANAGE_OPERATOR)
async def set_tax_rules(rules: TaxRules, *, actor: Actor, begin: Begin) -> TaxRules:
    """Set the operator's rules of VAT, at the version that was read; documents issued from now on follow them.

    Refuses with: NotAllowed, BadValue, Stale.
    """
    check_texts(rules)
    async with begin(actor) as unit:
        kept = await unit.taxes.put(check(rules))
        await unit.audit.write("set_tax_rules", f"operator:{actor.operator}", {"version": kept.version})
    return kept
