"""What buckets and rings hold before an event, for its explanation."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.catalogue.tariff import Bucket


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
