"""What an event is charged before discounts, increment by increment, in plain Python, for its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import DAY_SECONDS, PriceList, Rate, Step, unit_of
from domain.money import INT64_MAX
from domain.rating.drawn import Draws
from domain.rating.explanation import Drawn, LevelExplained
from domain.rating.searched import Search
from domain.rating.walked import Found, NotPriced, Run, fits, next_look, segments, walk
from domain.refusal import LimitExceeded

SPLIT_MAX: Final = 40_000_000  # 15 months; each change of bands is looked at


@dataclass(frozen=True, slots=True)
class Charging:
    """The charge of one event."""

    search: Search
    draws: Draws

    def charge(self, made: LevelExplained, rules: PriceList, chain: tuple[str, ...]) -> None:
        """Find the price along a chain of lists, let buckets give, and charge the rest. Raises NotPriced."""
        event, tariff, buckets = self.search.event, self.search.tariff, self.draws.open_on(made.level)
        found = self.search.find(chain, made.zone, event.start, made.considered)
        while True:
            made.price_list, made.band, made.rate = found.price_list, found.band, found.rates[0][1]
            base, total = found.base, fits(event.used + event.offset)
            made.grace = base.grace
            if event.used == 0 or total <= base.grace:
                return
            runs = self._walk(chain, rules, found, total)
            made.before = self._walk(chain, rules, found, event.offset)[-1].end if event.offset > base.grace else 0
            made.billed = runs[-1].end - made.before
            if made.billed == 0:
                return
            drawn = [] if made.overage else self.draws.units(buckets, runs, made)
            made.taken = sum(part.amount for part in drawn)
            overage = next((b.when_empty for b in buckets if b.when_empty and b.unit == unit_of(event.mode)), None)
            if made.overage or made.taken == made.billed or overage is None:
                break
            made.overage = overage
            other, further = tariff.inherited(overage), tariff.chain(overage)
            at_start = self.search.find(further, other.zone or "UTC", event.start, made.considered)
            if made.taken:
                rest = self._walk(further, other, at_start, runs[-1].end)
                _settle(made, base, runs, rest, drawn)
                return
            chain, rules, found = further, other, at_start
        _settle(made, base, runs, runs, drawn)

    def _walk(self, chain: Sequence[str], rules: PriceList, start: Found, cover: int) -> list[Run]:
        zone, event = rules.zone or "UTC", self.search.event
        moving = rules.band_policy == "split" and unit_of(event.mode) == "seconds"
        bands = self.search.tariff.bands.values()
        edges = sorted({0, *(band.start for band in bands), *(band.end % DAY_SECONDS for band in bands)})
        if moving and cover > SPLIT_MAX:
            raise LimitExceeded(
                "a call that may cross bands is explained up to {split_max} seconds", split_max=SPLIT_MAX, field="used"
            )

        def at(position: int) -> datetime:
            try:
                return event.start + timedelta(seconds=position)
            except OverflowError:
                raise NotPriced("overflow") from None

        def steps_at(position: int) -> tuple[Found, Sequence[Step]]:
            found = self.search.find(chain, zone, at(position)) if moving and position else start
            return found, found.base.steps

        def until(position: int) -> int:
            return next_look(event.start, position, ZoneInfo(zone), edges) if moving else INT64_MAX

        return walk(cover, start.base.first, steps_at, until)


def _settle(made: LevelExplained, base: Rate, runs: list[Run], rest: list[Run], drawn: list[Drawn]) -> None:
    """Charge what buckets did not take: along ``rest``, the increments of what is priced otherwise then."""
    made.buckets = drawn
    if made.taken == made.billed:
        return
    end, front = runs[-1].end, made.before + made.taken
    earlier = segments(runs, 0, made.before)
    # What buckets took is a gap; without one the segments run on from the earlier parts.
    made.segments = [*earlier, *segments(rest, front, end)] if made.taken else segments(runs, 0, end)
    total = fits(fits(sum(s.amount for s in made.segments)) + base.setup)
    limited = within(base, total)
    made.limit = None if limited == total else "minimum" if limited > total else "maximum"
    made.charge, made.setup = limited, base.setup
    if made.before:
        made.earlier = within(base, fits(sum(s.amount for s in earlier) + base.setup))
        made.charge, made.setup = limited - made.earlier, 0


def within(rate: Rate, amount: int) -> int:
    """Raise to the minimum charge, lower to the maximum."""
    if rate.min_charge is not None:
        amount = max(amount, rate.min_charge)
    return amount if rate.max_charge is None else min(amount, rate.max_charge)
