"""Numbers of subscriptions as people write them, made into what mediation makes of the same number in a CDR.

Both go through one rule, so that a number that was assigned is a number that is found.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import phonenumbers
import polars as pl

from domain.mediation.numbers import e164
from domain.mediation.profile import NumberPlan
from domain.operators import Operator

# Digits that begin with a country code, as most callers send them; nothing is to be done with them.
_AS_KEPT = re.compile(r"[1-9][0-9]{6,17}", re.ASCII)


def dialling(operator: Operator) -> NumberPlan:
    """Return how numbers are dialled where an operator is: what he says, else what is known of his country."""
    own = operator.number_plan
    return NumberPlan(
        country=operator.country,
        national_prefix=own.national_prefix,
        international_prefix=own.international_prefix,
        short=own.short,
    )


def as_kept(texts: Sequence[str], plan: NumberPlan) -> list[str]:
    """Return each number as E.164 digits where it is one as dialled by the plan, otherwise as it was written.

    >>> as_kept(["+46 70-123 45 67", "070-123 45 67", "trunk-1"], NumberPlan("SE"))
    ['46701234567', '46701234567', 'trunk-1']
    >>> as_kept(["22 12 34 56", "4722123456"], NumberPlan("NO")), as_kept(["9701234567"], NumberPlan("SE", "9"))
    (['4722123456', '4722123456'], ['46701234567'])
    """
    stripped = [text.strip() for text in texts]
    if _begin_with_zero(plan) and all(_AS_KEPT.fullmatch(text) for text in stripped):
        return stripped
    column = pl.Series("number", stripped, dtype=pl.String)
    return [str(number) for number in e164(column, plan)]


def national_prefix(plan: NumberPlan) -> str:
    """Return what is dialled before a national number, of the plan or of its country."""
    if plan.national_prefix is not None:
        return plan.national_prefix
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(plan.country) if plan.country else None
    return (metadata.national_prefix or "") if metadata else ""


@functools.lru_cache(maxsize=256)
def _begin_with_zero(plan: NumberPlan) -> bool:
    """Tell whether everything dialled before a number begins with 0, so that other digits are a whole number."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(plan.country) if plan.country else None
    abroad = plan.international_prefix
    if abroad is None:
        abroad = (metadata.international_prefix or "") if metadata else "00"
    return national_prefix(plan).startswith("0") and abroad.startswith("0")
