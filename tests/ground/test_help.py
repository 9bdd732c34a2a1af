"""``--help`` of every verb: each command of a group is told in one line that is whole."""

import pytest

from api.cli import DONE, VERBS, WRONG, run


@pytest.mark.parametrize("verb", VERBS)
def test_no_line_of_help_is_cut(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([verb, "--help"]) == DONE
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert [line for line in commands if line.endswith("...")] == []


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bill"]) == WRONG
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("Usage: tollwright bill")
    assert any(line.split()[:1] == ["run"] for line in told)
