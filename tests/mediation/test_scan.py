"""The compiled scanner against the rule written down plainly, on whatever comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.mediation.profile import Layout
from integrations.cdr import scan
from integrations.cdr.delimited import Cutter, Shape

NAMES = ("a", "b", "c")


@dataclass
class Record:
    fields: list[str]
    mark: int


def plain(text: str, escape: str) -> list[Record]:
    """Cut by the rule of ``scan``'s page, a character at a time, without line ends inside quotes being mended."""
    records: list[Record] = []
    at = 0
    while at < len(text):
        if text[at] in "\r\n":
            at += 1
            continue
        fields: list[str] = []
        mark = 0
        while True:
            begin = at
            if at < len(text) and text[at] == '"':
                value, at, closed = quoted(text, at + 1, escape)
                if not closed:
                    mark |= scan.OPEN
                    fields.append(value)
                    break
                if at < len(text) and text[at] not in ",\r\n":
                    while at < len(text) and text[at] not in ",\r\n":
                        at += 1
                    value = text[begin:at]
                fields.append(value)
            else:
                value = ""
                while at < len(text) and text[at] not in ",\r\n":
                    if escape == "backslash" and text[at] == "\\" and at + 1 < len(text):
                        at += 1
                    value += text[at]
                    at += 1
                fields.append(value)
            if at < len(text) and text[at] == ",":
                at += 1
                continue
            break
        if at >= len(text) and not mark & scan.OPEN:
            mark |= scan.UNTERMINATED
        if mark & scan.OPEN:
            mark |= scan.UNTERMINATED
        records.append(Record(fields, mark))
    return records


def quoted(text: str, at: int, escape: str) -> tuple[str, int, bool]:
    value = ""
    while at < len(text):
        if text[at] == '"':
            following = text[at + 1 : at + 2]
            if escape == "doubled" and following == '"':
                value += '"'
                at += 2
                continue
            if escape == "none" and following not in {"", ",", "\r", "\n"}:
                value += '"'
                at += 1
                continue
            return value, at + 1, True
        if escape == "backslash" and text[at] == "\\" and at + 1 < len(text):
            at += 1
        value += text[at]
        at += 1
    return value, at, False


def usable(records: list[Record]) -> list[Record]:
    """A broken record's fields are nobody's."""
    return [Record([], record.mark) if record.mark & (scan.SWALLOWED | scan.OPEN) else record for record in records]


def cut(text: str, escape: str, *, records_max: int = 10_000, final: bool = True) -> tuple[list[Record], int]:
    layout = Layout(escape=escape)
    cutter = Cutter(layout, Shape(NAMES, (), open=True, header=None), NAMES)
    found = cutter.cut(text.encode(), records_max, final=final)
    frame = found.frame(np.arange(found.count))
    rows = [list(map(str, row)) for row in frame.iter_rows()] if found.count else []
    return [Record(row, int(mark)) for row, mark in zip(rows, found.marks, strict=False)], found.position


WRITTEN = st.text(alphabet='ab1, "\\\n\r', max_size=40)


@settings(max_examples=300, deadline=None)
@given(WRITTEN.filter(lambda text: '"\n' not in text), st.sampled_from(["doubled", "none", "backslash"]))
def test_the_compiled_rule_is_the_written_one(text: str, escape: str) -> None:
    expected = plain(text, escape)
    if any("\n" in field or "\r" in field for record in expected for field in record.fields):
        return  # line ends inside quotes have a rule of their own, below
    found, position = cut(text, escape)
    wanted = [[*(field.strip(" ") for field in record.fields), "", "", ""][:3] for record in expected]
    # Blanks around a field are left out; inside an escape they stay, so only their absence is compared there.
    if not (escape == "backslash" and "\\ " in text):
        assert [record.fields for record in found] == wanted
    assert [record.mark & scan.OPEN for record in found] == [record.mark & scan.OPEN for record in expected]
    assert position == len(text)


@settings(max_examples=200, deadline=None)
@given(WRITTEN, st.integers(0, 40), st.sampled_from(["doubled", "none", "backslash"]))
def test_cutting_a_text_in_two_changes_nothing(text: str, place: int, escape: str) -> None:
    data = (text + "\n").encode()
    whole, _ = cut(text + "\n", escape)
    _, position = cut(data[:place].decode(), escape, final=False)
    first, _ = cut(data[:position].decode(), escape)
    rest, _ = cut(data[position:].decode(), escape)
    assert usable(first) + usable(rest) == usable(whole)


@pytest.mark.parametrize(
    ("text", "escape", "fields"),
    [
        ('"User 10" <114>,114,x\n', "doubled", ['"User 10" <114>', "114", "x"]),
        ('"""A"" <1>",2,3\n', "doubled", ['"A" <1>', "2", "3"]),
        ('""ANNA "AN" B"<sip:1@h>;t","2",3\n', "none", ['"ANNA "AN" B"<sip:1@h>;t', "2", "3"]),
        ("a\\, b,2,3\n", "backslash", ["a, b", "2", "3"]),
        ('"a\nb",2,3\n', "doubled", ["a\nb", "2", "3"]),
        ("a,2,3\r", "doubled", ["a", "2", "3"]),
    ],
)
def test_dialects(text: str, escape: str, fields: list[str]) -> None:
    records, _ = cut(text, escape)
    assert [record.fields for record in records] == [fields]


def test_a_quote_that_swallows_lines_breaks_only_its_own_line() -> None:
    layout = Layout()
    cutter = Cutter(layout, Shape(NAMES, (3,), open=False, header=None), NAMES)
    found = cutter.cut(b'1,"x,3\n4,5,6\n7,"8",9\n', 100, final=True)
    assert found.marks[: found.count].tolist() == [scan.SWALLOWED, 0, 0]
    assert [found.raw(row) for row in range(3)] == ['1,"x,3', "4,5,6", '7,"8",9']


def test_a_line_as_wide_as_a_record_inside_a_quote_is_a_record() -> None:
    cutter = Cutter(Layout(), Shape(NAMES, (3,), open=False, header=None), NAMES)
    found = cutter.cut(b'1,"x,3\n4,5,6\n7,8",9\n', 100, final=True)
    assert [found.raw(row) for row in range(found.count)] == ['1,"x,3', "4,5,6", '7,8",9']
