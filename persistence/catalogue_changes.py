"""What a change of the catalogue leaves, ends and begins: the same for PostgreSQL and for its twin in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.catalogue.tariff import Destination, PriceList, Rate, Tariff
from domain.catalogue.versions import bare
from domain.ports.catalogue import Changed

# The parts of a tariff that change whole, by the names of the tariff document.
PARTS = {
    "bands": "bands",
    "holidays": "holidays",
    "zones": "zones",
    "trunks": "trunks",
    "ported": "ported",
    "discount_rings": "rings",
    "buckets": "buckets",
    "plans": "plans",
}
OUTLINED = ("bands", "holidays", "zones", "trunks", "plans")


@dataclass(slots=True)
class Changes:
    """Rows that end and rows that begin. What begins has no key yet, but for prefixes of a destination that stays."""

    ended_destinations: list[Destination] = field(default_factory=list)
    new_destinations: list[Destination] = field(default_factory=list)
    prefixes: list[tuple[Destination, Destination]] = field(default_factory=list)  # (as it was, as it will be)
    ended_lists: list[PriceList] = field(default_factory=list)
    new_lists: list[PriceList] = field(default_factory=list)
    ended_rates: list[Rate] = field(default_factory=list)
    new_rates: list[tuple[str, Rate]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Tell whether anything changes."""
        return any(
            (
                self.ended_destinations,
                self.new_destinations,
                self.prefixes,
                self.ended_lists,
                self.new_lists,
                self.ended_rates,
                self.new_rates,
                self.parts,
            )
        )


def between(before: Tariff, after: Tariff) -> Changes:
    """Return what turns one catalogue into another; keys of ``after`` do not matter."""
    changes = Changes()
    _destinations(before.destinations, after.destinations, changes)
    _lists(before.price_lists, after.price_lists, changes)
    for name in dict.fromkeys((*before.price_lists, *after.price_lists)):
        old = before.price_lists[name].rates if name in before.price_lists else ()
        new = after.price_lists[name].rates if name in after.price_lists else ()
        ended, begun = _rates(old, new)
        changes.ended_rates += ended
        changes.new_rates += [(name, rate) for rate in begun]
    for part, attribute in PARTS.items():
        if getattr(before, attribute) != getattr(after, attribute):
            changes.parts.append(part)
    return changes


def counted(changes: Changes) -> Changed:
    """Return how many rows begin and end."""
    begun = ended = 0
    for old, new in changes.prefixes:
        same = set(old.prefixes) & set(new.prefixes) if span(old) == span(new) else set()
        begun += len(set(new.prefixes) - same)
        ended += len(set(old.prefixes) - same)
    for one in changes.new_destinations:
        begun += 1 + len(set(one.prefixes))
    for one in changes.ended_destinations:
        ended += 1 + len(one.prefixes)
    begun += len(changes.new_lists) + len(changes.new_rates) + len(changes.parts)
    ended += len(changes.ended_lists) + len(changes.ended_rates)
    return Changed(began=begun, ended=ended)


def span(destination: Destination) -> tuple[datetime | None, datetime | None]:
    """Return when a destination's prefixes are valid."""
    return destination.valid_from, destination.valid_to


def _destinations(before: Mapping[str, Destination], after: Mapping[str, Destination], changes: Changes) -> None:
    for name, old in before.items():
        new = after.get(name)
        if new is None or new.groups != old.groups:
            changes.ended_destinations.append(old)
        elif set(new.prefixes) != set(old.prefixes) or (old.prefixes and span(old) != span(new)):
            changes.prefixes.append((old, replace(new, id=old.id)))
    for name, new in after.items():
        kept = before.get(name)
        if kept is None or kept.groups != new.groups:
            changes.new_destinations.append(replace(new, id=0))


def _lists(before: Mapping[str, PriceList], after: Mapping[str, PriceList], changes: Changes) -> None:
    heads = {name: replace(one, rates=(), id=0) for name, one in before.items()}
    for name, old in before.items():
        if name not in after or replace(after[name], rates=(), id=0) != heads[name]:
            changes.ended_lists.append(old)
    for name, new in after.items():
        head = replace(new, rates=(), id=0)
        if heads.get(name) != head:
            changes.new_lists.append(head)


def _rates(old: Sequence[Rate], new: Sequence[Rate]) -> tuple[list[Rate], list[Rate]]:
    """Compare two lists of rates without regard to order; of equal ones as many stay as both have."""
    wanted = Counter(bare(rate) for rate in new)
    ended = []
    for rate in old:
        said = bare(rate)
        if wanted[said] > 0:
            wanted[said] -= 1
        else:
            ended.append(rate)
    begun = []
    for rate in new:
        said = bare(rate)
        if wanted[said] > 0:
            wanted[said] -= 1
            begun.append(said)
    return ended, begun
