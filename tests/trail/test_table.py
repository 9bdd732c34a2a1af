"""The table of attacks in docs/security.md: no row is forgotten, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
# How many rows the list of attacks has, by letter: X is XML, G GraphQL, A authorisation, J tokens, T codes,
# P passwords, F files, I injection, H requests to others, B business, L the platform.
ROWS = {"X": 10, "G": 9, "A": 12, "J": 7, "T": 4, "P": 6, "F": 12, "I": 6, "H": 5, "B": 15, "L": 7}
_SPAN = re.compile(r"([A-Z])(\d+)(?:[–-][A-Z]?(\d+))?")
_TEST = re.compile(r"`([a-z_/]+\.py)(?:::(\w+))?`")


def rows() -> list[tuple[str, str]]:
    """Return the first and the last cell of every row of the page's tables."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 3 and _SPAN.fullmatch(cells[0].split(",")[0].strip()):
            found.append((cells[0], cells[2]))
    return found


def named(cell: str) -> set[str]:
    """Return the ids in a cell, such as ``X2, G3–G5``."""
    ids: set[str] = set()
    for part in cell.split(","):
        span = _SPAN.fullmatch(part.strip())
        assert span, part
        first, last = int(span[2]), int(span[3] or span[2])
        ids |= {f"{span[1]}{number}" for number in range(first, last + 1)}
    return ids


def test_no_attack_is_forgotten() -> None:
    wanted = {f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)}
    told: set[str] = set()
    for cell, _ in rows():
        told |= named(cell)
    assert wanted - told == set()
    assert told - wanted == set()


def test_every_row_names_a_test_or_says_what_does_not_exist_yet() -> None:
    for cell, last in rows():
        assert _TEST.search(last) or last.startswith("not there yet: "), (cell, last)


@pytest.mark.parametrize(("path", "test"), sorted({found for _, cell in rows() for found in _TEST.findall(cell)}))
def test_every_test_that_is_named_is_there(path: str, test: str) -> None:
    file = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "api" / path
    assert file.is_file(), path
    if test:
        assert re.search(rf"^(?:async )?def {test}\(", file.read_text(encoding="utf-8"), re.MULTILINE), (
            f"{path}::{test}"
        )


def test_the_list_of_attacks_is_the_one_that_was_agreed(shared: Path) -> None:
    """The rows counted here are those of the list beside the checkout."""
    text = (shared / "design" / "attacks-and-faults.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| ([A-Z])(\d+) \|", text, re.MULTILINE)
    assert {letter: max(int(number) for one, number in found if one == letter) for letter, _ in found} == ROWS
