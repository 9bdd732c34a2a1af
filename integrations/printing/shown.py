"""Which lines are printed, and what they come to by kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

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
    """Yield the lines as the customer chose: without a specification, usage is one line per contract and rate."""
    if invoice.call_specification is not CallSpecification.NONE:
        yield from invoice.lines
        return
    traffic: dict[object, list[Line]] = {}
    for line in invoice.lines:
        if line.kind is LineKind.USAGE:
            traffic.setdefault(_owner(line), []).append(line)
    for line in invoice.lines:
        if line.kind is not LineKind.USAGE:
            yield line
        elif usage := traffic.pop(_owner(line), None):  # all of it, where the first of it stands
            net = sum((each.net for each in usage), Decimal(0))
            start, end = min(each.period.start for each in usage), max(each.period.end for each in usage)
            yield replace(
                line,
                text=said["usage"],
                label=None,
                events=sum(each.events or 0 for each in usage),
                quantity=Decimal(1),
                unit=Unit.PIECE,
                unit_price=net,
                net=net,
                period=Period(start, end),
            )


def _owner(line: Line) -> object:
    return line.customer, line.contract, line.vat
