"""Customers: who buys and who pays.

Words: a *customer* is a person or an organisation; a *payer* is the customer that gets the invoice, the nearest one
going up the tree that is not billed through its parent.
Invariants: the tree has no cycle; identity numbers and VAT ids are checked when they are written; every change raises
``version`` by one. Does not decide: what is charged (contracts, rating), or how an invoice looks (invoicing).
"""
