"""The verb ``bill`` on a real database."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree
from pypdf import PdfReader

from api.cli import run
from domain.customers.customer import Delivery
from domain.operators import Address
from persistence.engine import Database
from persistence.units import StoredUnits
from tests.invoicing.conftest import make_office


async def seed(url: str) -> str:
    """Make an office with three customers, one of them without an address; return its operator's code."""
    async with await Database.open(url) as database:
        office = await make_office(StoredUnits(database), database)
        _, _, line = await office.customer(
            number="1001", name="=HYPERLINK(1)", delivery=Delivery.PEPPOL, endpoint="0007:5567037485"
        )
        await office.customer(number="1002")
        await office.customer(number="1003", address=Address("", "", "", "SE"))
        await office.use(line, 1_500_000, 690_000)
        async with office.begin(bulk=True) as unit:
            code = (await unit.operators.own()).code
        async with database.transaction(role="owner") as unit:
            await unit.connection.execute("update operator set endpoint = '0007:5560360793', bankgiro = '50501055'")
        return code


@pytest.fixture
def bill(database_url, monkeypatch, capsys, tmp_path):
    """Run ``tollwright bill`` and return its exit code, its lines of JSON, and what it said."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TOLLWRIGHT_EINVOICE_RULES", raising=False)
    code = asyncio.run(seed(database_url))

    def call(*arguments: str):
        exit_code = run(["bill", *arguments, "--operator", code])
        captured = capsys.readouterr()
        return exit_code, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return call


def test_a_month_from_dry_run_to_documents(bill, tmp_path):
    code, rows, said = bill("run", "--period", "2026-10", "--dry-run")
    assert code == 1  # one customer is parked
    assert [row["invoice"] for row in rows if "invoice" in row] == [None, None]
    assert rows[-1]["dry_run"] is True
    assert rows[-1]["run"] is None
    planned = rows[-1]
    code, rows, said = bill("run", "--period", "2026-10", "--issued-on", "2026-11-02")
    assert code == 1
    assert [row["invoice"] for row in rows if "invoice" in row] == ["100001", "100002"]
    (parked,) = [row for row in rows if "parked" in row and "reason" in row]
    assert (parked["parked"], parked["reason"]) == ("1003", "missing_address")
    done = rows[-1]
    assert (done["invoices"], done["net"], done["total"]) == (2, planned["net"], planned["total"])
    assert Decimal(done["net"]) == Decimal("400.19")
    assert "2 invoices" in said
    key = str(done["run"])
    assert [row["run"] for row in bill("list")[1]] == [done["run"]]
    assert bill("parked", "--run", key)[1] == [parked]
    code, rows, _ = bill("run", "--period", "2026-10")
    assert (code, rows[-1]["invoices"], rows[-1]["total"]) == (1, 0, "0")

    code, rows, _ = bill("export", "--run", key, "--format", "pdf", "--out", str(tmp_path / "out"))
    assert code == 0
    texts = ["\n".join(page.extract_text() for page in PdfReader(row["file"]).pages) for row in rows]
    assert [row["invoice"] in text for row, text in zip(rows, texts, strict=True)] == [True, True]
    assert "46701740999" in texts[0]

    code, rows, said = bill("export", "--run", key, "--format", "peppol", "--out", str(tmp_path / "out"))
    assert (code, [row["invoice"] for row in rows]) == (0, ["100001"])
    assert "1 invoices have payers without a Peppol id" in said
    assert run(["einvoice", "check", "--allow-missing-rules", rows[0]["file"]]) == 0

    for form, root in (("ehf", b":Invoice-2"), ("finvoice", b"<Finvoice"), ("oioubl", b"OIOUBL-2.1")):
        (tmp_path / form).mkdir()
        _, rows, _ = bill("export", "--run", key, "--format", form, "--out", str(tmp_path / form))
        written = list((tmp_path / form).iterdir())
        assert len(written) == sum("file" in row for row in rows)
        assert all(root in path.read_bytes() for path in written)
    code, rows, _ = bill("export", "--run", key, "--format", "printhouse", "--out", str(tmp_path / "out"))
    assert code == 0
    assert [Path(row["file"]).suffix for row in rows] == [".pdf", ".xml", ".csv"]
    whole = (tmp_path / "out" / f"run-{key}-printhouse-1.pdf").read_bytes()
    told = etree.fromstring((tmp_path / "out" / f"run-{key}-printhouse-1.xml").read_bytes())
    assert told[0].get("sha256") == hashlib.sha256(whole).hexdigest()
    assert int(told[0].get("documents")) == len(told.findall("{*}document")) == rows[0]["documents"]

    code, rows, _ = bill("export", "--run", key, "--format", "json", "--out", str(tmp_path / "out"))
    documents = [json.loads(line) for line in Path(rows[0]["file"]).read_text(encoding="utf-8").splitlines()]
    assert (code, [each["number"] for each in documents]) == (0, ["100001", "100002"])
    assert sum(Decimal(line["net"]) for each in documents for line in each["lines"]) == Decimal(done["net"])
    assert documents[0]["lines"][1]["amount_micro"] == 2_190_000

    code, rows, _ = bill("export", "--run", key, "--format", "basis", "--out", str(tmp_path / "out"))
    lines = [json.loads(line) for line in Path(rows[0]["file"]).read_text(encoding="utf-8").splitlines()]
    assert (code, rows[0]["lines"]) == (0, len(lines))
    told = [(one["customer_number"], one["kind"], one["amount"], one["invoice"]) for one in lines]
    assert told == [
        ("1001", "periodic", "199.00", "100001"), ("1001", "usage", "2.19", "100001"),
        ("1002", "periodic", "199.00", "100002"),
    ]  # fmt: skip
    code, rows, _ = bill("export", "--run", key, "--format", "sie", "--out", str(tmp_path / "out"))
    vouchers = Path(rows[0]["file"]).read_bytes().decode("cp437")
    assert (code, rows[0]["invoices"], rows[0]["total"]) == (0, 2, done["total"])
    assert f"#TRANS 1510 {{}} {Decimal(done['total']):.2f}" in vouchers
    code, rows, _ = bill("reconcile", "--run", key)
    assert (code, rows[0]["holds"], rows[0]["differences"]) == (0, True, {})
    assert Decimal(rows[0]["total"]) == Decimal(done["total"])

    code, rows, _ = bill("export", "--run", key, "--format", "csv", "--out", str(tmp_path / "out"))
    lines = list(csv.DictReader(io.StringIO(Path(rows[0]["file"]).read_text(encoding="utf-8"))))
    assert code == 0
    assert lines[0]["customer"] == "'=HYPERLINK(1)"
    assert sum(Decimal(line["net"]) for line in lines) == Decimal(done["net"])


def test_one_customer_by_number(bill):
    code, rows, _ = bill("run", "--period", "2026-10-01..2026-11-01", "--customer", "1002")
    assert (code, rows[-1]["invoices"], rows[0]["customer"]) == (0, 1, "1002")


WRONG_CALLS = [
    (("run", "--period", "october"), "is not a month"),
    (("run", "--period", "2026-10-01..2026-09-01"), "must end after it starts"),
    (("run", "--period", "2026-10", "--customer", "nobody"), "no customer has the number"),
    (("run",), "Missing option"),
    (("export", "--run", "1", "--format", "docx"), "choose one of pdf"),
    (("export", "--run", "77", "--format", "pdf"), "no bill run 77"),
    (("parked", "--run", "77"), "no bill run 77"),
]


def test_a_wrong_call_is_one_line_and_ends_with_2(bill, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, said in WRONG_CALLS:
        code, rows, error = bill(*arguments)
        assert (code, rows) == (2, [])
        assert said in error
        assert len(error.splitlines()) == 1


def test_what_is_charged_expected_and_billed_again(bill, tmp_path):
    code, rows, _ = bill("charge", "1002", "--text", "Projekt", "--price", "100", "--starts", "2026-10-05")
    assert (code, rows[0]["customer"], rows[0]["kind"]) == (0, "1002", "manual")
    assert bill("charge", "1002", "--text", "x", "--price", "much")[0] == 2
    target = tmp_path / "expected.pdf"
    code, rows, _ = bill("expect", "1002", "--on", "2026-10-31", "--pdf", str(target))
    assert (code, rows[0]["total"]) == (0, "374.00")
    assert {line["text"] for line in rows[0]["lines"]} == {"Mobile", "Projekt"}
    assert "Projekt" in PdfReader(target).pages[0].extract_text()
    code, rows, _ = bill("expect", "1003", "--on", "2026-10-31")
    assert (code, rows[0]["parked"]) == (1, "missing_address")
    code, rows, _ = bill("run", "--period", "2026-10", "--issued-on", "2026-11-02")
    key = rows[-1]["run"]
    code, rows, _ = bill("parked")
    assert (code, [(row["parked"], row["run"], row["settled_by"]) for row in rows]) == (1, [("1003", key, None)])
    code, rows, _ = bill("again", "--run", str(key))
    assert (code, rows[-1]["payers"], rows[-1]["parked"]) == (1, 1, 1)
    code, rows, _ = bill("customer", "1002", "--kind", "on_demand", "--until", "2026-12-01", "--dry-run")
    assert (code, rows[-1]["kind"], rows[-1]["invoices"]) == (0, "on_demand", 1)
    assert bill("customer", "1002", "--kind", "monthly")[0] == 2
    code, rows, _ = bill("rules", "--minimum", "50", "--unpriced", "ignore")
    assert (code, rows[0]["minimum"], rows[0]["version"]) == (0, "50", 1)
    assert bill("rules")[1][0]["unpriced"] == "ignore"
    code, rows, _ = bill("schedule", "monthly", "--cron", "0 3 1 * *", "--ahead", "1")
    assert (code, rows[0]["name"], rows[0]["active"]) == (0, "monthly", True)
    assert bill("schedule", "monthly", "--off")[1][0]["active"] is False
