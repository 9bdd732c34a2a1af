"""What a tariff must fulfil as a whole: names that exist, no cycle, no two things that claim the same at one time.

Each check is a plain function that appends its faults; none stops at the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from domain.catalogue.reading import Fault, joined
from domain.catalogue.tariff import ANY, EACH, GROUP, HOME, ON_PLAN, Bucket, Party, PriceList, Rate, Tariff

_NEVER = datetime.max.replace(tzinfo=UTC)  # only sorts open sides
Item = TypeVar("Item")
Span = tuple[datetime | None, datetime | None]


def check(tariff: Tariff, faults: list[Fault]) -> None:
    """Append every fault of the tariff as a whole."""
    places = set(tariff.destinations) | {GROUP + g for d in tariff.destinations.values() for g in d.groups}
    _bands(tariff, faults)
    _prefixes(tariff, faults)
    _ported(tariff, faults)
    _lists(tariff, faults)
    for name, plist in tariff.price_lists.items():
        _rates(tariff, plist, places, joined("$.price_lists", name), faults)
    _rings(tariff, places, faults)
    _trunks(tariff, faults)
    _parties(tariff, faults)
    _buckets(tariff, places, faults)
    _plans(tariff, faults)


def _unknown(faults: list[Fault], path: str, what: str, name: str) -> None:
    faults.append(Fault(path, f"there is no {what} {name!r}"))


def overlaps(items: Iterable[tuple[Item, Span]]) -> list[tuple[Item, Item]]:
    """Return neighbouring pairs whose half-open spans share an instant; an open side is None."""
    ordered = sorted(items, key=lambda item: (item[1][0] is not None, item[1][0] or _NEVER))
    found = []
    latest: tuple[Item, datetime | None] | None = None
    for item, (start, end) in ordered:
        if latest is not None and (latest[1] is None or start is None or start < latest[1]):
            found.append((latest[0], item))
        if latest is None or (latest[1] is not None and (end is None or end > latest[1])):
            latest = (item, end)
    return found


def _bands(tariff: Tariff, faults: list[Fault]) -> None:
    for name, band in tariff.bands.items():
        for key in ("except_holidays", "on_holidays"):
            calendar = getattr(band, key)
            if calendar is not None and calendar not in tariff.holidays:
                _unknown(faults, f"{joined('$.bands', name)}.{key}", "calendar of holidays", calendar)


def _prefixes(tariff: Tariff, faults: list[Fault]) -> None:
    owners: defaultdict[str, list[tuple[tuple[str, int], Span]]] = defaultdict(list)
    for name, destination in tariff.destinations.items():
        seen: dict[str, int] = {}
        for index, prefix in enumerate(destination.prefixes):
            seen.setdefault(prefix, index)
        for prefix, index in seen.items():
            owners[prefix].append(((name, index), (destination.valid_from, destination.valid_to)))
    for prefix, claims in owners.items():
        if len(claims) > 1:
            for one, other in overlaps(claims):
                path = f"{joined('$.destinations', other[0])}.prefixes[{other[1]}]"
                faults.append(Fault(path, f"prefix {prefix} belongs to {one[0]!r} at the same time"))


def _ported(tariff: Tariff, faults: list[Fault]) -> None:
    seen: set[tuple[str, datetime]] = set()
    for index, entry in enumerate(tariff.ported):
        path = f"$.ported[{index}]"
        if entry.to and entry.to not in tariff.destinations:
            _unknown(faults, f"{path}.to", "destination", entry.to)
        if (entry.number, entry.valid_from) in seen:
            faults.append(Fault(path, f"{entry.number} is ported twice at one time"))
        seen.add((entry.number, entry.valid_from))


def _lists(tariff: Tariff, faults: list[Fault]) -> None:
    for name, plist in tariff.price_lists.items():
        path = joined("$.price_lists", name)
        if plist.parent is not None and plist.parent not in tariff.price_lists:
            _unknown(faults, f"{path}.parent", "price list", plist.parent)
        elif _cyclic(tariff, name):
            faults.append(Fault(f"{path}.parent", "the list is its own ancestor"))
        elif plist.parent is not None and plist.currency is not None:
            above = _currency(tariff, plist.parent)
            if above is not None and above != plist.currency:
                faults.append(Fault(f"{path}.currency", f"{plist.currency} is not the parent's currency {above}"))


def _cyclic(tariff: Tariff, name: str) -> bool:
    here: str | None = name
    seen = set()
    while here is not None and here in tariff.price_lists:
        if here in seen:
            return True
        seen.add(here)
        here = tariff.price_lists[here].parent
    return False


def _currency(tariff: Tariff, name: str | None) -> str | None:
    """Return a list's currency, inherited where left out; None where there is none, or the chain is broken."""
    seen = set()
    while name is not None and name in tariff.price_lists and name not in seen:
        seen.add(name)
        plist = tariff.price_lists[name]
        if plist.currency is not None:
            return plist.currency
        name = plist.parent
    return None


def _rates(tariff: Tariff, plist: PriceList, places: set[str], path: str, faults: list[Fault]) -> None:
    alike: defaultdict[tuple[str | None, ...], list[tuple[int, Span]]] = defaultdict(list)
    master = plist.parent is None and not any(p.deviations == plist.name for p in tariff.parties.values())
    for index, rate in enumerate(plist.rates):
        _names(tariff, rate, places, f"{path}.rates[{index}]", faults)
        if rate.adjust is not None and master and plist.currency is not None:
            faults.append(Fault(f"{path}.rates[{index}].adjust", "the list has no parent whose price it could adjust"))
        key = (rate.to, rate.origin, rate.mode, rate.direction, rate.zone, rate.band)
        alike[key].append((index, (rate.valid_from, rate.valid_to)))
    for claims in alike.values():
        if len(claims) > 1:
            for one, other in overlaps(claims):
                rate = plist.rates[other]
                what = f"{rate.mode} to {rate.to}" + (f" from {rate.origin}" if rate.origin else "")
                equal = f"is equal to rates[{one}] in to, from, zone, band, mode and direction at the same time"
                message = f"{what} {equal}"
                faults.append(Fault(f"{path}.rates[{other}]", message))


def _names(tariff: Tariff, rate: Rate, places: set[str], path: str, faults: list[Fault]) -> None:
    if rate.to not in places and rate.to not in {ANY, ""}:
        _unknown(faults, f"{path}.to", "destination", rate.to)
    if rate.origin is not None and rate.origin not in places:
        _unknown(faults, f"{path}.from", "destination", rate.origin)
    if rate.band is not None and rate.band not in tariff.bands:
        _unknown(faults, f"{path}.band", "band", rate.band)
    if rate.zone is not None and rate.zone != ANY and rate.zone not in tariff.zones:
        _unknown(faults, f"{path}.zone", "zone", rate.zone)


def _condition(names: tuple[str, ...] | None, known: Callable[[str], bool], path: str, faults: list[Fault]) -> None:
    for index, name in enumerate(names or ()):
        if not known(name):
            _unknown(faults, f"{path}[{index}]", "name", name)


def _rings(tariff: Tariff, places: set[str], faults: list[Fault]) -> None:
    seen = set()
    for index, ring in enumerate(tariff.rings):
        path = f"$.discount_rings[{index}]"
        if ring.id in seen:
            faults.append(Fault(f"{path}.id", f"there are two rings {ring.id!r}"))
        seen.add(ring.id)
        if ring.band is not None and ring.band not in tariff.bands:
            _unknown(faults, f"{path}.when.band", "band", ring.band)
        _condition(ring.to, lambda name: name in places or name == ANY, f"{path}.when.to", faults)
        _condition(ring.zones, lambda name: name in tariff.zones or name in {HOME, ANY}, f"{path}.when.zones", faults)


def _trunks(tariff: Tariff, faults: list[Fault]) -> None:
    for name, trunk in tariff.trunks.items():
        if trunk.cost is not None:
            _priced(tariff, trunk.cost, f"{joined('$.trunks', name)}.cost", faults)


def _priced(tariff: Tariff, name: str, path: str, faults: list[Fault]) -> None:
    """Check a list that prices a level: it exists and has a currency."""
    if name not in tariff.price_lists:
        _unknown(faults, path, "price list", name)
    elif _currency(tariff, name) is None:
        faults.append(Fault(path, f"price list {name!r} has no currency, of its own or inherited"))


def _parties(tariff: Tariff, faults: list[Fault]) -> None:
    holders: dict[str, str] = {}
    for name, party in tariff.parties.items():
        path = joined("$.parties", name)
        for key in ("retail", "cost"):
            plist = getattr(party, key)
            if plist is not None:
                _priced(tariff, plist, f"{path}.{key}", faults)
        for index, plist in enumerate(party.wholesale):
            _priced(tariff, plist, f"{path}.wholesale[{index}]", faults)
        if party.deviations is not None:
            _deviations(tariff, party, f"{path}.deviations", faults)
        for index, number in enumerate(party.numbers):
            holder = holders.setdefault(number, name)
            if holder != name:
                faults.append(Fault(f"{path}.numbers[{index}]", f"{number} is also a number of {holder!r}"))


def _deviations(tariff: Tariff, party: Party, path: str, faults: list[Fault]) -> None:
    if party.deviations not in tariff.price_lists:
        _unknown(faults, path, "price list", str(party.deviations))
        return
    own, retail = _currency(tariff, party.deviations), _currency(tariff, party.retail)
    if own is not None and retail is not None and own != retail:
        faults.append(Fault(path, f"is in {own}, but the retail list is in {retail}"))


def _buckets(tariff: Tariff, places: set[str], faults: list[Fault]) -> None:
    seen = set()
    users: defaultdict[str, list[Party]] = defaultdict(list)
    for party in tariff.parties.values():
        for owner in {party.name, *party.shares}:
            users[owner].append(party)
    for each in EACH:
        users[each] = list(tariff.parties.values())
    for index, bucket in enumerate(tariff.buckets):
        path = f"$.buckets[{index}]"
        if bucket.id in seen:
            faults.append(Fault(f"{path}.id", f"there are two buckets {bucket.id!r}"))
        seen.add(bucket.id)
        _condition(bucket.to, lambda name: name in places or name == ANY, f"{path}.scope.to", faults)
        _condition(bucket.zones, lambda n: n in tariff.zones or n in {HOME, ANY}, f"{path}.scope.zones", faults)
        for number, name in enumerate(bucket.of or ()):
            if name not in tariff.price_lists:
                _unknown(faults, f"{path}.of[{number}]", "price list", name)
        if bucket.unit == "money" and bucket.currency is None:
            sharing = [party for party in users[bucket.owner] if bucket.of is None or party.retail in bucket.of]
            currencies = {_currency(tariff, party.retail) for party in sharing if party.retail}
            if len(currencies) > 1:
                message = "must be given: the parties that may draw have retail lists in several currencies"
                faults.append(Fault(f"{path}.currency", message))
        if bucket.when_empty is not None:
            _overage(tariff, bucket, users[bucket.owner], path, faults)


def _plans(tariff: Tariff, faults: list[Fault]) -> None:
    for name, plan in tariff.plans.items():
        path = f"{joined('$.plans', name)}.price_list"
        if plan.price_list is not None and plan.price_list not in tariff.price_lists:
            _unknown(faults, path, "price list", plan.price_list)
    for index, bucket in enumerate(tariff.buckets):
        for number, name in enumerate(bucket.plans or ()):
            path = f"$.buckets[{index}].plans[{number}]"
            if name not in tariff.plans:
                _unknown(faults, path, "plan", name)
            elif not tariff.plans[name].shares and bucket.owner != "each subscription":
                faults.append(Fault(path, "is a plan for one subscription; its buckets are of 'each subscription'"))
    for index, ring in enumerate(tariff.rings):
        for number, group in enumerate(ring.groups or ()):
            if group.startswith(ON_PLAN) and group.removeprefix(ON_PLAN) not in tariff.plans:
                path = f"$.discount_rings[{index}].when.groups[{number}]"
                _unknown(faults, path, "plan", group.removeprefix(ON_PLAN))


def _overage(tariff: Tariff, bucket: Bucket, users: list[Party], path: str, faults: list[Fault]) -> None:
    assert bucket.when_empty is not None
    place = f"{path}.when_empty.price_list"
    _priced(tariff, bucket.when_empty, place, faults)
    own = _currency(tariff, bucket.when_empty)
    lists = [plist for party in users for plist in _level_lists(tariff, party, bucket.levels)]
    for plist in lists:
        other = _currency(tariff, plist)
        if own is not None and other is not None and own != other:
            faults.append(Fault(place, f"is in {own}, but the list {plist!r} it stands in for is in {other}"))
            return


def _level_lists(tariff: Tariff, party: Party, levels: tuple[str, ...]) -> list[str]:
    """Return the lists that price a party on the levels, the trunks' included where the party has no cost list."""
    lists: list[str | None] = []
    if "retail" in levels:
        lists.append(party.retail)
    if "wholesale" in levels:
        lists += party.wholesale
    if "cost" in levels:
        lists += [party.cost] if party.cost else [trunk.cost for trunk in tariff.trunks.values()]
    return [plist for plist in lists if plist is not None]
