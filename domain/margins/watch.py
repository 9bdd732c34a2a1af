"""What an import needs to see that events are sold below cost; read once per change of rates or rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from domain.margins.exchange import Exchange, MarginRules

if TYPE_CHECKING:
    from domain.ports.unit import Unit  # which knows of what is imported, and so of this


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """The operator's currency, zone and rules, and his exchange rates at a revision."""

    revision: int
    currency: str
    zone: str
    rules: MarginRules
    exchange: Exchange

    def worth(self, code: str, day: date) -> Fraction | None:
        """Return what one unit of a currency is worth in the operator's own on a local day."""
        return self.exchange.factor(code, self.currency, day)


async def renewed(unit: Unit, before: Watch | None) -> Watch:
    """Return the watch as it is now: the one before where nothing has changed. One short question."""
    revision = await unit.exchange.revision()
    if before is not None and before.revision == revision:
        return before
    own = await unit.operators.own()
    rules = await unit.exchange.rules()
    exchange = Exchange(await unit.exchange.every(), max_age_days=rules.rate_max_age_days)
    return Watch(revision, own.currency, own.zone, rules, exchange)
