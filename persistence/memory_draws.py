"""Buckets and counted discounts in memory. Each table has a row per key as ``domain.buckets.standing`` names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from domain.buckets.balance import Line
from domain.buckets.standing import (
    BALANCES,
    GRANTS,
    KEPT,
    LASTS,
    LOSSES,
    MOVED,
    NEVER,
    SETTLED,
    VOLUMES,
    Moved,
    Standing,
)
from domain.ids import CustomerId
from domain.intake.subscribers import Pricing
from domain.invoicing.bill_run import BillRunState
from domain.ports.grants import Crossing, Move
from domain.rating.clock import micros, moment_of
from domain.rerating.columns import STORED
from persistence.memory import Draft

_TABLES: Final = {
    "balances": ("bucket_balance", BALANCES, ("customer", "bucket", "owner", "since")),
    "losses": ("bucket_loss", LOSSES, ("customer", "bucket", "owner", "since", "at")),
    "volumes": ("ring_volume", VOLUMES, ("customer", "subscription", "ring", "slot")),
    "lasts": ("draw_party", LASTS, ("customer", "subscription")),
    "settled": ("draw_customer", SETTLED, ("customer",)),
}


class MemoryDraws:
    """Keeps ``domain.ports.draws.Draws``. Customers are nobody else's, so their keys tell the operator."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    async def claim(self, customers: Sequence[int]) -> None:
        """Keep who draws; the unit has everything to itself."""
        for key in customers:
            row = {"customer": key, "until": NEVER, "horizon": 0}
            self._draft.table("draw_customer").setdefault((key,), row)

    async def standing(self, customers: Sequence[int]) -> Standing:
        """Return what is stored of these customers."""
        wanted = {key for key in customers if self._reaches(key)}
        frames = {}
        for name, (table, schema, _) in _TABLES.items():
            rows = [row for row in self._draft.table(table).values() if row["customer"] in wanted]
            frames[name] = pl.DataFrame(rows, schema=schema)
        grants = [
            (one.customer, one.id, one.bucket, one.owner, micros(one.since), micros(one.until), one.amount)
            for _, one in sorted(self._draft.table("bucket_grant").items())
            if one.customer in wanted and one.withdrawn_at is None
        ]
        frames["grants"] = pl.DataFrame(grants, schema=GRANTS, orient="row")
        return Standing(**frames)

    async def balances(self, customer: int) -> Standing:
        """Return what is stored of a customer's buckets; no volumes, nor who was last."""
        found = await self.standing([customer])
        return replace(Standing.none(), balances=found.balances, losses=found.losses, grants=found.grants)

    async def lines(
        self, customer: int, contract: int | None, subscription: int | None, *, first: int
    ) -> Sequence[Line]:
        """Return a customer's lines, of one contract or one alone, by key."""
        lists = self._draft.table("customer")[customer].price_list
        zone = ZoneInfo(self._draft.table("operator")[self._operator].zone)
        found = []
        for _, one in sorted(self._draft.table("subscription").items()):
            if one.customer == customer and contract in {None, one.contract} and subscription in {None, one.id}:
                own = self._draft.table("contract")[one.contract]
                days = [None if at is None else at.astimezone(zone).date() for at in (one.activated_at, one.ended_at)]
                found.append(Line(one.id, own.id, customer, own.price_list or lists, own.start, own.end, *days))
        return found[:first]

    async def lines_of(self, customers: Sequence[int]) -> Sequence[Line]:
        """Return the lines of all of these customers."""
        found = [await self.lines(customer, None, None, first=10**9) for customer in customers]
        return sorted((line for lines in found for line in lines), key=lambda line: line.subscription)

    async def between(self, customers: Sequence[int], since: datetime, until: datetime) -> tuple[Standing, Standing]:
        """Return how these customers' buckets stood at two instants, by the time of events, gifts and losses."""
        there = await self.standing(customers)
        now = replace(Standing.none(), balances=there.balances, losses=there.losses, grants=there.grants)
        first, last = micros(since), micros(until)
        drew = [
            (row["customer"], row["name"], row["owner"], row["since"], row["start"], row["amount"])
            for rows in self._draft.table("usage_share").values()
            for row in rows
            if row["kind"] == "bucket" and row["customer"] in customers
        ]
        gave = [
            (one.customer, one.bucket, one.owner, micros(one.since), micros(one.given_at), one.amount)
            for one in self._draft.table("bucket_given").values()
            if one.customer in customers
        ]
        moved = [_moved(rows, first, last) for rows in (drew, gave)]
        return now.as_it_was(first, moved, "first"), now.as_it_was(last, moved, "last")

    def _reaches(self, customer: int) -> bool:
        row = self._draft.table("customer").get(customer)
        return row is not None and self._draft.sees(row)

    async def put(self, moved: Moved, *, at: datetime) -> None:
        """Write how the standing of claimed customers changes, and what was drawn more or less by it."""
        for row in moved.balances.iter_rows(named=True):
            self._move(row, at)
        losses, settled = self._draft.table("bucket_loss"), self._draft.table("draw_customer")
        for key in list(losses):
            until = settled.get((key[0],), {"until": NEVER})["until"]
            if key[:3] in moved.relost and key[4] >= until:
                losses.pop(key)
        for name in ("balances", "losses", "volumes", "lasts"):
            table, _, keys = _TABLES[name]
            for row in getattr(moved, name).iter_rows(named=True):
                self._draft.table(table)[tuple(row[key] for key in keys)] = row

    def _move(self, row: Mapping[str, Any], at: datetime) -> None:
        place = (row["customer"], row["bucket"], row["owner"], row["since"])
        before = self._draft.table("bucket_balance").get(place, {"drawn": 0})["drawn"]
        if row["drawn"] != before:
            moved = Move(*place[1:3], moment_of(row["since"]), at, row["drawn"] - before, row["drawn"])
            self._draft.table("bucket_move")[row["customer"], self._draft.draw("bucket_move")] = moved

    async def cross(self, found: Sequence[tuple[int, Crossing]]) -> None:
        """Keep thresholds that balances of customers crossed."""
        for customer, one in found:
            self._draft.table("bucket_crossing")[customer, self._draft.draw("bucket_crossing")] = one

    async def granted(self, customers: Sequence[int]) -> Sequence[int]:
        """Return those of these customers who were granted anything beside plans."""
        return sorted({one.customer for one in self._draft.table("bucket_grant").values()} & set(customers))

    async def disturb(self, subscriptions: Sequence[int]) -> None:
        """Note that events of these subscriptions have gone."""
        parties = self._draft.table("draw_party")
        for key, row in list(parties.items()):
            if row["subscription"] in subscriptions:
                parties[key] = row | {"disordered": True}

    async def shares(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return what events (``start`` in µs, ``source``, ``key``, ``version``) drew, as ``KEPT``."""
        kept = self._draft.table("usage_share")
        wanted = events.select("start", "source", "key", "version").rows()
        rows = [row for name in wanted for row in kept.get(name, ()) if self._reaches(row["customer"])]
        return pl.DataFrame(rows, schema=KEPT)

    async def unsettled(self, customers: Sequence[int]) -> pl.DataFrame:
        """Return the present versions of these customers' events that are not settled, as ``STORED``."""
        wanted, settled = set(customers), self._draft.table("draw_customer")
        found = []
        for place, row in sorted(self._draft.table("usage").items()):
            if row.event.customer not in wanted:
                continue
            mark = settled.get((row.event.customer,), {"until": NEVER, "horizon": 0})
            if place[0] >= mark["until"] or row.event.chunk > mark["horizon"]:
                found.append(self._draft.table("usage_kept")[place].row | {"start": place[0], "source": place[1]})
        names = STORED.names()
        return pl.DataFrame([[row[name] for name in names] for row in found], schema=STORED, orient="row")

    async def pricings(self, keys: Sequence[int]) -> Mapping[int, Pricing]:
        """Return what subscriptions were rated by, by key."""
        return {number: one for (_, one), number in self._draft.table("pricing").items() if number in keys}

    async def disordered(self, customers: Sequence[CustomerId] | None, *, after: int, first: int) -> Sequence[int]:
        """Return the next customers, of these or of all, with a subscription that is disordered."""
        found = {
            row["customer"]
            for row in self._draft.table("draw_party").values()
            if row["disordered"] and row["customer"] > after and self._reaches(row["customer"])
        }
        return sorted(found if customers is None else found & set(customers))[:first]

    async def fence(self) -> bool:
        """Tell whether no bill run is unfinished; nobody else commits anything."""
        runs = self._draft.table("bill_run").values()
        return not any(run.operator == self._operator and run.state is BillRunState.RUNNING for run in runs)

    async def close(self, customers: Sequence[CustomerId] | None, *, until: datetime, horizon: int) -> None:
        """Make the draws final of usage before ``until`` in chunks up to ``horizon``; never of less than before."""
        rows = self._draft.table("draw_customer")
        for key, row in list(rows.items()):
            chosen = customers is None or row["customer"] in customers
            if (
                chosen
                and self._reaches(row["customer"])
                and row["until"] <= micros(until)
                and row["horizon"] <= horizon
            ):
                rows[key] = row | {"until": micros(until), "horizon": horizon}


def keep_shares(draft: Draft, rows: pl.DataFrame) -> None:
    """Keep rows of ``KEPT`` beside their events."""
    kept: dict[Any, Any] = draft.table("usage_share")
    for row in rows.iter_rows(named=True):
        name = (row["start"], row["source"], row["key"], row["version"])
        kept[name] = (*kept.get(name, ()), row)


def _moved(rows: Sequence[tuple[Any, ...]], first: int, last: int) -> pl.DataFrame:
    """Return rows (customer, bucket, owner, since, when, amount) added up by place since two instants, as ``MOVED``."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for *place, when, amount in rows:
        there = sums.setdefault(tuple(place), [0, 0])
        there[0] += amount if when >= first else 0
        there[1] += amount if when >= last else 0
    return pl.DataFrame([(*place, *both) for place, both in sums.items()], schema=MOVED, orient="row")
