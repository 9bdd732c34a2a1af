"""Times of gateways (H.323 and Cisco VSA form), such as ``18:55:41.000 GMT+4 Tue Feb 11 2014``.

The abbreviation of the zone is an offset, so it decides the doubled hour; an unknown one, or none, leaves a local time,
and whose event is flagged ``unknown_zone``.

>>> h323("23:58:50.868 CET MAR 28 2026"), h323(".18:55:41.000 GMT+4 Tue Feb 11 2014")
('2026-03-28 23:58:50.868+01:00', '2014-02-11 18:55:41.000+04:00')
"""

from __future__ import annotations

import re
from typing import Final

_FORM: Final = re.compile(
    r"[.*]?(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)\s+(?:([A-Za-z]{1,5})?([+-]\d{1,2}(?::?\d{2})?)?\s+)?(?:[A-Za-z]{3}\s+)?"
    r"([A-Za-z]{3})\s+(\d{1,2})\s+(\d{4})"
)
_LOCAL: Final = re.compile(r"\d{4}-\d{2}-\d{2} [\d:.]+")
_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
OFFSETS: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MET": 60, "CEST": 120, "MEST": 120,
    "EET": 120, "EEST": 180, "MSK": 180, "NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240,
    "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480,
    "HST": -600, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "ACST": 570, "ACDT": 630, "AWST": 480, "NZST": 720,
    "NZDT": 780, "SAST": 120, "IST": 330, "PKT": 300,
}  # fmt: skip


def h323(text: str) -> str:
    """Return the time as ISO 8601 with its offset where the zone is known; '' for none; otherwise the text."""
    if not text.strip():
        return ""
    found = _FORM.fullmatch(text.strip())
    if found is None or found[4].upper() not in _MONTHS:
        return text
    clock, zone, shift, month, day, year = found.groups()
    local = f"{year}-{_MONTHS[month.upper()]:02d}-{int(day):02d} {clock}"
    minutes = OFFSETS.get((zone or ("UTC" if shift else "")).upper())
    if minutes is None:
        return local
    if shift:
        digits = shift[1:].replace(":", "").zfill(2)
        hours, rest = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
        minutes += (hours * 60 + rest) * (-1 if shift[0] == "-" else 1)
    sign = "-" if minutes < 0 else "+"
    return f"{local}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def local(told: str) -> bool:
    """Tell whether what ``h323`` returned is a local time, of no known zone.

    >>> local(h323("23:58:50.868 XYZ MAR 28 2026")), local(h323("23:58:50.868 CET MAR 28 2026")), local("")
    (True, False, False)
    """
    return _LOCAL.fullmatch(told) is not None
