"""Numbers of subscriptions as people write them, made into what mediation makes of the same number in a CDR.

Both go through one rule, so that a number that was assigned is a number that is found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from domain.mediation.numbers import e164
from domain.mediation.profile import NumberPlan

# Digits that begin with a country code, as most callers send them; nothing is to be done with them.
_AS_KEPT = re.compile(r"[1-9][0-9]{6,17}", re.ASCII)


def as_kept(texts: Sequence[str], country: str) -> list[str]:
    """Return each number as E.164 digits where it is one in the operator's country, otherwise as it was written.

    >>> as_kept(["+46 70-123 45 67", "070-123 45 67", "trunk-1"], "SE")
    ['46701234567', '46701234567', 'trunk-1']
    """
    stripped = [text.strip() for text in texts]
    if all(_AS_KEPT.fullmatch(text) for text in stripped):
        return stripped
    column = pl.Series("number", stripped, dtype=pl.String)
    return [str(number) for number in e164(column, NumberPlan(country=country))]
