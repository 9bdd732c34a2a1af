"""Which rate of a chain of lists decides for an event, in plain Python, for its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import ANY, HOME, Band, Rate, Tariff
from domain.rating.explanation import Asked, Considered, Verdict
from domain.rating.walked import Found, NotPriced

# The conditions of a rate in the order in which they are asked; the later one fails, the nearer it came.
_FAILING: Final = (
    Verdict.MODE,
    Verdict.DESTINATION,
    Verdict.ORIGIN,
    Verdict.NETWORK,
    Verdict.VALIDITY,
    Verdict.BAND,
)


def valid(start: datetime | None, end: datetime | None, at: datetime) -> bool:
    """Say whether an instant lies in a half-open validity."""
    return (start is None or start <= at) and (end is None or at < end)


def band_holds(tariff: Tariff, band: Band, at: datetime, zone: str) -> bool:
    """Say whether a band holds at an instant, on the clock of a zone."""
    local = at.astimezone(ZoneInfo(zone))
    clock = local.hour * 3600 + local.minute * 60 + local.second
    inside = band.start <= clock < band.end if band.start <= band.end else clock >= band.start or clock < band.end
    if not inside:
        return False
    today, listed = local.date(), local.isoweekday() in band.days
    if band.except_holidays and today in tariff.holidays[band.except_holidays]:
        listed = False
    return listed or bool(band.on_holidays and today in tariff.holidays[band.on_holidays])


@dataclass(frozen=True, slots=True)
class Search:
    """An event before a catalogue. ``to``, ``origins``: what a rate may name to meet its two ends, nearest first."""

    tariff: Tariff
    event: Asked
    to: tuple[str, ...]
    origins: tuple[str, ...]
    near: dict[str, list[Rate]] = field(default_factory=dict)

    def find(self, chain: Sequence[str], zone: str, at: datetime, told: list[Considered] | None = None) -> Found:
        """Ask the lists of a chain in turn what decides at an instant; NotPriced where none does."""
        rates: list[tuple[str, Rate]] = []
        for place, name in enumerate(chain):
            matching = [rate for rate in self._near(name) if self._holds(rate, zone, at)]
            if not matching:
                if told is not None:
                    told.append(self._missed(name))
                continue
            best = min(matching, key=self._order)
            rates.append((name, best))
            if told is not None:
                verdict = Verdict.DECIDES if best.adjust is None else Verdict.ADJUSTS
                told.append(Considered(name, verdict, best, len(matching)))
            if best.adjust is None:
                if told is not None:
                    told += [Considered(above, Verdict.NOT_ASKED) for above in chain[place + 1 :]]
                return Found(tuple(rates))
        raise NotPriced("no_rate")

    def meets(self, to: tuple[str, ...] | None, zones: tuple[str, ...] | None) -> bool:
        """Say whether the event goes to one of these destinations and groups, in one of these zones; None: any."""
        if to is not None and ANY not in to and not set(to) & set(self.to):
            return False
        if zones is None or ANY in zones:
            return True
        if self.event.visited is None:
            return HOME in zones
        return any(zone != HOME and self.event.visited in self.tariff.zones[zone].countries for zone in zones)

    def _near(self, name: str) -> list[Rate]:
        """Return the rates of a list that match but for their bands, which alone differ within an event."""
        if name not in self.near:
            rates = self.tariff.price_lists[name].rates
            self.near[name] = [rate for rate in rates if self._fails(rate) is None]
        return self.near[name]

    def _holds(self, rate: Rate, zone: str, at: datetime) -> bool:
        return rate.band is None or band_holds(self.tariff, self.tariff.bands[rate.band], at, zone)

    def _missed(self, name: str) -> Considered:
        """Say where the rate of a list that comes nearest to the event fails."""
        failing = [(self._fails(rate) or Verdict.BAND, rate) for rate in self.tariff.price_lists[name].rates]
        if not failing:
            return Considered(name, Verdict.MODE)
        verdict, rate = max(failing, key=lambda pair: _FAILING.index(pair[0]))
        return Considered(name, verdict, None if verdict in _FAILING[:2] else rate)

    def _fails(self, rate: Rate) -> Verdict | None:
        """Return the first condition of a rate, its band apart, that the event does not meet; None: there is none."""
        event = self.event
        if rate.mode != event.mode or rate.direction != event.direction:
            return Verdict.MODE
        if rate.to != ANY and rate.to not in self.to:
            return Verdict.DESTINATION
        if rate.origin is not None and rate.origin not in self.origins:
            return Verdict.ORIGIN
        if not self._in_network(rate):
            return Verdict.NETWORK
        if not valid(rate.valid_from, rate.valid_to, event.start):
            return Verdict.VALIDITY
        return None

    def _in_network(self, rate: Rate) -> bool:
        visited = self.event.visited
        if rate.zone is None or rate.zone == ANY:
            return rate.zone == ANY or visited is None
        return visited is not None and visited in self.tariff.zones[rate.zone].countries

    def _order(self, rate: Rate) -> tuple[object, ...]:
        to = len(self.to) if rate.to == ANY else self.to.index(rate.to)
        origin = len(self.origins) if rate.origin is None else self.origins.index(rate.origin)
        zone: tuple[int, int, str] = (1, 0, "") if rate.zone is None else (2, 0, "")
        if rate.zone not in {None, ANY}:
            zone = (0, self.tariff.zones[str(rate.zone)].rank, str(rate.zone))
        band = (1, 0, "") if rate.band is None else (0, self.tariff.bands[rate.band].rank, rate.band)
        return to, origin, zone, band
