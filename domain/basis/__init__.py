"""Rating for another system, which has the customers and makes the invoices.

Words: an *external key* is what the other system names a customer or a line by; a *batch* is what was priced since the
batch before it, as lines per customer, line, month and kind of usage; it is *acknowledged* when the other system has it
for good. Invariants: every rated event is in exactly one batch; a batch never changes, and until it is acknowledged it
is the one that is given; the lines of all batches add up to the usage, corrections of events rated again included. It
does not decide VAT, rounding to the currency, or when anybody is invoiced.
"""
