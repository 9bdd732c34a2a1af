"""The price lists and discount rings of a tariff document."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from domain.catalogue.reading import Place, shown
from domain.catalogue.tariff import Adjustment, Effect, PriceList, Rate, Ring, RoundingRule, Step
from domain.money import INT64_MAX, MICRO, Rounding

PERCENT_MAX = 90_000 * MICRO  # keeps a ring's product of remainder and percent inside 64 bits
LEVELS = ("retail", "wholesale", "cost")
DIRECTIONS = ("out", "in")
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def price_list(name: str, place: Place) -> PriceList:
    """Read a price list with its rates."""
    currency, zone = place.text("currency"), place.text("zone")
    if currency and not CURRENCY.fullmatch(currency):
        place.fault("currency", f"{shown(currency)} is not a currency code such as SEK (ISO 4217)")
    if zone and not known_zone(zone):
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


def known_zone(name: str) -> bool:
    """Tell whether this is a time zone of IANA."""
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


def ring(place: Place) -> Ring:
    """Read a discount ring."""
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
        levels=levels(place),
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


def levels(place: Place) -> tuple[str, ...]:
    """Read on which levels something holds; on retail alone where nothing is said."""
    named = place.texts("levels", among=LEVELS)
    return ("retail",) if named is None else named


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
