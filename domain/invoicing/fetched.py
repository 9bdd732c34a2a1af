"""What another system is given of the invoices: batch after batch, each once it has acknowledged the one before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.ids import InvoiceBatchId, InvoiceId, OperatorId, ResellerId
from domain.refusal import BadValue

MOST: Final = 500
# A bill's transaction is over by far within this time: what comes later than that has a key above all that were given.
SETTLED: Final = timedelta(days=1)
_CONSUMER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceBatch:
    """Documents for one ``consumer``, a name that a system gives itself; several systems have a place each.

    ``after`` is the key below which everything was given before, ``upto`` the highest of ``invoices``.
    """

    id: InvoiceBatchId
    operator: OperatorId
    consumer: str
    invoices: tuple[InvoiceId, ...]
    after: int
    upto: int
    made_at: datetime
    reseller: ResellerId | None = None
    acknowledged_at: datetime | None = None


def check_consumer(name: str) -> str:
    """Return a consumer's name. Refuses with: BadValue."""
    if not _CONSUMER.fullmatch(name):
        raise BadValue("a consumer's name has 1 to 40 letters, digits, dots, hyphens and underscores", field="consumer")
    return name
