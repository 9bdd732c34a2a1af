"""A quote, its lines and its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.contracts.contract import ContractService
from domain.contracts.service import BundlePart, Service
from domain.contracts.terms import Discount, Terms, check_discounts, check_terms
from domain.ids import ContractId, CustomerId, OperatorId, QuoteId, ResellerId, ServiceId
from domain.refusal import BadValue, WrongState

LINES_MAX = 200


class QuoteState(StrEnum):
    """Draft → sent → accepted, declined or expired."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"


NEXT_STATES: dict[QuoteState, frozenset[QuoteState]] = {
    QuoteState.DRAFT: frozenset({QuoteState.SENT}),
    QuoteState.SENT: frozenset({QuoteState.ACCEPTED, QuoteState.DECLINED, QuoteState.EXPIRED}),
    QuoteState.ACCEPTED: frozenset(),
    QuoteState.DECLINED: frozenset(),
    QuoteState.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A service that is offered. A fee of None is the service's own until the quote is sent, which fixes it.

    ``parts``: those of a bundle that was sent, with their fees.
    """

    service: ServiceId
    quantity: int = 1
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    parts: tuple[BundlePart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An offer that can be accepted up to and including ``valid_until``. ``contract``: what it has become.

    ``start``: when the contract begins; None: on the day it is accepted.
    """

    id: QuoteId
    operator: OperatorId
    customer: CustomerId
    number: str
    valid_until: date
    state: QuoteState = QuoteState.DRAFT
    start: date | None = None
    lines: tuple[QuoteLine, ...] = ()
    terms: Terms = Terms()  # noqa: RUF009  (frozen)
    discounts: tuple[Discount, ...] = ()
    price_list: str | None = None
    text: str | None = None
    reseller: ResellerId | None = None
    contract: ContractId | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    reason: str | None = None
    version: int = 1

    def state_on(self, day: date) -> QuoteState:
        """Return its state on a day: one that was sent has expired the day after it was valid."""
        over = self.state is QuoteState.SENT and day > self.valid_until
        return QuoteState.EXPIRED if over else self.state

    def stepped(self, state: QuoteState, on: date) -> Quote:
        """Return it in another state. Refuses with: WrongState, naming what is possible."""
        before = self.state_on(on)
        if state not in NEXT_STATES[before]:
            possible = ", ".join(sorted(NEXT_STATES[before])) or "nothing more"
            raise WrongState(
                "a quote that is {before} cannot become {after}; possible: {possible}",
                before=before,
                after=state,
                possible=possible,
                field="state",
            )
        return replace(self, state=state)

    def priced(self, services: Mapping[ServiceId, Service], on: date) -> Quote:
        """Return it with every fee fixed at what it is on a day, and that of every part that ``services`` has."""
        lines = []
        for line in self.lines:
            once, periodic = services[line.service].fees_on(on)
            parts = [part for part in services[line.service].parts if part.service in services]
            lines.append(
                replace(
                    line,
                    one_time_fee=once if line.one_time_fee is None else line.one_time_fee,
                    periodic_fee=periodic if line.periodic_fee is None else line.periodic_fee,
                    parts=line.parts or tuple(_priced(part, services[part.service], on) for part in parts),
                )
            )
        return replace(self, lines=tuple(lines))

    def agreed(self, start: date) -> tuple[ContractService, ...]:
        """Return its lines as a contract's from a day on."""
        return tuple(
            ContractService(
                service=line.service,
                start=start,
                quantity=line.quantity,
                one_time_fee=line.one_time_fee,
                periodic_fee=line.periodic_fee,
            )
            for line in self.lines
        )


def _priced(part: BundlePart, service: Service, on: date) -> BundlePart:
    once, periodic = service.fees_on(on)
    return replace(
        part,
        one_time_fee=once if part.one_time_fee is None else part.one_time_fee,
        periodic_fee=periodic if part.periodic_fee is None else part.periodic_fee,
    )


@dataclass(frozen=True, slots=True)
class QuoteSums:
    """What a quote comes to without VAT and discounts: once, and per month."""

    one_time: Decimal
    monthly: Decimal


def sums(quote: Quote, services: Mapping[ServiceId, Service], on: date) -> QuoteSums:
    """Add a quote's lines up, at the prices of a day where they are not fixed."""
    once = monthly = Decimal(0)
    for line in quote.priced(services, on).lines:
        once += (line.one_time_fee or Decimal(0)) * line.quantity
        monthly += (line.periodic_fee or Decimal(0)) * line.quantity / services[line.service].interval_months
    return QuoteSums(once, monthly.quantize(Decimal("0.000001")))


def check(quote: Quote) -> Quote:
    """Return the quote. Refuses with: BadValue, naming the field."""
    if not quote.number.strip() or len(quote.number) > 40:
        raise BadValue("a quote's number has 1 to {most} characters", most=40, field="number")
    if not 1 <= len(quote.lines) <= LINES_MAX:
        raise BadValue("a quote has 1 to {most} lines", most=LINES_MAX, field="lines")
    if len({line.service for line in quote.lines}) != len(quote.lines):
        raise BadValue("each service stands once; give a quantity", field="lines")
    check_terms(quote.terms)
    check_discounts(quote.discounts)
    return quote
