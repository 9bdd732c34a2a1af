"""What usage is counted as against limits. Everything is ``all``; it may be of several others besides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
import polars as pl

from domain.provisioning.order import Bar


class Kind(StrEnum):
    """Which usage a limit is for. ``international``: calls to other countries; ``roaming``: used in another network."""

    ALL = "all"
    INTERNATIONAL = "international"
    PREMIUM = "premium"
    ROAMING = "roaming"
    DATA = "data"
    ROAMING_DATA = "roaming_data"


KINDS: Final = tuple(Kind)
Amounts = Mapping[Kind, int]  # micro-units of the operator's currency; what is left out is 0

# What a line that has passed a limit is barred from, unless the limit says something else.
BARS: Final[Mapping[Kind, tuple[Bar, ...]]] = {
    Kind.ALL: (Bar.OUTGOING, Bar.DATA),
    Kind.INTERNATIONAL: (Bar.OUTGOING,),
    Kind.PREMIUM: (Bar.PREMIUM,),
    Kind.ROAMING: (Bar.ROAMING,),
    Kind.DATA: (Bar.DATA,),
    Kind.ROAMING_DATA: (Bar.DATA,),
}
# How the destinations of premium services are called in price lists: one of these words in a name or a group.
PREMIUM: Final = re.compile(
    r"premium|betal(nummer|samtal|tjän|teletj)|massuppring|teletorg|overtakst|maksu(llinen|puhelu)|0900", re.IGNORECASE
)
# A number that is shorter has no country: an emergency or service number.
WHOLE_NUMBER: Final = re.compile(r"[0-9]{8,}", re.ASCII)
# Usage to be counted, one row per event or per sum of events that are alike. ``amount``: micro-units.
ROWS: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "subscription": pl.Int64,
        "abroad": pl.Boolean,
        "premium": pl.Boolean,
        "roaming": pl.Boolean,
        "data": pl.Boolean,
        "amount": pl.Int64,
    }
)

# The same with the rate that priced it, which tells its currency.
PRICED_ROWS: Final = pl.Schema({**ROWS, "rate": pl.Int64()})


@dataclass(frozen=True, slots=True)
class Home:
    """What tells the kinds apart: the country code of the operator, and the keys of premium destinations."""

    code: str
    premium: frozenset[int]


@lru_cache(maxsize=256)
def country_code(country: str) -> str:
    """Return the calling code of a country; empty where there is none.

    >>> country_code("SE"), country_code("XX")
    ('46', '')
    """
    code = phonenumbers.country_code_for_region(country)
    return str(code) if code else ""


def is_premium(name: str, groups: Collection[str]) -> bool:
    """Tell whether a destination is one of premium services, by its name or a group of it.

    >>> is_premium("Sweden premium rate", ()), is_premium("Norway", ("Norden",)), is_premium("900", ("Betalnummer",))
    (True, False, True)
    """
    return any(PREMIUM.search(word) for word in (name, *groups))


def kinds_of(*, abroad: bool, premium: bool, roaming: bool, data: bool) -> frozenset[Kind]:
    """Return what one use counts as.

    >>> sorted(kinds_of(abroad=False, premium=False, roaming=True, data=True))
    [<Kind.ALL: 'all'>, <Kind.DATA: 'data'>, <Kind.ROAMING: 'roaming'>, <Kind.ROAMING_DATA: 'roaming_data'>]
    """
    told = {
        Kind.ALL: True,
        Kind.INTERNATIONAL: abroad,
        Kind.PREMIUM: premium,
        Kind.ROAMING: roaming,
        Kind.DATA: data,
        Kind.ROAMING_DATA: roaming and data,
    }
    return frozenset(kind for kind, there in told.items() if there)


def is_abroad(number: str, code: str, *, outward: bool) -> bool:
    """Tell whether a call goes to another country.

    >>> is_abroad("4712345678", "46", outward=True), is_abroad("112", "46", outward=True)
    (True, False)
    """
    return outward and bool(code) and bool(WHOLE_NUMBER.fullmatch(number)) and not number.startswith(code)


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up rows of ``ROWS`` by customer (subscription 0) and by line: a column per kind, sorted."""
    amount = pl.col("amount")
    by_kind = {
        Kind.ALL: pl.lit(value=True),
        Kind.INTERNATIONAL: pl.col("abroad"),
        Kind.PREMIUM: pl.col("premium"),
        Kind.ROAMING: pl.col("roaming"),
        Kind.DATA: pl.col("data"),
        Kind.ROAMING_DATA: pl.col("roaming") & pl.col("data"),
    }
    sums = [pl.when(flag).then(amount).otherwise(0).sum().alias(kind.value) for kind, flag in by_kind.items()]
    lines = rows.group_by("customer", "subscription").agg(sums)
    names = [kind.value for kind in KINDS]
    # Where a line's row moves, its customer's does: whoever locks a line's has locked that one before.
    lines = lines.filter(pl.any_horizontal(pl.col(names) != 0))
    whole = lines.group_by("customer").agg(pl.lit(0, pl.Int64).alias("subscription"), pl.col(names).sum())
    return pl.concat([whole.select(lines.columns), lines]).sort("customer", "subscription")
