"""``tollwright approvals``, as one types it, on a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.cli import ATTENTION, DONE, WRONG
from api.wiring import SystemClock
from domain.access.actor import system
from domain.access.approval import NeedsApproval
from domain.ids import OperatorId
from domain.ports.unit import Begin
from domain.usecases.publish_draft import PublishDraft, publish_draft
from domain.usecases.put_draft import PutDraft, put_draft
from persistence.engine import Database
from persistence.units import StoredUnits
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]

CHANGES = {"price_lists": {"plain": {"currency": "SEK", "rates": []}}}


async def ask(url: str) -> int:
    """Let a client ask for what needs a second person, and return the approval's id."""
    erp, clock = system(OperatorId(1), "erp"), SystemClock()
    async with await Database.open(url) as database:
        begin: Begin = StoredUnits(database)
        await put_draft(PutDraft(name="spring", changes=CHANGES), actor=erp, begin=begin, clock=clock)
        try:
            await publish_draft(PublishDraft(name="spring"), actor=erp, begin=begin, clock=clock)
        except NeedsApproval as no:
            return int(no.approval)
    raise AssertionError("it was published")


def test_rules_are_set_and_what_waits_is_decided(
    tollwright: Callable[..., Told], database_url: str, tmp_path: Path
) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    assert tollwright("approvals", "rules")[1] == [{"version": 0, "rules": []}]
    code, (told,), _ = tollwright("approvals", "rules", "--need", "prices", "--need", "credit=1000")
    assert (code, told["version"]) == (DONE, 1)
    assert told["rules"] == [{"kind": "credit", "above": "1000"}, {"kind": "prices", "above": None}]
    for wrong in (("--need", "prizes"), ("--need", "credit=dear"), ("--need", "prices", "--none")):
        assert tollwright("approvals", "rules", *wrong)[0] == WRONG
    assert tollwright("approvals", "list") == (DONE, [], "")

    key = asyncio.run(ask(database_url))
    code, (one,), _ = tollwright("approvals", "list")
    assert (code, one["id"], one["state"], one["asker"]) == (ATTENTION, key, "pending", "client:erp")
    assert one["command"]["name"] == "spring"
    assert tollwright("approvals", "list", "--state", "lost")[0] == WRONG
    code, (done,), _ = tollwright("approvals", "approve", str(key))
    assert (code, done["state"]) == (DONE, "carried_out")
    assert tollwright("approvals", "approve", str(key))[0] == WRONG
    assert tollwright("approvals", "list", "--state", "all")[1][0]["state"] == "carried_out"

    # What the machine itself asks for needs somebody else as well.
    tariff = tmp_path / "tariff.json"
    tariff.write_text(json.dumps(CHANGES))
    code, lines, said = tollwright("import", "tariff", str(tariff))
    assert (code, lines) == (WRONG, [])
    assert "waits for somebody else" in said
    code, waiting, _ = tollwright("approvals", "list")
    own: dict[str, Any] = waiting[0]
    assert tollwright("approvals", "approve", str(own["id"]))[0] == WRONG
    assert tollwright("approvals", "refuse", str(own["id"]), "--reason", "no")[0] == WRONG
    # Only here is a rule taken away.
    assert tollwright("approvals", "rules", "--none")[1] == [{"version": 2, "rules": []}]
