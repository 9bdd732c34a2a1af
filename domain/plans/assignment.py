"""A contract or a subscription on a plan for a time, and what that makes of its lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.catalogue.tariff import Plan
from domain.ids import ContractId, CustomerId, OperatorId, PlanAssignmentId, SubscriptionId
from domain.intake.subscribers import ALWAYS, PlanSpans
from domain.rating.allowances import Term, within
from domain.rating.clock import micros

Longs = NDArray[np.int64]
EPOCH_DAY: Final = date(1970, 1, 1)
NO_DAY: Final = -(2**31)
FEW: Final = 1000  # a customer's; a frame's own ways begin to pay above that
# Assignments as columns, ``subscription`` 0 where all lines of the contract are meant; days ``[first, last)``.
ASSIGNED: Final = pl.Schema(
    {
        "customer": pl.Int64,
        "contract": pl.Int64,
        "subscription": pl.Int64,
        "plan": pl.String,
        "first": pl.Date,
        "last": pl.Date,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAssignment:
    """On ``plan`` in ``[valid_from, valid_to)``. ``subscription`` None: every line of the contract, who share."""

    id: PlanAssignmentId
    operator: OperatorId
    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId | None = None
    plan: str
    valid_from: date
    valid_to: date | None = None


def as_columns(assigned: Sequence[PlanAssignment]) -> pl.DataFrame:
    """Return assignments as ``ASSIGNED``."""
    rows = [
        (one.customer, one.contract, one.subscription or 0, one.plan, one.valid_from, one.valid_to) for one in assigned
    ]
    return pl.DataFrame(rows, schema=ASSIGNED, orient="row")


class InForce(Mapping[str, Mapping[str, Sequence[Term]]]):
    """When each owner's lines were on which plan (``domain.rating.allowances.OnPlan``), looked up when it is asked for.

    A line that is on a plan of its own is not on its contract's meanwhile. A plan that the catalogue has no longer
    grants nothing, and its lines have the lists they have anyhow. ``subscription`` (ascending) and ``contract``: all
    lines that are asked for, as columns.
    """

    def __init__(
        self, assigned: pl.DataFrame, subscription: Longs, contract: Longs, plans: Mapping[str, Plan], zone: str
    ) -> None:
        self._rows = assigned.filter(pl.col("plan").is_in(list(plans))) if assigned.height else assigned
        self._subscription, self._contract = subscription, contract
        self._plans, self._zone = plans, zone
        self._orders: dict[str, tuple[Any, Any]] = {}
        self._names = sorted(plans)
        codes = {name: code for code, name in enumerate(self._names)}
        if self._rows.height > FEW:
            self._codes = self._rows["plan"].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
            self._days = [self._rows[name].to_physical().fill_null(NO_DAY).to_numpy() for name in ("first", "last")]
        else:
            self._codes = np.array([codes[name] for name in self._rows["plan"].to_list()], np.int64)
            self._days = [
                np.array([NO_DAY if day is None else (day - EPOCH_DAY).days for day in self._rows[name].to_list()])
                for name in ("first", "last")
            ]

    def __getitem__(self, owner: str) -> Mapping[str, Sequence[Term]]:
        kind, _, key = owner.partition(":")
        found: defaultdict[str, list[Term]] = defaultdict(list)
        if kind == "subscription":
            own = self._of("subscription", int(key))
            shared = [row for row in self._of("contract", self._contract_of(int(key))) if not row[0]]
            mine = [(row[2], row[3]) for row in own]
            for _, plan, first, last in shared:
                found[plan] += _without((first, last), mine)
            for _, plan, first, last in own:
                found[plan].append((first, last))
        else:
            for _, plan, first, last in self._of(kind, int(key)):
                found[plan].append((first, last))
        if not found:
            raise KeyError(owner)
        return found

    def __iter__(self) -> Iterator[str]:
        for kind in ("subscription", "contract", "customer"):
            yield from (f"{kind}:{key}" for key in self._rows[kind].unique().to_list() if key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _contract_of(self, subscription: int) -> int:
        place = int(np.searchsorted(self._subscription, subscription))
        there = place < len(self._subscription) and self._subscription[place] == subscription
        return int(self._contract[place]) if there else 0

    def _of(self, kind: str, key: int) -> list[tuple[int, str, date, date | None]]:
        """Return (subscription, plan, first, last) of the rows with a key."""
        if not self._rows.height:
            return []
        if kind not in self._orders:
            keys = self._rows[kind].to_numpy()
            order = np.argsort(keys, kind="stable")
            self._orders[kind] = (order, keys[order])
        order, keys = self._orders[kind]
        begin, end = np.searchsorted(keys, [key, key + 1])
        if not key:
            return []
        lines, first, last = self._rows["subscription"], *self._days
        return [
            (
                lines[row],
                self._names[int(self._codes[row])],
                EPOCH_DAY + timedelta(int(first[row])),
                _day(int(last[row])),
            )
            for row in order[begin:end].tolist()
        ]

    def spans(self) -> PlanSpans:
        """Return the spans of time of all lines, by their positions."""
        rows = self._rows
        names, code = self._names, self._codes
        if not rows.height or not len(self._subscription):
            return PlanSpans.none()
        since, until = self._instants("first", 0), self._instants("last", ALWAYS)
        own = np.flatnonzero(rows["subscription"].to_numpy() > 0)
        keys = rows["subscription"].to_numpy()[own]
        places = np.minimum(np.searchsorted(self._subscription, keys), len(self._subscription) - 1)
        there = self._subscription[places] == keys
        own, mine = own[there], places[there]
        theirs, shared = self._lines_of(np.flatnonzero(rows["subscription"].to_numpy() == 0))
        both = np.intersect1d(mine, theirs)
        plain_own, plain_shared = ~np.isin(mine, both), ~np.isin(theirs, both)
        at = np.concatenate([own[plain_own], shared[plain_shared]])
        owner = np.concatenate([mine[plain_own], theirs[plain_shared]])
        mixed = [
            (place, _instant(first, self._zone, 0), _instant(last, self._zone, ALWAYS), names.index(plan))
            for place in both.tolist()
            for plan, terms in self[f"subscription:{self._subscription[place]}"].items()
            for first, last in terms
        ]
        rest = np.array(mixed, np.int64).reshape(len(mixed), 4).T
        columns = (owner, since[at], until[at], code[at])
        found = [np.concatenate([column, more]).astype(np.int64) for column, more in zip(columns, rest, strict=True)]
        retail = tuple(self._plans[name].price_list for name in names)
        return PlanSpans(found[0], found[1], found[2], found[3], tuple(names), retail)

    def _lines_of(self, shared: Longs) -> tuple[Longs, Longs]:
        """Return, for rows that concern all lines of a contract, each line's position and the row."""
        order = np.argsort(self._contract, kind="stable")
        keys = self._rows["contract"].to_numpy()[shared]
        sorted_ = self._contract[order]
        begin, end = np.searchsorted(sorted_, keys), np.searchsorted(sorted_, keys, side="right")
        counts = end - begin
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return order[np.repeat(begin, counts) + offsets], np.repeat(shared, counts)

    def _instants(self, column: str, open_: int) -> Longs:
        days = self._rows[column]
        known = {day: _instant(day, self._zone, open_) for day in days.unique().to_list()}
        found: Longs = days.replace_strict(known, return_dtype=pl.Int64).to_numpy()
        return found


def _day(number: int) -> date | None:
    return None if number == NO_DAY else EPOCH_DAY + timedelta(number)


def _without(term: Term, mine: Sequence[Term]) -> list[Term]:
    """Return the parts of a term that none of a line's own covers."""
    if not mine:
        return [term]
    gaps: list[Term] = []
    begin: date | None = date.min
    for first, last in sorted(mine, key=lambda one: one[0] or date.min):
        gaps.append((begin, first))
        begin = last
        if begin is None:
            break
    else:
        gaps.append((begin, None))
    return [part for gap in gaps for part in within(term, [gap])]


@lru_cache(maxsize=4096)
def _instant(day: date | None, zone: str, otherwise: int) -> int:
    return otherwise if day is None else micros(datetime.combine(day, time(), ZoneInfo(zone)))


def holds(term: Term, since: datetime, until: datetime, zone: str) -> bool:
    """Tell whether a term has an instant of ``[since, until]`` in a zone."""
    first, last = _instant(term[0], zone, 0), _instant(term[1], zone, ALWAYS)
    return first <= micros(until) and micros(since) < last
