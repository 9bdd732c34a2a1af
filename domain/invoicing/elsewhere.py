"""What another system that makes a payer's invoices is given beside his rated usage.

That usage it gets from the batches of the basis, as it is rated; here it only counts for discounts. What a reseller
buys is in no batch of usage, and so stands here with its fees. Nobody is parked for what only an invoice needs (an
address, a mandate): the other system has that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from domain.basis.fee import BasisFee
from domain.ids import ContractId, CustomerId
from domain.invoicing.assembly import in_one_currency, in_order, lines_with_vat
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.bill_run import BilledFee, BilledFees, FeeKey, UsageTotal
from domain.invoicing.invoice import Line
from domain.invoicing.lines import bucket_lines
from domain.refusal import BadValue


def handed_over(bill: Bill, buyers: Collection[CustomerId]) -> list[BasisFee] | Doubt:
    """Return the lines beside usage, and the statements of buckets where there is anything to be invoiced.

    ``buyers``: members as whom a reseller is invoiced, whose usage stands here, too.
    """
    own = {key: bill.usage.get(key, ()) for key in buyers}
    if (doubt := in_one_currency(replace(bill, usage=own))) is not None:
        return doubt
    bill = replace(bill, usage={key: _at_home(totals, bill) for key, totals in bill.usage.items()})
    try:
        made, taxed = _made(bill)
    except BadValue as no:
        return Doubt("vat", no.message)
    kept = [line for line in made if line.mode is None or line.subscription is None or line.customer in buyers]
    run, currency = bill.run, bill.operator.currency
    found = [
        BasisFee(run=run.id, payer=bill.payer.id, currency=currency, period=line.period, line=line, taxed=taxed)
        for line in sorted(kept, key=in_order(bill))
    ]
    if made:
        found += [
            BasisFee(run=run.id, payer=bill.payer.id, currency=currency, period=run.period, bucket=one)
            for one in bucket_lines(bill)
        ]
    return found


def _at_home(totals: Sequence[UsageTotal], bill: Bill) -> Sequence[UsageTotal]:
    """Return the usage that discounts in the operator's currency can be taken of."""
    return [total for total in totals if total.currency == bill.operator.currency]


def _made(bill: Bill) -> tuple[list[Line], bool]:
    """Return the lines; the second tells whether their VAT could be decided.

    Refuses with: BadValue (a sale at home cannot be taxed either, so that a service says something wrong).
    """
    try:
        return lines_with_vat(bill), True
    except BadValue:
        seller = bill.operator.country
        address = replace(bill.payer.address, country=seller)
        return lines_with_vat(replace(bill, payer=replace(bill.payer, address=address, vat_id=None))), False


def both(invoiced: BilledFees, elsewhere: BilledFees) -> BilledFees:
    """Return what was charged of fees on invoices and by another system; a correction names the invoice first."""
    found: dict[FeeKey, BilledFee] = dict(invoiced)
    for key, fee in elsewhere.items():
        before = found.get(key)
        found[key] = fee if before is None else _sum(before, fee)
    return found


def _sum(invoiced: BilledFee, elsewhere: BilledFee) -> BilledFee:
    return replace(
        invoiced,
        net=invoiced.net + elsewhere.net,
        parts=(*invoiced.parts, *elsewhere.parts),
        rough=invoiced.rough or elsewhere.rough,
    )


def both_of(
    invoiced: Mapping[ContractId, BilledFees], elsewhere: Mapping[ContractId, BilledFees]
) -> dict[ContractId, BilledFees]:
    """Return both of each contract."""
    return {**invoiced, **{key: both(invoiced.get(key, {}), fees) for key, fees in elsewhere.items()}}
