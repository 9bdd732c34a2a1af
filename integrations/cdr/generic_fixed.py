r"""Fixed-width text of any switch: ``file.columns`` names the fields and ``file.widths`` gives their characters.

>>> from integrations.cdr.registry import profile
>>> text = 'name = "old"\nreader = "generic-fixed"\n[file]\ncolumns = ["a", "b", "used"]\nwidths = [6, 6, 4]\n'
>>> next(decode([b"101   102     19\n"], profile(text), records_max=9)).records.select("a", "b", "used").row(0)
('101', '102', '19')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from domain.mediation.columns import check_columns
from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import BadValue, Unreadable
from integrations.cdr.delimited import used_columns
from integrations.cdr.lines import lines_of
from integrations.cdr.rows import Rows


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the lines' fields without the blanks around them. Refuses with: BadValue, Unreadable."""
    names, widths = profile.layout.columns, profile.layout.widths
    if not names or len(names) != len(widths):
        raise BadValue(
            "profile {name}: file.columns and file.widths must name and measure the same fields", name=profile.name
        )
    check_columns(set(names), profile)
    ends = list(accumulate(widths))
    # The last field may be shorter where a switch writes no blanks at a line's end.
    least = ends[-2] + 1 if len(ends) > 1 else 1
    rows = Rows(frozenset(used_columns(profile)))
    position = 0
    fitting = 0
    for line in lines_of(blocks, profile.layout.encoding):
        position = line.end
        text = line.text.rstrip("\0")
        raw = text.encode()
        if not text.strip():
            continue
        if "\0" in text:
            rows.reject("encoding", "the record holds NUL bytes", line.begin, raw)
        elif len(text) < least or (not line.ended and len(text) < ends[-1]):
            rows.reject("truncated", f"{len(text)} characters where {ends[-1]} belong", line.begin, raw)
        elif len(text.rstrip()) > ends[-1]:
            rows.reject("unknown_record", f"{len(text)} characters where {ends[-1]} belong", line.begin, raw)
        else:
            fitting += 1
            begins = [0, *ends]
            fields = (text[begin:end].strip() for begin, end in zip(begins, ends, strict=False))
            rows.add(dict(zip(names, fields, strict=True)), line.begin, raw)
        if not fitting and rows.held >= 50:
            raise Unreadable(
                "no line has the {ends} characters of profile {name}; set file.widths", ends=ends[-1], name=profile.name
            )
        if rows.full(records_max):
            yield rows.piece(position)
    yield rows.piece(position)
