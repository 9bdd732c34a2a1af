"""What became of buckets in a billing period, for the invoice: one entry for each bucket and owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.buckets.balance import Granting, Held, Line, held
from domain.buckets.grant import shown
from domain.buckets.standing import Standing

BUCKET_COUNTS: Final = ("rolled_over", "granted", "received", "used", "given", "expired", "left")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketEntry:
    """``rolled_over + granted + received = used + given + expired + left``, where no more was used than there was.

    Of seconds, messages, kB or money (in ``currency``; None: that of the calls). ``owner``: ``subscription:12``,
    ``contract:9`` or ``customer:5``. ``rolled_over``: what was left when the period began. ``granted``: by plans,
    bought or for nothing; ``received``, ``given``: from and to other lines. ``expired``: what ended unused by the end
    of the period, or passed a rollover's cap. ``left``: what goes on into the next period.
    """

    bucket: str
    owner: str
    unit: str
    currency: str | None = None
    rolled_over: Decimal = Decimal(0)
    granted: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    given: Decimal = Decimal(0)
    expired: Decimal = Decimal(0)
    left: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """How buckets stood when ``[since, until)`` began and ended, by events' own time; ``gifts``: grants received."""

    since: datetime
    until: datetime
    at_first: Standing
    at_last: Standing
    gifts: Collection[int] = ()


def statement(lines: Sequence[Line], granting: Granting, between: Between) -> list[BucketEntry]:
    """Return what became of the buckets that served these lines in a time, by bucket and owner."""
    since, until = between.since, between.until
    before = {one.place: one for one in held(lines, granting, between.at_first, since, since)}
    known = {bucket.id for bucket in granting.buckets}
    found: dict[tuple[str, str], BucketEntry] = {}
    for one in held(lines, granting, between.at_last, since, until):
        bucket = one.allowance.bucket
        if not one.allowance.since < until or bucket.period[1] <= since:
            continue
        name, grant = one.place[0], ""
        if name not in known and "#" in name:
            name, _, grant = name.rpartition("#")
        was = before.get(one.place) if one.allowance.since < since else None
        counts = _counts(one, was, until, gift=grant != "" and int(grant) in between.gifts)
        place = (name, bucket.owner)
        there = found.get(place) or BucketEntry(
            bucket=name, owner=bucket.owner, unit=bucket.unit, currency=bucket.currency
        )
        more = {key: getattr(there, key) + shown(counts[key], bucket.unit) for key in BUCKET_COUNTS}
        found[place] = replace(there, **more)
    return [one for _, one in sorted(found.items()) if any(getattr(one, key) for key in BUCKET_COUNTS)]


def _counts(one: Held, was: Held | None, until: datetime, *, gift: bool) -> dict[str, int]:
    """Return one allowance's part of its entry; ``was``: as it stood when the period began, where it had begun."""
    amount = one.allowance.bucket.amount
    over = one.allowance.bucket.period[1] <= until
    lost = one.lost - (was.lost if was else 0)
    return {
        "rolled_over": was.left if was else 0,
        "granted": 0 if was or gift else amount,
        "received": amount if gift and not was else 0,
        "used": one.used - (was.used if was else 0),
        "given": one.given - (was.given if was else 0),
        "expired": lost + (one.left if over else 0),
        "left": 0 if over else one.left,
    }
