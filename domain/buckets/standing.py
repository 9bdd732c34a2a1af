"""What is stored of buckets, volumes and the order of events, of some customers, as frames. Times are µs, UTC.

A balance's ``given`` was given away to others; ``thresholds`` are per cents, as ``50,80``, and ``told`` the highest one
that it has reached. A balance of a shared bucket whose owner is one of the subscriptions counts towards that one's cap.
A volume's ``subscription`` is negative where the lines of the contract of that key count together, 0 where all lines of
the customer do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import polars as pl

BALANCES: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "bucket": pl.String,
        "owner": pl.String,
        "since": pl.Int64,
        "until": pl.Int64,
        "unit": pl.String,
        "granted": pl.Int64,
        "drawn": pl.Int64,
        "given": pl.Int64,
        "thresholds": pl.String,
        "told": pl.Int16,
    }
)
# What is granted beside plans (``domain.buckets.grant``), by the id of the bucket whose scope it has.
GRANTS: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "id": pl.Int64,
        "bucket": pl.String,
        "owner": pl.String,
        "since": pl.Int64,
        "until": pl.Int64,
        "amount": pl.Int64,
    }
)
LOSSES: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "bucket": pl.String,
        "owner": pl.String,
        "since": pl.Int64,
        "at": pl.Int64,
        "amount": pl.Int64,
    }
)
VOLUMES: Final = pl.Schema(
    {"customer": pl.Int64, "subscription": pl.Int64, "ring": pl.String, "slot": pl.Int16, "counted": pl.Int64}
)
LASTS: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "contract": pl.Int64,
        "subscription": pl.Int64,
        "start": pl.Int64,
        "offset": pl.Int64,
        "name": pl.String,
        "disordered": pl.Boolean,
    }
)
# Up to where a customer's draws are final: usage before ``until`` in chunks up to ``horizon``. NEVER: nothing is.
SETTLED: Final = pl.Schema({"customer": pl.Int64, "until": pl.Int64, "horizon": pl.Int64})
NEVER: Final = -(2**63)
_PLACE: Final = ["customer", "bucket", "owner", "since"]
# What moved a balance since the first of two instants, and since the last of them.
MOVED: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "bucket": pl.String,
        "owner": pl.String,
        "since": pl.Int64,
        "first": pl.Int64,
        "last": pl.Int64,
    }
)
# What rings and buckets did to stored events; ``start`` and ``since`` µs.
KEPT: Final = pl.Schema(
    {
        "start": pl.Int64,
        "source": pl.Int32,
        "key": pl.Int64,
        "version": pl.Int16,
        "customer": pl.Int64,
        "subscription": pl.Int64,
        "kind": pl.String,
        "slot": pl.Int16,
        "name": pl.String,
        "owner": pl.String,
        "since": pl.Int64,
        "amount": pl.Int64,
        "remaining": pl.Int64,
    }
)


def kept_shares(rows: pl.DataFrame, source: int) -> pl.DataFrame:
    """Return rows of ``domain.intake.rows.SHARE_ROWS`` as ``KEPT``."""
    times = [pl.col(name).dt.epoch("us") for name in ("start", "since")]
    return rows.with_columns(*times, pl.lit(source, pl.Int32).alias("source")).select(KEPT.names())


def as_reversed(kept: pl.DataFrame) -> pl.DataFrame:
    """Return what takes rows of ``KEPT`` back: the next version, with amounts negative."""
    return kept.with_columns(
        (pl.col("version") + 1).cast(pl.Int16), -pl.col("amount"), pl.lit(None, pl.Int64).alias("remaining")
    )


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The frames above."""

    balances: pl.DataFrame
    losses: pl.DataFrame
    volumes: pl.DataFrame
    lasts: pl.DataFrame
    settled: pl.DataFrame
    grants: pl.DataFrame = field(default_factory=GRANTS.to_frame)

    @classmethod
    @cache
    def none(cls) -> Standing:
        """Return the standing of nobody; always the same, whose frames nobody changes in place."""
        return cls(*(kind.to_frame() for kind in (BALANCES, LOSSES, VOLUMES, LASTS, SETTLED)))

    def as_it_was(self, at: int, moved: Sequence[pl.DataFrame], which: str) -> Standing:
        """Return the standing without what was drawn, given (``moved``, as ``MOVED``) and lost since an instant."""
        balances = self.balances
        for name, rows in zip(("drawn", "given"), moved, strict=True):
            after = rows.select(*_PLACE, pl.col(which).alias("after"))
            kept = pl.col(name) - pl.col("after").fill_null(0)
            balances = balances.join(after, on=_PLACE, how="left").with_columns(kept).drop("after")
        return replace(self, balances=balances, losses=self.losses.filter(pl.col("at") <= at))

    def returned(self, shares: pl.DataFrame) -> Standing:
        """Return the standing without what some events (``KEPT``) drew and counted."""
        drew = shares.filter(pl.col("kind") == "bucket").rename({"name": "bucket"})
        line = pl.format("subscription:{}", "subscription")
        capped = drew.filter(pl.col("owner") != line).with_columns(line.alias("owner"))
        gave = pl.concat([one.select("customer", "bucket", "owner", "since", "amount") for one in (drew, capped)])
        counted = shares.filter(pl.col("kind") == "volume").select(
            "customer", _counted_by(), pl.col("name").alias("ring"), "slot", "amount"
        )
        return replace(
            self,
            balances=_less(self.balances, gave, ["customer", "bucket", "owner", "since"], "drawn"),
            volumes=_less(self.volumes, counted, ["customer", "subscription", "ring", "slot"], "counted"),
        )

    def after(self, moved: Moved) -> Standing:
        """Return the standing as a change leaves it."""
        return replace(
            self,
            balances=_over(moved.balances, self.balances, ["customer", "bucket", "owner", "since"]),
            losses=pl.concat([self.losses, moved.losses]),
            volumes=_over(moved.volumes, self.volumes, ["customer", "subscription", "ring", "slot"]),
            lasts=_over(moved.lasts, self.lasts, ["customer", "subscription"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """How a standing changes: rows to put, rows of losses to add.

    ``relost``: (customer, bucket, owner) whose losses that are not settled go first.
    """

    balances: pl.DataFrame
    losses: pl.DataFrame
    volumes: pl.DataFrame
    lasts: pl.DataFrame
    relost: Sequence[tuple[int, str, str]] = ()

    def over(self, standing: Standing) -> Moved:
        """Return this change with the rows of a standing that it leaves as they are there."""
        return replace(
            self,
            balances=_over(self.balances, standing.balances, ["customer", "bucket", "owner", "since"]),
            volumes=_over(self.volumes, standing.volumes, ["customer", "subscription", "ring", "slot"]),
        )


def tuples(frame: pl.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Return rows of some columns; a customer's few, for which a frame's own ``select`` takes longer than all else."""
    return zip(*(frame.get_column(name).to_list() for name in names), strict=True)


def counting_key(name: str) -> int:
    """Return under which key a volume is kept that an owner counts.

    >>> counting_key("subscription:12"), counting_key("contract:9"), counting_key("customer:5")
    (12, -9, 0)
    """
    kind, _, key = name.rpartition(":")
    return {"contract": -1, "customer": 0}.get(kind, 1) * int(key)


def _counted_by() -> pl.Expr:
    shared = pl.col("owner").str.strip_prefix("contract:").cast(pl.Int64, strict=False)
    return (
        pl.when(pl.col("owner").is_null())
        .then(pl.col("subscription"))
        .when(pl.col("owner").str.starts_with("contract:"))
        .then(-shared)
        .otherwise(0)
        .cast(pl.Int64)
        .alias("subscription")
    )


def _less(rows: pl.DataFrame, gone: pl.DataFrame, keys: list[str], column: str) -> pl.DataFrame:
    if not gone.height:
        return rows
    sums = gone.group_by(keys).agg(pl.col("amount").sum())
    joined = rows.join(sums, on=keys, how="left", maintain_order="left")
    return joined.with_columns(pl.col(column) - pl.col("amount").fill_null(0)).drop("amount")


def _over(rows: pl.DataFrame, before: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return pl.concat([rows, before.join(rows, on=keys, how="anti")])
