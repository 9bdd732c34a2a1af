"""The tariff document: the JSON form in which prices enter and leave. Read strictly, refused whole with every fault."""

from __future__ import annotations

import json
import re
from datetime import date

from domain.catalogue.bucket_reading import bucket, plan
from domain.catalogue.checking import check
from domain.catalogue.price_reading import price_list, ring
from domain.catalogue.reading import NEVER, Fault, Place, calendar_date, members, shown
from domain.catalogue.tariff import (
    ALL_DAYS,
    DAY_SECONDS,
    Band,
    Destination,
    Party,
    Ported,
    Tariff,
    Trunk,
    Zone,
)
from domain.catalogue.writing import write_tariff
from domain.money import INT64_MAX
from domain.refusal import BadValue, Unreadable

__all__ = ["BadTariff", "parse_json", "read_tariff", "write_tariff"]

DIGITS_MAX = 18  # what a left-aligned 64-bit number holds; E.164 has 15
_DAYS = re.compile(r"[1-7](-[1-7])?", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class BadTariff(BadValue):
    """The document is wrong; ``faults`` holds each fault with its JSON path."""

    code = "bad_tariff"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        if len(faults) > 1:
            super().__init__("{fault} (and {count} more)", fault=str(faults[0]), count=len(faults) - 1)
        else:
            super().__init__(str(faults[0]))
        self.faults = faults


def parse_json(text: str | bytes) -> object:
    """Parse JSON so that a repeated key is not lost. Refuses with: Unreadable."""
    try:
        return json.loads(text, object_pairs_hook=members)
    except UnicodeDecodeError as wrong:
        raise Unreadable("not UTF-8 at byte {start}; save the document as UTF-8", start=wrong.start) from None
    except json.JSONDecodeError as wrong:
        raise Unreadable(
            "line {lineno} column {colno}: not JSON: {msg}", lineno=wrong.lineno, colno=wrong.colno, msg=wrong.msg
        ) from None
    except RecursionError:
        raise Unreadable("not a tariff document: nested too deeply") from None
    except ValueError as wrong:
        raise Unreadable("not JSON: {wrong}", wrong=wrong) from None


def read_tariff(mapping: object) -> Tariff:
    """Read a tariff document (parsed JSON).

    Refuses with: BadTariff (every fault with its JSON path).
    """
    faults: list[Fault] = []
    tariff = read_parts(mapping, faults)
    check(tariff, faults)
    if faults:
        raise BadTariff(tuple(faults))
    return tariff


def read_parts(mapping: object, faults: list[Fault]) -> Tariff:
    """Read each part of a tariff document by itself; whether they fit each other is not looked at."""
    top = Place.of(mapping, "$", faults)
    tariff = Tariff(
        bands={name: _band(name, Place.of(v, path, faults)) for name, path, v in top.entries("bands")},
        holidays={name: _dates(v, path, faults) for name, path, v in top.entries("holidays")},
        destinations={n: _destination(n, Place.of(v, p, faults)) for n, p, v in top.entries("destinations")},
        ported=tuple(_ported(Place.of(v, path, faults)) for path, v in top.items("ported")),
        zones={name: _zone(name, v, path, faults) for name, path, v in top.entries("zones")},
        price_lists={n: price_list(n, Place.of(v, p, faults)) for n, p, v in top.entries("price_lists")},
        rings=tuple(ring(Place.of(v, path, faults)) for path, v in top.items("discount_rings")),
        buckets=tuple(bucket(Place.of(v, path, faults)) for path, v in top.items("buckets")),
        plans={name: plan(name, Place.of(v, path, faults)) for name, path, v in top.entries("plans")},
        trunks={name: _trunk(name, Place.of(v, path, faults)) for name, path, v in top.entries("trunks")},
        parties={name: _party(name, Place.of(v, path, faults)) for name, path, v in top.entries("parties")},
    )
    top.close()
    return tariff


def _band(name: str, place: Place) -> Band:
    days = place.get("days")
    start, end = _clock(place, "from", 0), _clock(place, "to", DAY_SECONDS)
    band = Band(
        name=name,
        days=ALL_DAYS if days is None else _days(place, days),
        start=start,
        end=end,
        except_holidays=place.text("except_holidays"),
        on_holidays=place.text("on_holidays"),
        rank=place.integer("rank", 1, least=-INT64_MAX),
    )
    place.close()
    return band


def _days(place: Place, text: object) -> frozenset[int]:
    if not isinstance(text, str):
        place.fault("days", f'must be a text such as "1-5,7", not {shown(text)}')
        return ALL_DAYS
    found: set[int] = set()
    for part in text.split(",") if text else ():
        if not _DAYS.fullmatch(part) or part[0] > part[-1]:
            place.fault("days", f'{shown(text)} is not of the form "1-5,7" (1 = Monday)')
            return ALL_DAYS
        found.update(range(int(part[0]), int(part[-1]) + 1))
    return frozenset(found)


def _clock(place: Place, key: str, default: int) -> int:
    value = place.get(key)
    if value is None:
        return default
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        seconds = int(match[1]) * 3600 + int(match[2]) * 60
        if int(match[2]) < 60 and seconds <= DAY_SECONDS:
            return seconds
    place.fault(key, f"{shown(value)} is not a time of day such as 08:00")
    return default


def _dates(value: object, path: str, faults: list[Fault]) -> tuple[date, ...]:
    if not isinstance(value, list):
        faults.append(Fault(path, f"must be an array of dates, not {shown(value)}"))
        return ()
    found = []
    for index, text in enumerate(value):
        try:
            found.append(calendar_date(text))
        except ValueError as wrong:
            faults.append(Fault(f"{path}[{index}]", str(wrong)))
    return tuple(found)


def _digits(place: Place, key: str | int, text: str) -> None:
    if not _DIGITS.fullmatch(text):
        place.fault(key, f"{shown(text)} is not E.164 digits without plus")
    elif len(text) > DIGITS_MAX:
        place.fault(key, f"{text} has more than {DIGITS_MAX} digits")


def _destination(name: str, place: Place) -> Destination:
    if name == "*" or name.startswith("group:"):
        place.fault(None, "is a reserved name")
    place.get("prefixes", required=True)
    prefixes = place.texts("prefixes") or ()
    for index, prefix in enumerate(prefixes):
        _digits(Place({}, f"{place.path}.prefixes", place.faults), index, prefix)
    start, end = place.validity()
    made = Destination(name=name, prefixes=prefixes, groups=place.texts("groups") or (), valid_from=start, valid_to=end)
    place.close()
    return made


def _ported(place: Place) -> Ported:
    number, to, start = (
        place.text("number", required=True),
        place.text("to", required=True),
        place.time("from", required=True),
    )
    if number:
        _digits(place, "number", number)
    place.close()
    return Ported(number=number or "", to=to or "", valid_from=start or NEVER)


def _zone(name: str, value: object, path: str, faults: list[Fault]) -> Zone:
    if name in {"home", "*"}:
        faults.append(Fault(path, "is a reserved name"))
    place = Place({"countries": value}, path, faults) if isinstance(value, list) else Place.of(value, path, faults)
    place.get("countries", required=True)
    made = Zone(name=name, countries=place.texts("countries") or (), rank=place.integer("rank", 1, least=-INT64_MAX))
    place.close()
    return made


def _trunk(name: str, place: Place) -> Trunk:
    made = Trunk(name=name, cost=place.text("cost"))
    place.close()
    return made


def _party(name: str, place: Place) -> Party:
    numbers = place.texts("numbers") or ()
    for index, number in enumerate(numbers):
        _digits(Place({}, f"{place.path}.numbers", place.faults), index, number)
    made = Party(
        name=name,
        retail=place.text("retail"),
        wholesale=place.texts("wholesale") or (),
        cost=place.text("cost"),
        deviations=place.text("deviations"),
        numbers=numbers,
        groups=place.texts("groups") or (),
        shares=place.texts("shares") or (),
    )
    place.close()
    return made
