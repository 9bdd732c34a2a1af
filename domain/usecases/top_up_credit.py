"""Money that somebody who pays before he calls has paid: credit of the customer in the ledger, to be used up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import CustomerId
from domain.invoicing.invoice import decimals_of
from domain.ledger.entry import BAS, Entry, Posting
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, Conflict, NotFound
from domain.usecases.fit_contract import day_in

REFERENCE_MAX: Final = 64
AMOUNT_MAX: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpCredit:
    """``amount`` of the operator's currency was paid for a customer; ``reference``: what names that payment, once."""

    customer: CustomerId
    amount: Decimal
    reference: str


@operation(Action.WRITE_PAYMENTS)
async def top_up_credit(cmd: TopUpCredit, *, actor: Actor, begin: Begin, clock: Clock) -> Decimal:
    """Book a customer's money as his credit, and return what he has; the same reference again changes nothing.

    Refuses with: NotAllowed, BadValue, NotFound (customer), Conflict (the reference came with another amount).
    """
    check_texts(cmd)
    if not cmd.reference.isascii() or not 1 <= len(cmd.reference) <= REFERENCE_MAX:
        raise BadValue("a reference is 1 to {most} ASCII characters", most=REFERENCE_MAX, field="reference")
    async with begin(actor) as unit:
        operator = await unit.operators.own()
        if cmd.customer not in await unit.customers.many([cmd.customer]):
            raise NotFound("no customer {customer}", customer=cmd.customer, field="customer")
        # Its size first: to write 1e999999 out as a whole number takes its time.
        right = cmd.amount.is_finite() and 0 < cmd.amount <= AMOUNT_MAX
        scaled = cmd.amount.scaleb(decimals_of(operator.currency)) if right else Decimal(0)
        if not right or scaled != int(scaled):
            raise BadValue("an amount is over 0, in whole minor units", field="amount")
        key = f"topup:{cmd.reference}"
        entry = Entry(
            key=key,
            booked_on=day_in(operator, clock.now()),
            text=f"top-up {cmd.reference}",
            postings=(
                Posting(BAS.bank, operator.currency, int(scaled)),
                Posting(BAS.credit, operator.currency, -int(scaled)),
            ),
            customer=cmd.customer,
        )
        try:
            known = await unit.ledger.by_key(key)
        except NotFound:
            await unit.ledger.post([entry])
            detail = {"amount": str(cmd.amount), "reference": cmd.reference}
            await unit.audit.write("topup_credit", f"customer:{cmd.customer}", detail)
        else:
            if known.entry.customer != cmd.customer or known.entry.postings != entry.postings:
                raise Conflict("this reference was booked with another amount or customer", field="reference")
        owed = (await unit.credit.owed([cmd.customer]))[cmd.customer]
    return -Decimal(owed.get(operator.currency, 0)).scaleb(-decimals_of(operator.currency))
