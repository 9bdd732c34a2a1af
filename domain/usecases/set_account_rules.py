"""See, make, change and remove the rules of what sales are booked on."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import AccountRuleId
from domain.ledger.accounts import AccountRule, check
from domain.ports.unit import Begin
from domain.refusal import LimitExceeded

RULES_MAX = 2000


@operation(Action.READ_PAYMENTS)
async def list_account_rules(*, actor: Actor, begin: Begin) -> Sequence[AccountRule]:
    """Return the rules of revenue accounts, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.account_rules.every()


@operation(Action.MANAGE_OPERATOR)
async def put_account_rule(rule: AccountRule, *, actor: Actor, begin: Begin) -> AccountRule:
    """Keep a new rule (its ``id`` is 0), or a changed one at the version that was read.

    Documents issued from now on follow it; what is booked stays. Refuses with: NotAllowed, BadValue, NotFound (rule,
    service), Stale, LimitExceeded.
    """
    check_texts(rule)
    async with begin(actor) as unit:
        if rule.id:
            kept = await unit.account_rules.keep(check(rule))
        else:
            if len(await unit.account_rules.every()) >= RULES_MAX:
                raise LimitExceeded("there are at most {most} rules", most=RULES_MAX, field="account")
            kept = await unit.account_rules.add(check(rule))
        await unit.audit.write("put_account_rule", f"account_rule:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.MANAGE_OPERATOR)
async def remove_account_rule(key: AccountRuleId, version: int, *, actor: Actor, begin: Begin) -> None:
    """Let a rule hold no longer, at the version that was read. Refuses with: NotAllowed, NotFound, Stale."""
    async with begin(actor) as unit:
        await unit.account_rules.remove(key, version)
        await unit.audit.write("remove_account_rule", f"account_rule:{key}", {"version": version + 1})
