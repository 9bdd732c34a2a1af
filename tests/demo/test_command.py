"""``tollwright demo files``: everything needed to try the other verbs by hand."""

import json

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
    assert captured.err.splitlines() == ["tollwright: customers: the demo has 10 to 100000 customers"]
