"""Made-up payers and what they agreed, from a seed, with all that the rules of billing know mixed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.contracts.contract import Contract, ContractService, ContractState, Phase
from domain.contracts.service import CountryTax, Service, ServicePrice
from domain.contracts.subscription import Subscription
from domain.contracts.terms import Discount, DiscountOn, Terms
from domain.customers.customer import Customer, CustomerKind, Delivery
from domain.ids import ChargeId, ContractId, CustomerId, ServiceId, SubscriptionId
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import BilledFee, BilledPart, BillKind, FeeKey, UsageTotal
from domain.invoicing.billing_rules import BillingRules
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.fees import Window
from domain.invoicing.invoice import Invoice, decimals_of
from domain.invoicing.tax_rules import Taxes, TaxRules
from domain.invoicing.vat import HomeRate
from domain.operators import Operator
from domain.period import Period
from tests.invoicing.made import OPERATOR, PAYER, bill, subscription, usage

FIRST = date(2024, 7, 1)
LINE = SubscriptionId(1000)
_SELLERS = (("SE", "SEK"), ("SE", "SEK"), ("SE", "EUR"), ("SE", "ISK"), ("FI", "EUR"), ("NO", "NOK"))
_BUYERS = ("SE", "FI", "DE", "DK", "NO", "US", "GB", "EE", "SK", "RO", "AX")
_TOLD = {"FI": Decimal(10), "SE": Decimal(12), "US": Decimal(5)}


def day(r: random.Random, spread: int = 400) -> date:
    return FIRST + timedelta(days=r.randrange(spread))


def price(r: random.Random) -> Decimal:
    """Return a plain price, one in hundredths, or one with up to six decimals."""
    return r.choice(
        (
            Decimal(r.choice((1, 49, 99, 199, 299, 1200))),
            Decimal(r.randrange(1, 100_000)).scaleb(-2),
            Decimal(r.randrange(1, 10_000_000)).scaleb(-r.choice((3, 4, 6))),
        )
    )


def service(r: random.Random, key: ServiceId) -> Service:
    days = sorted({day(r) for _ in range(r.choice((0, 0, 0, 1, 3)))})
    country = r.choice(tuple(_TOLD))
    rated = r.random() < 0.5
    told = CountryTax(
        country=country, vat_category="S" if rated else "E", vat_percent=_TOLD[country] if rated else None
    )
    goods = r.random() < 0.3
    return Service(
        id=key,
        operator=OPERATOR.id,
        code=f"S{key}",
        name=f"Service {key}",
        one_time_fee=Decimal(r.randrange(30_000, 120_000)) if goods else r.choice((Decimal(0), price(r))),
        periodic_fee=r.choice((price(r), Decimal(199))),
        in_advance=r.random() < 0.6,
        interval_months=r.choice((1, 1, 1, 2, 3, 6, 12)),
        anniversary=r.random() < 0.4,
        vat_percent=Decimal(r.choice((25, 25, 25, 12, 6, 0))),
        account=r.choice(("3041", "3042")),
        product_group="phones" if goods else None,
        price_list="retail" if r.random() < 0.3 else None,
        prices=tuple(
            ServicePrice(start=one, one_time_fee=price(r), periodic_fee=r.choice((price(r), Decimal(199))))
            for one in days
        ),
        countries=(told,) if r.random() < 0.25 else (),
    )


def discount(r: random.Random, services: tuple[ServiceId, ...]) -> Discount:
    start, share = day(r), r.random() < 0.6
    return Discount(
        on=r.choice((DiscountOn.PERIODIC, DiscountOn.PERIODIC, DiscountOn.ONE_TIME)),
        start=start,
        end=start + timedelta(days=r.randrange(1, 200)) if r.random() < 0.7 else None,
        percent=Decimal(r.choice(("10", "33.333333", "50", "100", "12.5"))) if share else None,
        amount=None if share else price(r),
        service=r.choice((None, *services)),
    )


def phases(r: random.Random, start: date) -> tuple[Phase, ...]:
    """Return none, or how a contract was a draft, active, suspended and active again."""
    if r.random() < 0.6:
        return ()
    found = [Phase(start=start, state=r.choice((ContractState.ACTIVE, ContractState.DRAFT)))]
    for _ in range(r.randrange(4)):
        active = found[-1].state is ContractState.ACTIVE
        state = ContractState.SUSPENDED if active else ContractState.ACTIVE
        found.append(Phase(start=found[-1].start + timedelta(days=r.randrange(1, 60)), state=state))
    return tuple(found)


def contract(r: random.Random, key: ContractId, owner: CustomerId, services: tuple[ServiceId, ...]) -> Contract:
    start = day(r, 200)
    lines = tuple(
        ContractService(
            service=one,
            start=(since := start + timedelta(days=r.choice((0, 0, r.randrange(60))))),
            end=since + timedelta(days=r.randrange(1, 400)) if r.random() < 0.4 else None,
            quantity=r.choice((1, 1, 2, 3, 7)),
            one_time_fee=price(r) if r.random() < 0.2 else None,
            periodic_fee=price(r) if r.random() < 0.3 else None,
            subscription=LINE if r.random() < 0.25 else None,
        )
        for one in services
    )
    return Contract(
        id=key,
        operator=OPERATOR.id,
        customer=owner,
        number=f"A-{key}",
        start=start,
        end=start + timedelta(days=r.randrange(1, 500)) if r.random() < 0.4 else None,
        state=ContractState.ACTIVE,
        services=lines,
        phases=phases(r, start),
        discounts=tuple(discount(r, services) for _ in range(r.choice((0, 0, 1, 3)))),
        terms=Terms(
            interval_months=r.choice((None, None, None, 1, 3, 12)),
            anniversary=r.choice((None, None, True, False)),
            pays_suspended=r.random() < 0.5,
        ),
    )


def charge(r: random.Random, key: ChargeId, owner: CustomerId) -> Charge:
    kind = r.choice((*ChargeKind, ChargeKind.DISCOUNT))
    off, share = kind is ChargeKind.DISCOUNT, r.random() < 0.5
    late = kind in {ChargeKind.REMINDER_FEE, ChargeKind.INTEREST}
    start = day(r, 240)
    return Charge(
        id=key,
        operator=OPERATOR.id,
        customer=owner,
        kind=kind,
        text="made up",
        quantity=Decimal(1) if off else Decimal(r.choice(("1", "2", "0.5", "1.333"))),
        unit_price=None if off and share else price(r) * (1 if off or r.random() < 0.8 else -1),
        percent=Decimal(r.choice(("5", "10", "33.3333", "100"))) if share and (off or r.random() < 0.4) else None,
        vat_percent=Decimal(r.choice((25, 12, 6))),
        vat_category="E" if late or (not off and r.random() < 0.2) else None,
        account=r.choice(("3041", "3990")),
        starts=start,
        ends=start + timedelta(days=r.randrange(1, 300)) if r.random() < 0.5 else None,
        interval_months=r.choice((1, 1, 3)) if r.random() < 0.3 else None,
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


def changed(r: random.Random, one: Contract, services: tuple[ServiceId, ...]) -> Contract:
    """Return a contract with something changed, mostly back in time."""
    place = r.randrange(len(one.services))
    line = one.services[place]
    match r.randrange(5):
        case 0:
            return replace(one, end=max(day(r), one.start + timedelta(days=1)) if r.random() < 0.7 else None)
        case 1:
            line = replace(line, end=max(day(r), line.start + timedelta(days=1)) if r.random() < 0.7 else None)
        case 2:
            return replace(one, discounts=(*one.discounts, discount(r, services)))
        case 3:
            return replace(one, phases=phases(r, one.start))
        case 4:
            line = replace(line, periodic_fee=price(r), quantity=r.choice((1, 2, 5)))
    return replace(one, services=(*one.services[:place], line, *one.services[place + 1 :]))


@dataclass
class Scenario:
    """One payer with those billed through him, month after month, as a store would keep what was billed."""

    r: random.Random
    seller: Operator
    payer: Customer
    members: tuple[Customer, ...]
    services: dict[ServiceId, Service]
    contracts: dict[CustomerId, list[Contract]]
    charges: dict[CustomerId, list[Charge]]
    line: Subscription
    rules: BillingRules
    taxes: Taxes
    next: date = FIRST
    billed: dict[ContractId, dict[FeeKey, BilledFee]] = field(default_factory=dict)
    charged: dict[ChargeId, set[date]] = field(default_factory=dict)
    issued: dict[str, Invoice] = field(default_factory=dict)

    @classmethod
    def of(cls, seed: int) -> Scenario:
        r = random.Random(seed)
        country, currency = r.choice(_SELLERS)
        here = replace(OPERATOR.address, country=country)
        seller = replace(OPERATOR, country=country, currency=currency, address=here, rounds_to_krona=r.random() < 0.6)
        kind = r.choice(tuple(CustomerKind))
        payer = replace(
            PAYER,
            kind=kind,
            address=replace(PAYER.address, country=r.choice((country, country, *_BUYERS))),
            vat_id="X" if kind is CustomerKind.ORGANISATION and r.random() < 0.8 else None,
            delivery=Delivery.PDF,
        )
        members = (payer, *(replace(PAYER, id=CustomerId(11 + i), parent=payer.id) for i in range(r.choice((0, 0, 2)))))
        services = (ServiceId(1), ServiceId(2))
        away = country == "SE" and currency != "SEK"
        return cls(
            r=r,
            seller=seller,
            payer=payer,
            members=members,
            services={key: service(r, key) for key in services},
            contracts={
                one.id: [contract(r, ContractId(10 * one.id + i), one.id, services) for i in range(r.choice((0, 1, 2)))]
                for one in members
            },
            charges={
                one.id: [charge(r, ChargeId(10 * one.id + i), one.id) for i in range(r.choice((0, 0, 1, 4)))]
                for one in members
            },
            line=replace(
                subscription(LINE), activated_at=datetime(2024, 7, 1, tzinfo=UTC) + timedelta(r.randrange(200))
            ),
            rules=BillingRules(zero_invoices=r.random() < 0.3),
            taxes=Taxes(
                rules=TaxRules(
                    oss_since=day(r) if r.random() < 0.5 else None, goods_groups=("phones",) if r.random() < 0.7 else ()
                ),
                home=HomeRate("SEK", Decimal("11.2345"), FIRST, "made up") if away else None,
                home_currency="SEK" if away else None,
            ),
        )

    def bill(self) -> Bill:
        """Return what the next months' bill is made of."""
        r, start = self.r, self.next
        self.next = months = _later(start, r.choice((1, 1, 1, 3)))
        period, until = Period(start, months), _later(months, r.choice((0, 0, 0, 1)))
        made = bill(
            period=period,
            operator=self.seller,
            payer=self.payer,
            members=self.members,
            contracts=self.contracts,
            services=self.services,
            subscriptions={LINE: self.line},
            window=Window(period, until, FIRST, decimals_of(self.seller.currency)),
            usage={
                one.id: [total for held in self.contracts[one.id] for total in self._used(held)] for one in self.members
            },
            billed={key: dict(fees) for key, fees in self.billed.items()},
            charges=self.charges,
            charged={key: set(days) for key, days in self.charged.items()},
            rules=self.rules,
            taxes=self.taxes,
        )
        issued_on = months + timedelta(days=r.choice((0, 0, 3, -2)))
        return replace(made, run=replace(made.run, fees_until=until, issued_on=issued_on, kind=BillKind.REGULAR))

    def _used(self, held: Contract) -> list[UsageTotal]:
        r, found = self.r, []
        for _ in range(r.choice((0, 0, 1, 3))):
            amount = r.choice((0, r.randrange(-(10**7), 10**9), 5000 * r.randrange(1, 999)))
            late = r.random() < 0.2
            more: dict[str, Any] = {"late": late, "first": _later(self.next, -4) if late else self.next}
            found.append(
                usage(
                    amount,
                    customer=held.customer,
                    contract=held.id,
                    subscription=SubscriptionId(r.choice((1, 2))),
                    mode=r.choice(("voice", "sms", "data")),
                    group=r.choice("ABC"),
                    currency=self.seller.currency,
                    events=r.randrange(1, 99),
                    used=r.randrange(9999),
                    **more,
                )
            )
        return found

    def keep(self, made: Invoice) -> None:
        """Keep an invoice as issued."""
        number = f"{len(self.issued) + 1}"
        self.issued[number] = replace(made, number=number)
        for line in made.lines:
            if line.fee is not None:
                fees = self.billed.setdefault(line.fee.contract, {})
                before = fees.get(line.fee, BilledFee(Decimal(0), number))
                parts = (*before.parts, BilledPart(line.period, line.net, number))
                fees[line.fee] = BilledFee(before.net + line.net, number, parts)
            if line.charge is not None:
                self.charged.setdefault(line.charge, set()).add(line.period.start)

    def change(self) -> None:
        """Change something that was agreed, mostly back in time."""
        key = self.r.choice(self.members).id
        if held := self.contracts[key]:
            place = self.r.randrange(len(held))
            held[place] = changed(self.r, held[place], tuple(self.services))


def _later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, start.day)
