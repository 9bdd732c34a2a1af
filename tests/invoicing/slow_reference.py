"""Billing as the rules say it, day by day and in fractions: slow, and sharing no arithmetic with what it checks.

``check`` works a bill out again from what it is made of (docs/invoicing.md, docs/contracts.md, docs/vat.md) and holds
an assembled invoice to it, line by line and to the last unit of its currency.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.terms import DiscountOn
from domain.customers.customer import CustomerKind
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.invoice import DocumentKind, Invoice, Line, LineKind

F = Fraction
DAY = timedelta(days=1)
Dates = tuple[date, date]
Vat = tuple[str, F, str | None]  # category, rate, and whose VAT where it is not the seller's own
_UNION = "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
UNION = frozenset(_UNION.split())
STANDARD = {
    "DE": [(date(2021, 1, 1), 19)],
    "DK": [(date(2015, 1, 1), 25)],
    "EE": [(date(2024, 1, 1), 22), (date(2025, 7, 1), 24)],
    "FI": [(date(2015, 1, 1), 24), (date(2024, 9, 1), F("25.5"))],
    "RO": [(date(2017, 1, 1), 19), (date(2025, 8, 1), 21)],
    "SE": [(date(2015, 1, 1), 25)],
    "SK": [(date(2015, 1, 1), 20), (date(2025, 1, 1), 23)],
}


def half_up(value: F, decimals: int) -> F:
    """Round half away from zero."""
    scaled = abs(value) * 10**decimals
    whole = scaled.numerator // scaled.denominator
    whole += scaled - whole >= F(1, 2)
    return F(whole if value >= 0 else -whole, 10**decimals)


def months_on(day: date, months: int) -> date:
    """Return the day so many months later, or the last of that month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def days(start: date, end: date) -> Iterator[date]:
    while start < end:
        yield start
        start += DAY


def period_of(day: date, months: int, anchor: date | None) -> Dates:
    """Return the fee period that holds a day: the calendar's, or counted from an anchor."""
    base = anchor or date(1990, 1, 1)
    index = ((day.year - base.year) * 12 + day.month - base.month) // months + 2
    while months_on(base, index * months) > day:
        index -= 1
    return months_on(base, index * months), months_on(base, (index + 1) * months)


@dataclass(frozen=True)
class Cover:
    start: date
    end: date
    amount: F


@dataclass(frozen=True)
class Held:
    """A service on a contract, with the days on which its subscription was active."""

    contract: Contract
    service: Service
    line: ContractService
    active: tuple[date, date | None] | None

    @property
    def months(self) -> int:
        return self.contract.terms.interval_months or self.service.interval_months

    @property
    def anchor(self) -> date | None:
        own = self.contract.terms.anniversary
        return self.contract.start if (self.service.anniversary if own is None else own) else None

    def runs(self, day: date) -> bool:
        spans = [(self.contract.start, self.contract.end), (self.line.start, self.line.end)]
        if self.line.subscription is not None:
            if self.active is None:
                return False
            spans.append(self.active)
        if any(day < start or (end is not None and day >= end) for start, end in spans):
            return False
        state = ContractState.DRAFT if self.contract.phases else ContractState.ACTIVE
        for phase in self.contract.phases:
            if phase.start <= day:
                state = phase.state
        free = state is ContractState.SUSPENDED and not self.contract.terms.pays_suspended
        return state is not ContractState.DRAFT and not free

    def fees_on(self, day: date) -> tuple[F, F]:
        once, periodic = self.service.one_time_fee, self.service.periodic_fee
        for price in self.service.prices:
            if price.start <= day:
                once, periodic = price.one_time_fee, price.periodic_fee
        own = (self.line.one_time_fee, self.line.periodic_fee)
        return F(once if own[0] is None else own[0]), F(periodic if own[1] is None else own[1])

    def less(self, fee: F, on: DiscountOn, day: date) -> F:
        amounts = F(0)
        for one in self.contract.discounts:
            there = one.start <= day and (one.end is None or day < one.end)
            if one.on is on and one.service in {None, self.line.service} and there:
                if one.percent is None:
                    amounts += F(one.amount or 0)
                else:
                    fee = fee * (100 - F(one.percent)) / 100
        return max(fee - amounts, F(0))

    def price(self, day: date) -> F | None:
        if not self.runs(day):
            return None
        fee = self.fees_on(day)[1] * self.line.quantity * self.months / self.service.interval_months
        return self.less(fee, DiscountOn.PERIODIC, day)

    def covers(self, period: Dates, decimals: int) -> list[Cover]:
        """Walk the days of a fee period: a cover for each run of days at one price; a whole period is the fee."""
        found: list[list[Any]] = []
        for day in days(*period):
            fee = self.price(day)
            if fee is not None and found and found[-1][1] == day and found[-1][2] == fee:
                found[-1][1] = day + DAY
            elif fee is not None:
                found.append([day, day + DAY, fee])
        whole = (period[1] - period[0]).days
        return [Cover(a, b, half_up(fee * (b - a).days / whole, decimals)) for a, b, fee in found]


def fees(held: Held, bill: Bill) -> Iterator[tuple[tuple[bool, date], list[Cover], bool]]:
    """Yield the fees that exist: whether charged once and the fee period's first day, the covers, whether due."""
    window, decimals = bill.window, bill.window.decimals
    end, until = window.period.end, window.fees_until
    begin = max(held.contract.start, held.line.start)
    first = next((day for day in days(begin, max(end, until) + 800 * DAY) if held.price(day) is not None), None)
    if first is None:
        return
    once = held.less(held.fees_on(first)[0] * held.line.quantity, DiscountOn.ONE_TIME, first)
    if once and first >= window.since:
        yield (True, first), [Cover(first, first + DAY, half_up(once, decimals))], first < end
    seen: set[Dates] = set()
    for day in days(max(first, window.since), max(end, until)):
        if (period := period_of(day, held.months, held.anchor)) in seen:
            continue
        seen.add(period)
        covers = held.covers(period, decimals)
        if covers and not (held.service.in_advance and covers[0].start < window.since):
            due = covers[0].start < until if held.service.in_advance else covers[-1].end <= end
            yield (False, period[0]), covers, due


def occurrences(charge: Charge, bill: Bill) -> Iterator[tuple[date, date, F]]:
    """Yield the times that a charge is due, with their days and amounts."""
    whole, decimals = F(charge.quantity) * F(charge.unit_price or 0), bill.window.decimals
    if charge.percent is not None and charge.kind is not ChargeKind.DISCOUNT:
        whole = whole * (100 - F(charge.percent)) / 100
    if charge.interval_months is None:
        if charge.starts < bill.window.period.end:
            yield charge.starts, charge.ends or charge.starts + DAY, half_up(whole, decimals)
        return
    index = 0
    while (start := months_on(charge.starts, index * charge.interval_months)) < bill.window.fees_until:
        index += 1
        after = months_on(charge.starts, index * charge.interval_months)
        end = min(after, charge.ends) if charge.ends else after
        if end > start:
            yield start, end, half_up(whole * (end - start).days / (after - start).days, decimals)


def vat_of(bill: Bill, percent: F, last: date, service: Service | None = None) -> Vat:
    """Return how a sale is taxed whose last day this is. Raises LookupError: the buyer's VAT id is needed."""
    seller, buyer = bill.operator.country, bill.payer.address.country
    business, on = bill.payer.kind is CustomerKind.ORGANISATION, min(last, bill.run.issued_on)
    told = service.tax_in(buyer) if service is not None else None
    if told is not None and told.vat_category == "E" and seller != buyer:
        return "E", F(0), None
    if told is not None and seller == buyer:
        percent = F(told.vat_percent or 0)
    if seller == buyer:
        return ("S", percent, None) if percent else ("E", F(0), None)
    found: Vat
    oss = bill.taxes.rules.oss_since
    if buyer not in UNION or (seller not in UNION and business):
        found = ("G", F(0), None)
    elif business:
        if not bill.payer.vat_id:
            raise LookupError("missing_vat_id")
        found = ("AE", F(0), None)
    elif oss is not None and oss <= on and percent:
        found = ("S", F([rate for day, rate in STANDARD[buyer] if day <= on][-1]), buyer)
    else:
        found = ("S", percent, None) if seller in UNION else ("G", F(0), None)
    return found if told is None or found[0] == "AE" else ("S", F(told.vat_percent or 0), buyer)


@dataclass
class Row:
    """A line as it should be; ``days`` and ``vat`` None: of a correction, which days differ is told by the line."""

    customer: int
    kind: LineKind
    key: tuple[Any, ...]
    net: F
    days: Dates | None
    vat: Vat | None
    account: str
    line: Line | None = None


def rows(bill: Bill) -> list[Row]:
    """Return what stands on the bill, before discounts on the invoice. Raises LookupError (VAT)."""
    return [row for member in bill.members for part in (_fees, _usage, _charges) for row in part(bill, member.id)]


def _active(bill: Bill, line: ContractService) -> tuple[date, date | None] | None:
    one = bill.subscriptions.get(line.subscription) if line.subscription is not None else None
    if one is None or one.activated_at is None:
        return None
    zone = ZoneInfo(bill.operator.zone)
    return one.activated_at.astimezone(zone).date(), one.ended_at and one.ended_at.astimezone(zone).date()


def _fees(bill: Bill, member: int) -> Iterator[Row]:
    for contract in bill.contracts.get(member, ()):
        before = {_name(fee): one.net for fee, one in bill.billed.get(contract.id, {}).items()}
        exist = set()
        for line in contract.services:
            service = bill.services[line.service]
            for (once, start), covers, due in fees(Held(contract, service, line, _active(bill, line)), bill):
                key = (contract.id, line.service, line.start, start, once, line.subscription or 0)
                exist.add(key)
                if key in before:
                    difference = sum((one.amount for one in covers), F(0)) - F(before[key])
                    if difference:
                        yield Row(member, LineKind.CORRECTION, key, difference, None, None, service.account)
                elif due:
                    kind = LineKind.ONE_TIME if once else LineKind.PERIODIC
                    for one in covers:
                        if one.amount or bill.rules.zero_invoices:
                            vat = vat_of(bill, F(service.vat_percent), one.end - DAY, service)
                            yield Row(member, kind, key, one.amount, (one.start, one.end), vat, service.account)
        for key, net in before.items():
            if key not in exist and net and bill.window.since <= key[3] < bill.window.fees_until:
                account = bill.services[key[1]].account
                yield Row(member, LineKind.CORRECTION, key, -F(net), None, None, account)


def _name(fee: Any) -> tuple[Any, ...]:
    return (fee.contract, fee.service, fee.held_from, fee.fee_start, fee.one_time, fee.subscription)


def _usage(bill: Bill, member: int) -> Iterator[Row]:
    contracts = {one.id: one for one in bill.contracts.get(member, ())}
    start, end = bill.run.period.start, bill.run.period.end
    for total in bill.usage.get(member, ()):
        if not total.amount_micro:
            continue
        since, until = (min(total.first, start - DAY), start) if total.late else (start, end)
        held = contracts[total.contract].services if total.contract in contracts else ()
        there = (one for one in held if one.start < until and (one.end is None or one.end > since))
        priced = next((bill.services[one.service] for one in there if bill.services[one.service].price_list), None)
        percent, account = (F(25), "3041") if priced is None else (F(priced.vat_percent), priced.account)
        key = (total.contract or None, total.subscription or None, total.mode, total.group, total.late)
        net = half_up(F(total.amount_micro, 10**6), bill.window.decimals)
        yield Row(member, LineKind.USAGE, key, net, None, vat_of(bill, percent, until - DAY, priced), account)


def _charges(bill: Bill, member: int) -> Iterator[Row]:
    kinds = {ChargeKind.REMINDER_FEE: LineKind.REMINDER_FEE, ChargeKind.INTEREST: LineKind.INTEREST}
    for charge in bill.charges.get(member, ()):
        for start, end, amount in occurrences(charge, bill) if charge.kind is not ChargeKind.DISCOUNT else ():
            if start not in bill.charged.get(charge.id, ()) and amount:
                vat: Vat = ("E", F(0), None)
                if charge.vat_category is None:
                    vat = vat_of(bill, F(charge.vat_percent), end - DAY)
                kind = kinds.get(charge.kind, LineKind.MANUAL)
                yield Row(member, kind, (charge.id, start), amount, (start, end), vat, charge.account)


def _key(line: Line, bill: Bill) -> tuple[Any, ...]:
    if line.fee is not None:
        return _name(line.fee)
    if line.charge is not None:
        return (line.charge, line.period.start)
    return (line.contract, line.subscription, line.mode, line.group, line.period.end <= bill.run.period.start)


def _vat(line: Line) -> Vat:
    return line.vat.category, F(line.vat.percent), line.vat.country


def check(bill: Bill, made: Invoice | Doubt | None) -> None:
    """Hold what a bill came to against the rules. Raises AssertionError."""
    try:
        wanted = rows(bill)
    except LookupError as no:
        reason = str(no)
    else:
        reason = None
    if reason is not None:
        assert isinstance(made, Doubt), "VAT cannot be decided"
        assert made.reason == reason
        return
    if isinstance(made, Doubt):
        assert any(row.vat is None for row in wanted), made  # the VAT of what is corrected is not known here
        return
    if made is None:
        assert not any(row.net for row in wanted)
        assert not (wanted and bill.rules.zero_invoices)
        return
    _pair(bill, wanted, [line for line in made.lines if line.kind is not LineKind.DISCOUNT])
    discounts = [line for line in made.lines if line.kind is LineKind.DISCOUNT]
    _reverse_telephones(bill, wanted)
    for row in wanted:
        assert row.line is not None
        assert row.vat is not None
        assert _vat(row.line) == row.vat, (row, row.line.vat)
        row.account = {"AE": "3308", "G": "3305"}.get(row.vat[0], row.account) if not _at_home(bill) else row.account
        assert row.line.account == row.account, (row, row.line.account)
    taken = Counter[tuple[Any, ...]]()
    for line in discounts:
        taken[line.charge, _vat(line), line.account, line.period.start] -= F(line.net)
    _discounts(bill, wanted, taken)
    _sums(bill, made)


def _at_home(bill: Bill) -> bool:
    return bill.operator.country == bill.payer.address.country


def _pair(bill: Bill, wanted: Sequence[Row], lines: Sequence[Line]) -> None:
    """Find the line of each row, and none else."""
    left = defaultdict(list)
    for line in lines:
        kind = LineKind.USAGE if line.kind is LineKind.CORRECTION and line.fee is None else line.kind
        left[line.customer, kind, _key(line, bill), F(line.net)].append(line)
    for row in wanted:
        found = left[row.customer, row.kind, row.key, row.net]
        row.line = next((line for line in found if row.days in {None, (line.period.start, line.period.end)}), None)
        assert row.line is not None, f"missing: {row}; there are {[(str(one.period), one.net) for one in found]}"
        found.remove(row.line)
        if row.vat is None:
            row.vat = _corrected(bill, row, row.line)
    assert [one for some in left.values() for one in some] == []


def _corrected(bill: Bill, row: Row, line: Line) -> Vat:
    """Return the VAT of a correction: that of what it corrects, or by the rules of the days that it is for."""
    before = bill.corrected.get(line.corrects or "")
    alike = [one for one in before.lines if one.fee == line.fee] if before is not None else []
    if alike:
        row.account = alike[0].account
        return _vat(alike[0])
    service = bill.services[row.key[1]]
    return vat_of(bill, F(service.vat_percent), line.period.end - DAY, service)


def _groups(bill: Bill, wanted: Sequence[Row]) -> dict[int, dict[tuple[Vat, str], F]]:
    """Return what discounts are taken of, by customer, VAT and account."""
    found: dict[int, dict[tuple[Vat, str], F]] = {member.id: defaultdict(F) for member in bill.members}
    for row in wanted:
        if row.kind not in {LineKind.REMINDER_FEE, LineKind.INTEREST}:
            assert row.vat is not None
            found[row.customer][row.vat, row.account] += row.net
    return found


def _discounts(bill: Bill, wanted: Sequence[Row], taken: Counter[tuple[Any, ...]] | None) -> dict[tuple[Vat, str], F]:
    """Return what discounts take off by VAT and account; ``taken`` is held to it, None: exact shares."""
    groups, off = _groups(bill, wanted), defaultdict[tuple[Vat, str], F](F)
    for member in (*bill.members[1:], bill.members[0]):
        mine = [one for one in bill.charges.get(member.id, ()) if one.kind is ChargeKind.DISCOUNT]
        for charge in sorted(mine, key=lambda one: (one.percent is None, one.id)):
            for start, parts in _discount(bill, charge, groups, member.id, taken):
                for place, part in parts.items():
                    groups[member.id][place] -= part
                    off[place] += part
                    if taken is not None and charge.percent is not None:
                        taken[charge.id, place[0], place[1], start] -= part
    assert not any((taken or {}).values()), taken
    return off


def _discount(
    bill: Bill,
    charge: Charge,
    groups: Mapping[int, Mapping[tuple[Vat, str], F]],
    member: int,
    taken: Counter[tuple[Any, ...]] | None,
) -> Iterator[tuple[date, dict[tuple[Vat, str], F]]]:
    """Yield what one discount takes off each time: per cent of each group, or an amount that they share."""

    def bases() -> dict[tuple[Vat, str], F]:
        sums: dict[tuple[Vat, str], F] = defaultdict(F)
        for customer, some in groups.items():
            for place, net in some.items() if customer == member or member == bill.payer.id else ():
                sums[place] += net
        return sums

    period, decimals, unit = bill.window.period, bill.window.decimals, F(1, 10**bill.window.decimals)
    if charge.percent is not None:
        if charge.starts < period.end and (charge.ends is None or period.end <= charge.ends):
            yield (
                period.start,
                {place: half_up(net * F(charge.percent) / 100, decimals) for place, net in bases().items()},
            )
        return
    for start, _, amount in occurrences(charge, bill):
        if start in bill.charged.get(charge.id, ()):
            continue
        there = bases()
        positive = {place: net for place, net in there.items() if net > 0}
        off, whole = max(min(amount, sum(there.values(), F(0))), F(0)), sum(positive.values(), F(0))
        if not off:
            continue
        shares = {place: off * net / whole for place, net in positive.items()}
        if taken is not None:
            exact = shares
            shares = {place: F(taken.pop((charge.id, place[0], place[1], start), F(0))) for place in positive}
            assert sum(shares.values()) == off, (charge.id, off, shares)
            for place, part in shares.items():
                assert 0 <= part <= positive[place]
                assert abs(part - exact[place]) <= len(positive) * unit
        yield start, shares


def _reverse_telephones(bill: Bill, wanted: Sequence[Row]) -> None:
    """Turn goods of more than 100,000 kronor, less discounts, to a business at home in Sweden into reverse charge."""
    goods = {key for key, one in bill.services.items() if one.product_group in bill.taxes.rules.goods_groups}
    registered = bill.payer.kind is CustomerKind.ORGANISATION and bill.payer.vat_id
    if not (goods and registered and bill.operator.country == bill.payer.address.country == "SE"):
        return
    mine = [row for row in wanted if row.line and row.line.service in goods and row.vat and row.vat[0] == "S"]
    whole, part = defaultdict[tuple[Vat, str], F](F), defaultdict[tuple[Vat, str], F](F)
    for row in wanted:
        assert row.vat is not None
        whole[row.vat, row.account] += row.net
    for row in mine:
        assert row.vat is not None
        part[row.vat, row.account] += row.net
    left = sum(part.values(), F(0))
    for place, off in _discounts(bill, wanted, None).items():
        if whole[place]:
            left -= off * part[place] / whole[place]
    if left * (F(bill.taxes.home.factor) if bill.taxes.home else 1) > F(bill.taxes.rules.goods_above):
        for row in mine:
            row.vat = ("AE", F(0), None)


def _sums(bill: Bill, made: Invoice) -> None:
    """VAT once per category on the sum of its lines, half up; the rounding to the krona apart; subtotals."""
    by: dict[Vat, F] = defaultdict(F)
    for line in made.lines:
        by[_vat(line)] += F(line.net)
    taxed = {vat: (net, half_up(net * vat[1] / 100, bill.window.decimals)) for vat, net in by.items()}
    told = [((one.treatment.category, F(one.treatment.percent), one.treatment.country), one) for one in made.vat]
    assert {vat: (F(one.taxable), F(one.tax)) for vat, one in told} == taxed
    exact = sum((net + tax for net, tax in taxed.values()), F(0))
    whole = bill.operator.rounds_to_krona and bill.operator.currency == "SEK"
    assert F(made.net) == sum(by.values())
    assert F(made.total) == (half_up(exact, 0) if whole else exact)
    assert F(made.rounding) == F(made.total) - exact
    assert (made.kind is DocumentKind.CREDIT_NOTE) == (made.total < 0)
    assert sum((made.subtotal(member.id) for member in bill.members), start=made.net * 0) == made.net
