"""Make bills, those that correct earlier invoices by how these were taxed and what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from domain.ids import CustomerId
from domain.invoicing.as_charged import numbers_of
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.invoice import CreditScope, Invoice
from domain.invoicing.lefts import Left, left_of
from domain.ports.unit import Unit

# A note of an invoice that is issued anew takes its fees along.
_DECIDED: Final = frozenset({CreditScope.WHOLE, CreditScope.PART})
# After so many bills another lane of the run has its turn, which may be issuing a page.
BETWEEN: Final = 4
Made = Invoice | Doubt | None


async def assembled(unit: Unit, bills: Mapping[CustomerId, Bill]) -> dict[CustomerId, Made]:
    """Return what each payer's bill comes to.

    Few correct anything: those are made a second time, with the invoices that they correct, and what credit notes have
    left of these.
    """
    made: dict[CustomerId, Made] = {}
    for place, (key, bill) in enumerate(bills.items()):
        made[key] = assemble(bill)
        if place % BETWEEN == 0:
            await asyncio.sleep(0)
    correcting = {key: numbers_of(bills[key], one) for key, one in made.items() if isinstance(one, Invoice)}
    wanted = sorted(set[str]().union(*correcting.values()))
    if not wanted:
        return made
    charged = await unit.invoices.by_numbers(wanted)
    lefts = await _credited(unit, charged)
    for key, numbers in correcting.items():
        mine = {number: charged[number] for number in numbers if number in charged and charged[number].customer == key}
        left = {number: lefts[number] for number in numbers if number in lefts}
        if mine or left:
            made[key] = assemble(replace(bills[key], corrected=mine, lefts=left))
    return made


async def _credited(unit: Unit, charged: Mapping[str, Invoice]) -> dict[str, Left]:
    """Return what is left of the invoices that were credited, of few that are."""
    notes = await unit.invoices.credit_notes(list(charged))
    decided = [number for number, some in notes.items() if any(note.credit in _DECIDED for note in some)]
    return {number: left_of(charged[number], await unit.invoices.correcting(number)) for number in decided}
