"""A tariff as its document: what ``document.read_tariff`` reads back to the same tariff. Defaults are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import (
    ALL_DAYS,
    DAY_SECONDS,
    FOREVER,
    THRESHOLDS,
    Adjustment,
    Band,
    Bucket,
    Destination,
    Effect,
    Party,
    PriceList,
    Rate,
    Ring,
    Step,
    Tariff,
)
from domain.money import MICRO, NANO, plain


def write_tariff(tariff: Tariff) -> dict[str, Any]:
    """Return the document of a tariff, as JSON values."""
    return _given(
        bands={name: _band(band) for name, band in tariff.bands.items()},
        holidays={name: [day.isoformat() for day in days] for name, days in tariff.holidays.items()},
        destinations={name: _destination(d) for name, d in tariff.destinations.items()},
        ported=[{"number": p.number, "to": p.to, "from": _time(p.valid_from)} for p in tariff.ported],
        zones={n: {"countries": list(z.countries), "rank": z.rank} for n, z in tariff.zones.items()},
        price_lists={name: _price_list(plist) for name, plist in tariff.price_lists.items()},
        discount_rings=[_ring(ring) for ring in tariff.rings],
        buckets=[_bucket(bucket) for bucket in tariff.buckets],
        plans={name: {"kind": one.kind, **_given(price_list=one.price_list)} for name, one in tariff.plans.items()},
        trunks={name: _given(cost=trunk.cost) for name, trunk in tariff.trunks.items()},
        parties={name: _party(party) for name, party in tariff.parties.items()},
    )


def _given(**values: object) -> dict[str, Any]:
    """Return the values that are given: not None and not empty."""
    return {key: value for key, value in values.items() if value is not None and value not in ({}, [])}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _decimal(value: int | None, scale: int = NANO) -> str | None:
    if value is None:
        return None
    text = plain(value, scale)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _listed(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


def _band(band: Band) -> dict[str, Any]:
    days = None if band.days == ALL_DAYS else ",".join(str(day) for day in sorted(band.days))
    return _given(
        days=days,
        **{
            "from": _clock(band.start) if band.start else None,
            "to": _clock(band.end) if band.end != DAY_SECONDS else None,
        },
        except_holidays=band.except_holidays,
        on_holidays=band.on_holidays,
        rank=None if band.rank == 1 else band.rank,
    )


def _destination(destination: Destination) -> dict[str, Any]:
    return {"prefixes": list(destination.prefixes)} | _given(
        groups=list(destination.groups),
        valid_from=_time(destination.valid_from),
        valid_to=_time(destination.valid_to),
    )


def _price_list(plist: PriceList) -> dict[str, Any]:
    rule = plist.rounding
    return _given(
        currency=plist.currency,
        zone=plist.zone,
        parent=plist.parent,
        band_policy=plist.band_policy,
        rounding=None if rule is None else {"decimals": rule.decimals, "mode": str(rule.mode)},
    ) | {"rates": [_rate(rate) for rate in plist.rates]}


def _rate(rate: Rate) -> dict[str, Any]:
    return _given(
        to=rate.to,
        **{"from": rate.origin},
        mode=rate.mode,
        direction=None if rate.direction == "out" else rate.direction,
        band=rate.band,
        zone=rate.zone,
        setup=_decimal(rate.setup or None),
        grace=rate.grace or None,
        min_charge=_decimal(rate.min_charge),
        max_charge=_decimal(rate.max_charge),
        first=None if rate.first == 1 else rate.first,
        steps=[_step(step) for step in rate.steps],
        adjust=None if rate.adjust is None else _adjustment(rate.adjust),
        valid_from=_time(rate.valid_from),
        valid_to=_time(rate.valid_to),
    )


def _step(step: Step) -> dict[str, Any]:
    return {"from": step.start, "next": step.next, "price": _decimal(step.price), "per": step.per}


def _adjustment(adjust: Adjustment) -> dict[str, Any]:
    return _given(percent=_decimal(adjust.percent, MICRO), amount=_decimal(adjust.amount))


def _effect(effect: Effect) -> dict[str, Any]:
    price: Mapping[str, Any] | None = None
    if effect.price is not None:
        price = {"setup": _decimal(effect.setup), "first": effect.first, "steps": [_step(s) for s in effect.price]}
    return _given(
        percent=_decimal(effect.percent, MICRO),
        per_event=_decimal(effect.per_event),
        per_minute=_decimal(effect.per_minute),
        price=price,
    )


def _ring(ring: Ring) -> dict[str, Any]:
    # A condition of no names holds never; it must not be left out, which would hold always.
    any_of = {key: _listed(getattr(ring, key)) for key in ("parties", "groups", "modes", "to", "zones")}
    when = _given(
        band=ring.band,
        valid_from=_time(ring.valid_from),
        valid_to=_time(ring.valid_to),
        volume_from=_decimal(ring.volume_from or None),
        volume_unit=None if ring.volume_unit == "amount" else ring.volume_unit,
        volume_shared=ring.volume_shared,
    ) | {key: names for key, names in any_of.items() if names is not None}
    period = None if ring.volume_period is None else [_time(moment) for moment in ring.volume_period]
    return _given(
        id=ring.id,
        priority=ring.priority,
        exclusive=ring.exclusive,
        when=when,
        volume_period=period,
        effect=_effect(ring.effect),
    ) | {"levels": list(ring.levels)}


def _bucket(bucket: Bucket) -> dict[str, Any]:
    scope = {key: _listed(getattr(bucket, key)) for key in ("modes", "to", "zones", "directions")}
    return (
        _given(
            id=bucket.id,
            owner=bucket.owner,
            unit=bucket.unit,
            amount=_decimal(bucket.amount, MICRO) if bucket.unit == "money" else str(bucket.amount),
            currency=bucket.currency,
            period=_bucket_period(bucket),
            of=_listed(bucket.of),
            rollover=_rollover(bucket),
            scope={key: names for key, names in scope.items() if names is not None},
            priority=bucket.priority,
            split=None if bucket.split == "unit" else bucket.split,
            when_empty=None if bucket.when_empty is None else {"price_list": bucket.when_empty},
            plans=_listed(bucket.plans),
            per_subscription=None if bucket.cap is None else _amount(bucket, bucket.cap),
            thresholds=None if bucket.thresholds == THRESHOLDS else list(bucket.thresholds),
            top_up=_top_up(bucket),
        )
        | {"levels": list(bucket.levels)}
        | ({} if bucket.thresholds else {"thresholds": []})
    )


def _amount(bucket: Bucket, value: int) -> str:
    return str(_decimal(value, MICRO)) if bucket.unit == "money" else str(value)


def _top_up(bucket: Bucket) -> dict[str, Any] | None:
    rule = bucket.top_up
    if rule is None:
        return None
    given = _given(days=rule.days, service=rule.service, price=_decimal(rule.price, MICRO) if rule.price else None)
    return given or {"days": None}


def _bucket_period(bucket: Bucket) -> Any:
    start, end = bucket.period
    if bucket.repeat is None:
        return [_time(start), _time(end)]
    zone = ZoneInfo(bucket.repeat.zone)
    return _given(
        every="month",
        zone=bucket.repeat.zone,
        **{
            "from": start.astimezone(zone).date().isoformat(),
            "to": None if end == FOREVER else end.astimezone(zone).date().isoformat(),
        },
        prorate=None if bucket.repeat.prorate else False,
    )


def _rollover(bucket: Bucket) -> dict[str, Any] | None:
    rule = bucket.rollover
    if rule is None:
        return None
    cap = None if rule.cap is None else _decimal(rule.cap, MICRO) if bucket.unit == "money" else str(rule.cap)
    return _given(periods=rule.periods, cap=cap)


def _party(party: Party) -> dict[str, Any]:
    return _given(
        retail=party.retail,
        wholesale=list(party.wholesale),
        cost=party.cost,
        deviations=party.deviations,
        numbers=list(party.numbers),
        groups=list(party.groups),
        shares=list(party.shares),
    )
