"""The columns that a chunk writes: rated usage as an Arrow table, everything else as a frame of suspense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from domain.intake.rater import Places, Rater
from domain.mediation.identity import event_keys, hashes
from domain.rating.book import Book
from domain.rating.columns import Events
from domain.rating.layout import NO_RATE, OVERFLOW, PRICED, RATED
from domain.rating.rate import LEVEL_STATUSES, STATUSES, Rated

MOMENT: Final = pl.Datetime("us", "UTC")
SUSPENDED: Final = pl.Schema(
    [
        ("kind", pl.String),
        ("record", pl.Int64),
        ("byte_offset", pl.Int64),
        ("reason", pl.String),
        ("detail", pl.String),
        ("raw", pl.String),
        ("event", pl.String),  # JSON
        ("start", MOMENT),
        ("key", pl.Int64),
        ("content", pl.Int64),
    ]
)
# Words of ``domain.mediation.events.FLAGS``, a comma between.
FLAG_ROWS: Final = pl.Schema([("start", MOMENT), ("key", pl.Int64), ("version", pl.Int16), ("flags", pl.String)])
FIRST_VERSION: Final = 1
COST_SLOT: Final = -1
# What rings and buckets did to the event at ``place``, and what it added to volumes (``kind`` ring, bucket, volume).
# ``slot``: 0 retail, 1… the tiers with a list, -1 cost; ``since``: µs.
SHARES: Final = pl.Schema(
    [
        ("place", pl.Int64),
        ("kind", pl.String),
        ("slot", pl.Int16),
        ("name", pl.String),
        ("owner", pl.String),
        ("since", pl.Int64),
        ("amount", pl.Int64),
        ("remaining", pl.Int64),
    ]
)
# The columns of the table ``usage_share`` but operator, source and chunk.
SHARE_ROWS: Final = pl.Schema(
    [
        ("start", MOMENT),
        ("key", pl.Int64),
        ("version", pl.Int16),
        ("customer", pl.Int64),
        ("subscription", pl.Int64),
        *((name, kind) for name, kind in SHARES.items() if name not in {"place", "since"}),
        ("since", MOMENT),
    ]
)
DETAIL: Final = {
    "bad_event": "a time, an amount or the direction is missing or negative",
    "no_party": "no subscription had this number at that time",
    "no_destination": "no destination has this number's prefix",
    "no_rate": "the subscription's price lists have no rate for this",
    "overflow": "the amount is larger than can be stored",
}
# NUL cannot be stored in a text; a switch that writes one must not stop its whole file.
NUL: Final = "\0"
NUL_SHOWN: Final = "\N{SYMBOL FOR NULL}"

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Priced:
    """Events beside what the kernel said of them; every array has a cell per event.

    ``owners`` and ``pricing``: positions among the rater's subscribers and their pricings. ``billed``: which of them
    are rated rows. ``shares``: rows of ``SHARES``. ``flagged``: which have a flag.
    """

    frame: pl.DataFrame
    owners: Places
    pricing: Places
    events: Events
    rated: Rated
    keys: Longs
    contents: Longs
    billed: Flags
    shares: pl.DataFrame
    flagged: Flags

    @classmethod
    def of(cls, frame: pl.DataFrame, rater: Rater) -> Priced:
        """Rate a frame of ``EVENT_SCHEMA``."""
        owners, pricing, events, rated = rater.rate(frame)
        return cls(
            frame=frame,
            owners=owners,
            pricing=pricing,
            events=events,
            rated=rated,
            keys=event_keys(frame),
            contents=event_contents(frame),
            billed=(rated.status == RATED) & (rated.level_status[0] == PRICED),
            shares=ring_shares(rated, rater.book),
            flagged=flagged(frame),
        )


def flagged(frame: pl.DataFrame) -> Flags:
    """Tell which events have a flag."""
    found: Flags = (frame["flags"].list.len() > 0).to_numpy()
    return found


def ring_shares(rated: Rated, book: Book) -> pl.DataFrame:
    """Return what rings took off, as ``SHARES``."""
    if not len(rated.shares):
        return SHARES.to_frame()
    event, slot, ring, amount = rated.shares.T
    return pl.DataFrame(
        {
            "place": event,
            "kind": pl.repeat("ring", len(event), dtype=pl.String, eager=True),
            "slot": np.where(slot == rated.slots - 1, COST_SLOT, slot),
            "name": pl.Series(book.rings, dtype=pl.String).gather(ring),
            "owner": None,
            "since": None,
            "amount": amount,
            "remaining": None,
        },
        schema=SHARES,
    )


def share_rows(priced: Priced, usage: Any) -> pl.DataFrame:
    """Return what rings and buckets did to the events of rows of usage, as rows of the table ``usage_share``."""
    if not priced.shares.height or not usage.num_rows:
        return SHARE_ROWS.to_frame()
    kept = pl.DataFrame(pl.from_arrow(usage.select(["start", "key", "version", "customer", "subscription"])))
    places = priced.shares["place"].to_numpy()
    own = priced.shares.with_columns(
        pl.Series("start", priced.events.start[places]).cast(MOMENT),
        pl.Series("key", priced.keys[places]),
        pl.col("since").cast(MOMENT),
    )
    return own.join(kept, on=["start", "key"]).select(SHARE_ROWS.names())


def event_contents(events: pl.DataFrame) -> Longs:
    """Hash what two records of one event must have in common, to tell a duplicate from a conflict."""
    texts = [events[name].fill_null("") for name in ("a", "b", "mode", "direction")]
    return hashes([events["used"], events["answered"].cast(pl.Int64), *texts])


def unrated_reason(rated: Rated, place: int) -> str:
    """Return why an event cannot be billed: it has no party or destination, or the retail level has no price."""
    status = int(rated.status[place])
    if status != RATED:
        return STATUSES[status]
    return "overflow" if int(rated.level_status[0, place]) == OVERFLOW else "no_rate"


def warnings(priced: Priced, chosen: Flags) -> dict[str, int]:
    """Count the chosen events that lack another level, as ``cost.no_rate``, and those with a flag, as ``flag.dst_gap``.

    A level is not missed by what used nothing.
    """
    found: dict[str, int] = _counted(priced.frame["flags"], chosen & priced.flagged)
    rated = priced.rated
    used = chosen & (priced.events.used > 0)
    for slot in range(1, rated.slots):
        level = "cost" if slot == rated.slots - 1 else "wholesale"
        for status in (NO_RATE, OVERFLOW):
            count = int(np.count_nonzero((rated.level_status[slot] == status) & used))
            if count:
                name = f"{level}.{LEVEL_STATUSES[status]}"
                found[name] = found.get(name, 0) + count
    return found


def _counted(flags: pl.Series, chosen: Flags) -> dict[str, int]:
    if not chosen.any():
        return {}
    raised = flags.filter(pl.Series(chosen))
    return {f"flag.{word}": int(count) for word, count in raised.explode().value_counts(sort=True).iter_rows()}


def flag_rows(priced: Priced, chosen: Flags, usage: Any) -> pl.DataFrame:
    """Return rows of ``FLAG_ROWS`` for the chosen events, which are those of ``usage`` in its order.

    An event that was there before, and was taken back, has a row also where it has no flag now.
    """
    version = usage["version"].to_numpy()
    told = priced.flagged[chosen] | (version > FIRST_VERSION)
    if not told.any():
        return FLAG_ROWS.to_frame()
    flags = priced.frame["flags"].filter(pl.Series(chosen))
    rows = usage.select(["start", "key", "version"]).filter(pa.array(told))
    frame = pl.DataFrame(pl.from_arrow(rows))
    return frame.with_columns(flags.filter(pl.Series(told)).list.join(",").alias("flags")).cast(dict(FLAG_ROWS))  # type: ignore[arg-type]  # a mapping of names to types


def usage_table(priced: Priced, rater: Rater) -> Any:
    """Return the rows of the events that are ``billed`` as an Arrow table, in their order."""
    chosen, events, rated = priced.billed, priced.events, priced.rated
    everything = bool(chosen.all())

    def pick(values: Any) -> Any:
        return values if everything else values[..., chosen]

    frame = priced.frame if everything else priced.frame.filter(pl.Series(chosen))
    owner, book, who = pick(priced.owners), rater.book, rater.subscribers
    pricing = pick(priced.pricing)
    amount, status = pick(rated.amount), pick(rated.level_status)
    rates = np.append(book.rate_ids, 0)[pick(rated.rate)]
    no_cost = status[-1] != PRICED
    reseller = who.reseller[owner]
    trunk = pl.when(pl.col("direction") == "out").then(pl.col("trunk_out")).otherwise(pl.col("trunk_in"))
    wholesale_micro, wholesale_rate = tier_columns(
        rater.tier_counts, rater.tier_slots, pricing, (amount, rates), status
    )
    return pa.table(
        {
            "start": pa.array(pick(events.start), pa.timestamp("us", "UTC")),
            "key": pa.array(pick(priced.keys)),
            "version": pa.repeat(pa.scalar(FIRST_VERSION, pa.int16()), frame.height),
            "record": _arrow(frame["raw_line"]),
            "customer": pa.array(who.customer[owner]),
            "contract": pa.array(who.contract[owner]),
            "subscription": pa.array(who.subscription[owner]),
            "reseller": pa.array(reseller, mask=reseller == 0),
            "pricing": pa.array(who.pricing_keys[pricing]),
            "mode": _text(frame["mode"]),
            "direction": pa.array(pick(events.direction).astype(np.int16)),
            "destination": pa.array(np.append(book.destination_ids, 0)[pick(rated.destination)].astype(np.int32)),
            "used": pa.array(pick(events.used)),
            "billed": pa.array(pick(rated.billed)[0]),
            "offset": pa.array(pick(events.offset)),
            "retail_micro": pa.array(amount[0]),
            "retail_rate": pa.array(rates[0]),
            "wholesale_micro": wholesale_micro,
            "wholesale_rate": wholesale_rate,
            "cost_micro": pa.array(amount[-1], mask=no_cost),
            "cost_rate": pa.array(rates[-1], mask=no_cost),
            "content": pa.array(pick(priced.contents)),
            "reference": _text(frame["ref"]),
            "leg": _text(frame["leg"]),
            "a": _text(frame["a"]),
            "b": _text(frame["b"]),
            "trunk": _text(frame.select(trunk).to_series()),
            "cause": _text(frame["cause"]),
            "visited": _text(frame["visited"]),
        }
    )


def tier_columns(
    counts_of: Places, slots_of: Places, pricing: Places, values: tuple[Longs, Longs], status: Any
) -> tuple[Any, Any]:
    """Return amounts and rates of the wholesale tiers as lists: null without tiers, a null inside without a price.

    ``counts_of`` and ``slots_of``: of each pricing, as the rater's ``tier_counts`` and ``tier_slots``; ``values`` and
    ``status`` have a row per slot.
    """
    counts = counts_of[pricing]
    total = int(counts.sum())
    kind = pa.list_(pa.int64())
    if not total:
        return pa.nulls(len(pricing), kind), pa.nulls(len(pricing), kind)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    row = np.repeat(np.arange(len(pricing)), counts)
    tier = np.arange(total) - np.repeat(ends[:-1], counts)
    slot = slots_of[pricing[row], tier]
    absent = (slot < 0) | (status[slot, row] != PRICED)
    none = pa.array(counts == 0)
    micro, rate = (
        pa.ListArray.from_arrays(pa.array(ends), pa.array(each[slot, row], mask=absent), mask=none) for each in values
    )
    return micro, rate


def _arrow(series: pl.Series) -> Any:
    return series.to_arrow(compat_level=pl.CompatLevel.oldest())


def _text(series: pl.Series) -> Any:
    """Return a text column as Arrow, without the NUL that a database does not take."""
    array = _arrow(series.cast(pl.String))
    data = array.buffers()[2]
    if data is not None and b"\0" in memoryview(data).tobytes():
        array = _arrow(series.str.replace_all(NUL, NUL_SHOWN, literal=True))
    return array.cast(pa.string())


def suspended_events(priced: Priced, places: Any, offsets: list[int], raws: list[str]) -> pl.DataFrame:
    """Return unrated events, by their places, as rows of ``SUSPENDED``; each with its offset and raw text."""
    events = priced.frame[pl.Series(places)]
    reasons = [unrated_reason(priced.rated, place) for place in places.tolist()]
    return pl.DataFrame(
        {
            "kind": ["unrated"] * events.height,
            "record": events["raw_line"],
            "byte_offset": offsets,
            "reason": reasons,
            "detail": [DETAIL[reason] for reason in reasons],
            "raw": raws,
            "event": events_json(events),
            "start": pl.from_epoch(events["start"], time_unit="us").dt.replace_time_zone("UTC"),
            "key": priced.keys[places],
            "content": priced.contents[places],
        },
        schema=SUSPENDED,
    ).with_columns(pl.col("raw").str.replace_all(NUL, NUL_SHOWN, literal=True))


def suspended_rejects(rejects: pl.DataFrame) -> pl.DataFrame:
    """Return rejects (``REJECT_SCHEMA``) as rows of ``SUSPENDED``."""
    return rejects.select(
        kind=pl.lit("reject"),
        record="raw_line",
        byte_offset="offset",
        reason="reason",
        detail=pl.col("detail").str.replace_all(NUL, NUL_SHOWN, literal=True),
        raw=pl.col("raw").str.replace_all(NUL, NUL_SHOWN, literal=True),
        event=pl.lit(None, pl.String),
        start=pl.lit(None, MOMENT),
        key=pl.lit(None, pl.Int64),
        content=pl.lit(None, pl.Int64),
    )


def events_json(events: pl.DataFrame) -> pl.Series:
    """Return each event in its JSON form, times in ISO 8601."""
    times = [
        pl.from_epoch(pl.col(name), time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ").alias(name)
        for name in ("start", "seized")
    ]
    plain = events.with_columns(times).with_columns(pl.col(pl.String).str.replace_all(NUL, NUL_SHOWN, literal=True))
    return plain.select(pl.struct(pl.all()).struct.json_encode().alias("event")).to_series()
