"""Which fees of a contract are due in a run, and what is left of them to bill: recompute, and charge the difference.

A fee in advance is due in the run whose ``fees_until`` lies after the cover's first day; one in arrears in the run that
holds its last day. What was due before and is different now, because a price, a start, an end or a discount was
changed back in time, becomes a correction that names the invoice it corrects.

Fees run on the days a service is held, its contract is no draft (nor suspended, where that is free) and its
subscription, where it has one, is active. Where the fee changes within a fee period (a new default price, a discount
that begins or ends) each part of it is a line of its own, by days. Discounts in per cent are taken first, each of what
the one before has left, then the amounts, of each fee period of a line; a fee never falls below nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.terms import Discount, DiscountOn
from domain.customers.staying import Days, holds
from domain.ids import ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFee, BilledFees, BilledPart, FeeKey
from domain.invoicing.corrected import corrected_days
from domain.invoicing.proration import Exact, Priced, covers, fee_periods
from domain.money import round_to
from domain.period import Period

LOOKBACK_MONTHS: Final = 36  # how far back a change becomes a correction: the limitation of consumers' debts
# The days on which each subscription is active, ``[start, end)``; one that never was is not there.
Spans = Mapping[SubscriptionId, tuple[date, date | None]]


@dataclass(frozen=True, slots=True)
class Window:
    """What a run bills: its period, fees in advance that begin before ``fees_until``, nothing before ``since``.

    ``decimals`` are those of the currency.
    """

    period: Period
    fees_until: date
    since: date
    decimals: int = 2

    @property
    def earliest(self) -> date:
        """The first day that is compared with what was billed."""
        return max(self.since, self._months_before(LOOKBACK_MONTHS))

    @property
    def oldest(self) -> date:
        """The first day of the oldest fee that is compared: a year's may have begun a year before."""
        return self._months_before(LOOKBACK_MONTHS + 12)

    def _months_before(self, months: int) -> date:
        year, month = divmod(self.period.start.year * 12 + self.period.start.month - 1 - months, 12)
        return date(year, month + 1, 1)


@dataclass(frozen=True, slots=True)
class FeePart:
    """The days of a fee on which one price holds. ``unit_fee`` is for one of the quantity, unprorated."""

    period: Period
    unit_fee: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DueFee:
    """A fee as it should be billed. ``due`` is False where the fee exists, but is billed by a later run.

    ``bound_until``: it is what was left of the binding, until that day.
    """

    key: FeeKey
    quantity: int
    parts: tuple[FeePart, ...]
    due: bool
    bound_until: date | None = None

    @property
    def amount(self) -> Decimal:
        """What it comes to."""
        return sum((part.amount for part in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True)
class FeeCharge:
    """What is left to charge for a fee: all of it, or the difference to what ``corrects`` has charged."""

    key: FeeKey
    period: Period
    quantity: int
    unit_fee: Decimal
    amount: Decimal
    corrects: str | None = None
    bound_until: date | None = None


def due_fees(
    contract: Contract,
    services: Mapping[ServiceId, Service],
    window: Window,
    spans: Spans | None = None,
    paid: Sequence[Days] | None = None,
) -> Iterator[DueFee]:
    """Yield the fees of a contract in the window; a draft has none.

    ``paid``: the days that one payer pays for; None: all. What is charged once is his who pays for its day.
    """
    if contract.state is ContractState.DRAFT:
        return
    for line in contract.services:
        held = _Held(contract, services[line.service], line)
        stretches = list(held.stretches(spans or {}))
        if not stretches:
            continue
        if paid is None or holds(paid, stretches[0][0]):
            yield from _one_time(held, stretches[0][0], window)
        yield from _periodic(held, stretches, window, paid)
        if paid is None or (contract.end is not None and holds(paid, day_before(contract.end))):
            yield from _left_of_binding(held, window)


def charges(due: Iterable[DueFee], billed: BilledFees, window: Window, *, zero: bool = False) -> list[FeeCharge]:
    """Return what is left to charge of the fees due, given what was billed for the same contracts before.

    ``zero``: also what comes to nothing. Fees that were billed and are due no longer are taken back. Doing it twice
    charges nothing.
    """
    left: list[FeeCharge] = []
    seen: set[FeeKey] = set()
    for fee in due:
        seen.add(fee.key)
        before = billed.get(fee.key)
        if before is None:
            if fee.due:
                left += [
                    FeeCharge(fee.key, part.period, fee.quantity, part.unit_fee, part.amount, None, fee.bound_until)
                    for part in fee.parts
                    if part.amount or zero
                ]
        elif _differ(fee.amount, before, window):
            difference = fee.amount - before.net
            whole = Period(fee.parts[0].period.start, fee.parts[-1].period.end)
            now = [BilledPart(part.period, part.amount) for part in fee.parts]
            days = corrected_days(now, before.parts, decimals=window.decimals) if before.parts else None
            left.append(FeeCharge(fee.key, days or whole, 1, abs(difference), difference, before.invoice))
    for key, before in billed.items():
        if (
            key not in seen
            and _differ(Decimal(0), before, window)
            and window.earliest <= key.fee_start < window.fees_until
        ):
            days = corrected_days((), before.parts, decimals=window.decimals) or _day(key.fee_start)
            left.append(FeeCharge(key, days, 1, abs(before.net), -before.net, before.invoice))
    return sorted(left, key=lambda charge: (charge.key, charge.period))


def _differ(amount: Decimal, before: BilledFee, window: Window) -> bool:
    return abs(amount - before.net) > (Decimal(1).scaleb(-window.decimals) if before.rough else 0)


@dataclass(frozen=True, slots=True)
class _Held:
    """A service on a contract, with what its fees are made of."""

    contract: Contract
    service: Service
    line: ContractService

    @property
    def months(self) -> int:
        """How many months a fee period has."""
        return self.contract.terms.interval_months or self.service.interval_months

    @property
    def anchor(self) -> date | None:
        """The day that anniversaries are counted from; None: the calendar."""
        own = self.contract.terms.anniversary
        return self.contract.anchor if (self.service.anniversary if own is None else own) else None

    def key(self, fee_start: date, *, one_time: bool) -> FeeKey:
        line = self.line
        return FeeKey(self.contract.id, line.service, line.start, fee_start, one_time, line.subscription or 0)

    def fee_periods(self, days: Period) -> Iterator[Period]:
        return fee_periods(self.anchor or date(days.start.year, 1, 1), self.months, days)

    def stretches(self, spans: Spans) -> Iterator[tuple[date, date | None]]:
        """Yield the days on which fees run."""
        start, ends = max(self.contract.start, self.line.start), [self.contract.end, self.line.end]
        if self.line.subscription is not None:
            if self.line.subscription not in spans:
                return
            activated, stopped = spans[self.line.subscription]
            start = max(start, activated)
            ends.append(stopped)
        end = min((day for day in ends if day is not None), default=None)
        for free_from, free_to in self.contract.free_stretches():
            if free_from is not None and start < free_from and (end is None or start < end):
                yield start, free_from if end is None else min(free_from, end)
            if free_to is None:
                return
            start = max(start, free_to)
        if end is None or start < end:
            yield start, end

    def priced(self, start: date, end: date | None) -> Iterator[Priced]:
        """Yield what a fee period of the line costs on each part of ``[start, end)``."""
        cuts = {start}
        if self.line.periodic_fee is None:
            cuts |= {price.start for price in self.service.prices}
        mine = [one for one in self.contract.discounts if self._takes(one, DiscountOn.PERIODIC)]
        for one in mine:
            cuts |= {one.start} if one.end is None else {one.start, one.end}
        inside = sorted(day for day in cuts if start <= day and (end is None or day < end))
        for first, following in zip(inside, [*inside[1:], end], strict=True):
            fee = self.service.fees_on(first)[1] if self.line.periodic_fee is None else self.line.periodic_fee
            yield Priced(first, following, _less(self._of_all(fee), mine, first))

    def _of_all(self, fee: Decimal) -> Exact:
        """Return what all of the line cost in the months that are billed at once."""
        if self.months == self.service.interval_months:
            return fee * self.line.quantity
        return Fraction(fee) * self.line.quantity * self.months / self.service.interval_months

    def one_time_fee(self, day: date) -> Exact:
        """Return the line's one-time fee on a day."""
        fee = self.service.fees_on(day)[0] if self.line.one_time_fee is None else self.line.one_time_fee
        mine = [one for one in self.contract.discounts if self._takes(one, DiscountOn.ONE_TIME)]
        return _less(fee * self.line.quantity, mine, day)

    def _takes(self, discount: Discount, on: DiscountOn) -> bool:
        return discount.on is on and discount.service in {None, self.line.service}


def _less(fee: Exact, discounts: Iterable[Discount], day: date) -> Exact:
    """Return the fee less the discounts of the day, exactly: it is rounded when it is known for how many days."""
    mine = [one for one in discounts if one.start <= day and (one.end is None or day < one.end)]
    if not mine:
        return fee
    left = Fraction(fee)
    for one in mine:
        if one.percent is not None:
            left *= (100 - Fraction(one.percent)) / 100
    return max(left - sum(Fraction(one.amount or 0) for one in mine), Fraction(0))


def _each(fee: Exact, quantity: int) -> Decimal:
    """Return what one of so many costs, to the digits that a decimal has."""
    if isinstance(fee, Decimal):
        return fee / quantity
    return Decimal(fee.numerator) / (fee.denominator * quantity)


def _one_time(held: _Held, start: date, window: Window) -> Iterator[DueFee]:
    fee = held.one_time_fee(start)
    if fee and start >= window.earliest:
        part = FeePart(_day(start), _each(fee, held.line.quantity), round_to(fee, window.decimals))
        key = held.key(start, one_time=True)
        yield DueFee(key, held.line.quantity, (part,), due=start < window.period.end)


def _periodic(
    held: _Held, stretches: list[tuple[date, date | None]], window: Window, paid: Sequence[Days] | None
) -> Iterator[DueFee]:
    advance = held.service.in_advance
    bound = window.fees_until if advance else window.period.end
    first = max(stretches[0][0], window.earliest)
    if max(bound, window.fees_until) <= first:
        return
    prices = [price for stretch in stretches for price in held.priced(*stretch)]
    # One in arrears that a later run has billed already exists, too, as far as fees in advance are looked at.
    for fee_period in held.fee_periods(Period(first, max(bound, window.fees_until))):
        found = covers(fee_period, prices, decimals=window.decimals)
        if not found or (advance and found[0].period.start < window.earliest):
            continue  # or paid before this system billed, or too long ago to be changed
        if paid is not None and not (found := covers(fee_period, list(_paid(prices, paid)), decimals=window.decimals)):
            continue
        due = found[0].period.start < bound if advance else found[-1].period.end <= bound
        parts = tuple(FeePart(one.period, _each(one.fee, held.line.quantity), one.amount) for one in found)
        yield DueFee(held.key(fee_period.start, one_time=False), held.line.quantity, parts, due)


def _paid(prices: Iterable[Priced], paid: Sequence[Days]) -> Iterator[Priced]:
    """Yield the prices on the days that are paid for."""
    for price in prices:
        for since, until in paid:
            start = price.start if since is None else max(price.start, since)
            end = min((day for day in (price.end, until) if day is not None), default=None)
            if end is None or start < end:
                yield Priced(start, end, price.fee)


def _left_of_binding(held: _Held, window: Window) -> Iterator[DueFee]:
    """Yield what leaving before the binding was over costs, with the bill of the contract's last day."""
    end, ending = held.contract.end, held.contract.ending
    if end is None or ending is None or ending.bound_until is None or end < window.earliest:
        return
    amount = left_of_binding(held.contract, held.service, held.line, decimals=window.decimals)
    if amount:
        key, bound = held.key(end, one_time=True), ending.bound_until
        part = FeePart(Period(end, bound), amount, amount)
        yield DueFee(key, 1, (part,), due=end <= window.period.end, bound_until=bound)


def left_of_binding(contract: Contract, service: Service, line: ContractService, *, decimals: int = 2) -> Decimal:
    """Return the share of a line's fees from the contract's end until it would have been free, as it was ended.

    By the fee of its last day: a price that is raised afterwards is not his who has left.
    """
    end, ending = contract.end, contract.ending
    if end is None or ending is None or ending.bound_until is None or ending.bound_until <= end:
        return Decimal(0)
    if line.start >= end or (line.end is not None and line.end <= end):
        return Decimal(0)
    if line.periodic_fee is None:
        last = max(line.start, day_before(end))
        line = replace(line, periodic_fee=service.fees_on(last)[1])
    held = _Held(contract, service, line)
    until = min(ending.bound_until, line.end or ending.bound_until)
    prices = list(held.priced(end, until))
    left = sum(
        (
            cover.amount
            for fee_period in held.fee_periods(Period(end, until))
            for cover in covers(fee_period, prices, decimals=decimals)
        ),
        Decimal(0),
    )
    return round_to(left * ending.share / 100, decimals)


def day_before(day: date) -> date:
    """Return the day before."""
    return date.fromordinal(day.toordinal() - 1)


def _day(day: date) -> Period:
    return Period(day, date.fromordinal(day.toordinal() + 1))
