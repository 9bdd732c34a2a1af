"""What bills' VAT is decided by: the operator's rules, checks of payers' VAT ids, what his currency is worth."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from domain.customers.customer import Customer
from domain.invoicing.tax_rules import Taxes, currency_at_home
from domain.invoicing.vat import HomeRate
from domain.operators import Operator
from domain.ports.unit import Unit
from domain.usecases.load_exchange import load_exchange

FACTOR_DECIMALS = 10


async def load_taxes(unit: Unit, operator: Operator, payers: Iterable[Customer], on: date) -> Taxes:
    """Return what the VAT of some payers is decided by, on documents of a day."""
    rules = await unit.taxes.rules()
    abroad = {one.vat_id for one in payers if one.vat_id and one.address.country != operator.country}
    checks = await unit.taxes.checks(sorted(abroad)) if rules.require_checked and abroad else {}
    home = currency_at_home(operator.country, on)
    if home in {None, operator.currency}:
        return Taxes(rules=rules, checks=checks)
    assert home is not None
    return Taxes(rules=rules, checks=checks, home_currency=home, home=await worth(unit, operator.currency, home, on))


async def worth(unit: Unit, currency: str, home: str, on: date) -> HomeRate | None:
    """Return what a currency is worth in another on a day; None where that is not known."""
    exchange = await load_exchange(unit, on, on, {currency, home})
    factor = exchange.factor(currency, home, on)
    if factor is None:
        return None
    rates = await unit.exchange.between(date.min, on, sorted({currency, home}))
    mine = [one for one in rates if {one.base, one.quote} == {currency, home}]
    last = max(mine, key=lambda one: one.day, default=None)
    exact = Decimal(factor.numerator) / Decimal(factor.denominator)
    return HomeRate(
        home,
        round(exact, FACTOR_DECIMALS),
        on if last is None else last.day,
        "" if last is None else last.source,
    )
