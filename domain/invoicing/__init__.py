"""Invoicing: from what was used and agreed to an invoice that never changes again.

Words: a *bill run* makes the invoices of one period; a *fee period* is the stretch of days one periodic fee pays for; a
*cover* is the part of a fee period in which the service was held at one price; a *reference* is what the payer gives
with the payment; a *parked* payer is one whose bill is in doubt, kept with the reason while the run goes on.
Invariants: covers of one service never overlap and leave no day out; a whole fee period costs the fee itself; VAT is
computed once per category on the sum of its lines; net + VAT + rounding = what is to be paid; grouping of lines never
changes a total; an issued invoice is never changed, only corrected by another that names it.
Does not decide: what a call costs (rating), how a document looks (``integrations.printing``,
``integrations.einvoice``), or where amounts are booked (ledger).
"""
