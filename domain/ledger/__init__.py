"""The ledger: double entry, append-only, in minor units.

Words: an *entry* is one booked event with its *postings*; debit is positive and credit negative; an entry's *key* is
the idempotency key: the same key is never booked twice. Invariants: the postings of an entry sum to zero per currency
(the database checks it again at commit); nothing is changed or removed; a reversal is a new entry that names the one
it reverses. Does not decide: what is invoiced or when.
"""
