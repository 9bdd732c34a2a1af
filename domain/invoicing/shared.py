"""Which of a contract's fees are whose, where its customer has changed payer: by the day.

What is invoiced stays with whom it was invoiced: a fee that was billed in advance for days after a move is not taken
back from who paid it. What comes after, also a correction, is each payer's own for his days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.customers.staying import Days, holds
from domain.invoicing.bill_run import BilledFee, BilledFees, BilledPart, FeeKey
from domain.invoicing.fees import DueFee, day_before
from domain.money import round_to

_NOTHING: Final = Decimal(0)


def mine(billed: BilledFees, paid: Sequence[Days], *, decimals: int) -> dict[FeeKey, BilledFee]:
    """Return what was charged for the days that one payer pays for, whoever was charged; fees without any left out."""
    found: dict[FeeKey, BilledFee] = {}
    for key, fee in billed.items():
        parts = [part for one in fee.parts for part in _parts(key, one, paid)]
        if not parts:
            continue
        rough = not {part.net for part in parts} <= {one.net for one in fee.parts}
        net = sum((part.net for part in parts), _NOTHING)
        found[key] = BilledFee(round_to(net, decimals) if rough else net, parts[-1].invoice, tuple(parts), rough)
    return found


def bought_then(fees: Iterable[DueFee], paid: Sequence[Days]) -> Iterator[DueFee]:
    """Yield the fees of single days that one payer pays for."""
    return (fee for fee in fees if holds(paid, fee.parts[0].period.start))


def _parts(key: FeeKey, one: BilledPart, paid: Sequence[Days]) -> Iterator[BilledPart]:
    if key.one_time:
        # What was left of a binding is a fee of the contract's last day, though it names the days after it.
        day = one.period.start if one.period.days == 1 else day_before(key.fee_start)
        if holds(paid, day):
            yield one
        return
    for days in paid:
        part = one.period.overlap(*days)
        if part == one.period:
            yield one
        elif part is not None:
            yield replace(one, period=part, net=one.net * part.days / one.period.days)
