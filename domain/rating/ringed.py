"""What discount rings make of a charge, and how it is rounded, in plain Python, for its explanation."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalogue.tariff import Party, Ring, unit_of
from domain.money import INT64_MAX, divide
from domain.rating.explanation import Effected, LevelExplained
from domain.rating.rounds import rounded
from domain.rating.searched import Search, band_holds, valid
from domain.rating.standing import Standing
from domain.rating.walked import NotPriced, Run, fits, segments, walk


@dataclass(frozen=True, slots=True)
class Ringing:
    """The rings of a catalogue around one event."""

    search: Search
    party: Party
    standing: Standing

    def discount(self, made: LevelExplained) -> list[Ring]:
        """Lay the rings on the charge, one by one, and round it; return those that count it. Raises NotPriced."""
        rings = sorted(self.search.tariff.rings, key=lambda ring: (ring.priority, ring.id))
        met = [ring for ring in rings if self._meets(ring, made)]
        left = made.charge
        holding = [ring for ring in met if self._reached(ring, made)] if made.billed > made.taken else []
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
        made.rounded = rounded(left, made.decimals, made.mode)
        _share(made)
        return met

    def count(self, made: LevelExplained, rings: list[Ring]) -> None:
        """Count the event in the volumes of rings."""
        for ring in rings if made.billed else ():
            key = (ring.id, ring.counted_by(self.party), made.level, made.tier)
            more = {"amount": made.amount, "units": made.billed, "events": int(made.before == 0)}[ring.volume_unit]
            self.standing.volumes[key] = self.standing.volumes.get(key, 0) + more

    def _meets(self, ring: Ring, made: LevelExplained) -> bool:
        tariff, event, period = self.search.tariff, self.search.event, ring.volume_period
        return (
            made.level in ring.levels
            and (ring.parties is None or not {self.party.name, *self.party.aliases}.isdisjoint(ring.parties))
            and (ring.groups is None or bool(set(ring.groups) & set(self.party.groups)))
            and (ring.modes is None or event.mode in ring.modes)
            and valid(ring.valid_from, ring.valid_to, event.start)
            and (period is None or period[0] <= event.start < period[1])
            and self.search.meets(ring.to, ring.zones)
            and (ring.band is None or band_holds(tariff, tariff.bands[ring.band], event.start, made.zone))
        )

    def _reached(self, ring: Ring, made: LevelExplained) -> bool:
        key = (ring.id, ring.counted_by(self.party), made.level, made.tier)
        scale = 1_000 if ring.volume_unit == "amount" else 1_000_000_000
        return self.standing.volumes.get(key, 0) * scale >= ring.volume_from

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
            seconds = made.billed - made.taken if unit_of(self.search.event.mode) == "seconds" else 0
            change = divide(effect.per_minute * seconds, 60)
        else:
            change = self._anew(ring, made) - left
        return fits(max(left + change, 0))

    def _anew(self, ring: Ring, made: LevelExplained) -> int:
        """Return what the event costs by a ring's own price."""
        effect, event = ring.effect, self.search.event
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


def _share(made: LevelExplained) -> None:
    """Give each ring its part of what rounding leaves between the charge and the amount."""
    rest = made.rounded - rounded(made.charge, made.decimals, made.mode)
    shares = [rounded(effect.change, made.decimals, made.mode) for effect in made.rings[:-1]]
    shares.append(rest - sum(shares))
    made.rings = [
        Effected(effect.ring, effect.before, effect.change, share)
        for effect, share in zip(made.rings, shares, strict=False)
    ]
