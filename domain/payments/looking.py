"""What a person should look at before a payment file is posted, though the file itself holds."""

from __future__ import annotations

import datetime as dt
from typing import Final

from domain.payments.record import Kind, PaymentFile

_MONEY: Final = frozenset({Kind.PAYMENT, Kind.DEDUCTION, Kind.PAYOUT, Kind.RETURN})
_DAYS_AHEAD: Final = 1  # a bank east of here books its next day already
_TOLD_MAX: Final = 5


def misgivings(file: PaymentFile, today: dt.date) -> tuple[str, ...]:
    """Return the file's own misgivings and those of the day it is read: money that is booked in the future."""
    ahead = [
        (number, record.date)
        for number, record in enumerate(file.records, 1)
        if record.kind in _MONEY and record.date is not None and (record.date - today).days > _DAYS_AHEAD
    ]
    told = [f"payment {number} is booked on {date}, which is still to come" for number, date in ahead[:_TOLD_MAX]]
    if len(ahead) > _TOLD_MAX:
        told.append(f"{len(ahead) - _TOLD_MAX} more are booked on days to come")
    return (*file.attention, *told)
