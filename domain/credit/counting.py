"""Usage counted against limits as it is written, in the same transaction, and anew from all that nobody has billed.

Where nobody is watched this costs one short question. Else one statement for a chunk moves the sums of everybody in it,
however many events he has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import polars as pl

from domain.credit.account import Account
from domain.credit.checking import checks, unrated
from domain.credit.fraud import CHECK, LINES_MAX
from domain.credit.kinds import PRICED_ROWS, Home, Kind, counted
from domain.credit.reservation import Record, Reservation, ReservationState, settles
from domain.ids import CustomerId, OperatorId
from domain.intake.rater import Rater
from domain.invoicing.invoice import decimals_of
from domain.jobs.job import NewJob
from domain.margins.exchange import Exchange, no_rate
from domain.ports.unit import Unit


async def count_chunk(unit: Unit, usage: Any, rater: Rater, *, at: datetime) -> None:
    """Count the rows of a chunk (an Arrow table of ``usage``, reversals too). The last but alarms before its commit.

    What was set aside for the calls that they tell of is free again. Raises ``Collision``.
    """
    if not usage.num_rows:
        return
    await _promise_look(unit, usage)
    watching = await unit.credit.watching()
    if watching is None:
        return
    names = [
        "customer",
        "subscription",
        "destination",
        "mode",
        "direction",
        "visited",
        "b",
        "retail_micro",
        "retail_rate",
    ]
    frame = pl.DataFrame(pl.from_arrow(usage.select(names)))
    if watching.customers is not None:
        frame = frame.filter(pl.col("customer").is_in(watching.customers))
        if not frame.height:
            return
    rows = await in_own_currency(unit, _rows(frame, watching.home), rater, at.date())
    looked = list(await unit.credit.move(counted(rows)))
    looked += await _settle(unit, usage, frame["subscription"].unique().to_list(), at)
    await promise_checks(unit, sorted(set(looked)))


async def _promise_look(unit: Unit, usage: Any) -> None:
    """Let a worker look for unusual usage of the lines of a chunk, where there are rules about it."""
    if not await unit.fraud.watching():
        return
    lines = pl.DataFrame(pl.from_arrow(usage.select(["subscription", "start"])))
    span = {"since": lines["start"].min(), "until": lines["start"].max()}
    keys = lines["subscription"].unique().sort().to_list()
    for first in range(0, len(keys), LINES_MAX):
        payload = {name: at.isoformat() for name, at in span.items() if isinstance(at, datetime)}
        await unit.jobs.add(
            NewJob(kind=CHECK, payload={"lines": keys[first : first + LINES_MAX], **payload}, priority=50)
        )


async def count_stored(unit: Unit, rows: pl.DataFrame, rater: Rater, *, at: datetime) -> None:
    """Count rows of ``domain.rerating.columns.STORED`` that are written as versions. Raises ``Collision``."""
    watching = await unit.credit.watching()
    if watching is None or not rows.height:
        return
    mine = await in_own_currency(unit, _rows(rows, watching.home), rater, at.date())
    await promise_checks(unit, await unit.credit.move(counted(mine)))


async def recount(unit: Unit, customers: Collection[CustomerId], *, at: datetime) -> None:
    """Count anew what is unbilled of those customers who are watched, from the usage itself.

    Their rows are locked first: a chunk that is counted already has committed then, and one that is not counts itself.
    """
    watched = [key for key, accounts in (await unit.credit.claim(sorted(customers))).items() if accounts]
    if not watched:
        return
    rows = await in_own_currency(unit, await unit.credit.unbilled(watched), None, at.date())
    await unit.credit.put_unbilled(watched, counted(rows))


async def promise_checks(unit: Unit, customers: Sequence[CustomerId], *, urgent: bool = True) -> None:
    """Let a worker look at customers as soon as the unit has committed."""
    for job in checks(customers, urgent=urgent):
        await unit.jobs.add(job)


def _rows(frame: pl.DataFrame, home: Home) -> pl.DataFrame:
    """Return usage as ``PRICED_ROWS``."""
    whole = pl.col("b").fill_null("")
    away = (pl.col("direction") == 0) & whole.str.contains(r"^[0-9]{8,}$") & ~whole.str.starts_with(home.code)
    return frame.select(
        "customer",
        "subscription",
        (away & pl.lit(bool(home.code))).alias("abroad"),
        pl.col("destination").is_in(sorted(home.premium)).alias("premium"),
        pl.col("visited").is_not_null().alias("roaming"),
        (pl.col("mode") == "data").alias("data"),
        pl.col("retail_micro").alias("amount"),
        pl.col("retail_rate").alias("rate"),
    ).cast(dict(PRICED_ROWS))  # type: ignore[arg-type]  # a mapping of names to types


async def in_own_currency(unit: Unit, rows: pl.DataFrame, rater: Rater | None, day: date) -> pl.DataFrame:
    """Return rows with the amounts of other currencies in the operator's, by the rates of a day.

    What has no rate counts for nothing, and a worker tells of it: one of another currency is no one of ours.
    """
    if rater is not None and rater.watch is not None:
        own = rater.watch.currency
        lists = rater.book.tariff.price_lists.values()
        if all(one.currency in {None, own} for one in lists):
            return rows
    else:
        own = (await unit.operators.own()).currency
    rates = await unit.reratings.rates(rows["rate"].unique().to_list())
    foreign: defaultdict[str, list[int]] = defaultdict(list)
    for rate, (_, code) in rates.items():
        if code != own:
            foreign[code].append(rate)
    if not foreign:
        return rows
    exchange = await exchange_of(unit)
    for code, keys in foreign.items():
        mine = rows["rate"].is_in(keys)
        if exchange.factor(code, own, day) is None:
            await unit.jobs.add(unrated(code, day))
        amounts = [
            exchange.convert(amount, code, own, day) or 0 if chosen else amount
            for amount, chosen in zip(rows["amount"].to_list(), mine.to_list(), strict=True)
        ]
        rows = rows.with_columns(pl.Series("amount", amounts, dtype=pl.Int64))
    return rows


async def exchange_of(unit: Unit) -> Exchange:
    """Return the operator's exchange rates."""
    rules = await unit.exchange.rules()
    return Exchange(await unit.exchange.every(), max_age_days=rules.rate_max_age_days)


async def owed_of(unit: Unit, owed: Mapping[str, int], own: str, day: date) -> int:
    """Return what somebody owes in several currencies (minor units) in micro-units of the operator's own.

    Raises NoRate where there is none between two of them.
    """
    total = 0
    for code, minor in owed.items():
        micro = minor * 10 ** (6 - decimals_of(code))
        if code != own and micro:
            worth = (await exchange_of(unit)).convert(micro, code, own, day)
            if worth is None:
                raise no_rate(code, own, day)
            micro = worth
        total += micro
    return total


async def _settle(unit: Unit, usage: Any, lines: Sequence[int], at: datetime) -> list[CustomerId]:
    """Free what was set aside for calls whose records are among rows of usage."""
    live = await unit.credit.live_of(lines)
    if not live:
        return []
    names = ["subscription", "reference", "start", "direction", "a", "b", "version"]
    frame = pl.DataFrame(pl.from_arrow(usage.select(names)))
    mine = frame.filter(pl.col("subscription").is_in([one.subscription for one in live]) & (pl.col("version") % 2 == 1))
    left: defaultdict[int, list[Reservation]] = defaultdict(list)
    for one in live:
        left[one.subscription].append(one)
    moved: list[CustomerId] = []
    for row in mine.sort("start").iter_rows(named=True):
        outward = row["direction"] == 0
        record = Record(
            row["subscription"],
            row["reference"] or "",
            (row["b"] if outward else row["a"]) or "",
            outward,
            row["start"],
        )
        met = [one for one in left[record.subscription] if settles(record, one)]
        if met:
            before = min(met, key=lambda one: (abs(one.start - record.start), one.id))
            left[record.subscription].remove(before)
            moved.append(before.customer)
            after = replace(before, state=ReservationState.SETTLED, changed_at=at)
            await unit.credit.change(before, after)
    return moved


async def counted_now(unit: Unit, customer: CustomerId, *, operator: OperatorId, at: datetime) -> Account:
    """Add up what is unbilled of somebody who is not watched."""
    rows = await in_own_currency(unit, await unit.credit.unbilled([customer]), None, at.date())
    whole = counted(rows).filter(pl.col("subscription") == 0)
    sums = whole.row(0, named=True) if whole.height else {}
    return Account(operator=operator, customer=customer, unbilled={kind: sums.get(kind.value, 0) for kind in Kind})
