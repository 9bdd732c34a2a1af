"""Past traffic rated by another catalogue: what the operator earned, and what he would have earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

from domain.buckets.supposed import Supposed
from domain.ids import SimulationId
from domain.intake.rater import Rater
from domain.intake.rows import Priced
from domain.margins.exchange import Exchange
from domain.money import divide
from domain.rating.layout import PRICED
from domain.refusal import BadValue
from domain.rerating.comparing import Rates, amount_of, currencies, lists
from domain.rerating.traffic import priced_traffic

DIMENSIONS: Final = ("list", "destination", "customer")
SIDES: Final = ("before", "after")
# Sums of micro-units: what the operator is paid and what he pays, before and after, in the currency they are in.
# ``day``: the local one, and null in the operator's own currency, which needs no exchange rate.
SUMS: Final = pl.Schema(
    {
        "name": pl.String,
        "side": pl.String,
        "measure": pl.String,
        "currency": pl.String,
        "day": pl.Date,
        "events": pl.Int64,
        "micro": pl.Int128,
    }
)
NO_PRICE: Final = "(no price)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What events came to. ``margin``: revenue less cost; an event without a cost price costs nothing."""

    events: int
    revenue: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One list, destination, customer or group, as it was and as it would have been."""

    name: str
    before: Side
    after: Side


NOT_KEPT: Final = SimulationId(0)
DIMENSIONS_TOLD: Final = ("lists", "destinations", "groups", "customers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What came of it, in ``currency``. ``unpriced``: events that would have had no retail price.

    ``groups``: customers with everybody below them, under the name of the topmost. ``draft``: the name of the one that
    was asked about, None for a tariff document. ``id`` is 0 until it is kept.
    """

    id: SimulationId = NOT_KEPT
    client: str
    created_at: datetime
    since: datetime
    until: datetime
    draft: str | None
    currency: str
    events: int
    unpriced: int
    total: Compared
    lists: Sequence[Compared]
    destinations: Sequence[Compared]
    groups: Sequence[Compared]
    customers: Sequence[Compared]


@dataclass(frozen=True, slots=True)
class Money:
    """The operator's currency and zone, and what other currencies are worth in it.

    ``fixed``: said by who asks, for the whole period; it goes before the day's rate of ``exchange``.
    """

    currency: str
    zone: str
    exchange: Exchange
    fixed: Mapping[str, Decimal]

    def worth(self, micro: int, currency: str, day: date | None) -> int:
        """Return micro-units in the operator's currency. Refuses with: BadValue (no rate says)."""
        if currency == self.currency:
            return micro
        factor = None
        if currency in self.fixed:
            factor = Fraction(self.fixed[currency])
        elif day is not None:
            factor = self.exchange.factor(currency, self.currency, day)
        if factor is None:
            message = f"amounts in {currency} of {day} need its exchange rate in {self.currency}: import it, or give it"
            raise BadValue(message, field="exchange")
        return divide(micro * factor.numerator, factor.denominator)


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Sums (``SUMS``) per dimension, and how many events would have had no price."""

    events: int
    unpriced: int
    sums: Mapping[str, pl.DataFrame]

    def __add__(self, other: Simulated) -> Simulated:
        """Add up two parts of the traffic."""
        return Simulated(
            self.events + other.events,
            self.unpriced + other.unpriced,
            {name: summed(pl.concat([self.sums[name], other.sums[name]])) for name in DIMENSIONS},
        )


NOTHING: Final = Simulated(0, 0, {name: SUMS.to_frame() for name in DIMENSIONS})


def simulate(
    stored: pl.DataFrame,
    rater: Rater,
    rates: Rates,
    destinations: Mapping[int, str],
    money: Money,
    *,
    draws: Supposed | None = None,
) -> Simulated:
    """Rate past traffic (``TRAFFIC``) by the rater's catalogue and set both side by side.

    What the operator is paid is the outermost tier's price for a reseller's customer, else the retail price.
    ``draws``: what the chunks of one simulation have drawn so far, and draw on.
    """
    priced = priced_traffic(stored, rater)
    if draws is not None:
        priced = draws.drawn(priced, rater)
    names = stored["destination"].replace_strict(dict(destinations), default="", return_dtype=pl.String)
    customer = stored["customer"].cast(pl.String)
    day = pl.from_epoch("start", time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(money.zone).dt.date()
    more = (names.alias("destination"), customer.alias("customer"), stored.select(day.alias("day")).to_series())
    before = _before(stored, rates).with_columns(*more)
    after = _after(priced, rater).with_columns(*more)
    sides = (("before", before), ("after", after))
    return Simulated(
        stored.height,
        int((~priced.billed).sum()),
        {
            name: summed(pl.concat([_long(frame, name, side, money.currency) for side, frame in sides]))
            for name in DIMENSIONS
        },
    )


def _before(stored: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    own = stored["resold"] == 0
    columns = {}
    for name, of in (("list", lists), ("currency", currencies)):
        columns[name] = own.to_frame("own").select(
            pl.when("own").then(of(stored, "retail", rates)).otherwise(of(stored, "wholesale", rates))
        )
    paid = own.to_frame("own").select(
        pl.when("own").then(amount_of(stored, "retail")).otherwise(amount_of(stored, "wholesale"))
    )
    return pl.DataFrame(
        {
            "list": columns["list"].to_series(),
            "currency": columns["currency"].to_series(),
            "paid": paid.to_series(),
            "cost_currency": currencies(stored, "cost", rates),
            "cost": stored["cost_micro"],
        }
    )


def _after(priced: Priced, rater: Rater) -> pl.DataFrame:
    rated, book = priced.rated, rater.book
    row = np.arange(len(priced.owners))
    # Position -1, nobody's, takes the appended cell: retail, which has no price there.
    pricing = priced.pricing
    slot = np.zeros(len(row), np.int32)
    if rater.tier_slots.shape[1]:
        outer = np.where(rater.tier_counts > 0, rater.tier_slots[:, 0], 0)
        slot = np.append(outer, np.int32(0))[pricing]
    has = (slot >= 0) & priced.billed
    slot = np.maximum(slot, 0)
    has &= rated.level_status[slot, row] == PRICED
    costs = priced.billed & (rated.level_status[-1] == PRICED)
    return pl.DataFrame(
        {
            "list": _named(book.lists, rated.plist[slot, row], has),
            "currency": _named(book.currencies, rated.currency[slot, row], has),
            "paid": _masked(rated.amount[slot, row], has),
            "cost_currency": _named(book.currencies, rated.currency[-1], costs),
            "cost": _masked(rated.amount[-1], costs),
        }
    )


def _named(names: tuple[str, ...], places: Any, has: Any) -> pl.Series:
    found = np.where(has, places, len(names))
    return pl.Series([*names, None], dtype=pl.String).gather(found)


def _masked(values: Any, has: Any) -> pl.Series:
    return pl.DataFrame({"value": values, "has": has}).select(pl.when("has").then("value")).to_series()


def _long(frame: pl.DataFrame, name: str, side: str, own: str) -> pl.DataFrame:
    """Return two rows per event, what is paid and what it costs; an event is counted where it is paid."""
    key = pl.col(name).fill_null(NO_PRICE).alias("name")
    parts = [
        frame.select(
            key,
            pl.lit(side).alias("side"),
            pl.lit(measure).alias("measure"),
            pl.col(currency).alias("currency"),
            pl.when(pl.col(currency) != own).then("day").alias("day"),
            (pl.lit(int(measure == "paid"), pl.Int64) * pl.col(measure).is_not_null().cast(pl.Int64)).alias("events"),
            pl.col(measure).cast(pl.Int128).alias("micro"),
        ).filter(pl.col("micro").is_not_null())
        for measure, currency in (("paid", "currency"), ("cost", "cost_currency"))
    ]
    return pl.concat(parts)


def summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up rows of ``SUMS`` that have the same name, side, measure, currency and day."""
    keys = ("name", "side", "measure", "currency", "day")
    return rows.group_by(keys).agg(pl.col("events").sum(), pl.col("micro").sum()).select(SUMS.names())


def compared(sums: pl.DataFrame, money: Money, first: int | None = None) -> list[Compared]:
    """Return the sums in the operator's currency, what changes most first, ``first`` of them or all.

    Refuses with: BadValue (no rate says).
    """
    foreign = sums.filter(pl.col("currency") != money.currency)
    rows = pl.concat([sums.filter(pl.col("currency") == money.currency), _exchanged(foreign, money)])
    paid, nothing = pl.col("measure") == "paid", pl.lit(0, pl.Int128)  # polars cannot negate 128 bits
    value = {
        "events": pl.col("events"),
        "revenue": pl.when(paid).then("micro").otherwise(nothing),
        "margin": pl.when(paid).then("micro").otherwise(nothing - pl.col("micro")),
    }
    each = rows.group_by("name").agg(
        pl.when(pl.col("side") == side).then(column).otherwise(0).sum().alias(f"{side}_{name}")
        for side in SIDES
        for name, column in value.items()
    )
    change = pl.col("after_margin") - pl.col("before_margin")
    placed = each.sort(
        pl.when(change < 0).then(nothing - change).otherwise(change),
        "before_revenue",
        "name",
        descending=[True, True, False],
    )
    return [
        Compared(name=row["name"], **{side: _side(row, side) for side in SIDES})
        for row in placed.head(len(placed) if first is None else first).iter_rows(named=True)
    ]


def _exchanged(sums: pl.DataFrame, money: Money) -> pl.DataFrame:
    """Return sums in other currencies in the operator's."""
    rows = sums.select("micro", "currency", "day").iter_rows()
    return sums.with_columns(pl.Series("micro", [money.worth(int(micro), *which) for micro, *which in rows], pl.Int128))


def _side(row: Mapping[str, Any], side: str) -> Side:
    return Side(
        events=row[f"{side}_events"],
        revenue=Decimal(row[f"{side}_revenue"]).scaleb(-6),
        margin=Decimal(row[f"{side}_margin"]).scaleb(-6),
    )
