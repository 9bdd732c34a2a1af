"""Names of files as others give them: which are safe, and which of them are wanted.

A pattern is a shell's: ``*`` any characters, ``?`` one. It is matched by Rust's regular expressions, which take linear
time on any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from domain.refusal import BadValue

NAME_MAX: Final = 255
PATTERN_MAX: Final = 200
SEQUENCE: Final = "{seq}"


def safe(name: str) -> bool:
    r"""Tell whether a listing's name is one file of the folder, and can be shown and stored.

    >>> [safe(name) for name in ("Master.csv", "../x", "a/b", "..", "C:\\x", "a\r\nb", "", "/etc/passwd")]
    [True, False, False, False, False, False, False, False]
    """
    if not 0 < len(name) <= NAME_MAX or name in {".", ".."} or "/" in name or "\\" in name:
        return False
    return name.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in name)


def check_pattern(pattern: str, *, field: str) -> str:
    """Return a pattern. Refuses with: BadValue."""
    if not 0 < len(pattern) <= PATTERN_MAX or not pattern.isprintable() or "/" in pattern:
        raise BadValue(
            "a pattern of names has 1 to {pattern_max} characters, * and ? among them",
            pattern_max=PATTERN_MAX,
            field=field,
        )
    return pattern


def _expression(pattern: str) -> str:
    letters = {"*": ".*", "?": "."}
    return "^" + "".join(letters.get(letter) or re.escape(letter) for letter in pattern) + "$"


def matching(names: Sequence[str], pattern: str) -> list[bool]:
    """Tell of each name whether it fits.

    >>> matching(["cdr_1.csv", "cdr_1.csv.tmp", "cdr(1).csv"], "cdr?1*.csv")
    [True, False, True]
    """
    found: list[bool] = pl.Series(names, dtype=pl.String).str.contains(_expression(pattern)).to_list()
    return found


def check_sequence(pattern: str) -> str:
    """Return a pattern with ``{seq}`` once in it. Refuses with: BadValue."""
    if pattern.count(SEQUENCE) != 1:
        raise BadValue("the pattern has {seq} once, where the number stands in a name", field="sequence")
    return check_pattern(pattern, field="sequence")


def sequence_numbers(names: Sequence[str], pattern: str) -> list[int | None]:
    """Return the number in each name, None where a name does not fit.

    >>> sequence_numbers(["cdr_0007.csv", "cdr_0008.csv", "other.csv"], "cdr_{seq}.csv")
    [7, 8, None]
    """
    before, _, after = pattern.partition(SEQUENCE)
    expression = _expression(before)[:-1] + "([0-9]{1,18})" + _expression(after)[1:]
    found: list[str | None] = pl.Series(names, dtype=pl.String).str.extract(expression, 1).to_list()
    return [None if number is None else int(number) for number in found]
