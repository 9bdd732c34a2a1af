from __future__ import annotations

import json

import pytest

from api.cli import run
from integrations.einvoice.peppol import encode
from tests.invoicing.made import issued


def test_a_good_document_ends_with_0(tmp_path, capsys):
    file = tmp_path / "good.xml"
    file.write_bytes(encode(issued()))
    assert run(["einvoice", "check", "--allow-missing-rules", str(file)]) == 0
    assert capsys.readouterr().out == ""


def test_each_failure_is_printed_with_rule_and_place(tmp_path, capsys):
    file = tmp_path / "bad.xml"
    file.write_bytes(encode(issued()).replace(b">199</cbc:PriceAmount", b">198</cbc:PriceAmount"))
    assert run(["einvoice", "check", "--allow-missing-rules", str(file)]) == 1
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["rule"] == "PEPPOL-EN16931-R120"
    assert row["place"].endswith("InvoiceLine[1]")


def test_missing_rules_need_attention(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TOLLWRIGHT_EINVOICE_RULES", raising=False)
    file = tmp_path / "good.xml"
    file.write_bytes(encode(issued()))
    assert run(["einvoice", "check", str(file)]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["rule"] == "rules_missing"
    assert "no rule broken" in captured.err


@pytest.mark.shared
def test_the_configured_rules_are_used(tmp_path, capsys, shared, monkeypatch):
    monkeypatch.setenv("TOLLWRIGHT_EINVOICE_RULES", str(shared / "data" / "einvoice" / "rules"))
    file = tmp_path / "good.xml"
    file.write_bytes(encode(issued()))
    assert run(["einvoice", "check", str(file)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"not xml", b"", b"<a/>", b"<!DOCTYPE a><a/>", None])
def test_what_cannot_be_read_ends_with_2_and_one_line(tmp_path, capsys, content):
    file = tmp_path / "x.xml"
    if content is not None:
        file.write_bytes(content)
    assert run(["einvoice", "check", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "x.xml" in captured.err


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path, capsys):
    (tmp_path / "a.xml").write_bytes(b"not xml")
    (tmp_path / "b.xml").write_bytes(encode(issued()).replace(b">325.00<", b">326.00<"))
    names = [str(tmp_path / name) for name in ("missing.xml", "a.xml", "b.xml")]
    assert run(["einvoice", "check", "--allow-missing-rules", *names]) == 2
    captured = capsys.readouterr()
    assert [line.split(":")[1].strip().rpartition("/")[2] for line in captured.err.splitlines()[:2]] == [
        "missing.xml", "a.xml",
    ]  # fmt: skip
    assert '"rule": "BR-CO-16"' in captured.out
