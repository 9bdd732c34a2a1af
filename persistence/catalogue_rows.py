"""The catalogue's rows: from records of the database to the tariff's own, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from domain.catalogue.tariff import (
    Adjustment,
    Band,
    Bucket,
    Plan,
    Ported,
    PriceList,
    Rate,
    Ring,
    RoundingRule,
    Step,
    Trunk,
    Zone,
)
from domain.money import Rounding
from persistence.fields import dump, load

# What one entry of a part is; a part is a mapping by name or a row of entries.
MAPPED: dict[str, Any] = {"bands": Band, "holidays": tuple[date, ...], "zones": Zone, "trunks": Trunk, "plans": Plan}
LISTED: dict[str, Any] = {"ported": Ported, "discount_rings": Ring, "buckets": Bucket}

RATE_COLUMNS = [
    "price_list",
    "to_name",
    "from_name",
    "mode",
    "direction",
    "band",
    "zone",
    "setup_nano",
    "grace",
    "min_charge_nano",
    "max_charge_nano",
    "first",
    "steps",
    "adjust",
    "valid_from",
    "valid_to",
]


def part_to_json(value: Any) -> str:
    """Write one part of the catalogue."""
    if isinstance(value, Mapping):
        return json.dumps({name: dump(one) for name, one in value.items()})
    return json.dumps([dump(one) for one in value])


def part_from_json(part: str, text: str) -> Any:
    """Read one part of the catalogue."""
    body = json.loads(text)
    if part in MAPPED:
        return {name: load(MAPPED[part], one) for name, one in body.items()}
    return tuple(load(LISTED[part], one) for one in body)


def list_from_row(row: Mapping[str, Any], rates: Sequence[Rate] = ()) -> PriceList:
    """Make the price list of a row."""
    rounding = (
        None if row["decimals"] is None else RoundingRule(decimals=row["decimals"], mode=Rounding(row["rounding"]))
    )
    return PriceList(
        name=row["name"],
        rates=tuple(rates),
        currency=row["currency"],
        zone=row["zone"],
        parent=row["parent"],
        band_policy=row["band_policy"],
        rounding=rounding,
        id=row["id"],
    )


def list_to_row(one: PriceList) -> tuple[Any, ...]:
    """Make the row of a price list: name, parent, currency, zone, band policy, decimals, rounding."""
    decimals, mode = (one.rounding.decimals, one.rounding.mode.value) if one.rounding else (None, None)
    return one.name, one.parent, one.currency, one.zone, one.band_policy, decimals, mode


class RateReader:
    """Makes the rates of rows. Steps and adjustments that are written alike are read once."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[Step, ...]] = {}
        self._adjustments: dict[str, Adjustment] = {}

    def rate(self, row: Mapping[str, Any]) -> Rate:
        """Make the rate of a row."""
        return Rate(
            to=row["to_name"],
            mode=row["mode"],
            origin=row["from_name"],
            direction=row["direction"],
            band=row["band"],
            zone=row["zone"],
            setup=row["setup_nano"],
            grace=row["grace"],
            min_charge=row["min_charge_nano"],
            max_charge=row["max_charge_nano"],
            first=row["first"],
            steps=self._read_steps(row["steps"]),
            adjust=self._read_adjustment(row["adjust"]),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            recorded_at=row["recorded_at"],
            id=row["id"],
        )

    def _read_steps(self, text: str | None) -> tuple[Step, ...]:
        if text is None:
            return ()
        if text not in self._steps:
            self._steps[text] = load(tuple[Step, ...], json.loads(text))
        return self._steps[text]

    def _read_adjustment(self, text: str | None) -> Adjustment | None:
        if text is None:
            return None
        if text not in self._adjustments:
            self._adjustments[text] = load(Adjustment, json.loads(text))
        return self._adjustments[text]


def rates_to_columns(rates: Sequence[tuple[str, Rate]]) -> list[list[Any]]:
    """Make the columns ``RATE_COLUMNS`` of rates, each with the name of its list."""
    rows = [_rate_to_row(name, rate) for name, rate in rates]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in RATE_COLUMNS]


def _rate_to_row(name: str, rate: Rate) -> tuple[Any, ...]:
    adjust = None if rate.adjust is None else json.dumps(dump(rate.adjust))
    steps = json.dumps(dump(rate.steps)) if rate.adjust is None else None
    start: datetime | None = rate.valid_from
    return (
        name,
        rate.to,
        rate.origin,
        rate.mode,
        rate.direction,
        rate.band,
        rate.zone,
        rate.setup,
        rate.grace,
        rate.min_charge,
        rate.max_charge,
        rate.first,
        steps,
        adjust,
        start,
        rate.valid_to,
    )
