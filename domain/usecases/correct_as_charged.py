"""Make bills, those that correct earlier invoices by how these were taxed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from domain.ids import CustomerId
from domain.invoicing.as_charged import numbers_of
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.invoice import Invoice
from domain.ports.unit import Unit

Made = Invoice | Doubt | None


async def assembled(unit: Unit, bills: Mapping[CustomerId, Bill]) -> dict[CustomerId, Made]:
    """Return what each payer's bill comes to.

    Few correct anything: those are made a second time, with the invoices that they correct.
    """
    made: dict[CustomerId, Made] = {key: assemble(bill) for key, bill in bills.items()}
    correcting = {
        key: numbers for key, one in made.items() if isinstance(one, Invoice) and (numbers := numbers_of(one))
    }
    if not correcting:
        return made
    charged = await unit.invoices.by_numbers(sorted(set().union(*correcting.values())))
    for key, numbers in correcting.items():
        mine = {number: charged[number] for number in numbers if number in charged and charged[number].customer == key}
        if mine:
            made[key] = assemble(replace(bills[key], corrected=mine))
    return made
