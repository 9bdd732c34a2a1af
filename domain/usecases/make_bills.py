"""Make the bills of a page of payers: from what was used and agreed to invoices that have no number yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.ids import CustomerId, ResellerId
from domain.intake.raters import Raters
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.bill_run import BillRun, Carried, Parked, RunPage, UsageTotal
from domain.invoicing.billing_rules import BillForm, carried_over
from domain.invoicing.elsewhere import handed_over
from domain.invoicing.fees import FeeCharge, Window
from domain.invoicing.invoice import Invoice, Look, decimals_of
from domain.operators import Operator
from domain.ports.invoices import PayerPage
from domain.ports.unit import Unit
from domain.resellers.reseller import Reseller, as_of, seller_above, selling
from domain.usecases.bill_elsewhere import Elsewhere, with_elsewhere
from domain.usecases.buy_services import with_bought
from domain.usecases.charge_bills import with_charges
from domain.usecases.correct_as_charged import assembled
from domain.usecases.load_taxes import load_taxes
from domain.usecases.state_buckets import with_buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDone:
    """A page of payers that was billed: how far the run is, what it issued, and whom it parked.

    ``billed_customers`` are those whose usage stands on the invoices, each behind its payer. ``bought`` is what stands
    on them of resellers' customers, by payer and by the customer as whom a reseller is invoiced. ``carried``: whose
    invoices are below the minimum. ``elsewhere``: what is charged to those whom another system invoices. In a dry run
    the invoices have no number.
    """

    run: BillRun
    payers_total: int
    payers: Sequence[CustomerId]
    invoices: Sequence[Invoice]
    parked: Sequence[Parked]
    billed_customers: Sequence[tuple[CustomerId, CustomerId]]
    bought: Mapping[CustomerId, Mapping[CustomerId, Sequence[FeeCharge]]] = field(default_factory=dict)
    carried: Sequence[Carried] = ()
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


Told = Callable[[PageDone], None]


async def made_page(  # noqa: PLR0917  (what its callers have)
    unit: Unit,
    run: BillRun,
    bounds: RunPage,
    operator: Operator,
    total: int,
    raters: Raters,
    *,
    as_invoices: bool = False,
) -> PageDone:
    """Make the bills of a page's payers, not yet numbered."""
    since = await unit.bill_runs.first_billed() or run.period.start
    window = Window(run.period, run.fees_until, since=since, decimals=decimals_of(operator.currency))
    page = await with_elsewhere(unit, await unit.bill_runs.payers(run, bounds), window)
    page = await _with_grants(unit, page, window)
    page = await with_buckets(unit, page, run.period.instants(operator.zone), zone=operator.zone, raters=raters)
    page = await with_bought(unit, page, window, zone=operator.zone)
    # Who sells is read off the tree of resellers as it is when the period ends.
    end = run.period.instants(operator.zone)[1] - timedelta(microseconds=1)
    page = await with_charges(unit, page, run, window, at=end)
    heads = [page.members[key][0] for key in page.payers]
    taxes = await load_taxes(unit, operator, heads, run.issued_on)
    page = replace(page, taxes=taxes, accounts=await unit.account_rules.every())
    tree = as_of(await unit.resellers.base(), await unit.resellers.terms(), end)
    drafts: list[Invoice] = []
    parked: list[Parked] = []
    carried: list[Carried] = []
    billed: list[tuple[CustomerId, CustomerId]] = []
    bought: dict[CustomerId, Mapping[CustomerId, Sequence[FeeCharge]]] = {}
    elsewhere = Elsewhere()
    bills = {key: _bill(page, key, run, operator, window, tree) for key in page.payers}
    invoiced = {key: bill for key, bill in bills.items() if as_invoices or bill.rules.form is BillForm.INVOICE}
    invoices = await assembled(unit, invoiced)
    for key, bill in bills.items():
        made = invoices[key] if key in invoices else handed_over(bill, page.bought.keys())
        if isinstance(made, Doubt):
            who = bill.payer
            parked.append(
                Parked(run=run.id, customer=key, customer_number=who.number, reason=made.reason, detail=made.detail)
            )
            continue
        if isinstance(made, Invoice):
            over = carried_over(made, bill.rules, run, page.carried.get(key))
            if over is not None:
                carried.append(over)
                continue
        mine = [member.id for member in bill.members if bill.usage.get(member.id)]
        billed += [(key, member) for member in mine]
        if made is None:
            continue
        # As the lines: of the days before a member's payer changed, nothing of what he buys is here.
        buyers = [member.id for member in bill.members if bill.pays_last(member.id)]
        sold = {buyer: page.bought[buyer] for buyer in buyers if page.bought.get(buyer)}
        if isinstance(made, Invoice):
            drafts.append(made)
            bought[key] = sold
        else:
            elsewhere.fees.extend(made)
            elsewhere.counted.extend((key, member) for member in mine if member not in page.bought)
            elsewhere.bought.update(sold)
    return PageDone(
        run=run,
        payers_total=total,
        payers=page.payers,
        invoices=drafts,
        parked=parked,
        billed_customers=billed,
        bought=bought,
        carried=carried,
        elsewhere=elsewhere,
    )


def _bill(  # noqa: PLR0917  (what its caller has)
    page: PayerPage,
    key: CustomerId,
    run: BillRun,
    operator: Operator,
    window: Window,
    tree: Mapping[ResellerId, Reseller],
) -> Bill:
    members = page.members[key]
    reseller = seller_above(members[0].reseller, tree)
    seller = reseller.seller if reseller is not None else None
    return Bill(
        operator=operator if seller is None else selling(operator, seller),
        sold_by=None if reseller is None else reseller.id,
        look=None if seller is None else Look(accent=seller.accent, logo=seller.logo, note=seller.note),
        run=run,
        window=window,
        payer=members[0],
        members=members,
        contracts=page.contracts,
        services=page.services,
        subscriptions=page.subscriptions,
        usage={member.id: _used(page, member.id, key) for member in members},
        paid=page.paid.get(key, {}),
        billed=page.billed,
        granted=page.granted,
        buckets=page.buckets,
        bought=page.bought,
        charges=page.charges,
        charged=page.charged,
        unpriced=page.unpriced,
        rules=page.rules[key],
        mandated=page.mandated.get(key),
        taxes=page.taxes,
        accounts=page.accounts,
    )


def _used(page: PayerPage, customer: CustomerId, payer: CustomerId) -> Sequence[UsageTotal]:
    """Return a customer's usage of the days that a payer pays for."""
    return [total for total in page.usage.get(customer, ()) if total.payer in {None, payer}]


async def _with_grants(unit: Unit, page: PayerPage, window: Window) -> PayerPage:
    """Return a page with what was granted at a price, and the services as which that was or is billed."""
    contracts = [contract.id for each in page.contracts.values() for contract in each]
    granted = await unit.grants.charges(contracts, window.earliest, max(window.fees_until, window.period.end))
    wanted = {one.service for each in granted.values() for one in each if one.service is not None}
    # What was billed of a service that no contract holds any more is given back under its name.
    wanted |= {key.service for fees in page.billed.values() for key in fees}
    more = await unit.services.many(sorted(wanted - page.services.keys()))
    return replace(page, granted=granted, services={**page.services, **more})
