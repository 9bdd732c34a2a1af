"""Events of a chunk that are sold for less than they cost, told as alarms: by columns, while the chunk is settled.

The operator's own side is looked at: what his outermost reseller pays, or else the end user, against cost. What an
allowance has paid for is not sold at a loss: its fee pays it. Where all is in the operator's currency the comparison is
one of two integer columns. Otherwise a rough one in floats lets those go that earn clearly more than they cost at any
rate of the days there are; who stays is converted exactly, as margins are (``domain.margins.exchange``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.alarms.alarm import Alarm, Raised, Severity
from domain.margins.watch import Watch
from domain.money import MICRO, plain, scaled
from domain.rating.clock import EPOCH
from domain.rating.layout import PRICED

if TYPE_CHECKING:
    from domain.intake.rater import Rater
    from domain.intake.rows import Priced

KIND: Final = "below_cost"
NO_RATE: Final = "no_exchange_rate"
ALARMS_MAX: Final = 50  # of one chunk; what remains is one more
NAME_MAX: Final = 90
SAFE: Final = 1.000001  # floats are off by less; nothing but clear profits is let go by them
FACTOR_MAX: Final = 2**62
DAYS_MAX: Final = 62
AMOUNT_MAX: Final = 2**62

_AMOUNTS: Final = frozenset({"earned", "cost", "loss"})

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The places of events that lose, with what they earn and cost in the operator's currency, in micro-units.

    ``lacking``: currencies without a rate on a day there is.
    """

    places: Places
    earned: Any
    paid: Any
    lacking: Sequence[tuple[str, date]] = ()


def below_cost(priced: Priced, rater: Rater, chosen: NDArray[np.bool_]) -> list[Raised]:
    """Return the alarms of the chosen events: one per destination, list and trunk that loses enough."""
    watch = rater.watch
    if watch is None or watch.rules.loss_min is None or not chosen.any():
        return []
    found = _losing(priced, rater, watch, chosen)
    alarms = [_lacking(code, day, watch) for code, day in found.lacking[:ALARMS_MAX]]
    return alarms + (_alarms(priced, rater, watch, found) if len(found.places) else [])


def _losing(priced: Priced, rater: Rater, watch: Watch, chosen: NDArray[np.bool_]) -> Compared:
    rated = priced.rated
    tier = _sold_by_tier(rater)[priced.pricing]
    resold = rated.slots > 2 and bool(tier.any())
    amount, status, currency = rated.amount, rated.level_status, rated.currency
    earned = np.where(tier, amount[1], amount[0]) if resold else amount[0]
    there = np.where(tier, status[1], status[0]) if resold else status[0]
    money = np.where(tier, currency[1], currency[0]) if resold else currency[0]
    paid, cost = amount[-1], currency[-1]
    both = chosen & (there == PRICED) & (status[-1] == PRICED) & (paid > 0)
    allowed = priced.shares.filter((pl.col("kind") == "bucket") & (pl.col("slot") == 0))["place"]
    if len(allowed):
        both[allowed.to_numpy()] = False
    names = rater.book.currencies
    own = names.index(watch.currency) if watch.currency in names else -1
    plain_ones = (money == own) & (cost == own)
    places = np.flatnonzero(both & plain_ones & (earned < paid))
    if bool((both & ~plain_ones).any()):
        other = np.flatnonzero(both & ~plain_ones)
        return _converted(other, priced, (earned, money), (paid, cost), names, watch, places)
    return Compared(places, earned[places], paid[places])


def _sold_by_tier(rater: Rater) -> NDArray[np.bool_]:
    """Tell of each pricing whether a reseller pays the operator; a last one is nobody's."""
    sold = [any(name is not None for name in one.wholesale) for one in rater.subscribers.pricings]
    return np.array([*sold, False], np.bool_)


def _converted(  # noqa: PLR0917  (columns)
    other: Places,
    priced: Priced,
    sold: tuple[Any, Any],
    bought: tuple[Any, Any],
    names: Sequence[str],
    watch: Watch,
    plain_ones: Places,
) -> Compared:
    """Compare those whose amounts are in two currencies, or in another than the operator's."""
    sides = [(amount[other], money[other]) for amount, money in (sold, bought)]
    other = other[_doubtful(priced.events.start[other], sides[0], sides[1], names, watch)]
    days = (
        pl.from_epoch(pl.Series(priced.events.start[other], dtype=pl.Int64), time_unit="us")
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(watch.zone)
        .dt.date()
    )
    frame = pl.DataFrame(
        {
            "place": other,
            "day": days,
            "earned": sold[0][other],
            "money": sold[1][other].astype(np.int64),
            "paid": bought[0][other],
            "cost": bought[1][other].astype(np.int64),
        }
    )
    worth, lacking, wide = _worth(frame, names, watch)
    places, earned, paid = _one_by_one(frame, names, watch) if wide else ([], [], [])
    frame = frame.join(worth.rename({"code": "money", "num": "num_e", "den": "den_e"}), on=["money", "day"])
    frame = frame.join(worth.rename({"code": "cost", "num": "num_p", "den": "den_p"}), on=["cost", "day"])
    exact = frame.select("place", earned=_half_away("earned", "e"), paid=_half_away("paid", "p"))
    exact = exact.filter(pl.col("earned") < pl.col("paid"))
    return Compared(
        np.concatenate([plain_ones, exact["place"].to_numpy(), np.array(places, np.int64)]),
        _joined(sold[0][plain_ones], exact["earned"], earned),
        _joined(bought[0][plain_ones], exact["paid"], paid),
        lacking,
    )


def _doubtful(
    starts: Any, sold: tuple[Any, Any], bought: tuple[Any, Any], names: Sequence[str], watch: Watch
) -> NDArray[np.bool_]:
    """Tell which events may lose at some rate of the days there are: all but those that clearly earn more."""
    zone = ZoneInfo(watch.zone)
    first, last = (_local(int(start), zone) for start in (starts.min(), starts.max()))
    count = (last - first).days + 1
    if count > DAYS_MAX:
        return np.ones(len(starts), np.bool_)
    least, most = np.zeros(len(names)), np.full(len(names), np.inf)  # where a day has no rate nothing is clear
    for place, name in enumerate(names):
        factors = [watch.worth(name, first + timedelta(days=day)) for day in range(count)]
        known = [float(factor) for factor in factors if factor is not None]
        if len(known) == count:
            least[place], most[place] = min(known), max(known)
    earned, paid = sold[0] * least[sold[1]], bought[0] * most[bought[1]]
    doubtful: NDArray[np.bool_] = earned <= paid * SAFE + 2
    return doubtful


def _local(start_us: int, zone: ZoneInfo) -> date:
    return (EPOCH + timedelta(microseconds=start_us)).astimezone(zone).date()


def _joined(own: Any, exact: pl.Series, others: Sequence[int]) -> Any:
    """Return amounts as one column; what is beyond 64 bits in the operator's currency is told as the largest."""
    both = pl.concat([exact, pl.Series(others, dtype=pl.Int128)]).clip(upper_bound=AMOUNT_MAX)
    return np.concatenate([own, both.cast(pl.Int64).to_numpy()])


def _one_by_one(frame: pl.DataFrame, names: Sequence[str], watch: Watch) -> tuple[list[int], list[int], list[int]]:
    """Compare the events of rates with so many digits that 128 bits are not enough for the product."""
    found: tuple[list[int], list[int], list[int]] = ([], [], [])
    for row in frame.iter_rows(named=True):
        factors = [watch.worth(names[row[code]], row["day"]) for code in ("money", "cost")]
        if all(factor is not None for factor in factors) and any(_wide(factor) for factor in factors):
            earned, paid = (
                watch.exchange.convert(row[name], names[row[code]], watch.currency, row["day"])
                for name, code in (("earned", "money"), ("paid", "cost"))
            )
            if earned is not None and paid is not None and earned < paid:
                for column, value in zip(found, (row["place"], earned, paid), strict=True):
                    column.append(value)
    return found


def _wide(factor: Fraction | None) -> bool:
    return factor is not None and (factor.numerator >= FACTOR_MAX or factor.denominator >= FACTOR_MAX)


def _half_away(name: str, side: str) -> pl.Expr:
    """Convert an amount that is not negative, in micro-units: exact in 128 bits, half up."""
    amount, num, den = (pl.col(each).cast(pl.Int128) for each in (name, f"num_{side}", f"den_{side}"))
    return (2 * amount * num + den) // (2 * den)


def _worth(
    frame: pl.DataFrame, names: Sequence[str], watch: Watch
) -> tuple[pl.DataFrame, list[tuple[str, date]], bool]:
    """Return what each currency is worth on each day there is, those without a rate, and whether some are too wide."""
    sides = [frame.select(pl.col(name).alias("code"), "day") for name in ("money", "cost")]
    rows, lacking, wide = [], [], False
    for code, day in pl.concat(sides).unique().sort("day", "code").iter_rows():
        factor = watch.worth(names[code], day)
        if factor is None:
            lacking.append((names[code], day))
        elif _wide(factor):
            wide = True
        else:
            rows.append((code, day, factor.numerator, factor.denominator))
    schema = {"code": pl.Int64, "day": pl.Date, "num": pl.Int64, "den": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row"), lacking, wide


def _alarms(priced: Priced, rater: Rater, watch: Watch, found: Compared) -> list[Raised]:
    lost = (
        _named(priced, rater, found)
        .group_by("destination", "list", "trunk")
        .agg(
            pl.len().alias("events"), pl.col("earned").sum(), pl.col("paid").sum(), pl.col("b").first().alias("example")
        )
    )
    assert watch.rules.loss_min is not None
    least = scaled(format(watch.rules.loss_min, "f"), MICRO) if watch.rules.loss_min else 0
    lost = (
        lost.with_columns((pl.col("paid") - pl.col("earned")).alias("loss"))
        .filter(pl.col("loss") >= least)
        .sort("loss", "destination", "list", "trunk", descending=[True, False, False, False])
    )
    alarms = [_alarm(row, watch.currency) for row in lost.head(ALARMS_MAX).iter_rows(named=True)]
    rest = lost.slice(ALARMS_MAX)
    if rest.height:
        alarms.append(
            Raised(
                kind=KIND,
                subject="others",
                text=f"{rest.height} more combinations of destination, list and trunk were sold below cost",
                data={"currency": watch.currency, "loss": plain(int(rest["loss"].sum())), "combinations": rest.height},
                times=int(rest["events"].sum()),
            )
        )
    return alarms


def _named(priced: Priced, rater: Rater, found: Compared) -> pl.DataFrame:
    """Return the events that lose with the names they are told by."""
    destinations = pl.Series([*rater.book.tariff.destinations, ""], dtype=pl.String)
    lists = pl.Series([_list(one) for one in rater.subscribers.pricings], dtype=pl.String)
    place = priced.rated.destination[found.places].astype(np.int64)
    rows = priced.frame.select("direction", "trunk_out", "trunk_in", "b")[pl.Series(found.places)]
    trunk = pl.when(pl.col("direction") == "out").then(pl.col("trunk_out")).otherwise(pl.col("trunk_in"))
    return rows.select(
        destination=destinations.gather(np.where(place < 0, len(destinations) - 1, place)),
        list=lists.gather(priced.pricing[found.places].astype(np.int64)),
        trunk=trunk.fill_null(""),
        b=pl.col("b"),
        earned=pl.Series(found.earned),
        paid=pl.Series(found.paid),
    )


def _list(pricing: Any) -> str:
    """Return the list that the operator sells by."""
    return next((name for name in pricing.wholesale if name is not None), pricing.retail) or ""


def _alarm(row: dict[str, Any], currency: str) -> Raised:
    destination, plist, trunk = (_printable(row[name]) for name in ("destination", "list", "trunk"))
    return Raised(
        kind=KIND,
        subject=f"{destination} | {plist} | {trunk}",
        severity=Severity.WARNING,
        text=f"{row['events']} events to {destination} by {plist} over {trunk} earned {plain(row['earned'])}"
        f" and cost {plain(row['paid'])} {currency}",
        data={
            "destination": row["destination"],
            "price_list": row["list"],
            "trunk": row["trunk"],
            "currency": currency,
            "events": row["events"],
            "earned": plain(row["earned"]),
            "cost": plain(row["paid"]),
            "loss": plain(row["loss"]),
            "example": row["example"],
        },
        times=row["events"],
    )


def without_amounts(alarm: Alarm) -> Alarm:
    """Return an alarm of ours as it is told to who may not see costs: that it happened, where, and how often."""
    if alarm.kind != KIND:
        return alarm
    data = {name: value for name, value in alarm.data.items() if name not in _AMOUNTS}
    if "destination" not in data:
        return replace(alarm, data=data)
    destination, plist, trunk = (_printable(str(data[name])) for name in ("destination", "price_list", "trunk"))
    told = f"{data['events']} events to {destination} by {plist} over {trunk} cost more than they earned"
    return replace(alarm, data=data, text=told)


def _lacking(code: str, day: date, watch: Watch) -> Raised:
    return Raised(
        kind=NO_RATE,
        subject=f"{code} to {watch.currency}",
        text=f"there is no exchange rate from {code} to {watch.currency} for {day}, nor of the"
        f" {watch.rules.rate_max_age_days} days before: margins of that day are not known",
        data={"from": code, "to": watch.currency, "day": day.isoformat()},
    )


def _printable(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:NAME_MAX] or "-"
