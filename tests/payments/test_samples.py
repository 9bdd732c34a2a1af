"""Every published sample gives what is written beside it, and every changed amount is found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.payments.record import Kind, PaymentFile
from domain.refusal import Unreadable
from integrations.payments import formats

pytestmark = pytest.mark.shared

# What the sample says against its own columns (Finance Finland, account statement: T00 24-26 is the statement's number,
# T10 13-30 the archive id): both were written down some columns off.
_OTHERWISE = {"fi_tito/real_2018.to": {"file_id": {"statement": "003"}, "bank_ref": {1: "1802054730MV000139"}}}
_TOLD_BESIDE = frozenset({"file", "records", "expected_by", "note", "mandates", "expect_error"})


def _expected(shared: Path) -> list[tuple[str, Path, dict]]:
    root = shared / "data" / "payments"
    found = sorted(root.rglob("*.expected.json"))
    assert len(found) > 30
    return [
        (f"{path.parent.name}/{path.name.removesuffix('.expected.json')}", path, json.loads(path.read_text()))
        for path in found
    ]


def _moved(file: PaymentFile) -> list[object]:
    """What moved money; a rejected order's amount stands in no sum of the newer layouts."""
    return [record.amount for record in file.records if record.kind is not Kind.REJECTION]


def _source(path: Path) -> bytes:
    return path.with_name(path.name.removesuffix(".expected.json")).read_bytes()


def test_every_sample_gives_what_is_written_beside_it(shared: Path) -> None:
    for name, path, expected in _expected(shared):
        format_ = path.parent.name
        if not expected["valid"]:
            for asked in (format_, formats.AUTO):
                with pytest.raises(Unreadable):
                    formats.read(_source(path), asked)
            continue
        found = formats.read(_source(path), format_)
        assert found.format == format_, name
        otherwise = _OTHERWISE.get(name, {})
        told = found.as_dict() | {"mandates": [dict(mandate) for mandate in found.mandates]}
        for key, value in expected.items():
            if key in _TOLD_BESIDE:
                continue
            wanted = value | otherwise[key] if key in otherwise else value
            assert told[key] == wanted, f"{name}: {key}"
        assert told["mandates"] == expected.get("mandates", []), name
        records = [record.as_dict() for record in found.records]
        assert len(records) == len(expected["records"]), name
        for index, (wanted, record) in enumerate(zip(expected["records"], records, strict=True)):
            for key, value in wanted.items():
                said = otherwise.get(key, {}).get(index, value) if key in otherwise else value
                assert record.get(key) == said, f"{name}: record {index}: {key}"


def test_every_sample_is_known_by_its_content(shared: Path) -> None:
    for name, path, expected in _expected(shared):
        if expected["valid"]:
            assert formats.of_content(_source(path)) == path.parent.name, name


@pytest.mark.parametrize(
    "name",
    [
        "bgmax/official_ocr_checkdigit_length.txt",
        "bgmax/real_2010_two_deposits.txt",
        "nets_ocr/ocr_all_types_1992.txt",
        "fi_ktl/real_2018_one_payment.svm",
        "fi_ktl/synthetic-ktl_correction_and_failed_debit.txt",
        "autogiro/betspec_new_2009.txt",
        "autogiro/betspec_old_2016.txt",
        "autogiro/avvisade_new_2008.txt",
        "dk_bs/synthetic-bs_0602.txt",
        "fi_tito/real_2018.to",
    ],
)
def test_no_changed_amount_passes(shared: Path, name: str) -> None:
    """Change each digit of what looks like an amount: the file is refused, held for a person, or says the same."""
    data = (shared / "data" / "payments" / name).read_bytes()
    before = formats.read(data)
    amounts = _moved(before)
    refused = 0
    for at in {found.start() + offset for found in re.finditer(rb"[0-9]{9,}", data) for offset in range(len(found[0]))}:
        digit = data[at : at + 1]
        other = data[:at] + (b"1" if digit == b"0" else b"0") + data[at + 1 :]
        try:
            found = formats.read(other)
        except Unreadable:
            refused += 1
            continue
        assert _moved(found) == amounts or found.attention, f"{name}: byte {at}"
    assert refused > 0


def test_a_cut_file_is_refused(shared: Path) -> None:
    for name, path, expected in _expected(shared):
        data = _source(path)
        if not expected["valid"] or path.parent.name in {"mt940", "fi_tito"} or name.startswith("autogiro/payment_"):
            continue
        lines = data.rstrip().split(b"\n")
        with pytest.raises(Unreadable):
            formats.read(b"\n".join(lines[:-1]), path.parent.name)
