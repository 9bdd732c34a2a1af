"""Make a draft of the catalogue, or edit the open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.draft import NAME_MAX, Draft, read_changes, read_places
from domain.commands import check_texts
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDraft:
    """Changes in the form of a tariff document, by part and name; null: it will be gone.

    ``withdraw``: places such as ``price_lists.gold`` that the draft leaves alone from now on. ``version``: the one that
    was read; None: whatever it is.
    """

    name: str
    changes: Mapping[str, object] = field(default_factory=dict)
    withdraw: tuple[str, ...] = ()
    version: int | None = None


@operation(Action.WRITE_PRICES)
async def put_draft(cmd: PutDraft, *, actor: Actor, begin: Begin, clock: Clock) -> Draft:
    """Lay changes over those of the open draft of this name, made now where there is none, and return it.

    What stands inside may still be wrong: validating says what. Nobody is rated by a draft.
    Refuses with: NotAllowed, BadValue (a part that is none; not of the form of a draft), Stale.
    """
    if not cmd.name.strip() or len(cmd.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    changes, withdraw = read_changes(cmd.changes), read_places(cmd.withdraw)
    check_texts(cmd)
    async with begin(actor) as unit:
        draft = await unit.drafts.open(cmd.name)
        if cmd.version is not None and (draft is None or draft.version != cmd.version):
            raise Stale("the draft was edited since it was read; read it again", field="version")
        if draft is None:
            draft = await unit.drafts.add(cmd.name, at=clock.now())
        kept = await unit.drafts.put(draft, changes, withdraw=withdraw, at=clock.now())
        detail = {"version": kept.version, "put": sum(map(len, changes.values())), "withdrawn": len(withdraw)}
        await unit.audit.write("put_draft", f"draft:{kept.name}", detail)
    return kept
