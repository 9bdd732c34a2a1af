"""Which price lists say what the operator himself pays, and so are not for everybody who may see prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from domain.catalogue.tariff import PriceList, Trunk


def cost_lists(trunks: Iterable[Trunk], parents: Mapping[str, str | None]) -> frozenset[str]:
    """Return the lists that trunks are paid by, and those above them that nothing else stands below.

    ``parents``: every list and the one that it inherits from.
    """
    found = {trunk.cost for trunk in trunks if trunk.cost is not None}
    below: defaultdict[str, set[str]] = defaultdict(set)
    for name, parent in parents.items():
        if parent is not None:
            below[parent].add(name)
    waiting = [parents.get(name) for name in found]
    while waiting:
        above = waiting.pop()
        if above is not None and above not in found and below[above] <= found:
            found.add(above)
            waiting.append(parents.get(above))
    return frozenset(found)


def stands_on(name: str, costs: frozenset[str], parents: Mapping[str, str | None]) -> bool:
    """Tell whether a list is, or inherits from, one of ``costs``."""
    met: set[str] = set()
    at: str | None = name
    while at is not None and at not in met:
        if at in costs:
            return True
        met.add(at)
        at = parents.get(at)
    return False


def parents_of(lists: Mapping[str, PriceList]) -> dict[str, str | None]:
    """Return each list's parent by name."""
    return {name: one.parent for name, one in lists.items()}
