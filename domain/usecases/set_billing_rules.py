"""Say what invoices follow: the smallest that is sent, those of nothing, events without a price, and their form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.invoicing.billing_rules import RULES_MAX, USUAL, BillForm, BillingRules, Unpriced, check
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBillingRules:
    """The rules of a group of customers, or (``group`` empty) of everybody in no such group, as a whole.

    ``version``: that of the rules as they were read, 0 where there were none.
    """

    group: str = ""
    minimum: Decimal = Decimal(0)
    carry_months: int = 3
    zero_invoices: bool = False
    unpriced: Unpriced = Unpriced.PARK
    form: BillForm = BillForm.INVOICE
    version: int = 0


@operation(Action.MANAGE_OPERATOR)
async def set_billing_rules(cmd: SetBillingRules, *, actor: Actor, begin: Begin) -> BillingRules:
    """Set what invoices follow, of everybody or of a group; the next run goes by it.

    Refuses with: NotAllowed, BadValue, Stale, WrongState (who makes them changes, and a bill run is unfinished).
    """
    check_texts(cmd)
    rules = check(BillingRules(**{name: getattr(cmd, name) for name in SetBillingRules.__dataclass_fields__}))
    async with begin(actor) as unit:
        if cmd.version == 0 and len(await unit.billing_rules.every()) >= RULES_MAX:
            raise BadValue("there are at most {most} groups with rules of their own", most=RULES_MAX, field="group")
        await _between_runs(unit, rules.group, rules.form)
        kept = await unit.billing_rules.put(rules)
        detail = {"group": kept.group, "version": kept.version, "minimum": f"{kept.minimum:f}", "form": kept.form.value}
        await unit.audit.write("set_billing_rules", f"operator:{actor.operator}", detail)
    return kept


@operation(Action.MANAGE_OPERATOR)
async def drop_billing_rules(group: str, version: int, *, actor: Actor, begin: Begin) -> None:
    """Let a group follow the rules of everybody again. Refuses with: NotAllowed, NotFound, Stale, WrongState."""
    async with begin(actor) as unit:
        await _between_runs(unit, group, None)
        await unit.billing_rules.drop(group, version)
        await unit.audit.write("drop_billing_rules", f"operator:{actor.operator}", {"group": group, "version": version})


@operation(any_of=(Action.RUN_BILLS, Action.MANAGE_OPERATOR))
async def list_billing_rules(*, actor: Actor, begin: Begin) -> Sequence[BillingRules]:
    """Return what invoices follow, by group, everybody's first. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        found = list(await unit.billing_rules.every())
    return found if found and found[0].group == "" else [BillingRules(), *found]


async def _between_runs(unit: Unit, group: str, form: BillForm | None) -> None:
    """Look that no run is unfinished where another system is to make the invoices from now on, or no longer.

    What a run has added up hangs on that. ``form`` None: that of everybody. Refuses with: WrongState.
    """
    forms = {one.group: one.form for one in await unit.billing_rules.every()}
    usual = forms.get("", USUAL.form) if group else USUAL.form
    if forms.get(group, usual) is (usual if form is None else form):
        return
    if (run := await unit.bill_runs.unfinished()) is not None:
        raise WrongState(
            "bill run {id} of {period} is not finished; run the same again to continue it, or abandon it",
            id=run.id,
            period=run.period,
            field="form",
        )
