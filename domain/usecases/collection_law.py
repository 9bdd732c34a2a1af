"""What collection follows, as it is kept."""

from __future__ import annotations

from domain.collection.planning import Law
from domain.collection.reference_rates import RATES
from domain.collection.shipped import LIMITS, TERMS
from domain.ports.unit import Unit


async def law_of(unit: Unit) -> Law:
    """Return the operator's rules, and the legal rows: of two of one day his own comes last, and holds."""
    return Law(
        rules=await unit.collection.rules.find(active=True),
        limits=[*LIMITS, *await unit.collection.limits.find()],
        rates=[*RATES, *await unit.collection.rates.find()],
        terms=TERMS,
    )
