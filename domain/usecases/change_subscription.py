"""Change how a line is named, and the operator's own fields on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, check_texts, given
from domain.contracts.subscription import Subscription, check
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import SubscriptionId
from domain.ports.unit import Begin
from domain.usecases.assign_numbers import check_version
from domain.usecases.define_fields import checked_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSubscription:
    """A change of what is given, at the version that was read. Fields that are not named stay."""

    subscription: SubscriptionId
    version: int
    label: Change[str] = UNCHANGED
    fields: FieldChanges = ()


@operation(Action.WRITE_CONTRACTS)
async def change_subscription(cmd: ChangeSubscription, *, actor: Actor, begin: Begin) -> Subscription:
    """Change what is given and leave the rest; nothing different changes nothing. An ended line has a name, too.

    Refuses with: NotAllowed, NotFound, Stale, BadValue.
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        before = await unit.subscriptions.claim(cmd.subscription)
        check_version(before, cmd.version)
        fields = await checked_fields(unit, Aggregate.SUBSCRIPTION, cmd.fields, before=before.fields)
        changed = check(replace(before, fields=fields, **given(cmd, "label")))
        if changed == before:
            return before
        kept = await unit.subscriptions.keep(changed)
        names = ["label"] if kept.label != before.label else []
        was, now = dict(before.fields), dict(kept.fields)
        names += sorted(f"fields.{name}" for name in was.keys() | now.keys() if was.get(name) != now.get(name))
        detail = {
            "version": kept.version,
            "changed": names,
            "contract": kept.contract,
            "customer": kept.customer,
        }
        await unit.audit.write("change_subscription", f"subscription:{kept.id}", detail)
    return kept
