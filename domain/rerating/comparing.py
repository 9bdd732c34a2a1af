"""What rating again changes: reversals and new versions of rated events, and first versions of what was held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from domain.buckets.standing import KEPT, as_reversed
from domain.intake.rater import Rater
from domain.intake.rows import Priced, unrated_reason, usage_table
from domain.rerating.columns import STORED, priced_again
from domain.rerating.rerating import Selection, Tally

# The list and currency of every rate version that is asked for, by its database key.
Rates = Mapping[int, tuple[str, str]]

LEVELS: Final = ("retail", "wholesale", "cost")
_WHO: Final = ("customer", "contract", "subscription", "reseller")
_SAME: Final = (*_WHO, "destination", "billed", "retail_micro", "wholesale_micro", "cost_micro")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Rows to write (``STORED``), the keys of records in suspense that they release, the counts, and what was drawn.

    ``shares``: rows of ``KEPT``, of reversals negative.
    """

    rows: pl.DataFrame
    released: tuple[int, ...]
    tally: Tally
    shares: pl.DataFrame = field(default_factory=KEPT.to_frame)


def again(stored: pl.DataFrame, rater: Rater, rates: Rates, kept: pl.DataFrame | None = None) -> Outcome:
    """Rate the present versions of events again; ``kept``: what rings did to them (``KEPT``).

    An event changes where its subscriber, destination, billed units, or an amount or currency of any level does.
    A reversal has the version after the one it takes back with every quantity negative; the new version follows it.
    """
    priced = priced_again(stored, rater)
    new = _table(priced, rater, stored.filter(pl.Series(priced.billed))["source"])
    old = stored.filter(pl.Series(priced.billed))
    present = dict(present_rates(rater))
    differs = differing(old, new, rates, present)
    mask = pl.Series(differs)
    old, new = old.filter(mask), new.filter(mask)
    new = new.with_columns((old["version"] + 2).alias("version"))
    gone = KEPT.to_frame() if kept is None else of_events(kept, old)
    shares = pl.concat([as_reversed(gone), made_shares(priced.shares, np.flatnonzero(priced.billed)[differs], new)])
    tally = Tally(
        examined=stored.height,
        same=int(priced.billed.sum()) - old.height,
        changed=old.height,
        moved=int((old["customer"] != new["customer"]).sum()),
        unpriced=_reasons(priced, ~priced.billed),
        amounts=_added(sums(old, rates), sums(new, present)),
    )
    return Outcome(pl.concat([reversals(old), new]), (), tally, shares)


def of_events(kept: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what rings and buckets did (``KEPT``) to the events of rows (``STORED``)."""
    return kept.join(rows.select("start", "source", "key"), on=["start", "source", "key"], how="semi")


def made_shares(shares: pl.DataFrame, places: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Return shares (``domain.intake.rows.SHARES``) of events at places as ``KEPT``, for their rows in that order."""
    where = pl.DataFrame({"place": places, "row": np.arange(len(places))}, schema={"place": pl.Int64, "row": pl.Int64})
    own = shares.join(where, on="place")
    identity = rows.select("start", "source", "key", "version", "customer", "subscription")[own["row"]]
    return pl.concat([identity, own.drop("place", "row")], how="horizontal").select(KEPT.names())


def differing(
    old: pl.DataFrame, new: pl.DataFrame, rates: Rates, present: Rates
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which rows say otherwise than they did; ``rates`` and ``present`` are those of the old and the new ones."""
    differs = np.zeros(old.height, np.bool_)
    for name in _SAME:
        differs |= old[name].ne_missing(new[name]).to_numpy()
    for level in LEVELS:
        differs |= currencies(old, level, rates).ne_missing(currencies(new, level, present)).to_numpy()
    return differs


def asked_for(held: pl.DataFrame, priced: Priced, rater: Rater, selection: Selection) -> Any:
    """Tell of each event in suspense whether it has a price now and was asked for."""
    chosen = priced.billed.copy()
    new = _table(priced, rater, held.filter(pl.Series(chosen))["source"])
    chosen[chosen] = _wanted(new, priced, rater, selection)
    return chosen


def release(held: pl.DataFrame, priced: Priced, rater: Rater, chosen: Any) -> Outcome:
    """Make rated rows of the chosen events in suspense (``HELD``), as far as they have a price."""
    billed = held.filter(pl.Series(priced.billed))
    new = _table(priced, rater, billed["source"])
    wanted = pl.Series(chosen[priced.billed])
    rows, keys = new.filter(wanted), billed.filter(wanted)["id"].to_list()
    shares = made_shares(priced.shares, np.flatnonzero(priced.billed & chosen), rows)
    tally = Tally(
        held=held.height,
        released=rows.height,
        passed=new.height - rows.height,
        still=_reasons(priced, ~priced.billed),
        amounts=_added({}, sums(rows, dict(present_rates(rater)))),
    )
    return Outcome(rows, tuple(keys), tally, shares)


def reversals(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what takes rows (``STORED``) back: the next version, with every quantity and amount negative."""
    negative = [-pl.col(name) for name in ("used", "billed", "retail_micro", "cost_micro")]
    wholesale = pl.col("wholesale_micro").list.eval(-pl.element())
    return rows.with_columns(*negative, wholesale, (pl.col("version") + 1).cast(pl.Int16))


def currencies(rows: pl.DataFrame, level: str, rates: Rates) -> pl.Series:
    """Return the currency of each row's level, null where it has no price; wholesale's is the outermost tier's."""
    by_key = {key: currency for key, (_, currency) in rates.items()}
    return _mapped(rate_of(rows, level), by_key)


def lists(rows: pl.DataFrame, level: str, rates: Rates) -> pl.Series:
    """Return the price list that decided each row's level, null where it has no price."""
    return _mapped(rate_of(rows, level), {key: name for key, (name, _) in rates.items()})


def rate_of(rows: pl.DataFrame, level: str) -> pl.Series:
    """Return the rate version of each row's level; wholesale's is the outermost tier's."""
    return _outermost(rows[f"{level}_rate"])


def amount_of(rows: pl.DataFrame, level: str) -> pl.Series:
    """Return the micro-units of each row's level; wholesale's are the outermost tier's."""
    return _outermost(rows[f"{level}_micro"])


def _outermost(column: pl.Series) -> pl.Series:
    """Return the first of each list; what was read for its first alone is that already."""
    return column.list.first() if isinstance(column.dtype, pl.List) else column


def sums(rows: pl.DataFrame, rates: Rates) -> dict[str, int]:
    """Add up per level and currency, as ``retail SEK``."""
    found: dict[str, int] = {}
    for level in LEVELS:
        each = pl.DataFrame({"currency": currencies(rows, level, rates), "micro": amount_of(rows, level)})
        totals = each.drop_nulls().group_by("currency").agg(pl.col("micro").cast(pl.Int128).sum())
        found |= {f"{level} {currency}": int(micro) for currency, micro in totals.iter_rows()}
    return found


def rate_keys(rows: pl.DataFrame) -> list[int]:
    """Return every rate version that rows name."""
    found = {key for level in LEVELS for key in rate_of(rows, level).drop_nulls().unique().to_list()}
    return sorted(found)


def present_rates(rater: Rater) -> list[tuple[int, tuple[str, str]]]:
    """Return the list and currency of every rate of the rater's catalogue."""
    tariff = rater.book.tariff
    return [
        (rate.id, (name, tariff.inherited(name).currency or ""))
        for name, plist in tariff.price_lists.items()
        for rate in plist.rates
    ]


def _table(priced: Priced, rater: Rater, source: pl.Series) -> pl.DataFrame:
    made = pl.DataFrame(pl.from_arrow(usage_table(priced, rater)))
    made = made.with_columns(pl.col("start").dt.epoch("us"), source.alias("source"))
    return made.select(STORED.names()).cast(dict(STORED))  # type: ignore[arg-type]  # a mapping of names to types


def _wanted(
    new: pl.DataFrame, priced: Priced, rater: Rater, selection: Selection
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which of the rows that would be released were asked for."""
    wanted = np.ones(new.height, np.bool_)
    for name in ("customer", "contract", "subscription"):
        if (key := getattr(selection, name)) is not None:
            wanted &= (new[name] == key).to_numpy()
    if selection.destination is not None:
        place = rater.book.index.destination.get(selection.destination, -2)
        wanted &= priced.rated.destination[priced.billed] == place
    if selection.price_list is not None:
        place = rater.book.index.list.get(selection.price_list, -2)
        wanted &= (priced.rated.plist[:, priced.billed] == place).any(axis=0)
    return wanted


def _reasons(priced: Priced, chosen: Any) -> dict[str, int]:
    return dict(Counter(unrated_reason(priced.rated, place) for place in np.flatnonzero(chosen).tolist()))


def _mapped(keys: pl.Series, names: Mapping[int, str]) -> pl.Series:
    used = {key: names[key] for key in keys.drop_nulls().unique().to_list()}
    if not used:
        return pl.Series([None] * len(keys), dtype=pl.String)
    return keys.replace_strict(used, default=None, return_dtype=pl.String)


def _added(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    return {name: (before.get(name, 0), after.get(name, 0)) for name in sorted({**before, **after})}
