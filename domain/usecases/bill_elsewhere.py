"""Charge payers whom another system invoices: what it is given beside rated usage, and what counts as charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.basis.fee import BasisFee
from domain.ids import CustomerId
from domain.invoicing.bill_run import BillRun
from domain.invoicing.billing_rules import BillForm
from domain.invoicing.elsewhere import both_of
from domain.invoicing.fees import FeeCharge, Window
from domain.ports.invoices import PayerPage
from domain.ports.unit import Unit


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a page of payers is charged by another system.

    ``counted``: whose usage the run only counts, each behind its payer. ``bought``: as of invoices, by buyer.
    """

    fees: list[BasisFee] = field(default_factory=list)
    counted: list[tuple[CustomerId, CustomerId]] = field(default_factory=list)
    bought: dict[CustomerId, Sequence[FeeCharge]] = field(default_factory=dict)


async def invoiced_elsewhere(unit: Unit) -> dict[str, bool]:
    """Return by group of customers, '' for everybody in none of them, whether another system invoices them."""
    return {"": False} | {one.group: one.form is BillForm.BASIS for one in await unit.billing_rules.every()}


async def with_elsewhere(unit: Unit, page: PayerPage, window: Window) -> PayerPage:
    """Return a page of a bill run with what was charged of its fees by another system."""
    if not await unit.basis_fees.any():
        return page
    contracts = [contract.id for each in page.contracts.values() for contract in each]
    return replace(page, billed=both_of(page.billed, await unit.basis_fees.billed(contracts, window.oldest)))


async def keep_elsewhere(unit: Unit, run: BillRun, made: Elsewhere) -> None:
    """Keep what another system charges, for the next batch."""
    if made.fees or made.counted or made.bought:
        await unit.basis_fees.keep(run, made.fees, counted=made.counted, bought=made.bought)


async def give_back(unit: Unit, run: BillRun, *, at: datetime) -> None:
    """Let a run that has not begun to collect bill those whom no other system invoices any more, at an instant."""
    if not run.collected:
        await unit.basis_fees.give_back(run, await invoiced_elsewhere(unit), at=at)
