"""Why an event costs what it costs: every list asked, the rate that decided, increments, rings, buckets and rounding.

Written from the catalogue's own records in plain exact Python, apart from the kernel, so that each checks the other: a
property test holds that both give the same amounts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from domain.catalogue.document import DIGITS_MAX
from domain.catalogue.tariff import (
    ANY,
    DAY_SECONDS,
    GROUP,
    HOME,
    Band,
    Bucket,
    Destination,
    Party,
    PriceList,
    Rate,
    Ring,
    Tariff,
    unit_of,
)
from domain.money import INT64_MAX, divide
from domain.rating.allowances import granted
from domain.rating.explanation import (
    Asked,
    Considered,
    Drawn,
    Effected,
    Explanation,
    How,
    LevelExplained,
    Located,
    Margin,
    Verdict,
)
from domain.rating.rounds import rounded
from domain.rating.walked import Found, NotPriced, Run, fits, next_look, segments, walk
from domain.refusal import LimitExceeded, NotFound

# What one unit of a currency costs in another on the event's day; None where nobody knows.
Prices = Callable[[str, str], Fraction | None]


def no_price(_one: str, _other: str) -> Fraction | None:
    """Know the price of no currency in another."""
    return None


@dataclass(slots=True)
class Standing:
    """What buckets have left (by id) and rings have counted (by ring, party, level, tier) before the event.

    ``caps``: what a party may still take of a bucket (by id and party); left out: the whole cap.
    """

    left: dict[str, int] = field(default_factory=dict)
    volumes: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    caps: dict[tuple[str, str], int] = field(default_factory=dict)

    def most(self, bucket: Bucket, party: str) -> int:
        """Return what a bucket may still give to a party."""
        left = self.left[bucket.id]
        return left if bucket.cap is None else min(left, self.caps.setdefault((bucket.id, party), bucket.cap))

    def take(self, bucket: str, party: str, amount: int) -> None:
        """Take from a bucket, and from what the party may take of it."""
        self.left[bucket] -= amount
        if (bucket, party) in self.caps:
            self.caps[bucket, party] -= amount


class Explainer:
    """Explains events of one tariff, one after the other as they draw on its buckets and rings."""

    def __init__(self, tariff: Tariff, standing: Standing | None = None, prices: Prices = no_price) -> None:
        self.tariff = tariff
        self.prices = prices
        self._prefixes: dict[str, list[Destination]] | None = None
        self.standing = standing or Standing({one.id: one.amount for one in tariff.buckets if not one.is_plan})
        self.rolled: set[tuple[str, str, datetime]] = set()

    def explain(self, event: Asked) -> Explanation:
        """Explain one event, and count it, so that the next one finds what it left."""
        party = self.tariff.parties.get(event.party) if event.party is not None else None
        if party is None:
            return Explanation(event=event, status="no_party", located=self.located(event.b, event.start))
        located = self.located(event.b, event.start)
        if located.destination is None and event.mode != "data":
            return Explanation(event=event, status="no_destination", located=located)
        origin = self.located(event.a, event.start).destination
        tariff = self._with_plans(party, event)
        work = Work(tariff, self.standing, event, party, self.places(located.destination), self.places(origin))
        levels = tuple(work.level(plist, kind, tier) for plist, kind, tier in self.slots(party, event))
        return Explanation(
            event=event, status="rated", located=located, levels=levels, margins=margins(levels, self.prices)
        )

    def _with_plans(self, party: Party, event: Asked) -> Tariff:
        """Return the tariff with what its plans grant to the party when the event starts, in their stead."""
        plans = [bucket for bucket in self.tariff.buckets if bucket.is_plan]
        if not plans:
            return self.tariff
        concrete, rolls = granted(plans, [party], event.start, event.start)
        left = self.standing.left
        for bucket in concrete:
            left.setdefault(bucket.id, bucket.amount)
        for roll in sorted(rolls, key=lambda one: one.at):
            name = (roll.definition, roll.owner, roll.at)
            if roll.at > event.start or name in self.rolled:
                continue
            self.rolled.add(name)
            excess = sum(left[one] for one in roll.buckets) - roll.cap
            for one in roll.buckets:
                lost = min(max(excess, 0), left[one])
                left[one] -= lost
                excess -= lost
        return replace(self.tariff, buckets=(*(one for one in self.tariff.buckets if not one.is_plan), *concrete))

    def slots(self, party: Party, event: Asked) -> list[tuple[str | None, str, int]]:
        """Return (list, level, tier) of the levels the event has; None where the trunk gives no list."""
        found: list[tuple[str | None, str, int]] = [(party.retail, "retail", 0)] if party.retail else []
        found += [(plist, "wholesale", tier) for tier, plist in enumerate(party.wholesale, 1)]
        if party.cost is not None or event.trunk is not None:
            trunk = self.tariff.trunks.get(event.trunk) if event.trunk is not None else None
            found.append((party.cost or (trunk.cost if trunk else None), "cost", 0))
        return found

    def places(self, destination: str | None) -> tuple[str, ...]:
        """Return what a rate may name to meet a destination: itself, then its groups in rank order."""
        if destination is None:
            return ()
        return (destination, *(GROUP + group for group in self.tariff.destinations[destination].groups))

    def located(self, number: str | None, start: datetime) -> Located:
        """Return a number's destination at an instant, and how it was found."""
        if not number:
            return Located(How.NO_NUMBER)
        if not (number.isascii() and number.isdigit()):
            return Located(How.NOT_A_NUMBER)
        held = [p for p in self.tariff.ported if p.number == number and p.valid_from <= start]
        if held:
            last = max(held, key=lambda entry: entry.valid_from)
            return Located(How.PORTED, last.to, since=last.valid_from)
        owners = self._owners()
        for length in range(min(len(number), DIGITS_MAX), 0, -1):
            for destination in owners.get(number[:length], ()):
                if valid(destination.valid_from, destination.valid_to, start):
                    return Located(How.PREFIX, destination.name, prefix=number[:length])
        return Located(How.NO_PREFIX)

    def _owners(self) -> dict[str, list[Destination]]:
        """Return the destinations by prefix, gathered when they are first asked for."""
        if self._prefixes is None:
            self._prefixes = {}
            for destination in self.tariff.destinations.values():
                for prefix in destination.prefixes:
                    self._prefixes.setdefault(prefix, []).append(destination)
        return self._prefixes


def margins(levels: Sequence[LevelExplained], prices: Prices) -> tuple[Margin, ...]:
    """Return what each priced level leaves over the next priced one below it."""
    order = [one for kind in ("cost", "wholesale", "retail") for one in levels if one.level == kind]
    order = [one for one in order if one.status == "rated" and one.currency is not None]
    return tuple(_margin(above, below, prices) for below, above in pairwise(order))


def _margin(above: LevelExplained, below: LevelExplained, prices: Prices) -> Margin:
    currency, other = str(above.currency), str(below.currency)
    price = None if currency == other else prices(other, currency)
    amount: int | None = above.amount - below.amount
    if price is not None:
        amount = above.amount - divide(below.amount * price.numerator, price.denominator)
    elif currency != other:
        amount = None
    return Margin((above.level, above.tier), (below.level, below.tier), currency, other, amount, price)


SPLIT_MAX: Final = 40_000_000  # 15 months; each change of bands is looked at
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


@dataclass(slots=True)
class Work:
    """One event on its way through the order of work, level by level."""

    tariff: Tariff
    standing: Standing
    event: Asked
    party: Party
    to: tuple[str, ...]
    origins: tuple[str, ...]
    near: dict[str, list[Rate]] = field(default_factory=dict)

    def level(self, plist: str | None, kind: str, tier: int) -> LevelExplained:
        """Explain one level."""
        made = LevelExplained(level=kind, tier=tier)
        if plist is None:
            made.status = "no_rate"
            made.considered.append(Considered(str(self.event.trunk), Verdict.NO_LIST))
            return made
        if plist not in self.tariff.price_lists:
            raise NotFound("there was no price list {plist!r} then", plist=plist, field="priceList")
        rules = self.tariff.inherited(plist)
        assert rules.rounding is not None
        made.currency, made.zone = rules.currency, rules.zone or "UTC"
        made.decimals, made.mode = rules.rounding.decimals, str(rules.rounding.mode)
        deviations = self.party.deviations if kind == "retail" else None
        try:
            self._charge(made, rules, self.tariff.chain(plist, deviations))
            self._ring(made)
        except NotPriced as why:
            made.status = str(why)
        return made

    # -- which price
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

    # -- the charge
    def _walk(self, chain: Sequence[str], rules: PriceList, start: Found, cover: int) -> list[Run]:
        zone, event = rules.zone or "UTC", self.event
        moving = rules.band_policy == "split" and unit_of(event.mode) == "seconds"
        bands = self.tariff.bands.values()
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

        def steps_at(position: int) -> tuple[Found, Sequence[object]]:
            found = self.find(chain, zone, at(position)) if moving and position else start
            return found, found.base.steps

        def until(position: int) -> int:
            return next_look(event.start, position, ZoneInfo(zone), edges) if moving else INT64_MAX

        return walk(cover, start.base.first, steps_at, until)  # type: ignore[arg-type]  # the steps are Step

    def _charge(self, made: LevelExplained, rules: PriceList, chain: tuple[str, ...]) -> None:
        event, buckets = self.event, self._buckets(made)
        found = self.find(chain, made.zone, event.start, made.considered)
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
            drawn = [] if made.overage else self._draw(buckets, runs, made)
            made.taken = sum(part.amount for part in drawn)
            overage = next((b.when_empty for b in buckets if b.when_empty and b.unit == unit_of(event.mode)), None)
            if made.overage or made.taken == made.billed or overage is None:
                break
            made.overage = overage
            other = self.tariff.inherited(overage)
            at_start = self.find(self.tariff.chain(overage), other.zone or "UTC", event.start, made.considered)
            if made.taken:
                rest = self._walk(self.tariff.chain(overage), other, at_start, runs[-1].end)
                self._settle(made, base, runs, rest, drawn)
                return
            chain, rules, found = self.tariff.chain(overage), other, at_start
        self._settle(made, base, runs, runs, drawn)

    def _settle(self, made: LevelExplained, base: Rate, runs: list[Run], rest: list[Run], drawn: list[Drawn]) -> None:
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

    def _buckets(self, made: LevelExplained) -> list[Bucket]:
        owners = {self.party.name, *self.party.shares}
        own = [b for b in self.tariff.buckets if b.owner in owners and b.is_open_to(self.party)]
        found = [b for b in own if made.level in b.levels and self._in_scope(b)]
        return sorted(found, key=lambda b: (b.priority, b.period[1], b.id))

    def _in_scope(self, bucket: Bucket) -> bool:
        event = self.event
        return (
            bucket.period[0] <= event.start < bucket.period[1]
            and (bucket.modes is None or event.mode in bucket.modes)
            and (bucket.directions is None or event.direction in bucket.directions)
            and self._meets(bucket.to, bucket.zones)
        )

    def _meets(self, to: tuple[str, ...] | None, zones: tuple[str, ...] | None) -> bool:
        if to is not None and ANY not in to and not set(to) & set(self.to):
            return False
        if zones is None or ANY in zones:
            return True
        if self.event.visited is None:
            return HOME in zones
        return any(zone != HOME and self.event.visited in self.tariff.zones[zone].countries for zone in zones)

    def _draw(self, buckets: list[Bucket], runs: list[Run], made: LevelExplained) -> list[Drawn]:
        drawn, taken = [], 0
        for bucket in buckets:
            left, rest = self.standing.most(bucket, self.party.name), made.billed - taken
            given = min(left, rest)
            if bucket.unit != unit_of(self.event.mode) or given == 0:
                continue
            position = made.before + taken
            if bucket.split == "increment" and given < rest:
                reached = max(run.boundary(position + given) for run in runs if run.begin <= position + given)
                given = max(reached - position, 0)
            if given:
                drawn.append(Drawn(bucket.id, bucket.unit, given, left - given))
                taken += given
        return drawn

    # -- rings, rounding, money
    def _ring(self, made: LevelExplained) -> None:
        rings = sorted(self.tariff.rings, key=lambda ring: (ring.priority, ring.id))
        meets = {ring.id: self._ring_meets(ring, made) for ring in rings}
        left, last = made.charge, made.charge
        if made.billed > made.taken:
            holding = [ring for ring in rings if meets[ring.id] and self._reached(ring, made)]
            done: set[str] = set()
            for ring in holding:
                if ring.exclusive in done:
                    continue
                rivals = [r for r in holding if r.exclusive == ring.exclusive] if ring.exclusive else [ring]
                done |= {ring.exclusive} if ring.exclusive else set()
                best, leaves = self._best(rivals, left, made)
                if leaves != left:
                    made.rings.append(Effected(best.id, left, leaves - left, 0))
                left = leaves
            last = left
        made.rounded = rounded(last, made.decimals, made.mode)
        self._share(made)
        self._pay(made)
        self._count(made, [ring for ring in rings if meets[ring.id]])

    def _best(self, rivals: list[Ring], left: int, made: LevelExplained) -> tuple[Ring, int]:
        tried = []
        for ring in rivals:
            try:
                tried.append((self._leaves(ring, left, made), ring))
            except NotPriced:
                continue
        if not tried:
            raise NotPriced("overflow")
        leaves, best = min(tried, key=lambda pair: pair[0])
        return best, leaves

    def _leaves(self, ring: Ring, left: int, made: LevelExplained) -> int:
        effect = ring.effect
        if effect.percent is not None:
            change = divide(left * effect.percent, 100_000_000)
        elif effect.per_event is not None:
            change = effect.per_event if made.before == 0 else 0
        elif effect.per_minute is not None:
            seconds = made.billed - made.taken if unit_of(self.event.mode) == "seconds" else 0
            change = divide(effect.per_minute * seconds, 60)
        else:
            change = self._anew(ring, made) - left
        return fits(max(left + change, 0))

    def _anew(self, ring: Ring, made: LevelExplained) -> int:
        effect, event = ring.effect, self.event
        steps = effect.price or ()

        def runs(cover: int) -> list[Run]:
            return walk(cover, effect.first, lambda _: (None, steps), lambda _: INT64_MAX)

        front = runs(event.offset)[-1].end if event.offset > made.grace else 0
        whole = runs(event.offset + event.used)
        end, setup = whole[-1].end, effect.setup
        if made.taken:
            total = fits(sum(s.amount for s in segments(whole, front + made.taken, end)) + setup)
            return total if made.before == 0 else total - setup
        total = fits(sum(s.amount for s in segments(whole, 0, end)) + setup)
        return total if made.before == 0 else total - setup - sum(s.amount for s in segments(whole, 0, front))

    def _ring_meets(self, ring: Ring, made: LevelExplained) -> bool:
        event, period = self.event, ring.volume_period
        return (
            made.level in ring.levels
            and (ring.parties is None or not {self.party.name, *self.party.aliases}.isdisjoint(ring.parties))
            and (ring.groups is None or bool(set(ring.groups) & set(self.party.groups)))
            and (ring.modes is None or event.mode in ring.modes)
            and valid(ring.valid_from, ring.valid_to, event.start)
            and (period is None or period[0] <= event.start < period[1])
            and self._meets(ring.to, ring.zones)
            and (ring.band is None or band_holds(self.tariff, self.tariff.bands[ring.band], event.start, made.zone))
        )

    def _reached(self, ring: Ring, made: LevelExplained) -> bool:
        scale = 1_000 if ring.volume_unit == "amount" else 1_000_000_000
        return (
            self.standing.volumes.get((ring.id, ring.counted_by(self.party), made.level, made.tier), 0) * scale
            >= ring.volume_from
        )

    def _count(self, made: LevelExplained, rings: list[Ring]) -> None:
        for ring in rings if made.billed else ():
            key = (ring.id, ring.counted_by(self.party), made.level, made.tier)
            more = {"amount": made.amount, "units": made.billed, "events": int(made.before == 0)}[ring.volume_unit]
            self.standing.volumes[key] = self.standing.volumes.get(key, 0) + more

    def _share(self, made: LevelExplained) -> None:
        rest = made.rounded - rounded(made.charge, made.decimals, made.mode)
        shares = [rounded(effect.change, made.decimals, made.mode) for effect in made.rings[:-1]]
        shares.append(rest - sum(shares))
        made.rings = [
            Effected(effect.ring, effect.before, effect.change, share)
            for effect, share in zip(made.rings, shares, strict=False)
        ]

    def _pay(self, made: LevelExplained) -> None:
        for part in made.buckets:
            self.standing.take(part.bucket, self.party.name, part.amount)
        made.amount = made.rounded
        retail = self.tariff.inherited(self.party.retail).currency if self.party.retail else None
        for bucket in self._buckets(made):
            left = self.standing.most(bucket, self.party.name)
            if bucket.unit == "money" and (bucket.currency or retail) == made.currency and made.amount and left:
                paid = min(made.amount, left)
                self.standing.take(bucket.id, self.party.name, paid)
                made.buckets.append(Drawn(bucket.id, "money", paid, left - paid))
                made.amount -= paid


def within(rate: Rate, amount: int) -> int:
    """Raise to the minimum charge, lower to the maximum."""
    if rate.min_charge is not None:
        amount = max(amount, rate.min_charge)
    return amount if rate.max_charge is None else min(amount, rate.max_charge)
