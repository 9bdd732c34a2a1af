"""The tariff document: the JSON form in which prices enter and leave. Read strictly, refused whole with every fault."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.catalogue.checking import check
from domain.catalogue.reading import Fault, Place, calendar_date, members, shown
from domain.catalogue.tariff import (
    ALL_DAYS,
    DAY_SECONDS,
    EACH,
    FOREVER,
    THRESHOLDS,
    TOP_UP,
    Adjustment,
    Band,
    Bucket,
    Destination,
    Effect,
    Party,
    Plan,
    Ported,
    PriceList,
    Rate,
    Repeat,
    Ring,
    Rollover,
    RoundingRule,
    Step,
    Tariff,
    TopUp,
    Trunk,
    Zone,
)
from domain.catalogue.writing import write_tariff
from domain.money import INT64_MAX, MICRO, Rounding
from domain.refusal import BadValue, Unreadable

__all__ = ["BadTariff", "parse_json", "read_tariff", "write_tariff"]

DIGITS_MAX = 18  # what a left-aligned 64-bit number holds; E.164 has 15
TOP_UP_DAYS_MAX = 3660
PERIODS_MAX = 24  # months that what is unused may serve on
PERCENT_MAX = 90_000 * MICRO  # keeps a ring's product of remainder and percent inside 64 bits
LEVELS = ("retail", "wholesale", "cost")
DIRECTIONS = ("out", "in")
UNITS = ("seconds", "messages", "kB", "money")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)  # stands for a time that could not be read; the document is refused anyway
_DAYS = re.compile(r"[1-7](-[1-7])?", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


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
        price_lists={n: _price_list(n, Place.of(v, p, faults)) for n, p, v in top.entries("price_lists")},
        rings=tuple(_ring(Place.of(v, path, faults)) for path, v in top.items("discount_rings")),
        buckets=tuple(_bucket(Place.of(v, path, faults)) for path, v in top.items("buckets")),
        plans={name: _plan(name, Place.of(v, path, faults)) for name, path, v in top.entries("plans")},
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
    return Ported(number=number or "", to=to or "", valid_from=start or _NEVER)


def _zone(name: str, value: object, path: str, faults: list[Fault]) -> Zone:
    if name in {"home", "*"}:
        faults.append(Fault(path, "is a reserved name"))
    place = Place({"countries": value}, path, faults) if isinstance(value, list) else Place.of(value, path, faults)
    place.get("countries", required=True)
    made = Zone(name=name, countries=place.texts("countries") or (), rank=place.integer("rank", 1, least=-INT64_MAX))
    place.close()
    return made


def _price_list(name: str, place: Place) -> PriceList:
    currency, zone = place.text("currency"), place.text("zone")
    if currency and not _CURRENCY.fullmatch(currency):
        place.fault("currency", f"{shown(currency)} is not a currency code such as SEK (ISO 4217)")
    if zone and not _known_zone(zone):
        place.fault("zone", f"{shown(zone)} is not an IANA time zone such as Europe/Stockholm")
        zone = None
    rounding = place.child("rounding")
    made = PriceList(
        name=name,
        currency=currency,
        zone=zone,
        parent=place.text("parent"),
        band_policy=place.text("band_policy", among=("at_start", "split")),
        rounding=None if rounding is None else _rounding(rounding),
        rates=tuple(_rate(Place.of(v, path, place.faults)) for path, v in place.items("rates", required=True)),
    )
    place.close()
    return made


def _known_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
        return False
    return True


def _rounding(place: Place) -> RoundingRule:
    mode = place.text("mode", among=[str(m) for m in Rounding]) or "half_up"
    made = RoundingRule(decimals=place.integer("decimals", 6, most=6), mode=Rounding(mode))
    place.close()
    return made


def _rate(place: Place) -> Rate:
    adjust = place.child("adjust")
    if adjust is not None:
        for key in ("setup", "grace", "min_charge", "max_charge", "first", "steps"):
            if place.value.get(key) is not None:
                place.fault(key, "an adjustment has no prices of its own")
            place.known.add(key)
    elif place.value.get("steps") is None:
        place.fault("steps", "is required, unless the rate adjusts")
    start, end = place.validity()
    made = Rate(
        to=place.text("to", required=True) or "",
        mode=place.text("mode", required=True) or "",
        origin=place.text("from"),
        direction=place.text("direction", among=DIRECTIONS) or "out",
        band=place.text("band"),
        zone=place.text("zone"),
        setup=(place.amount("setup") or 0) if adjust is None else 0,
        grace=place.integer("grace") if adjust is None else 0,
        min_charge=place.amount("min_charge") if adjust is None else None,
        max_charge=place.amount("max_charge") if adjust is None else None,
        first=place.integer("first", 1, least=1) if adjust is None else 1,
        steps=_steps(place) if adjust is None else (),
        adjust=None if adjust is None else _adjustment(adjust),
        valid_from=start,
        valid_to=end,
    )
    place.close()
    return made


def _steps(place: Place) -> tuple[Step, ...]:
    found: list[Step] = []
    for path, value in place.items("steps"):
        step = Place.of(value, path, place.faults)
        made = Step(
            start=step.integer("from"),
            next=step.integer("next", 1, least=1),
            price=step.amount("price", required=True) or 0,
            per=step.integer("per", 1, least=1),
        )
        step.close()
        if made.price * made.per > INT64_MAX:
            step.fault("price", "price times per passes 2^63 nano-units; price a smaller quantity")
        if not found and made.start != 0:
            step.fault("from", "the first step starts at 0")
        if found and made.start <= found[-1].start:
            step.fault("from", "steps stand in rising order")
        found.append(made)
    if not found and isinstance(place.value.get("steps"), list):
        place.fault("steps", "must hold at least one step")
    return tuple(found)


def _adjustment(place: Place) -> Adjustment:
    percent, amount = place.amount("percent", decimals=6, negative=True), place.amount("amount", negative=True)
    if (place.value.get("percent") is None) == (place.value.get("amount") is None):
        place.fault(None, "must hold either percent or amount")
    _percent_in_range(place, percent)
    place.close()
    return Adjustment(percent=percent, amount=amount)


def _percent_in_range(place: Place, percent: int | None) -> None:
    if percent is not None and abs(percent) > PERCENT_MAX:
        place.fault("percent", f"must lie between -{PERCENT_MAX // MICRO} and {PERCENT_MAX // MICRO}")


def _ring(place: Place) -> Ring:
    when = place.child("when") or Place({}, f"{place.path}.when", place.faults)
    unit = when.text("volume_unit", among=("amount", "units", "events")) or "amount"
    start, end = when.validity()
    effect = place.child("effect")
    if effect is None:
        place.fault("effect", "is required")
    made = Ring(
        id=place.text("id", required=True) or "",
        priority=place.integer("priority", least=-INT64_MAX),
        exclusive=place.text("exclusive"),
        levels=_levels(place),
        parties=when.texts("parties"),
        groups=when.texts("groups"),
        band=when.text("band"),
        modes=when.texts("modes"),
        to=when.texts("to"),
        zones=when.texts("zones"),
        valid_from=start,
        valid_to=end,
        volume_from=when.amount("volume_from") or 0,
        volume_unit=unit,
        volume_period=place.interval("volume_period"),
        volume_shared=when.text("volume_shared", among=("contract", "customer")),
        effect=Effect() if effect is None else _effect(effect),
    )
    when.close()
    place.close()
    return made


def _levels(place: Place) -> tuple[str, ...]:
    levels = place.texts("levels", among=LEVELS)
    return ("retail",) if levels is None else levels


def _effect(place: Place) -> Effect:
    keys = ("percent", "per_event", "per_minute", "price")
    if sum(place.value.get(key) is not None for key in keys) != 1:
        place.fault(None, f"must hold exactly one of {', '.join(keys)}")
    percent = place.amount("percent", decimals=6, negative=True)
    _percent_in_range(place, percent)
    price = place.child("price")
    made = Effect(
        percent=percent,
        per_event=place.amount("per_event", negative=True),
        per_minute=place.amount("per_minute", negative=True),
        price=None if price is None else _price_steps(price),
        setup=0 if price is None else price.amount("setup") or 0,
        first=1 if price is None else price.integer("first", 1, least=1),
    )
    if price is not None:
        price.close()
    place.close()
    return made


def _price_steps(price: Place) -> tuple[Step, ...]:
    if price.value.get("steps") is None:
        price.fault("steps", "is required")
    return _steps(price)


def _bucket(place: Place) -> Bucket:
    unit = place.text("unit", required=True, among=UNITS) or "seconds"
    amount = place.amount("amount", required=True, decimals=6 if unit == "money" else 0)
    currency = place.text("currency")
    if currency and unit != "money":
        place.fault("currency", "only a bucket of money has a currency")
    elif currency and not _CURRENCY.fullmatch(currency):
        place.fault("currency", f"{shown(currency)} is not a currency code such as SEK (ISO 4217)")
    scope = place.child("scope") or Place({}, f"{place.path}.scope", place.faults)
    period, repeat = _bucket_period(place)
    made = Bucket(
        id=place.text("id", required=True) or "",
        owner=place.text("owner", required=True) or "",
        unit=unit,
        amount=amount or 0,
        currency=currency,
        period=period or (_NEVER, _NEVER),
        priority=place.integer("priority", least=-INT64_MAX),
        split=place.text("split", among=("unit", "increment")) or "unit",
        when_empty=_when_empty(place, unit),
        levels=_levels(place),
        modes=scope.texts("modes"),
        to=scope.texts("to"),
        zones=scope.texts("zones"),
        directions=scope.texts("directions", among=DIRECTIONS),
        of=place.texts("of"),
        repeat=repeat,
        rollover=_rollover(place, unit),
        plans=place.texts("plans"),
        cap=place.amount("per_subscription", decimals=6 if unit == "money" else 0),
        thresholds=_thresholds(place),
        top_up=_top_up(place),
    )
    if (made.owner == TOP_UP) != (made.top_up is not None):
        place.fault("top_up", f"goes with the owner {TOP_UP!r}, and he with it")
    if made.top_up is not None and repeat is not None:
        place.fault("period", "what is granted on request does not repeat; give the times between which it can be")
    if made.cap is not None and made.owner == "each subscription":
        place.fault("per_subscription", "is for what several subscriptions share")
    if made.plans == ():
        place.fault("plans", "must name at least one plan")
    if made.plans is not None and made.owner not in EACH:
        place.fault("plans", f"says whose lines have their own; the owner is then one of {', '.join(EACH)}")
    if made.of == ():
        place.fault("of", "must name at least one price list")
    if made.of is not None and made.owner not in EACH:
        place.fault("of", f"says which parties have their own; the owner is then one of {', '.join(EACH)}")
    if made.rollover is not None and repeat is None:
        place.fault("rollover", "only what repeats rolls over")
    scope.close()
    place.close()
    return made


def _thresholds(place: Place) -> tuple[int, ...]:
    value = place.get("thresholds")
    if value is None:
        return THRESHOLDS
    # A boolean is an integer to Python, and none here.
    marks = [one for one in value if type(one) is int and 0 < one <= 100] if isinstance(value, list) else [0]
    if marks != value or sorted(set(marks)) != marks:
        place.fault("thresholds", "must be whole per cents from 1 to 100, each greater than the one before")
        return THRESHOLDS
    return tuple(marks)


def _top_up(place: Place) -> TopUp | None:
    inner = place.child("top_up")
    if inner is None:
        return None
    days = None if inner.get("days") is None else inner.integer("days", least=1, most=TOP_UP_DAYS_MAX)
    price, service = inner.amount("price", decimals=6) or 0, inner.text("service")
    if price and not service:
        inner.fault("service", "must be given with a price: the service that it is billed as")
    inner.close()
    return TopUp(days=days, price=price, service=service)


def _plan(name: str, place: Place) -> Plan:
    kind = place.text("kind", among=("single", "multi")) or "single"
    made = Plan(name=name, kind=kind, price_list=place.text("price_list"))
    place.close()
    return made


def _bucket_period(place: Place) -> tuple[tuple[datetime, datetime] | None, Repeat | None]:
    """Read ``period``: two times, or months that repeat."""
    if not isinstance(place.value.get("period"), Mapping):
        return place.interval("period", required=True), None
    inner = place.child("period")
    assert inner is not None
    inner.text("every", required=True, among=("month",))
    zone = inner.text("zone", required=True)
    if zone and not _known_zone(zone):
        inner.fault("zone", f"{shown(zone)} is not an IANA time zone such as Europe/Stockholm")
        zone = None
    first, last = _month(inner, "from", required=True), _month(inner, "to")
    prorate = inner.get("prorate")
    if prorate is not None and not isinstance(prorate, bool):
        inner.fault("prorate", f"must be true or false, not {shown(prorate)}")
    inner.close()
    if first and last and last <= first:
        inner.fault("to", "must lie after from")
    repeat = Repeat(zone=zone or "UTC", prorate=prorate is not False)
    local = ZoneInfo(repeat.zone)

    def begins(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=local).astimezone(UTC)

    return (begins(first) if first else _NEVER, begins(last) if last else FOREVER), repeat


def _month(place: Place, key: str, *, required: bool = False) -> date | None:
    value = place.get(key, required=required)
    if value is None:
        return None
    try:
        day = calendar_date(value)
    except ValueError as wrong:
        place.fault(key, str(wrong))
        return None
    if day.day != 1 or not 1970 <= day.year < 9998:
        place.fault(key, f"{day} is not the first day of a month")
        return None
    return day


def _rollover(place: Place, unit: str) -> Rollover | None:
    inner = place.child("rollover")
    if inner is None:
        return None
    made = Rollover(
        periods=inner.integer("periods", 1, least=1, most=PERIODS_MAX),
        cap=inner.amount("cap", decimals=6 if unit == "money" else 0),
    )
    inner.close()
    return made


def _when_empty(place: Place, unit: str) -> str | None:
    value = place.get("when_empty")
    if value is None or value == "list":
        return None
    if not isinstance(value, Mapping):
        place.fault("when_empty", f'must be "list" or an object with price_list, not {shown(value)}')
        return None
    inner = Place.of(value, f"{place.path}.when_empty", place.faults)
    name = inner.text("price_list", required=True)
    inner.close()
    if unit == "money":
        place.fault("when_empty", "a bucket of money has no list for when it is empty")
    return name


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
