"""``--help`` of every verb: each command of a group is told in one line that is whole."""

import pytest

from api.cli import DONE, VERBS, run


@pytest.mark.parametrize("verb", VERBS)
def test_no_line_of_help_is_cut(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([verb, "--help"]) == DONE
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert [line for line in commands if line.endswith("...")] == []
