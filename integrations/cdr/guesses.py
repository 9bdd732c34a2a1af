r"""What a file may be that a profile does not read: another shipped profile's, or columns whose values tell their use.

>>> from integrations.cdr.registry import profile
>>> row = b"INVITE|t1|t2|c@h|200|OK|1772445605|acc|0846500401|0701740605||1:1\n"
>>> best_profile(row * 3, profile("asterisk"))
('opensips', 1.0)
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation import instants
from domain.mediation.columns import Columns
from domain.mediation.normalise import normalise
from domain.mediation.profile import Profile
from domain.refusal import Refusal
from integrations.cdr import registry

_TRIED_BYTES: Final = 256 << 10
_RECORDS_TRIED: Final = 200
GOOD_SHARE: Final = 0.8
_UNCHOSEN: Final = ("generic-csv", "generic-fixed", "radius-voice")
_NUMBER: Final = r"^(?:sips?:|tel:|<sip:)?\+?[0-9][0-9 ()-]{4,18}(?:@.*)?$"
_AMOUNT: Final = r"^[0-9]{1,6}(?:\.[0-9]+)?$"
_DURATION: Final = re.compile(r"(?i)sec|dur|bill|used|dauer|tid|längd|durée|amount|minutes")
_CALLED: Final = re.compile(r"(?i)dst|dest|called|callee|\bto\b|to_|b_?n|ziel|till|b-n")
_FORMS: Final = ("iso", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "epoch")
_EPOCH: Final = r"^1[0-9]{9}(?:[0-9]{3})?$"


def share_read(head: bytes, profile: Profile) -> float:
    """Return the share of a file's first records that a profile reads as events or parts of them."""
    if profile.layout.complete == "end-marker":
        profile = replace(profile, layout=replace(profile.layout, complete="rename"))
    good = count = 0
    try:
        for piece in registry.reader(profile).decode([head], profile, records_max=_RECORDS_TRIED):
            normal = normalise(piece, profile)
            good += normal.events.height
            count += normal.events.height + normal.rejects.height + piece.rejects.height
            if count >= _RECORDS_TRIED:
                break
    except Refusal:
        return 0.0
    return good / count if count else 0.0


def best_profile(head: bytes, profile: Profile) -> tuple[str, float] | None:
    """Return the shipped profile of another kind that reads a file which this one does not, and the share it reads."""
    tried = head[:_TRIED_BYTES]
    if len(head) > _TRIED_BYTES and b"\n" in tried:
        tried = tried[: tried.rfind(b"\n") + 1]
    if share_read(tried, profile) >= GOOD_SHARE:
        return None
    shares = {
        name: share_read(tried, known)
        for name in registry.names()
        if name not in _UNCHOSEN and (known := registry.profile(name)).format != profile.format
    }
    best = max(shares, key=lambda name: shares[name])
    return (best, shares[best]) if shares[best] >= GOOD_SHARE else None


def looks_like_names(fields: list[str]) -> bool:
    """Tell whether a first row holds names: no two alike, none a number, hardly any empty.

    >>> looks_like_names(["Start", "Caller", "Dauer (s)"]), looks_like_names(["2026-03-02", "46701740605", "9"])
    (True, False)
    """
    filled = [field for field in fields if field.strip()]
    return (
        len(filled) >= max(2, len(fields) - 1)
        and len(set(filled)) == len(filled)
        and not any(re.search(r"\d{3,}|^\d+$", field) for field in filled)
    )


def uses(columns: Columns) -> dict[str, str]:
    """Return which columns seem to hold what the profile has no column for: field of ``map`` -> column."""
    records = columns.records.select(name for name in columns.records.columns if not name.startswith("_"))
    names = [name for name in records.columns if (records[name] != "").any()]
    times = [name for name in names if _is_time(records[name])]
    numbers = [name for name in names if name not in times and _share(records[name], _NUMBER) >= GOOD_SHARE]
    amounts = [
        name for name in names if name not in {*times, *numbers} and _share(records[name], _AMOUNT) >= GOOD_SHARE
    ]
    # What is different in every record is rather a number of the record than what it used.
    unique = {name for name in amounts if records[name].n_unique() == records.height}
    numbering = unique if len(unique) < len(amounts) else set()
    amounts.sort(key=lambda name: (_DURATION.search(name) is None, name in numbering))
    numbers.sort(key=lambda name: _CALLED.search(name) is not None)
    found = {
        "start": times[0] if times else "",
        "used": amounts[0] if amounts else "",
        "a": numbers[0] if numbers else "",
        "b": numbers[1] if len(numbers) > 1 else "",
    }
    return {name: column for name, column in found.items() if column and columns.field(name) is None}


def unique_column(columns: Columns) -> str | None:
    """Return the first column that is different in every record and no time, to be a key."""
    records = columns.records
    for name in records.columns:
        if name.startswith("_") or records.height < 2 or records[name].n_unique() < records.height:
            continue
        if (records[name] != "").all() and not _is_time(records[name]):
            return name
    return None


def _share(texts: pl.Series, pattern: str) -> float:
    written = texts.filter(texts != "")
    return float(written.str.contains(pattern).mean() or 0.0)  # type: ignore[arg-type]  # of a Boolean column


def _is_time(texts: pl.Series) -> bool:
    written = texts.filter(texts != "")
    if not len(written):
        return False
    if _share(written, _EPOCH) >= GOOD_SHARE:
        return True
    return any(float(instants.read(written, form).known.mean()) >= GOOD_SHARE for form in _FORMS[:-1])
