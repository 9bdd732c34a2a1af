"""What is left of an invoice to be credited, line by line and of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from domain.invoicing.invoice import Invoice, Line, LineKind, decimals_of, settle
from domain.invoicing.vat import VatTreatment
from domain.money import round_to

K = TypeVar("K", bound=Hashable)
_ZERO = Decimal(0)
Group = tuple[VatTreatment, str]  # and the account


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """``nets``: by position; ``loose``: what was given back of no line (positive), by VAT and account.

    ``total`` is with VAT and rounding. The net that is left is the sum of ``nets`` less that of ``loose``.
    """

    lines: Sequence[Line]
    nets: Mapping[int, Decimal]
    loose: Mapping[Group, Decimal]
    total: Decimal

    @property
    def nothing(self) -> bool:
        """Tell whether all of it has been given back."""
        return not self.total or not any(self.groups().values())

    def groups(self) -> dict[Group, Decimal]:
        """Return the net that is left by VAT category and account."""
        sums: dict[Group, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            sums[line.vat, line.account] += self.nets[line.position]
        for group, net in self.loose.items():
            sums[group] -= net
        return dict(sums)

    def net_of(self, line: Line) -> Decimal:
        """Return what is left of one line: no more than is left of all with its VAT and account."""
        net, together = self.nets[line.position], self.groups()[line.vat, line.account]
        return min(net, max(together, _ZERO)) if net > 0 else net

    def after(self, lines: Iterable[Line]) -> Left:
        """Return what is left where such lines of a credit note are issued, its total left aside."""
        nets, loose = dict(self.nets), dict(self.loose)
        for line in lines:
            _take(nets, loose, line, line.corrects_line)
        rest = replace(self, nets=nets, loose=loose, total=_ZERO)
        return rest if not any(rest.groups().values()) else replace(rest, total=self.total)


def left_of(invoice: Invoice, others: Sequence[Invoice]) -> Left:
    """Return what is left of an invoice; ``others`` are all documents with a line that corrects it.

    What a bill run gave back by a correction line counts as what was credited; what it charged more does not.
    """
    nets = {line.position: line.net for line in invoice.lines}
    loose: dict[Group, Decimal] = defaultdict(Decimal)
    total = invoice.total
    for other in others:
        if other.replaces is not None:
            continue  # it says again what the one it stands for said
        mine = [line for line in other.lines if line.corrects == invoice.number]
        if other.credit is None:
            mine = [line for line in mine if line.net < 0]
            given = settle(((line.vat, line.net) for line in mine), decimals=decimals_of(invoice.currency)).total
        else:
            given = other.total
        total = max(total + given, _ZERO) if invoice.total >= 0 else total + given
        for line in mine:
            _take(nets, loose, line, line.corrects_line or _found(invoice, line))
    return Left(lines=invoice.lines, nets=nets, loose=dict(loose), total=total)


def spread(amount: Decimal, weights: Mapping[K, Decimal], places: int) -> dict[K, Decimal]:
    """Spread an amount by weights that are more than 0, so that the parts sum to it exactly.

    >>> spread(Decimal("1.00"), {"a": Decimal(1), "b": Decimal(2)}, 2)
    {'a': Decimal('0.33'), 'b': Decimal('0.67')}
    """
    whole, done, spent = sum(weights.values(), _ZERO), _ZERO, _ZERO
    found = {}
    for key, weight in weights.items():
        done += weight
        upto = round_to(amount * done / whole, places)
        found[key], spent = upto - spent, upto
    return found


def _take(nets: dict[int, Decimal], loose: dict[Group, Decimal], line: Line, position: int | None) -> None:
    """Take what a line gives back off the line it is of; what that has no room for off the whole."""
    before = nets.get(position, _ZERO) if position is not None else _ZERO
    rest = before + line.net
    if position is None or (before and rest and (rest > 0) != (before > 0)) or (not before and line.net):
        rest = before if position is None else _ZERO
        taken = before - rest
        group = (line.vat, line.account)
        loose[group] = loose.get(group, _ZERO) - line.net - taken
    if position is not None:
        nets[position] = rest


def _found(invoice: Invoice, line: Line) -> int | None:
    """Return the position of the line that a bill run's correction is of; None where there is none such."""
    if line.fee is not None:
        return next((one.position for one in invoice.lines if one.fee == line.fee), None)
    place = (line.customer, line.contract, line.subscription, line.mode, line.group)
    same = (
        one.position
        for one in invoice.lines
        if one.kind is LineKind.USAGE and (one.customer, one.contract, one.subscription, one.mode, one.group) == place
    )
    return next(same, None)
