"""What a level is limited to besides its permissions: amounts, groups of customers, a part of the resellers' tree."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.ids import ResellerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that somebody may give in one currency: by one operation, and by all of a day (None: as many as wanted).

    A day is the operator's own. An amount in a currency that has no ceiling is beyond every one.
    """

    currency: str
    each: Decimal
    day: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far somebody reaches.

    ``amounts``: by currency, none: no limit. ``groups``: customers that are in one of them are all there are; none:
    every customer. ``reseller``: what this one and those below him have is all there is.
    """

    amounts: tuple[Ceiling, ...] = ()
    groups: frozenset[str] = frozenset()
    reseller: ResellerId | None = None


NO_LIMITS: Final = Limits()
