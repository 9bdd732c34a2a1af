"""What the catalogue would be with a draft published: the groups of a draft expanded, its changes laid over it.

Faults carry the place in the draft. What has no validity of its own (bands, holidays, zones, trunks, a list's head, a
destination, ring or bucket that stands already) changes when it is published; a draft that is to begin later and
changes such a thing is at fault there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from domain.catalogue.checking import check, overlaps
from domain.catalogue.document import read_parts
from domain.catalogue.draft import Changes
from domain.catalogue.reading import Fault, Place, joined, shown
from domain.catalogue.tariff import PriceList, Rate, Tariff
from domain.catalogue.versions import Selector, bare, put_all, selector, stop, whole

MODES: Final = "modes:"
DESTINATIONS: Final = "destinations:"
_NAMED: Final = ("bands", "holidays", "zones", "trunks", "plans")
_LISTED: Final = {"discount_rings": "rings", "buckets": "buckets"}
_HEAD: Final = ("currency", "zone", "parent", "band_policy", "rounding")
_RATE: Final = re.compile(r"^(?P<list>\$\.price_lists.*?)\.rates\[(?P<index>\d+)\]")
_ENTRY: Final = re.compile(r"^\$\.(?P<part>discount_rings|buckets)\[(?P<index>\d+)\]")


@dataclass(slots=True)
class Edited:
    """The catalogue as it would be, the faults on the way, and the rates that a list would have anew."""

    after: Tariff
    faults: list[Fault] = field(default_factory=list)
    changed: dict[str, tuple[Rate, ...]] = field(default_factory=dict)
    places: dict[str, dict[Selector, str]] = field(default_factory=dict)  # of each list's rates in the draft

    def traced(self, fault: Fault) -> Fault:
        """Give a fault of the whole its place in the draft."""
        return _traced(fault, self.after, self.places)


@dataclass(slots=True)
class _Sources:
    """Where in the draft the entries came from that were read: for each list the key and index of each rate."""

    rates: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, set[Selector]] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    entries: dict[str, list[str]] = field(default_factory=dict)


def lists_alone(changes: Changes) -> frozenset[str] | None:
    """Return the lists a draft changes where it changes nothing that other lists name; None: look at everything."""
    if any(changes.get(part) for part in (*_NAMED, "destinations")):
        return None
    lists = changes.get("price_lists", {})
    return None if any(body is None for body in lists.values()) else frozenset(lists)


def edited(before: Tariff, changes: Changes, *, at: datetime, now: datetime) -> Edited:
    """Lay a draft over a catalogue, to hold from ``at`` on.

    ``before`` holds the rates of the lists that the draft changes; of others it may leave them out (``lists_alone``).
    """
    faults: list[Fault] = []
    sources = _Sources()
    read = read_parts(_document(changes, sources, faults), faults)
    faults[:] = [_placed(fault, sources) for fault in faults]
    after = _small_parts(before, read, changes, faults, at=at, now=now)
    lists = dict(before.price_lists)
    for name, body in changes.get("price_lists", {}).items():
        path = joined("$.price_lists", name)
        if body is None:
            if lists.pop(name, None) is None:
                faults.append(Fault(path, "there is no such list that could be removed"))
            elif at > now:
                faults.append(Fault(path, "a list is removed at once; it cannot wait"))
            continue
        _twice(read.price_lists[name].rates, sources.rates[name], at, faults, past=name not in sources.partial)
        lists[name] = _list(before.price_lists.get(name), read.price_lists[name], name, sources, at)
        if name not in before.price_lists and name in sources.partial:
            faults.append(Fault(path, "there is no such list yet: a new one has rates, not change or end"))
        if name in before.price_lists and at > now and _head(lists[name]) != _head(before.price_lists[name]):
            faults.append(Fault(path, "a list's currency, zone, parent, policy and rounding change at once, not later"))
    after = replace(after, price_lists=lists)
    found: list[Fault] = []
    check(after, found)
    places = {name: _places(read.price_lists[name].rates, made) for name, made in sources.rates.items()}
    faults += [_traced(fault, after, places) for fault in found]
    changed = {name: _anew(before.price_lists.get(name), lists[name]) for name in sources.rates}
    return Edited(after, faults, changed, places)


def _document(changes: Changes, sources: _Sources, faults: list[Fault]) -> dict[str, object]:
    """Return the tariff document of what the draft puts, its groups expanded."""
    made: dict[str, object] = {}
    for part in (*_NAMED, "destinations"):
        made[part] = {name: body for name, body in changes.get(part, {}).items() if body is not None}
    for part in _LISTED:
        entries = {name: body for name, body in changes.get(part, {}).items() if body is not None}
        sources.entries[part] = list(entries)
        made[part] = [
            {**body, "id": body.get("id", name)} if isinstance(body, Mapping) else body
            for name, body in entries.items()
        ]
        for name, body in entries.items():
            if isinstance(body, Mapping) and body.get("id", name) != name:
                faults.append(Fault(f"{joined(f'$.{part}', name)}.id", f"is not the name {name!r} it stands under"))
    groups = {part: _groups(changes, part, faults) for part in ("mode_groups", "destination_groups")}
    made["price_lists"] = {
        name: _list_document(name, body, groups, sources, faults)
        for name, body in changes.get("price_lists", {}).items()
        if body is not None
    }
    return made


def _groups(changes: Changes, part: str, faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, members in changes.get(part, {}).items():
        place = Place({"members": members}, joined(f"$.{part}", name), faults)
        texts = place.texts("members") or ()
        if not texts:
            faults.append(Fault(place.path, "must name at least one"))
        found[name] = tuple(dict.fromkeys(texts))
    return found


def _list_document(
    name: str, body: object, groups: Mapping[str, Mapping[str, tuple[str, ...]]], sources: _Sources, faults: list[Fault]
) -> object:
    path = joined("$.price_lists", name)
    sources.rates[name] = []
    if not isinstance(body, Mapping):
        return body
    if "rates" in body and ("change" in body or "end" in body):
        faults.append(Fault(path, "has either rates, the whole list, or change and end"))
    rest = {key: value for key, value in body.items() if key not in {"change", "end"}}
    key = "rates"
    if "rates" not in body:
        sources.partial.add(name)
        key = "change"
        sources.ended[name] = _selectors(body.get("end"), f"{path}.end", groups, faults)
    rates = body.get(key)
    if rates is None:
        rates = []
    if not isinstance(rates, list):
        faults.append(Fault(f"{path}.{key}", f"must be an array, not {shown(rates)}"))
        rates = []
    made: list[object] = []
    for index, rate in enumerate(rates):
        place = f"{path}.{key}[{index}]"
        expanded = _expanded(rate, groups, place, faults)
        made += expanded
        sources.rates[name] += [place] * len(expanded)
    return {**rest, "rates": made}


def _selectors(
    value: object, path: str, groups: Mapping[str, Mapping[str, tuple[str, ...]]], faults: list[Fault]
) -> set[Selector]:
    """Read the selectors of rates that end; the same keys as a rate's, without prices."""
    found: set[Selector] = set()
    if value is not None and not isinstance(value, list):
        faults.append(Fault(path, f"must be an array, not {shown(value)}"))
        return found
    for index, raw in enumerate(value or ()):
        for one in _expanded(raw, groups, f"{path}[{index}]", faults):
            place = Place.of(one, f"{path}[{index}]", faults)
            to, mode = place.text("to", required=True), place.text("mode", required=True)
            direction = place.text("direction", among=("out", "in")) or "out"
            found.add((to or "", place.text("from"), mode or "", direction, place.text("band"), place.text("zone")))
            place.close()
    return found


def _expanded(
    rate: object, groups: Mapping[str, Mapping[str, tuple[str, ...]]], path: str, faults: list[Fault]
) -> list[object]:
    """Return a rate once for each mode and destination of the groups it names."""
    if not isinstance(rate, Mapping):
        return [rate]
    made: list[dict[str, Any]] = [dict(rate)]
    for key, mark, part in (
        ("mode", MODES, "mode_groups"),
        ("to", DESTINATIONS, "destination_groups"),
        ("from", DESTINATIONS, "destination_groups"),
    ):
        value = rate.get(key)
        if not isinstance(value, str) or not value.startswith(mark):
            continue
        name = value.removeprefix(mark)
        if name not in groups[part]:
            faults.append(Fault(f"{path}.{key}", f"there is no group {name!r} in {part}"))
            return []
        made = [{**one, key: member} for one in made for member in groups[part][name]]
    return list(made)


def _small_parts(
    before: Tariff, read: Tariff, changes: Changes, faults: list[Fault], *, at: datetime, now: datetime
) -> Tariff:
    """Lay everything but the lists over the catalogue."""
    parts: dict[str, Any] = {}
    for part in (*_NAMED, "destinations"):
        standing = dict(getattr(before, part))
        for name, body in changes.get(part, {}).items():
            path = joined(f"$.{part}", name)
            new = None if body is None else getattr(read, part)[name]
            old = standing.pop(name, None)
            if new is None and old is None:
                faults.append(Fault(path, "there is no such thing that could be removed"))
            if at > now and part == "destinations" and old is None and new is not None:
                new = replace(new, valid_from=max(new.valid_from or at, at))
            elif at > now and not _same(old, new):
                faults.append(Fault(path, "changes when it is published; it cannot wait for a later moment"))
            if new is not None:
                standing[name] = new
        parts[part] = standing
    for part, attribute in _LISTED.items():
        standing = {one.id: one for one in getattr(before, attribute)}
        fresh = {one.id: one for one in getattr(read, attribute)}
        for name in changes.get(part, {}):
            path = joined(f"$.{part}", name)
            new, old = fresh.get(name), standing.pop(name, None)
            if new is None and old is None:
                faults.append(Fault(path, "there is no such thing that could be removed"))
            if at > now and part == "discount_rings" and old is None and new is not None:
                new = replace(new, valid_from=max(new.valid_from or at, at))
            elif at > now and old is not None and old != new:
                faults.append(Fault(path, "changes when it is published; it cannot wait for a later moment"))
            if new is not None:
                standing[name] = new
        parts[attribute] = tuple(standing.values())
    return replace(before, **parts)


def _same(old: Any, new: Any) -> bool:
    """Tell whether a thing would be as it is, its key apart; days that are mere tuples have none."""
    if old is None or new is None or isinstance(new, tuple) or not hasattr(old, "id"):
        return bool(old == new)
    return bool(replace(old, id=0) == replace(new, id=0))


def _list(old: PriceList | None, new: PriceList, name: str, sources: _Sources, at: datetime) -> PriceList:
    if old is None:
        return replace(new, rates=tuple(replace(rate, valid_from=rate.valid_from or at) for rate in new.rates))
    if name in sources.partial:
        given = {key: getattr(new, key) for key in _HEAD if getattr(new, key) is not None}
        standing = stop(old.rates, sources.ended[name], at)
        return replace(old, **given, rates=put_all(standing, new.rates, at))
    return replace(new, id=old.id, rates=whole(old.rates, new.rates, at))


def _head(one: PriceList) -> PriceList:
    return replace(one, rates=(), id=0)


def _anew(old: PriceList | None, new: PriceList) -> tuple[Rate, ...]:
    known = {bare(rate) for rate in old.rates} if old else set()
    return tuple(rate for rate in new.rates if bare(rate) not in known)


def _twice(rates: Sequence[Rate], made: Sequence[str], at: datetime, faults: list[Fault], *, past: bool) -> None:
    """Find rates of the draft itself that claim the same; laid over the list the later would hide the earlier.

    ``past``: what ended before the moment may stand there.
    """
    alike: dict[Selector, list[tuple[int, tuple[datetime | None, datetime | None]]]] = {}
    for index, rate in enumerate(rates):
        if rate.valid_to is not None and rate.valid_to <= (rate.valid_from or at):
            if past:
                continue
            faults.append(Fault(f"{made[index]}.valid_to", "ends before the draft begins to hold"))
        else:
            alike.setdefault(selector(rate), []).append((index, (rate.valid_from or at, rate.valid_to)))
    for claims in alike.values():
        for one, other in overlaps(claims) if len(claims) > 1 else ():
            message = f"is equal to {made[one]} in to, from, zone, band, mode and direction at the same time"
            faults.append(Fault(made[other], message))


def _places(rates: Sequence[Rate], made: Sequence[str]) -> dict[Selector, str]:
    return {selector(rate): place for rate, place in zip(rates, made, strict=True)}


def _placed(fault: Fault, sources: _Sources) -> Fault:
    """Give a fault of reading its place in the draft, where an entry was expanded or stands under its name."""
    if (entry := _ENTRY.match(fault.path)) is not None:
        part = entry["part"]
        place = joined(f"$.{part}", sources.entries[part][int(entry["index"])])
        return Fault(place + fault.path[entry.end() :], fault.message)
    if (rate := _RATE.match(fault.path)) is not None:
        for name, made in sources.rates.items():
            if joined("$.price_lists", name) == rate["list"] and int(rate["index"]) < len(made):
                return Fault(made[int(rate["index"])] + fault.path[rate.end() :], fault.message)
    return fault


def _traced(fault: Fault, after: Tariff, places: Mapping[str, Mapping[Selector, str]]) -> Fault:
    """Give a fault of the whole its place in the draft, where a rate of the draft is meant."""
    if (entry := _ENTRY.match(fault.path)) is not None:
        listed: Sequence[Any] = after.rings if entry["part"] == "discount_rings" else after.buckets
        place = joined(f"$.{entry['part']}", listed[int(entry["index"])].id)
        return Fault(place + fault.path[entry.end() :], fault.message)
    if (rate := _RATE.match(fault.path)) is not None:
        for name, known in places.items():
            if joined("$.price_lists", name) == rate["list"]:
                meant = selector(after.price_lists[name].rates[int(rate["index"])])
                if meant in known:
                    return Fault(known[meant] + fault.path[rate.end() :], fault.message)
    return fault
