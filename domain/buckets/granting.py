"""What is granted beside plans, as allowances to draw on: each has the scope of a bucket of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import polars as pl

from domain.buckets.standing import tuples
from domain.catalogue.tariff import Bucket
from domain.rating.allowances import Allowance
from domain.rating.clock import micros, moment_of

FEW: Final = 200  # grants of some customers; above that they are looked for as columns


def granted_apart(
    grants: pl.DataFrame, buckets: Sequence[Bucket], names: Collection[str], since: datetime, until: datetime
) -> list[Allowance]:
    """Return the grants (``GRANTS``) of these owners that may serve an event in ``[since, until]``.

    One whose bucket the catalogue has no longer serves nothing.
    """
    if not grants.height:
        return []
    known = {bucket.id: bucket for bucket in buckets}
    names, first, last = frozenset(names), micros(since), micros(until)
    if grants.height > FEW:
        grants = grants.filter(
            pl.col("owner").is_in(list(names)) & (pl.col("since") <= last) & (pl.col("until") > first)
        )
    return [
        allowance_of(known[bucket], grant, owner, amount, (moment_of(begins), moment_of(ends)))
        for grant, bucket, owner, begins, ends, amount in tuples(
            grants, "id", "bucket", "owner", "since", "until", "amount"
        )
        if bucket in known and owner in names and begins <= last and ends > first
    ]


def allowance_of(bucket: Bucket, grant: int, owner: str, amount: int, period: tuple[datetime, datetime]) -> Allowance:
    """Return a grant as an allowance. It is its owner's, on whatever plan or list his lines are."""
    own = replace(
        bucket,
        id=name_of(bucket.id, grant),
        owner=owner,
        amount=amount,
        period=period,
        of=None,
        plans=None,
        repeat=None,
        rollover=None,
        top_up=None,
    )
    return Allowance(own, own, period[1])


def name_of(bucket: str, grant: int) -> str:
    """Return under which name a grant is drawn on.

    >>> name_of("data", 17)
    'data#17'
    """
    return f"{bucket}#{grant}"
