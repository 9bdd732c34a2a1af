"""What buckets grant: one allowance per bucket, owner and period, from definitions that repeat or stand for many.

Rating draws on concrete buckets. A monthly bucket is one such bucket for each month and owner, and what is unused
serves on for as many months as its rollover says, the oldest first, since it ends first. Where the rollover has a cap,
a *roll* takes away at the beginning of each month what passes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import EACH, Bucket, Party, Repeat

LAST_MONTH = 9990 * 12
MONEY_UNIT = 10_000  # micro-units: a part of an allowance of money is rounded up to a hundredth

Term = tuple[date | None, date | None]  # [start, end) in which an owner is served
OnPlan = Mapping[str, Mapping[str, Sequence[Term]]]  # of an owner by plan: when one of its lines was on it
ALWAYS: Term = (None, None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One grant. ``bucket`` is what is drawn on: its period is the time in which it serves, its id unique.

    ``definition``: the bucket of the catalogue that it comes from; ``until``: when the period it is granted for ends.
    """

    bucket: Bucket
    definition: Bucket
    until: datetime

    @property
    def since(self) -> datetime:
        """When the period it is granted for begins."""
        return self.bucket.period[0]


@dataclass(frozen=True, slots=True)
class Roll:
    """At ``at``, of what these allowances (ids, in the order in which they end) have left, only ``cap`` stays."""

    at: datetime
    cap: int
    definition: str
    owner: str
    buckets: tuple[str, ...]


def owners_of(bucket: Bucket, party: Party) -> tuple[str, ...]:
    """Return whose buckets of this definition a party draws on.

    >>> plan = Bucket(id="b", owner="each contract", unit="seconds", amount=1, period=(datetime.min, datetime.max))
    >>> owners_of(plan, Party(name="s", shares=("contract:9", "customer:5")))
    ('contract:9',)
    """
    if not bucket.is_open_to(party):
        return ()
    names = (party.name, *party.shares)
    if bucket.owner not in EACH:
        return (bucket.owner,) if bucket.owner in names else ()
    prefix = EACH[bucket.owner]
    return (party.name,) if prefix is None else tuple(dict.fromkeys(n for n in names if n.startswith(prefix)))


def reached(buckets: Sequence[Bucket], parties: Iterable[Party]) -> list[set[str]]:
    """Return for each party the owners of the buckets that it may draw on."""
    return [{owner for owner, _ in found} for found in _reached(buckets, parties)]


def owners(buckets: Sequence[Bucket], parties: Iterable[Party]) -> dict[str, tuple[str, ...]]:
    """Return the owners of each definition (by its id) among parties, sorted."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in _reached(buckets, parties):
        for owner, name in each:
            found[name].add(owner)
    return {name: tuple(sorted(each)) for name, each in found.items()}


def _reached(buckets: Sequence[Bucket], parties: Iterable[Party]) -> Iterator[list[tuple[str, str]]]:
    """Yield for each party (owner, definition) of what it may draw on."""
    named: defaultdict[str, list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        named[bucket.owner].append(bucket)
    plans = [bucket for each in EACH for bucket in named.get(each, ())]
    for party in parties:
        found = [
            (name, bucket.id)
            for name in dict.fromkeys((party.name, *party.shares))
            for bucket in named.get(name, ())
            if bucket.is_open_to(party)
        ]
        yield found + [(owner, bucket.id) for bucket in plans for owner in owners_of(bucket, party)]


def allowances(
    buckets: Sequence[Bucket],
    owned: Mapping[str, Sequence[str]],
    since: datetime,
    until: datetime,
    terms: Mapping[str, Term] | None = None,
    *,
    on_plan: OnPlan | None = None,
) -> tuple[list[Allowance], list[Roll]]:
    """Return every allowance that may serve an event in ``[since, until]``, and the rolls between them.

    ``owned``: the owners of each definition. ``terms``: when an owner is served; left out: always. ``on_plan``: when it
    was on which plan; None: always.
    """
    made: list[Allowance] = []
    rolls: list[Roll] = []
    for bucket in buckets:
        own = owned.get(bucket.id, ())
        months = _months(bucket, since, until) if own and bucket.repeat is not None else []
        for owner in own:
            if bucket.repeat is None:
                if bucket.period[0] <= until and since < bucket.period[1]:
                    name = bucket.id if bucket.owner == owner else f"{bucket.id}/{owner}"
                    made.append(Allowance(replace(bucket, id=name, owner=owner), bucket, bucket.period[1]))
                continue
            served = [(terms or {}).get(owner, ALWAYS)]
            if bucket.plans is not None and on_plan is not None:
                served = within(
                    served[0], [term for name in bucket.plans for term in on_plan.get(owner, {}).get(name, ())]
                )
            monthly = _monthly(bucket, months, owner, served)
            made += monthly.values()
            rolls += _rolls(bucket, owner, monthly, until)
    return made, rolls


def granted(
    buckets: Sequence[Bucket], parties: Sequence[Party], since: datetime, until: datetime
) -> tuple[list[Bucket], list[Roll]]:
    """Return the concrete buckets of a tariff's parties for events in ``[since, until]``, and their rolls."""
    made, rolls = allowances(buckets, owners(buckets, parties), since, until)
    return [one.bucket for one in made], rolls


def _repeat(bucket: Bucket) -> Repeat:
    assert bucket.repeat is not None, f"{bucket.id} does not repeat"
    return bucket.repeat


def _number(moment: datetime, zone: str) -> int:
    """Return the month of an instant in a zone, counted from the year 0."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.year * 12 + local.month - 1


@lru_cache(maxsize=64)
def _month_of(moment: datetime, zone: str) -> int:
    """Return the same, of an instant that is asked for again and again."""
    return _number(moment, zone)


@lru_cache(maxsize=4096)
def _moment(month: int, zone: str) -> datetime:
    """Return when a month begins in a zone, as UTC."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Month:
    """A month (counted from the year 0) that a plan grants: its end, and the fields that all owners' buckets have."""

    number: int
    until: datetime
    same: Mapping[str, Any]


def _months(bucket: Bucket, since: datetime, until: datetime) -> list[_Month]:
    """Return the months of a plan. What was granted before may still serve, and a roll needs all that it takes."""
    repeat = _repeat(bucket)
    over = bucket.rollover.periods if bucket.rollover else 0
    # Where more than one month passes under a cap together, those before them decide what the oldest keeps.
    back = over if over < 2 or bucket.rollover is None or bucket.rollover.cap is None else 2 * over
    first = _number(max(since, bucket.period[0]), repeat.zone) - back
    last = min(_number(min(until, bucket.period[1] - timedelta(microseconds=1)), repeat.zone), LAST_MONTH)
    same = {one.name: getattr(bucket, one.name) for one in fields(Bucket)} | {"repeat": None, "rollover": None}
    return [
        _Month(
            month,
            _moment(month + 1, repeat.zone),
            same
            | {
                "id": f"{bucket.id}@{month // 12:04}-{month % 12 + 1:02}",
                "period": (_moment(month, repeat.zone), _moment(month + 1 + over, repeat.zone)),
            },
        )
        for month in range(max(first, _number(bucket.period[0], repeat.zone)), last + 1)
    ]


def both(one: Term, other: Term) -> Term:
    """Return the days that two terms have in common; where there are none it ends before it begins.

    >>> both((date(2026, 1, 1), None), (date(2026, 3, 5), date(2026, 4, 1)))
    (datetime.date(2026, 3, 5), datetime.date(2026, 4, 1))
    """
    first = max((day for day in (one[0], other[0]) if day is not None), default=None)
    return first, min((day for day in (one[1], other[1]) if day is not None), default=None)


def within(term: Term, others: Iterable[Term]) -> list[Term]:
    """Return the parts of a term that any of the others covers, in order, none touching the next.

    >>> day = lambda n: date(2026, 1, n)
    >>> found = within((day(2), None), [(day(1), day(4)), (day(3), day(6)), (day(8), None)])
    >>> found == [(day(2), day(6)), (day(8), None)]
    True
    """
    found: list[tuple[date, date]] = []
    for start, end in sorted((one[0] or date.min, one[1] or date.max) for one in others):
        begin, stop = max(start, term[0] or date.min), min(end, term[1] or date.max)
        if begin >= stop:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((begin, stop))
    return [(None if start == date.min else start, None if end == date.max else end) for start, end in found]


def _monthly(bucket: Bucket, months: Sequence[_Month], owner: str, served: Sequence[Term]) -> dict[int, Allowance]:
    """Return what an owner is granted, by month."""
    made = {}
    for month in months:
        own = {"owner": owner, "amount": _part(bucket, month.number, served)}
        if owner != bucket.owner:
            own["id"] = f"{month.same['id']}/{owner}"
        made[month.number] = Allowance(Bucket(**{**month.same, **own}), bucket, month.until)
    return made


def _part(bucket: Bucket, month: int, served: Sequence[Term]) -> int:
    """Return what is granted for a month of which an owner is served a part: by days, rounded up to the unit.

    A plan that is not prorated grants the whole for any day, and nothing for a month without one.
    """
    begin = date(month // 12, month % 12 + 1, 1)
    end = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    day = timedelta(days=1)
    days = sum(max((min(last or end, end) - max(first or begin, begin)) // day, 0) for first, last in served)
    whole = (end - begin) // day
    if days >= whole or (days and not _repeat(bucket).prorate):
        return bucket.amount
    unit = MONEY_UNIT if bucket.unit == "money" else 1
    return min(bucket.amount, -(-bucket.amount * days // (whole * unit)) * unit)


def _rolls(bucket: Bucket, owner: str, made: Mapping[int, Allowance], until: datetime) -> list[Roll]:
    rule, repeat = bucket.rollover, _repeat(bucket)
    if rule is None or rule.cap is None or not made:
        return []
    found = []
    last = min(_month_of(until, repeat.zone), LAST_MONTH, max(made) + rule.periods)
    for month in range(min(made) + 1, last + 1):
        passing = tuple(made[n].bucket.id for n in range(month - rule.periods, month) if n in made)
        if passing:
            found.append(Roll(_moment(month, repeat.zone), rule.cap, bucket.id, owner, passing))
    return found
