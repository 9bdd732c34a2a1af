"""``tollwright payments waiting``, ``debits``, ``refunds`` and ``take``, as one types them, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.cli import ATTENTION, DONE, WRONG
from tests.api.test_payments import _file
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]


def test_what_waits_is_told_and_files_are_written(tollwright: Callable[..., Told], tmp_path: Path) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    assert tollwright("payments", "waiting") == (DONE, [], "")
    path = tmp_path / "bank.txt"
    path.write_bytes(_file(12_550, "777"))
    assert tollwright("import", "payments", str(path))[0] in {DONE, ATTENTION}
    code, (one,), _ = tollwright("payments", "waiting")
    assert (code, one["state"], one["amount"], one["currency"]) == (ATTENTION, "unallocated", "125.50", "SEK")
    assert (one["reason"], one["may_be_for"]) == ("unknown_reference", [])
    nothing = {"file": None, "debits": 0, "requests": 0, "refunds": 0}
    assert tollwright("payments", "debits", "autogiro")[:2] == (DONE, [nothing])
    assert tollwright("payments", "refunds")[:2] == (DONE, [nothing])
    code, _, told = tollwright("payments", "debits", "cheque")
    assert (code, "autogiro" in told) == (WRONG, True)
    assert tollwright("payments", "take", "99", "--out", str(tmp_path))[0] == WRONG
