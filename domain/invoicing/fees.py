"""Which fees of a contract are due in a run, and what is left of them to bill: recompute, and charge the difference.

A fee in advance is due in the run whose ``fees_until`` lies after the cover's first day; one in arrears in the run that
holds its last day. What was due before and is different now, because a price, a start or an end was changed back in
time, becomes a correction that names the invoice it corrects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.ids import ServiceId
from domain.invoicing.bill_run import BilledFees, FeeKey
from domain.invoicing.proration import Priced, covers, fee_periods
from domain.money import round_to
from domain.period import Period

LOOKBACK_MONTHS: Final = 36  # how far back a change becomes a correction: the limitation of consumers' debts


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
        year, month = divmod(self.period.start.year * 12 + self.period.start.month - 1 - LOOKBACK_MONTHS, 12)
        return max(self.since, date(year, month + 1, 1))


@dataclass(frozen=True, slots=True)
class DueFee:
    """A fee as it should be billed. ``unit_fee`` is for one of the quantity, unprorated.

    ``due`` is False where the fee exists, but is billed by a later run.
    """

    key: FeeKey
    period: Period
    quantity: int
    unit_fee: Decimal
    amount: Decimal
    due: bool


@dataclass(frozen=True, slots=True)
class FeeCharge:
    """What is left to charge for a fee: all of it, or the difference to what ``corrects`` has charged."""

    key: FeeKey
    period: Period
    quantity: int
    unit_fee: Decimal
    amount: Decimal
    corrects: str | None = None


def due_fees(contract: Contract, services: Mapping[ServiceId, Service], window: Window) -> Iterator[DueFee]:
    """Yield the fees of a contract in the window; a draft has none, a suspended contract goes on paying."""
    if contract.state is ContractState.DRAFT:
        return
    for line in contract.services:
        service = services[line.service]
        start = max(contract.start, line.start)
        ends = [end for end in (contract.end, line.end) if end is not None]
        end = min(ends) if ends else None
        if end is not None and end <= start:
            continue
        yield from _one_time(contract, service, line, start, window)
        fee = service.periodic_fee if line.periodic_fee is None else line.periodic_fee
        yield from _periodic(contract, service, line, Priced(start, end, fee), window)


def charges(due: Iterable[DueFee], billed: BilledFees, window: Window) -> list[FeeCharge]:
    """Return what is left to charge of the fees due, given what was billed for the same contracts before.

    Fees that were billed and are due no longer are taken back. Doing it twice charges nothing.
    """
    left: list[FeeCharge] = []
    seen: set[FeeKey] = set()
    for fee in due:
        seen.add(fee.key)
        before = billed.get(fee.key)
        if before is None:
            if fee.due and fee.amount:
                left.append(FeeCharge(fee.key, fee.period, fee.quantity, fee.unit_fee, fee.amount))
        elif fee.amount != before.net:
            difference = fee.amount - before.net
            left.append(FeeCharge(fee.key, fee.period, 1, abs(difference), difference, before.invoice))
    for key, before in billed.items():
        if key not in seen and before.net and window.earliest <= key.fee_start < window.fees_until:
            left.append(FeeCharge(key, _day(key.fee_start), 1, abs(before.net), -before.net, before.invoice))
    return sorted(left, key=lambda charge: charge.key)


def _one_time(
    contract: Contract, service: Service, line: ContractService, start: date, window: Window
) -> Iterator[DueFee]:
    fee = service.one_time_fee if line.one_time_fee is None else line.one_time_fee
    if fee and start >= window.earliest:
        key = FeeKey(contract.id, service.id, line.start, start, one_time=True)
        amount = round_to(fee * line.quantity, window.decimals)
        yield DueFee(key, _day(start), line.quantity, fee, amount, due=start < window.period.end)


def _periodic(
    contract: Contract, service: Service, line: ContractService, held: Priced, window: Window
) -> Iterator[DueFee]:
    bound = window.fees_until if service.in_advance else window.period.end
    first = max(held.start, window.earliest)
    if bound <= first:
        return
    price = Priced(held.start, held.end, held.fee * line.quantity)
    for fee_period in fee_periods(date(first.year, 1, 1), service.interval_months, Period(first, bound)):
        for cover in covers(fee_period, (price,), decimals=window.decimals):
            if service.in_advance and cover.period.start < window.earliest:
                continue  # paid before this system billed, or too long ago to be changed
            due = cover.period.start < bound if service.in_advance else cover.period.end <= bound
            key = FeeKey(contract.id, service.id, line.start, fee_period.start, one_time=False)
            yield DueFee(key, cover.period, line.quantity, held.fee, cover.amount, due)


def _day(day: date) -> Period:
    return Period(day, date.fromordinal(day.toordinal() + 1))
