"""How much of fees and usage can still be given back: what was charged, less what credit notes have taken back.

A credit is a decision about its invoice, and leaves the fees on it billed; a fee that falls afterwards by a change back
in time gives back no more than the credit has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.invoicing.bill_run import BilledFees, FeeKey
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import Line, Unit
from domain.invoicing.lefts import Left

_ZERO = Decimal(0)


class Room:
    """What is left of invoices that were credited, by number; it grows less with every fee that is given back."""

    def __init__(self, lefts: Mapping[str, Left]) -> None:
        self._lefts = dict(lefts)

    def within(self, charges: Sequence[FeeCharge], billed: BilledFees) -> list[FeeCharge]:
        """Return the charges, what they give back no more than there is room for; where none is, none."""
        if not self._lefts:
            return list(charges)
        return [kept for one in charges if (kept := self._within(one, billed)) is not None]

    def usage(self, line: Line) -> Line | None:
        """Return a line of usage; what it gives back no more than is left of lines alike; None where nothing is."""
        left = self._lefts.get(line.corrects or "")
        if left is None or line.net >= 0:
            return line
        place = _place(line)
        taken = self._take_of(line.corrects or "", lambda one: _place(one) == place, -line.net)
        if taken == -line.net or not taken:
            return line if taken else None
        # It is no exact sum of events any more.
        return replace(line, quantity=Decimal(-1), unit=Unit.PIECE, unit_price=taken, net=-taken, amount_micro=None)

    def _within(self, charge: FeeCharge, billed: BilledFees) -> FeeCharge | None:
        before = billed.get(charge.key)
        if charge.amount >= 0 or before is None:
            return charge
        charged: dict[str, Decimal] = {}
        for part in before.parts:
            charged[part.invoice] = charged.get(part.invoice, _ZERO) + part.net
        if not charged.keys() & self._lefts.keys():
            return charge
        most = -charge.amount
        given = _ZERO
        for number in reversed(charged):
            given += self._take(number, charge.key, most - given, charged[number])
        return replace(charge, amount=-given, unit_fee=given) if given else None

    def _take(self, number: str, fee: FeeKey, wanted: Decimal, charged: Decimal) -> Decimal:
        """Take what is wanted, or what there is, of a fee on one invoice."""
        if number not in self._lefts:
            return min(wanted, max(charged, _ZERO))
        return self._take_of(number, lambda line: line.fee == fee, wanted)

    def _take_of(self, number: str, is_alike: Callable[[Line], bool], wanted: Decimal) -> Decimal:
        left = self._lefts[number]
        taken, nets = _ZERO, dict(left.nets)
        for line in left.lines:
            if line.net > 0 and is_alike(line):
                there = min(wanted - taken, replace(left, nets=nets).net_of(line))
                nets[line.position] -= there
                taken += there
        self._lefts[number] = replace(left, nets=nets)
        return taken


def _place(line: Line) -> tuple[object, ...]:
    """Return what usage lines alike have in common."""
    return line.mode, line.customer, line.contract, line.subscription, line.group, line.fee
