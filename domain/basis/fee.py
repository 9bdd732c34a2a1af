"""What another system is given of a payer beside rated usage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import BillRunId, CustomerId
from domain.invoicing.invoice import BucketLine, Line
from domain.period import Period


class BasisKind(StrEnum):
    """What a line of the basis is for: what was rated, a line of an invoice, or what became of a bucket."""

    USAGE = "usage"
    PERIODIC = "periodic"
    ONE_TIME = "one_time"
    MANUAL = "manual"
    CORRECTION = "correction"
    DISCOUNT = "discount"
    REMINDER_FEE = "reminder_fee"
    INTEREST = "interest"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisFee:
    """A line that a bill run made for who is invoiced elsewhere, or what became of one of his buckets.

    Either ``line`` or ``bucket`` is there. ``id`` 0: not kept yet. ``taxed``: the line's VAT was decided here; without
    it, that of an ordinary domestic sale stands there and is told to nobody. ``period`` is the line's, or the run's.
    """

    id: int = 0
    run: BillRunId
    payer: CustomerId
    currency: str
    period: Period
    line: Line | None = None
    bucket: BucketLine | None = None
    taxed: bool = True

    @property
    def customer(self) -> CustomerId:
        """Whose it is: the payer's own or that of somebody billed through him."""
        of = self.line or self.bucket
        assert of is not None, "it is a line or a bucket's"
        return of.customer

    @property
    def kind(self) -> BasisKind:
        """What it is for: as its line, or a bucket."""
        return BasisKind.BUCKET if self.line is None else BasisKind(self.line.kind.value)


def run_named(run: BillRunId) -> str:
    """Return how a later correction names what a run made for another system.

    >>> run_named(BillRunId(12))
    'basis-12'
    """
    return f"basis-{run}"
