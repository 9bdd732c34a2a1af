"""Bulk: customers, contracts, subscriptions and numbers as sheets, in and out.

Words: a *sheet* has a header and rows; a *row* becomes one command, and is known again by its ``externalId``; a *fault*
is a refusal with its row. Invariants: a row does what the same command over the API does, with the same checks, audit
and events; the same row again changes nothing, other content under the same id is a fault; a preview changes nothing
and finds the same faults. Does not decide: what a command may (``domain.usecases``).
"""
