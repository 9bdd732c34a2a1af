"""The buckets and plans of a tariff document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from domain.catalogue.price_reading import CURRENCY, DIRECTIONS, known_zone, levels
from domain.catalogue.reading import NEVER, Place, calendar_date, shown
from domain.catalogue.tariff import (
    EACH,
    FOREVER,
    THRESHOLDS,
    TOP_UP,
    Bucket,
    Plan,
    Repeat,
    Rollover,
    TopUp,
)
from domain.money import INT64_MAX

TOP_UP_DAYS_MAX = 3660
PERIODS_MAX = 24  # months that what is unused may serve on
UNITS = ("seconds", "messages", "kB", "money")


def bucket(place: Place) -> Bucket:
    """Read a bucket."""
    unit = place.text("unit", required=True, among=UNITS) or "seconds"
    amount = place.amount("amount", required=True, decimals=6 if unit == "money" else 0)
    currency = place.text("currency")
    if currency and unit != "money":
        place.fault("currency", "only a bucket of money has a currency")
    elif currency and not CURRENCY.fullmatch(currency):
        place.fault("currency", f"{shown(currency)} is not a currency code such as SEK (ISO 4217)")
    scope = place.child("scope") or Place({}, f"{place.path}.scope", place.faults)
    period, repeat = _bucket_period(place)
    made = Bucket(
        id=place.text("id", required=True) or "",
        owner=place.text("owner", required=True) or "",
        unit=unit,
        amount=amount or 0,
        currency=currency,
        period=period or (NEVER, NEVER),
        priority=place.integer("priority", least=-INT64_MAX),
        split=place.text("split", among=("unit", "increment")) or "unit",
        when_empty=_when_empty(place, unit),
        levels=levels(place),
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


def plan(name: str, place: Place) -> Plan:
    """Read a plan."""
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
    if zone and not known_zone(zone):
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

    return (begins(first) if first else NEVER, begins(last) if last else FOREVER), repeat


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
