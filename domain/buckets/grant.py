"""What is granted beside plans, what is given away, and the operator's rules for giving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import ContractId, CustomerId, GrantId, OperatorId, ServiceId, SubscriptionId

REASON_MAX: Final = 500
AMOUNT_MAX: Final = 10**15
MONEY_SCALE: Final = 6


class GrantKind(StrEnum):
    """Bought (or given by the operator with a price of 0), received from another subscription, or for nothing."""

    TOP_UP = "top_up"
    GIFT = "gift"
    GRANT = "grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """``amount`` (units, or micro-units of money) for ``owner``, serving in ``[since, until)`` what ``bucket`` does.

    ``owner``: ``subscription:12``, ``contract:9`` or ``customer:5``. ``price`` is charged to ``contract`` on ``day`` as
    ``service``. Of a gift: ``giver``, and ``gift``: the first grant of the same gift, None in that one itself.
    """

    id: GrantId
    operator: OperatorId
    customer: CustomerId
    kind: GrantKind
    bucket: str
    owner: str
    amount: int
    since: datetime
    until: datetime
    price: Decimal = Decimal(0)
    service: ServiceId | None = None
    contract: ContractId | None = None
    day: date | None = None
    giver: SubscriptionId | None = None
    gift: GrantId | None = None
    reason: str = ""
    granted_at: datetime
    client: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """``giver`` gave ``amount`` of its allowance (bucket as it is drawn on, owner, since) to ``taker``.

    ``grant``: what the taker has of it; ``gift``: the first such grant of the gift.
    """

    customer: CustomerId
    grant: GrantId
    gift: GrantId
    bucket: str
    owner: str
    since: datetime
    giver: SubscriptionId
    taker: SubscriptionId
    amount: int
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftRules:
    """A giver makes at most ``per_month`` gifts in a calendar month, and of an allowance ``most_percent`` in all.

    ``anybody``: also to subscriptions of other customers.
    """

    per_month: int
    most_percent: int = 100
    anybody: bool = False


def shown(amount: int, unit: str) -> Decimal:
    """Return an amount as people write it: units, or money.

    >>> shown(1_500_000, "money"), shown(60, "seconds")
    (Decimal('1.500000'), Decimal('60'))
    """
    return Decimal(amount).scaleb(-MONEY_SCALE if unit == "money" else 0)
