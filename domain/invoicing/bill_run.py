"""A bill run: what is asked for, how far it has come, whom it parked, and what it adds up from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.ids import BillRunId, ContractId, CustomerId, OperatorId, ResellerId, ServiceId, SubscriptionId
from domain.period import Period


class BillRunState(StrEnum):
    """Running (a crash leaves it there; the same command continues it) → done."""

    RUNNING = "running"
    DONE = "done"


class BillKind(StrEnum):
    """What a run's invoices are: of a period; the last one of who leaves; up to a day, in between or when asked for."""

    REGULAR = "regular"
    FINAL = "final"
    INTERIM = "interim"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRun:
    """A run over one period. ``horizon`` is the last chunk of usage it sees; ``position`` the last payer it has done.

    ``fees_until``: periodic fees in advance are billed for fee periods that begin before this day. ``customers``
    None is everybody; where ``cycle``, ``group`` or ``reseller`` chose, they are those chosen when it began. ``again``:
    it bills whom that run parked. ``collected``: its usage is added up; ``divided``: its payers are in pages.
    ``payers = invoices + parked + nothing``; ``carried`` of the last are below the minimum.
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
    kind: BillKind = BillKind.REGULAR
    cycle: int | None = None
    group: str | None = None
    reseller: ResellerId | None = None
    again: BillRunId | None = None
    divided: bool = False
    carried: int = 0

    @property
    def asked(self) -> tuple[object, ...]:
        """What the caller asked for, which tells whether two commands are the same."""
        chosen = (self.cycle, self.group, self.reseller, self.again)
        named = self.customers if chosen == (None, None, None, None) else None
        return (self.kind, self.period, self.fees_until, chosen, named)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Payers that one worker bills in one transaction; ``last`` is the last of them and orders the pages."""

    last: CustomerId
    payers: tuple[CustomerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A payer whose bill is in doubt in a run, with a reason's code and a sentence that says what to do.

    ``settled_by``: the run that has billed him since, or parked him anew; None: he waits to be billed again.
    """

    run: BillRunId
    customer: CustomerId
    customer_number: str
    reason: str
    detail: str
    settled_by: BillRunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A payer whose invoice was below the minimum. ``since``: the first day of the first period that is carried."""

    customer: CustomerId
    run: BillRunId
    since: date
    amount: Decimal


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
