"""Which lines are printed, and what they come to by kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

from domain.customers.customer import CallSpecification
from domain.invoicing.invoice import Invoice, Line, LineKind, Unit
from domain.period import Period
from integrations.printing.words import Words


def by_kind(lines: Sequence[Line], said: Words) -> Iterator[tuple[str, Decimal]]:
    """Yield what fees, usage and corrections come to, where there are any."""
    kinds = {"corrections": Decimal(0), "fees": Decimal(0), "usage": Decimal(0)}
    present = set()
    for line in lines:
        kind = {LineKind.USAGE: "usage", LineKind.CORRECTION: "corrections"}.get(line.kind, "fees")
        kinds[kind] += line.net
        present.add(kind)
    for kind in ("fees", "usage", "corrections"):
        if kind in present:
            yield said[kind], kinds[kind]


def shown(invoice: Invoice, said: Words) -> Iterator[Line]:
    """Yield the lines as the customer chose: without a specification, usage is one line per contract."""
    if invoice.call_specification is not CallSpecification.NONE:
        yield from invoice.lines
        return
    for _, group in groupby(invoice.lines, key=lambda line: (line.customer, line.contract, line.vat)):
        lines = list(group)
        yield from (line for line in lines if line.kind is not LineKind.USAGE)
        usage = [line for line in lines if line.kind is LineKind.USAGE]
        if usage:
            net = sum((line.net for line in usage), Decimal(0))
            start, end = min(line.period.start for line in usage), max(line.period.end for line in usage)
            yield replace(
                usage[0],
                text=said["usage"],
                label=None,
                events=sum(line.events or 0 for line in usage),
                quantity=Decimal(1),
                unit=Unit.PIECE,
                unit_price=net,
                net=net,
                period=Period(start, end),
            )
