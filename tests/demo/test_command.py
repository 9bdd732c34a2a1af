"""``tollwright demo files``: everything needed to try the other verbs by hand."""

import json
import re
import shlex
from collections import Counter
from pathlib import Path

from api.cli import run


def test_it_writes_files_profiles_and_the_tariff(tmp_path, capsys):
    target = tmp_path / "made" / "here"
    assert run(["demo", "files", str(target), "--customers", "10", "--calls", "500"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in told:
        assert len((target / line["file"]).read_bytes().splitlines()) == line["records"]
    assert (target / "pbx-sthlm.toml").read_text().startswith('name = "pbx-sthlm"')
    assert "price_lists" in json.loads((target / "tariff.json").read_text())


def test_a_size_that_makes_no_sense_is_one_line_and_exit_two(tmp_path, capsys):
    assert run(["demo", "files", str(tmp_path), "--customers", "3"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["tollwright: --customers: the demo has 10 to 50000 customers"]


def test_where_nothing_can_be_written_is_one_line_and_exit_two(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["demo", "files", str(tmp_path / "file" / "below"), "--customers", "10", "--calls", "100"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"tollwright: {tmp_path}/file/below: Not a directory"


def test_the_readme_s_commands_work_as_they_stand(tmp_path, capsys):
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\.venv/bin/tollwright ((?:demo|mediate|rate) .+)$", readme, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["demo", "mediate", "rate"]
    answers = []
    for command in commands:
        code = run(shlex.split(command.replace("/tmp/demo", str(tmp_path))))
        answers.append((code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]))
    assert [code for code, _ in answers] == [0, 0, 1], "the last one meets a line that nobody has"
    (_, files), (_, events), (_, rated) = answers
    assert len(files) == 93
    assert len(events) == len(rated) > 700
    assert Counter(one.get("unrated") for one in rated) == {None: len(rated) - 1, "no_party": 1}
