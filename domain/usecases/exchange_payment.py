"""Exchange what was paid in another currency than the invoice's, by the operator's rate of the day it was booked on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from domain.margins.exchange import no_rate
from domain.payments.exchanging import as_rate, booked, exchanged
from domain.payments.payment import Payment, Reason
from domain.ports.unit import Unit
from domain.refusal import BadValue
from domain.usecases.applying import next_turn, rules_of
from domain.usecases.load_exchange import load_exchange


class Exchanging:
    """Exchanges payments, each rate looked up once."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rates: dict[tuple[dt.date, str, str], Decimal | None] = {}

    async def take(self, payment: Payment, currency: str) -> tuple[Payment, Reason | None]:
        """Return a payment in another currency; as it was and why, where there is no rate of its day."""
        rate = await self.rate(payment.bank_currency, currency, payment.booked_on)
        return (payment, Reason.NO_RATE) if rate is None else (exchanged(payment, currency, rate), None)

    async def rate(self, source: str, target: str, day: dt.date) -> Decimal | None:
        """Return what one unit of a currency was worth on a day; None where no rate says, or none above nothing."""
        if source == target:
            return Decimal(1)
        key = (day, source, target)
        if key not in self._rates:
            # Both currencies' rates: they may meet in a third.
            factor = (await load_exchange(self._unit, day, day, [source, target])).factor(source, target, day)
            self._rates[key] = None if factor is None else as_rate(factor) or None
        return self._rates[key]


async def exchange_held(unit: Unit, payment: Payment, currency: str, *, on: dt.date) -> Payment:
    """Exchange a booked payment that is nobody's yet, and return it as it is then; the caller writes it.

    Refuses with: BadValue (the operator's rules do not say that payments are exchanged), WrongState (no rate).
    """
    if not (await rules_of(unit)).exchange:
        raise BadValue(
            "the payment is in {currency_2} and what it is to pay in {currency}, and the rules exchange no payments",
            currency=currency,
            currency_2=payment.currency,
            field="parts",
        )
    done, lacking = await Exchanging(unit).take(payment, currency)
    if lacking is not None:
        raise no_rate(payment.bank_currency, currency, payment.booked_on)
    day = await unit.ledger.open_day(on)
    await unit.ledger.post([booked(payment, done, on=day, turn=await next_turn(unit, payment))])
    return done
