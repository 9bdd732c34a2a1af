"""A bill run: what is asked for, how far it has come, whom it parked, and what it adds up from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.ids import BillRunId, ContractId, CustomerId, OperatorId, ServiceId, SubscriptionId
from domain.period import Period


class BillRunState(StrEnum):
    """Running (a crash leaves it there; the same command continues it) → done."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRun:
    """A run over one period. ``horizon`` is the last chunk of usage it sees; ``position`` the last payer it has done.

    ``fees_until``: periodic fees in advance are billed for fee periods that begin before this day. ``customers``
    None is everybody. ``collected``: its
    usage is added up. ``payers = invoices + parked + nothing``.
    """

    id: BillRunId
    operator: OperatorId
    period: Period
    fees_until: date
    issued_on: date
    horizon: int
    state: BillRunState
    client: str
    created_at: datetime
    finished_at: datetime | None = None
    customers: tuple[CustomerId, ...] | None = None
    collected: bool = False
    position: int = 0
    payers: int = 0
    invoices: int = 0
    parked: int = 0
    nothing: int = 0
    net: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)
    total: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A payer whose bill is in doubt in a run, with a reason's code and a sentence that says what to do."""

    run: BillRunId
    customer: CustomerId
    customer_number: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """The exact sum of events that make one usage line. ``late``: they lie before the run's period.

    ``corrects``: the number of the invoice that billed these events before they were rated again. ``wholesale``: what a
    reseller buys, who is invoiced as ``customer``; it is of no contract and no subscription (0). ``payer``: who pays
    for the customer at the time of these events, where that has changed; None: whoever pays for it throughout.
    """

    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId
    mode: str
    direction: str
    group: str
    currency: str
    late: bool
    first: date
    events: int
    used: int
    amount_micro: int
    corrects: str | None = None
    wholesale: bool = False
    payer: CustomerId | None = None


@dataclass(frozen=True, slots=True, order=True)
class FeeKey:
    """Names a fee once: the service on a contract since ``held_from``, and the first day of the fee period.

    ``subscription`` is the one it is for; 0: none.
    """

    contract: ContractId
    service: ServiceId
    held_from: date
    fee_start: date
    one_time: bool
    subscription: int = 0


@dataclass(frozen=True, slots=True)
class BilledPart:
    """Days of a fee, and what was charged for them, on which invoice."""

    period: Period
    net: Decimal
    invoice: str = ""


@dataclass(frozen=True, slots=True)
class BilledFee:
    """What earlier invoices have charged for a fee, line by line, and the number of the last of them.

    ``rough``: it is a share of them, by days, so that a unit of the currency's last decimal is no difference.
    """

    net: Decimal
    invoice: str
    parts: tuple[BilledPart, ...] = ()
    rough: bool = False


BilledFees = Mapping[FeeKey, BilledFee]
