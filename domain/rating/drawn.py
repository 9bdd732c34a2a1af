"""What buckets give to an event, in plain Python, for its explanation."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalogue.tariff import Bucket, Party, unit_of
from domain.rating.explanation import Drawn, LevelExplained
from domain.rating.searched import Search
from domain.rating.standing import Standing
from domain.rating.walked import Run


@dataclass(frozen=True, slots=True)
class Draws:
    """The buckets that the party of an event may draw on."""

    search: Search
    party: Party
    standing: Standing

    def open_on(self, level: str) -> list[Bucket]:
        """Return the buckets that serve the event on a level, in the order in which they are drawn."""
        owners = {self.party.name, *self.party.shares}
        own = [b for b in self.search.tariff.buckets if b.owner in owners and b.is_open_to(self.party)]
        found = [b for b in own if level in b.levels and self._in_scope(b)]
        return sorted(found, key=lambda b: (b.priority, b.period[1], b.id))

    def _in_scope(self, bucket: Bucket) -> bool:
        event = self.search.event
        return (
            bucket.period[0] <= event.start < bucket.period[1]
            and (bucket.modes is None or event.mode in bucket.modes)
            and (bucket.directions is None or event.direction in bucket.directions)
            and self.search.meets(bucket.to, bucket.zones)
        )

    def units(self, buckets: list[Bucket], runs: list[Run], made: LevelExplained) -> list[Drawn]:
        """Return what buckets of the event's unit give of what it bills; nothing is taken yet."""
        drawn, taken = [], 0
        for bucket in buckets:
            left, rest = self.standing.most(bucket, self.party.name), made.billed - taken
            given = min(left, rest)
            if bucket.unit != unit_of(self.search.event.mode) or given == 0:
                continue
            position = made.before + taken
            if bucket.split == "increment" and given < rest:
                reached = max(run.boundary(position + given) for run in runs if run.begin <= position + given)
                given = max(reached - position, 0)
            if given:
                drawn.append(Drawn(bucket.id, bucket.unit, given, left - given))
                taken += given
        return drawn

    def pay(self, made: LevelExplained) -> None:
        """Take what was drawn, and pay the rounded amount from buckets of money as far as they reach."""
        for part in made.buckets:
            self.standing.take(part.bucket, self.party.name, part.amount)
        made.amount = made.rounded
        retail = self.search.tariff.inherited(self.party.retail).currency if self.party.retail else None
        for bucket in self.open_on(made.level):
            left = self.standing.most(bucket, self.party.name)
            if bucket.unit == "money" and (bucket.currency or retail) == made.currency and made.amount and left:
                paid = min(made.amount, left)
                self.standing.take(bucket.id, self.party.name, paid)
                made.buckets.append(Drawn(bucket.id, "money", paid, left - paid))
                made.amount -= paid
